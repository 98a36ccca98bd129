//! Price and quantity steps derived from the numbers of a recording.
//!
//! A few odd numbers (a trade with seven decimals among thousands with five) must not decide: the step is the one that
//! all but one in a hundred numbers follow.

use crate::fixed;

/// One in this many numbers may have more decimals than the step.
const ODD_ONE_IN: u64 = 100;
/// Maximum decimals counted.
const MOST: usize = 12;

/// Counts numbers by their decimals.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    n_by_decimals: [u64; MOST + 1],
}

impl Tally {
    /// Adds a number with the decimals it needs.
    pub(crate) fn add(&mut self, value: i128) {
        self.count(fixed::decimals(value));
    }

    /// Adds a number with the decimals in its text, for venues that write all of them.
    pub(crate) fn add_text(&mut self, text: &str) {
        self.count(fixed::decimals_shown(text));
    }

    fn count(&mut self, decimals: usize) {
        if let Some(n) = self.n_by_decimals.get_mut(decimals.min(MOST)) {
            *n += 1;
        }
    }

    /// Returns the decimals of the step; 0 if nothing was counted.
    pub(crate) fn decimals(&self) -> usize {
        let n_odd_allowed = self.n_by_decimals.iter().sum::<u64>() / ODD_ONE_IN;
        let mut n_above = 0;
        for (decimals, n) in self.n_by_decimals.iter().enumerate().rev() {
            n_above += n;
            if n_above > n_odd_allowed {
                return decimals;
            }
        }
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_numbers_do_not_decide() {
        let tally = |numbers: &[(&str, usize)]| {
            let mut tally = Tally::default();
            for &(text, n) in numbers {
                (0..n).for_each(|_| tally.add(fixed::parse(text).unwrap()));
            }
            tally.decimals()
        };
        assert_eq!(tally(&[("0.00032", 5_000), ("0.000321", 7)]), 5);
        assert_eq!(tally(&[("0.00032", 90), ("0.000321", 10)]), 6);
        assert_eq!(tally(&[("1", 3), ("0.10", 1)]), 1);
        assert_eq!(tally(&[]), 0);
        let mut shown = Tally::default();
        shown.add_text("83744.0");
        assert_eq!(shown.decimals(), 1);
    }
}
