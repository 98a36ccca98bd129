//! An owner of topics, its lanes and the hub: who follows what, what changed, and snapshots for those who wait.
//!
//! Each update is made once for all who follow it, and encoded once in each form. Feeds, the replay and the server itself
//! publish through this; each brings a [`TopicSource`]. Not here: what an update holds (`market`, `server_topics`), queues
//! and history (`hub`).

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use hub::hub::{ActiveStream, Hub, Published, StreamKind, StreamSpec};
use model::{time::Now, trading::account::AccountId};
use tokio::time::Instant;
use topics::{channels::TopicData, lane::Lane, source::TopicSource, subject::Subject, topic::Topic};
use wire::{
    encoded::EncodedUpdate,
    message::{Epoch, Update, UpdateKind},
};

use crate::{clock::Clock, metrics::counters::LaneTimes};

/// The hub's item: an update with its bytes, shared by all who get it.
pub type SharedUpdate = Arc<EncodedUpdate>;

/// Makes owners of topics at the server's hub, each with an epoch of its own. Clones share everything.
#[derive(Clone, Debug)]
pub struct Publishing {
    hub: Hub<SharedUpdate>,
    run: Arc<str>,
    n_epochs: Arc<AtomicU64>,
    /// Subscribers that are parts of the server itself.
    n_own_readers: Arc<AtomicU64>,
    lane_times: LaneTimes,
}

impl Publishing {
    /// Names this run of the server after the moment of its start and, for two that start at once, its process.
    pub fn new(hub: Hub<SharedUpdate>, clock: Clock) -> Self {
        let run = format!("{:x}-{:x}", clock.now().wall.as_nanos().unsigned_abs(), std::process::id());
        Self {
            hub,
            run: run.into(),
            n_epochs: Arc::default(),
            n_own_readers: Arc::default(),
            lane_times: LaneTimes::default(),
        }
    }

    /// Returns the hub.
    pub fn hub(&self) -> &Hub<SharedUpdate> {
        &self.hub
    }

    /// Returns how long turns of the lanes took.
    pub fn lane_times(&self) -> &LaneTimes {
        &self.lane_times
    }

    /// Notes whether signals and alerts read topics: they are no client.
    pub fn set_own_reader(&self, is_reading: bool) {
        self.n_own_readers.store(u64::from(is_reading), Ordering::Relaxed);
    }

    /// Returns the number of clients.
    pub fn n_clients(&self) -> u64 {
        let n_subscribers = u64::try_from(self.hub.stats().n_subscribers).unwrap_or(u64::MAX);
        n_subscribers.saturating_sub(self.n_own_readers.load(Ordering::Relaxed))
    }

    /// Returns the epoch of the server's own topics.
    pub fn epoch(&self) -> Epoch {
        Epoch::new(&self.run)
    }

    /// Makes the owner of a venue's topics: its feed or its replay.
    pub fn own(&self, venue: &str) -> TopicOwner {
        TopicOwner::begin(self.clone(), venue, self.next_epoch())
    }

    /// Makes the owner of the topics that no feed owns.
    pub fn own_as_server(&self) -> TopicOwner {
        TopicOwner::begin(self.clone(), SERVER, self.epoch())
    }

    /// Makes the owner of the desk's topics. A restart is another epoch: its offsets begin again.
    pub fn own_as_desk(&self) -> TopicOwner {
        TopicOwner::begin(self.clone(), DESK, self.next_epoch())
    }

    /// Makes the owner of the topics of the replay's account.
    pub fn own_as_replay_desk(&self) -> TopicOwner {
        TopicOwner::begin(self.clone(), REPLAY_DESK, self.next_epoch())
    }

    /// Makes the owner of the topics of signals and alerts.
    pub fn own_as_alerts(&self) -> TopicOwner {
        TopicOwner::begin(self.clone(), ALERTS, self.next_epoch())
    }

    fn next_epoch(&self) -> Epoch {
        Epoch::new(&format!("{}-{:x}", self.run, self.n_epochs.fetch_add(1, Ordering::Relaxed)))
    }
}

