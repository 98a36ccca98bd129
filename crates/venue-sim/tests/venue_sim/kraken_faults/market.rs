//! A market of one pair whose book and trades a test sets.

use std::{
    borrow::Cow,
    sync::{Arc, Mutex, MutexGuard},
};

use model::time::Timestamp;
use venue_sim::{
    bars::{Bar, Print},
    ladder::{Ladder, Row},
    market::{Market, Pair, Played},
};

use super::support::EPOCH_MS;

pub(crate) const SYMBOL: &str = "BTC/USD";
/// One, as the simulator writes it.
const ONE: i128 = 1_000_000_000_000;

/// The market's state, set by a test.
#[derive(Default)]
pub(crate) struct State {
    pub(crate) ladder: Ladder,
    /// The newest trades, oldest first.
    pub(crate) prints: Vec<Print>,
    /// The next step brings the newest trade.
    pub(crate) has_new_print: bool,
    /// True if there are figures of 24 hours, without which the venue sends no ticker.
    pub(crate) has_day: bool,
}

/// The market, shared by the exchange and the test.
#[derive(Clone)]
pub(crate) struct TestMarket {
    state: Arc<Mutex<State>>,
    pairs: Vec<Pair>,
}

impl TestMarket {
    /// Creates a market with twelve rows a side around 100.0 and no trades.
    pub(crate) fn new() -> Self {
        let bids: Vec<Row> = (0..12).map(|distance| row(1_000 - distance, 150_000_000 + distance)).collect();
        let asks: Vec<Row> = (0..12).map(|distance| row(1_010 + distance, 250_000_000)).collect();
        let state = State { ladder: Ladder::of(&bids, &asks), ..State::default() };
        let pair = Pair {
            symbol: SYMBOL.to_owned(),
            base: "BTC".to_owned(),
            quote: "USD".to_owned(),
            price_decimals: 1,
            quantity_decimals: 8,
        };
        Self { state: Arc::new(Mutex::new(state)), pairs: vec![pair] }
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Sets a bid: price in 0.1, quantity in 1e-8; zero removes it.
    pub(crate) fn set_bid(&self, price: u64, quantity: u64) {
        self.state().ladder.set(&[row(price, quantity)], &[]);
    }
}

impl Market for TestMarket {
    fn pairs(&self) -> &[Pair] {
        &self.pairs
    }

    fn ladder(&self, _: &str) -> Option<Cow<'_, Ladder>> {
        Some(Cow::Owned(self.state().ladder.clone()))
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_millis(EPOCH_MS)
    }

    fn advance(&mut self, _: u64) -> Option<Played> {
        None
    }

    /// A frame holds one trade, snapshots and answers several.
    fn prints(&self, _: &str, limit: usize) -> Vec<Print> {
        let mut state = self.state();
        if limit == 1 && !std::mem::take(&mut state.has_new_print) {
            return Vec::new();
        }
        state.prints[state.prints.len().saturating_sub(limit)..].to_vec()
    }

    fn day(&self, _: &str) -> Option<Bar> {
        self.state().has_day.then_some(Bar {
            open_ms: EPOCH_MS,
            open: 99 * ONE,
            high: 110 * ONE,
            low: 90 * ONE,
            close: 101 * ONE,
            volume: 3_000 * ONE,
            quote_volume: 300_000 * ONE,
            n_trades: 9,
            taker_volume: ONE,
            taker_quote_volume: 100 * ONE,
        })
    }
}

/// Creates a trade with this number, so many milliseconds after the start.
pub(crate) fn print(id: u64, after_ms: i64) -> Print {
    Print { id, price: 100 * ONE, quantity: ONE, time_ms: EPOCH_MS + after_ms, is_buyer_maker: true }
}

fn row(price: u64, quantity: u64) -> Row {
    let text = format!("{}.{:08}", quantity / 100_000_000, quantity % 100_000_000);
    (format!("{}.{}", price / 10, price % 10), text)
}
