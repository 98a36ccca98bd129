//! The simulated market: the trade, the best bid and ask, and the book of any instrument in any slot.
//!
//! Not here: candles ([`super::candles`]), sessions, clocks. A slot is a tenth of a second; each slot has exactly one
//! trade, whose id is the slot's number, so ids rise by one. A slot's events have its start time.

use std::{cmp::Ordering, sync::Arc};

use model::{
    decimal::{Price, Quantity},
    event::{AggressorSide, Level, Quote, Trade, TradeId},
    instrument::{Instrument, InstrumentId, InstrumentStatus, Venue},
    time::Timestamp,
};

use super::{
    listing::{LISTINGS, Listing},
    noise::{Flow, PricePath, mix},
};

/// The market's name as a venue.
pub const VENUE: &str = "demo";
/// Length of a slot in milliseconds.
pub const SLOT_MS: i64 = 100;
/// Rows on each side of a book.
pub const BOOK_DEPTH: usize = 50;
/// The seed of the market that servers and pages show by default.
pub const DEFAULT_SEED: u64 = 20_261_120;

/// The ask is at most this many ticks above the bid.
pub(super) const MAX_SPREAD_TICKS: i64 = 3;

/// Returns the number of the slot that contains `time`; times before 1970 count as slot 0.
pub fn slot_at(time: Timestamp) -> u64 {
    u64::try_from(time.as_millis().div_euclid(SLOT_MS)).unwrap_or(0)
}

/// Returns the start of `slot`.
pub fn slot_time(slot: u64) -> Timestamp {
    Timestamp::from_millis(i64::try_from(slot).unwrap_or(i64::MAX).saturating_mul(SLOT_MS))
}

/// All simulated instruments.
#[derive(Clone, Debug)]
pub struct DemoMarket {
    instruments: Vec<DemoInstrument>,
}

impl DemoMarket {
    /// Creates the market of `seed`: the same seed gives the same market, on every machine and in every browser.
    pub fn new(seed: u64) -> Self {
        let instruments =
            LISTINGS.iter().zip(0..).map(|(listing, number)| DemoInstrument::new(mix(seed, number), listing)).collect();
        Self { instruments }
    }

    /// Returns its instruments, highest price first.
    pub fn instruments(&self) -> &[DemoInstrument] {
        &self.instruments
    }

    /// Returns the instrument with that symbol (`BTC-SIM`).
    pub fn find(&self, symbol: &str) -> Option<&DemoInstrument> {
        self.instruments.iter().find(|one| one.instrument.id.symbol() == symbol)
    }
}

/// One simulated instrument.
#[derive(Clone, Debug)]
pub struct DemoInstrument {
    pub(super) instrument: Arc<Instrument>,
    pub(super) path: PricePath,
    pub(super) flow: Flow,
    price_scale: u32,
    lot_scale: u32,
    mean_lots: u64,
    /// Ticks between possible book rows.
    rung_ticks: i64,
    spread_key: u64,
    book_key: u64,
}

/// Both sides of a book, best first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DemoBook {
    /// Bids, prices falling.
    pub bids: Vec<Level>,
    /// Asks, prices rising.
    pub asks: Vec<Level>,
}

impl DemoBook {
    /// Returns the rows that turn `earlier` into this book; quantity 0 removes a row.
    pub fn since(&self, earlier: &Self) -> Self {
        Self {
            bids: changes(&earlier.bids, &self.bids, |old, new| new.cmp(old)),
            asks: changes(&earlier.asks, &self.asks, |old, new| old.cmp(new)),
        }
    }
}

impl DemoInstrument {
    fn new(key: u64, listing: &Listing) -> Self {
        let instrument = Instrument {
            id: InstrumentId::new(&Venue::new(VENUE), &format!("{}-SIM", listing.asset)),
            base: format!("{}-SIM", listing.asset),
            quote: "USD".to_owned(),
            tick_size: Price::from_mantissa(1, listing.price_scale).unwrap_or(Price::ZERO),
            lot_size: Quantity::from_mantissa(1, listing.lot_scale).unwrap_or(Quantity::ZERO),
            min_notional: None,
            status: InstrumentStatus::Trading,
            is_simulated: true,
        };
        Self {
            instrument: Arc::new(instrument),
            path: PricePath::new(mix(key, 1), listing.base_ticks, listing.swing_bp),
            flow: Flow::new(mix(key, 2), listing.mean_lots),
            price_scale: listing.price_scale,
            lot_scale: listing.lot_scale,
            mean_lots: u64::from(listing.mean_lots),
            // About a sixth of a basis point, so that a fifty-row book covers as wide a range as a real one.
            rung_ticks: i64::from(listing.base_ticks / 60_000).max(1),
            spread_key: mix(key, 3),
            book_key: mix(key, 4),
        }
    }

