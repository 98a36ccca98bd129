//! The made-up market under the venue's names and shapes: `BTC-SIM` of the demo venue is `BTCSIM` here, priced in `SIM`,
//! or in what [`crate::SimConfig::quote`] says.
//!
//! Everything follows from the slot: the update ids of slot `n` end at `4n`, its trade is number `n`. Quote volumes and
//! the buyers' share in bars are estimates (mean price, one half); everything else is exact.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use model::{
    decimal::{Price, Quantity},
    event::Level,
    time::Timestamp,
};
use serde_json::{Value, json};
use venues::demo::market::{DemoInstrument, SLOT_MS, slot_time};

use super::{
    REQUIRED_KEYS, exchange_info, fixed,
    market::{Depth, Market, interval_ms},
    recorded::{shown_bars, shown_book},
};
use crate::{
    bars::{Bar, BarQuery, Print},
    fixed::step,
    ladder::Row,
    made_up::{Asset, MadeUp, SECOND_SLOTS},
    venue::{Backend, Frame},
};

/// Bars shown at the control endpoint.
const SHOWN_BARS: i64 = 500;

/// The made-up market as this venue.
pub(super) struct DemoFace {
    market: MadeUp,
    /// In the market's order.
    symbols: Vec<String>,
    by_symbol: BTreeMap<String, usize>,
    by_stream: BTreeMap<String, usize>,
}

/// What a stream carries; in the order in which a slot's frames go out.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Trade,
    AggregateTrade,
    BookTicker,
    /// Changes every so many slots.
    Depth(u64),
    /// The best rows, every so many slots.
    Partial(usize, u64),
    /// Interval name and length.
    Kline(String, i64),
    MiniTicker,
    Ticker,
}

impl Kind {
    fn read(name: &str) -> Option<Self> {
        let (name, every) = match name.split_once("@100ms") {
            Some((name, "")) => (name, 1),
            Some(_) => return None,
            None => (name, SECOND_SLOTS),
        };
        Some(match name {
            "trade" => Self::Trade,
            "aggTrade" => Self::AggregateTrade,
            "bookTicker" => Self::BookTicker,
            "depth" => Self::Depth(every),
            "depth5" => Self::Partial(5, every),
            "depth10" => Self::Partial(10, every),
            "depth20" => Self::Partial(20, every),
            "miniTicker" => Self::MiniTicker,
            "ticker" => Self::Ticker,
            _ => {
                let interval = name.strip_prefix("kline_")?;
                Self::Kline(interval.to_owned(), interval_ms(interval)?)
            }
        })
    }

    /// Slots between two frames.
    fn every(&self) -> u64 {
        match self {
            Self::Trade | Self::AggregateTrade | Self::BookTicker => 1,
            Self::Depth(every) | Self::Partial(_, every) => *every,
            Self::Kline(..) | Self::MiniTicker | Self::Ticker => SECOND_SLOTS,
        }
    }
}

/// The last update id of a slot.
fn update_id(slot: u64) -> u64 {
    slot * 4
}

fn slot_ms(slot: u64) -> i64 {
    slot_time(slot).as_millis()
}

impl DemoFace {
    /// The market of `seed`; `start` is its time at first, the wall clock's where open.
    pub(super) fn new(seed: u64, start: Option<Timestamp>, quote: &str) -> Self {
        let market = MadeUp::new(seed, start, quote);
        let symbols: Vec<String> = market.assets().iter().map(|asset| format!("{}{quote}", asset.base)).collect();
        Self {
            by_symbol: symbols.iter().zip(0..).map(|(symbol, idx)| (symbol.clone(), idx)).collect(),
            by_stream: symbols.iter().zip(0..).map(|(symbol, idx)| (symbol.to_lowercase(), idx)).collect(),
            symbols,
            market,
        }
    }

    fn find(&self, symbol: &str) -> Option<&Asset> {
        self.market.assets().get(*self.by_symbol.get(symbol)?)
    }
}

/// A symbol with its instrument.
struct Listed<'a> {
    symbol: &'a str,
    asset: &'a Asset,
}

