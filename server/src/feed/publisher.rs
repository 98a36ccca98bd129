//! One feed's lane turns to the hub: what is wanted, what changed, and snapshots for those who wait.
//!
//! Each update is made once for all who follow it, and encoded once in each form. Not here: what an update holds
//! (`market`), queues and history (`hub`).

use std::{collections::BTreeMap, sync::Arc};

use hub::hub::{ActiveStream, Hub, Published};
use market::View;
use model::time::Now;
use topics::{channels::TopicData, lane::Lane, topic::Topic};
use venues::session::Session;
use wire::{
    encoded::EncodedItem,
    message::{Item, ItemKind},
};

/// What the hub carries: an item with its bytes, shared by all who get it.
pub type Payload = Arc<EncodedItem>;

/// Publishes one feed's topics.
#[derive(Debug)]
pub struct Publisher {
    hub: Hub<Payload>,
    owner: Arc<str>,
    /// Topics by stream number, so that their text is read once and not every turn.
    topics: BTreeMap<u32, Topic>,
}

impl Publisher {
    /// For the feed that owns the streams of `owner`.
    pub fn new(hub: Hub<Payload>, owner: &str) -> Self {
        Self { hub, owner: owner.into(), topics: BTreeMap::new() }
    }

    /// The feed's state jumped: positions end, and whoever follows gets a reset and a snapshot at the next turn.
    pub fn restart(&mut self, view: &mut View) {
        self.hub.retire(&self.owner);
        for topic in std::mem::take(&mut self.topics).into_values() {
            Lane::ALL.into_iter().for_each(|lane| view.stop_topic(&topic, lane));
        }
    }

    /// One lane's turn.
    pub fn turn(&mut self, lane: Lane, view: &mut View, session: &dyn Session, now: Now) {
        let demand = self.hub.take_demand(&self.owner, lane.index(), now.monotonic.since_zero());
        for text in &demand.stopped {
            // Subscriptions are made of topics only, so the text always reads.
            if let Ok(topic) = Topic::parse(text) {
                view.stop_topic(&topic, lane);
                self.topics.retain(|_, known| *known != topic);
            }
        }
        let mut streams = BTreeMap::new();
        for active in demand.active {
            let Some(topic) = self.topic(&active) else { continue };
            if active.is_new {
                view.start_topic(&topic, lane);
            }
            streams.insert(topic, active);
        }
        let (health, books) = (session.health(), session.books());
        // Also where nobody follows anything: the view keeps its rates and ages by its turns.
        let deltas = view.turn(lane, now, health, books).into_iter().filter_map(|(topic, data)| {
            let active = streams.get_mut(&topic)?;
            active.offset += 1;
            Some(publish(ItemKind::Delta, active, topic, data))
        });
        self.hub.publish(deltas.collect());
        for (topic, active) in streams.into_iter().filter(|(_, active)| active.is_waiting) {
            // None where there is nothing to show yet (history under way): it goes on waiting.
            if let Some(data) = view.snapshot(&topic, lane) {
                self.hub.snapshot(publish(ItemKind::Snapshot, &active, topic, data));
            }
        }
    }

    fn topic(&mut self, active: &ActiveStream) -> Option<Topic> {
        if let Some(topic) = self.topics.get(&active.stream) {
            return Some(topic.clone());
        }
        let topic = Topic::parse(&active.topic).ok()?;
        self.topics.insert(active.stream, topic.clone());
        Some(topic)
    }
}

impl Drop for Publisher {
    fn drop(&mut self) {
        self.hub.retire(&self.owner);
    }
}

/// The item at the stream's offset, ready for the hub.
pub fn publish(kind: ItemKind, active: &ActiveStream, topic: Topic, data: TopicData) -> Published<Payload> {
    let item = EncodedItem::new(Item { kind, stream: active.stream, topic, offset: active.offset, data });
    let size_bytes = item.size_bytes();
    Published { stream: active.stream, offset: active.offset, payload: Arc::new(item), size_bytes }
}