    /// Returns name, steps, status.
    pub fn instrument(&self) -> &Arc<Instrument> {
        &self.instrument
    }

    /// Returns the trade of `slot`.
    pub fn trade(&self, slot: u64) -> Trade {
        let (ticks, aggressor_side) = self.print(slot);
        Trade {
            id: TradeId::Sequence(slot),
            price: self.price(ticks),
            size: self.quantity(self.flow.print(slot).lots),
            aggressor_side,
        }
    }

    /// Returns best bid and ask in `slot`; the same as the top of [`Self::book`].
    pub fn quote(&self, slot: u64) -> Quote {
        let (bid, ask) = self.top(slot);
        let (bid, ask) = (self.level(bid, slot), self.level(ask, slot));
        Quote { bid: Some(bid), ask: Some(ask) }
    }

    /// Returns the book in `slot`: [`BOOK_DEPTH`] rows a side, never crossed.
    pub fn book(&self, slot: u64) -> DemoBook {
        let (bid, ask) = self.top(slot);
        let below = (0..).map(|step| (bid - 1).div_euclid(self.rung_ticks) - step);
        let above = (0..).map(|step| (ask + 1).div_euclid(self.rung_ticks) + step);
        DemoBook {
            bids: self.side(bid, below.filter_map(|rung| self.rung(rung, slot)).filter(|&row| row < bid), slot),
            asks: self.side(ask, above.filter_map(|rung| self.rung(rung, slot)).filter(|&row| row > ask), slot),
        }
    }

    /// Returns the rows that changed from the previous slot to `slot`; quantity 0 removes a row.
    pub fn delta(&self, slot: u64) -> DemoBook {
        self.book(slot).since(&self.book(slot.saturating_sub(1)))
    }

    /// Returns the price of `ticks`.
    pub(super) fn price(&self, ticks: i64) -> Price {
        // Cannot fail: an i64 and at most eight decimals fit every decimal.
        Price::from_mantissa(i128::from(ticks), self.price_scale).unwrap_or(Price::ZERO)
    }

    /// Returns the quantity of `lots`.
    pub(super) fn quantity(&self, lots: u64) -> Quantity {
        Quantity::from_mantissa(i128::from(lots), self.lot_scale).unwrap_or(Quantity::ZERO)
    }

    /// Returns price in ticks and aggressor of the slot's trade: a buyer pays the ask, a seller gets the bid.
    pub(super) fn print(&self, slot: u64) -> (i64, AggressorSide) {
        let (bid, ask) = self.top(slot);
        if self.flow.print(slot).is_buy { (ask, AggressorSide::Buyer) } else { (bid, AggressorSide::Seller) }
    }

    /// Returns best bid and ask, in ticks.
    fn top(&self, slot: u64) -> (i64, i64) {
        let bid = self.path.ticks(slot);
        let spread = match mix(self.spread_key, !(slot >> 4)) & 0x7 {
            0..5 => 1,
            5 | 6 => 2,
            _ => MAX_SPREAD_TICKS,
        };
        (bid, bid + spread)
    }

    fn side(&self, best: i64, rest: impl Iterator<Item = i64>, slot: u64) -> Vec<Level> {
        std::iter::once(best).chain(rest).take(BOOK_DEPTH).map(|ticks| self.level(ticks, slot)).collect()
    }

    /// Returns the row of a rung, in ticks, if it has one; it moves or disappears every 12.8 s.
    fn rung(&self, rung: i64, slot: u64) -> Option<i64> {
        let own = mix(self.book_key, rung.cast_unsigned());
        let hash = mix(own, (slot + (own & 0x7F)) >> 7);
        let offset = i64::try_from((hash >> 8) % self.rung_ticks.cast_unsigned()).unwrap_or(0);
        (hash & 0x7 > 1).then_some(rung * self.rung_ticks + offset)
    }

    /// Returns the row at `ticks`; its quantity changes every 1.6 s.
    fn level(&self, ticks: i64, slot: u64) -> Level {
        let own = mix(!self.book_key, ticks.cast_unsigned());
        let hash = mix(own, (slot + (own & 0xF)) >> 4) & 0xFFFF;
        let lots = 1 + self.mean_lots / 8 + ((self.mean_lots * 4 * ((hash * hash) >> 16)) >> 16);
        Level { price: self.price(ticks), quantity: self.quantity(lots) }
    }
}

