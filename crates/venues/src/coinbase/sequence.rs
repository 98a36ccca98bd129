//! Frames of one connection follow one another without a hole: one number across all channels, rising by one.
//!
//! Acknowledgements and heartbeats are counted too, so a single missing frame shows at the latest when the next heartbeat
//! comes. Which channel a missing frame was of is not known: every book of the connection is in doubt. Not here: what is
//! done about it ([`super::resync`]).

/// What a frame's number says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// It follows the one before, or is the first.
    Next,
    /// Frames before it are missing.
    AfterGap,
    /// It is one of those that were missing.
    Late,
    /// It came before.
    Seen,
}

/// The numbers of one connection.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sequence {
    last: Option<u64>,
    /// First and last number of the latest hole.
    hole: Option<(u64, u64)>,
    /// The last number that was not above `last`, and how many such followed one another without a hole.
    old_run: Option<(u64, u32)>,
}

impl Sequence {
    /// The number of the latest frame.
    pub(super) fn last(&self) -> Option<u64> {
        self.last
    }

    /// Judges a frame by its number.
    pub(super) fn see(&mut self, number: u64) -> Place {
        let Some(last) = self.last else {
            self.last = Some(number);
            return Place::Next;
        };
        if number > last {
            self.last = Some(number);
            self.old_run = None;
            if number == last + 1 {
                return Place::Next;
            }
            self.hole = Some((last + 1, number - 1));
            return Place::AfterGap;
        }
        let n_old = match self.old_run {
            Some((before, n_old)) if before.checked_add(1) == Some(number) => n_old + 1,
            _ => 1,
        };
        if n_old >= OLD_IN_A_ROW {
            // One absurd number must not shut the connection out for ever: this is where it really stands.
            *self = Self { last: Some(number), hole: None, old_run: None };
            return Place::AfterGap;
        }
        self.old_run = Some((number, n_old));
        match self.hole {
            Some((first, end)) if (first..=end).contains(&number) => {
                if number == first {
                    self.hole = (first < end).then_some((first + 1, end));
                }
                Place::Late
            }
            _ => Place::Seen,
        }
    }
}

/// So many old numbers that follow one another are believed after all.
const OLD_IN_A_ROW: u32 = 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holes_late_ones_and_repeats() {
        let mut sequence = Sequence::default();
        for (number, expected) in [
            (16, Place::Next),
            (17, Place::Next),
            (17, Place::Seen),
            (16, Place::Seen),
            (18, Place::Next),
            (21, Place::AfterGap),
            (19, Place::Late),
            (19, Place::Seen),
            (20, Place::Late),
            (20, Place::Seen),
            (22, Place::Next),
        ] {
            assert_eq!(sequence.see(number), expected, "{number}");
        }
    }

    #[test]
    fn an_absurd_number_does_not_last() {
        let mut sequence = Sequence::default();
        assert_eq!([sequence.see(5), sequence.see(u64::MAX)], [Place::Next, Place::AfterGap]);
        let places: Vec<Place> = (6..40).map(|number| sequence.see(number)).collect();
        assert!(places[..19].iter().all(|place| *place == Place::Late), "{places:?}");
        assert_eq!(places[19], Place::AfterGap);
        assert!(places[20..].iter().all(|place| *place == Place::Next), "{places:?}");
    }
}
