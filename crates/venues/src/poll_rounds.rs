//! When REST is asked because no connection can be had: rounds at a distance, begun and ended by themselves.
//!
//! Not here: what a round asks for (the venues).

use std::time::Duration;

use model::time::Monotonic;

/// When the next round is due; nothing while connections deliver.
#[derive(Debug)]
pub(crate) struct PollRounds {
    spacing: Duration,
    next_round: Option<Monotonic>,
}

/// What is to be done now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PollTurn {
    /// Nothing.
    NotDue,
    /// Ask for everything.
    Due,
    /// Connections deliver again.
    Ended,
}

impl PollRounds {
    /// Rounds begin `spacing` after one another.
    pub(crate) fn new(spacing: Duration) -> Self {
        Self { spacing, next_round: None }
    }

    /// Begins, goes on or ends.
    pub(crate) fn turn(&mut self, is_needed: bool, now: Monotonic) -> PollTurn {
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

    /// When [`Self::turn`] is wanted.
    pub(crate) fn deadline(&self, is_needed: bool) -> Option<Monotonic> {
        match (is_needed, self.next_round) {
            (true, None) | (false, Some(_)) => Some(Monotonic::ZERO),
            (true, next_round) => next_round,
            (false, None) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_keep_their_distance_and_end() {
        let at = |secs| Monotonic::from_zero(Duration::from_secs(secs));
        let mut rounds = PollRounds::new(Duration::from_secs(5));
        assert_eq!((rounds.turn(false, at(1)), rounds.deadline(false)), (PollTurn::NotDue, None));
        assert_eq!(rounds.deadline(true), Some(at(0)));
        let turns: Vec<PollTurn> = (10..17).map(|secs| rounds.turn(true, at(secs))).collect();
        let (due, not) = (PollTurn::Due, PollTurn::NotDue);
        assert_eq!(turns, [due, not, not, not, not, due, not]);
        assert_eq!(rounds.deadline(true), Some(at(20)));
        assert_eq!((rounds.deadline(false), rounds.turn(false, at(17))), (Some(at(0)), PollTurn::Ended));
        assert_eq!((rounds.turn(false, at(18)), rounds.turn(true, at(19))), (not, due));
    }
}
