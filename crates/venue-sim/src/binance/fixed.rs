//! Decimals as the venue writes them: always eight.

pub(super) use crate::fixed::{parse, product, quotient};

/// Writes all eight decimals.
pub(super) fn show(value: i128) -> String {
    crate::fixed::show(value, 8)
}
