//! The last trades of one instrument, each with its own number so that the page can keep its row.

use std::collections::VecDeque;

use topics::channels::tape::TapeTrade;

/// A trade and the number of its row.
#[derive(Clone, Debug, PartialEq)]
pub struct TapeRow {
    /// Unique in this log, rising with each trade.
    pub serial: u64,
    /// The trade.
    pub trade: TapeTrade,
}

/// The last trades, oldest first, at most [`MAX_ROWS`].
#[derive(Clone, Debug, Default)]
pub struct TapeLog {
    rows: VecDeque<TapeRow>,
    n_seen: u64,
    origin: u64,
}

impl TapeLog {
    /// Creates an empty log; `origin` tells it from every other log of the page.
    pub fn new(origin: u64) -> Self {
        Self { origin, ..Self::default() }
    }

    /// Returns the number that tells this log from others: rows of two logs do not continue each other.
    pub fn origin(&self) -> u64 {
        self.origin
    }

    /// Replaces the log. Trades that were in it keep their numbers, so their rows stay as they are, and so do known
    /// trades before the snapshot's first: a source that began later removes nothing.
    pub fn replace(&mut self, trades: Vec<TapeTrade>) {
        let known = std::mem::take(&mut self.rows);
        let first_known = trades.first().and_then(|first| known.iter().position(|row| row.trade.id == first.id));
        if let Some(row_idx) = first_known {
            // The common case: the snapshot begins inside the log and continues past its end.
            let is_same = |row: &TapeRow, trade: &TapeTrade| row.trade.id == trade.id;
            let overlap =
                known.iter().skip(row_idx).zip(&trades).take_while(|(row, trade)| is_same(row, trade)).count();
            self.rows.extend(known.into_iter().take(row_idx + overlap));
            self.extend(trades.into_iter().skip(overlap));
        } else {
            self.extend(trades);
        }
    }

    /// Adds new trades, oldest first.
    pub fn extend(&mut self, trades: impl IntoIterator<Item = TapeTrade>) {
        for trade in trades {
            self.n_seen += 1;
            self.rows.push_back(TapeRow { serial: self.n_seen, trade });
        }
        let n_surplus = self.rows.len().saturating_sub(MAX_ROWS);
        self.rows.drain(..n_surplus);
    }

    /// Returns the trades, newest first.
    pub fn newest_first(&self) -> impl Iterator<Item = &TapeRow> {
        self.rows.iter().rev()
    }

    /// Returns the number of trades so far.
    pub fn n_seen(&self) -> u64 {
        self.n_seen
    }
}

/// Rows kept: one snapshot, more than any panel shows.
pub const MAX_ROWS: usize = 100;

#[cfg(test)]
mod tests {
    use model::{
        decimal::{Price, Quantity},
        event::{AggressorSide, TradeId},
    };

    use super::*;

    fn trades(ids: std::ops::Range<u64>) -> Vec<TapeTrade> {
        ids.map(|id| TapeTrade {
            id: TradeId::Sequence(id),
            price: Price::parse("1.5").unwrap(),
            size: Quantity::parse("2").unwrap(),
            aggressor_side: AggressorSide::Buyer,
            venue_time_ms: 0,
        })
        .collect()
    }

    fn serials(log: &TapeLog) -> Vec<u64> {
        log.newest_first().map(|row| row.serial).collect()
    }

    #[test]
    fn rows_keep_their_numbers_over_a_snapshot() {
        let mut log = TapeLog::default();
        log.replace(trades(0..3));
        log.extend(trades(3..5));
        assert_eq!(serials(&log), [5, 4, 3, 2, 1]);
        log.replace(trades(2..7));
        assert_eq!(serials(&log), [7, 6, 5, 4, 3, 2, 1]);
        // A snapshot that ends earlier: the later trades will come again.
        log.replace(trades(5..6));
        assert_eq!(serials(&log), [6, 5, 4, 3, 2, 1]);
        log.extend(trades(6..7));
        assert_eq!(serials(&log), [8, 6, 5, 4, 3, 2, 1]);
        log.replace(trades(50..52));
        assert_eq!(serials(&log), [10, 9]);
        log.replace(Vec::new());
        assert!(serials(&log).is_empty());
    }

    #[test]
    fn the_log_is_bounded() {
        let mut log = TapeLog::default();
        log.extend(trades(0..1_000));
        assert_eq!((log.newest_first().count(), log.n_seen()), (MAX_ROWS, 1_000));
        assert_eq!(log.newest_first().next().map(|row| row.serial), Some(1_000));
    }
}
