//! A rule at work: bars and the top of the book in, signals out.
//!
//! It keeps the bars that it reads and 256 more, for repairs. Nothing has to be saved: after a restart the history of bars
//! gives the same memory (`resume` for what was said before).

use std::{collections::VecDeque, time::Duration};

use indicators::bar::Bar;
use model::{
    alert::signal::{NamedValue, Signal, SignalRule, SignalSide, SignalState, Timing},
    decimal::Price,
    time::Timestamp,
};

use crate::signals::{
    columns::{Columns, Renewal},
    compile::{Compiled, compile},
    error::SignalError,
    node::{Node, SIDES, Sides, Slot},
    rows::{Closed, Row, View},
    top::Top,
};

/// A rule at work.
#[derive(Clone, Debug)]
pub struct SignalWatch {
    rule: SignalRule,
    columns: Columns,
    root: Node,
    /// Bars before that the rule reads.
    n_back: usize,
    /// Oldest first, at most `n_back` and [`N_REPAIRABLE`].
    closed: VecDeque<Closed>,
    /// The memory before the oldest of them.
    base: Vec<Slot>,
    forming: Option<Forming>,
    /// The last numbers of the book; not numbers before it came and after a gap.
    book: Vec<f64>,
    /// Working copy of the memory.
    slots: Vec<Slot>,
    /// True from a gap until bars come again.
    is_after_gap: bool,
    /// Open time of the first bar that may fire: earlier ones are history.
    live_from_ms: i64,
    /// True while history is taken in.
    is_history: bool,
}

#[derive(Clone, Debug)]
struct Forming {
    row: Row,
    /// Sides that were reported for it.
    said: Sides,
}

impl SignalWatch {
    /// Makes one that has seen nothing.
    ///
    /// # Errors
    /// The rule makes no sense; the error names the field, its value and what to write.
    pub fn new(rule: &SignalRule) -> Result<Self, SignalError> {
        let Compiled { columns, root, n_slots, n_back } = compile(rule)?;
        let mut watch = Self {
            rule: rule.clone(),
            book: vec![f64::NAN; columns.len()],
            columns,
            root,
            n_back,
            closed: VecDeque::new(),
            base: vec![Slot::default(); n_slots],
            forming: None,
            slots: vec![Slot::default(); n_slots],
            is_after_gap: false,
            live_from_ms: i64::MIN,
            is_history: false,
        };
        watch.forget();
        Ok(watch)
    }

    /// Returns the rule.
    pub fn rule(&self) -> &SignalRule {
        &self.rule
    }

    /// Returns how many bars of history the rule wants, at most 2,000: as many as its indicators need to forget their first
    /// bar, and 64 more from which it learns on which side of its levels the market is.
    pub fn n_bars_wanted(&self) -> usize {
        let before = self.n_back.saturating_add(self.columns.convergence());
        before.saturating_add(N_ARMING).min(MAX_HISTORY)
    }

    /// Returns true if the rule reads the book, which history does not have.
    pub fn reads_book(&self) -> bool {
        self.columns.reads_book()
    }

    /// Returns true if the rule never says buy or sell.
    pub fn is_neutral(&self) -> bool {
        self.root.is_neutral()
    }

    /// Starts again with history: bars by rising open time, the forming one last. Nothing fires on closed bars of history,
    /// repaired or not; the forming one fires from its next change on.
    pub fn history(&mut self, bars: &[Bar]) {
        self.forget();
        self.is_history = true;
        let mut silent = Vec::new();
        self.take_all(bars, Timestamp::EPOCH, &mut silent);
        self.is_history = false;
        self.prepare_forming();
        let next = self.closed.back().map_or(i64::MIN, |last| last.row.bar.open_ms.saturating_add(1));
        self.live_from_ms = self.forming.as_ref().map_or(next, |forming| forming.row.bar.open_ms);
    }

    /// Takes new, changed and late bars in, by rising open time; the newest known one is forming. Bars that are not finite,
    /// and repairs of bars no longer kept, are ignored.
    pub fn on_bars(&mut self, bars: &[Bar], now: Timestamp) -> Vec<Signal> {
        let mut signals = Vec::new();
        self.take_all(bars, now, &mut signals);
        if !bars.is_empty() {
            self.is_after_gap = false;
        }
        self.look(now, &mut signals);
        signals
    }

