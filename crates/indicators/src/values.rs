//! The values of one row: at most five numbers, each there or absent, in 40 bytes.
//!
//! Not here: what each number means ([`crate::definition`]).

use std::fmt;

use crate::words::Words;

/// The largest number of outputs of an indicator.
pub const MAX_OUTPUTS: usize = 5;

/// The values of one bar, in the sequence of the definition's outputs. Every value is finite.
#[derive(Clone, Copy)]
pub struct Values([f64; MAX_OUTPUTS]);

impl Values {
    /// A row without values.
    pub const NONE: Self = Self([f64::NAN; MAX_OUTPUTS]);

    /// Returns the value of an output; `None` while there is none, and for an output that does not exist.
    #[inline(always)]
    pub fn get(&self, idx: usize) -> Option<f64> {
        self.0.get(idx).copied().filter(|value| value.is_finite())
    }

    /// Returns true if no output has a value.
    pub fn is_empty(&self) -> bool {
        self.iter().all(|value| value.is_none())
    }

    /// Returns all outputs, also those that the indicator does not have.
    pub fn iter(&self) -> impl Iterator<Item = Option<f64>> {
        self.0.into_iter().map(|value| Some(value).filter(|value| value.is_finite()))
    }

    /// Returns a row of one value; not a finite one is none.
    #[inline(always)]
    pub(crate) fn one(value: f64) -> Self {
        Self::of([value])
    }

    /// Returns a row of several values; those that are not finite are none.
    #[inline(always)]
    pub(crate) fn of<const N: usize>(values: [f64; N]) -> Self {
        const { assert!(N <= MAX_OUTPUTS) }
        let mut cells = [f64::NAN; MAX_OUTPUTS];
        // Not `copy_from_slice`: a call, after which the row is copied once more.
        for (cell, value) in cells.iter_mut().zip(values) {
            *cell = value;
        }
        Self(cells)
    }

    /// Returns the bits of all cells; those of an absent value are always the same.
    pub(crate) fn bits(&self) -> [u64; MAX_OUTPUTS] {
        let cell = |value: f64| if value.is_finite() { value.to_bits() } else { f64::NAN.to_bits() };
        self.0.map(cell)
    }

    /// Saves or loads the row.
    pub(crate) fn words(&mut self, words: &mut Words<'_>) {
        words.floats(&mut self.0);
    }
}

/// Bit for bit, and absent equals absent.
impl PartialEq for Values {
    fn eq(&self, other: &Self) -> bool {
        self.bits() == other.bits()
    }
}

impl Default for Values {
    fn default() -> Self {
        Self::NONE
    }
}

impl fmt::Debug for Values {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter().flatten()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_finite_is_absent() {
        let values = Values::of([1.0, f64::INFINITY, f64::NAN]);
        assert_eq!((values.get(0), values.get(1), values.get(2), values.get(9)), (Some(1.0), None, None, None));
        assert!(!values.is_empty());
        assert!(Values::one(f64::NEG_INFINITY).is_empty());
        assert_eq!(Values::one(f64::NEG_INFINITY), Values::NONE);
        assert_ne!(Values::one(0.0), Values::one(-0.0));
    }
}
