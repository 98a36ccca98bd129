//! The channels: what is published, one file each with its payload, and one line in the list.
//!
//! A channel's file holds the payload, its `merge` and `diff`, and its fields for the binary form; serde gives the JSON
//! form. An optional field that is absent from a delta has not changed; a field once known stays known. Times are as the
//! field's name says: `_ms` and `_us` since the epoch, `venue_time_ms` on the venue's clock, the others on the server's.

pub mod book;
pub mod candles;
pub mod consolidated;
pub mod quality;
pub mod quote;
pub mod replay;
pub mod status;
pub mod system;
pub mod tape;

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};

use crate::{
    channel_list::channels,
    error::{FieldError, TopicError},
    payload::{FieldReader, FieldWriter, Merge, Payload},
    subject::SubjectKind,
    topic::{ParameterKind, shortened},
};

// Word, kind of subject and of parameter, then whether it is state (a slow reader may skip to a snapshot) or events (a
// reader too slow is disconnected and resumes), and the payload. The position is the number of the binary form: append only.
channels! {
    Quote("quote", Instrument, None) => State(quote::QuoteData),
    Tape("tape", Instrument, None) => Events(tape::TapeData),
    Book("book", Instrument, None) => State(book::BookData),
    Candles("candles", Instrument, Interval) => State(candles::CandlesData),
    Quality("quality", Instrument, None) => State(Box<quality::QualityData>),
    Status("status", Server, None) => State(status::StatusData),
    System("system", Server, None) => State(system::SystemData),
    Consolidated("consolidated", Pair, None) => State(consolidated::ConsolidatedData),
    Replay("replay", Server, None) => State(replay::ReplayData),
}

/// Treatment of a reader too slow for a channel.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    State,
    Events,
}

impl Channel {
    /// True where the newest state is all that counts, so that a slow reader may skip to a snapshot. False where each
    /// item counts: a reader too slow for it is disconnected and resumes.
    pub fn is_state(self) -> bool {
        self.kind() == Kind::State
    }

    /// Reads its word.
    ///
    /// # Errors
    /// An unknown word; the error lists the known ones.
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
