//! Topics and lane of one page: what it follows of a view, and the messages that come of it.
//!
//! Deltas follow their snapshot at the lane's pace. A page that does not keep up gets no further messages until it does,
//! and then every topic again: what happened in between is gathered in the view, which is bounded. Not here: what fills
//! the view ([`crate::feed`], [`crate::replay`]).

use std::collections::BTreeMap;

use market::View;
use model::{
    instrument::Venue,
    proof::Books,
    status::FeedHealth,
    time::{Monotonic, Now},
};
use topics::{
    channels::TopicData,
    lane::Lane,
    topic::{Topic, TopicPattern},
};
use wire::message::{Batch, ClientMessage, Item, ServerMessage, StreamName, Subscribed, Update, UpdateKind};

/// Whether the page has taken in enough of what was said to be told more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reader {
    /// It keeps up.
    Ready,
    /// Too much lies unread.
    Behind,
}

/// What one page follows of one venue.
#[derive(Debug)]
pub struct Outlet {
    venue: Venue,
    lane: Lane,
    streams: BTreeMap<Topic, Stream>,
    n_streams: u32,
    next_turn: Monotonic,
    is_behind: bool,
}

#[derive(Debug)]
struct Stream {
    number: u32,
    offset: u64,
    /// Its next item is a snapshot.
    is_waiting: bool,
    /// It had one already: a further one comes whatever it holds.
    has_begun: bool,
}

impl Outlet {
    /// Nothing is followed yet. `venue` is the name its topics carry.
    pub fn new(venue: &Venue, now: Monotonic) -> Self {
        Self {
            venue: venue.clone(),
            lane: Lane::default(),
            streams: BTreeMap::new(),
            n_streams: 0,
            next_turn: now,
            is_behind: false,
        }
    }

    /// When the next turn is due.
    pub fn next_turn(&self) -> Monotonic {
        self.next_turn
    }

    /// What the page says; returns what to answer. What does not concern topics is passed over.
    pub fn message(&mut self, message: ClientMessage, view: &mut View) -> Option<ServerMessage> {
        match message {
            ClientMessage::Hello(hello) => {
                let lane = Lane::from_ms(hello.lane_ms);
                if lane != self.lane {
                    self.restart(lane, view);
                }
            }
            ClientMessage::Subscribe(request) => {
                let topics = self.single_topics(&request.topics);
                let names = topics.iter().map(|topic| self.start(topic, view)).collect();
                return Some(ServerMessage::Subscribed(Subscribed { id: request.id, topics: names }));
            }
            ClientMessage::Unsubscribe(request) => {
                for topic in self.single_topics(&request.topics) {
                    if self.streams.remove(&topic).is_some() {
                        view.stop_topic(&topic, self.lane);
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
        let is_ours = |topic: &Topic| match topic.venue() {
            Some(venue) => *venue == self.venue,
            None => *topic == Topic::STATUS,
        };
        patterns.iter().filter_map(TopicPattern::topic).filter(is_ours).collect()
    }

    fn start(&mut self, topic: &Topic, view: &mut View) -> StreamName {
        if let Some(stream) = self.streams.get_mut(topic) {
            stream.is_waiting = true;
            return StreamName { topic: topic.clone(), stream: stream.number };
        }
        self.n_streams += 1;
        view.start_topic(topic, self.lane);
        let stream = Stream { number: self.n_streams, offset: 0, is_waiting: true, has_begun: false };
        self.streams.insert(topic.clone(), stream);
        StreamName { topic: topic.clone(), stream: self.n_streams }
    }

    /// Every topic starts over.
    pub fn begin_again(&mut self, view: &mut View) {
        self.restart(self.lane, view);
    }

    fn restart(&mut self, lane: Lane, view: &mut View) {
        for (topic, stream) in &mut self.streams {
            view.stop_topic(topic, self.lane);
            view.start_topic(topic, lane);
            stream.is_waiting = true;
        }
        self.lane = lane;
    }

    /// True where a turn is due, which sets the next one. A late turn is not made up for: it carries all that changed.
    pub fn is_due(&mut self, now: Monotonic) -> bool {
        let is_due = now >= self.next_turn;
        if is_due {
            let period = self.lane.period();
            self.next_turn = (self.next_turn + period).max(now + period / 2);
        }
        is_due
    }

    /// One turn of the lane, for a reader that keeps up. `is_ready` says whether a topic may begin with what there is.
    pub fn turn(
        &mut self,
        view: &mut View,
        (health, books): (&FeedHealth, &Books),
        (now, reader): (Now, Reader),
        is_ready: impl Fn(&Topic, &TopicData) -> bool,
    ) -> Option<ServerMessage> {
        if reader == Reader::Behind {
            self.is_behind = true;
            view.observe(now, health);
            return None;
        }
        if std::mem::take(&mut self.is_behind) {
            self.restart(self.lane, view);
        }
        let mut items = Vec::new();
        for (topic, data) in view.turn(self.lane, now, health, books) {
            let Some(stream) = self.streams.get_mut(&topic).filter(|stream| !stream.is_waiting) else { continue };
            stream.offset += 1;
            let update = Update { kind: UpdateKind::Delta, epoch: None, topic, offset: stream.offset, data };
            items.push(Item { stream: stream.number, update });
        }
        for (topic, stream) in self.streams.iter_mut().filter(|(_, stream)| stream.is_waiting) {
            let Some(data) = view.snapshot(topic, self.lane) else { continue };
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
