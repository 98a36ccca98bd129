//! What a topic carries: one struct a channel, the same for snapshots and deltas.
//!
//! The rule that all obey: `snapshot.merge(delta 1)…merge(delta n)` equals the snapshot taken after delta n, where delta
//! is `older.diff(newer)`. An optional field that is absent from a delta has not changed; a field once known stays known.
//! Serde gives the JSON form; the binary form is not derived. Times are as the field's name says: `_ms` and `_us` since
//! the epoch, `venue_time_ms` on the venue's clock, the others on the server's.

mod book;
mod candles;
mod consolidated;
mod latency;
mod quality;
mod quote;
mod status;
mod system;
mod tape;

pub use book::BookData;
pub use candles::CandlesData;
pub use consolidated::{ConsolidatedData, LeftOut, VenueLevel, VenueStanding};
pub use latency::{LatencyData, VenueClock};
pub use quality::{
    BookProof, BookQuality, FeedQuality, MALFORMED_SAMPLES, MalformedSample, QualityData, Resync, ResyncReason,
    SAMPLE_CHARS,
};
pub use quote::QuoteData;
use serde::Serialize;
pub use status::{Breaker, ConnectionEntry, StatusData, StreamEntry};
pub use system::SystemData;
pub use tape::{TapeData, TapeTrade};

use crate::topic::Channel;

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
