//! Remembers the trades of an instrument, so that each counts once: connections overlap, and snapshots repeat.
//!
//! Numbers are remembered as a range with its gaps, opaque ids individually as far back as a tape shows.

use std::{collections::VecDeque, sync::Arc};

use model::event::TradeId;
use topics::limits::TAPE_LENGTH;

/// Gaps remembered; late trades of older gaps count as seen.
const MOST_GAPS: usize = 64;

/// This many seen trades in a row are no longer an overlap: the venue has restarted its numbers.
const RESTART_AFTER: u32 = 1_000;

/// Verdict on a trade's id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sighting {
    /// It is new; nothing suggests that it is late.
    New,
    /// It is new, but a later one came before it.
    Late,
    /// It came before.
    Seen,
    /// The venue has restarted its numbers: all remembered numbers are forgotten.
    Restarted,
}

/// Trades of one instrument.
#[derive(Clone, Debug, Default)]
pub(crate) struct SeenTrades {
    /// Oldest and newest number.
    range: Option<(u64, u64)>,
    /// Numbers missing within the range: first and last of each gap, in the order of discovery.
    gaps: VecDeque<(u64, u64)>,
    texts: VecDeque<Arc<str>>,
    n_seen_in_a_row: u32,
}

impl SeenTrades {
    /// Notes a trade. Venues without ids leave them empty: those trades are always new.
    pub(crate) fn note(&mut self, id: &TradeId) -> Sighting {
        let sighting = match id {
            TradeId::Sequence(number) => self.note_number(*number),
            TradeId::Text(text) => self.note_text(text),
        };
        self.n_seen_in_a_row = if sighting == Sighting::Seen { self.n_seen_in_a_row + 1 } else { 0 };
        if self.n_seen_in_a_row < RESTART_AFTER {
            return sighting;
        }
        *self = Self::default();
        self.note(id);
        Sighting::Restarted
    }

    fn note_number(&mut self, number: u64) -> Sighting {
        let Some((oldest, newest)) = self.range else {
            self.range = Some((number, number));
            return Sighting::New;
        };
        if number > newest {
            self.range = Some((oldest, number));
            self.add_gap(newest + 1, number - 1);
            return Sighting::New;
        }
        if number < oldest {
            self.range = Some((number, newest));
            self.add_gap(number + 1, oldest - 1);
            return Sighting::Late;
        }
        let Some(at) = self.gaps.iter().position(|(first, last)| (*first..=*last).contains(&number)) else {
            return Sighting::Seen;
        };
        if let Some((first, last)) = self.gaps.remove(at) {
            if number > first {
                self.add_gap(first, number - 1);
            }
            if number < last {
                self.add_gap(number + 1, last);
            }
        }
        Sighting::Late
    }

    fn add_gap(&mut self, first: u64, last: u64) {
        if first <= last {
            self.gaps.push_back((first, last));
        }
        if self.gaps.len() > MOST_GAPS {
            self.gaps.pop_front();
        }
    }

    fn note_text(&mut self, text: &Arc<str>) -> Sighting {
        if text.is_empty() {
            return Sighting::New;
        }
        if self.texts.iter().rev().any(|known| known == text) {
            return Sighting::Seen;
        }
        if self.texts.len() >= TAPE_LENGTH {
            self.texts.pop_front();
        }
        self.texts.push_back(text.clone());
        Sighting::New
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn texts_are_compared_and_empty_ones_are_not() {
        let mut seen = SeenTrades::default();
        let mut note = |text: &str| seen.note(&TradeId::Text(text.into()));
        assert_eq!(["a", "b", "a", "", ""].map(&mut note), {
            use Sighting::{New, Seen};
            [New, New, Seen, New, New]
        });
        (0..TAPE_LENGTH).for_each(|number| assert_eq!(note(&number.to_string()), Sighting::New));
        assert_eq!(note("a"), Sighting::New, "forgotten");
        assert_eq!(seen.texts.len(), TAPE_LENGTH);
    }

    #[test]
    fn a_venue_that_counts_again_is_believed_in_the_end() {
        let mut seen = SeenTrades::default();
        (0..5_000).for_each(|number| assert_eq!(seen.note(&TradeId::Sequence(number)), Sighting::New));
        let again: Vec<Sighting> = (0..5_000).map(|number| seen.note(&TradeId::Sequence(number))).collect();
        let n_of = |wanted: Sighting| again.iter().filter(|sighting| **sighting == wanted).count();
        assert_eq!((n_of(Sighting::Seen), n_of(Sighting::Restarted), n_of(Sighting::New)), (999, 1, 4_000));
    }

    #[test]
    fn gaps_are_bounded() {
        let mut seen = SeenTrades::default();
        (0..10_000).for_each(|number| {
            seen.note(&TradeId::Sequence(number * 2));
        });
        assert_eq!(seen.gaps.len(), MOST_GAPS);
        assert_eq!(seen.note(&TradeId::Sequence(19_997)), Sighting::Late);
        assert_eq!(seen.note(&TradeId::Sequence(3)), Sighting::Seen);
    }

    proptest! {
        #[test]
        fn each_number_is_new_once(numbers in prop::collection::vec(prop_oneof![0_u64..60, Just(0), Just(u64::MAX)], 0..300)) {
            let (mut seen, mut naive) = (SeenTrades::default(), BTreeSet::new());
            for number in numbers {
                let expected = match naive.last() {
                    _ if naive.contains(&number) => Sighting::Seen,
                    Some(newest) if number < *newest => Sighting::Late,
                    _ => Sighting::New,
                };
                naive.insert(number);
                prop_assert_eq!(seen.note(&TradeId::Sequence(number)), expected);
            }
        }
    }
}
