//! The topics that a feed publishes: those of its market view, with the books and health that its session lends.
//!
//! A replay publishes the same, in the server and in a page's worker. Not here: when topics are published, and to whom.

use market::View;
use model::time::Now;
use topics::{channels::TopicData, lane::Lane, source::TopicSource, topic::Topic};
use venues::session::Session;

/// A view with its session.
pub struct FeedTopics<'a> {
    /// The market view built from the feed's events.
    pub view: &'a mut View,
    /// The session that produces the events.
    pub session: &'a dyn Session,
}

impl TopicSource for FeedTopics<'_> {
    fn start(&mut self, topic: &Topic, lane: Lane) {
        self.view.start_topic(topic, lane);
    }

    fn stop(&mut self, topic: &Topic, lane: Lane) {
        self.view.stop_topic(topic, lane);
    }

    fn turn(&mut self, lane: Lane, now: Now) -> Vec<(Topic, TopicData)> {
        self.view.turn(lane, now, self.session.health(), self.session.books())
    }

    fn snapshot(&self, topic: &Topic, lane: Lane) -> Option<TopicData> {
        self.view.snapshot(topic, lane)
    }
}