    /// Takes a trade in, which moves the price of the forming bar before the bar itself comes; volume comes with bars only.
    /// A trade of another bar changes nothing.
    pub fn on_trade(&mut self, price: f64, event_time: Timestamp, now: Timestamp) -> Vec<Signal> {
        let mut signals = Vec::new();
        let Some(forming) = self.forming.as_mut().filter(|_| price.is_finite()) else { return signals };
        let bar = &mut forming.row.bar;
        if self.rule.interval.open_time(event_time).as_millis() == bar.open_ms && price != bar.close {
            (bar.high, bar.low, bar.close) = (bar.high.max(price), bar.low.min(price), price);
            self.look(now, &mut signals);
        }
        signals
    }

    /// Takes the top of a book that can be trusted in.
    pub fn on_top(&mut self, top: &Top<'_>, now: Timestamp) -> Vec<Signal> {
        let mut signals = Vec::new();
        if self.columns.read_book(top, &mut self.book) {
            self.look(now, &mut signals);
        }
        signals
    }

    /// Says that data is missing or cannot be trusted from here on. The bars from the forming one to the first that comes
    /// again fire nothing unless they are repaired after they closed, and what follows them begins with arming.
    pub fn gap(&mut self) {
        if let Some(forming) = &mut self.forming {
            forming.row.is_incomplete = true;
        }
        self.book.fill(f64::NAN);
        self.is_after_gap = true;
    }

    /// Closes the forming bar if its end is two seconds past, for markets where no trade begins the next one.
    pub fn advance(&mut self, now: Timestamp) -> Vec<Signal> {
        let mut signals = Vec::new();
        if self.deadline().is_some_and(|deadline| deadline <= now) {
            self.close(now, &mut signals);
        }
        signals
    }

    /// Returns when to call [`Self::advance`].
    pub fn deadline(&self) -> Option<Timestamp> {
        let open_time = Timestamp::from_millis(self.forming.as_ref()?.row.bar.open_ms);
        Some(open_time + self.rule.interval.duration() + GRACE)
    }

    /// Returns what a closed bar fired, and what was said of it; `None` if it is not kept.
    pub(crate) fn closed_mut(&mut self, open_ms: i64) -> Option<(Sides, &mut Sides)> {
        let idx = self.closed.binary_search_by_key(&open_ms, |closed| closed.row.bar.open_ms).ok()?;
        self.closed.get_mut(idx).map(|closed| (closed.fires, &mut closed.said))
    }

    /// Returns what was said of the forming bar if it is that one.
    pub(crate) fn forming_mut(&mut self, open_ms: i64) -> Option<&mut Sides> {
        self.forming.as_mut().filter(|forming| forming.row.bar.open_ms == open_ms).map(|forming| &mut forming.said)
    }

    fn forget(&mut self) {
        self.columns.restart(self.n_kept() + 1);
        self.closed.clear();
        self.base.fill(Slot::default());
        self.forming = None;
        self.book.fill(f64::NAN);
        self.is_after_gap = false;
        self.live_from_ms = i64::MIN;
    }

    /// Returns true if bars were seen, and no gap since.
    pub(crate) fn is_in_step(&self) -> bool {
        let has_bars = self.forming.is_some() || !self.closed.is_empty();
        has_bars && !self.is_after_gap
    }

    fn n_kept(&self) -> usize {
        self.n_back + N_REPAIRABLE
    }

    fn take_all(&mut self, bars: &[Bar], now: Timestamp, signals: &mut Vec<Signal>) {
        // Repairs of one call are judged together: the first of several says nothing of its own.
        let mut repaired_from = None;
        for bar in bars.iter().filter(|bar| is_finite(bar)) {
            let known = self.forming.as_ref().map(|forming| forming.row.bar.open_ms);
            let newest = known.or_else(|| self.closed.back().map(|last| last.row.bar.open_ms.saturating_add(1)));
            if newest.is_some_and(|newest| bar.open_ms < newest) {
                let repaired = self.repair(bar);
                repaired_from = match (repaired_from, repaired) {
                    (Some(before), Some(now)) => Some(usize::min(before, now)),
                    (before, now) => before.or(now),
                };
                continue;
            }
            self.refold(repaired_from.take(), now, signals);
            match &mut self.forming {
                Some(forming) if forming.row.bar.open_ms == bar.open_ms => forming.row.bar = *bar,
                _ => {
                    self.close(now, signals);
                    self.begin(bar);
                }
            }
        }
        self.refold(repaired_from, now, signals);
    }

