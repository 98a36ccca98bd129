//! Channel `ladder`: a deep view of an order book, in groups of whole ticks. Computed where the whole book is known.
//!
//! The parameter is the group's size in ticks, one of [`GROUP_TICKS`](crate::limits::GROUP_TICKS), as in
//! `ladder.50:binance:BTCUSDT`. A group of bids stands at the price at or below its levels, a group of asks at the price
//! at or above. The rules for a book that is not served are those of [`BookData`].

use serde::{Deserialize, Serialize};

use crate::{
    channels::book::BookData,
    error::FieldError,
    limits::LADDER_DEPTH,
    payload::{FieldReader, FieldWriter, Merge, Payload},
};

/// The best 50 groups a side, in the form of a book. A delta lists changed groups, quantity 0 removes; the client then
/// cuts each side to 50. A side of fewer groups reaches as far as the known book: the last group may be incomplete.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct LadderData {
    /// State and groups.
    pub book: BookData,
}

impl Merge for LadderData {
    fn merge(&mut self, delta: &Self) {
        self.book.merge_to(&delta.book, LADDER_DEPTH);
    }

    fn diff(&self, newer: &Self) -> Option<Self> {
        self.book.diff_to(&newer.book, LADDER_DEPTH).map(|book| Self { book })
    }
}

impl Payload for LadderData {
    fn write(&self, writer: &mut impl FieldWriter) {
        self.book.write(writer);
    }

    fn read(reader: &mut impl FieldReader) -> Result<Self, FieldError> {
        BookData::read(reader).map(|book| Self { book })
    }

    fn check(&self) -> Result<(), FieldError> {
        self.book.check()
    }
}
