//! Schedules REST polling while no connection is available: rounds at an interval, begun and ended automatically.
//!
//! Not here: the requests of a round (the venues).

use std::time::Duration;

use model::time::Monotonic;

use crate::session::SessionConfig;

/// Time of the next round; none while connections deliver.
#[derive(Debug)]
pub(crate) struct PollSchedule {
    spacing: Duration,
    next_round: Option<Monotonic>,
}

/// The action that is due now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PollTurn {
    /// Nothing.
    NotDue,
    /// Request everything.
    Due,
    /// Connections deliver again.
    Ended,
}

impl PollSchedule {
    /// Creates a schedule with the configured interval, otherwise `own`.
    pub(crate) fn new(config: &SessionConfig, own: Duration) -> Self {
        Self { spacing: config.poll_every.unwrap_or(own), next_round: None }
    }

    /// Returns true while polling.
    pub(crate) fn is_on(&self) -> bool {
        self.next_round.is_some()
    }

    /// Begins, continues or ends polling. `needed_from`: from when REST must replace connections, if at all.
    pub(crate) fn turn(&mut self, needed_from: Option<Monotonic>, now: Monotonic) -> PollTurn {
        let is_needed = needed_from.is_some_and(|from| from <= now);
        match self.next_round {
            Some(_) if !is_needed => {
                self.next_round = None;
                PollTurn::Ended
            }
            Some(due) if now < due => PollTurn::NotDue,
            None if !is_needed => PollTurn::NotDue,
            Some(_) | None => {
                self.next_round = Some(now + self.spacing);
                PollTurn::Due
            }
        }
    }

    /// Returns when [`Self::turn`] is due.
    pub(crate) fn deadline(&self, needed_from: Option<Monotonic>) -> Option<Monotonic> {
        match (needed_from, self.next_round) {
            (None, Some(_)) => Some(Monotonic::ZERO),
            (Some(from), Some(due)) => Some(from.max(due)),
            (needed_from, None) => needed_from,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_keep_their_distance_and_end() {
        let at = |secs| Monotonic::from_zero(Duration::from_secs(secs));
        let mut rounds = PollSchedule::new(&SessionConfig::default(), Duration::from_secs(5));
        assert_eq!((rounds.turn(None, at(1)), rounds.deadline(None), rounds.is_on()), (PollTurn::NotDue, None, false));
        assert_eq!((rounds.turn(Some(at(9)), at(8)), rounds.deadline(Some(at(9)))), (PollTurn::NotDue, Some(at(9))));
        let turns: Vec<PollTurn> = (10..17).map(|secs| rounds.turn(Some(at(9)), at(secs))).collect();
        let (due, not) = (PollTurn::Due, PollTurn::NotDue);
        assert_eq!(turns, [due, not, not, not, not, due, not]);
        assert_eq!((rounds.deadline(Some(at(9))), rounds.is_on()), (Some(at(20)), true));
        assert_eq!((rounds.deadline(None), rounds.turn(None, at(17))), (Some(at(0)), PollTurn::Ended));
        assert_eq!((rounds.turn(None, at(18)), rounds.turn(Some(at(0)), at(19))), (not, due));
    }
}
