//! A strategy that follows signals: holds its quantity after a confirmed buy, nothing or a short after a confirmed sell.
//!
//! Bars are those of the trades that come while it runs. Each time a bar closes, the rule is evaluated over the bars that are
//! kept, as many as the rule wants of history, at most 1,000: the outcome is a function of those bars alone, so that a
//! restart changes nothing. Not here: signals that people see (`signals`), whose bars are the venue's.

use std::collections::BTreeMap;

use indicators::bar::Bar;
use model::{
    alert::{
        rule_id::RuleId,
        signal::{LookFor, Signal, SignalRule, SignalSide, Timing},
    },
    candle::{Candle, CandleBuilder, CandleChange, Interval},
    decimal::{Price, Quantity, SignedQuantity},
    event::AggressorSide,
    instrument::Instrument,
    time::Timestamp,
    trading::{
        account::FeeRates,
        refusal::{DenyCode, Refusal},
        strategy::StrategyReport,
    },
};
use serde::{Deserialize, Serialize};

use crate::{
    contract::{Context, Event, Intent, Strategy},
    holding::{Holding, check_quantity},
    registry::{part, text},
    signals::{SignalWatch, evaluate},
};

/// Settings that a trader chooses.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FollowSettings {
    /// The bars' length (`1m`).
    pub interval: Interval,
    /// The condition. It reads bars, not the book, and says buy or sell.
    pub look_for: LookFor,
    /// Base units to hold.
    pub quantity: Quantity,
    /// True: short after a sell; false: nothing then.
    #[serde(default)]
    pub is_both_ways: bool,
}

/// A running follower.
#[derive(Clone, Debug)]
pub struct Follow {
    settings: FollowSettings,
    rule: SignalRule,
    builder: CandleBuilder,
    /// Closed bars by their number modulo how many are kept.
    bars: Vec<Candle>,
    head: Head,
    /// Bars that are told of; `None` before the first time.
    n_told: Option<u64>,
}

/// Memory of the strategy besides the bars.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Head {
    forming: Option<Candle>,
    /// Closed bars so far.
    n_bars: u64,
    /// Number of them that are kept.
    n_kept: u64,
    /// Position that the last signal asks for.
    target: Option<SignedQuantity>,
    #[serde(flatten)]
    holding: Holding,
}

impl Follow {
    /// Makes one that has seen nothing.
    ///
    /// # Errors
    /// Settings that make no sense.
    pub fn new(settings: FollowSettings, instrument: &Instrument, _fees: FeeRates) -> Result<Self, Refusal> {
        check_quantity(settings.quantity, instrument)?;
        let rule = SignalRule {
            rule_id: RuleId::parse("strategy").expect("invariant: it is a name"),
            version: 1,
            name: "Strategy".to_owned(),
            instrument: instrument.id.clone(),
            interval: settings.interval,
            timing: Timing::BarClose,
            look_for: settings.look_for.clone(),
            is_paused: false,
        };
        let refused = |message: String| Refusal::new(DenyCode::BadStrategy, message);
        let watch = SignalWatch::new(&rule).map_err(|error| refused(error.to_string()))?;
        if watch.reads_book() {
            return Err(refused("the condition reads the book: choose one that reads bars".to_owned()));
        }
        if watch.is_neutral() {
            return Err(refused("the condition never says buy or sell: choose one that does".to_owned()));
        }
        let head = Head { n_kept: watch.n_bars_wanted().min(MAX_BARS) as u64, ..Head::default() };
        let builder = CandleBuilder::new(settings.interval);
        Ok(Self { settings, rule, builder, bars: Vec::new(), head, n_told: None })
    }

    /// Returns it with another memory.
    ///
    /// # Errors
    /// The memory is not a follower's.
    pub fn restored(self, memory: &BTreeMap<String, String>) -> Result<Self, Refusal> {
        let head: Head = part(memory, PART)?;
        let n_bars = head.n_bars.min(head.n_kept);
        let bars = (0..n_bars).map(|slot| part(memory, &bar_part(slot))).collect::<Result<_, _>>()?;
        let interval = self.settings.interval;
        let builder = head
            .forming
            .map_or_else(|| CandleBuilder::new(interval), |forming| CandleBuilder::resume(interval, forming));
        Ok(Self { builder, bars, head, ..self })
    }

    fn on_trade(&mut self, price: Price, size: Quantity, time: Timestamp) -> Vec<Intent> {
        let change = self.builder.add(time, price, size, AggressorSide::Unknown);
        self.head.forming = self.builder.forming().copied();
        let CandleChange::Began { closed: Some(closed) } = change else { return Vec::new() };
        self.keep(closed);
        match self.said() {
            Some(SignalSide::Buy) => self.head.target = Some(self.settings.quantity.long()),
            Some(SignalSide::Sell) if self.settings.is_both_ways => {
                self.head.target = Some(self.settings.quantity.short());
            }
            Some(SignalSide::Sell) => self.head.target = Some(SignedQuantity::ZERO),
            Some(SignalSide::Neutral) | None => {}
        }
        let mut intents = self.follow();
        intents.push(Intent::Remember);
        intents
    }

