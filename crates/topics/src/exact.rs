//! Exact comparison of values that the model treats as equal: `1.5` and `1.50` are one value, but have different
//! digits.
//!
//! `diff` uses it, so that a page that merged deltas shows exactly the digits of a fresh snapshot.

use model::{
    candle::Candle,
    decimal::{Price, Quantity},
    event::{AggressorSide, Level},
    histogram::Quantiles,
    proof::{BookState, Checksum},
};

use crate::channels::{
    quality::{Resync, latency::VenueClock},
    system::Health,
};

/// Equality including digits.
pub(crate) trait Same {
    /// Returns true if nothing differs.
    fn is_same(&self, other: &Self) -> bool;
}

macro_rules! same_by_digits {
    ($($name:ident),*) => {$(
        impl Same for $name {
            fn is_same(&self, other: &Self) -> bool {
                (self.mantissa(), self.scale()) == (other.mantissa(), other.scale())
            }
        }
    )*};
}
same_by_digits!(Price, Quantity);

macro_rules! same_by_equality {
    ($($name:ty),*) => {$(
        impl Same for $name {
            fn is_same(&self, other: &Self) -> bool {
                self == other
            }
        }
    )*};
}
same_by_equality!(u64, i64, String, AggressorSide, BookState, Checksum, Health, Quantiles, Resync, VenueClock);

impl<T: Same> Same for Option<T> {
    fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Some(one), Some(other)) => one.is_same(other),
            (one, other) => one.is_none() && other.is_none(),
        }
    }
}

impl Same for Level {
    fn is_same(&self, other: &Self) -> bool {
        self.price.is_same(&other.price) && self.quantity.is_same(&other.quantity)
    }
}

impl Same for Candle {
    fn is_same(&self, other: &Self) -> bool {
        self.open_time == other.open_time
            && self.open.is_same(&other.open)
            && self.high.is_same(&other.high)
            && self.low.is_same(&other.low)
            && self.close.is_same(&other.close)
            && self.volume.is_same(&other.volume)
            && self.buy_volume.is_same(&other.buy_volume)
    }
}

/// Returns the newer value if it differs from the older one; `None` if it does not differ, or is unknown.
pub(crate) fn changed<T: Same + Clone>(older: &Option<T>, newer: &Option<T>) -> Option<T> {
    match (older, newer) {
        (Some(older), Some(newer)) if older.is_same(newer) => None,
        _ => newer.clone(),
    }
}
