//! Trades, and bars built from them: a market's history as any venue reports it.
//!
//! Prices, quantities and volumes are integers with twelve decimals ([`crate::fixed`]), times are milliseconds.

use std::collections::BTreeMap;

use crate::fixed;

/// A trade. Prices and quantities are integers with twelve decimals.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Print {
    /// Number of the trade.
    pub id: u64,
    /// Price of one unit.
    pub price: i128,
    /// Units traded.
    pub quantity: i128,
    /// Time of the trade.
    pub time_ms: i64,
    /// True if the seller was the aggressor.
    pub is_buyer_maker: bool,
}

/// A bar. Prices and volumes are integers with twelve decimals.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bar {
    /// Open time.
    pub open_ms: i64,
    /// Price of the first trade.
    pub open: i128,
    /// Highest price.
    pub high: i128,
    /// Lowest price.
    pub low: i128,
    /// Price of the last trade.
    pub close: i128,
    /// Units traded.
    pub volume: i128,
    /// Sum of price times quantity.
    pub quote_volume: i128,
    /// Number of trades.
    pub n_trades: u64,
    /// The part of the volume bought by aggressors.
    pub taker_volume: i128,
    /// The part of the quote volume bought by aggressors.
    pub taker_quote_volume: i128,
}

impl Bar {
    /// A bar without trades.
    fn flat(open_ms: i64, price: i128) -> Self {
        Self {
            open_ms,
            open: price,
            high: price,
            low: price,
            close: price,
            volume: 0,
            quote_volume: 0,
            n_trades: 0,
            taker_volume: 0,
            taker_quote_volume: 0,
        }
    }

    fn add(&mut self, print: &Print) {
        let quote = fixed::product(print.price, print.quantity);
        self.high = self.high.max(print.price);
        self.low = self.low.min(print.price);
        self.close = print.price;
        self.volume += print.quantity;
        self.quote_volume += quote;
        self.n_trades += 1;
        if !print.is_buyer_maker {
            self.taker_volume += print.quantity;
            self.taker_quote_volume += quote;
        }
    }
}

/// The treatment of intervals without trades.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quiet {
    /// A flat bar at the last price.
    Flat,
    /// No bar.
    Skipped,
}

/// Selects bars.
#[derive(Clone, Copy, Debug)]
pub struct BarQuery {
    /// A bar's length.
    pub length_ms: i64,
    /// Only bars that open then or later; the oldest `limit` of them.
    pub start_ms: Option<i64>,
    /// Only bars that open then or earlier.
    pub end_ms: Option<i64>,
    /// The maximum number of bars.
    pub limit: i64,
    /// For intervals without trades: a flat bar at the last price, or no bar.
    pub quiet: Quiet,
}

impl BarQuery {
    /// Returns a query for the newest `limit` bars, without empty intervals.
    pub(crate) fn newest(length_ms: i64, limit: i64) -> Self {
        Self { length_ms, start_ms: None, end_ms: None, limit, quiet: Quiet::Skipped }
    }

    /// Returns the open times of the selected bars between `first_ms` and `last_ms`.
    pub(crate) fn opens(&self, first_ms: i64, last_ms: i64) -> impl Iterator<Item = i64> {
        let length = self.length_ms;
        // The first multiple at or after, the last at or before.
        let start = self.start_ms.map(|ms| ms.saturating_add(length - 1).div_euclid(length).saturating_mul(length));
        let end = self.end_ms.map_or(last_ms, |ms| ms.div_euclid(length).saturating_mul(length)).min(last_ms);
        let first = match start {
            Some(start) => start.max(first_ms),
            None => end.saturating_sub((self.limit - 1).saturating_mul(length)).max(first_ms),
        };
        let end = end.min(first.saturating_add((self.limit - 1).saturating_mul(length)));
        (0..).map(move |bar| first + bar * length).take_while(move |&open_ms| open_ms <= end)
    }
}

/// Returns the bars that have trades, by open time.
pub(crate) fn traded_bars(prints: &[Print], length_ms: i64) -> BTreeMap<i64, Bar> {
    let mut bars: BTreeMap<i64, Bar> = BTreeMap::new();
    for print in prints {
        let open_ms = print.time_ms.div_euclid(length_ms) * length_ms;
        bars.entry(open_ms).or_insert_with(|| Bar::flat(open_ms, print.price)).add(print);
    }
    bars
}

/// Returns the selected bars, oldest first.
pub(crate) fn bars(prints: &[Print], query: &BarQuery) -> Vec<Bar> {
    let traded = traded_bars(prints, query.length_ms);
    let (Some((&first, _)), Some((&last, _))) = (traded.first_key_value(), traded.last_key_value()) else {
        return Vec::new();
    };
    let bar = |open_ms| match (traded.get(&open_ms), query.quiet) {
        (None, Quiet::Flat) => traded.range(..open_ms).next_back().map(|(_, bar)| Bar::flat(open_ms, bar.close)),
        (bar, _) => bar.cloned(),
    };
    query.opens(first, last).filter_map(bar).collect()
}

/// Returns one bar of all trades of the last 24 hours.
pub(crate) fn day_bar(prints: &[Print]) -> Option<Bar> {
    let from_ms = prints.last()?.time_ms - 86_400_000;
    let mut inside = prints.iter().filter(|print| print.time_ms >= from_ms);
    let first = inside.next()?;
    let mut bar = Bar::flat(from_ms, first.price);
    bar.add(first);
    inside.for_each(|print| bar.add(print));
    Some(bar)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn print(time_ms: i64, price: i128) -> Print {
        Print { id: 0, price: price * fixed::ONE, quantity: fixed::ONE, time_ms, is_buyer_maker: price % 2 == 0 }
    }

    #[test]
    fn quiet_intervals_are_flat_and_the_last_is_running() {
        let prints = [print(60_000, 5), print(119_999, 8), print(250_000, 7)];
        let query = BarQuery { length_ms: 60_000, start_ms: None, end_ms: None, limit: 500, quiet: Quiet::Flat };
        let rows = bars(&prints, &query);
        let shown: Vec<(i64, i128, i128, u64)> =
            rows.iter().map(|bar| (bar.open_ms, bar.open / fixed::ONE, bar.close / fixed::ONE, bar.n_trades)).collect();
        assert_eq!(shown, [(60_000, 5, 8, 2), (120_000, 8, 8, 0), (180_000, 8, 8, 0), (240_000, 7, 7, 1)]);
        assert_eq!((rows[0].quote_volume, rows[0].taker_volume), (13 * fixed::ONE, fixed::ONE));
        let opens = |start_ms, end_ms, limit| {
            let query = BarQuery { length_ms: 60_000, start_ms, end_ms, limit, quiet: Quiet::Flat };
            bars(&prints, &query).iter().map(|bar| bar.open_ms).collect::<Vec<_>>()
        };
        assert_eq!(opens(None, None, 2), [180_000, 240_000]);
        assert_eq!(opens(Some(60_001), None, 2), [120_000, 180_000]);
        assert_eq!(opens(None, Some(179_999), 500), [60_000, 120_000]);
        assert!(opens(Some(i64::MAX), Some(i64::MIN), 5).is_empty());
    }
}
