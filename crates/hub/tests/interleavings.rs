//! Random interleavings of publishing, subscribing, slow reading, resuming and leaving, against an oracle that knows
//! the state of each stream at each offset.
//!
//! A stream's state is a sum; a delta's payload is the number added, a snapshot's the sum itself. A reader that misses
//! or duplicates a delta has a different sum from the oracle.

#![allow(clippy::unwrap_used, reason = "a test may unwrap")]

use std::{collections::BTreeMap, time::Duration};

use hub::{
    config::HubConfig,
    hub::{Hub, Published, StreamKind, StreamSpec},
    subscriber::{Delivery, DeliveryKind, ResetReason, Resume, Subscriber},
};
use proptest::{prelude::*, strategy::ValueTree};

const OWNER: &str = "owner";
const N_TOPICS: usize = 5;
const N_READERS: usize = 4;
const ITEM_BYTES: usize = 100;

fn config() -> HubConfig {
    HubConfig {
        history_bytes: 10 * ITEM_BYTES,
        history_len: 8,
        total_history_bytes: 30 * ITEM_BYTES,
        queue_bytes: 12 * ITEM_BYTES,
        lag_bytes: 8 * ITEM_BYTES,
        queue_len: 20,
        retain_idle: Duration::from_secs(60),
        max_streams: 100,
        max_topics: 4,
        max_subscribers: 10,
    }
}

/// Topics 3 and 4 are events.
fn spec(topic: usize) -> StreamSpec {
    let kind = if topic < 3 { StreamKind::State } else { StreamKind::Event };
    StreamSpec { topic: format!("topic {topic}").into(), owner: OWNER.into(), lane: 0, kind }
}

fn topic_of(text: &str) -> usize {
    text.strip_prefix("topic ").unwrap().parse().unwrap()
}

#[derive(Clone, Debug)]
enum Step {
    /// Deltas for each topic, then a snapshot for waiting readers, unless it is omitted this time.
    Turn {
        amounts: Vec<(usize, u64)>,
        has_snapshots: bool,
    },
    Pass {
        seconds: u64,
    },
    Subscribe {
        reader: usize,
        topic: usize,
    },
    Unsubscribe {
        reader: usize,
        topic: usize,
    },
    RequestSnapshot {
        reader: usize,
        topic: usize,
    },
    Drain {
        reader: usize,
    },
    /// Drops the connection and reconnects with its positions; sometimes with a wrong epoch.
    Reconnect {
        reader: usize,
        is_same_epoch: bool,
    },
    Retire,
}

fn step() -> impl Strategy<Value = Step> {
    let (reader, topic) = (0..N_READERS, 0..N_TOPICS);
    prop_oneof![
        10 => (prop::collection::vec((0..N_TOPICS, 1_u64..1_000), 0..8), prop::bool::weighted(0.8))
            .prop_map(|(amounts, has_snapshots)| Step::Turn { amounts, has_snapshots }),
        1 => (1_u64..70).prop_map(|seconds| Step::Pass { seconds }),
        5 => (reader.clone(), topic.clone()).prop_map(|(reader, topic)| Step::Subscribe { reader, topic }),
        2 => (reader.clone(), topic.clone()).prop_map(|(reader, topic)| Step::Unsubscribe { reader, topic }),
        2 => (reader.clone(), topic).prop_map(|(reader, topic)| Step::RequestSnapshot { reader, topic }),
        6 => reader.clone().prop_map(|reader| Step::Drain { reader }),
        2 => (reader, prop::bool::weighted(0.9)).prop_map(|(reader, is_same_epoch)| Step::Reconnect { reader, is_same_epoch }),
        1 => Just(Step::Retire),
    ]
}

/// A reader's view of one topic.
#[derive(Clone, Copy, Debug)]
struct Belief {
    run: u32,
    offset: u64,
    sum: u64,
}

struct Reader {
    subscriber: Option<Subscriber<u64>>,
    beliefs: BTreeMap<usize, Belief>,
    /// Allowed snapshots by topic: one for each subscription, request, reset and new owner.
    n_allowed: BTreeMap<usize, u32>,
}

struct World {
    hub: Hub<u64>,
    now: Duration,
    /// Sum by topic.
    sums: BTreeMap<usize, u64>,
    /// The owner's run: its epoch.
    run: u32,
    /// Run and sum by topic and offset: the oracle.
    known: BTreeMap<(usize, u64), (u32, u64)>,
    readers: Vec<Reader>,
    n_resumed: u64,
    n_restarts: u64,
}

