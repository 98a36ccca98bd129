//! The size of an order that risks a fixed share of the equity.

use model::decimal::{Notional, Price, Quantity, Rate, Rounding};

use crate::exact;

/// Returns the base units that lose the share `risk` of the equity if they are bought (or sold) at `entry` and closed at
/// `stop`: (equity · risk · (1 − 2 · fee)) ÷ |entry − stop|, rounded down to whole lots.
///
/// `fee` is the share of the value that each of both fills costs. All money is in the quote currency. Source: the
/// fixed-risk sizer of nautilus_trader. `None` if a share is not from 0 to 1, the prices are equal, or a figure does not
/// fit.
pub fn fixed_risk_quantity(
    equity: Notional,
    risk: Rate,
    fee: Rate,
    entry: Price,
    stop: Price,
    lot_size: Quantity,
) -> Option<Quantity> {
    let one = Rate::from_mantissa(1, 0)?;
    let is_share = |rate: Rate| !rate.is_negative() && rate <= one;
    if !is_share(risk) || !is_share(fee) || equity.is_negative() {
        return None;
    }
    let after_fees = one.checked_sub(fee)?.checked_sub(fee)?;
    if after_fees.is_negative() {
        return None;
    }
    let at_risk = equity.share(risk, MAX_DECIMALS)?.share(after_fees, MAX_DECIMALS)?;
    let distance = entry.max(stop).checked_sub(entry.min(stop))?;
    let per_unit = Quantity::from_mantissa(distance.mantissa(), distance.scale())?;
    let exact_size = at_risk.per(per_unit, MAX_DECIMALS)?;
    let size =
        Quantity::from_mantissa(exact_size.mantissa(), exact_size.scale())?.round_to(lot_size, Rounding::Down)?;
    // The division may have rounded up onto a lot.
    if exact::value(distance, size)? > at_risk { size.checked_sub(lot_size) } else { Some(size) }
}

/// As many as a decimal has: nothing is rounded before the lot.
const MAX_DECIMALS: u32 = 28;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{notional, price, quantity, rate};

    #[track_caller]
    fn check(equity: &str, risk: &str, fee: &str, prices: (&str, &str), lot: &str, expected: Option<&str>) {
        let (entry, stop) = (price(prices.0), price(prices.1));
        let size = fixed_risk_quantity(notional(equity), rate(risk), rate(fee), entry, stop, quantity(lot));
        assert_eq!(size, expected.map(quantity), "{equity} {risk} {fee} {prices:?} {lot}");
    }

    #[test]
    fn a_fixed_share_is_at_risk() {
        check("100000", "0.01", "0", ("100", "98"), "0.001", Some("500"));
        check("100000", "0.01", "0.001", ("100", "98"), "0.001", Some("499"));
        // A short's stop is above its entry.
        check("100000", "0.01", "0.001", ("98", "100"), "0.001", Some("499"));
        check("1000", "0.01", "0", ("100", "97"), "0.01", Some("3.33"));
        check("1000", "0.01", "0", ("100", "97"), "5", Some("0"));
        check("2", "1", "0", ("3", "0"), "0.0000000000000000000000000001", Some("0.6666666666666666666666666666"));
    }

    #[test]
    fn senseless_figures_have_no_size() {
        check("1000", "0.01", "0", ("100", "100"), "1", None);
        check("1000", "1.1", "0", ("100", "90"), "1", None);
        check("1000", "-0.1", "0", ("100", "90"), "1", None);
        check("1000", "0.1", "0.6", ("100", "90"), "1", None);
        check("-1000", "0.1", "0", ("100", "90"), "1", None);
        check("1000", "0.1", "0", ("100", "90"), "0", None);
        check("79228162514264337593543950335", "1", "0", ("0.1", "0"), "1", None);
    }
}
