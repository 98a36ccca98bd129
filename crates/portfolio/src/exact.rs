//! Exact arithmetic over the decimals of `model`: a result that would lose a digit is `None`, not rounded.
//!
//! `Decimal` rounds silently where a product or a sum needs more than 28 digits. A ledger whose parts must add up to the
//! last digit cannot use that, so the functions here refuse it. Where a division has to round, it does so half to even
//! at [`MONEY_DECIMALS`], and the caller keeps the remainder.

use model::decimal::{Notional, Price, Quantity, Rate, SignedQuantity};

/// Decimal places of shares, averages and converted amounts.
pub(crate) const MONEY_DECIMALS: u32 = 12;

/// Returns price × quantity without trailing zeros; `None` unless every digit fits.
pub(crate) fn value(price: Price, quantity: Quantity) -> Option<Notional> {
    let price = price.at_scale(price.significant_scale());
    let quantity = quantity.at_scale(quantity.significant_scale());
    if price.is_zero() || quantity.is_zero() {
        return Some(Notional::ZERO);
    }
    let product = price.checked_mul(quantity)?;
    // A product that was rounded, to zero even, has fewer decimals than its factors together.
    (product.scale() == price.scale() + quantity.scale()).then(|| tight(product))
}

/// Returns the signed value of a holding: below zero for a short.
pub(crate) fn signed_value(price: Price, quantity: SignedQuantity) -> Option<Notional> {
    let value = value(price, quantity.size())?;
    Some(if quantity.is_negative() { value.negated() } else { value })
}

/// Returns the sum without trailing zeros; `None` unless every digit fits.
pub(crate) fn sum(one: Notional, other: Notional) -> Option<Notional> {
    let (one, other) = (tight(one), tight(other));
    let sum = one.checked_add(other)?;
    (sum.scale() == one.scale().max(other.scale())).then(|| tight(sum))
}

/// Returns the difference without trailing zeros; `None` unless every digit fits.
pub(crate) fn difference(one: Notional, other: Notional) -> Option<Notional> {
    sum(one, other.negated())
}

/// Returns the sum of two holdings; `None` unless every digit fits.
pub(crate) fn sum_held(one: SignedQuantity, other: SignedQuantity) -> Option<SignedQuantity> {
    let sum = sum(held(one)?, held(other)?)?;
    SignedQuantity::from_mantissa(sum.mantissa(), sum.scale())
}

/// Returns the sum of two quantities; `None` unless every digit fits.
pub(crate) fn sum_quantity(one: Quantity, other: Quantity) -> Option<Quantity> {
    sum_held(one.long(), other.long()).map(SignedQuantity::size)
}

/// Returns the difference of two quantities; `None` if it is below zero, or unless every digit fits.
pub(crate) fn difference_quantity(one: Quantity, other: Quantity) -> Option<Quantity> {
    sum_held(one.long(), other.short()).filter(|difference| !difference.is_negative()).map(SignedQuantity::size)
}

/// Returns a holding as an amount of its own asset.
pub(crate) fn held(quantity: SignedQuantity) -> Option<Notional> {
    Notional::from_mantissa(quantity.mantissa(), quantity.scale())
}

/// Returns the part of `amount` that belongs to `part` of `whole`, rounded at [`MONEY_DECIMALS`].
pub(crate) fn part(amount: Notional, part: Quantity, whole: Quantity) -> Option<Notional> {
    amount.part(part, whole, MONEY_DECIMALS).map(tight)
}

/// Returns the amount divided by a price above zero, rounded at [`MONEY_DECIMALS`].
pub(crate) fn divided(amount: Notional, price: Price) -> Option<Notional> {
    let price = Quantity::from_mantissa(price.mantissa(), price.scale())?;
    part(amount, Quantity::from_mantissa(1, 0)?, price)
}