impl World {
    fn new() -> Self {
        let hub = Hub::new(config());
        hub.begin(OWNER, "0");
        let readers = (0..N_READERS).map(|_| Reader {
            subscriber: Some(hub.connect().unwrap()),
            beliefs: BTreeMap::new(),
            n_allowed: BTreeMap::new(),
        });
        Self {
            readers: readers.collect(),
            hub,
            now: Duration::ZERO,
            sums: BTreeMap::new(),
            run: 0,
            known: BTreeMap::new(),
            n_resumed: 0,
            n_restarts: 0,
        }
    }

    fn apply(&mut self, step: Step) {
        match step {
            Step::Turn { amounts, has_snapshots } => self.turn(&amounts, has_snapshots),
            Step::Pass { seconds } => self.now += Duration::from_secs(seconds),
            Step::Subscribe { reader, topic } => {
                let reader = &mut self.readers[reader];
                let Some(subscriber) = &reader.subscriber else { return };
                let is_followed = subscriber.stream_of(&spec(topic).topic).is_some();
                if subscriber.subscribe(&spec(topic)).is_ok() && !is_followed {
                    reader.beliefs.remove(&topic);
                    reader.n_allowed.insert(topic, 1);
                }
            }
            Step::Unsubscribe { reader, topic } => {
                let reader = &mut self.readers[reader];
                if let Some(subscriber) = &reader.subscriber {
                    subscriber.unsubscribe(&spec(topic).topic);
                    reader.beliefs.remove(&topic);
                }
            }
            Step::RequestSnapshot { reader, topic } => {
                let reader = &mut self.readers[reader];
                if reader.subscriber.as_ref().is_some_and(|one| one.request_snapshot(&spec(topic).topic)) {
                    *reader.n_allowed.entry(topic).or_default() += 1;
                }
            }
            Step::Drain { reader } => drop(self.drain(reader)),
            Step::Reconnect { reader, is_same_epoch } => self.reconnect(reader, is_same_epoch),
            Step::Retire => {
                self.run += 1;
                self.hub.begin(OWNER, &self.run.to_string());
                for reader in &mut self.readers {
                    (0..N_TOPICS).for_each(|topic| *reader.n_allowed.entry(topic).or_default() += 1);
                }
                // The new owner starts from its own state: an old position merged with its deltas must be noticed.
                self.sums.values_mut().for_each(|sum| *sum = *sum * 7 + 1);
            }
        }
        let stats = self.hub.stats();
        assert!(stats.history_bytes <= config().total_history_bytes, "{stats:?}");
    }

    fn turn(&mut self, amounts: &[(usize, u64)], has_snapshots: bool) {
        let demand = self.hub.take_demand(OWNER, 0, self.now);
        let mut turn = Vec::new();
        let mut offsets: BTreeMap<u32, u64> = BTreeMap::new();
        for active in &demand.active {
            let topic = topic_of(&active.topic);
            let sum = self.sums.entry(topic).or_default();
            self.known.insert((topic, active.offset), (self.run, *sum));
            let offset = offsets.entry(active.stream).or_insert(active.offset);
            for (_, amount) in amounts.iter().filter(|(wanted, _)| *wanted == topic) {
                (*offset, *sum) = (*offset + 1, *sum + amount);
                self.known.insert((topic, *offset), (self.run, *sum));
                turn.push(Published {
                    stream: active.stream,
                    offset: *offset,
                    payload: *amount,
                    size_bytes: ITEM_BYTES,
                });
            }
        }
        let n_deltas = turn.len();
        let report = self.hub.publish(turn);
        assert_eq!((report.n_published, report.n_refused), (n_deltas, 0));
        if has_snapshots {
            self.snapshots();
        }
    }

    fn snapshots(&mut self) {
        for active in self.hub.take_demand(OWNER, 0, self.now).active.iter().filter(|active| active.is_waiting) {
            let topic = topic_of(&active.topic);
            let payload = *self.sums.entry(topic).or_default();
            self.known.insert((topic, active.offset), (self.run, payload));
            let snapshot = Published { stream: active.stream, offset: active.offset, payload, size_bytes: ITEM_BYTES };
            assert!(self.hub.snapshot(snapshot));
        }
    }

