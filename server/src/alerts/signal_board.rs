//! The signal rules at work: bars, trades and books in, numbered signals out.
//!
//! Not here: what a rule looks for (`strategy::signals`), the disk.

use std::collections::{BTreeMap, BTreeSet};

use indicators::bar::Bar;
use model::{
    alert::{
        rule_id::RuleId,
        signal::{Signal, SignalRule},
    },
    candle::Interval,
    instrument::InstrumentId,
    time::Timestamp,
    trading::refusal::{DenyCode, Refusal},
};
use serde::Serialize;
use strategy::signals::{SignalWatch, Top, sentence};

/// All signal rules.
#[derive(Debug, Default)]
pub struct SignalBoard {
    rules: BTreeMap<RuleId, Running>,
    n_signals: u64,
    found: Vec<Signal>,
}

#[derive(Debug)]
struct Running {
    rule: SignalRule,
    /// `None` while it is paused.
    watch: Option<SignalWatch>,
    last: Option<Signal>,
}

/// A signal rule as it is published.
#[derive(Debug, Serialize)]
pub struct SignalRuleRow<'a> {
    /// The rule.
    rule: &'a SignalRule,
    /// What it looks for, in words.
    sentence: String,
    /// Its newest signal since the start.
    #[serde(skip_serializing_if = "Option::is_none")]
    last: Option<&'a Signal>,
}

impl SignalBoard {
    /// Restores the rules, and the number of the newest signal.
    pub fn new(rules: impl IntoIterator<Item = SignalRule>, n_signals: u64) -> Self {
        let mut board = Self { n_signals, ..Self::default() };
        for rule in rules {
            match Running::new(rule) {
                Ok(running) => {
                    board.rules.insert(running.rule.rule_id.clone(), running);
                }
                // Of a version that knew more.
                Err(refusal) => {
                    tracing::warn!(refusal = %refusal.message, "a signal rule cannot be used and is left out");
                }
            }
        }
        board
    }

    /// Saves a rule and returns it with its version.
    ///
    /// # Errors
    /// It makes no sense, or there are too many.
    pub fn save(&mut self, rule: SignalRule) -> Result<SignalRule, Refusal> {
        let before = self.rules.get(&rule.rule_id);
        if before.is_none() && self.rules.len() >= MAX_RULES {
            let message = format!("there are {MAX_RULES} signal rules already; delete one first");
            return Err(Refusal::new(DenyCode::TooManyRules, message).with(MAX_RULES, self.rules.len()));
        }
        let version = before.map_or(1, |before| before.rule.version.saturating_add(1));
        let running = Running::new(SignalRule { version, ..rule })?;
        let saved = running.rule.clone();
        self.rules.insert(saved.rule_id.clone(), running);
        Ok(saved)
    }

    /// Deletes a rule.
    ///
    /// # Errors
    /// There is none of that name.
    pub fn delete(&mut self, rule_id: &RuleId) -> Result<(), Refusal> {
        self.rules.remove(rule_id).map(drop).ok_or_else(|| unknown(rule_id))
    }

    /// Pauses a rule or lets it go on, and returns it.
    ///
    /// # Errors
    /// There is none of that name.
    pub fn pause(&mut self, rule_id: &RuleId, is_paused: bool) -> Result<SignalRule, Refusal> {
        let running = self.rules.get(rule_id).ok_or_else(|| unknown(rule_id))?;
        let paused = Running::new(SignalRule { is_paused, ..running.rule.clone() })?;
        let rule = paused.rule.clone();
        self.rules.insert(rule_id.clone(), paused);
        Ok(rule)
    }

    /// Returns the rows of all rules, by name.
    pub fn rows(&self) -> impl Iterator<Item = (&RuleId, SignalRuleRow<'_>)> {
        self.rules.iter().map(|(rule_id, running)| (rule_id, running.row()))
    }

