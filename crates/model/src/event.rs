//! Market events: what venues report, as one closed enum of immutable events with venue time and receive time.
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

/// One report of a venue about one instrument.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MarketEvent {
    /// The instrument.
    pub instrument: InstrumentId,
    /// The venue's clock, if the message has a time.
    pub event_time: Option<Timestamp>,
    /// Our clock when the frame arrived.
    pub receive_time: Timestamp,
    /// The content.
    pub kind: MarketEventKind,
}

/// The kinds of market events.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MarketEventKind {
    /// A public trade.
    Trade(Trade),
    /// A trade away from the market, as the venue marks it (reported late, at an average or derived price): it counts as
    /// volume, and its price is nobody's last, high or low.
    OffMarketTrade(Trade),
    /// Best bid and ask as published by the venue.
    Quote(Quote),
    /// A book was replaced or changed, or its state changed.
    Book(BookUpdate),
    /// The venue's own candle.
    Candle(CandleUpdate),
    /// History requested by REST, oldest first; the last candle may still be forming.
    History(CandleHistory),
    /// Statistics of the last 24 hours.
    Day(DayStatistics),
    /// The instrument itself: tick size, lot size, status.
    Instrument(Arc<Instrument>),
}

/// The side that took liquidity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum AggressorSide {
    /// The buyer crossed the spread.
    #[serde(rename = "buy")]
    Buyer,
    /// The seller crossed the spread.
    #[serde(rename = "sell")]
    Seller,
    /// The venue does not report the side.
    Unknown,
}

/// A public trade.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trade {
    /// The venue's id; its decimal text on venues with numeric ids.
    pub id: TradeId,
    /// Price of one base unit.
    pub price: Price,
    /// Base units traded; 0 for a new price without a trade, as markets report that publish no volume.
    pub size: Quantity,
    /// The side that crossed the spread.
    pub aggressor_side: AggressorSide,
}

/// A venue's trade id.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum TradeId {
    /// A number that rises by one with each trade of the instrument.
    Sequence(u64),
    /// Opaque text.
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

/// Best bid and ask. A side without any order is empty, and what was known of it is no longer true.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quote {
    /// Highest bid; `None` if nobody bids.
    pub bid: Option<Level>,
    /// Lowest ask; `None` if nobody offers.
    pub ask: Option<Level>,
}

/// One price row of a book; quantity 0 in an update removes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Level {
    /// The row's price.
    pub price: Price,
    /// Absolute quantity at that price.
    pub quantity: Quantity,
}

impl Level {
    /// Returns the best row of a side as venues quote it; `None` for an empty side, which they write as zero.
    pub fn quoted(price: Price, quantity: Quantity) -> Option<Self> {
        let is_empty = price.is_zero() || price.is_negative() || quantity.is_zero();
        (!is_empty).then_some(Self { price, quantity })
    }
}

/// A change to a book. The venue session owns the book itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum BookUpdate {
    /// The whole book was replaced; read the levels from the session's book.
    Snapshot {
        /// State after the replacement.
        state: BookState,
        /// Bid rows in the new book.
        n_bids: usize,
        /// Ask rows in the new book.
        n_asks: usize,
    },
    /// Levels changed, in the order the venue sent them; not necessarily best first.
    Delta {
        /// State after the change.
        state: BookState,
        /// Changed bids.
        bids: Vec<Level>,
        /// Changed asks.
        asks: Vec<Level>,
    },
    /// The state changed without a change of levels (a gap was found or a resync began).
    State {
        /// The new state.
        state: BookState,
    },
}

/// The venue's own candle of one interval.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CandleUpdate {
    /// The candle's length.
    pub interval: Interval,
    /// The candle.
    pub candle: Candle,
    /// True if the venue says that no more trades will be added.
    pub is_closed: bool,
}

/// Candles requested by REST.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CandleHistory {
    /// The candles' length.
    pub interval: Interval,
    /// Oldest first; the last one may still be forming.
    pub candles: Vec<Candle>,
}

/// Part of an instrument's book that somebody looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum BookInterest {
    /// Its best levels.
    Best,
    /// Levels far from its best ones: grouped by price, or traded on.
    Deep,
}

/// A request for history, made by the market view and answered by the session with a [`CandleHistory`] event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryRequest {
    /// The instrument.
    pub instrument: InstrumentId,
    /// The candles' length.
    pub interval: Interval,
    /// The number of newest candles wanted.
    pub n_bars: usize,
}

/// Statistics of the last 24 hours, as published by the venue. `None`: not known; no price is zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DayStatistics {
    /// First price of the window.
    pub open: Option<Price>,
    /// Highest price of the window.
    pub high: Option<Price>,
    /// Lowest price of the window.
    pub low: Option<Price>,
    /// Last price.
    pub last: Option<Price>,
    /// Base units traded in the window.
    pub volume: Option<Quantity>,
}

impl DayStatistics {
    /// Returns the statistics from a venue's figures, first, highest, lowest and last price: zero is its word for a price
    /// that it does not have.
    pub fn published([open, high, low, last]: [Price; 4], volume: Option<Quantity>) -> Self {
        let known = |price: Price| (!price.is_zero()).then_some(price);
        Self { open: known(open), high: known(high), low: known(low), last: known(last), volume }
    }

    /// Takes a newer last price in.
    pub fn advance(&mut self, last: Price) {
        self.last = Some(last);
        self.high = self.high.map(|high| high.max(last));
        self.low = self.low.map(|low| low.min(last));
    }
}
