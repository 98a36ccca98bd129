//! The crossing of two simple moving averages of closes: holds its quantity while the fast one is above the slow one.
//!
//! Closes are those of candles made from the trades that come while it runs; nothing is done before the slow average is
//! full. Averages are means of doubles, added oldest first, so that every machine gives the same.

use std::collections::{BTreeMap, VecDeque};

use model::{
    candle::Interval,
    decimal::{Price, Quantity, SignedQuantity},
    instrument::Instrument,
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
};

/// Settings that a trader chooses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CrossSettings {
    /// The candles' length (`1m`).
    pub interval: Interval,
    /// Candles of the fast average.
    pub fast: u32,
    /// Candles of the slow average.
    pub slow: u32,
    /// Base units to hold.
    pub quantity: Quantity,
    /// True: short while the fast average is below the slow one; false: nothing then.
    #[serde(default)]
    pub is_both_ways: bool,
}

/// A running crossing.
#[derive(Clone, Debug)]
pub struct Cross {
    settings: CrossSettings,
    memory: Memory,
}

/// Memory of the strategy.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Memory {
    /// Closes of whole candles, oldest first, at most as many as the slow average needs.
    closes: VecDeque<Price>,
    /// Begin of the forming candle, in milliseconds, and its last price.
    forming: Option<(i64, Price)>,
    #[serde(flatten)]
    holding: Holding,
}

impl Cross {
    /// Makes one that has seen nothing.
    ///
    /// # Errors
    /// Settings that make no sense.
    pub fn new(settings: CrossSettings, instrument: &Instrument, _fees: FeeRates) -> Result<Self, Refusal> {
        let CrossSettings { fast, slow, quantity, .. } = settings;
        if fast == 0 || fast >= slow || slow > MAX_CANDLES {
            let message = format!(
                "averages of {fast} and {slow} candles: the fast one is shorter, the slow one at most {MAX_CANDLES}"
            );
            return Err(Refusal::new(DenyCode::BadStrategy, message));
        }
        check_quantity(quantity, instrument)?;
        Ok(Self { settings, memory: Memory::default() })
    }

    /// Returns it with another memory.
    ///
    /// # Errors
    /// The memory is not a crossing's.
    pub fn restored(self, memory: &BTreeMap<String, String>) -> Result<Self, Refusal> {
        Ok(Self { memory: part(memory, PART)?, ..self })
    }

    /// Returns the position that the averages ask for; `None` while they are not known or equal.
    fn target(&self) -> Option<SignedQuantity> {
        let mean = |n_candles: u32| {
            let first = self.memory.closes.len().checked_sub(n_candles as usize)?;
            let sum: f64 = self.memory.closes.iter().skip(first).map(|close| close.to_f64_lossy()).sum();
            Some(sum / f64::from(n_candles))
        };
        let (fast, slow) = (mean(self.settings.fast)?, mean(self.settings.slow)?);
        if fast > slow {
            Some(self.settings.quantity.long())
        } else if fast < slow {
            Some(if self.settings.is_both_ways { self.settings.quantity.short() } else { SignedQuantity::ZERO })
        } else {
            None
        }
    }

    fn follow(&mut self) -> Vec<Intent> {
        self.target().map_or_else(Vec::new, |target| self.memory.holding.aim(target))
    }

    fn on_trade(&mut self, price: Price, millis: i64) -> Vec<Intent> {
        let length = i64::try_from(self.settings.interval.duration().as_millis()).unwrap_or(i64::MAX);
        let begin = millis - millis.rem_euclid(length);
        let closed = self.memory.forming.filter(|(older, _)| *older < begin);
        if self.memory.forming.is_some_and(|(older, _)| older > begin) {
            // A trade of a candle that is closed already changes nothing.
            return Vec::new();
        }
        self.memory.forming = Some((begin, price));
        let Some((_, close)) = closed else { return Vec::new() };
        self.memory.closes.push_back(close);
        if self.memory.closes.len() > self.settings.slow as usize {
            self.memory.closes.pop_front();
        }
        let mut intents = self.follow();
        intents.push(Intent::Remember);
        intents
    }
}

impl Strategy for Cross {
    fn on_event(&mut self, event: &Event, _context: &Context) -> Vec<Intent> {
        match event {
            Event::Trade { price, size, time } if !size.is_zero() => self.on_trade(*price, time.as_millis()),
            // After a refusal the next close asks again.
            Event::Filled { .. } | Event::Ended { .. } => {
                self.memory.holding.on_event(event);
                Vec::new()
            }
            Event::Resumed => self.follow(),
            Event::Started | Event::Market | Event::Timer | Event::Trade { .. } => Vec::new(),
        }
    }

