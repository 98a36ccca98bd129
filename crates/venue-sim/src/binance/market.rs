//! What the protocol needs to know of a market, whether recorded or made up, and bars from trades.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{fixed, note::Row};

/// A recorded or made-up market.
pub(super) trait Market: Send + Sync {
    /// The body of `exchangeInfo` with all symbols.
    fn exchange_info(&self) -> Value;

    /// All symbols.
    fn symbols(&self) -> Vec<String>;

    /// The book now, at most `limit` rows a side.
    fn depth(&self, symbol: &str, limit: usize) -> Option<Depth>;

    /// The newest trades, at most `limit`, oldest first.
    fn prints(&self, symbol: &str, limit: usize) -> Option<Vec<Print>>;

    /// Bars; the last one may still form.
    fn klines(&self, symbol: &str, query: &KlineQuery) -> Option<Vec<Bar>>;

    /// The bar of the last 24 hours.
    fn day(&self, symbol: &str) -> Option<Bar>;

    /// The venue's clock.
    fn now_ms(&self) -> i64;
}

/// A book, or its best rows.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Depth {
    /// Number of the last change in it.
    pub(super) last_update_id: u64,
    /// Best first.
    pub(super) bids: Vec<Row>,
    /// Best first.
    pub(super) asks: Vec<Row>,
    /// Rows of the whole book.
    pub(super) n_bids: usize,
    /// Rows of the whole book.
    pub(super) n_asks: usize,
    /// Gaps found while following it.
    pub(super) n_gaps: u64,
}

/// A trade. Prices and quantities are integers of eight decimals.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Print {
    pub(super) id: u64,
    pub(super) price: i128,
    pub(super) quantity: i128,
    pub(super) time_ms: i64,
    /// True where the seller was the aggressor.
    pub(super) is_buyer_maker: bool,
}

/// A bar. Prices and volumes are integers of eight decimals.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Bar {
    pub(super) open_ms: i64,
    pub(super) open: i128,
    pub(super) high: i128,
    pub(super) low: i128,
    pub(super) close: i128,
    pub(super) volume: i128,
    pub(super) quote_volume: i128,
    pub(super) n_trades: u64,
    /// The part of the volume that buyers took.
    pub(super) taker_volume: i128,
    /// The part of the quote volume that buyers took.
    pub(super) taker_quote_volume: i128,
}

impl Bar {
    /// A bar in which nothing was traded.
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

/// Which bars are wanted.
#[derive(Clone, Copy, Debug)]
pub(super) struct KlineQuery {
    /// A bar's length.
    pub(super) length_ms: i64,
    /// Only bars that open then or later; the oldest `limit` of them.
    pub(super) start_ms: Option<i64>,
    /// Only bars that open then or earlier.
    pub(super) end_ms: Option<i64>,
    /// How many at most.
    pub(super) limit: i64,
}

impl KlineQuery {
    /// Open times of the bars asked for, of those from `first_ms` to `last_ms`.
    pub(super) fn opens(&self, first_ms: i64, last_ms: i64) -> impl Iterator<Item = i64> {
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

/// The venue's intervals up to a day, and their lengths.
pub(super) fn interval_ms(name: &str) -> Option<i64> {
    let (number, unit) = name.split_at_checked(name.len().checked_sub(1)?)?;
    let unit_ms = match unit {
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    let known = ["1s", "1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "8h", "12h", "1d"];
    Some(number.parse::<i64>().ok().filter(|_| known.contains(&name))? * unit_ms)
}

/// Bars in which something was traded, by open time.
pub(super) fn traded_bars(prints: &[Print], length_ms: i64) -> BTreeMap<i64, Bar> {
    let mut bars: BTreeMap<i64, Bar> = BTreeMap::new();
    for print in prints {
        let open_ms = print.time_ms.div_euclid(length_ms) * length_ms;
        bars.entry(open_ms).or_insert_with(|| Bar::flat(open_ms, print.price)).add(print);
    }
    bars
}

/// The bars asked for; the venue shows an interval without trades as a flat bar.
pub(super) fn bars(prints: &[Print], query: &KlineQuery) -> Vec<Bar> {
    let traded = traded_bars(prints, query.length_ms);
    let (Some((&first, _)), Some((&last, _))) = (traded.first_key_value(), traded.last_key_value()) else {
        return Vec::new();
    };
    query
        .opens(first, last)
        .filter_map(|open_ms| {
            let (_, bar) = traded.range(..=open_ms).next_back()?;
            Some(if bar.open_ms == open_ms { bar.clone() } else { Bar::flat(open_ms, bar.close) })
        })
        .collect()
}

/// One bar of all prints of the last 24 hours.
pub(super) fn day_bar(prints: &[Print]) -> Option<Bar> {
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
        let query = KlineQuery { length_ms: 60_000, start_ms: None, end_ms: None, limit: 500 };
        let rows = bars(&prints, &query);
        let shown: Vec<(i64, i128, i128, u64)> =
            rows.iter().map(|bar| (bar.open_ms, bar.open / fixed::ONE, bar.close / fixed::ONE, bar.n_trades)).collect();
        assert_eq!(shown, [(60_000, 5, 8, 2), (120_000, 8, 8, 0), (180_000, 8, 8, 0), (240_000, 7, 7, 1)]);
        assert_eq!((rows[0].quote_volume, rows[0].taker_volume), (13 * fixed::ONE, fixed::ONE));
        let opens = |start_ms, end_ms, limit| {
            let query = KlineQuery { length_ms: 60_000, start_ms, end_ms, limit };
            bars(&prints, &query).iter().map(|bar| bar.open_ms).collect::<Vec<_>>()
        };
        assert_eq!(opens(None, None, 2), [180_000, 240_000]);
        assert_eq!(opens(Some(60_001), None, 2), [120_000, 180_000]);
        assert_eq!(opens(None, Some(179_999), 500), [60_000, 120_000]);
        assert!(opens(Some(i64::MAX), Some(i64::MIN), 5).is_empty());
    }

    #[test]
    fn only_the_venues_intervals() {
        for (name, expected) in [
            ("1s", Some(1_000)),
            ("15m", Some(900_000)),
            ("1d", Some(86_400_000)),
            ("7m", None),
            ("", None),
            ("é", None),
        ] {
            assert_eq!(interval_ms(name), expected, "{name:?}");
        }
    }
}
