//! Limits how often a venue's feed is started.
//!
//! Each session observes its venue's connection limit, but a new session starts with a full budget. Pure: time is an
//! argument.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use model::{instrument::Venue, time::Monotonic};

/// The last starts of each venue.
#[derive(Clone, Debug, Default)]
pub struct Restarts {
    by_venue: BTreeMap<Venue, VecDeque<Monotonic>>,
}

impl Restarts {
    /// Notes a start, if one is allowed now.
    ///
    /// # Errors
    /// The time until the next start is allowed.
    pub fn note(&mut self, venue: &Venue, now: Monotonic) -> Result<(), Duration> {
        let starts = self.by_venue.entry(venue.clone()).or_default();
        while starts.front().is_some_and(|oldest| now.saturating_since(*oldest) >= WINDOW) {
            starts.pop_front();
        }
        if starts.len() >= MAX_STARTS {
            let oldest = starts.front().copied().unwrap_or(now);
            return Err((oldest + WINDOW).saturating_since(now));
        }
        starts.push_back(now);
        Ok(())
    }
}

/// A tenth of the strictest venue's limit (300 connections in five minutes), as a start may open several connections
/// and the sessions themselves reconnect.
const MAX_STARTS: usize = 30;
const WINDOW: Duration = Duration::from_secs(300);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thirty_starts_in_five_minutes_a_venue() {
        let at = |seconds: u64| Monotonic::from_zero(Duration::from_secs(seconds));
        let (one, other) = (Venue::new("one"), Venue::new("other"));
        let mut restarts = Restarts::default();
        for second in 0..30 {
            assert_eq!(restarts.note(&one, at(second)), Ok(()));
        }
        assert_eq!(restarts.note(&one, at(100)), Err(Duration::from_secs(200)));
        assert_eq!(restarts.note(&other, at(100)), Ok(()));
        assert_eq!(restarts.note(&one, at(300)), Ok(()));
        assert_eq!(restarts.note(&one, at(300)), Err(Duration::from_secs(1)));
        assert_eq!(restarts.by_venue[&one].len(), 30, "bounded");
    }
}
