//! A rule on history, before it is saved: how often it would have fired. The engine itself runs, on the history's clock.
//!
//! Prices between a bar's four are not known: a bar that closes at or above its open is walked over its low and then its
//! high, another one the other way round. A rule that fires once is counted as if it went on, since the question is how
//! often it is met.

use std::collections::BTreeMap;

use indicators::bar::Bar;
use model::{
    alert::{
        command::{CheckFire, CheckReport},
        rule::{AlertRule, Frequency},
    },
    candle::Interval,
    instrument::InstrumentId,
    time::Timestamp,
};

use crate::{
    engine::{Budget, Engine, path},
    memory::EngineMemory,
    words,
};

/// Most fires that a report lists, the newest.
pub const MAX_FIRES: usize = 200;

/// Returns what a rule would have done from `from` on. `history` has the bars of each length that the rule reads, oldest
/// first, and more before `from` for its indicators; its shortest bars give the prices.
pub fn dry_run(rule: &AlertRule, history: &BTreeMap<Interval, Vec<Bar>>, from: Timestamp) -> CheckReport {
    let Some(instrument) = &rule.instrument else { return without_history() };
    if !rule.conditions.iter().any(|condition| condition.is_of_bars()) {
        return without_history();
    }
    let once = rule.frequency == Frequency::Once;
    let frequency = if once { Frequency::Every { cool_down_s: 0 } } else { rule.frequency };
    let rule = AlertRule { frequency, expires: None, channels: Vec::new(), ..rule.clone() };
    let steps = steps(history);
    let Some(begin) = steps.first().map(|step| step.time) else { return without_history() };
    let budget = Budget { per_rule: u32::MAX, per_channel: 0 };
    let mut engine =
        Engine::new(budget, vec![rule.clone()], BTreeMap::new(), EngineMemory::default(), Vec::new(), begin);
    let mut report = CheckReport::default();
    let mut end = begin;
    for step in steps {
        end = end.max(step.time);
        step.take(&mut engine, instrument);
        engine.advance(step.time);
        for fired in engine.take_effects().fired {
            if fired.notice.fired_time < from {
                continue;
            }
            report.n_fires += 1;
            let value = fired.notice.value.unwrap_or(fired.notice.title);
            report.fires.push(CheckFire { time: fired.notice.event_time.unwrap_or(step.time), value });
        }
    }
    let n_over = report.fires.len().saturating_sub(MAX_FIRES);
    report.fires.drain(..n_over);
    report.hours = end.saturating_since(from.max(begin)).as_secs_f64() / 3_600.0;
    let often = if once { "each time it is met".to_owned() } else { words::frequency(rule.frequency) };
    report.note = format!("counted {often}; between a bar's four prices the order is not known");
    report
}

fn without_history() -> CheckReport {
    CheckReport {
        note: "this rule is not about prices or indicators with a history, so that there is nothing to try it on"
            .to_owned(),
        ..CheckReport::default()
    }
}

/// One input of the history.
struct Step<'a> {
    time: Timestamp,
    /// At one moment, closes of bars come before the prices of the next.
    rank: u8,
    input: Input<'a>,
}

enum Input<'a> {
    Price(model::decimal::Price),
    /// The end of a bar, and the begin of the next.
    Close(Interval, &'a Bar, Option<&'a Bar>),
}

impl Step<'_> {
    fn take(&self, engine: &mut Engine, instrument: &InstrumentId) {
        match self.input {
            Input::Price(price) => engine.trade(instrument, price, self.time, self.time),
            Input::Close(interval, bar, next) => {
                engine.bars(instrument, interval, &[*bar], self.time);
                if let Some(next) = next {
                    engine.bars(instrument, interval, &[begun(next)], self.time);
                }
            }
        }
    }
}

/// A bar as it is at its begin.
fn begun(bar: &Bar) -> Bar {
    let open = bar.open;
    Bar { high: open, low: open, close: open, volume: 0.0, buy_volume: Some(0.0), book: None, ..*bar }
}

fn steps(history: &BTreeMap<Interval, Vec<Bar>>) -> Vec<Step<'_>> {
    let mut steps = Vec::new();
    if let Some((&interval, bars)) = history.iter().find(|(_, bars)| !bars.is_empty()) {
        for bar in bars {
            steps.extend(path(bar, interval).map(|(price, time)| Step { time, rank: 1, input: Input::Price(price) }));
        }
    }
    for (&interval, bars) in history {
        for (at, bar) in bars.iter().enumerate() {
            // A bar has ended where the next one begins, whatever lies between.
            let time = Timestamp::from_millis(bar.open_ms) + interval.duration();
            steps.push(Step { time, rank: 0, input: Input::Close(interval, bar, bars.get(at + 1)) });
        }
    }
    steps.sort_by_key(|step| (step.time, step.rank));
    steps
}
