//! What the protocol needs to know of a market, whether recorded or made up, and its intervals.

use serde_json::Value;

use crate::{
    bars::{Bar, BarQuery, Print},
    ladder::Row,
};

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
    fn klines(&self, symbol: &str, query: &BarQuery) -> Option<Vec<Bar>>;

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

#[cfg(test)]
mod tests {
    use super::*;

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