    fn changed_memory(&mut self) -> BTreeMap<String, String> {
        [(PART.to_owned(), text(&self.memory))].into()
    }

    fn report(&self, last_price: Option<Price>) -> StrategyReport {
        self.memory.holding.report(last_price)
    }

    fn is_waiting(&self) -> bool {
        false
    }
}

/// The name of its memory's only part.
const PART: &str = "cross";
/// Longest slow average.
const MAX_CANDLES: u32 = 1_000;

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use model::{
        decimal::{Notional, Rate},
        instrument::{InstrumentId, InstrumentStatus},
        time::Timestamp,
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

    fn settings(is_both_ways: bool) -> CrossSettings {
        let quantity = Quantity::parse("2").unwrap();
        CrossSettings { interval: Interval::M1, fast: 1, slow: 3, quantity, is_both_ways }
    }

    /// Runs it over the closes of whole minutes, filling its orders at once, and returns its position after each.
    fn positions(is_both_ways: bool, closes: &[&str]) -> (Vec<String>, Cross) {
        let fees = FeeRates { maker: Rate::ZERO, taker: Rate::parse("0.001").unwrap() };
        let mut cross = Cross::new(settings(is_both_ways), &instrument(), fees).unwrap();
        let mut seen = Vec::new();
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
            for intent in cross.on_event(&trade, &context) {
                let Intent::Place { tag, quantity, kind: OrderType::Market, .. } = intent else {
                    assert_eq!(intent, Intent::Remember);
                    continue;
                };
                let fee = price(close).checked_mul(quantity).unwrap().share(fees.taker, 8).unwrap();
                let filled = Event::Filled { tag, price: price(close), quantity, fee, is_done: true };
                assert_eq!(cross.on_event(&filled, &context), []);
            }
            seen.push(cross.memory.holding.position().to_string());
            let memory = cross.changed_memory();
            cross = Cross::new(settings(is_both_ways), &instrument(), fees).unwrap().restored(&memory).unwrap();
        }
        (seen, cross)
    }

    #[test]
    fn it_holds_while_the_fast_average_is_above() {
        // A close is known with the first trade of the next minute; averages need three.
        let closes = ["10", "10", "10", "13", "14", "12", "8", "8", "20"];
        let (seen, cross) = positions(false, &closes);
        assert_eq!(seen, ["0", "0", "0", "0", "2", "2", "0", "0", "0"]);
        let report = cross.report(None);
        // Bought at 14, sold at 8: −12, and 0.1 % of 28 and of 16.
        assert_eq!(report.realised_pnl, Notional::parse("-12.044").unwrap());
        assert_eq!((report.n_round_trips, report.fees), (1, Notional::parse("0.044").unwrap()));
        let (seen, cross) = positions(true, &closes);
        assert_eq!(seen.last().map(String::as_str), Some("-2"));
        let report = cross.report(Some(price("7")));
        // Sold at 8, worth 7 now: 2, less the fee of 0.016.
        assert_eq!(report.floating_pnl, Notional::parse("1.984").ok());
    }

    #[test]
    fn the_form_of_its_memory_stays() {
        let text = r#"{"closes":["10"],"forming":[60000,"11"],"position":"2","cost":"20","entry_fees":"0.02","realised_pnl":"0","fees":"0.02","n_round_trips":0,"order":["m-2","sell"],"n_orders":2}"#;
        let memory = BTreeMap::from([(PART.to_owned(), text.to_owned())]);
        let cross = Cross::new(settings(false), &instrument(), FeeRates::default()).unwrap();
        assert_eq!(cross.restored(&memory).unwrap().changed_memory(), memory);
    }

    #[test]
    fn settings_that_make_no_sense_are_refused() {
        let check = |change: fn(&mut CrossSettings), code: DenyCode| {
            let mut bad = settings(false);
            change(&mut bad);
            assert_eq!(Cross::new(bad, &instrument(), FeeRates::default()).unwrap_err().code, code);
        };
        check(|bad| bad.fast = 3, DenyCode::BadStrategy);
        check(|bad| bad.fast = 0, DenyCode::BadStrategy);
        check(|bad| bad.slow = 5_000, DenyCode::BadStrategy);
        check(|bad| bad.quantity = Quantity::parse("0.05").unwrap(), DenyCode::QuantityOffLot);
        check(|bad| bad.quantity = Quantity::ZERO, DenyCode::QuantityOffLot);
    }
}
