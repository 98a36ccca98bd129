//! The desk's topics for each lane: rows of its channels compared with what the lane had, and the newest events.
//!
//! Not here: the rows (`rows`), who follows them (`hub`, or a page's worker).

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use model::{
    time::{Monotonic, Now},
    trading::account::AccountId,
};
use topics::{
    channels::{
        Channel, TopicData,
        desk::{DeskLog, DeskRows, RowText},
    },
    lane::Lane,
    limits::DESK_LOG_LENGTH,
    source::TopicSource,
    subject::Subject,
    topic::Topic,
};

use crate::{desk::Desk, rows::DeskEvent};

/// The published rows of each lane, and the event log of each account.
#[derive(Debug, Default)]
pub struct DeskLanes {
    lanes: [LaneTopics; Lane::ALL.len()],
    events: BTreeMap<AccountId, VecDeque<(u64, RowText)>>,
}

/// The rows that one lane has published, by topic.
#[derive(Debug, Default)]
struct LaneTopics {
    topics: BTreeMap<Topic, TopicData>,
    /// Time of the last turn of statistics.
    performance_at: Option<Monotonic>,
}

impl DeskLanes {
    /// Takes events that may be told.
    pub fn take(&mut self, events: Vec<(AccountId, DeskEvent)>) {
        for (account, event) in events {
            let Some(row) = RowText::of(&event) else { continue };
            let log = self.events.entry(account).or_default();
            log.push_back((event.number, row));
            let n_surplus = log.len().saturating_sub(DESK_LOG_LENGTH);
            log.drain(..n_surplus);
        }
    }

    /// Returns a topic's state as of the lane's last turn; `None` for one that nobody follows on the lane.
    pub fn snapshot(&self, topic: &Topic, lane: Lane) -> Option<TopicData> {
        self.lanes[usize::from(lane.index())].topics.get(topic).cloned()
    }
}

/// A desk with its lanes.
#[derive(Debug)]
pub struct DeskSource<'a> {
    /// The desk.
    pub desk: &'a Desk,
    /// The published rows of its lanes.
    pub lanes: &'a mut DeskLanes,
}

impl DeskSource<'_> {
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

impl TopicSource for DeskSource<'_> {
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
        let topics: Vec<Topic> = self.lanes.lanes[idx].topics.keys().cloned().collect();
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
        self.lanes.snapshot(topic, lane)
    }
}

/// A little less than a second, so that an early turn is not left out.
const PERFORMANCE_EVERY: Duration = Duration::from_millis(950);
