//! The interface of every channel's payload, including the list of its fields for the binary form.
//!
//! All payloads obey this rule: `snapshot.merge(delta 1)…merge(delta n)` equals the snapshot taken after delta n, where
//! a delta is `older.diff(newer)`. Serde gives the JSON form; [`Payload::write`] and [`Payload::read`] list the fields
//! of the binary form in order. Not here: the bytes themselves, which only `wire` writes.

use model::{
    decimal::{Price, Quantity},
    event::AggressorSide,
    instrument::InstrumentId,
    proof::BookState,
};
use serde::{Serialize, de::DeserializeOwned};

use crate::error::FieldError;

/// State that changes by deltas of its own type.
pub trait Merge: Sized {
    /// Applies a delta.
    fn merge(&mut self, delta: &Self);

    /// Returns the delta that turns `self` into `newer`; `None` if nothing changed.
    fn diff(&self, newer: &Self) -> Option<Self>;
}

/// The data of a channel, whole (snapshot) or the changed parts (delta).
pub trait Payload: Merge + Clone + PartialEq + Serialize + DeserializeOwned {
    /// Writes the fields of the binary form.
    fn write(&self, writer: &mut impl FieldWriter);

    /// Reads the output of [`Self::write`].
    ///
    /// # Errors
    /// The first field that is missing, unknown or out of range.
    fn read(reader: &mut impl FieldReader) -> Result<Self, FieldError>;

    /// Checks the length of lists read from JSON, which has no limits of its own.
    ///
    /// # Errors
    /// The first list that is longer than the binary form carries.
    fn check(&self) -> Result<(), FieldError> {
        Ok(())
    }
}

/// For large, rare payloads: an enum is as large as its largest variant, and histories keep many items.
impl<P: Merge> Merge for Box<P> {
    fn merge(&mut self, delta: &Self) {
        P::merge(self, delta);
    }

    fn diff(&self, newer: &Self) -> Option<Self> {
        P::diff(self, newer).map(Box::new)
    }
}

impl<P: Payload> Payload for Box<P> {
    fn write(&self, writer: &mut impl FieldWriter) {
        P::write(self, writer);
    }

    fn read(reader: &mut impl FieldReader) -> Result<Self, FieldError> {
        P::read(reader).map(Box::new)
    }

    fn check(&self) -> Result<(), FieldError> {
        P::check(self)
    }
}

/// Accepts the fields of a payload in order. Cannot fail: callers cut values that exceed a limit.
pub trait FieldWriter {
    /// Writes one byte.
    fn byte(&mut self, byte: u8);
    /// Writes an integer; small ones are short.
    fn unsigned(&mut self, value: u64);
    /// Writes an integer of either sign; those near zero are short.
    fn signed(&mut self, value: i64);
    /// Writes a text, cut to the limit of a message.
    fn text(&mut self, text: &str);
    /// Writes a row of JSON, at most [`MAX_ROW_BYTES`](crate::channels::desk::MAX_ROW_BYTES) long.
    fn json(&mut self, text: &str);
    /// Writes a price with its scale; one close to the previous price is short.
    fn price(&mut self, price: Price);
    /// Writes a quantity with its scale; one with the previous scale is short.
    fn size(&mut self, size: Quantity);
    /// Writes a time, relative to the previous time, in the same unit.
    fn time(&mut self, time: i64);
    /// Sets the previous time to `time`.
    fn rebase_time(&mut self, time: i64);

    /// Writes a floating-point number, all its bits.
    fn float(&mut self, value: f64) {
        value.to_le_bytes().into_iter().for_each(|byte| self.byte(byte));
    }

    /// Writes the length of a list.
    fn count(&mut self, count: usize) {
        self.unsigned(count as u64);
    }

    /// Writes the position of a value in a table of all values.
    fn coded<T: PartialEq>(&mut self, table: &[T], value: &T) {
        self.byte(code_of(table, value));
    }

