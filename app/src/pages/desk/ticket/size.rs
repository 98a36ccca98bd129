//! The size of an order: base units, an amount of money, or a share of the equity at risk. Pure.
//!
//! Computed sizes are rounded down to whole lots: no order costs or risks more than was asked for.

use model::decimal::{Notional, Price, Quantity, Rate};
use portfolio::sizing::fixed_risk_quantity;

use crate::pages::desk::{
    ticket::{
        form::{Field, Problem},
        market::Market,
    },
    typed,
};

/// The meaning of the size field.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SizeIn {
    /// Base units.
    #[default]
    Quantity,
    /// An amount of quote currency.
    Value,
    /// Per cent of the equity that is lost at the stop-loss.
    Risk,
}

impl SizeIn {
    /// All meanings, in display order.
    pub const ALL: [Self; 3] = [Self::Quantity, Self::Value, Self::Risk];

    /// Returns its name in the form.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Quantity => "quantity",
            Self::Value => "value",
            Self::Risk => "risk",
        }
    }

    /// Returns the meaning with a name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == text)
    }

    /// Returns the base units that `text` means; `reference` is the price at which the order is expected to trade, `stop`
    /// that at which a loss is taken.
    ///
    /// # Errors
    /// It is empty, not a size, less than a lot, or a price that it needs is missing.
    pub fn quantity(
        self,
        text: &str,
        reference: Option<Price>,
        stop: Option<Price>,
        market: &Market,
    ) -> Result<Quantity, Problem> {
        if text.trim().is_empty() {
            return Err(Problem::empty(Field::Size, "Enter a size."));
        }
        let wrong = |words: String| Problem::wrong(Field::Size, words);
        let no_price = || wrong("There is no price yet to compute the size from.".to_owned());
        let instrument = &market.instrument;
        let computed = match self {
            Self::Quantity => return typed::quantity("Size", text).map_err(wrong),
            Self::Value => {
                let value = Notional::parse(&typed::plain(text)).ok().filter(|value| *value > Notional::ZERO);
                let value = value.ok_or_else(|| {
                    wrong(format!("Size: {text:?} is not an amount of {} above zero", instrument.quote))
                })?;
                value.bought_at(reference.ok_or_else(no_price)?, instrument.lot_size)
            }
            Self::Risk => {
                let risk = share(text).ok_or_else(|| wrong(format!("Size: {text:?} is not from 0 to 100 per cent")))?;
                let stop = stop.ok_or_else(|| {
                    Problem::empty(Field::StopLoss, "Set a stop-loss: the risk is the loss from the entry to there.")
                })?;
                let equity = market
                    .equity
                    .ok_or_else(|| wrong(format!("The account's equity in {} is not known.", instrument.quote)))?;
                let entry = reference.ok_or_else(no_price)?;
                if entry == stop {
                    return Err(wrong("The stop-loss is the entry price: nothing would be at risk.".to_owned()));
                }
                fixed_risk_quantity(equity, risk, market.taker, entry, stop, instrument.lot_size)
            }
        };
        let quantity = computed.ok_or_else(|| wrong("Such a size cannot be computed.".to_owned()))?;
        if quantity.is_zero() {
            return Err(wrong(format!("That is less than one lot of {} {}.", instrument.lot_size, instrument.base)));
        }
        Ok(quantity.at_scale(instrument.size_decimals()))
    }
}

/// Reads per cent above zero as a share.
fn share(text: &str) -> Option<Rate> {
    let percent = Rate::parse(&typed::plain(text)).ok()?;
    let share = Rate::from_mantissa(percent.mantissa(), percent.scale().checked_add(2)?)?;
    (share > Rate::ZERO && share <= Rate::from_mantissa(1, 0)?).then_some(share)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::desk::ticket::form::market;

    #[track_caller]
    fn check(size_in: SizeIn, text: &str, (reference, stop): (&str, &str), expected: Result<&str, &str>) {
        let price = |text: &str| Price::parse(text).ok();
        let found = size_in.quantity(text, price(reference), price(stop), &market());
        match expected {
            Ok(quantity) => assert_eq!(found.map(|found| found.to_string()), Ok(quantity.to_owned()), "{text}"),
            Err(words) => assert!(found.as_ref().is_err_and(|problem| problem.words.contains(words)), "{found:?}"),
        }
    }

    #[test]
    fn sizes_are_rounded_down_to_lots() {
        use SizeIn::{Quantity, Risk, Value};
        // A typed quantity stays as it is: the desk says what its lots are.
        check(Quantity, "0.123456", ("", ""), Ok("0.123456"));
        check(Quantity, "0,5", ("", ""), Ok("0.5"));
        check(Value, "3080.10", ("61602.00", ""), Ok("0.05000"));
        check(Value, "3080.09", ("61602.00", ""), Ok("0.04999"));
        check(Value, "0.5", ("61602.00", ""), Err("less than one lot of 0.00001 BTC"));
        // 100,000 · 1 % · (1 − 2 · 0.001) ÷ 602 = 1.657807…
        check(Risk, "1", ("61602.00", "61000.00"), Ok("1.65780"));
        check(Risk, "1", ("61000.00", "61602.00"), Ok("1.65780"));
        check(Risk, "0.5", ("61602.00", "61000.00"), Ok("0.82890"));
    }

    #[test]
    fn what_is_missing_is_named() {
        use SizeIn::{Quantity, Risk, Value};
        check(Quantity, "", ("", ""), Err("Enter a size"));
        check(Quantity, "-1", ("", ""), Err("above zero"));
        check(Value, "abc", ("61602", ""), Err("not an amount of USDT"));
        check(Value, "100", ("", ""), Err("no price yet"));
        check(Risk, "1", ("61602", ""), Err("Set a stop-loss"));
        check(Risk, "1", ("61602", "61602"), Err("nothing would be at risk"));
        check(Risk, "101", ("61602", "61000"), Err("from 0 to 100"));
        check(Risk, "0", ("61602", "61000"), Err("from 0 to 100"));
        let poor = Market { equity: None, ..market() };
        let (entry, stop) = (Price::parse("2").ok(), Price::parse("1").ok());
        assert!(Risk.quantity("1", entry, stop, &poor).unwrap_err().words.contains("equity in USDT is not known"));
    }
}