    /// Returns the row of a rule.
    pub fn row(&self, rule_id: &RuleId) -> Option<SignalRuleRow<'_>> {
        self.rules.get(rule_id).map(Running::row)
    }

    /// Returns the bars that rules read.
    pub fn needs(&self) -> BTreeSet<(InstrumentId, Interval)> {
        let active = self.rules.values().filter(|running| running.watch.is_some());
        active.map(|running| (running.rule.instrument.clone(), running.rule.interval)).collect()
    }

    /// Takes the history of bars, on which nothing fires.
    pub fn history(&mut self, instrument: &InstrumentId, interval: Interval, bars: &[Bar]) {
        self.each(instrument, Some(interval), |watch| {
            watch.history(bars);
            Vec::new()
        });
    }

    /// Takes new, changed and late bars.
    pub fn bars(&mut self, instrument: &InstrumentId, interval: Interval, bars: &[Bar], now: Timestamp) {
        self.each(instrument, Some(interval), |watch| watch.on_bars(bars, now));
    }

    /// Takes the price of a trade.
    pub fn trade(&mut self, instrument: &InstrumentId, price: f64, event_time: Timestamp, now: Timestamp) {
        self.each(instrument, None, |watch| watch.on_trade(price, event_time, now));
    }

    /// Takes the top of a book that can be trusted.
    pub fn top(&mut self, instrument: &InstrumentId, top: &Top<'_>, now: Timestamp) {
        self.each(instrument, None, |watch| watch.on_top(top, now));
    }

    /// Notes that data is missing or cannot be trusted.
    pub fn gap(&mut self, instrument: &InstrumentId) {
        self.each(instrument, None, |watch| {
            watch.gap();
            Vec::new()
        });
    }

    /// Closes bars whose end has passed.
    pub fn advance(&mut self, now: Timestamp) {
        let mut found = Vec::new();
        for running in self.rules.values_mut() {
            if let Some(watch) = &mut running.watch {
                let signals = watch.advance(now);
                note(&mut running.last, &mut self.n_signals, &mut found, signals);
            }
        }
        self.found.append(&mut found);
    }

    /// Returns when [`Self::advance`] is due.
    pub fn deadline(&self) -> Option<Timestamp> {
        self.rules.values().filter_map(|running| running.watch.as_ref()?.deadline()).min()
    }

    /// Takes the signals found since the last call, in order.
    pub fn take_found(&mut self) -> Vec<Signal> {
        std::mem::take(&mut self.found)
    }

    fn each(
        &mut self,
        instrument: &InstrumentId,
        interval: Option<Interval>,
        mut step: impl FnMut(&mut SignalWatch) -> Vec<Signal>,
    ) {
        for running in self.rules.values_mut() {
            let is_meant = running.rule.instrument == *instrument
                && interval.is_none_or(|interval| running.rule.interval == interval);
            if let Some(watch) = running.watch.as_mut().filter(|_| is_meant) {
                let signals = step(watch);
                note(&mut running.last, &mut self.n_signals, &mut self.found, signals);
            }
        }
    }
}

impl Running {
    fn new(rule: SignalRule) -> Result<Self, Refusal> {
        // Also of a paused one: what makes no sense is said at once.
        let watch = SignalWatch::new(&rule).map_err(|error| Refusal::new(DenyCode::BadRule, error.to_string()))?;
        Ok(Self { watch: (!rule.is_paused).then_some(watch), rule, last: None })
    }

    fn row(&self) -> SignalRuleRow<'_> {
        SignalRuleRow { rule: &self.rule, sentence: sentence(&self.rule.look_for), last: self.last.as_ref() }
    }
}

/// Numbers signals.
fn note(last: &mut Option<Signal>, n_signals: &mut u64, found: &mut Vec<Signal>, signals: Vec<Signal>) {
    for mut signal in signals {
        *n_signals += 1;
        signal.number = Some(*n_signals);
        *last = Some(signal.clone());
        found.push(signal);
    }
}

fn unknown(rule_id: &RuleId) -> Refusal {
    Refusal::new(DenyCode::UnknownRule, format!("there is no signal rule {rule_id}"))
}

/// Most signal rules.
pub const MAX_RULES: usize = 500;
