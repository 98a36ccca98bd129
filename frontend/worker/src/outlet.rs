//! Topics and lanes of one page: the topics it follows in a view, and the resulting messages.
//!
//! Deltas follow their snapshot at the pace of the topic's lane. A page that falls behind gets no further messages until it catches
//! up, and then every topic again: changes in between are collected in the view, which is bounded. Not here: the source
//! of the view's data ([`crate::feed`], [`crate::replay`]).

use std::collections::BTreeMap;

use model::{
    instrument::Venue,
    time::{Monotonic, Now},
    trading::account::AccountId,
};
use topics::{
    channels::TopicData,
    lane::{Lane, LaneClock},
    source::TopicSource,
    subject::Subject,
    topic::{Topic, TopicPattern},
};
use wire::message::{Batch, ClientMessage, Item, ServerMessage, StreamName, Subscribed, Update, UpdateKind};

/// The page's readiness to receive more messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reader {
    /// It keeps up.
    Ready,
    /// Too many messages are unread.
    Behind,
}

/// The topics of one venue followed by one page.
#[derive(Debug)]
pub struct Outlet {
    venue: Venue,
    /// The account whose topics it has, too.
    account: Option<AccountId>,
    /// The lane of topics whose subscription names none.
    lane: Lane,
    streams: BTreeMap<Topic, Stream>,
    n_streams: u32,
    clock: LaneClock,
    /// The lanes whose turn it is.
    due: Vec<Lane>,
    is_behind: bool,
}

#[derive(Debug)]
struct Stream {
    number: u32,
    lane: Lane,
    offset: u64,
    /// True if its next item is a snapshot.
    is_waiting: bool,
    /// True if it had a snapshot already: the next one is sent even if it is empty.
    has_begun: bool,
}

impl Outlet {
    /// Creates an outlet without topics. `venue` is the venue name of its topics; `account` adds those of an account.
    pub fn new(venue: &Venue, account: Option<AccountId>, now: Monotonic) -> Self {
        Self {
            venue: venue.clone(),
            account,
            lane: Lane::default(),
            streams: BTreeMap::new(),
            n_streams: 0,
            clock: LaneClock::new(now),
            due: Vec::new(),
            is_behind: false,
        }
    }

    /// Returns when the next turn is due.
    pub fn next_turn(&self) -> Monotonic {
        self.clock.next()
    }

    /// Notes that the view's data may have changed: what was quiet is published at once.
    pub fn changed(&mut self, now: Monotonic) {
        self.clock.changed(now);
    }

    /// Handles a message of the page; returns the answers. Messages that do not concern topics are ignored.
    pub fn message(&mut self, message: ClientMessage, source: &mut impl TopicSource) -> Option<ServerMessage> {
        match message {
            ClientMessage::Hello(hello) => self.lane = Lane::from_ms(hello.lane_ms),
            ClientMessage::Subscribe(request) => {
                let topics = self.single_topics(&request.topics);
                let lane = request.lane_ms.map_or(self.lane, Lane::from_ms);
                let names = topics.iter().map(|topic| self.start(topic, lane, source)).collect();
                return Some(ServerMessage::Subscribed(Subscribed { id: request.id, topics: names }));
            }
            ClientMessage::Unsubscribe(request) => {
                for topic in self.single_topics(&request.topics) {
                    if let Some(stream) = self.streams.remove(&topic) {
                        source.stop(&topic, stream.lane);
                    }
                }
            }
            ClientMessage::Snapshot(request) => {
                for topic in self.single_topics(&request.topics) {
                    if let Some(stream) = self.streams.get_mut(&topic) {
                        stream.is_waiting = true;
                    }
                }
            }
            ClientMessage::Command(_) | ClientMessage::Ping(_) => {}
        }
        None
    }

    fn single_topics(&self, patterns: &[TopicPattern]) -> Vec<Topic> {
        let is_ours = |topic: &Topic| match topic.subject() {
            Subject::Instrument(instrument) => *instrument.venue() == self.venue,
            Subject::Account(name) => self.account.as_ref().is_some_and(|account| account.as_str() == &**name),
            Subject::Server | Subject::Pair(_) => *topic == Topic::STATUS,
        };
        patterns.iter().filter_map(TopicPattern::topic).filter(is_ours).collect()
    }

    fn start(&mut self, topic: &Topic, lane: Lane, source: &mut impl TopicSource) -> StreamName {
        if let Some(stream) = self.streams.get_mut(topic) {
            if stream.lane != lane {
                source.stop(topic, stream.lane);
                source.start(topic, lane);
                stream.lane = lane;
            }
            stream.is_waiting = true;
            return StreamName { topic: topic.clone(), stream: stream.number };
        }
        self.n_streams += 1;
        source.start(topic, lane);
        let stream = Stream { number: self.n_streams, lane, offset: 0, is_waiting: true, has_begun: false };
        self.streams.insert(topic.clone(), stream);
        StreamName { topic: topic.clone(), stream: self.n_streams }
    }

    /// Restarts every topic.
    pub fn begin_again(&mut self, source: &mut impl TopicSource) {
        for (topic, stream) in &mut self.streams {
            source.stop(topic, stream.lane);
            source.start(topic, stream.lane);
            stream.is_waiting = true;
        }
    }

    /// Returns true if a turn is due, and schedules the next one. A late turn is not made up for: it carries all
    /// changes.
    pub fn is_due(&mut self, now: Monotonic) -> bool {
        self.due = self.clock.take_due(now).collect();
        !self.due.is_empty()
    }

    /// Runs the turns of the lanes that are due, for a reader that keeps up. `is_ready` decides whether a topic may begin with the
    /// current data.
    pub fn turn(
        &mut self,
        source: &mut impl TopicSource,
        (now, reader): (Now, Reader),
        is_ready: impl Fn(&Topic, &TopicData) -> bool,
    ) -> Option<ServerMessage> {
        let due = std::mem::take(&mut self.due);
        if reader == Reader::Behind {
            self.is_behind = true;
            return None;
        }
        if std::mem::take(&mut self.is_behind) {
            self.begin_again(source);
        }
        let mut items = Vec::new();
        for lane in due.iter().copied() {
            let changes = source.turn(lane, now);
            self.clock.turned(lane, changes.len());
            for (topic, data) in changes {
                let Some(stream) = self.streams.get_mut(&topic).filter(|stream| !stream.is_waiting) else { continue };
                stream.offset += 1;
                let update = Update { kind: UpdateKind::Delta, epoch: None, topic, offset: stream.offset, data };
                items.push(Item { stream: stream.number, update });
            }
        }
        let is_asked = |stream: &Stream| stream.is_waiting && due.contains(&stream.lane);
        for (topic, stream) in self.streams.iter_mut().filter(|(_, stream)| is_asked(stream)) {
            let Some(data) = source.snapshot(topic, stream.lane) else { continue };
            if stream.has_begun || topic.instrument().is_none() || is_ready(topic, &data) {
                stream.offset += 1;
                (stream.is_waiting, stream.has_begun) = (false, true);
                let (topic, offset) = (topic.clone(), stream.offset);
                // Nobody resumes a worker's topics.
                let update = Update { kind: UpdateKind::Snapshot, epoch: None, topic, offset, data };
                items.push(Item { stream: stream.number, update });
            }
        }
        (!items.is_empty()).then_some(ServerMessage::Batch(Batch { items }))
    }
}
