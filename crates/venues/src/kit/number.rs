//! Bare JSON numbers whose digits matter: read as text, never through a float.
//!
//! For `#[serde(deserialize_with = …)]`. Not here: quoted numbers, which the model's types read themselves.

use model::decimal::{Price, Quantity};
use serde::{Deserialize, Deserializer, de};
use serde_json::value::RawValue;

/// Reads a positive number and keeps every digit; exponents are resolved.
pub(crate) fn positive_price<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Price, D::Error> {
    let price = any_price(deserializer)?;
    if price.is_zero() || price.is_negative() {
        return Err(de::Error::custom("a price that is not above zero"));
    }
    Ok(price)
}

/// Reads any number that fits and keeps every digit; exponents are resolved.
pub(crate) fn any_price<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Price, D::Error> {
    let text = <&RawValue>::deserialize(deserializer)?.get();
    parse_number(text).ok_or_else(|| de::Error::custom("not a number that fits"))
}

/// Reads a non-negative number and keeps every digit; exponents are resolved.
pub(crate) fn any_quantity<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Quantity, D::Error> {
    as_quantity(any_price(deserializer)?).ok_or_else(|| de::Error::custom("below zero"))
}

/// Converts the number to a quantity; `None` below zero.
pub(crate) fn as_quantity(number: Price) -> Option<Quantity> {
    Quantity::from_mantissa(number.mantissa(), number.scale())
}

/// Parses a number with or without an exponent (`1e-08`).
pub(crate) fn parse_number(text: &str) -> Option<Price> {
    let Some((mantissa, exponent)) = text.split_once(['e', 'E']) else { return Price::parse(text).ok() };
    let mantissa = Price::parse(mantissa).ok()?;
    let exponent: i32 = exponent.parse().ok().filter(|exponent: &i32| exponent.unsigned_abs() <= 28)?;
    let scale = i32::try_from(mantissa.scale()).ok()? - exponent;
    match u32::try_from(scale) {
        Ok(scale) => Price::from_mantissa(mantissa.mantissa(), scale),
        Err(_) => {
            let factor = 10_i128.checked_pow(scale.unsigned_abs())?;
            Price::from_mantissa(mantissa.mantissa().checked_mul(factor)?, 0)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_kept_and_exponents_resolved() {
        for (text, expected) in [
            ("1.50", Some("1.50")),
            ("1e-08", Some("0.00000001")),
            ("2.5E3", Some("2500")),
            ("1e2", Some("100")),
            ("-3", Some("-3")),
            ("1e400", None),
            ("NaN", None),
            ("1e", None),
            ("99999999999999999999999999999999", None),
        ] {
            assert_eq!(parse_number(text).map(|price| price.to_string()).as_deref(), expected, "{text}");
        }
    }
}