impl Listed<'_> {
    /// The events of one stream in `slot`, oldest first.
    fn events(&self, kind: &Kind, slot: u64) -> Vec<(Value, Option<u64>)> {
        let (symbol, asset, event_ms) = (self.symbol, self.asset, slot_ms(slot));
        match kind {
            Kind::Trade => {
                let print = asset.print(slot);
                vec![(
                    json!({
                        "e": "trade", "E": event_ms, "s": symbol, "t": print.id, "p": fixed::show(print.price),
                        "q": fixed::show(print.quantity), "T": print.time_ms, "m": print.is_buyer_maker, "M": true,
                    }),
                    Some(print.id),
                )]
            }
            Kind::AggregateTrade => {
                let print = asset.print(slot);
                vec![(
                    json!({
                        "e": "aggTrade", "E": event_ms, "s": symbol, "a": print.id, "p": fixed::show(print.price),
                        "q": fixed::show(print.quantity), "f": print.id, "l": print.id, "T": print.time_ms,
                        "m": print.is_buyer_maker, "M": true,
                    }),
                    Some(print.id),
                )]
            }
            Kind::BookTicker => {
                let quote = asset.demo.quote(slot);
                vec![(
                    json!({
                        "u": update_id(slot), "s": symbol, "b": price(quote.bid), "B": quantity(quote.bid_size),
                        "a": price(quote.ask), "A": quantity(quote.ask_size),
                    }),
                    Some(update_id(slot)),
                )]
            }
            Kind::Depth(every) => {
                let before = slot.saturating_sub(*every);
                let delta = asset.demo.book(slot).since(&asset.demo.book(before));
                vec![(
                    json!({
                        "e": "depthUpdate", "E": event_ms, "s": symbol, "U": update_id(before) + 1,
                        "u": update_id(slot), "b": rows(&delta.bids), "a": rows(&delta.asks),
                    }),
                    Some(update_id(slot)),
                )]
            }
            Kind::Partial(depth, _) => {
                let book = asset.demo.book(slot);
                let best = |side: &[Level]| rows(side.get(..*depth).unwrap_or(side));
                vec![(
                    json!({ "lastUpdateId": update_id(slot), "bids": best(&book.bids), "asks": best(&book.asks) }),
                    Some(update_id(slot)),
                )]
            }
            Kind::Kline(name, length_ms) => {
                let length = length_ms.cast_unsigned() / SLOT_MS.cast_unsigned();
                let bar_slot = slot / length * length;
                // The bar that has just ended is said once more, as closed.
                let ended = (bar_slot == slot && slot >= length).then(|| (bar_slot - length, bar_slot, true));
                ended
                    .into_iter()
                    .chain([(bar_slot, slot + 1, false)])
                    .filter_map(|(from, to, is_closed)| {
                        let bar = asset.bar(from, to)?;
                        Some((kline(symbol, name, *length_ms, event_ms, &bar, to, is_closed), None))
                    })
                    .collect()
            }
            Kind::MiniTicker => {
                let Some(day) = asset.day(slot) else { return Vec::new() };
                vec![(
                    json!({
                        "e": "24hrMiniTicker", "E": event_ms, "s": symbol, "c": fixed::show(day.close),
                        "o": fixed::show(day.open), "h": fixed::show(day.high), "l": fixed::show(day.low),
                        "v": fixed::show(day.volume), "q": fixed::show(day.quote_volume),
                    }),
                    None,
                )]
            }
            Kind::Ticker => {
                let (Some(day), quote) = (asset.day(slot), asset.demo.quote(slot)) else { return Vec::new() };
                let last = asset.print(slot);
                let mean = fixed::quotient(day.quote_volume, day.volume);
                let percent = (day.close - day.open) as f64 * 100.0 / day.open as f64;
                vec![(
                    json!({
                        "e": "24hrTicker", "E": event_ms, "s": symbol, "p": fixed::show(day.close - day.open),
                        "P": format!("{percent:.3}"), "w": fixed::show(mean), "x": fixed::show(day.open),
                        "c": fixed::show(day.close), "Q": fixed::show(last.quantity), "b": price(quote.bid),
                        "B": quantity(quote.bid_size), "a": price(quote.ask), "A": quantity(quote.ask_size),
                        "o": fixed::show(day.open), "h": fixed::show(day.high), "l": fixed::show(day.low),
                        "v": fixed::show(day.volume), "q": fixed::show(day.quote_volume), "O": day.open_ms,
                        "C": event_ms, "F": last.id + 1 - day.n_trades, "L": last.id, "n": day.n_trades,
                    }),
                    None,
                )]
            }
        }
    }
}

fn kline(symbol: &str, name: &str, length_ms: i64, event_ms: i64, bar: &Bar, to: u64, is_closed: bool) -> Value {
    json!({
        "e": "kline", "E": event_ms, "s": symbol,
        "k": {
            "t": bar.open_ms, "T": bar.open_ms + length_ms - 1, "s": symbol, "i": name, "f": to - bar.n_trades,
            "L": to - 1, "o": fixed::show(bar.open), "c": fixed::show(bar.close), "h": fixed::show(bar.high),
            "l": fixed::show(bar.low), "v": fixed::show(bar.volume), "n": bar.n_trades, "x": is_closed,
            "q": fixed::show(bar.quote_volume), "V": fixed::show(bar.taker_volume),
            "Q": fixed::show(bar.taker_quote_volume), "B": "0",
        },
    })
}

