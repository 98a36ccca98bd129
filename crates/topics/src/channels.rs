//! The channels: the kinds of published data, each with a file for its payload and one line in the list.
//!
//! A channel's file has the payload, its `merge` and `diff`, and its fields for the binary form; serde gives the JSON
//! form. An optional field that is absent from a delta has not changed; a field once known stays known. The names of
//! times show their unit: `_ms` and `_us` since the epoch, `venue_time_ms` on the venue's clock, the others on the
//! server's.

pub mod book;
pub mod candles;
pub mod consolidated;
pub mod desk;
pub mod indicators;
pub mod ladder;
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

// Name, kind of subject and of parameter, then state (a slow reader may skip to a snapshot) or events (a slow reader is
// disconnected and resumes), and the payload. The position is the number in the binary form: append only.
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
    Ladder("ladder", Instrument, Group) => State(ladder::LadderData),
    Dashboard("dashboard", Account, None) => State(desk::DeskRows),
    Orders("orders", Account, None) => State(desk::DeskRows),
    Trades("trades", Account, None) => Events(desk::DeskLog),
    Positions("positions", Account, None) => State(desk::DeskRows),
    Performance("performance", Account, None) => State(desk::DeskRows),
    Strategies("strategies", Account, None) => State(desk::DeskRows),
    Events("events", Account, None) => Events(desk::DeskLog),
    Indicators("indicators", Instrument, Indicator) => State(indicators::IndicatorsData),
    Signals("signals", Server, None) => Events(desk::DeskLog),
    Alerts("alerts", Server, None) => State(desk::DeskRows),
    Rules("rules", Server, None) => State(desk::DeskRows),
}

/// The treatment of a reader that is too slow for a channel.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    State,
    Events,
}

impl Channel {
    /// Returns true if only the newest state counts, so that a slow reader may skip to a snapshot. Returns false if
    /// every item counts: a reader that is too slow is disconnected and resumes.
    pub fn is_state(self) -> bool {
        self.kind() == Kind::State
    }

    /// Parses a channel's name.
    ///
    /// # Errors
    /// The name is unknown; the error lists the known ones.
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
