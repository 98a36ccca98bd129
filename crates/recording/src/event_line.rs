//! One market event as one JSON line: flat, money as strings with the venue's digits, times with their unit in the
//! name.
//!
//! `{"kind":"trade","venue":"…","symbol":"…","event_time_ms":…,"receive_time_us":…,"id":…,"price":"…","size":"…","aggressor_side":"buy"}`

use std::{
    io::{self, Write},
    sync::Arc,
};

use model::{
    candle::{Candle, Interval},
    decimal::{Price, Quantity},
    event::{AggressorSide, BookUpdate, DayStatistics, Level, MarketEvent, MarketEventKind, TradeId},
    instrument::Instrument,
    proof::BookState,
};
use serde::{Serialize, Serializer};

/// An event in the form of `decode`.
#[derive(Serialize)]
pub struct EventLine<'a> {
    kind: &'static str,
    venue: &'a str,
    symbol: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    event_time_ms: Option<i64>,
    receive_time_us: i64,
    #[serde(flatten)]
    body: Body<'a>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Body<'a> {
    Trade {
        #[serde(serialize_with = "trade_id")]
        id: &'a TradeId,
        price: Price,
        size: Quantity,
        aggressor_side: AggressorSide,
    },
    /// The fields of a side without orders are null.
    Quote {
        bid: Option<Price>,
        bid_size: Option<Quantity>,
        ask: Option<Price>,
        ask_size: Option<Quantity>,
    },
    BookSnapshot {
        update: &'static str,
        state: BookState,
        n_bids: usize,
        n_asks: usize,
    },
    BookDelta {
        update: &'static str,
        state: BookState,
        #[serde(serialize_with = "levels")]
        bids: &'a [Level],
        #[serde(serialize_with = "levels")]
        asks: &'a [Level],
    },
    BookState {
        update: &'static str,
        state: BookState,
    },
    Candle {
        interval: Interval,
        is_closed: bool,
        #[serde(serialize_with = "one_bar")]
        bar: &'a Candle,
    },
    History {
        interval: Interval,
        #[serde(serialize_with = "many_bars")]
        bars: &'a [Candle],
    },
    Day(&'a DayStatistics),
    Instrument {
        instrument: &'a Arc<Instrument>,
    },
}

impl<'a> EventLine<'a> {
    /// Returns the line of an event.
    pub fn of(event: &'a MarketEvent) -> Self {
        Self::under(event, event.instrument.venue().as_str())
    }

    /// Returns the line of an event under another venue name.
    pub fn under(event: &'a MarketEvent, venue: &'a str) -> Self {
        Self {
            kind: kind(event),
            venue,
            symbol: event.instrument.symbol(),
            event_time_ms: event.event_time.map(|time| time.as_millis()),
            receive_time_us: event.receive_time.as_micros(),
            body: body(&event.kind),
        }
    }

    /// Writes the line, including the line end.
    ///
    /// # Errors
    /// The output cannot be written.
    pub fn write(&self, out: &mut impl Write) -> io::Result<()> {
        serde_json::to_writer(&mut *out, self)?;
        out.write_all(b"\n")
    }
}

/// Returns the word for an event's kind, also the key it is counted under.
pub fn kind(event: &MarketEvent) -> &'static str {
    match &event.kind {
        MarketEventKind::Trade(_) => "trade",
        MarketEventKind::OffMarketTrade(_) => "off_market_trade",
        MarketEventKind::Quote(_) => "quote",
        // A change of state without a change of levels.
        MarketEventKind::Book(BookUpdate::State { .. }) => "book_state",
        MarketEventKind::Book(_) => "book",
        MarketEventKind::Candle(_) => "candle",
        MarketEventKind::History(_) => "history",
        MarketEventKind::Day(_) => "day",
        MarketEventKind::Instrument(_) => "instrument",
    }
}

fn body(kind: &MarketEventKind) -> Body<'_> {
    match kind {
        MarketEventKind::Trade(trade) | MarketEventKind::OffMarketTrade(trade) => {
            Body::Trade { id: &trade.id, price: trade.price, size: trade.size, aggressor_side: trade.aggressor_side }
        }
        MarketEventKind::Quote(quote) => Body::Quote {
            bid: quote.bid.map(|level| level.price),
            bid_size: quote.bid.map(|level| level.quantity),
            ask: quote.ask.map(|level| level.price),
            ask_size: quote.ask.map(|level| level.quantity),
        },
        MarketEventKind::Book(BookUpdate::Snapshot { state, n_bids, n_asks }) => {
            Body::BookSnapshot { update: "snapshot", state: *state, n_bids: *n_bids, n_asks: *n_asks }
        }
        MarketEventKind::Book(BookUpdate::Delta { state, bids, asks }) => {
            Body::BookDelta { update: "delta", state: *state, bids, asks }
        }
        MarketEventKind::Book(BookUpdate::State { state }) => Body::BookState { update: "state", state: *state },
        MarketEventKind::Candle(update) => {
            Body::Candle { interval: update.interval, is_closed: update.is_closed, bar: &update.candle }
        }
        MarketEventKind::History(history) => Body::History { interval: history.interval, bars: &history.candles },
        MarketEventKind::Day(day) => Body::Day(day),
        MarketEventKind::Instrument(instrument) => Body::Instrument { instrument },
    }
}

fn trade_id<S: Serializer>(id: &TradeId, serializer: S) -> Result<S::Ok, S::Error> {
    match id {
        TradeId::Sequence(number) => serializer.serialize_u64(*number),
        TradeId::Text(text) => serializer.serialize_str(text),
    }
}

fn levels<S: Serializer>(levels: &[Level], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(levels.iter().map(|level| (level.price, level.quantity)))
}

type Row = (i64, Price, Price, Price, Price, Quantity);

fn row(bar: &Candle) -> Row {
    (bar.open_time.as_millis(), bar.open, bar.high, bar.low, bar.close, bar.volume)
}

fn one_bar<S: Serializer>(bar: &Candle, serializer: S) -> Result<S::Ok, S::Error> {
    row(bar).serialize(serializer)
}

fn many_bars<S: Serializer>(bars: &[Candle], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(bars.iter().map(row))
}
