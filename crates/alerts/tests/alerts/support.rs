//! An engine with a clock, and rules from short JSON.

use std::{collections::BTreeMap, time::Duration};

use alerts::{
    engine::{Budget, Effects, Engine},
    memory::EngineMemory,
};
use indicators::bar::Bar;
use model::{
    alert::{
        command::{AlertCommand, AlertReply, RuleReply, SaveAlert},
        rule::{AlertRule, RuleStatus},
        rule_id::RuleId,
    },
    candle::Interval,
    decimal::Price,
    instrument::InstrumentId,
    time::Timestamp,
    trading::refusal::Refusal,
};
use serde_json::{Value, json};

/// No position fired.
pub(crate) const NONE: [usize; 0] = [];
/// Nothing was said.
pub(crate) const SILENCE: [&str; 0] = [];

/// The instrument of most tests.
pub(crate) fn btc() -> InstrumentId {
    InstrumentId::parse("demo:BTCUSD").unwrap()
}

pub(crate) fn price(text: &str) -> Price {
    Price::parse(text).unwrap()
}

pub(crate) fn whole(value: i64) -> Price {
    Price::from_mantissa(value.into(), 0).unwrap()
}

pub(crate) fn id(text: &str) -> RuleId {
    RuleId::parse(text).unwrap()
}

/// A rule of these conditions on [`btc`]; `more` are further members.
pub(crate) fn rule(rule_id: &str, conditions: Value, more: Value) -> AlertRule {
    let mut body = json!({"rule_id": rule_id, "name": rule_id, "instrument": btc(), "conditions": conditions,
        "frequency": {"kind": "every", "cool_down_s": 0}});
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    serde_json::from_value(body).unwrap()
}

/// A rule that fires each time the price rises to a level.
pub(crate) fn rises_to(rule_id: &str, level: &str) -> AlertRule {
    rule(rule_id, json!([{"kind": "price_crosses", "direction": "up", "level": level}]), json!({}))
}

/// A bar of four prices.
pub(crate) fn bar(open_ms: i64, [open, high, low, close]: [f64; 4], volume: f64) -> Bar {
    Bar { open_ms, open, high, low, close, volume, buy_volume: None, book: None }
}

/// A bar that stays at a price.
pub(crate) fn flat(open_ms: i64, close: f64, volume: f64) -> Bar {
    bar(open_ms, [close; 4], volume)
}

/// An engine with a clock.
pub(crate) struct World {
    pub(crate) engine: Engine,
    pub(crate) now: Timestamp,
    /// Everything that happened, in order.
    pub(crate) titles: Vec<String>,
}

/// Begin of the clock: a whole day.
pub(crate) const BEGIN_MS: i64 = 1_700_006_400_000;

impl World {
    pub(crate) fn new(rules: Vec<AlertRule>) -> Self {
        Self::with_budget(Budget { per_rule: u32::MAX, per_channel: u32::MAX }, rules)
    }

    pub(crate) fn with_budget(budget: Budget, rules: Vec<AlertRule>) -> Self {
        let now = Timestamp::from_millis(BEGIN_MS);
        let engine = Engine::new(budget, Vec::new(), BTreeMap::new(), EngineMemory::default(), Vec::new(), now);
        let mut world = Self { engine, now, titles: Vec::new() };
        for rule in rules {
            world.save(rule).unwrap();
        }
        world.engine.take_effects();
        world
    }

    pub(crate) fn save(&mut self, rule: AlertRule) -> Result<RuleReply, Refusal> {
        match self.command(&AlertCommand::SaveAlert(Box::new(SaveAlert { rule })))? {
            AlertReply::Rule(reply) => Ok(*reply),
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn command(&mut self, command: &AlertCommand) -> Result<AlertReply, Refusal> {
        self.engine.command(command, None, self.now).unwrap()
    }

    /// A command in JSON.
    pub(crate) fn ask(&mut self, body: Value) -> Result<AlertReply, Refusal> {
        self.command(&serde_json::from_value(body).unwrap())
    }

    /// Lets time pass, doing what is due on the way.
    pub(crate) fn pass(&mut self, seconds: u64) -> Vec<String> {
        let end = self.now + Duration::from_secs(seconds);
        let mut titles = Vec::new();
        while let Some(due) = self.engine.deadline().filter(|due| *due <= end) {
            self.now = self.now.max(due);
            self.engine.advance(self.now);
            titles.extend(self.take());
        }
        self.now = end;
        titles
    }

    /// A trade of [`btc`] now.
    pub(crate) fn trade(&mut self, value: i64) -> Vec<String> {
        self.engine.trade(&btc(), whole(value), self.now, self.now);
        self.take()
    }

    /// A trade of [`btc`] now, at a price with its digits; what fires waits for the next look.
    pub(crate) fn at(&mut self, text: &str) {
        self.engine.trade(&btc(), price(text), self.now, self.now);
    }

    /// Everything that was said since the last call.
    pub(crate) fn said(&mut self) -> Vec<String> {
        self.take();
        std::mem::take(&mut self.titles)
    }

    /// Trades one after the other; the positions of those that fired.
    pub(crate) fn trades(&mut self, values: &[i64]) -> Vec<usize> {
        (0..values.len()).filter(|&at| !self.trade(values[at]).is_empty()).collect()
    }

    pub(crate) fn top(&mut self, bid: &str, ask: &str) -> Vec<String> {
        self.engine.top(&btc(), price(bid), price(ask), self.now, self.now);
        self.take()
    }

    pub(crate) fn bars(&mut self, interval: Interval, bars: &[Bar]) -> Vec<String> {
        self.engine.bars(&btc(), interval, bars, self.now);
        self.take()
    }

    /// The titles of what fired since the last look.
    pub(crate) fn take(&mut self) -> Vec<String> {
        let titles: Vec<String> = self.effects().fired.into_iter().map(|fired| fired.notice.title).collect();
        self.titles.extend(titles.iter().cloned());
        titles
    }

    pub(crate) fn effects(&mut self) -> Effects {
        self.engine.take_effects()
    }

    pub(crate) fn status(&self, rule_id: &str) -> RuleStatus {
        self.engine.row(&id(rule_id)).unwrap().state.status
    }

    /// The engine as a restart finds it: what was kept, as JSON, in a new one.
    pub(crate) fn restarted(&self, budget: Budget) -> Self {
        let rules: Vec<AlertRule> = self.engine.rows().map(|row| row.rule).collect();
        let kept = rules
            .iter()
            .map(|rule| {
                let kept = serde_json::to_string(&self.engine.kept(&rule.rule_id).unwrap()).unwrap();
                (rule.rule_id.clone(), serde_json::from_str(&kept).unwrap())
            })
            .collect();
        let rules = serde_json::from_str(&serde_json::to_string(&rules).unwrap()).unwrap();
        let memory = serde_json::from_str(&serde_json::to_string(self.engine.memory()).unwrap()).unwrap();
        let alerts = self.engine.log().rows().cloned().collect();
        let engine = Engine::new(budget, rules, kept, memory, alerts, self.now);
        Self { engine, now: self.now, titles: self.titles.clone() }
    }
}
