//! The rows of the tape panel: the last trades that are large enough, kept longer than in the log of all trades.
//!
//! Plain values: the log and the reader's choice in, rows out. A row is created once and shared from then on. A running
//! tape shows the newest; a paused one keeps all that were kept at the pause, for as long as it is paused.

use std::{collections::VecDeque, sync::Arc};

use model::{decimal::Quantity, instrument::InstrumentId, time::Timestamp};

use crate::{
    format,
    live::tape_log::{TapeLog, TapeRow},
    settings::{SizeUnit, TimeZone},
};

/// The form in which trades are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TapeForm {
    /// Decimals of prices and of sizes, if known.
    pub decimals: Option<(u32, u32)>,
    /// The unit of sizes.
    pub unit: SizeUnit,
    /// The zone of times.
    pub zone: TimeZone,
}

impl TapeForm {
    /// Returns a number that differs where the form differs: rows of the same trade in two forms are two elements.
    pub fn key(self) -> u8 {
        u8::from(self.decimals.is_some())
            | u8::from(self.unit == SizeUnit::Quote) << 1
            | u8::from(self.zone == TimeZone::Local) << 2
    }
}

/// One trade as text.
#[derive(Clone, Debug, PartialEq)]
pub struct TapeLine {
    /// The trade and its number.
    pub row: TapeRow,
    /// Time of day.
    pub time: String,
    /// Price with separators.
    pub price: String,
    /// Price in plain digits.
    pub price_value: String,
    /// Quantity, or what was paid for it.
    pub size: String,
}

