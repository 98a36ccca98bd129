//! What a venue said, in our words: one closed enum of immutable events with venue time and receive time.
//!
//! Not here: state derived from events (books in [`crate::book`], candles in [`crate::candle`]).

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{
    candle::{Candle, Interval},
    decimal::{Price, Quantity},
    instrument::{Instrument, InstrumentId},
    proof::BookState,
    time::Timestamp,
};

/// One thing a venue said about one instrument.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MarketEvent {
    /// What it is about.
    pub instrument: InstrumentId,
    /// The venue's clock, where the message carries it.
    pub event_time: Option<Timestamp>,
    /// Our clock when the frame came.
    pub receive_time: Timestamp,
    /// What was said.
    pub kind: MarketEventKind,
}

/// The kinds of market events.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MarketEventKind {
    /// A public print.
    Trade(Trade),
    /// Best bid and ask as the venue publishes them.
    Quote(Quote),
    /// A book was replaced, changed, or changed its state.
    Book(BookUpdate),
    /// The venue's own bar.
    Candle(CandleUpdate),
    /// History asked for by REST, oldest first; the last one may still be forming.
    History(CandleHistory),
    /// Figures of the last 24 hours.
    Day(DayStatistics),
    /// The instrument itself: tick size, lot size, status.
    Instrument(Arc<Instrument>),
}

/// The side that took liquidity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AggressorSide {
    /// The buyer crossed the spread.
    #[serde(rename = "buy")]
    Buyer,
    /// The seller crossed the spread.
    #[serde(rename = "sell")]
    Seller,
    /// The venue does not say.
    Unknown,
}

/// A public print.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trade {
    /// The venue's id; on venues with numeric ids its decimal text.
    pub id: TradeId,
    /// Price of one base unit.
    pub price: Price,
    /// Base units traded.
    pub size: Quantity,
    /// Who crossed the spread.
    pub aggressor_side: AggressorSide,
}

/// A venue's trade id.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum TradeId {
    /// A number that rises by one with each trade of the instrument.
    Sequence(u64),
    /// An opaque text.
    Text(Arc<str>),
}

impl std::fmt::Display for TradeId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Sequence(number) => write!(f, "{number}"),
            Self::Text(text) => f.write_str(text),
        }
    }
}

/// Best bid and ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quote {
    /// Highest bid.
    pub bid: Price,
    /// Quantity at the highest bid.
    pub bid_size: Quantity,
    /// Lowest ask.
    pub ask: Price,
    /// Quantity at the lowest ask.
    pub ask_size: Quantity,
}

/// One price row of a book; quantity 0 in an update removes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Level {
    /// The row's price.
    pub price: Price,
    /// Absolute quantity at that price.
    pub quantity: Quantity,
}

/// What happened to a book. The book itself is owned by the venue session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum BookUpdate {
    /// The whole book was replaced; levels are read from the session's book.
    Snapshot {
        /// State after it.
        state: BookState,
        /// Bid rows in the new book.
        n_bids: usize,
        /// Offer rows in the new book.
        n_asks: usize,
    },
    /// Levels changed; in the order the venue sent them, best first is not promised.
    Delta {
        /// State after it.
        state: BookState,
        /// Changed bids.
        bids: Vec<Level>,
        /// Changed offers.
        asks: Vec<Level>,
    },
    /// The state changed without a change of levels (gap found, resync begun).
    State {
        /// The new state.
        state: BookState,
    },
}

/// The venue's own bar of one interval.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CandleUpdate {
    /// The bar's length.
    pub interval: Interval,
    /// The bar.
    pub candle: Candle,
    /// True when the venue says no more trades will be added.
    pub is_closed: bool,
}

/// Bars asked for by REST.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CandleHistory {
    /// The bars' length.
    pub interval: Interval,
    /// Oldest first; the last one may still be forming.
    pub candles: Vec<Candle>,
}

/// A wish for history, made by the market view and answered by the session with a [`CandleHistory`] event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryRequest {
    /// Whose bars.
    pub instrument: InstrumentId,
    /// The bars' length.
    pub interval: Interval,
    /// How many, the newest.
    pub n_bars: usize,
}

/// Figures of the last 24 hours, as the venue publishes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DayStatistics {
    /// First price of the window.
    pub open: Price,
    /// Highest price of the window.
    pub high: Price,
    /// Lowest price of the window.
    pub low: Price,
    /// Last price.
    pub last: Price,
    /// Base units traded in the window.
    pub volume: Quantity,
}