    /// Checks each item against the oracle; returns the number of deltas by topic.
    fn drain(&mut self, reader: usize) -> BTreeMap<usize, u64> {
        let mut n_deltas = BTreeMap::new();
        let reader = &mut self.readers[reader];
        let Some(subscriber) = &reader.subscriber else { return n_deltas };
        let batch = subscriber.take_batch().unwrap();
        assert!(batch.len() <= config().queue_len);
        assert!(batch.iter().map(|delivery| delivery.size_bytes).sum::<usize>() <= config().queue_bytes);
        let topics: BTreeMap<u32, usize> =
            subscriber.topics().into_iter().map(|(topic, stream)| (stream, topic_of(&topic))).collect();
        for Delivery { stream, kind, offset, payload, .. } in batch {
            let topic = topics[&stream];
            let belief = match kind {
                DeliveryKind::Restart => {
                    assert!(topic >= 3, "state skips without a word");
                    self.n_restarts += 1;
                    Belief { run: self.known[&(topic, offset)].0, offset, sum: payload }
                }
                DeliveryKind::Snapshot => {
                    let n_allowed = reader.n_allowed.entry(topic).or_default();
                    assert!(topic < 3 || *n_allowed > 0, "an event stream never skips silently");
                    *n_allowed = n_allowed.saturating_sub(1);
                    Belief { run: self.known[&(topic, offset)].0, offset, sum: payload }
                }
                DeliveryKind::Delta => {
                    *n_deltas.entry(topic).or_default() += 1;
                    let before = reader.beliefs.get(&topic).expect("a delta after a snapshot or a resume");
                    assert_eq!(offset, before.offset + 1, "topic {topic}");
                    Belief { run: before.run, offset, sum: before.sum + payload }
                }
            };
            assert_eq!((belief.run, belief.sum), self.known[&(topic, offset)], "topic {topic} offset {offset}");
            reader.beliefs.insert(topic, belief);
        }
        n_deltas
    }

    fn reconnect(&mut self, reader_idx: usize, is_same_epoch: bool) {
        let reader = &mut self.readers[reader_idx];
        reader.subscriber = None;
        let subscriber = self.hub.connect().unwrap();
        let mut replayed = BTreeMap::new();
        for (topic, belief) in std::mem::take(&mut reader.beliefs) {
            let epoch = if is_same_epoch { belief.run.to_string() } else { "another".to_owned() };
            let is_of_this_run = is_same_epoch && belief.run == self.run;
            match subscriber.resume(&spec(topic), &epoch, belief.offset).unwrap() {
                Resume::Resumed { replayed: n_replayed, .. } => {
                    assert!(is_of_this_run);
                    self.n_resumed += 1;
                    replayed.insert(topic, n_replayed);
                    reader.beliefs.insert(topic, belief);
                    reader.n_allowed.insert(topic, 0);
                }
                Resume::Reset { reason, .. } => {
                    assert_eq!(reason == ResetReason::EpochChanged, !is_of_this_run);
                    reader.n_allowed.insert(topic, 1);
                }
            }
        }
        reader.subscriber = Some(subscriber);
        let n_deltas = self.drain(reader_idx);
        for (topic, n_replayed) in replayed {
            assert_eq!(n_deltas.get(&topic).copied().unwrap_or(0), n_replayed, "replays exactly what was missed");
        }
    }

    /// With readers that drain, all reach the newest state: none waits forever.
    fn settle(&mut self) {
        for _ in 0..4 {
            self.turn(&[], true);
            (0..N_READERS).for_each(|reader| drop(self.drain(reader)));
        }
        let active = self.hub.take_demand(OWNER, 0, self.now).active;
        for reader in self.readers.iter() {
            for (topic, stream) in reader.subscriber.iter().flat_map(Subscriber::topics) {
                let topic = topic_of(&topic);
                let belief = reader.beliefs.get(&topic).expect("a snapshot came");
                let top = active.iter().find(|active| active.stream == stream).unwrap().offset;
                assert_eq!((belief.offset, belief.sum), (top, self.sums[&topic]));
            }
        }
        assert!(active.iter().all(|active| !active.is_waiting), "no demand without one who waits");
        for reader in &mut self.readers {
            reader.subscriber = None;
        }
        self.hub.take_demand(OWNER, 0, self.now);
        self.now += config().retain_idle;
        assert_eq!(self.hub.take_demand(OWNER, 0, self.now).active, []);
        let stats = self.hub.stats();
        assert_eq!((stats.n_subscribers, stats.n_streams, stats.history_bytes), (0, 0, 0), "nothing is left behind");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]
    #[test]
    fn each_reader_sees_contiguous_offsets_or_a_snapshot(steps in prop::collection::vec(step(), 1..200)) {
        let mut world = World::new();
        steps.into_iter().for_each(|step| world.apply(step));
        world.settle();
    }
}

/// The property above would also hold for a hub that always resets and never conflates: the cases must reach both.
#[test]
fn the_interleavings_reach_what_they_are_for() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let (mut n_resumed, mut n_conflated, mut n_restarts) = (0, 0, 0);
    for _ in 0..100 {
        let steps = prop::collection::vec(step(), 100..200).new_tree(&mut runner).unwrap().current();
        let mut world = World::new();
        steps.into_iter().for_each(|step| world.apply(step));
        let stats = world.hub.stats();
        n_resumed += world.n_resumed;
        n_conflated += stats.n_conflated;
        n_restarts += world.n_restarts;
    }
    assert!(n_resumed > 100 && n_conflated > 100 && n_restarts > 20, "{n_resumed} {n_conflated} {n_restarts}");
}