/// The name of the server as an owner; no venue can have it.
pub const SERVER: &str = "@server";
/// The name of the trading desk as an owner.
pub const DESK: &str = "@desk";
/// The name of signals and alerts as an owner.
pub const ALERTS: &str = "@alerts";
/// The name of the replay's desk as an owner.
pub const REPLAY_DESK: &str = "@replay-desk";

/// Returns the hub's stream of a topic on a lane: each venue's feed owns its topics, the desks those of their accounts, the
/// server the rest.
pub fn spec(topic: &Topic, lane: Lane) -> StreamSpec {
    StreamSpec {
        topic: topic.to_string().into(),
        owner: match topic.subject() {
            Subject::Instrument(instrument) => instrument.venue().as_str().into(),
            Subject::Account(name) if is_replay(name) => Arc::from(REPLAY_DESK),
            Subject::Account(_) => Arc::from(DESK),
            Subject::Server if is_of_alerts(topic) => Arc::from(ALERTS),
            Subject::Server | Subject::Pair(_) => Arc::from(SERVER),
        },
        lane: lane.index(),
        kind: if topic.is_state() { StreamKind::State } else { StreamKind::Event },
    }
}

fn is_of_alerts(topic: &Topic) -> bool {
    [Topic::SIGNALS, Topic::ALERTS, Topic::RULES, Topic::ALERT_CHANNELS].contains(topic)
}

/// Returns true for the account of the recording that plays.
pub(crate) fn is_replay(account: &str) -> bool {
    AccountId::parse(account).is_ok_and(|account| account.is_replay())
}

/// One owner of topics at the hub.
#[derive(Debug)]
pub struct TopicOwner {
    publishing: Publishing,
    name: Arc<str>,
    epoch: Epoch,
    /// Topics by stream number, so that their text is read once and not every turn.
    topics: BTreeMap<u32, Topic>,
}

impl TopicOwner {
    fn begin(publishing: Publishing, name: &str, epoch: Epoch) -> Self {
        publishing.hub.begin(name, epoch.as_str());
        Self { publishing, name: name.into(), epoch, topics: BTreeMap::new() }
    }

    /// The owner's state jumped: positions end, and whoever follows gets a snapshot of a new epoch at the next turn.
    pub fn restart(&mut self, source: &mut impl TopicSource) {
        self.epoch = self.publishing.next_epoch();
        self.publishing.hub.begin(&self.name, self.epoch.as_str());
        for topic in std::mem::take(&mut self.topics).into_values() {
            Lane::ALL.into_iter().for_each(|lane| source.stop(&topic, lane));
        }
    }

