//! The rows of the tape panel: the last trades that are large enough, kept longer than in the log of all trades.
//!
//! Plain values: the log and the reader's choice in, rows out. A row is created once and shared from then on.

use std::{collections::VecDeque, sync::Arc};

use model::{decimal::Quantity, event::AggressorSide, instrument::InstrumentId, time::Timestamp};

use crate::{
    format,
    live::tape_log::{TapeLog, TapeRow},
};

/// One trade as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TapeLine {
    /// Rises with each trade.
    pub serial: u64,
    /// Time of day, UTC.
    pub time: String,
    /// Price with separators.
    pub price: String,
    /// Price in plain digits.
    pub price_value: String,
    /// Quantity.
    pub size: String,
    /// The aggressor side.
    pub side: AggressorSide,
}

impl TapeLine {
    fn new(row: &TapeRow, decimals: Option<(u32, u32)>) -> Self {
        let trade = &row.trade;
        let (price_decimals, size_decimals) = decimals.unwrap_or((trade.price.scale(), trade.size.scale()));
        Self {
            serial: row.serial,
            time: format::time_of_day(Timestamp::from_millis(trade.venue_time_ms)),
            price: format::price(trade.price, price_decimals),
            price_value: trade.price.to_string(),
            size: format::quantity(trade.size, size_decimals),
            side: trade.aggressor_side,
        }
    }
}

/// The source of the rows; a different one starts over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TapeChoice {
    /// The shown instrument.
    pub id: InstrumentId,
    /// The smallest trade shown; `None` shows all.
    pub least: Option<Quantity>,
    /// Decimals of prices and of sizes, if known.
    pub decimals: Option<(u32, u32)>,
}

/// The contents of the panel. Two with the same `revision` are equal.
#[derive(Clone, Debug, Default)]
pub struct TapeView {
    /// Newest first.
    pub rows: Arc<Vec<Arc<TapeLine>>>,
    /// The number of trades that were large enough so far.
    pub n_matched: u64,
    /// The source of the rows.
    pub choice: Option<TapeChoice>,
    revision: u64,
}

impl PartialEq for TapeView {
    fn eq(&self, other: &Self) -> bool {
        self.revision == other.revision
    }
}

/// Follows a log of trades.
#[derive(Debug, Default)]
pub struct TapeRows {
    choice: Option<TapeChoice>,
    rows: VecDeque<Arc<TapeLine>>,
    last_serial: u64,
    n_matched: u64,
    shown: TapeView,
}

impl TapeRows {
    /// Adds new trades from the log and returns the contents of the panel.
    pub fn follow(&mut self, log: &TapeLog, choice: TapeChoice) -> TapeView {
        let is_other = self.choice.as_ref() != Some(&choice) || log.n_seen() < self.last_serial;
        // Trades between the kept ones and those still in the log are lost: a tape must have no gaps, so the rows start
        // over. Large trades are a selection anyway, so they are kept.
        let oldest = log.newest_first().last().map_or(0, |row| row.serial);
        let is_torn = choice.least.is_none() && self.last_serial > 0 && oldest > self.last_serial + 1;
        if is_other || is_torn {
            self.rows.clear();
            self.last_serial = 0;
        }
        let new: Vec<&TapeRow> = log.newest_first().take_while(|row| row.serial > self.last_serial).collect();
        let is_large = |row: &&&TapeRow| choice.least.is_none_or(|least| row.trade.size >= least);
        let n_before = self.n_matched;
        for row in new.iter().rev().filter(is_large) {
            self.rows.push_front(Arc::new(TapeLine::new(row, choice.decimals)));
            self.n_matched += 1;
        }
        self.rows.truncate(MAX_ROWS);
        self.last_serial = log.n_seen();
        if is_other || is_torn || n_before != self.n_matched {
            self.shown = TapeView {
                rows: Arc::new(self.rows.iter().cloned().collect()),
                n_matched: self.n_matched,
                choice: Some(choice.clone()),
                revision: self.shown.revision + 1,
            };
        }
        self.choice = Some(choice);
        self.shown.clone()
    }
}

/// Rows kept: as many as a reader scrolls back over while the tape is paused.
pub const MAX_ROWS: usize = 100;

#[cfg(test)]
mod tests {
    use model::{decimal::Price, event::TradeId};
    use topics::channels::tape::TapeTrade;

    use super::*;

    /// Trades of sizes 0, 1, … 9, 0, …
    fn trades(ids: std::ops::Range<u64>) -> Vec<TapeTrade> {
        ids.map(|id| TapeTrade {
            id: TradeId::Sequence(id),
            price: Price::parse("1.5").unwrap(),
            size: Quantity::parse(&(id % 10).to_string()).unwrap(),
            aggressor_side: AggressorSide::Buyer,
            venue_time_ms: 0,
        })
        .collect()
    }

    fn choice(least: &str) -> TapeChoice {
        let id = InstrumentId::parse("demo:A").unwrap();
        TapeChoice { id, least: Quantity::parse(least).ok(), decimals: Some((2, 0)) }
    }

    fn sizes(view: &TapeView) -> String {
        view.rows.iter().map(|row| row.size.clone()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn rows_are_newest_first_and_made_once() {
        let (mut log, mut rows) = (TapeLog::default(), TapeRows::default());
        log.replace(trades(1..4));
        let first = rows.follow(&log, choice(""));
        assert_eq!(sizes(&first), "3 2 1");
        assert_eq!(rows.follow(&log, choice("")), first);
        log.extend(trades(4..6));
        let second = rows.follow(&log, choice(""));
        assert_eq!((sizes(&second).as_str(), second.n_matched), ("5 4 3 2 1", 5));
        assert!(Arc::ptr_eq(&second.rows[2], &first.rows[0]));
        assert_ne!(first, second);
    }

    #[test]
    fn large_prints_outlive_the_log() {
        let (mut log, mut rows) = (TapeLog::default(), TapeRows::default());
        log.replace(trades(0..10));
        assert_eq!(sizes(&rows.follow(&log, choice("9"))), "9");
        for from in (10..500).step_by(10) {
            log.extend(trades(from..from + 10));
            rows.follow(&log, choice("9"));
        }
        let view = rows.follow(&log, choice("9"));
        assert_eq!((view.rows.len(), view.n_matched), (50, 50));
        // Another size starts over, with the trades in the log.
        assert_eq!(sizes(&rows.follow(&log, choice("8.5"))), "9 9 9 9 9 9 9 9 9 9");
    }

    #[test]
    fn rows_are_bounded_and_have_no_hole() {
        let (mut log, mut rows) = (TapeLog::default(), TapeRows::default());
        log.replace(trades(0..90));
        rows.follow(&log, choice(""));
        log.extend(trades(90..150));
        assert_eq!(rows.follow(&log, choice("")).rows.len(), MAX_ROWS);
        // More trades have arrived since than the log holds.
        log.extend(trades(150..300));
        let view = rows.follow(&log, choice(""));
        let serials: Vec<u64> = view.rows.iter().map(|row| row.serial).collect();
        assert_eq!((serials.len(), serials[0], serials[99]), (100, 300, 201));
        assert!(serials.windows(2).all(|pair| pair[0] == pair[1] + 1));
        // A restarted log counts from one again.
        let mut again = TapeLog::default();
        again.replace(trades(0..2));
        assert_eq!(rows.follow(&again, choice("")).rows.len(), 2);
    }
}
