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
pub mod operations;
pub mod quality;
pub mod quote;
pub mod replay;
pub mod status;
pub mod system;
pub mod tape;

use std::fmt;

use model::access::Role;
use serde::{Deserialize, Deserializer, Serialize};

use crate::{
    channel_list::channels,
    error::{FieldError, TopicError},
    payload::{FieldReader, FieldWriter, Merge, Payload},
    subject::SubjectKind,
    topic::{ParameterKind, shortened},
};

// Name, kind of subject and of parameter, the least role that may follow it, then state (a slow reader may skip to a
// snapshot) or events (a slow reader is disconnected and resumes), and the payload. The position is the number in the
// binary form: append only.
channels! {
    Quote("quote", Instrument, None, Viewer) => State(quote::QuoteData),
    Tape("tape", Instrument, None, Viewer) => Events(tape::TapeData),
    Book("book", Instrument, None, Viewer) => State(book::BookData),
    Candles("candles", Instrument, Interval, Viewer) => State(candles::CandlesData),
    Quality("quality", Instrument, None, Viewer) => State(Box<quality::QualityData>),
    Status("status", Server, None, Viewer) => State(status::StatusData),
    System("system", Server, None, Viewer) => State(system::SystemData),
    Consolidated("consolidated", Pair, None, Viewer) => State(consolidated::ConsolidatedData),
    Replay("replay", Server, None, Viewer) => State(replay::ReplayData),
    Ladder("ladder", Instrument, Group, Viewer) => State(ladder::LadderData),
    Dashboard("dashboard", Account, None, Viewer) => State(desk::DeskRows),
    Orders("orders", Account, None, Viewer) => State(desk::DeskRows),
    Trades("trades", Account, None, Viewer) => Events(desk::DeskLog),
    Positions("positions", Account, None, Viewer) => State(desk::DeskRows),
    Performance("performance", Account, None, Viewer) => State(desk::DeskRows),
    Strategies("strategies", Account, None, Viewer) => State(desk::DeskRows),
    Events("events", Account, None, Viewer) => Events(desk::DeskLog),
    Indicators("indicators", Instrument, Indicator, Viewer) => State(indicators::IndicatorsData),
    Signals("signals", Server, None, Viewer) => Events(desk::DeskLog),
    Alerts("alerts", Server, None, Viewer) => State(desk::DeskRows),
    Rules("rules", Server, None, Viewer) => State(desk::DeskRows),
    Operations("operations", Server, None, Admin) => State(operations::OperationsData),
    AlertChannels("alert_channels", Server, None, Admin) => State(desk::DeskRows),
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