    /// Makes one lane's turn; returns how many changes it published.
    pub fn turn(&mut self, lane: Lane, source: &mut impl TopicSource, now: Now) -> usize {
        let begun = Instant::now();
        let demand = self.publishing.hub.take_demand(&self.name, lane.index(), now.monotonic.since_zero());
        for text in &demand.stopped {
            // Subscriptions are made of topics only, so the text always reads.
            if let Ok(topic) = Topic::parse(text) {
                source.stop(&topic, lane);
                self.topics.retain(|_, known| *known != topic);
            }
        }
        let mut streams = BTreeMap::new();
        for active in demand.active {
            let Some(topic) = self.topic(&active) else { continue };
            if active.is_new {
                source.start(&topic, lane);
            }
            streams.insert(topic, active);
        }
        // Also where nobody follows anything: a view keeps its rates and ages by its turns.
        let deltas = source.turn(lane, now).into_iter().filter_map(|(topic, data)| {
            let active = streams.get_mut(&topic)?;
            active.offset += 1;
            Some(published(UpdateKind::Delta, None, active, topic, data))
        });
        let report = self.publishing.hub.publish(deltas.collect());
        for (topic, active) in streams.into_iter().filter(|(_, active)| active.is_waiting) {
            // None where there is nothing to show yet (history under way): it goes on waiting.
            if let Some(data) = source.snapshot(&topic, lane) {
                let epoch = Some(self.epoch.clone());
                self.publishing.hub.snapshot(published(UpdateKind::Snapshot, epoch, &active, topic, data));
            }
        }
        self.publishing.lane_times.record(lane, begun.elapsed());
        report.n_published
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

impl Drop for TopicOwner {
    fn drop(&mut self) {
        self.publishing.hub.retire(&self.name, self.epoch.as_str());
    }
}

/// The update at the stream's offset, ready for the hub.
fn published(
    kind: UpdateKind,
    epoch: Option<Epoch>,
    active: &ActiveStream,
    topic: Topic,
    data: TopicData,
) -> Published<SharedUpdate> {
    let update = EncodedUpdate::new(Update { kind, epoch, topic, offset: active.offset, data });
    let size_bytes = update.size_bytes();
    Published { stream: active.stream, offset: active.offset, payload: Arc::new(update), size_bytes }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use futures::FutureExt;
    use hub::{
        config::HubConfig,
        subscriber::{DeliveryKind, ResetReason, Resume},
    };
    use topics::channels::status::StatusData;

    use super::*;

    #[test]
    fn each_topic_has_one_owner() {
        let owner = |text: &str| spec(&Topic::parse(text).unwrap(), Lane::Fast).owner.to_string();
        assert_eq!(owner("quote:demo:AAABBB"), "demo");
        assert_eq!(owner("status"), SERVER);
        assert_eq!(["signals", "alerts", "rules"].map(owner), [ALERTS; 3]);
        assert_eq!(owner("consolidated:all:AAA/BBB"), SERVER);
        assert_eq!(spec(&Topic::parse("tape:demo:A").unwrap(), Lane::Fast).kind, StreamKind::Event);
        assert_eq!(spec(&Topic::parse("book:demo:A").unwrap(), Lane::Fast).kind, StreamKind::State);
    }
    /// A source that counts what it is asked for.
    #[derive(Default)]
    struct Counting(RefCell<BTreeMap<Topic, usize>>);

    impl TopicSource for Counting {
        fn start(&mut self, _topic: &Topic, _lane: Lane) {}

        fn stop(&mut self, _topic: &Topic, _lane: Lane) {}

        fn turn(&mut self, _lane: Lane, _now: Now) -> Vec<(Topic, TopicData)> {
            Vec::new()
        }

        fn snapshot(&self, topic: &Topic, _lane: Lane) -> Option<TopicData> {
            *self.0.borrow_mut().entry(topic.clone()).or_default() += 1;
            Some(TopicData::Status(StatusData::default()))
        }
    }

    /// As many as return at once after a restart of the server, with positions of the run before.
    #[test]
    fn thousands_who_return_share_one_snapshot_of_each_topic() {
        let clock = Clock::start();
        let publishing = Publishing::new(Hub::new(HubConfig::default()), clock);
        let mut owner = publishing.own("demo");
        let topics = ["quote:demo:A", "quote:demo:B", "book:demo:A"].map(|text| Topic::parse(text).unwrap());
        let readers: Vec<_> = (0..2_000).map(|_| publishing.hub().connect().unwrap()).collect();
        for reader in &readers {
            for topic in &topics {
                let outcome = reader.resume(&spec(topic, Lane::Fast), "the run before", 7).unwrap();
                assert!(matches!(outcome, Resume::Reset { reason: ResetReason::EpochChanged, .. }));
            }
        }
        let mut source = Counting::default();
        owner.turn(Lane::Fast, &mut source, clock.now());
        assert_eq!(source.0.into_inner(), topics.map(|topic| (topic, 1)).into());
        let mut pointers = BTreeMap::new();
        for reader in &readers {
            let batch = reader.next_batch(usize::MAX, |_| 1).now_or_never().unwrap().unwrap();
            assert_eq!(batch.len(), 3);
            for delivery in batch {
                assert_eq!(delivery.kind, DeliveryKind::Snapshot);
                let known = *pointers.entry(delivery.stream).or_insert(Arc::as_ptr(&delivery.payload));
                assert_eq!(known, Arc::as_ptr(&delivery.payload), "the same bytes for all");
            }
        }
    }
}
