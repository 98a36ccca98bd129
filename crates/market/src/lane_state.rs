//! The state of a topic for each of its followed lanes.

use topics::lane::Lane;

/// One value for each started lane.
#[derive(Clone, Debug)]
pub(crate) struct Lanes<T>([Option<T>; Lane::ALL.len()]);

impl<T> Default for Lanes<T> {
    fn default() -> Self {
        Self(std::array::from_fn(|_| None))
    }
}

impl<T> Lanes<T> {
    /// Starts a lane; one that runs already stays unchanged.
    pub(crate) fn start(&mut self, lane: Lane, state: impl FnOnce() -> T) {
        self.0[usize::from(lane.index())].get_or_insert_with(state);
    }

    pub(crate) fn stop(&mut self, lane: Lane) {
        self.0[usize::from(lane.index())] = None;
    }

    pub(crate) fn get(&self, lane: Lane) -> Option<&T> {
        self.0[usize::from(lane.index())].as_ref()
    }

    pub(crate) fn get_mut(&mut self, lane: Lane) -> Option<&mut T> {
        self.0[usize::from(lane.index())].as_mut()
    }

    pub(crate) fn is_any_started(&self) -> bool {
        self.0.iter().any(Option::is_some)
    }

    /// Iterates over the started lanes, to change them.
    pub(crate) fn started_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.0.iter_mut().flatten()
    }

    /// Iterates over the started lanes.
    pub(crate) fn started(&self) -> impl Iterator<Item = &T> {
        self.0.iter().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn starting_twice_keeps_what_is_remembered() {
        let mut lanes = Lanes::default();
        lanes.start(Lane::Slow, || 1);
        lanes.start(Lane::Slow, || 2);
        lanes.start(Lane::Fast, || 3);
        assert_eq!(lanes.get(Lane::Slow), Some(&1));
        assert_eq!(lanes.get_mut(Lane::Medium), None);
        assert_eq!(lanes.started().sum::<i32>(), 4);
        lanes.stop(Lane::Slow);
        lanes.stop(Lane::Fast);
        assert!(!lanes.is_any_started());
    }
}
