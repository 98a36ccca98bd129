//! The topics that no feed owns: `status` gathers how all feeds fare, `consolidated` the best of all venues, `system`
//! says how the server does.
//!
//! One task; feeds leave their newest status in a cell each, so nothing can pile up here. Not here: what a status is, and
//! which venues count (`market`).

use std::{cell::OnceCell, collections::BTreeMap, time::Duration};

use hub::hub::Hub;
use market::{
    StatusLane,
    consolidated::{VenueTop, consolidate},
};
use model::time::{Monotonic, Now};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;
use topics::{
    channels::{TopicData, consolidated::ConsolidatedData, system::SystemData},
    lane::Lane,
    payload::Merge,
    topic::Topic,
};
use wire::message::ItemKind;

use crate::{
    clock::Clock,
    feed::{
        handle::Feeds,
        publisher::{Payload, publish},
    },
    notices::Notices,
};

/// Who owns the server_topics's streams; no venue can have this name.
pub const OWNER: &str = "@server";

/// Publishes until `stop`.
pub async fn run(hub: Hub<Payload>, feeds: Feeds, notices: Notices, clock: Clock, stop: CancellationToken) {
    let mut server_topics = ServerTopics { hub, feeds, notices, clock, lanes: Default::default() };
    let mut turns = tokio::time::interval(Lane::Fast.period());
    turns.set_missed_tick_behavior(MissedTickBehavior::Skip);
    for n_turns in 0_u64.. {
        tokio::select! {
            biased;
            () = stop.cancelled() => break,
            _ = turns.tick() => server_topics.turn(n_turns),
        }
    }
}

struct ServerTopics {
    hub: Hub<Payload>,
    feeds: Feeds,
    notices: Notices,
    clock: Clock,
    lanes: [BoardLane; Lane::ALL.len()],
}

/// What one lane has published.
#[derive(Default)]
struct BoardLane {
    status: StatusLane,
    system: SystemData,
    system_at: Option<Monotonic>,
    /// By pair, those that somebody follows.
    pairs: BTreeMap<String, ConsolidatedData>,
}

impl ServerTopics {
    fn turn(&mut self, n_turns: u64) {
        let now = self.clock.now();
        for lane in Lane::ALL {
            if n_turns.is_multiple_of(u64::from(lane.ms() / Lane::Fast.ms())) {
                self.lane_turn(lane, now);
            }
        }
    }

    fn lane_turn(&mut self, lane: Lane, now: Now) {
        let demand = self.hub.take_demand(OWNER, lane.index(), now.monotonic.since_zero());
        let published = &mut self.lanes[usize::from(lane.index())];
        for topic in demand.stopped.iter().filter_map(|text| Topic::parse(text).ok()) {
            topic.pair().map(|pair| published.pairs.remove(pair));
        }
        // Gathered once a turn, and only where a pair is followed.
        let tops = OnceCell::new();
        for mut active in demand.active {
            let Ok(topic) = Topic::parse(&active.topic) else { continue };
            let delta = match topic.pair() {
                Some(pair) => {
                    let tops = tops.get_or_init(|| self.feeds.tops(now.monotonic));
                    published.pair_turn(pair, tops, now).map(TopicData::Consolidated)
                }
                None if topic == Topic::STATUS => {
                    published.status.turn(&self.feeds.status(), now).map(TopicData::Status)
                }
                None => published.system_turn(self.clock, &self.hub, &self.notices, now).map(TopicData::System),
            };
            if let Some(delta) = delta {
                active.offset += 1;
                self.hub.publish(vec![publish(ItemKind::Delta, &active, topic.clone(), delta)]);
            }
            if active.is_waiting {
                let data = match topic.pair() {
                    Some(pair) => TopicData::Consolidated(published.pairs.get(pair).cloned().unwrap_or_default()),
                    None if topic == Topic::STATUS => TopicData::Status(published.status.snapshot()),
                    None => TopicData::System(published.system.clone()),
                };
                self.hub.snapshot(publish(ItemKind::Snapshot, &active, topic, data));
            }
        }
    }
}

impl BoardLane {
    /// The pair's best, where it changed.
    fn pair_turn(&mut self, pair: &str, tops: &[VenueTop], now: Now) -> Option<ConsolidatedData> {
        let published = self.pairs.entry(pair.to_owned()).or_default();
        let mut newer = published.diff(&consolidate(tops.iter().filter(|top| top.pair == pair)))?;
        newer.publish_time_us = Some(now.wall.as_micros());
        published.merge(&newer);
        Some(newer)
    }

    /// Once a second, whatever the lane: nobody needs an uptime more often.
    fn system_turn(&mut self, clock: Clock, hub: &Hub<Payload>, notices: &Notices, now: Now) -> Option<SystemData> {
        if self.system_at.is_some_and(|at| now.monotonic.saturating_since(at) < SYSTEM_PERIOD) {
            return None;
        }
        self.system_at = Some(now.monotonic);
        let newer = SystemData {
            version: Some(env!("CARGO_PKG_VERSION").to_owned()),
            uptime_ms: u64::try_from(clock.uptime().as_millis()).ok(),
            clients: u64::try_from(hub.stats().n_subscribers).ok(),
            notice: notices.newest(),
        };
        let delta = self.system.diff(&newer)?;
        self.system.merge(&delta);
        Some(delta)
    }
}

/// A little less than a second, so that a tick that comes early is not put off to the next.
const SYSTEM_PERIOD: Duration = Duration::from_millis(950);
