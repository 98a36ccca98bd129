//! The simulated market (`venues::demo::market`) as texts and integers, for the venues' protocols.
//!
//! Not here: any venue's message formats and numbering.

use std::{borrow::Cow, collections::BTreeMap};

use model::{
    event::{AggressorSide, Level},
    time::Timestamp,
};
use venues::demo::market::{DemoInstrument, DemoMarket, SLOT_MS, slot_at, slot_time};

use crate::{
    bars::{Bar, BarQuery, Print},
    fixed::{self, of_price, of_quantity},
    ladder::{Ladder, Row},
    market::{Market, Pair, Played},
};

/// Slots in a day.
const DAY_SLOTS: u64 = 864_000;
/// Slots between two frames of a stream with one frame a second.
pub(crate) const SECOND_SLOTS: u64 = 10;

/// A venue's notation of the simulated market.
#[derive(Clone, Copy)]
pub(crate) struct Spelling {
    /// Returns the symbol of base and quote.
    pub(crate) symbol: fn(&str, &str) -> String,
    /// Writes a number with the given decimals.
    pub(crate) number: fn(i128, usize) -> String,
    /// The increase of a book's update id in one slot.
    pub(crate) ids_a_slot: u64,
}

/// The simulated market at the latest slot.
pub struct MadeUp {
    assets: Vec<Asset>,
    pairs: Vec<Pair>,
    idx_by_symbol: BTreeMap<String, usize>,
    spelling: Spelling,
    slot: u64,
}

/// One instrument.
pub(crate) struct Asset {
    /// Decimals of its prices.
    price_decimals: usize,
    /// Decimals of its quantities.
    quantity_decimals: usize,
    /// The instrument itself.
    pub(crate) demo: DemoInstrument,
}

impl MadeUp {
    /// Creates the market of `seed`, starting at `start`, priced in `quote`.
    pub(crate) fn new(seed: u64, start: Timestamp, quote: &str, spelling: Spelling) -> Self {
        let market = DemoMarket::new(seed);
        let asset = |demo: &DemoInstrument| Asset {
            price_decimals: fixed::decimals(of_price(demo.instrument().tick_size)),
            quantity_decimals: fixed::decimals(of_quantity(demo.instrument().lot_size)),
            demo: demo.clone(),
        };
        let assets: Vec<Asset> = market.instruments().iter().map(asset).collect();
        let pair = |asset: &Asset| {
            let base = asset.demo.instrument().base.as_str();
            // Without the suffix of simulated assets.
            let base = base.strip_suffix("-SIM").unwrap_or(base);
            Pair {
                symbol: (spelling.symbol)(base, quote),
                base: base.to_owned(),
                quote: quote.to_owned(),
                price_decimals: asset.price_decimals,
                quantity_decimals: asset.quantity_decimals,
            }
        };
        let pairs: Vec<Pair> = assets.iter().map(pair).collect();
        let idx_by_symbol = pairs.iter().zip(0..).map(|(pair, idx)| (pair.symbol.clone(), idx)).collect();
        Self { assets, pairs, idx_by_symbol, spelling, slot: slot_at(start).saturating_sub(1) }
    }

    /// Lists further pairs that never trade.
    pub(crate) fn with_quiet_pairs(mut self, n_pairs: usize, quote: &str) -> Self {
        for number in 0..n_pairs {
            let base = format!("Q{number:04}");
            let symbol = (self.spelling.symbol)(&base, quote);
            self.idx_by_symbol.insert(symbol.clone(), self.pairs.len());
            self.pairs.push(Pair { symbol, base, quote: quote.to_owned(), price_decimals: 2, quantity_decimals: 2 });
        }
        self
    }

    /// Returns all instruments, highest price first.
    pub(crate) fn assets(&self) -> &[Asset] {
        &self.assets
    }

    /// Returns the latest slot.
    pub(crate) fn slot(&self) -> u64 {
        self.slot
    }

    fn find(&self, symbol: &str) -> Option<&Asset> {
        self.assets.get(*self.idx_by_symbol.get(symbol)?)
    }
}

impl Market for MadeUp {
    fn pairs(&self) -> &[Pair] {
        &self.pairs
    }