/// Returns rows of `new` that are not in `old`, and removed rows of `old` with quantity 0. Both are sorted by `order`.
fn changes(old: &[Level], new: &[Level], order: impl Fn(&Price, &Price) -> Ordering) -> Vec<Level> {
    let (mut old, mut new) = (old.iter().peekable(), new.iter().peekable());
    let mut changed = Vec::new();
    loop {
        let which = match (old.peek(), new.peek()) {
            (None, None) => return changed,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(before), Some(after)) => order(&before.price, &after.price),
        };
        let before = if which.is_le() { old.next() } else { None };
        let after = if which.is_ge() { new.next() } else { None };
        match (before, after) {
            (Some(before), None) => changed.push(Level { price: before.price, quantity: Quantity::ZERO }),
            (before, Some(after)) if before != Some(after) => changed.push(*after),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use model::book::OrderBook;

    use super::*;

    const SLOT: u64 = 17_636_680_000;

    #[test]
    fn twenty_instruments_plainly_simulated() {
        let market = DemoMarket::new(1);
        assert_eq!(market.instruments().len(), 20);
        let mut symbols: Vec<&str> = market.instruments().iter().map(|one| one.instrument.id.symbol()).collect();
        symbols.sort_unstable();
        symbols.dedup();
        assert_eq!(symbols.len(), 20);
        for one in market.instruments() {
            let instrument = one.instrument();
            assert!(instrument.is_simulated && instrument.id.symbol().ends_with("-SIM"));
            assert_eq!(instrument.id.venue().as_str(), VENUE);
            assert_eq!(instrument.price_decimals(), one.price_scale);
        }
    }

    #[test]
    fn one_seed_is_one_market() {
        let shown = |seed| {
            let market = DemoMarket::new(seed);
            market
                .instruments()
                .iter()
                .map(|one| format!("{:?}{:?}", one.trade(SLOT), one.book(SLOT)))
                .collect::<String>()
        };
        assert_eq!(shown(5), shown(5));
        assert_ne!(shown(5), shown(6));
    }

    #[test]
    fn snapshot_and_deltas_are_the_later_book() {
        for one in DemoMarket::new(3).instruments() {
            let mut book = OrderBook::new();
            let first = one.book(SLOT);
            book.apply_snapshot(&first.bids, &first.asks);
            let mut n_changes = 0;
            for slot in SLOT + 1..SLOT + 200 {
                let delta = one.delta(slot);
                n_changes += delta.bids.len() + delta.asks.len();
                book.apply_delta(&delta.bids, &delta.asks);
                let expected = one.book(slot);
                assert_eq!(book.bids().collect::<Vec<_>>(), expected.bids);
                assert_eq!(book.asks().collect::<Vec<_>>(), expected.asks);
            }
            let mean = n_changes / 199;
            assert!((2..80).contains(&mean), "{} {mean} changed rows a slot", one.instrument.id);
        }
    }

    #[test]
    fn books_are_deep_and_never_crossed_and_trades_stand_at_their_top() {
        for one in DemoMarket::new(4).instruments() {
            for slot in (0..400).map(|step| SLOT + step * 977) {
                let (book, quote, trade) = (one.book(slot), one.quote(slot), one.trade(slot));
                assert_eq!((book.bids.len(), book.asks.len()), (BOOK_DEPTH, BOOK_DEPTH));
                assert!(book.bids.windows(2).all(|pair| pair[0].price > pair[1].price));
                assert!(book.asks.windows(2).all(|pair| pair[0].price < pair[1].price));
                assert!(book.bids[0].price < book.asks[0].price && !book.bids[BOOK_DEPTH - 1].price.is_negative());
                assert_eq!((Some(book.bids[0]), Some(book.asks[0])), (quote.bid, quote.ask));
                let paid = if trade.aggressor_side == AggressorSide::Buyer { quote.ask } else { quote.bid };
                assert_eq!((trade.id, Some(trade.price)), (TradeId::Sequence(slot), paid.map(|level| level.price)));
                assert!(!trade.size.is_zero());
            }
        }
    }

    #[test]
    fn slots_and_times_agree() {
        assert_eq!(slot_at(slot_time(SLOT)), SLOT);
        assert_eq!(slot_at(Timestamp::from_millis(SLOT.cast_signed() * 100 + 99)), SLOT);
        assert_eq!(slot_at(Timestamp::from_millis(-1)), 0);
        assert_eq!(DemoMarket::new(1).instruments()[0].trade(0).id, TradeId::Sequence(0));
    }
}
