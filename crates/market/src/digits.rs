//! The decimals an instrument's numbers are published with.
//!
//! Not here: formatting. A value between two steps keeps its own digits: nothing is rounded away.

use model::{
    candle::Candle,
    decimal::{Price, Quantity},
    event::Level,
    instrument::Instrument,
};

/// Decimals of prices and sizes; `None` until the instrument's steps are known; until then the venue's digits are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Digits {
    price: Option<u32>,
    size: Option<u32>,
}

impl Digits {
    pub(crate) fn of(instrument: &Instrument) -> Self {
        Self {
            price: (!instrument.tick_size.is_zero()).then(|| instrument.price_decimals()),
            size: (!instrument.lot_size.is_zero()).then(|| instrument.size_decimals()),
        }
    }

    pub(crate) fn price_decimals(self) -> Option<u32> {
        self.price
    }

    pub(crate) fn size_decimals(self) -> Option<u32> {
        self.size
    }

    pub(crate) fn price(self, price: Price) -> Price {
        self.price.map_or(price, |scale| price.at_scale(scale))
    }

    pub(crate) fn size(self, size: Quantity) -> Quantity {
        self.size.map_or(size, |scale| size.at_scale(scale))
    }

    pub(crate) fn level(self, level: Level) -> Level {
        Level { price: self.price(level.price), quantity: self.size(level.quantity) }
    }

    pub(crate) fn candle(self, candle: &Candle) -> Candle {
        Candle {
            open_time: candle.open_time,
            open: self.price(candle.open),
            high: self.price(candle.high),
            low: self.price(candle.low),
            close: self.price(candle.close),
            volume: self.size(candle.volume),
            buy_volume: candle.buy_volume.map(|size| self.size(size)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{instrument, price, size};

    #[test]
    fn steps_give_the_digits_and_off_step_values_keep_theirs() {
        let digits = Digits::of(&instrument("demo:AAABBB", "0.01000000", "0.00100000"));
        assert_eq!((digits.price_decimals(), digits.size_decimals()), (Some(2), Some(3)));
        assert_eq!(digits.price(price("61602.01000000")).to_string(), "61602.01");
        assert_eq!(digits.price(price("61602.5")).to_string(), "61602.50");
        assert_eq!(digits.price(price("61602.015")).to_string(), "61602.015");
        assert_eq!(digits.size(size("0.00000001")).to_string(), "0.00000001");
        let unknown = Digits::of(&instrument("demo:AAABBB", "0", "0"));
        assert_eq!(unknown.price(price("61602.01000000")).to_string(), "61602.01000000");
    }
}
