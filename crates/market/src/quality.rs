//! What each lane has published of the counters: at once when the book's state changes, else once a second at most.

use model::time::{Monotonic, Now};
use wire::data::QualityData;

use crate::status::COUNTERS_PERIOD;

/// What one lane has published.
#[derive(Clone, Debug, Default)]
pub(crate) struct QualityLane {
    published: QualityData,
    at: Option<Monotonic>,
}

impl QualityLane {
    /// The counters that changed.
    pub(crate) fn turn(&mut self, current: &QualityData, now: Now) -> Option<QualityData> {
        let is_due = self.at.is_none_or(|at| now.monotonic.saturating_since(at) >= COUNTERS_PERIOD);
        if !is_due && self.published.book_state == current.book_state {
            return None;
        }
        let delta = self.published.diff(current)?;
        self.published.merge(&delta);
        self.at = Some(now.monotonic);
        Some(delta)
    }

    /// All that this lane has published.
    pub(crate) fn snapshot(&self) -> QualityData {
        self.published.clone()
    }
}

#[cfg(test)]
mod tests {
    use model::{
        proof::{BookCounters, BookState},
        quality::FeedCounters,
    };

    use super::*;
    use crate::testing::now_at;

    #[test]
    fn counters_once_a_second_states_at_once() {
        let mut lane = QualityLane::default();
        let data = |state: BookState, frames: u64| {
            QualityData::new(state, &BookCounters::default(), &FeedCounters { frames, ..FeedCounters::default() })
        };
        assert!(lane.turn(&data(BookState::Live, 1), now_at(0)).is_some());
        assert_eq!(lane.turn(&data(BookState::Live, 2), now_at(500)), None);
        let delta = lane.turn(&data(BookState::Suspect, 3), now_at(600)).unwrap();
        assert_eq!((delta.book_state, delta.feed.frames, delta.feed.gaps), (Some(BookState::Suspect), Some(3), None));
        assert_eq!(lane.turn(&data(BookState::Suspect, 4), now_at(1_500)), None);
        assert!(lane.turn(&data(BookState::Suspect, 4), now_at(1_600)).is_some());
        assert_eq!(lane.snapshot(), data(BookState::Suspect, 4));
    }
}
