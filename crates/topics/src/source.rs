//! The interface between a source of topics and whoever publishes them: what is followed, what changed, and snapshots.
//!
//! Feeds, replays, the desk and the server itself are sources. Not here: subscribers, offsets and queues (`hub`).

use model::time::Now;

use crate::{channels::TopicData, lane::Lane, topic::Topic};

/// The source of an owner's topics. `start` and `stop` select the topics followed on a lane; a topic may start twice.
pub trait TopicSource {
    /// Starts to collect a topic's changes for a lane.
    fn start(&mut self, topic: &Topic, lane: Lane);
    /// Stops collecting them.
    fn stop(&mut self, topic: &Topic, lane: Lane);
    /// Returns the changes of started topics since the lane's last turn.
    fn turn(&mut self, lane: Lane, now: Now) -> Vec<(Topic, TopicData)>;
    /// Returns a topic's state as of the lane's last turn; `None` where there is nothing to show yet.
    fn snapshot(&self, topic: &Topic, lane: Lane) -> Option<TopicData>;
}
