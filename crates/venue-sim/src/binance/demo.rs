//! The made-up market under the venue's names and shapes: `BTC-SIM` of the demo venue is `BTCSIM` here, priced in `SIM`.
//!
//! Everything follows from the slot: the update ids of slot `n` end at `4n`, its trade is number `n`. Quote volumes and
//! the buyers' share in bars are estimates (mean price, one half); everything else is exact.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use model::{
    candle::Candle,
    decimal::{Price, Quantity},
    event::{AggressorSide, Level, TradeId},
    time::Timestamp,
};
use serde_json::{Value, json};
use venues::demo::market::{DemoInstrument, DemoMarket, SLOT_MS, slot_at, slot_time};

use super::{
    REQUIRED_KEYS, exchange_info, fixed,
    market::{Bar, Depth, KlineQuery, Market, Print, interval_ms},
    note::Row,
    tape::{shown_bars, shown_book},
};
use crate::{
    player::wall_clock,
    venue::{Backend, Frame},
};

/// Slots between two frames of the streams that come once a second.
const SECOND_SLOTS: u64 = 10;
/// Bars shown at the control endpoint.
const SHOWN_BARS: i64 = 500;

/// The made-up market as this venue.
pub(super) struct DemoFace {
    listed: Vec<Listed>,
    by_symbol: BTreeMap<String, usize>,
    by_stream: BTreeMap<String, usize>,
    /// The last slot said.
    slot: AtomicU64,
}

struct Listed {
    symbol: String,
    demo: DemoInstrument,
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
    pub(super) fn new(seed: u64, start: Option<Timestamp>) -> Self {
        let listed: Vec<Listed> = DemoMarket::new(seed)
            .instruments()
            .iter()
            .map(|demo| Listed { symbol: demo.instrument().id.symbol().replace('-', ""), demo: demo.clone() })
            .collect();
        Self {
            by_symbol: listed.iter().zip(0..).map(|(one, idx)| (one.symbol.clone(), idx)).collect(),
            by_stream: listed.iter().zip(0..).map(|(one, idx)| (one.symbol.to_lowercase(), idx)).collect(),
            listed,
            slot: AtomicU64::new(slot_at(start.unwrap_or_else(wall_clock)).saturating_sub(1)),
        }
    }

    fn find(&self, symbol: &str) -> Option<&DemoInstrument> {
        Some(&self.listed.get(*self.by_symbol.get(symbol)?)?.demo)
    }

    fn slot(&self) -> u64 {
        self.slot.load(Ordering::Acquire)
    }
}

