//! The topics that no feed owns: `status` gathers the state of all feeds, `consolidated` the best of all venues, `replay`
//! the recording that plays, `system` the server itself, `operations` what only its admins are shown of it.
//!
//! One task; each feed stores its newest status in a cell, so nothing can pile up here. Not here: the contents of a
//! status, and which venues count (`market`).

use std::{
    cell::OnceCell,
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use market::{
    StatusLane,
    consolidated::{VenueTop, consolidate},
};
use model::{
    access::Role,
    time::{Monotonic, Now},
};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use topics::{
    channels::{
        TopicData,
        consolidated::ConsolidatedData,
        operations::OperationsData,
        replay::{ReplayData, ReplayReport},
        system::SystemData,
    },
    lane::{Lane, LaneClock},
    payload::Merge,
    source::TopicSource,
    topic::Topic,
};

use crate::{
    clock::Clock, feed::handle::Feeds, notices::Notices, publish::Publishing, recorder::replays::Replays,
    system::health::SystemHealth,
};

/// Publishes until `stop`.
pub async fn run(
    publishing: Publishing,
    feeds: Feeds,
    replays: Replays,
    notices: Notices,
    health: watch::Receiver<SystemHealth>,
    clock: Clock,
    stop: CancellationToken,
) {
    let mut owner = publishing.own_as_server();
    let mut topics = ServerTopics { publishing, feeds, replays, notices, health, clock, lanes: Default::default() };
    let mut lanes = LaneClock::new(clock.now().monotonic);
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => break,
            () = tokio::time::sleep_until(clock.instant(lanes.next())) => {}
        }
        let now = clock.now();
        for lane in lanes.take_due(now.monotonic) {
            let n_published = owner.turn(lane, &mut topics, now);
            lanes.turned(lane, n_published);
        }
    }
}

struct ServerTopics {
    publishing: Publishing,
    feeds: Feeds,
    replays: Replays,
    notices: Notices,
    health: watch::Receiver<SystemHealth>,
    clock: Clock,
    lanes: [ServerLane; Lane::ALL.len()],
}

/// The published state of one lane.
#[derive(Default)]
struct ServerLane {
    /// The followed topics.
    topics: BTreeSet<Topic>,
    status: StatusLane,
    system: SystemData,
    system_at: Option<Monotonic>,
    operations: OperationsData,
    replay: ReplayData,
    replay_at: Option<Monotonic>,
    /// The followed pairs' data, by pair.
    pairs: BTreeMap<String, ConsolidatedData>,
}

impl TopicSource for ServerTopics {
    fn start(&mut self, topic: &Topic, lane: Lane) {
        self.lanes[usize::from(lane.index())].topics.insert(topic.clone());
    }

    fn stop(&mut self, topic: &Topic, lane: Lane) {
        let own = &mut self.lanes[usize::from(lane.index())];
        own.topics.remove(topic);
        topic.pair().map(|pair| own.pairs.remove(pair));
    }

    fn turn(&mut self, lane: Lane, now: Now) -> Vec<(Topic, TopicData)> {
        let Self { publishing, feeds, replays, notices, health, clock, lanes } = self;
        let own = &mut lanes[usize::from(lane.index())];
        // Collected once per turn, and only if a pair is followed.
        let tops = OnceCell::new();
        let topics: Vec<Topic> = own.topics.iter().cloned().collect();
        let deltas = topics.into_iter().filter_map(|topic| {
            let delta = match topic.pair() {
                Some(pair) => {
                    let tops = tops.get_or_init(|| feeds.tops(now.monotonic));
                    own.pair_turn(pair, tops, now).map(TopicData::Consolidated)
                }
                None if topic == Topic::STATUS => own.status.turn(&feeds.status(), now).map(TopicData::Status),
                None if topic == Topic::REPLAY => own.replay_turn(replays.report(), now).map(TopicData::Replay),
                None if topic == Topic::OPERATIONS => {
                    own.operations_turn(notices, &health.borrow(), now).map(TopicData::Operations)
                }
                None => own.system_turn(*clock, publishing, notices, &health.borrow(), now).map(TopicData::System),
            };
            Some((topic, delta?))
        });
        deltas.collect()
    }