    fn begin(&mut self, bar: &Bar) {
        let row = Row { bar: *bar, numbers: self.book.clone(), is_incomplete: self.is_after_gap };
        self.forming = Some(Forming { row, said: Sides::default() });
        if !self.is_history {
            self.prepare_forming();
        }
    }

    /// Computes what looks at the forming bar need, as often as closed bars change.
    fn prepare_forming(&mut self) {
        if self.rule.timing == Timing::Tick
            && let Some(forming) = &mut self.forming
        {
            self.columns.set(&forming.row.bar);
            renew(&self.columns, &self.closed, self.closed.len(), &mut forming.row, Renewal::All);
        }
    }

    /// Looks at the forming bar.
    fn look(&mut self, now: Timestamp, signals: &mut Vec<Signal>) {
        let is_of_use = self.rule.timing == Timing::Tick && !self.rule.is_paused;
        let Some(forming) = self.forming.as_mut().filter(|forming| is_of_use && !forming.row.is_incomplete) else {
            return;
        };
        self.columns.set(&forming.row.bar);
        self.columns.copy_book(&self.book, &mut forming.row.numbers);
        renew(&self.columns, &self.closed, self.closed.len(), &mut forming.row, Renewal::Moving);
        let view = View { closed: &self.closed, n_before: self.closed.len(), row: &forming.row };
        self.slots.clone_from(self.closed.back().map_or(&self.base, |last| &last.slots));
        let fires = self.root.step(&view, &mut self.slots).unwrap_or_default();
        for side in SIDES {
            if fires.has(side) && !forming.said.has(side) {
                forming.said.put(side, true);
                let strength = self.root.strength(&view, &self.slots);
                signals.extend(signal(
                    &self.rule,
                    &self.columns,
                    view.row,
                    side,
                    SignalState::Forming,
                    Some(strength),
                    now,
                ));
            }
        }
    }

    /// Closes the forming bar and says how it ended.
    fn close(&mut self, now: Timestamp, signals: &mut Vec<Signal>) {
        let Some(Forming { mut row, said: said_before }) = self.forming.take() else { return };
        self.columns.set(&row.bar);
        self.columns.copy_book(&self.book, &mut row.numbers);
        renew(&self.columns, &self.closed, self.closed.len(), &mut row, Renewal::All);
        let fires = self.judge(self.closed.len(), &row);
        let mut said = Sides::default();
        let view = View { closed: &self.closed, n_before: self.closed.len(), row: &row };
        for side in SIDES.into_iter().filter(|_| !self.is_history && !self.rule.is_paused) {
            let (state, strength) = match (fires.has(side), said_before.has(side)) {
                (true, _) => (SignalState::Confirmed, Some(self.root.strength(&view, &self.slots))),
                (false, true) => (SignalState::Withdrawn, None),
                (false, false) => continue,
            };
            said.put(side, strength.is_some());
            signals.extend(signal(&self.rule, &self.columns, &row, side, state, strength, now));
        }
        self.closed.push_back(Closed { row, slots: self.slots.clone(), fires, said });
        while self.closed.len() > self.n_kept() {
            self.base = self.closed.pop_front().map(|oldest| oldest.slots).unwrap_or_default();
        }
    }

    /// Works out the memory after a row that has so many closed ones before it, in `slots`, and what it fires.
    fn judge(&mut self, n_before: usize, row: &Row) -> Sides {
        if row.is_incomplete {
            self.slots.fill(Slot::default());
            return Sides::default();
        }
        let before = n_before.checked_sub(1).and_then(|idx| self.closed.get(idx));
        self.slots.clone_from(before.map_or(&self.base, |last| &last.slots));
        let view = View { closed: &self.closed, n_before, row };
        self.root.step(&view, &mut self.slots).unwrap_or_default()
    }

