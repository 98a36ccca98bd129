//! Whole numbers within a range, for `#[serde(with = "…")]`: the range is written beside its field.
//!
//! For numbers, sizes and time spans. A time span is a number of milliseconds; an `Option` may be omitted.

use std::{fmt, marker::PhantomData, time::Duration};

use serde::{
    Deserializer, Serializer,
    de::{self, Unexpected, Visitor},
};

/// A whole number of `UNIT` from `MIN` to `MAX`.
#[derive(Debug)]
pub struct Whole<const MIN: u64, const MAX: u64, const UNIT: u64 = 1>;

/// A whole number of milliseconds.
pub type Milliseconds<const MIN: u64, const MAX: u64> = Whole<MIN, MAX>;
/// A whole number of minutes.
pub type Minutes<const MIN: u64, const MAX: u64> = Whole<MIN, MAX, 60_000>;
/// A whole number of days.
pub type Days<const MIN: u64, const MAX: u64> = Whole<MIN, MAX, 86_400_000>;
/// A whole number of mebibytes.
pub type Mebibytes<const MIN: u64, const MAX: u64> = Whole<MIN, MAX, { 1 << 20 }>;

impl<const MIN: u64, const MAX: u64, const UNIT: u64> Whole<MIN, MAX, UNIT> {
    /// Reads a number.
    ///
    /// # Errors
    /// The value is not a whole number or is out of range; the error contains the remedy.
    pub fn deserialize<'de, T: Counted, D: Deserializer<'de>>(from: D) -> Result<T, D::Error> {
        from.deserialize_u64(InRange::<T, MIN, MAX, UNIT>(PhantomData))
    }

    /// Writes a number, or none for an omitted one.
    ///
    /// # Errors
    /// The serializer's errors.
    pub fn serialize<T: Counted, S: Serializer>(value: &T, to: S) -> Result<S::Ok, S::Error> {
        match value.count() {
            Some(count) => to.serialize_u64(count / UNIT),
            None => to.serialize_none(),
        }
    }
}

/// Values that are written as whole numbers.
pub trait Counted: Sized {
    /// Returns the value of a count; `None` if it does not fit.
    fn of(count: u64) -> Option<Self>;
    /// Returns the count of this value; `None` if it is omitted.
    fn count(&self) -> Option<u64>;
}

macro_rules! counted {
    ($($number:ty),*) => { $(
        impl Counted for $number {
            fn of(count: u64) -> Option<Self> {
                count.try_into().ok()
            }

            fn count(&self) -> Option<u64> {
                (*self).try_into().ok()
            }
        }
    )* };
}

counted!(u32, u64, usize);

impl Counted for Duration {
    fn of(count: u64) -> Option<Self> {
        Some(Self::from_millis(count))
    }

    fn count(&self) -> Option<u64> {
        self.as_millis().try_into().ok()
    }
}

impl<T: Counted> Counted for Option<T> {
    fn of(count: u64) -> Option<Self> {
        T::of(count).map(Some)
    }

    fn count(&self) -> Option<u64> {
        self.as_ref().and_then(T::count)
    }
}

struct InRange<T, const MIN: u64, const MAX: u64, const UNIT: u64>(PhantomData<T>);

impl<T: Counted, const MIN: u64, const MAX: u64, const UNIT: u64> Visitor<'_> for InRange<T, MIN, MAX, UNIT> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "write a whole number from {MIN} to {MAX}")
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<T, E> {
        let in_range = Some(number).filter(|number| (MIN..=MAX).contains(number));
        in_range
            .and_then(|number| T::of(number.checked_mul(UNIT)?))
            .ok_or_else(|| E::invalid_value(Unexpected::Unsigned(number), &self))
    }
}