    fn keep(&mut self, bar: Candle) {
        let slot = usize::try_from(self.head.n_bars % self.head.n_kept).unwrap_or_default();
        match self.bars.get_mut(slot) {
            Some(oldest) => *oldest = bar,
            None => self.bars.push(bar),
        }
        self.head.n_bars += 1;
    }

    /// Returns what the rule says of the last closed bar; nothing where it says both buy and sell.
    fn said(&self) -> Option<SignalSide> {
        let first = usize::try_from(self.head.n_bars % self.head.n_kept).unwrap_or_default();
        let (newer, older) = self.bars.split_at(first.min(self.bars.len()));
        let candles = older.iter().chain(newer).chain(&self.head.forming);
        let bars: Vec<Bar> = candles.map(Bar::from).collect();
        let last = bars.len().checked_sub(2).and_then(|idx| bars.get(idx))?.open_ms;
        // The rule was checked when the strategy was made.
        let signals = evaluate(&self.rule, &bars).ok()?;
        let is_last = |signal: &&Signal| signal.bar_time.as_millis() == last && signal.side != SignalSide::Neutral;
        let mut sides = signals.iter().rev().filter(is_last).map(|signal| signal.side);
        sides.next().filter(|_| sides.next().is_none())
    }

    fn follow(&mut self) -> Vec<Intent> {
        self.head.target.map_or_else(Vec::new, |target| self.head.holding.aim(target))
    }
}

impl Strategy for Follow {
    fn on_event(&mut self, event: &Event, _context: &Context) -> Vec<Intent> {
        match event {
            Event::Trade { price, size, time } if !size.is_zero() => self.on_trade(*price, *size, *time),
            // After a refusal the next close asks again.
            Event::Filled { .. } | Event::Ended { .. } => {
                self.head.holding.on_event(event);
                Vec::new()
            }
            Event::Resumed => self.follow(),
            Event::Started | Event::Market | Event::Timer | Event::Trade { .. } => Vec::new(),
        }
    }

    fn changed_memory(&mut self) -> BTreeMap<String, String> {
        let Head { n_bars, n_kept, .. } = self.head;
        let oldest = n_bars.saturating_sub(n_kept);
        let first = self.n_told.replace(n_bars).map_or(oldest, |n_told| n_told.max(oldest));
        let slots = (first..n_bars).map(|number| number % n_kept);
        let bar = |slot: u64| {
            let bar = self.bars.get(usize::try_from(slot).ok()?)?;
            Some((bar_part(slot), text(bar)))
        };
        slots.filter_map(bar).chain([(PART.to_owned(), text(&self.head))]).collect()
    }

    fn report(&self, last_price: Option<Price>) -> StrategyReport {
        self.head.holding.report(last_price)
    }

    fn is_waiting(&self) -> bool {
        false
    }
}

fn bar_part(slot: u64) -> String {
    format!("bar.{slot}")
}

