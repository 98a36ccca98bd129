//! What a topic carries: one struct a channel, the same for snapshots and deltas.
//!
//! The rule that all obey: `snapshot.merge(delta 1)…merge(delta n)` equals the snapshot taken after delta n, where delta
//! is `older.diff(newer)`. An optional field that is absent from a delta has not changed; a field once known stays known.
//! Serde gives the JSON form; the binary form is not derived. Times are as the field's name says: `_ms` and `_us` since
//! the epoch, `venue_time_ms` on the venue's clock, the others on the server's.

pub mod book;
pub mod candles;
pub mod consolidated;
pub mod quality;
pub mod quote;
pub mod status;
pub mod system;
pub mod tape;

mod bars;
mod levels;
mod trade_id;

use std::fmt;

use serde::Serialize;

use crate::{
    channels::{
        book::BookData, candles::CandlesData, consolidated::ConsolidatedData, quality::QualityData, quote::QuoteData,
        status::StatusData, system::SystemData, tape::TapeData,
    },
    error::TopicError,
    topic::shortened,
};

/// What a topic is about. An unknown word is an error that lists the known ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Channel {
    /// Best bid and ask, last price, figures of the day.
    Quote,
    /// Public trades, one by one.
    Tape,
    /// The best levels of the order book.
    Book,
    /// Bars of one interval.
    Candles,
    /// What was found wrong, counted.
    Quality,
    /// The state of each stream; without an instrument.
    Status,
    /// The server itself; without an instrument.
    System,
    /// Best bid and ask of a pair over all venues. In place of an instrument stands `all` and the pair.
    Consolidated,
}

impl Channel {
    /// All channels; the position is the number of the binary form: append only.
    pub const ALL: [Self; 8] = [
        Self::Quote,
        Self::Tape,
        Self::Book,
        Self::Candles,
        Self::Quality,
        Self::Status,
        Self::System,
        Self::Consolidated,
    ];

    /// Its word in topics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Quote => "quote",
            Self::Tape => "tape",
            Self::Book => "book",
            Self::Candles => "candles",
            Self::Quality => "quality",
            Self::Status => "status",
            Self::System => "system",
            Self::Consolidated => "consolidated",
        }
    }

    /// True where the newest state is all that counts, so that a slow reader may skip to a snapshot. False where each
    /// item counts: a reader too slow for it is disconnected and resumes.
    pub const fn is_state(self) -> bool {
        !matches!(self, Self::Tape)
    }

    /// True where a topic names an instrument.
    pub const fn has_instrument(self) -> bool {
        !matches!(self, Self::Status | Self::System)
    }

    pub(crate) fn parse(word: &str) -> Result<Self, TopicError> {
        Self::ALL.into_iter().find(|channel| channel.as_str() == word).ok_or_else(|| TopicError::UnknownChannel {
            channel: shortened(word),
            known: Self::ALL.map(Self::as_str).join(", "),
        })
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The data of one item, whole (snapshot) or changed parts (delta).
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum TopicData {
    /// Best bid and ask, last price, figures of the day.
    Quote(QuoteData),
    /// Public trades.
    Tape(TapeData),
    /// The best levels of the order book.
    Book(BookData),
    /// Bars of one interval.
    Candles(CandlesData),
    /// What was found wrong, counted. Boxed: it is large and rare, and histories keep items whole.
    Quality(Box<QualityData>),
    /// The state of each stream.
    Status(StatusData),
    /// The server itself.
    System(SystemData),
    /// Best bid and ask of a pair over all venues.
    Consolidated(ConsolidatedData),
}

impl TopicData {
    /// The channel whose topics carry it.
    pub fn channel(&self) -> Channel {
        match self {
            Self::Quote(_) => Channel::Quote,
            Self::Tape(_) => Channel::Tape,
            Self::Book(_) => Channel::Book,
            Self::Candles(_) => Channel::Candles,
            Self::Quality(_) => Channel::Quality,
            Self::Status(_) => Channel::Status,
            Self::System(_) => Channel::System,
            Self::Consolidated(_) => Channel::Consolidated,
        }
    }

    /// Applies a delta; data of another channel changes nothing.
    pub fn merge(&mut self, delta: &Self) {
        match (self, delta) {
            (Self::Quote(data), Self::Quote(delta)) => data.merge(delta),
            (Self::Tape(data), Self::Tape(delta)) => data.merge(delta),
            (Self::Book(data), Self::Book(delta)) => data.merge(delta),
            (Self::Candles(data), Self::Candles(delta)) => data.merge(delta),
            (Self::Quality(data), Self::Quality(delta)) => data.merge(delta),
            (Self::Status(data), Self::Status(delta)) => data.merge(delta),
            (Self::System(data), Self::System(delta)) => data.merge(delta),
            (Self::Consolidated(data), Self::Consolidated(delta)) => data.merge(delta),
            _ => {}
        }
    }

    /// The delta that turns `self` into `newer`; `None` where nothing changed. Of another channel: all of `newer`.
    pub fn diff(&self, newer: &Self) -> Option<Self> {
        match (self, newer) {
            (Self::Quote(older), Self::Quote(newer)) => older.diff(newer).map(Self::Quote),
            (Self::Tape(older), Self::Tape(newer)) => older.diff(newer).map(Self::Tape),
            (Self::Book(older), Self::Book(newer)) => older.diff(newer).map(Self::Book),
            (Self::Candles(older), Self::Candles(newer)) => older.diff(newer).map(Self::Candles),
            (Self::Quality(older), Self::Quality(newer)) => {
                older.diff(newer).map(|delta| Self::Quality(Box::new(delta)))
            }
            (Self::Status(older), Self::Status(newer)) => older.diff(newer).map(Self::Status),
            (Self::System(older), Self::System(newer)) => older.diff(newer).map(Self::System),
            (Self::Consolidated(older), Self::Consolidated(newer)) => older.diff(newer).map(Self::Consolidated),
            _ => Some(newer.clone()),
        }
    }
}

/// `merge`, `diff` and `is_empty` of a struct whose fields are all optional.
macro_rules! optional_fields {
    ($name:ident { $($field:ident),* $(,)? }) => {
        impl $name {
            /// Takes over the fields that `delta` has.
            pub fn merge(&mut self, delta: &Self) {
                $(if delta.$field.is_some() {
                    self.$field.clone_from(&delta.$field);
                })*
            }

            /// The fields of `newer` that differ; `None` where none does.
            pub fn diff(&self, newer: &Self) -> Option<Self> {
                let delta = Self { $($field: $crate::exact::changed(&self.$field, &newer.$field)),* };
                (!delta.is_empty()).then_some(delta)
            }

            /// True where no field is present.
            pub fn is_empty(&self) -> bool {
                true $(&& self.$field.is_none())*
            }
        }
    };
}
use optional_fields;
