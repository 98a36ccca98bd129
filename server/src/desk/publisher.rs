//! The desk's topics: rows of its channels for each lane, compared with what the lane had.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::Duration,
};

use desk::{desk::Desk, rows::DeskEvent};
use model::{
    time::{Monotonic, Now},
    trading::account::AccountId,
};
use topics::{
    channels::{
        Channel, TopicData,
        desk::{DeskLog, DeskRows, RowText},
    },
    lane::{Lane, LaneClock},
    limits::DESK_LOG_LENGTH,
    subject::Subject,
    topic::Topic,
};

use crate::publish::{Publishing, TopicOwner, TopicSource};

/// Publishes the desk.
#[derive(Debug)]
pub struct Publisher {
    owner: TopicOwner,
    clock: LaneClock,
    lanes: Lanes,
}

#[derive(Debug, Default)]
struct Lanes {
    lanes: [LaneTopics; Lane::ALL.len()],
    events: BTreeMap<AccountId, VecDeque<(u64, RowText)>>,
}

/// What one lane has published, by topic.
#[derive(Debug, Default)]
struct LaneTopics {
    topics: BTreeMap<Topic, TopicData>,
    /// When statistics had their last turn.
    performance_at: Option<Monotonic>,
}

impl Publisher {
    /// Owns the topics of accounts.
    pub fn new(publishing: &Publishing, now: Monotonic) -> Self {
        Self { owner: publishing.own_as_desk(), clock: LaneClock::new(now), lanes: Lanes::default() }
    }

    /// Returns when the next lane has its turn.
    pub fn next(&self) -> Monotonic {
        self.clock.next()
    }

    /// Takes events that are on disk.
    pub fn take(&mut self, events: Vec<(AccountId, DeskEvent)>) {
        for (account, event) in events {
            let Some(row) = RowText::of(&event) else { continue };
            let log = self.lanes.events.entry(account).or_default();
            log.push_back((event.number, row));
            let n_surplus = log.len().saturating_sub(DESK_LOG_LENGTH);
            log.drain(..n_surplus);
        }
    }

    /// Makes the turns that are due.
    pub fn turn(&mut self, desk: &Desk, now: Now) {
        for lane in self.clock.take_due(now.monotonic) {
            let mut source = Source { desk, lanes: &mut self.lanes };
            let n_published = self.owner.turn(lane, &mut source, now);
            self.clock.turned(lane, n_published);
        }
    }

    /// Something changed that those who follow closely should see at once.
    pub fn changed(&mut self, now: Monotonic) {
        self.clock.changed(now);
    }
}

struct Source<'a> {
    desk: &'a Desk,
    lanes: &'a mut Lanes,
}

impl Source<'_> {
    fn data(&self, topic: &Topic, now: Now) -> Option<TopicData> {
        let Subject::Account(name) = topic.subject() else { return None };
        let account = AccountId::parse(name).ok()?;
        if topic.channel() == Channel::Events {
            let log = self.lanes.events.get(&account).cloned().unwrap_or_default();
            return Some(TopicData::Events(DeskLog { entries: log.into() }));
        }
        self.desk.rows(topic.channel(), &account, now.wall)
    }
}

impl TopicSource for Source<'_> {
    fn start(&mut self, topic: &Topic, lane: Lane) {
        let empty = match topic.channel() {
            Channel::Trades => TopicData::Trades(DeskLog::default()),
            Channel::Events => TopicData::Events(DeskLog::default()),
            Channel::Orders => TopicData::Orders(DeskRows::default()),
            Channel::Positions => TopicData::Positions(DeskRows::default()),
            Channel::Performance => TopicData::Performance(DeskRows::default()),
            Channel::Strategies => TopicData::Strategies(DeskRows::default()),
            _ => TopicData::Dashboard(DeskRows::default()),
        };
        self.lanes.lanes[usize::from(lane.index())].topics.insert(topic.clone(), empty);
    }

    fn stop(&mut self, topic: &Topic, lane: Lane) {
        self.lanes.lanes[usize::from(lane.index())].topics.remove(topic);
    }

    fn turn(&mut self, lane: Lane, now: Now) -> Vec<(Topic, TopicData)> {
        let idx = usize::from(lane.index());
        let own = &mut self.lanes.lanes[idx];
        // Once a second, whatever the lane: they go over the whole history.
        let is_due = own.performance_at.is_none_or(|at| now.monotonic.saturating_since(at) >= PERFORMANCE_EVERY);
        if is_due {
            own.performance_at = Some(now.monotonic);
        }
        let topics: BTreeSet<Topic> = self.lanes.lanes[idx].topics.keys().cloned().collect();
        let is_wanted = |topic: &Topic| is_due || topic.channel() != Channel::Performance;
        let deltas = topics.into_iter().filter(is_wanted).filter_map(|topic| {
            let newer = self.data(&topic, now)?;
            let published = self.lanes.lanes[idx].topics.get_mut(&topic)?;
            let delta = published.diff(&newer)?;
            *published = newer;
            Some((topic, delta))
        });
        deltas.collect()
    }

    fn snapshot(&self, topic: &Topic, lane: Lane) -> Option<TopicData> {
        self.lanes.lanes[usize::from(lane.index())].topics.get(topic).cloned()
    }
}

/// A little less than a second, so that an early turn is not left out.
const PERFORMANCE_EVERY: Duration = Duration::from_millis(950);
