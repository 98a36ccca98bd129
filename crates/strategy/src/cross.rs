//! The crossing of two simple moving averages of closes: holds its quantity while the fast one is above the slow one.
//!
//! Closes are those of candles made from the trades that come while it runs; nothing is done before the slow average is
//! full. Averages are means of doubles, added oldest first, so that every machine gives the same.

use std::collections::{BTreeMap, VecDeque};

use model::{
    candle::Interval,
    decimal::{Notional, Price, Quantity, Rounding, SignedQuantity},
    instrument::Instrument,
    trading::{
        account::FeeRates,
        order::{OrderType, Side},
        refusal::{DenyCode, Refusal},
        strategy::StrategyReport,
    },
};
use serde::{Deserialize, Serialize};

use crate::{
    contract::{Context, Event, Intent, Strategy},
    registry::{part, text},
};

/// What a trader chooses.
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

/// What it remembers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Memory {
    /// Closes of whole candles, oldest first, at most as many as the slow average needs.
    closes: VecDeque<Price>,
    /// Begin of the forming candle, in milliseconds, and its last price.
    forming: Option<(i64, Price)>,
    position: SignedQuantity,
    /// What the position cost; below zero: what a short brought.
    cost: Notional,
    entry_fees: Notional,
    realised_pnl: Notional,
    fees: Notional,
    n_round_trips: u64,
    /// The open order and its side.
    order: Option<(String, Side)>,
    n_orders: u64,
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
        if quantity.is_zero() || instrument.round_quantity(quantity, Rounding::Down) != Some(quantity) {
            let message = format!("{quantity} is no multiple of the lot size {}", instrument.lot_size);
            return Err(Refusal::new(DenyCode::QuantityOffLot, message).with(instrument.lot_size, quantity));
        }
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
        let Some(target) = self.target().filter(|_| self.memory.order.is_none()) else { return Vec::new() };
        let Some(change) = target.checked_sub(self.memory.position).filter(|change| !change.is_zero()) else {
            return Vec::new();
        };
        let side = if change.is_negative() { Side::Sell } else { Side::Buy };
        self.memory.n_orders += 1;
        let tag = format!("m-{}", self.memory.n_orders);
        self.memory.order = Some((tag.clone(), side));
        let (kind, quantity) = (OrderType::Market, change.size());
        vec![Intent::Place { tag, side, kind, quantity, price: None, is_post_only: false }]
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

    fn on_fill(&mut self, side: Side, price: Price, quantity: Quantity, fee: Notional) {
        let memory = &mut self.memory;
        let before = memory.position;
        let change = if side == Side::Buy { quantity.long() } else { quantity.short() };
        let is_closing = !before.is_zero() && before.is_negative() != change.is_negative();
        let closed = if is_closing { quantity.min(before.size()) } else { Quantity::ZERO };
        let opened = quantity.checked_sub(closed).unwrap_or_default();
        let signed = |value: Notional| if side == Side::Buy { value } else { value.negated() };
        let add = |one: Notional, other: Notional| one.checked_add(other).unwrap_or(one);
        if is_closing {
            let cost = memory.cost.part(closed, before.size(), DECIMALS).unwrap_or_default();
            let entry_fees = memory.entry_fees.part(closed, before.size(), DECIMALS).unwrap_or_default();
            let paid = signed(price.checked_mul(closed).unwrap_or_default());
            let fee = fee.part(closed, quantity, DECIMALS).unwrap_or_default();
            let result = add(add(cost, paid).negated(), add(entry_fees, fee).negated());
            memory.realised_pnl = add(memory.realised_pnl, result);
            memory.cost = add(memory.cost, cost.negated());
            memory.entry_fees = add(memory.entry_fees, entry_fees.negated());
        }
        memory.position = before.checked_add(change).unwrap_or(before);
        memory.cost = add(memory.cost, signed(price.checked_mul(opened).unwrap_or_default()));
        memory.entry_fees = add(memory.entry_fees, fee.part(opened, quantity, DECIMALS).unwrap_or_default());
        memory.fees = add(memory.fees, fee);
        if is_closing && closed == before.size() {
            memory.n_round_trips += 1;
        }
    }
}

impl Strategy for Cross {
    fn on_event(&mut self, event: &Event, _context: &Context) -> Vec<Intent> {
        match event {
            Event::Trade { price, size, time } if !size.is_zero() => self.on_trade(*price, time.as_millis()),
            Event::Filled { tag, price, quantity, fee, is_done } => {
                let Some((_, side)) = self.memory.order.clone().filter(|(own, _)| own == tag) else {
                    return Vec::new();
                };
                self.on_fill(side, *price, *quantity, *fee);
                if *is_done {
                    self.memory.order = None;
                }
                Vec::new()
            }
            // The next close asks again.
            Event::Ended { tag, .. } => {
                self.memory.order.take_if(|(own, _)| own == tag);
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
        let Memory { position, cost, entry_fees, realised_pnl, fees, n_round_trips, .. } = self.memory;
        let floating = |price: Price| position.value(price)?.checked_sub(cost)?.checked_sub(entry_fees);
        StrategyReport {
            realised_pnl,
            floating_pnl: last_price.and_then(floating),
            fees,
            n_round_trips,
            position,
            ..StrategyReport::default()
        }
    }

    fn is_waiting(&self) -> bool {
        false
    }
}

/// The name of its memory's only part.
const PART: &str = "cross";
/// Longest slow average.
const MAX_CANDLES: u32 = 1_000;
/// Decimals of a part of a cost.
const DECIMALS: u32 = 12;

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use model::{
        decimal::Rate,
        instrument::{InstrumentId, InstrumentStatus},
        time::Timestamp,
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
            seen.push(cross.memory.position.to_string());
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