    /// Puts a bar in the place of a closed one, or between them, and returns its position; `None` if nothing changes.
    fn repair(&mut self, bar: &Bar) -> Option<usize> {
        let position = self.closed.binary_search_by_key(&bar.open_ms, |closed| closed.row.bar.open_ms);
        let has_dropped = self.closed.len() >= self.n_kept();
        // The bars before an older one, which its windows read, are no longer kept.
        let first = if has_dropped { self.n_back } else { 0 };
        let idx = match position {
            Ok(idx) | Err(idx) if idx < first || (has_dropped && idx == 0) => return None,
            Ok(idx) => {
                let row = &mut self.closed.get_mut(idx)?.row;
                if row.bar == *bar && !row.is_incomplete {
                    return None;
                }
                (row.bar, row.is_incomplete) = (*bar, false);
                idx
            }
            Err(idx) => {
                let row = Row { bar: *bar, numbers: vec![f64::NAN; self.columns.len()], is_incomplete: false };
                let (fires, said) = (Sides::default(), Sides::default());
                self.closed.insert(idx, Closed { row, slots: self.base.clone(), fires, said });
                idx
            }
        };
        self.columns.set(bar);
        Some(idx)
    }

    /// Judges closed bars again from a position on, and says what changed.
    fn refold(&mut self, from: Option<usize>, now: Timestamp, signals: &mut Vec<Signal>) {
        let Some(from) = from else { return };
        for idx in from..self.closed.len() {
            let Some(Closed { mut row, mut said, fires: had_fired, .. }) = self.closed.get(idx).cloned() else {
                return;
            };
            renew(&self.columns, &self.closed, idx, &mut row, Renewal::All);
            let fires = self.judge(idx, &row);
            let is_live = !self.is_history && row.bar.open_ms >= self.live_from_ms;
            let view = View { closed: &self.closed, n_before: idx, row: &row };
            for side in SIDES.into_iter().filter(|_| !self.rule.is_paused) {
                let strength = match (fires.has(side), said.has(side)) {
                    (true, false) if is_live && !had_fired.has(side) => Some(self.root.strength(&view, &self.slots)),
                    (false, true) => None,
                    _ => continue,
                };
                said.put(side, strength.is_some());
                signals.extend(signal(&self.rule, &self.columns, &row, side, SignalState::Revised, strength, now));
            }
            if let Some(closed) = self.closed.get_mut(idx) {
                *closed = Closed { row, slots: self.slots.clone(), fires, said };
            }
        }
        while self.closed.len() > self.n_kept() {
            self.base = self.closed.pop_front().map(|oldest| oldest.slots).unwrap_or_default();
        }
        self.prepare_forming();
    }
}

/// Computes the numbers of a row that has so many closed ones before it.
fn renew(columns: &Columns, closed: &VecDeque<Closed>, n_before: usize, row: &mut Row, renewal: Renewal) {
    let mut numbers = std::mem::take(&mut row.numbers);
    columns.compute(&View { closed, n_before, row }, renewal, &mut numbers);
    row.numbers = numbers;
}

/// Makes a signal; a strength says that it holds. `None` for a close beyond what a price can be.
fn signal(
    rule: &SignalRule,
    columns: &Columns,
    row: &Row,
    side: SignalSide,
    state: SignalState,
    strength: Option<f64>,
    now: Timestamp,
) -> Option<Signal> {
    Some(Signal {
        number: None,
        rule_id: rule.rule_id.clone(),
        version: rule.version,
        rule_name: rule.name.clone(),
        instrument: rule.instrument.clone(),
        interval: rule.interval,
        bar_time: Timestamp::from_millis(row.bar.open_ms),
        side,
        state,
        holds: strength.is_some(),
        // The shortest text that reads back as this number has the venue's digits.
        price: Price::parse(&row.bar.close.to_string()).ok()?,
        values: columns.named(&row.numbers).map(|(name, value)| NamedValue { name, value }).collect(),
        strength: strength.unwrap_or_default(),
        fired_time: now,
        receive_time: now,
    })
}

fn is_finite(bar: &Bar) -> bool {
    [bar.open, bar.high, bar.low, bar.close, bar.volume].into_iter().all(f64::is_finite)
}

/// Closed bars that may be repaired: more than four hours of minutes.
const N_REPAIRABLE: usize = 256;
/// Bars of history in which levels are met and left.
const N_ARMING: usize = 64;
/// Most bars of history that a rule wants.
const MAX_HISTORY: usize = 2_000;
/// Time after its end at which a bar is closed without a next one: late trades are usually within it.
const GRACE: Duration = Duration::from_secs(2);
