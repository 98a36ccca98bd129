//! The made-up market (`venues::demo::market`) as texts and integers, for the venues that speak it.
//!
//! Not here: any venue's names, shapes and numbering.

use std::sync::atomic::{AtomicU64, Ordering};

use model::{
    event::{AggressorSide, Level},
    time::Timestamp,
};
use venues::demo::market::{DemoInstrument, DemoMarket, SLOT_MS, slot_at, slot_time};

use crate::{
    bars::{Bar, BarQuery, Print},
    fixed::{self, of_price, of_quantity},
    ladder::{Ladder, Row},
    player::wall_clock,
};

/// Slots of a day.
const DAY_SLOTS: u64 = 864_000;
/// Slots between two frames of what comes once a second.
pub(crate) const SECOND_SLOTS: u64 = 10;

/// Name of what an instrument resembles, without the mark of the made-up.
fn asset(demo: &DemoInstrument) -> &str {
    let base = demo.instrument().base.as_str();
    base.strip_suffix("-SIM").unwrap_or(base)
}

/// The made-up market at the slot said last.
pub(crate) struct MadeUp {
    assets: Vec<Asset>,
    /// In what everything is priced.
    pub(crate) quote: String,
    slot: AtomicU64,
}

/// One instrument.
pub(crate) struct Asset {
    /// `BTC`.
    pub(crate) base: String,
    /// Decimals of its prices.
    pub(crate) price_decimals: usize,
    /// Decimals of its quantities.
    pub(crate) quantity_decimals: usize,
    /// The instrument itself.
    pub(crate) demo: DemoInstrument,
}

impl MadeUp {
    /// The market of `seed`; `start` is its time at first, the wall clock's where open.
    pub(crate) fn new(seed: u64, start: Option<Timestamp>, quote: &str) -> Self {
        let market = DemoMarket::new(seed);
        let assets = market.instruments().iter().map(|demo| Asset {
            base: asset(demo).to_owned(),
            price_decimals: fixed::decimals(of_price(demo.instrument().tick_size)),
            quantity_decimals: fixed::decimals(of_quantity(demo.instrument().lot_size)),
            demo: demo.clone(),
        });
        Self {
            assets: assets.collect(),
            quote: quote.to_owned(),
            slot: AtomicU64::new(slot_at(start.unwrap_or_else(wall_clock)).saturating_sub(1)),
        }
    }

    /// All instruments, dearest first.
    pub(crate) fn assets(&self) -> &[Asset] {
        &self.assets
    }

    /// The instrument whose base and quote these are.
    pub(crate) fn find(&self, base: &str, quote: &str) -> Option<&Asset> {
        self.assets.iter().find(|one| one.base == base).filter(|_| quote == self.quote)
    }

    /// The slot said last.
    pub(crate) fn slot(&self) -> u64 {
        self.slot.load(Ordering::Acquire)
    }

    /// Goes on to `slot`.
    pub(crate) fn go_to(&self, slot: u64) {
        self.slot.store(slot, Ordering::Release);
    }

    /// Time of the slot said last.
    pub(crate) fn now(&self) -> Timestamp {
        slot_time(self.slot())
    }
}

impl Asset {
    /// The true book in `slot`, all digits written; `text` makes them.
    pub(crate) fn ladder(&self, slot: u64, text: fn(i128, usize) -> String) -> Ladder {
        let book = self.demo.book(slot);
        let rows = |levels: &[Level]| -> Vec<Row> {
            let row = |level: &Level| {
                (
                    text(of_price(level.price), self.price_decimals),
                    text(of_quantity(level.quantity), self.quantity_decimals),
                )
            };
            levels.iter().map(row).collect()
        };
        Ladder::of(&rows(&book.bids), &rows(&book.asks))
    }

    /// The trade of `slot`.
    pub(crate) fn print(&self, slot: u64) -> Print {
        let trade = self.demo.trade(slot);
        Print {
            id: slot,
            price: of_price(trade.price),
            quantity: of_quantity(trade.size),
            time_ms: slot_time(slot).as_millis(),
            is_buyer_maker: trade.aggressor_side == AggressorSide::Seller,
        }
    }

    /// The newest trades up to `slot`, at most `limit`, oldest first.
    pub(crate) fn prints(&self, slot: u64, limit: usize) -> Vec<Print> {
        ((slot + 1).saturating_sub(limit as u64)..=slot).map(|slot| self.print(slot)).collect()
    }

    /// The bar of slots `from..to`. Its quote volumes are estimates: mean price times volume.
    pub(crate) fn bar(&self, from: u64, to: u64) -> Option<Bar> {
        let candle = self.demo.candle(from, to)?;
        let [open, high, low, close] = [candle.open, candle.high, candle.low, candle.close].map(of_price);
        let mean = (open + high + low + close) / 4;
        let volume = of_quantity(candle.volume);
        let taker_volume = candle.buy_volume.map_or(volume / 2, of_quantity);
        Some(Bar {
            open_ms: candle.open_time.as_millis(),
            open,
            high,
            low,
            close,
            volume,
            quote_volume: fixed::product(volume, mean),
            n_trades: to - from,
            taker_volume,
            taker_quote_volume: fixed::product(taker_volume, mean),
        })
    }

    /// The bars asked for, up to the trade of `slot`.
    pub(crate) fn bars(&self, slot: u64, query: &BarQuery) -> Vec<Bar> {
        let last_ms = slot_time(slot).as_millis().div_euclid(query.length_ms) * query.length_ms;
        let slot_of = |ms: i64| slot_at(Timestamp::from_millis(ms));
        let bar = |open_ms| self.bar(slot_of(open_ms), slot_of(open_ms + query.length_ms).min(slot + 1));
        query.opens(0, last_ms).filter_map(bar).collect()
    }

    /// The bar of the 24 hours up to the trade of `slot`.
    pub(crate) fn day(&self, slot: u64) -> Option<Bar> {
        self.bar((slot + 1).saturating_sub(DAY_SLOTS), slot + 1)
    }

    /// The bar of `length_ms` that `slot` belongs to and, at its first slot, the one before, which has just ended.
    pub(crate) fn running(&self, slot: u64, length_ms: i64) -> Vec<Bar> {
        let length = (length_ms / SLOT_MS).cast_unsigned().max(1);
        let first = slot / length * length;
        let ended = (first == slot && slot >= length).then(|| (first - length, first));
        ended.into_iter().chain([(first, slot + 1)]).filter_map(|(from, to)| self.bar(from, to)).collect()
    }
}