    /// Writes which of up to 64 options are present, the first in the lowest bit.
    fn mask(&mut self, present: impl IntoIterator<Item = bool>) {
        let bits = present.into_iter().enumerate();
        self.unsigned(bits.fold(0, |mask, (bit, is_present)| mask | (u64::from(is_present) << bit)));
    }

    /// Writes venue, receive and publish time. Venue time is in milliseconds, so the unit of the previous time changes
    /// after it.
    fn times(&mut self, venue_ms: Option<i64>, receive_us: Option<i64>, publish_us: Option<i64>) {
        if let Some(venue_ms) = venue_ms {
            self.time(venue_ms);
            self.rebase_time(venue_ms.wrapping_mul(1_000));
        }
        [receive_us, publish_us].into_iter().flatten().for_each(|time_us| self.time(time_us));
    }
}

/// Returns the fields of a payload in order. Total: any bytes give a value or an error.
pub trait FieldReader {
    /// Reads [`FieldWriter::byte`].
    ///
    /// # Errors
    /// The bytes end.
    fn byte(&mut self) -> Result<u8, FieldError>;
    /// Reads [`FieldWriter::unsigned`].
    ///
    /// # Errors
    /// The bytes end, or the integer does not fit.
    fn unsigned(&mut self) -> Result<u64, FieldError>;
    /// Reads [`FieldWriter::signed`].
    ///
    /// # Errors
    /// The same as [`Self::unsigned`].
    fn signed(&mut self) -> Result<i64, FieldError>;
    /// Reads [`FieldWriter::text`].
    ///
    /// # Errors
    /// The bytes end, the text is too long, or it is not UTF-8.
    fn text(&mut self) -> Result<&str, FieldError>;
    /// Reads [`FieldWriter::json`].
    ///
    /// # Errors
    /// The bytes end, the text is too long, or it is not JSON.
    fn json(&mut self) -> Result<&str, FieldError>;
    /// Reads [`FieldWriter::price`].
    ///
    /// # Errors
    /// The bytes end, or are not a price.
    fn price(&mut self) -> Result<Price, FieldError>;
    /// Reads [`FieldWriter::size`].
    ///
    /// # Errors
    /// The bytes end, or are not a quantity.
    fn size(&mut self) -> Result<Quantity, FieldError>;
    /// Reads [`FieldWriter::time`].
    ///
    /// # Errors
    /// The same as [`Self::unsigned`].
    fn time(&mut self) -> Result<i64, FieldError>;
    /// Sets the previous time to `time`.
    fn rebase_time(&mut self, time: i64);
    /// Reads the length of a list whose entries take at least one byte each.
    ///
    /// # Errors
    /// More than `limit`, or more than bytes are left.
    fn count(&mut self, what: &'static str, limit: usize) -> Result<usize, FieldError>;

    /// Reads [`FieldWriter::float`].
    ///
    /// # Errors
    /// The bytes end.
    fn float(&mut self) -> Result<f64, FieldError> {
        let mut bytes = [0; 8];
        for byte in &mut bytes {
            *byte = self.byte()?;
        }
        Ok(f64::from_le_bytes(bytes))
    }

    /// Reads an integer of 32 bits.
    ///
    /// # Errors
    /// The same as [`Self::unsigned`].
    fn narrow(&mut self, what: &'static str) -> Result<u32, FieldError> {
        u32::try_from(self.unsigned()?).map_err(|_| FieldError::OutOfRange { what })
    }

    /// Reads [`FieldWriter::coded`] with the same table.
    ///
    /// # Errors
    /// The bytes end, or the position is not in the table.
    fn coded<T: Copy>(&mut self, what: &'static str, table: &[T]) -> Result<T, FieldError> {
        let found = self.byte()?;
        table.get(usize::from(found)).copied().ok_or(FieldError::UnknownCode { what, found: u64::from(found) })
    }

    /// Reads [`FieldWriter::mask`] of `n_bits` options.
    ///
    /// # Errors
    /// The bytes end, or a higher bit is set: a field unknown to this version.
    fn mask(&mut self, n_bits: u32) -> Result<u64, FieldError> {
        let mask = self.unsigned()?;
        if mask >> n_bits == 0 { Ok(mask) } else { Err(FieldError::UnknownCode { what: "field mask", found: mask }) }
    }

    /// Reads the venue time of [`FieldWriter::times`]; the other two follow with [`Self::time`].
    ///
    /// # Errors
    /// The same as [`Self::unsigned`].
    fn venue_time(&mut self) -> Result<i64, FieldError> {
        let venue_ms = self.time()?;
        self.rebase_time(venue_ms.wrapping_mul(1_000));
        Ok(venue_ms)
    }

    /// Reads an instrument written as a text.
    ///
    /// # Errors
    /// The same as [`Self::text`], or the text is not an instrument.
    fn instrument(&mut self) -> Result<InstrumentId, FieldError> {
        InstrumentId::parse(self.text()?).map_err(|_| FieldError::OutOfRange { what: "instrument" })
    }
}

// The positions are the numbers in the binary form: append only.
pub(crate) const SIDES: [AggressorSide; 3] = [AggressorSide::Buyer, AggressorSide::Seller, AggressorSide::Unknown];
pub(crate) const BOOK_STATES: [BookState; 7] = [
    BookState::Empty,
    BookState::Buffering,
    BookState::Live,
    BookState::Suspect,
    BookState::Resyncing,
    BookState::Unverified,
    BookState::Polled,
];

/// Returns the position of a value in a table of all values: its number in the binary form.
pub(crate) fn code_of<T: PartialEq>(table: &[T], value: &T) -> u8 {
    table.iter().position(|known| known == value).and_then(|at| u8::try_from(at).ok()).unwrap_or(0)
}

/// Reads a field if its bit of the mask is set.
pub(crate) fn when<T>(
    mask: u64,
    bit: u32,
    read: impl FnOnce() -> Result<T, FieldError>,
) -> Result<Option<T>, FieldError> {
    if mask & (1 << bit) == 0 { Ok(None) } else { read().map(Some) }
}

/// Checks the length of a list read from JSON.
///
/// # Errors
/// More than `limit`.
pub fn check_length(what: &'static str, found: usize, limit: usize) -> Result<(), FieldError> {
    if found <= limit { Ok(()) } else { Err(FieldError::TooMany { what, found: found as u64, limit }) }
}

/// Returns the first entries of a list, up to the limit of a payload.
pub(crate) fn oldest<T>(rows: &[T], limit: usize) -> &[T] {
    &rows[..rows.len().min(limit)]
}

/// Returns the last entries of a list, up to the limit of a payload.
pub(crate) fn newest<T>(rows: &[T], limit: usize) -> &[T] {
    &rows[rows.len().saturating_sub(limit)..]
}

/// [`Merge`] and `is_empty` of a struct whose fields are all optional. A flag after `gone` takes its fields back: without
/// it, a field once known stays known.
macro_rules! optional_fields {
    ($name:ident { $($field:ident),* $(,)? } $(gone { $($flag:ident: $($part:ident),+;)* })?) => {
        impl $crate::payload::Merge for $name {
            /// Adopts the fields present in `delta`.
            fn merge(&mut self, delta: &Self) {
                $(if delta.$field.is_some() {
                    self.$field.clone_from(&delta.$field);
                })*
                $($(if delta.$flag {
                    $(self.$part = None;)+
                    self.$flag = true;
                } else if $(delta.$part.is_some())||+ {
                    self.$flag = false;
                })*)?
            }

            /// Returns the fields of `newer` that differ; `None` if none does.
            fn diff(&self, newer: &Self) -> Option<Self> {
                let delta = Self {
                    $($field: $crate::exact::changed(&self.$field, &newer.$field),)*
                    $($($flag: newer.$flag && !self.$flag,)*)?
                };
                (!delta.is_empty()).then_some(delta)
            }
        }

        impl $name {
            /// Returns true if no field is present.
            pub fn is_empty(&self) -> bool {
                true $(&& self.$field.is_none())* $($(&& !self.$flag)*)?
            }
        }
    };
}
pub(crate) use optional_fields;