impl Listed {
    /// The events of one stream in `slot`, oldest first.
    fn events(&self, kind: &Kind, slot: u64) -> Vec<(Value, Option<u64>)> {
        let (symbol, event_ms) = (self.symbol.as_str(), slot_ms(slot));
        match kind {
            Kind::Trade => {
                let print = print(&self.demo, slot);
                vec![(
                    json!({
                        "e": "trade", "E": event_ms, "s": symbol, "t": print.id, "p": fixed::show(print.price),
                        "q": fixed::show(print.quantity), "T": print.time_ms, "m": print.is_buyer_maker, "M": true,
                    }),
                    Some(print.id),
                )]
            }
            Kind::AggregateTrade => {
                let print = print(&self.demo, slot);
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
                let quote = self.demo.quote(slot);
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
                let delta = self.demo.book(slot).since(&self.demo.book(before));
                vec![(
                    json!({
                        "e": "depthUpdate", "E": event_ms, "s": symbol, "U": update_id(before) + 1,
                        "u": update_id(slot), "b": rows(&delta.bids), "a": rows(&delta.asks),
                    }),
                    Some(update_id(slot)),
                )]
            }
            Kind::Partial(depth, _) => {
                let book = self.demo.book(slot);
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
                        let bar = bar(&self.demo, from, to)?;
                        Some((kline(symbol, name, *length_ms, event_ms, &bar, to, is_closed), None))
                    })
                    .collect()
            }
            Kind::MiniTicker => {
                let Some(day) = day_bar(&self.demo, slot) else { return Vec::new() };
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
                let (Some(day), quote) = (day_bar(&self.demo, slot), self.demo.quote(slot)) else { return Vec::new() };
                let last = print(&self.demo, slot);
                let mean = if day.volume == 0 { 0 } else { day.quote_volume * fixed::ONE / day.volume };
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

fn print(demo: &DemoInstrument, slot: u64) -> Print {
    let trade = demo.trade(slot);
    Print {
        id: match trade.id {
            TradeId::Sequence(id) => id,
            TradeId::Text(_) => slot,
        },
        price: trade.price.at_scale(8).mantissa(),
        quantity: trade.size.at_scale(8).mantissa(),
        time_ms: slot_ms(slot),
        is_buyer_maker: trade.aggressor_side == AggressorSide::Seller,
    }
}

/// The bar of slots `from..to`.
fn bar(demo: &DemoInstrument, from: u64, to: u64) -> Option<Bar> {
    let Candle { open_time, open, high, low, close, volume } = demo.candle(from, to)?;
    let [open, high, low, close] = [open, high, low, close].map(|value| value.at_scale(8).mantissa());
    let volume = volume.at_scale(8).mantissa();
    let quote_volume = fixed::product(volume, (open + high + low + close) / 4);
    Some(Bar {
        open_ms: open_time.as_millis(),
        open,
        high,
        low,
        close,
        volume,
        quote_volume,
        n_trades: to - from,
        taker_volume: volume / 2,
        taker_quote_volume: quote_volume / 2,
    })
}

fn day_bar(demo: &DemoInstrument, last_slot: u64) -> Option<Bar> {
    bar(demo, (last_slot + 1).saturating_sub(86_400 * SECOND_SLOTS), last_slot + 1)
}

impl Market for DemoFace {
    fn exchange_info(&self) -> Value {
        let entry = |one: &Listed| {
            let instrument = one.demo.instrument();
            exchange_info::Entry {
                symbol: one.symbol.clone(),
                base: one.symbol.trim_end_matches("SIM").to_owned(),
                quote: "SIM".to_owned(),
                tick_size: instrument.tick_size.at_scale(8).mantissa(),
                lot_size: instrument.lot_size.at_scale(8).mantissa(),
            }
        };
        exchange_info::body(&self.listed.iter().map(entry).collect::<Vec<_>>(), self.now_ms())
    }

    fn symbols(&self) -> Vec<String> {
        self.listed.iter().map(|one| one.symbol.clone()).collect()
    }

    fn depth(&self, symbol: &str, limit: usize) -> Option<Depth> {
        Some(depth_at(self.find(symbol)?, self.slot(), limit))
    }

    fn prints(&self, symbol: &str, limit: usize) -> Option<Vec<Print>> {
        let (demo, slot) = (self.find(symbol)?, self.slot());
        Some(((slot + 1).saturating_sub(limit as u64)..=slot).map(|slot| print(demo, slot)).collect())
    }

    fn klines(&self, symbol: &str, query: &KlineQuery) -> Option<Vec<Bar>> {
        let (demo, slot) = (self.find(symbol)?, self.slot());
        let last_ms = slot_ms(slot).div_euclid(query.length_ms) * query.length_ms;
        let slot_of = |ms: i64| slot_at(Timestamp::from_millis(ms));
        let bars = query
            .opens(0, last_ms)
            .filter_map(|open_ms| bar(demo, slot_of(open_ms), slot_of(open_ms + query.length_ms).min(slot + 1)));
        Some(bars.collect())
    }

    fn day(&self, symbol: &str) -> Option<Bar> {
        day_bar(self.find(symbol)?, self.slot())
    }

    fn now_ms(&self) -> i64 {
        slot_ms(self.slot())
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
    fn tape(&self) -> Option<&[(Duration, Arc<Frame>)]> {
        None
    }

    fn learn(&self, _frame_idx: usize) {}

    fn reset(&self) {}

    fn advance(&self, slot: u64, wanted: &BTreeSet<Arc<str>>) -> Vec<Arc<Frame>> {
        self.slot.store(slot, Ordering::Release);
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
            let events = self.listed.get(idx).map(|one| one.events(&kind, slot)).unwrap_or_default();
            events.into_iter().filter_map(|(event, id)| {
                let (head, event) = (format!("{{\"stream\":{},\"data\":", Value::from(&**stream)), event.to_string());
                let bare = head.len()..head.len() + event.len();
                Frame::within(stream.clone(), format!("{head}{event}}}"), bare, id).map(Arc::new)
            })
        });
        frames.collect()
    }

    fn book(&self, symbol: &str, at: Option<u64>, depth: usize) -> Option<Value> {
        let slot = at.map_or_else(|| self.slot(), |at| at / update_id(1));
        Some(shown_book(symbol, &depth_at(self.find(symbol)?, slot, depth)))
    }

    fn top(&self, symbol: &str) -> Option<Value> {
        let top = Market::depth(self, symbol, 1)?;
        Some(json!({
            "symbol": symbol, "lastUpdateId": top.last_update_id, "bid": top.bids.first(), "ask": top.asks.first(),
        }))
    }

    fn candles(&self, symbol: &str, interval: &str) -> Option<Value> {
        let length_ms = interval_ms(interval)?;
        let bars = self.klines(symbol, &KlineQuery { length_ms, start_ms: None, end_ms: None, limit: SHOWN_BARS })?;
        Some(shown_bars(symbol, interval, bars.iter()))
    }

    fn required_keys(&self) -> &'static [&'static str] {
        REQUIRED_KEYS
    }
}