/// Returns the amount multiplied by a price, rounded at [`MONEY_DECIMALS`].
pub(crate) fn multiplied(amount: Notional, price: Price) -> Option<Notional> {
    amount.share(Rate::from_mantissa(price.mantissa(), price.scale())?, MONEY_DECIMALS).map(tight)
}

/// Returns the amount divided by a whole number above zero, rounded at [`MONEY_DECIMALS`].
pub(crate) fn divided_by(amount: Notional, divisor: u32) -> Option<Notional> {
    part(amount, Quantity::from_mantissa(1, 0)?, Quantity::from_mantissa(divisor.into(), 0)?)
}

/// Returns the ratio of two amounts without trailing zeros, rounded half to even at `decimals`; `None` if `other` is zero
/// or the result does not fit.
pub(crate) fn ratio(one: Notional, other: Notional, decimals: u32) -> Option<Rate> {
    one.ratio(other, decimals).map(|ratio| ratio.at_scale(ratio.significant_scale()))
}

/// Returns the amount per base unit without trailing zeros, rounded at [`MONEY_DECIMALS`]; `None` if the quantity is zero
/// or the result does not fit.
pub(crate) fn per_unit(amount: Notional, quantity: Quantity) -> Option<Price> {
    amount.per(quantity, MONEY_DECIMALS).map(|price| price.at_scale(price.significant_scale()))
}

/// Returns the amount without its sign.
pub(crate) fn magnitude(amount: Notional) -> Notional {
    if amount.is_negative() { amount.negated() } else { amount }
}

/// Returns true if the amount is above zero.
pub(crate) fn is_positive(amount: Notional) -> bool {
    !amount.is_negative() && !amount.is_zero()
}

/// Returns the amount without trailing zeros, which leaves more room for the next sum.
pub(crate) fn tight(amount: Notional) -> Notional {
    if amount.is_zero() { Notional::ZERO } else { amount.at_scale(amount.significant_scale()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn amount(text: &str) -> Notional {
        Notional::parse(text).unwrap()
    }

    #[test]
    fn a_sum_is_exact_or_refused() {
        #[track_caller]
        fn check(one: &str, other: &str, expected: Option<&str>) {
            assert_eq!(
                sum(amount(one), amount(other)).map(|sum| sum.to_string()).as_deref(),
                expected,
                "{one} + {other}"
            );
        }
        check("1.50", "0.5", Some("2"));
        check("-1.5", "1.50", Some("0"));
        check("10000000000000000", "0.000000000001", Some("10000000000000000.000000000001"));
        // 29 digits: `Decimal` would round the last one away.
        check("10000000000000000", "0.0000000000001", None);
        check("79228162514264337593543950335", "1", None);
        check("1000000000000.0000000000000000", "0.0000000000000001", Some("1000000000000.0000000000000001"));
    }

    #[test]
    fn a_product_is_exact_or_refused() {
        #[track_caller]
        fn check(price: &str, quantity: &str, expected: Option<&str>) {
            let value = value(Price::parse(price).unwrap(), Quantity::parse(quantity).unwrap());
            assert_eq!(value.map(|value| value.to_string()).as_deref(), expected, "{price} × {quantity}");
        }
        check("61602.01000000", "0.00001000", Some("0.6160201"));
        check("0.00000001", "0.00000001", Some("0.0000000000000001"));
        check("-2", "3", Some("-6"));
        check("5", "0.00", Some("0"));
        check("0.000000000000001", "0.00000000000001", None);
        check("79228162514264337593543950335", "2", None);
    }

    #[test]
    fn a_division_rounds_half_to_even_at_twelve_decimals() {
        let third = divided(amount("1"), Price::parse("3").unwrap());
        assert_eq!(third, Some(amount("0.333333333333")));
        assert_eq!(divided_by(amount("10"), 4), Some(amount("2.5")));
        assert_eq!(divided_by(amount("10"), 0), None);
        assert_eq!(divided(amount("1"), Price::parse("-3").unwrap()), None);
    }
}