/// Eight decimals, as the venue writes them.
fn price(value: Price) -> String {
    value.at_scale(8).to_string()
}

fn quantity(value: Quantity) -> String {
    value.at_scale(8).to_string()
}

fn rows(levels: &[Level]) -> Vec<Row> {
    levels.iter().map(|level| (price(level.price), quantity(level.quantity))).collect()
}

impl Market for DemoFace {
    fn exchange_info(&self) -> Value {
        let entry = |(symbol, asset): (&String, &Asset)| exchange_info::Entry {
            symbol: symbol.clone(),
            base: asset.base.clone(),
            quote: self.market.quote.clone(),
            tick_size: step(asset.price_decimals),
            lot_size: step(asset.quantity_decimals),
        };
        let entries: Vec<_> = self.symbols.iter().zip(self.market.assets()).map(entry).collect();
        exchange_info::body(&entries, self.now_ms())
    }

    fn symbols(&self) -> Vec<String> {
        self.symbols.clone()
    }

    fn depth(&self, symbol: &str, limit: usize) -> Option<Depth> {
        Some(depth_at(&self.find(symbol)?.demo, self.market.slot(), limit))
    }

    fn prints(&self, symbol: &str, limit: usize) -> Option<Vec<Print>> {
        Some(self.find(symbol)?.prints(self.market.slot(), limit))
    }

    fn klines(&self, symbol: &str, query: &BarQuery) -> Option<Vec<Bar>> {
        Some(self.find(symbol)?.bars(self.market.slot(), query))
    }

    fn day(&self, symbol: &str) -> Option<Bar> {
        self.find(symbol)?.day(self.market.slot())
    }

    fn now_ms(&self) -> i64 {
        self.market.now().as_millis()
    }
}

fn depth_at(demo: &DemoInstrument, slot: u64, limit: usize) -> Depth {
    let book = demo.book(slot);
    let best = |side: &[Level]| rows(side.get(..limit).unwrap_or(side));
    Depth {
        last_update_id: update_id(slot),
        bids: best(&book.bids),
        asks: best(&book.asks),
        n_bids: book.bids.len(),
        n_asks: book.asks.len(),
        n_gaps: 0,
    }
}

impl Backend for DemoFace {
    fn due(&self) -> Option<&[Duration]> {
        None
    }

    fn play(&self, _frame_idx: usize, _wanted: &dyn Fn(&str) -> bool) -> Vec<Arc<Frame>> {
        Vec::new()
    }

    fn reset(&self) {}

    fn advance(&self, slot: u64, wanted: &BTreeSet<Arc<str>>) -> Vec<Arc<Frame>> {
        self.market.go_to(slot);
        let mut due: Vec<(usize, Kind, &Arc<str>)> = wanted
            .iter()
            .filter_map(|stream| {
                let (symbol, kind) = stream.split_once('@')?;
                Some((*self.by_stream.get(symbol)?, Kind::read(kind)?, stream))
            })
            .filter(|(_, kind, _)| slot.is_multiple_of(kind.every()))
            .collect();
        due.sort_unstable();
        let frames = due.into_iter().flat_map(|(idx, kind, stream)| {
            let listed = self.symbols.get(idx).zip(self.market.assets().get(idx));
            let events = listed.map(|(symbol, asset)| Listed { symbol, asset }.events(&kind, slot)).unwrap_or_default();
            events.into_iter().filter_map(|(event, id)| {
                let (head, event) = (format!("{{\"stream\":{},\"data\":", Value::from(&**stream)), event.to_string());
                let bare = head.len()..head.len() + event.len();
                Frame::with_part(stream.clone(), format!("{head}{event}}}"), bare, id).map(Arc::new)
            })
        });
        frames.collect()
    }

    fn book(&self, symbol: &str, at: Option<u64>, depth: usize) -> Option<Value> {
        let slot = at.map_or_else(|| self.market.slot(), |at| at / update_id(1));
        Some(shown_book(symbol, &depth_at(&self.find(symbol)?.demo, slot, depth)))
    }

    fn top(&self, symbol: &str) -> Option<Value> {
        let top = Market::depth(self, symbol, 1)?;
        Some(json!({
            "symbol": symbol, "lastUpdateId": top.last_update_id, "bid": top.bids.first(), "ask": top.asks.first(),
        }))
    }

    fn candles(&self, symbol: &str, interval: &str) -> Option<Value> {
        let length_ms = interval_ms(interval)?;
        let bars = self.klines(symbol, &BarQuery { length_ms, start_ms: None, end_ms: None, limit: SHOWN_BARS })?;
        Some(shown_bars(symbol, interval, bars.iter()))
    }

    fn required_keys(&self) -> &'static [&'static str] {
        REQUIRED_KEYS
    }
}