/// The name of its memory's first part.
const PART: &str = "signals";
/// Most bars that are kept.
const MAX_BARS: usize = 1_000;

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use model::{
        decimal::{Notional, Rate},
        instrument::{InstrumentId, InstrumentStatus},
        trading::order::OrderType,
    };

    use super::*;

    fn price(text: &str) -> Price {
        Price::parse(text).unwrap()
    }

    fn instrument() -> Instrument {
        Instrument {
            id: InstrumentId::parse("demo:AAABBB").unwrap(),
            base: "AAA".into(),
            quote: "BBB".into(),
            tick_size: price("0.01"),
            lot_size: Quantity::parse("0.1").unwrap(),
            min_notional: None,
            status: InstrumentStatus::Trading,
            is_simulated: true,
        }
    }

    fn settings(look_for: &str, is_both_ways: bool) -> FollowSettings {
        let look_for = serde_json::from_str(look_for).unwrap();
        FollowSettings { interval: Interval::M1, look_for, quantity: Quantity::parse("2").unwrap(), is_both_ways }
    }

    const BREAKOUT: &str = r#"{"breakout":{"n_bars":2}}"#;

    /// Restarts of the strategy from its memory: after each trade or never.
    #[derive(Clone, Copy)]
    enum Restart {
        Never,
        Always,
    }

    /// Runs it over the closes of whole minutes, filling its orders at once, and returns its position after each.
    fn positions(look_for: &str, is_both_ways: bool, closes: &[&str], restart: Restart) -> (Vec<String>, Follow) {
        let fees = FeeRates { maker: Rate::ZERO, taker: Rate::parse("0.001").unwrap() };
        let make = || Follow::new(settings(look_for, is_both_ways), &instrument(), fees).unwrap();
        let (mut follow, mut seen, mut memory) = (make(), Vec::new(), BTreeMap::new());
        for (minute, close) in (0_i64..).zip(closes) {
            let time = Timestamp::from_millis(minute * 60_000 + 30_000);
            let context = Context {
                instrument: Arc::new(instrument()),
                fees,
                now: time,
                best_bid: None,
                best_ask: None,
                last_price: None,
            };
            let trade = Event::Trade { price: price(close), size: Quantity::parse("1").unwrap(), time };
            for intent in follow.on_event(&trade, &context) {
                let Intent::Place { tag, quantity, kind: OrderType::Market, .. } = intent else {
                    assert_eq!(intent, Intent::Remember);
                    continue;
                };
                let fee = price(close).checked_mul(quantity).unwrap().share(fees.taker, 8).unwrap();
                let filled = Event::Filled { tag, price: price(close), quantity, fee, is_done: true };
                assert_eq!(follow.on_event(&filled, &context), []);
            }
            seen.push(follow.head.holding.position().to_string());
            let changed = follow.changed_memory();
            assert!(changed.len() <= 2 || matches!(restart, Restart::Always), "{changed:?}");
            memory.extend(changed);
            if matches!(restart, Restart::Always) {
                follow = make().restored(&memory).unwrap();
            }
        }
        (seen, follow)
    }

    const CLOSES: [&str; 10] = ["10", "10", "10", "11", "12", "12", "9", "8", "13", "13"];

    #[test]
    fn it_holds_what_the_last_confirmed_signal_says() {
        // A close is known with the first trade of the next minute: 11 breaks out, 9 breaks down, 13 breaks out.
        let (seen, follow) = positions(BREAKOUT, false, &CLOSES, Restart::Never);
        assert_eq!(seen, ["0", "0", "0", "0", "2", "2", "2", "0", "0", "2"]);
        let report = follow.report(Some(price("14")));
        // Bought at 12, sold at 8: -8, and 0.1 % of 24 and of 16. Bought again at 13, worth 14: 2 less the fee.
        assert_eq!(report.realised_pnl, Notional::parse("-8.04").unwrap());
        assert_eq!((report.n_round_trips, report.floating_pnl), (1, Notional::parse("1.974").ok()));
        let (seen, _) = positions(BREAKOUT, true, &CLOSES, Restart::Never);
        assert_eq!(seen, ["0", "0", "0", "0", "2", "2", "2", "-2", "-2", "2"]);
        let faded = BREAKOUT.replace("2}", r#"2,"meaning":"fade"}"#);
        let (seen, _) = positions(&faded, true, &CLOSES, Restart::Never);
        assert_eq!(seen, ["0", "0", "0", "0", "-2", "-2", "-2", "2", "2", "-2"]);
    }

    #[test]
    fn both_sides_at_once_are_no_reason_to_trade() {
        let part = |meaning: &str| format!(r#"{{"breakout":{{"n_bars":2,"meaning":"{meaning}"}}}}"#);
        let look_for = format!(r#"{{"any":{{"parts":[{},{}]}}}}"#, part("follow"), part("fade"));
        let (seen, _) = positions(&look_for, true, &CLOSES, Restart::Never);
        assert_eq!(seen, ["0"; 10]);
    }

    #[test]
    fn a_restart_at_any_moment_changes_nothing() {
        let cross = r#"{"cross":{"fast":"price","slow":{"indicator":"sma(3)"}}}"#;
        let closes: Vec<String> = (0..150_i32).map(|idx| (50 + (idx * idx * 7 + idx * 3) % 11).to_string()).collect();
        let closes: Vec<&str> = closes.iter().map(String::as_str).collect();
        for look_for in [BREAKOUT, cross] {
            let (expected, once) = positions(look_for, true, &closes, Restart::Never);
            let (seen, often) = positions(look_for, true, &closes, Restart::Always);
            assert_eq!(seen, expected, "{look_for}");
            assert_eq!((&often.head, &often.bars), (&once.head, &once.bars));
            assert!(once.head.n_bars > once.head.n_kept, "the oldest bars are no longer kept");
            assert!(
                expected.iter().any(|position| position == "2") && expected.iter().any(|position| position == "-2")
            );
        }
    }

    #[test]
    fn settings_that_make_no_sense_are_refused() {
        let check = |look_for: &str, quantity: &str, code: DenyCode, message: &str| {
            let bad = FollowSettings { quantity: Quantity::parse(quantity).unwrap(), ..settings(look_for, false) };
            let refusal = Follow::new(bad, &instrument(), FeeRates::default()).unwrap_err();
            assert_eq!((refusal.code, refusal.message.as_str()), (code, message));
        };
        let lot = "0.05 is no multiple of the lot size 0.1";
        check(BREAKOUT, "0.05", DenyCode::QuantityOffLot, lot);
        let window = "look_for.n_bars is 0: write a whole number from 1 to 500";
        check(r#"{"breakout":{"n_bars":0}}"#, "1", DenyCode::BadStrategy, window);
        let book = "the condition reads the book: choose one that reads bars";
        check(r#"{"spread":{"limit":{"bps":5}}}"#, "1", DenyCode::BadStrategy, book);
        let neutral = "the condition never says buy or sell: choose one that does";
        check(r#"{"breakout":{"n_bars":2,"meaning":"neutral"}}"#, "1", DenyCode::BadStrategy, neutral);
    }
}
