//! The topics of a playing recording: those of its market, and those of the account that trades it.

use backtest::replay_desk::ReplayDesk;
use model::time::{Monotonic, Now};
use recording::feed_topics::FeedTopics;
use topics::{channels::TopicData, lane::Lane, source::TopicSource, subject::Subject, topic::Topic};

/// A recording's view with its desk.
pub struct ReplayTopics<'a> {
    /// The market.
    pub market: FeedTopics<'a>,
    /// The account.
    pub desk: &'a mut ReplayDesk,
    /// The page's clock.
    pub real: Monotonic,
}

impl TopicSource for ReplayTopics<'_> {
    fn start(&mut self, topic: &Topic, lane: Lane) {
        match topic.subject() {
            Subject::Account(_) => self.desk.topics().start(topic, lane),
            _ => self.market.start(topic, lane),
        }
    }

    fn stop(&mut self, topic: &Topic, lane: Lane) {
        match topic.subject() {
            Subject::Account(_) => self.desk.topics().stop(topic, lane),
            _ => self.market.stop(topic, lane),
        }
    }

    fn turn(&mut self, lane: Lane, now: Now) -> Vec<(Topic, TopicData)> {
        let mut changes = self.market.turn(lane, now);
        let recorded = Now { monotonic: self.real, wall: self.desk.now() };
        changes.extend(self.desk.topics().turn(lane, recorded));
        changes
    }

    fn snapshot(&self, topic: &Topic, lane: Lane) -> Option<TopicData> {
        match topic.subject() {
            Subject::Account(_) => self.desk.snapshot(topic, lane),
            _ => self.market.snapshot(topic, lane),
        }
    }
}