    fn pair(&self, symbol: &str) -> Option<&Pair> {
        self.pairs.get(*self.idx_by_symbol.get(symbol)?)
    }

    fn ladder(&self, symbol: &str) -> Option<Cow<'_, Ladder>> {
        Some(Cow::Owned(self.find(symbol)?.ladder(self.slot, self.spelling.number)))
    }

    fn update_id(&self, _symbol: &str) -> u64 {
        self.slot * self.spelling.ids_a_slot
    }

    fn ladder_at(&self, symbol: &str, update_id: u64) -> Option<(Ladder, u64)> {
        let slot = update_id / self.spelling.ids_a_slot;
        Some((self.find(symbol)?.ladder(slot, self.spelling.number), slot * self.spelling.ids_a_slot))
    }

    fn prints(&self, symbol: &str, limit: usize) -> Vec<Print> {
        self.find(symbol).map(|asset| asset.prints(self.slot, limit)).unwrap_or_default()
    }

    fn bars(&self, symbol: &str, query: &BarQuery) -> Vec<Bar> {
        self.find(symbol).map(|asset| asset.bars(self.slot, query)).unwrap_or_default()
    }

    fn running(&self, symbol: &str, length_ms: i64) -> Vec<Bar> {
        self.find(symbol).map(|asset| asset.running(self.slot, length_ms)).unwrap_or_default()
    }

    fn day(&self, symbol: &str) -> Option<Bar> {
        self.find(symbol)?.day(self.slot)
    }

    fn now(&self) -> Timestamp {
        slot_time(self.slot)
    }

    fn advance(&mut self, slot: u64) -> Option<Played> {
        self.slot = slot;
        None
    }

    fn made_up(&self) -> Option<&MadeUp> {
        Some(self)
    }
}

impl Asset {
    /// Returns the true book in `slot` with all digits; `number` writes them.
    fn ladder(&self, slot: u64, number: fn(i128, usize) -> String) -> Ladder {
        let book = self.demo.book(slot);
        let rows = |levels: &[Level]| -> Vec<Row> {
            let row = |level: &Level| {
                (
                    number(of_price(level.price), self.price_decimals),
                    number(of_quantity(level.quantity), self.quantity_decimals),
                )
            };
            levels.iter().map(row).collect()
        };
        Ladder::of(&rows(&book.bids), &rows(&book.asks))
    }

    /// Returns the trade of `slot`.
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

    /// Returns the newest trades up to `slot`, at most `limit`, oldest first.
    pub(crate) fn prints(&self, slot: u64, limit: usize) -> Vec<Print> {
        ((slot + 1).saturating_sub(limit as u64)..=slot).map(|slot| self.print(slot)).collect()
    }

    /// Returns the bar of slots `from..to`. Its quote volumes are estimates: mean price times volume.
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

    /// Returns the selected bars, up to the trade of `slot`.
    pub(crate) fn bars(&self, slot: u64, query: &BarQuery) -> Vec<Bar> {
        let last_ms = slot_time(slot).as_millis().div_euclid(query.length_ms) * query.length_ms;
        let slot_of = |ms: i64| slot_at(Timestamp::from_millis(ms));
        let bar = |open_ms| self.bar(slot_of(open_ms), slot_of(open_ms + query.length_ms).min(slot + 1));
        query.opens(0, last_ms).filter_map(bar).collect()
    }

    /// Returns the bar of the 24 hours up to the trade of `slot`.
    pub(crate) fn day(&self, slot: u64) -> Option<Bar> {
        self.bar((slot + 1).saturating_sub(DAY_SLOTS), slot + 1)
    }

    /// Returns the bar of `length_ms` that contains `slot` and, at its first slot, also the previous one, which has
    /// just ended.
    pub(crate) fn running(&self, slot: u64, length_ms: i64) -> Vec<Bar> {
        let length = (length_ms / SLOT_MS).cast_unsigned().max(1);
        let first = slot / length * length;
        let ended = (first == slot && slot >= length).then(|| (first - length, first));
        ended.into_iter().chain([(first, slot + 1)]).filter_map(|(from, to)| self.bar(from, to)).collect()
    }
}
