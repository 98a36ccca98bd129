//! Topics counted by the regions that show them, and the paces of the regions.

use model::sorted::{SortedMap, SortedSet};
use topics::{lane::Lane, topic::Topic};

use crate::cadence::{Pace, lane_of};

/// The combined demand of the mounted regions.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Demand {
    topics: SortedMap<Topic, usize>,
    paces: SortedMap<&'static str, Pace>,
}

impl Demand {
    /// Adds a region that shows the topic.
    pub fn add(&mut self, topic: &Topic) {
        *self.topics.get_or_default(topic.clone()) += 1;
    }

    /// Removes a region that showed the topic.
    pub fn remove(&mut self, topic: &Topic) {
        if let Some(n_wanting) = self.topics.get_mut(topic) {
            *n_wanting -= 1;
            if *n_wanting == 0 {
                self.topics.remove(topic);
            }
        }
    }

    /// Sets the pace of a region.
    pub fn set_pace(&mut self, name: &'static str, pace: Pace) {
        self.paces.insert(name, pace);
    }

    /// Removes the pace of a region.
    pub fn drop_pace(&mut self, name: &'static str) {
        self.paces.remove(name);
    }

    /// Returns all topics with at least one region.
    pub fn topics(&self) -> SortedSet<Topic> {
        self.topics.keys().cloned().collect()
    }

    /// Returns the lane of the fastest region; `None` if there is no region.
    pub fn lane(&self) -> Option<Lane> {
        (!self.paces.is_empty()).then(|| lane_of(self.paces.values().copied()))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_topic_is_wanted_until_the_last_region_lets_go() {
        let mut demand = Demand::default();
        demand.add(&Topic::STATUS);
        demand.add(&Topic::STATUS);
        demand.remove(&Topic::STATUS);
        assert!(demand.topics().contains(&Topic::STATUS));
        demand.remove(&Topic::STATUS);
        assert!(demand.topics().is_empty());
        demand.remove(&Topic::STATUS);
        demand.add(&Topic::STATUS);
        assert_eq!(demand.topics().len(), 1);
    }

    #[test]
    fn the_lane_follows_the_fastest_region() {
        let mut demand = Demand::default();
        assert_eq!(demand.lane(), None);
        demand.set_pace("chart", Pace::OnDemand);
        demand.set_pace("book", Pace::Every(Duration::from_millis(500)));
        assert_eq!(demand.lane(), Some(Lane::Medium));
        demand.drop_pace("book");
        assert_eq!(demand.lane(), Some(Lane::Slow));
    }
}
