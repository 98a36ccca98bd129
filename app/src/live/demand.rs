//! Topics counted by the regions that show them, each with the lanes that its regions ask for.

use model::sorted::SortedMap;
use topics::{lane::Lane, topic::Topic};

/// The combined demand of the mounted regions.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Demand {
    /// The number of regions by lane.
    topics: SortedMap<Topic, [u32; Lane::ALL.len()]>,
}

impl Demand {
    /// Adds a region that shows the topic.
    pub fn add(&mut self, topic: &Topic, lane: Lane) {
        self.topics.get_or_default(topic.clone())[usize::from(lane.index())] += 1;
    }

    /// Removes a region that showed the topic.
    pub fn remove(&mut self, topic: &Topic, lane: Lane) {
        if let Some(n_wanting) = self.topics.get_mut(topic) {
            let n_on_lane = &mut n_wanting[usize::from(lane.index())];
            *n_on_lane = n_on_lane.saturating_sub(1);
            if *n_wanting == [0; Lane::ALL.len()] {
                self.topics.remove(topic);
            }
        }
    }

    /// Returns all topics with at least one region, each with the lane of its fastest one.
    pub fn lanes(&self) -> SortedMap<Topic, Lane> {
        let fastest = |n_wanting: &[u32; Lane::ALL.len()]| {
            Lane::ALL.into_iter().zip(n_wanting).find_map(|(lane, n)| (*n > 0).then_some(lane)).unwrap_or_default()
        };
        self.topics.iter().map(|(topic, n_wanting)| (topic.clone(), fastest(n_wanting))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_is_wanted_until_the_last_region_lets_go() {
        let mut demand = Demand::default();
        demand.add(&Topic::STATUS, Lane::Fast);
        demand.add(&Topic::STATUS, Lane::Fast);
        demand.remove(&Topic::STATUS, Lane::Fast);
        assert!(demand.lanes().contains_key(&Topic::STATUS));
        demand.remove(&Topic::STATUS, Lane::Fast);
        assert!(demand.lanes().is_empty());
        demand.remove(&Topic::STATUS, Lane::Fast);
        demand.add(&Topic::STATUS, Lane::Fast);
        assert_eq!(demand.lanes().len(), 1);
    }

    #[test]
    fn the_lane_is_that_of_the_fastest_region() {
        let mut demand = Demand::default();
        let lane = |demand: &Demand| demand.lanes().get(&Topic::STATUS).copied();
        demand.add(&Topic::STATUS, Lane::Slow);
        demand.add(&Topic::STATUS, Lane::Screen);
        demand.add(&Topic::STATUS, Lane::Fast);
        assert_eq!(lane(&demand), Some(Lane::Screen));
        demand.remove(&Topic::STATUS, Lane::Screen);
        assert_eq!(lane(&demand), Some(Lane::Fast));
        demand.remove(&Topic::STATUS, Lane::Fast);
        assert_eq!(lane(&demand), Some(Lane::Slow));
    }
}
