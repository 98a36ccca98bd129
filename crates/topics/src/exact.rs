//! Exact comparison of what model's equality takes as equal: `1.5` and `1.50` are one value, but not the same digits.
//!
//! `diff` uses it, so that a page that merged deltas shows the very digits of a fresh snapshot.

use model::{
    candle::Candle,
    decimal::{Price, Quantity},
    event::{AggressorSide, Level},
    histogram::Quantiles,
    proof::{BookState, Checksum},
};

use crate::channels::quality::{Resync, latency::VenueClock};

/// A decimal as an integer and its number of digits behind the point.
pub trait Exact: Copy {
    /// Mantissa and scale.
    fn parts(self) -> (i128, u32);
    /// The value of these parts; `None` where it does not fit.
    fn from_parts(mantissa: i128, scale: u32) -> Option<Self>;
}

/// Equality that sees digits.
pub trait Same {
    /// True where nothing at all differs.
    fn is_same(&self, other: &Self) -> bool;
}

macro_rules! exact {
    ($($name:ident),*) => {$(
        impl Exact for $name {
            fn parts(self) -> (i128, u32) {
                (self.mantissa(), self.scale())
            }

            fn from_parts(mantissa: i128, scale: u32) -> Option<Self> {
                Self::from_mantissa(mantissa, scale)
            }
        }

        impl Same for $name {
            fn is_same(&self, other: &Self) -> bool {
                self.parts() == other.parts()
            }
        }
    )*};
}
exact!(Price, Quantity);

macro_rules! same_by_equality {
    ($($name:ty),*) => {$(
        impl Same for $name {
            fn is_same(&self, other: &Self) -> bool {
                self == other
            }
        }
    )*};
}
same_by_equality!(u64, i64, String, AggressorSide, BookState, Checksum, Quantiles, Resync, VenueClock);

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

/// The newer value where it differs from the older one; `None` where it does not, or is not known.
pub fn changed<T: Same + Clone>(older: &Option<T>, newer: &Option<T>) -> Option<T> {
    match (older, newer) {
        (Some(older), Some(newer)) if older.is_same(newer) => None,
        _ => newer.clone(),
    }
}
