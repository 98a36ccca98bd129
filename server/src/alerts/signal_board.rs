//! The signal rules at work: bars, trades and books in, numbered signals out.
//!
//! Not here: what a rule looks for (`strategy::signals`), the disk.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use indicators::bar::Bar;
use model::{
    alert::{
        rule_id::RuleId,
        signal::{Signal, SignalKey, SignalRule},
    },
    candle::Interval,
    instrument::InstrumentId,
    time::Timestamp,
    trading::refusal::{DenyCode, Refusal},
};
use schemars::JsonSchema;
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
    /// The newest, oldest first: what was said of bars is not said twice.
    said: VecDeque<Signal>,
}

/// A signal rule as it is published.
#[derive(Debug, JsonSchema, Serialize)]
pub struct SignalRuleRow<'a> {
    /// The rule.
    rule: &'a SignalRule,
    /// Its condition, in words.
    sentence: String,
    /// Its newest signal.
    #[serde(skip_serializing_if = "Option::is_none")]
    last: Option<&'a Signal>,
}

impl SignalBoard {
    /// Restores the rules, each with the newest of its signals, oldest first.
    pub fn new(rules: impl IntoIterator<Item = (SignalRule, Vec<Signal>)>) -> Self {
        let mut board = Self::default();
        for (rule, said) in rules {
            board.n_signals = said.iter().filter_map(|signal| signal.number).fold(board.n_signals, u64::max);
            match Running::new(rule, said.into()) {
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
        let running = Running::new(SignalRule { version, ..rule }, VecDeque::new())?;
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
        let paused = Running::new(SignalRule { is_paused, ..running.rule.clone() }, running.said.clone())?;
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

    /// Takes the whole list of bars.
    pub fn snapshot(&mut self, instrument: &InstrumentId, interval: Interval, bars: &[Bar], now: Timestamp) {
        self.each(instrument, Some(interval), |watch, said| watch.snapshot(bars, &states(said), now));
    }

    /// Gives a rule that begins the bars that others follow already.
    pub fn seed(&mut self, rule_id: &RuleId, bars: &[Bar], now: Timestamp) {
        if let Some(running) = self.rules.get_mut(rule_id) {
            running.step(&mut self.n_signals, &mut self.found, |watch, said| watch.snapshot(bars, &states(said), now));
        }
    }

    /// Takes new, changed and late bars.
    pub fn bars(&mut self, instrument: &InstrumentId, interval: Interval, bars: &[Bar], now: Timestamp) {
        self.each(instrument, Some(interval), |watch, _| watch.on_bars(bars, now));
    }

    /// Takes the price of a trade, which was received at `received`.
    pub fn trade(
        &mut self,
        instrument: &InstrumentId,
        price: f64,
        event_time: Timestamp,
        received: Timestamp,
        now: Timestamp,
    ) {
        self.each(instrument, None, |watch, _| since(received, watch.on_trade(price, event_time, now)));
    }

    /// Takes the top of a book that can be trusted, which was received at `received`.
    pub fn top(&mut self, instrument: &InstrumentId, top: &Top<'_>, received: Timestamp, now: Timestamp) {
        self.each(instrument, None, |watch, _| since(received, watch.on_top(top, now)));
    }

    /// Notes that data is missing or cannot be trusted.
    pub fn gap(&mut self, instrument: &InstrumentId) {
        self.each(instrument, None, |watch, _| {
            watch.gap();
            Vec::new()
        });
    }

    /// Closes bars whose end has passed.
    pub fn advance(&mut self, now: Timestamp) {
        for running in self.rules.values_mut() {
            running.step(&mut self.n_signals, &mut self.found, |watch, _| watch.advance(now));
        }
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
        mut step: impl FnMut(&mut SignalWatch, &VecDeque<Signal>) -> Vec<Signal>,
    ) {
        for running in self.rules.values_mut() {
            let is_meant = running.rule.instrument == *instrument
                && interval.is_none_or(|interval| running.rule.interval == interval);
            if is_meant {
                running.step(&mut self.n_signals, &mut self.found, &mut step);
            }
        }
    }
}

impl Running {
    fn new(rule: SignalRule, said: VecDeque<Signal>) -> Result<Self, Refusal> {
        // Also of a paused one: what makes no sense is said at once.
        let watch = SignalWatch::new(&rule).map_err(|error| Refusal::new(DenyCode::BadRule, error.to_string()))?;
        Ok(Self { watch: (!rule.is_paused).then_some(watch), rule, said })
    }

    fn row(&self) -> SignalRuleRow<'_> {
        SignalRuleRow { rule: &self.rule, sentence: sentence(&self.rule.look_for), last: self.said.back() }
    }

    /// Numbers the signals of a step of the rule and keeps them; a paused rule makes none.
    fn step(
        &mut self,
        n_signals: &mut u64,
        found: &mut Vec<Signal>,
        step: impl FnOnce(&mut SignalWatch, &VecDeque<Signal>) -> Vec<Signal>,
    ) {
        let Some(watch) = &mut self.watch else { return };
        for mut signal in step(watch, &self.said) {
            *n_signals += 1;
            signal.number = Some(*n_signals);
            if self.said.len() >= N_SAID {
                self.said.pop_front();
            }
            self.said.push_back(signal.clone());
            found.push(signal);
        }
    }
}

/// Returns signals with the moment at which their data came.
fn since(received: Timestamp, signals: Vec<Signal>) -> Vec<Signal> {
    signals.into_iter().map(|signal| Signal { receive_time: received, ..signal }).collect()
}

/// Returns the last state of each signal.
fn states(said: &VecDeque<Signal>) -> Vec<Signal> {
    let last: BTreeMap<SignalKey, &Signal> = said.iter().map(|signal| (signal.key(), signal)).collect();
    last.into_values().cloned().collect()
}

fn unknown(rule_id: &RuleId) -> Refusal {
    Refusal::new(DenyCode::UnknownRule, format!("there is no signal rule {rule_id}"))
}

/// Signals of a rule that are remembered: those that the store keeps.
const N_SAID: usize = 100;
/// Most signal rules.
pub const MAX_RULES: usize = 500;

#[cfg(test)]
mod tests {
    use model::alert::signal::SignalState;

    use super::*;

    fn rule(id: &str) -> SignalRule {
        serde_json::from_value(serde_json::json!({
            "rule_id": id, "version": 0, "name": id, "instrument": "demo:BTC-SIM", "interval": "1m", "timing": "tick",
            "look_for": { "threshold": { "of": "price", "level": 10, "approach": "up" } },
        }))
        .unwrap()
    }

    fn bars(closes: &[f64]) -> Vec<Bar> {
        let bar = |(minute, close): (usize, &f64)| Bar {
            open_ms: minute as i64 * 60_000,
            open: *close,
            high: *close,
            low: *close,
            close: *close,
            volume: 1.0,
            buy_volume: None,
            book: None,
        };
        closes.iter().enumerate().map(bar).collect()
    }

    fn take(board: &mut SignalBoard) -> Vec<(Option<u64>, i64, SignalState)> {
        let found = board.take_found();
        found.iter().map(|signal| (signal.number, signal.bar_time.as_millis() / 60_000, signal.state)).collect()
    }

    #[test]
    fn a_restart_goes_on_from_what_was_said() {
        let (id, now) = (InstrumentId::parse("demo:BTC-SIM").unwrap(), Timestamp::EPOCH);
        let mut board = SignalBoard::default();
        let saved = board.save(rule("up")).unwrap();
        board.snapshot(&id, Interval::M1, &bars(&[9.0, 9.0]), now);
        board.bars(&id, Interval::M1, &bars(&[9.0, 11.0])[1..], now);
        let said = board.take_found();
        assert_eq!(said.iter().map(|signal| signal.state).collect::<Vec<_>>(), [SignalState::Forming]);
        let restart = |closes: &[f64]| {
            let mut board = SignalBoard::new([(saved.clone(), said.clone())]);
            assert_eq!(board.row(&saved.rule_id).unwrap().last, said.first());
            board.snapshot(&id, Interval::M1, &bars(closes), now);
            board.bars(&id, Interval::M1, &bars(closes)[closes.len() - 1..], now);
            take(&mut board)
        };
        assert_eq!(restart(&[9.0, 11.0]), []);
        assert_eq!(restart(&[9.0, 11.0, 9.0]), [(Some(2), 1, SignalState::Confirmed)]);
        assert_eq!(restart(&[9.0, 9.5, 9.0]), [(Some(2), 1, SignalState::Withdrawn)]);
    }

    #[test]
    fn bars_that_closed_between_two_snapshots_fire() {
        let (id, now) = (InstrumentId::parse("demo:BTC-SIM").unwrap(), Timestamp::EPOCH);
        let mut board = SignalBoard::default();
        board.save(rule("up")).unwrap();
        board.snapshot(&id, Interval::M1, &bars(&[9.0, 9.0]), now);
        board.snapshot(&id, Interval::M1, &bars(&[9.0, 9.0, 11.0, 9.0]), now);
        assert_eq!(take(&mut board), [(Some(1), 2, SignalState::Confirmed)]);
        // Bars that closed during a gap do not: the snapshot after it is history.
        board.gap(&id);
        board.snapshot(&id, Interval::M1, &bars(&[9.0, 9.0, 11.0, 9.0, 11.0, 9.0]), now);
        assert_eq!(take(&mut board), []);
    }

    #[test]
    fn a_rule_that_begins_later_is_given_the_bars_of_the_others() {
        let (id, now) = (InstrumentId::parse("demo:BTC-SIM").unwrap(), Timestamp::EPOCH);
        let mut board = SignalBoard::default();
        board.save(rule("first")).unwrap();
        board.snapshot(&id, Interval::M1, &bars(&[11.0, 9.0, 9.0]), now);
        let later = board.save(rule("later")).unwrap();
        board.seed(&later.rule_id, &bars(&[11.0, 9.0, 9.0]), now);
        board.bars(&id, Interval::M1, &bars(&[11.0, 9.0, 9.0, 11.0])[3..], now);
        let found = board.take_found();
        let rules: BTreeSet<&str> = found.iter().map(|signal| signal.rule_id.as_str()).collect();
        assert_eq!(rules, ["first", "later"].into());
    }

    #[test]
    fn a_signal_tells_when_its_trade_came() {
        let (id, at) = (InstrumentId::parse("demo:BTC-SIM").unwrap(), Timestamp::from_millis);
        let mut board = SignalBoard::default();
        board.save(rule("up")).unwrap();
        board.snapshot(&id, Interval::M1, &bars(&[9.0, 9.0]), at(61_000));
        board.trade(&id, 11.0, at(62_000), at(62_010), at(62_013));
        let found = board.take_found();
        let times: Vec<_> = found.iter().map(|signal| (signal.receive_time, signal.fired_time)).collect();
        assert_eq!(times, [(at(62_010), at(62_013))]);
    }
}
