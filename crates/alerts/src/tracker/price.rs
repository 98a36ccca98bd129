//! Conditions of the last price, and of the best bid and ask.

use model::{
    alert::condition::{ChannelEvent, Condition, Direction, MoveSize},
    decimal::{Notional, Price},
    instrument::InstrumentId,
    time::Timestamp,
};
use strategy::detect::level::Approach;

use crate::{
    latch::{Bounds, First, Latch},
    level_index::Wait,
    tracker::{Extra, Met, Tracker},
    words,
};

impl Tracker {
    /// True for conditions of the last price.
    pub(crate) fn is_of_price(&self) -> bool {
        is_of_levels(&self.condition) || matches!(self.condition, Condition::PriceMove { .. })
    }

    /// True for conditions that need each price, since no level is known beforehand.
    pub(crate) fn needs_each_price(&self) -> bool {
        matches!(self.condition, Condition::PriceMove { .. })
    }

    /// True for conditions of the best bid and ask.
    pub(crate) fn is_of_tops(&self) -> bool {
        matches!(self.condition, Condition::SpreadAbove { .. })
    }

    /// Takes a price in.
    pub(crate) fn on_price(&mut self, instrument: &InstrumentId, price: Price, time: Timestamp) -> Option<Met> {
        let symbol = || words::symbol(instrument);
        let pair = &mut self.state.pair;
        let (what, level) = match &self.condition {
            Condition::PriceCrosses { direction, level, hysteresis } => {
                let approach = pair.step(*direction, price, up(*level, *hysteresis), down(*level, *hysteresis))?;
                let verb = words::by_approach(approach, "rose to", "fell to");
                (format!("{} {verb} {}", symbol(), words::grouped(&price)), words::level(*level, price))
            }
            Condition::PriceAbove { level, hysteresis } => {
                let is_met = pair.up.step(Approach::Up, price, up(*level, *hysteresis), First::Fires);
                let level = is_met.then(|| words::level(*level, price))?;
                (format!("{} is at {}, at or above {level}", symbol(), words::grouped(&price)), level)
            }
            Condition::PriceBelow { level, hysteresis } => {
                let is_met = pair.up.step(Approach::Down, price, down(*level, *hysteresis), First::Fires);
                let level = is_met.then(|| words::level(*level, price))?;
                (format!("{} is at {}, at or below {level}", symbol(), words::grouped(&price)), level)
            }
            Condition::Channel { event, low, high } => {
                let is_inside = *low <= price && price <= *high;
                let (is_met, verb) = match event {
                    ChannelEvent::Entering => (pair.up.step_flag(is_inside, First::Arms), "entered"),
                    ChannelEvent::Exiting => (pair.up.step_flag(!is_inside, First::Arms), "left"),
                    ChannelEvent::Inside => (pair.up.step_flag(is_inside, First::Fires), "is inside"),
                    ChannelEvent::Outside => (pair.up.step_flag(!is_inside, First::Fires), "is outside"),
                };
                let level =
                    is_met.then(|| format!("{} to {}", words::level(*low, price), words::level(*high, price)))?;
                (format!("{} {verb} the channel {level} at {}", symbol(), words::grouped(&price)), level)
            }
            Condition::PriceMove { direction, by, window_s } => {
                let Extra::Window(window) = &mut self.extra else { return None };
                window.push(time, price);
                let (low, high) = window.extremes()?;
                let rises =
                    *direction != Direction::Down && pair.up.step_flag(has_moved(by, low, low, price), First::Arms);
                let falls =
                    *direction != Direction::Up && pair.down.step_flag(has_moved(by, high, price, high), First::Arms);
                let (verb, from) = match (rises, falls) {
                    (true, _) => ("rose", low),
                    (_, true) => ("fell", high),
                    _ => return None,
                };
                let span = words::span((*window_s).into());
                let (from, to) = (words::grouped(&from), words::grouped(&price));
                (format!("{} {verb} from {from} to {to} within {span}", symbol()), words::move_size(by))
            }
            _ => return None,
        };
        Some(Met { what, value: Some(price.to_string()), level: Some(level), ..Met::default() })
    }