    fn snapshot(&self, topic: &Topic, lane: Lane) -> Option<TopicData> {
        let own = &self.lanes[usize::from(lane.index())];
        Some(match topic.pair() {
            Some(pair) => TopicData::Consolidated(own.pairs.get(pair).cloned().unwrap_or_default()),
            None if *topic == Topic::STATUS => TopicData::Status(own.status.snapshot()),
            None if *topic == Topic::REPLAY => TopicData::Replay(own.replay.clone()),
            None if *topic == Topic::OPERATIONS => TopicData::Operations(own.operations.clone()),
            None => TopicData::System(own.system.clone()),
        })
    }
}

impl ServerLane {
    /// Publishes the pair's best prices, if they changed.
    fn pair_turn(&mut self, pair: &str, tops: &[VenueTop], now: Now) -> Option<ConsolidatedData> {
        let published = self.pairs.entry(pair.to_owned()).or_default();
        let mut newer = published.diff(&consolidate(tops.iter().filter(|top| top.pair == pair)))?;
        newer.publish_time_us = Some(now.wall.as_micros());
        published.merge(&newer);
        Some(newer)
    }

    /// Twice a second while it only moves on, which is often enough for a slider; at once where anything else changed.
    fn replay_turn(&mut self, replay: Option<ReplayReport>, now: Now) -> Option<ReplayData> {
        let delta = self.replay.diff(&ReplayData { replay })?;
        let moved = self.replay.replay.as_ref().zip(delta.replay.as_ref()).is_some_and(|(older, newer)| {
            let ReplayReport { position_ms, n_entries, n_events, .. } = *newer;
            *newer == ReplayReport { position_ms, n_entries, n_events, ..older.clone() }
        });
        if moved && self.replay_at.is_some_and(|at| now.monotonic.saturating_since(at) < REPLAY_PERIOD) {
            return None;
        }
        self.replay_at = Some(now.monotonic);
        self.replay.merge(&delta);
        Some(delta)
    }

    /// Once a second, whatever the lane: nobody needs an uptime more often.
    fn system_turn(
        &mut self,
        clock: Clock,
        publishing: &Publishing,
        notices: &Notices,
        health: &SystemHealth,
        now: Now,
    ) -> Option<SystemData> {
        if self.system_at.is_some_and(|at| now.monotonic.saturating_since(at) < SYSTEM_PERIOD) {
            return None;
        }
        self.system_at = Some(now.monotonic);
        let newer = SystemData {
            version: Some(env!("CARGO_PKG_VERSION").to_owned()),
            uptime_ms: u64::try_from(clock.uptime().as_millis()).ok(),
            clients: Some(publishing.n_clients()),
            notice: notices.newest(Role::Viewer, now.monotonic),
            health: Some(health.state),
            health_cause: Some(health.causes_for(Role::Viewer).join("; ")),
        };
        let delta = self.system.diff(&newer)?;
        self.system.merge(&delta);
        Some(delta)
    }

    /// Changes seldom, and then at once.
    fn operations_turn(&mut self, notices: &Notices, health: &SystemHealth, now: Now) -> Option<OperationsData> {
        let newer = OperationsData {
            notice: notices.newest(Role::Admin, now.monotonic),
            health_cause: Some(health.causes_for(Role::Admin).join("; ")),
        };
        let delta = self.operations.diff(&newer)?;
        self.operations.merge(&delta);
        Some(delta)
    }
}

/// Slightly less than a second, so that an early tick is not postponed to the next.
const SYSTEM_PERIOD: Duration = Duration::from_millis(950);
/// A little less than half a second, for the same reason.
const REPLAY_PERIOD: Duration = Duration::from_millis(450);