impl TapeLine {
    fn new(row: TapeRow, form: TapeForm) -> Self {
        let trade = &row.trade;
        let (price_decimals, size_decimals) = form.decimals.unwrap_or((trade.price.scale(), trade.size.scale()));
        let local_ms = trade.venue_time_ms.saturating_add(form.zone.offset_ms(trade.venue_time_ms));
        Self {
            time: format::time_of_day(Timestamp::from_millis(local_ms)),
            price: format::price(trade.price, price_decimals),
            price_value: trade.price.to_string(),
            size: match form.unit {
                SizeUnit::Base => format::quantity(trade.size, size_decimals),
                SizeUnit::Quote => format::paid(trade.price.checked_mul(trade.size)),
            },
            row,
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
}

/// The contents of the panel. Two with the same `revision`, both whole or both not, are equal.
#[derive(Clone, Debug, Default)]
pub struct TapeView {
    /// Newest first.
    pub rows: Arc<Vec<Arc<TapeLine>>>,
    /// The number of trades that were large enough so far.
    pub n_matched: u64,
    /// The source of the rows.
    pub choice: Option<TapeChoice>,
    /// Their form.
    pub form: TapeForm,
    /// True if it has all rows that were kept, not only the newest.
    is_whole: bool,
    revision: u64,
}

impl PartialEq for TapeView {
    fn eq(&self, other: &Self) -> bool {
        (self.revision, self.is_whole, self.form) == (other.revision, other.is_whole, other.form)
    }
}

/// Follows a log of trades.
#[derive(Debug, Default)]
pub struct TapeRows {
    rows: VecDeque<Arc<TapeLine>>,
    /// The log that was followed last.
    origin: u64,
    last_serial: u64,
    n_matched: u64,
    shown: TapeView,
}

impl TapeRows {
    /// Adds new trades from the log and returns the newest rows.
    pub fn follow(&mut self, log: &TapeLog, choice: TapeChoice, form: TapeForm) -> TapeView {
        let is_other_log = self.origin != log.origin() || log.n_seen() < self.last_serial;
        let is_other = self.shown.choice.as_ref() != Some(&choice) || is_other_log;
        let is_rewritten = self.shown.form != form;
        // Trades between the kept ones and those still in the log are lost: a tape must have no gaps, so the rows start
        // over. Large trades are a selection anyway, so they are kept.
        let oldest = log.newest_first().last().map_or(0, |row| row.serial);
        let is_torn = choice.least.is_none() && self.last_serial > 0 && oldest > self.last_serial + 1;
        if is_other || is_torn {
            self.rows.clear();
            self.last_serial = 0;
        } else if is_rewritten {
            self.rows.iter_mut().for_each(|line| *line = rewritten(line, form));
        }
        let new: Vec<&TapeRow> = log.newest_first().take_while(|row| row.serial > self.last_serial).collect();
        let is_large = |row: &&&TapeRow| choice.least.is_none_or(|least| row.trade.size >= least);
        let n_before = self.n_matched;
        for row in new.iter().rev().filter(is_large) {
            self.rows.push_front(Arc::new(TapeLine::new((*row).clone(), form)));
            self.n_matched += 1;
        }
        self.rows.truncate(KEPT_ROWS);
        (self.origin, self.last_serial) = (log.origin(), log.n_seen());
        if is_other || is_torn || is_rewritten || n_before != self.n_matched {
            self.shown = TapeView {
                rows: Arc::new(self.rows.iter().take(MAX_ROWS).cloned().collect()),
                n_matched: self.n_matched,
                choice: Some(choice),
                form,
                is_whole: false,
                revision: self.shown.revision + 1,
            };
        }
        self.shown.clone()
    }

    /// Returns the view that a pause holds: `running` with all older rows that are still kept. A held view stays the
    /// same, however long the pause is and whatever comes meanwhile; only its form may change.
    pub fn held(&self, running: &TapeView, form: TapeForm) -> TapeView {
        if running.is_whole {
            if running.form == form {
                return running.clone();
            }
            let rows = running.rows.iter().map(|line| rewritten(line, form)).collect();
            return TapeView { rows: Arc::new(rows), form, ..running.clone() };
        }
        let newest = running.rows.first().map_or(0, |line| line.row.serial);
        let is_known = self.shown.choice == running.choice && self.shown.form == running.form;
        let kept = self.rows.iter().filter(|line| is_known && line.row.serial <= newest);
        let rows: Vec<Arc<TapeLine>> = kept.cloned().collect();
        let rows = if rows.is_empty() { Arc::clone(&running.rows) } else { Arc::new(rows) };
        TapeView { rows, is_whole: true, ..running.clone() }
    }
}

fn rewritten(line: &Arc<TapeLine>, form: TapeForm) -> Arc<TapeLine> {
    Arc::new(TapeLine::new(line.row.clone(), form))
}

/// Rows of a running tape: more than any panel shows.
pub const MAX_ROWS: usize = 100;

/// Rows kept, to scroll back over while the tape is paused: minutes of the busiest markets, in about a megabyte.
const KEPT_ROWS: usize = 4_000;

#[cfg(test)]
mod tests {
    use model::{
        decimal::Price,
        event::{AggressorSide, TradeId},
    };
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
        TapeChoice { id, least: Quantity::parse(least).ok() }
    }

    const FORM: TapeForm = TapeForm { decimals: Some((2, 0)), unit: SizeUnit::Base, zone: TimeZone::Utc };

    fn sizes(view: &TapeView) -> String {
        view.rows.iter().map(|row| row.size.clone()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn rows_are_newest_first_and_made_once() {
        let (mut log, mut rows) = (TapeLog::default(), TapeRows::default());
        log.replace(trades(1..4));
        let first = rows.follow(&log, choice(""), FORM);
        assert_eq!(sizes(&first), "3 2 1");
        assert_eq!(rows.follow(&log, choice(""), FORM), first);
        log.extend(trades(4..6));
        let second = rows.follow(&log, choice(""), FORM);
        assert_eq!((sizes(&second).as_str(), second.n_matched), ("5 4 3 2 1", 5));
        assert!(Arc::ptr_eq(&second.rows[2], &first.rows[0]));
        assert_ne!(first, second);
    }

    #[test]
    fn large_prints_outlive_the_log() {
        let (mut log, mut rows) = (TapeLog::default(), TapeRows::default());
        log.replace(trades(0..10));
        assert_eq!(sizes(&rows.follow(&log, choice("9"), FORM)), "9");
        for from in (10..500).step_by(10) {
            log.extend(trades(from..from + 10));
            rows.follow(&log, choice("9"), FORM);
        }
        let view = rows.follow(&log, choice("9"), FORM);
        assert_eq!((view.rows.len(), view.n_matched), (50, 50));
        // Another size starts over, with the trades in the log.
        assert_eq!(sizes(&rows.follow(&log, choice("8.5"), FORM)), "9 9 9 9 9 9 9 9 9 9");
    }

    #[test]
    fn rows_are_bounded_and_have_no_hole() {
        let (mut log, mut rows) = (TapeLog::default(), TapeRows::default());
        log.replace(trades(0..90));
        rows.follow(&log, choice(""), FORM);
        log.extend(trades(90..150));
        assert_eq!(rows.follow(&log, choice(""), FORM).rows.len(), MAX_ROWS);
        // More trades have arrived since than the log holds.
        log.extend(trades(150..300));
        let view = rows.follow(&log, choice(""), FORM);
        let serials: Vec<u64> = view.rows.iter().map(|line| line.row.serial).collect();
        assert_eq!((serials.len(), serials[0], serials[99]), (100, 300, 201));
        assert!(serials.windows(2).all(|pair| pair[0] == pair[1] + 1));
        // A restarted log counts from one again.
        let mut again = TapeLog::default();
        again.replace(trades(0..2));
        assert_eq!(rows.follow(&again, choice(""), FORM).rows.len(), 2);
    }

    #[test]
    fn rows_of_another_log_are_never_mixed_in() {
        for least in ["", "1"] {
            let (mut log, mut rows) = (TapeLog::new(3), TapeRows::default());
            log.replace(trades(1..4));
            assert_eq!(sizes(&rows.follow(&log, choice(least), FORM)), "3 2 1");
            // As many trades as before, and more of them.
            for until in [7, 9] {
                let mut later = TapeLog::new(until);
                later.replace(trades(4..until));
                let sizes = sizes(&rows.follow(&later, choice(least), FORM));
                assert!(sizes.ends_with("6 5 4"), "{least}: {sizes}");
            }
        }
    }

    #[test]
    fn a_pause_keeps_all_rows_for_as_long_as_it_lasts() {
        let (mut log, mut rows) = (TapeLog::default(), TapeRows::default());
        log.replace(trades(0..50));
        rows.follow(&log, choice(""), FORM);
        for from in (50..950).step_by(50) {
            log.extend(trades(from..from + 50));
            rows.follow(&log, choice(""), FORM);
        }
        let running = rows.follow(&log, choice(""), FORM);
        assert_eq!(running.rows.len(), MAX_ROWS);
        let held = rows.held(&running, FORM);
        let serials = |view: &TapeView| view.rows.iter().map(|line| line.row.serial).collect::<Vec<_>>();
        assert_eq!(serials(&held), (1..=950).rev().collect::<Vec<_>>());
        assert_ne!(held, running);
        // Whatever comes meanwhile, with or without a gap.
        for from in (950..20_000).step_by(90) {
            log.extend(trades(from..from + 90));
            rows.follow(&log, choice(""), FORM);
        }
        log.extend(trades(30_000..30_500));
        let later = rows.follow(&log, choice(""), FORM);
        let still = rows.held(&held, FORM);
        assert_eq!((serials(&still), still.n_matched), (serials(&held), held.n_matched));
        assert!(Arc::ptr_eq(&still.rows, &held.rows));
        assert!(later.n_matched > held.n_matched);
        // The rows that are kept are bounded.
        assert!(rows.held(&later, FORM).rows.len() <= KEPT_ROWS);
    }

    #[test]
    fn another_form_rewrites_rows_and_loses_none() {
        let (mut log, mut rows) = (TapeLog::default(), TapeRows::default());
        log.replace(trades(0..90));
        rows.follow(&log, choice(""), FORM);
        log.extend(trades(90..180));
        let base = rows.follow(&log, choice(""), FORM);
        let held = rows.held(&base, FORM);
        let quote = TapeForm { unit: SizeUnit::Quote, ..FORM };
        assert_ne!(quote.key(), FORM.key());
        let running = rows.follow(&log, choice(""), quote);
        // 9 at 1.5 each.
        assert_eq!((base.rows[0].size.as_str(), running.rows[0].size.as_str()), ("9", "13.5"));
        assert_eq!(rows.held(&running, quote).rows.len(), 180);
        let still = rows.held(&held, quote);
        assert_eq!((still.rows.len(), still.rows[0].size.as_str()), (180, "13.5"));
        assert_ne!(still, held);
    }
}