    /// Returns the levels at which another price than the last one changes something.
    pub(crate) fn next_waits(&self, price: Price) -> [Option<Wait>; 2] {
        let pair = &self.state.pair;
        match &self.condition {
            Condition::PriceCrosses { direction, level, hysteresis } => [
                (*direction != Direction::Down).then(|| wait_up(pair.up, up(*level, *hysteresis))),
                (*direction != Direction::Up).then(|| wait_down(pair.down, down(*level, *hysteresis))),
            ],
            Condition::PriceAbove { level, hysteresis } => [Some(wait_up(pair.up, up(*level, *hysteresis))), None],
            Condition::PriceBelow { level, hysteresis } => [Some(wait_down(pair.up, down(*level, *hysteresis))), None],
            Condition::Channel { low, .. } if price < *low => [Some(Wait::AtLeast(*low)), None],
            Condition::Channel { high, .. } if price > *high => [Some(Wait::AtMost(*high)), None],
            Condition::Channel { low, high, .. } => [Some(Wait::Above(*high)), Some(Wait::Below(*low))],
            _ => [None, None],
        }
    }

    /// Takes the best bid and ask in.
    pub(crate) fn on_top(&mut self, instrument: &InstrumentId, bid: Price, ask: Price) -> Option<Met> {
        let Condition::SpreadAbove { bps } = &self.condition else { return None };
        let spread = ask.checked_sub(bid)?;
        let mid = bid.mid(ask).filter(|mid| *mid > Price::ZERO)?;
        let width = spread.to_f64_lossy() / mid.to_f64_lossy() * 10_000.0;
        let is_met = self.state.pair.up.step(Approach::Up, width, Bounds { level: *bps, rearm: *bps }, First::Fires);
        is_met.then(|| Met {
            what: format!("the spread of {} is {} bps", words::symbol(instrument), words::figure(width)),
            value: Some(words::figure(width)),
            level: Some(bps.to_string()),
            ..Met::default()
        })
    }
}

/// True for conditions that change at known levels only.
fn is_of_levels(condition: &Condition) -> bool {
    matches!(
        condition,
        Condition::PriceCrosses { .. }
            | Condition::PriceAbove { .. }
            | Condition::PriceBelow { .. }
            | Condition::Channel { .. }
    )
}

/// A level met from below. A hysteresis that does not fit counts as none; the check of rules refuses it.
fn up(level: Price, hysteresis: Price) -> Bounds<Price> {
    Bounds { level, rearm: level.checked_sub(hysteresis).unwrap_or(level) }
}

/// A level met from above.
fn down(level: Price, hysteresis: Price) -> Bounds<Price> {
    Bounds { level, rearm: level.checked_add(hysteresis).unwrap_or(level) }
}

fn wait_up(latch: Latch, bounds: Bounds<Price>) -> Wait {
    if latch.is_armed() { Wait::AtLeast(bounds.level) } else { Wait::Below(bounds.rearm) }
}

fn wait_down(latch: Latch, bounds: Bounds<Price>) -> Wait {
    if latch.is_armed() { Wait::AtMost(bounds.level) } else { Wait::Above(bounds.rearm) }
}

/// True where `high` is at least that far above `low`; a percentage is one of the price that the move starts from.
fn has_moved(by: &MoveSize, from: Price, low: Price, high: Price) -> bool {
    let Some(distance) = high.checked_sub(low).filter(|distance| *distance > Price::ZERO) else { return false };
    match by {
        MoveSize::Absolute(least) => distance >= *least,
        MoveSize::Percent(percent) => {
            let notional = |price: Price| Notional::from_mantissa(price.mantissa(), price.scale());
            let least = notional(from).and_then(|from| from.share(*percent, 28));
            let hundredfold = distance.mantissa().checked_mul(100);
            let distance = hundredfold.and_then(|mantissa| Notional::from_mantissa(mantissa, distance.scale()));
            from > Price::ZERO && distance.zip(least).is_some_and(|(distance, least)| distance >= least)
        }
    }
}

#[cfg(test)]
mod tests {
    use model::decimal::Rate;

    use super::*;

    #[test]
    fn a_move_is_exact_in_percent() {
        let price = |text: &str| Price::parse(text).unwrap();
        let percent = |text: &str| MoveSize::Percent(Rate::parse(text).unwrap());
        for (by, low, high, expected) in [
            (percent("1"), "62000.00", "62620.00", true),
            (percent("1"), "62000.00", "62619.99", false),
            (percent("0.1"), "0.00007", "0.00007007", true),
            (percent("0.1"), "0.00007", "0.00007006", false),
            (MoveSize::Absolute(price("0.3")), "0.1", "0.4", true),
            (MoveSize::Absolute(price("0.3")), "0.1", "0.39", false),
            (percent("1"), "-5", "5", false),
        ] {
            let (low, high) = (price(low), price(high));
            assert_eq!(has_moved(&by, low, low, high), expected, "{by:?} {low} {high}");
        }
        // Down from the highest price: one percent of that.
        assert!(has_moved(&percent("1"), price("100"), price("99"), price("100")));
        assert!(!has_moved(&percent("1"), price("100"), price("99.005"), price("100")));
    }
}
