//! Exact decimal newtypes: a price, a quantity, their product and an account amount.
//!
//! They keep the digits the venue sent (`1.50` stays `1.50`), never pass through `f64`, and no operation on them
//! panics: a result that does not fit is `None`. Not here: formatting with separators or a symbol (the page does that).
//!
//! Over 500 lines: six newtypes share one macro and one table of tests.
//!
//! Range: 28 significant digits and at most 28 decimals, the range of [`rust_decimal::Decimal`].
//!
//! | operation | result |
//! |---|---|
//! | `Price ± Price`, `Quantity ± Quantity` | `Option` of the same type; a quantity below zero is `None` |
//! | `Price × Quantity`, `SignedQuantity × Price` | `Option<Notional>` |
//! | `Notional × Rate`, `Notional ÷ Quantity`, a part of a `Notional` | `Option`, rounded half to even at named decimals |
//! | `Money ± Money` | `Result`, an error where the currencies differ |

use std::{
    cmp::Ordering,
    fmt,
    hash::{Hash, Hasher},
};

use rust_decimal::{Decimal, prelude::ToPrimitive};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::error::ModelError;

mod words;

/// The direction in which a value is moved onto a grid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rounding {
    /// To the next step at or below.
    Down,
    /// To the next step at or above.
    Up,
    /// To the nearest step; a value halfway goes to the step with the even count.
    NearestEven,
}

macro_rules! decimal_newtype {
    ($(#[$meta:meta])* $name:ident, $pattern:literal) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, Default)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(extend("pattern" = $pattern)))]
        pub struct $name(#[cfg_attr(feature = "schema", schemars(with = "String"))] Decimal);

        impl PartialEq for $name {
            fn eq(&self, other: &Self) -> bool {
                order(self.0, other.0).is_eq()
            }
        }

        impl Eq for $name {}

        impl PartialOrd for $name {
            fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
                Some(self.cmp(other))
            }
        }

        impl Ord for $name {
            fn cmp(&self, other: &Self) -> Ordering {
                order(self.0, other.0)
            }
        }

        impl Hash for $name {
            fn hash<H: Hasher>(&self, state: &mut H) {
                self.0.hash(state);
            }
        }

        impl $name {
            /// Zero, without decimals.
            pub const ZERO: Self = Self(Decimal::ZERO);

            /// Parses plain decimal text and keeps every digit.
            ///
            /// # Errors
            /// [`ModelError::NotADecimal`] for anything but `-?digits[.digits]`, for more digits than fit, and for a
            /// value outside the type's range.
            #[inline]
            pub fn parse(text: &str) -> Result<Self, ModelError> {
                parse_plain(text).and_then(Self::checked).ok_or_else(|| ModelError::NotADecimal { text: text.chars().take(64).collect() })
            }

            /// Returns the value of `mantissa` with `scale` decimal places (`12345`, 2 is 123.45); `None` if it does
            /// not fit.
            pub fn from_mantissa(mantissa: i128, scale: u32) -> Option<Self> {
                Decimal::try_from_i128_with_scale(mantissa, scale).ok().and_then(Self::checked)
            }

            /// Returns the digits as an integer; the value is this divided by 10 to the power of [`Self::scale`].
            pub fn mantissa(self) -> i128 {
                self.0.mantissa()
            }

            /// Returns the number of decimal places, including trailing zeros.
            pub fn scale(self) -> u32 {
                self.0.scale()
            }

            /// Returns the number of decimal places without trailing zeros.
            pub fn significant_scale(self) -> u32 {
                self.0.normalize().scale()
            }

            /// Returns the same value with `scale` decimal places, or unchanged if that would lose digits or not fit.
            #[must_use]
            pub fn at_scale(self, scale: u32) -> Self {
                let own = self.scale();
                if own == scale {
                    return self;
                }
                let mantissa = if own < scale {
                    10_i128.checked_pow(scale - own).and_then(|factor| self.mantissa().checked_mul(factor))
                } else {
                    10_i128.checked_pow(own - scale).filter(|factor| self.mantissa() % factor == 0).map(|factor| self.mantissa() / factor)
                };
                mantissa.and_then(|mantissa| Self::from_mantissa(mantissa, scale)).unwrap_or(self)
            }

            /// Returns true for exactly zero.
            pub fn is_zero(self) -> bool {
                self.0.is_zero()
            }

            /// Returns true if the value is below zero.
            pub fn is_negative(self) -> bool {
                self.0.is_sign_negative() && !self.0.is_zero()
            }

            /// Converts to `f64`, for axes, indicators and statistics only; never convert the result back to an exact
            /// value.
            pub fn to_f64_lossy(self) -> f64 {
                self.0.to_f64().unwrap_or(f64::NAN)
            }

            /// Returns the sum, or `None` if it does not fit.
            pub fn checked_add(self, other: Self) -> Option<Self> {
                sum(self.0, other.0).and_then(Self::checked)
            }

            /// Returns the difference, or `None` if it does not fit or is outside the type's range.
            pub fn checked_sub(self, other: Self) -> Option<Self> {
                sum(self.0, -other.0).and_then(Self::checked)
            }

            /// Rounds onto the grid of `step` in the given direction; `None` if the step is not positive or the result
            /// does not fit.
            pub fn round_to(self, step: Self, rounding: Rounding) -> Option<Self> {
                round_to_step(self.0, step.0, rounding).and_then(Self::checked)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        /// Text form: a string with all digits. Binary form: one integer that holds digits and scale.
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                if serializer.is_human_readable() { serializer.collect_str(&self.0) } else { pack(self.0).serialize(serializer) }
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                if deserializer.is_human_readable() {
                    deserializer.deserialize_str(PlainText).and_then(|value| {
                        Self::checked(value).ok_or_else(|| de::Error::custom(concat!("out of range for ", stringify!($name))))
                    })
                } else {
                    unpack(u128::deserialize(deserializer)?)
                        .and_then(Self::checked)
                        .ok_or_else(|| de::Error::custom(concat!("not a ", stringify!($name))))
                }
            }
        }
    };
}

decimal_newtype! {
    /// Price of one base unit, in the quote currency. May be negative (spreads).
    Price, r"^-?[0-9]+(\.[0-9]+)?$"
}
decimal_newtype! {
    /// Amount of the base asset. Never negative.
    Quantity, r"^[0-9]+(\.[0-9]+)?$"
}
decimal_newtype! {
    /// Price times quantity, in the quote currency.
    Notional, r"^-?[0-9]+(\.[0-9]+)?$"
}

decimal_newtype! {
    /// Base units held: above zero long, below zero short.
    SignedQuantity, r"^-?[0-9]+(\.[0-9]+)?$"
}
decimal_newtype! {
    /// A share or a multiple without a unit (a fee of 0.001, a leverage of 3).
    Rate, r"^-?[0-9]+(\.[0-9]+)?$"
}

impl Price {
    fn checked(value: Decimal) -> Option<Self> {
        Some(Self(value))
    }

    /// Returns the cost of `quantity` at this price; `None` if it does not fit.
    pub fn checked_mul(self, quantity: Quantity) -> Option<Notional> {
        self.0.checked_mul(quantity.0).map(Notional)
    }

    /// Returns the price `part` of `whole` steps from this one to `other`, with the digits that a decimal holds; `None` if
    /// `whole` is zero or the result does not fit.
    pub fn between(self, other: Self, part: u32, whole: u32) -> Option<Self> {
        let span = sum(other.0, -self.0)?.checked_mul(part.into())?;
        sum(self.0, span.checked_div(whole.into())?).map(Self)
    }

    /// Returns the exact mean of two prices; `None` if it does not fit.
    pub fn mid(self, other: Self) -> Option<Self> {
        let sum = sum(self.0, other.0)?;
        let (mantissa, scale) = (sum.mantissa(), sum.scale());
        // An odd digit more is a half.
        let (mantissa, scale) = if mantissa % 2 == 0 { (mantissa / 2, scale) } else { (mantissa * 5, scale + 1) };
        Decimal::try_from_i128_with_scale(mantissa, scale).ok().map(Self)
    }
}

impl Quantity {
    fn checked(value: Decimal) -> Option<Self> {
        (!value.is_sign_negative() || value.is_zero()).then_some(Self(value))
    }
}

impl Quantity {
    /// Returns it as held, above zero.
    pub fn long(self) -> SignedQuantity {
        SignedQuantity(self.0)
    }

    /// Returns it as sold short, below zero.
    pub fn short(self) -> SignedQuantity {
        SignedQuantity(plain_zero(-self.0))
    }
}

impl Notional {
    fn checked(value: Decimal) -> Option<Self> {
        Some(Self(value))
    }

    /// Returns the amount with the other sign.
    #[must_use]
    pub fn negated(self) -> Self {
        Self(plain_zero(-self.0))
    }

    /// Returns the share `rate` of the amount, rounded half to even at `decimals`; `None` if it does not fit.
    pub fn share(self, rate: Rate, decimals: u32) -> Option<Self> {
        self.0.checked_mul(rate.0).map(|share| Self(share.round_dp(decimals)))
    }

    /// Returns the part of the amount that belongs to `part` of `whole`, rounded half to even at `decimals`; `None` if
    /// `whole` is zero or the result does not fit.
    pub fn part(self, part: Quantity, whole: Quantity, decimals: u32) -> Option<Self> {
        if part == whole {
            return Some(self);
        }
        let product = self.0.checked_mul(part.0)?;
        product.checked_div(whole.0).map(|part| Self(part.round_dp(decimals)))
    }

    /// Returns the amount per base unit, rounded half to even at `decimals`; `None` if the quantity is zero or the
    /// result does not fit.
    pub fn per(self, quantity: Quantity, decimals: u32) -> Option<Price> {
        self.0.checked_div(quantity.0).map(|price| Price(price.round_dp(decimals)))
    }

    /// Returns the base units that the amount buys at `price`, rounded down to a multiple of `lot`, with its digits; `None` if the price is
    /// not above zero or the result does not fit.
    pub fn bought_at(self, price: Price, lot: Quantity) -> Option<Quantity> {
        let quantity = self.0.checked_div(price.0).and_then(Quantity::checked)?;
        quantity.round_to(lot, Rounding::Down).map(|quantity| quantity.at_scale(lot.significant_scale()))
    }

    /// Returns the amount in another currency, one unit of this one costing `price` there; `None` if it does not fit.
    pub fn converted(self, price: Price) -> Option<Self> {
        self.0.checked_mul(price.0).map(Self)
    }

    /// Returns the ratio of two amounts, rounded half to even at `decimals`; `None` if `other` is zero or the result
    /// does not fit.
    pub fn ratio(self, other: Self, decimals: u32) -> Option<Rate> {
        self.0.checked_div(other.0).map(|ratio| Rate(ratio.round_dp(decimals)))
    }
}

impl SignedQuantity {
    fn checked(value: Decimal) -> Option<Self> {
        Some(Self(value))
    }

    /// Returns the number of base units, whichever way they are held.
    pub fn size(self) -> Quantity {
        Quantity(self.0.abs())
    }

    /// Returns the value at `price`, below zero for a short; `None` if it does not fit.
    pub fn value(self, price: Price) -> Option<Notional> {
        self.0.checked_mul(price.0).map(Notional)
    }
}

impl Rate {
    fn checked(value: Decimal) -> Option<Self> {
        Some(Self(value))
    }
}

/// An account amount in a named currency. May be negative.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Money {
    amount: Notional,
    currency: String,
}

impl Money {
    /// Creates an amount of `currency` (its code, `USDT`).
    pub fn new(amount: Notional, currency: impl Into<String>) -> Self {
        Self { amount, currency: currency.into() }
    }

    /// Returns the amount in units of the currency.
    pub fn amount(&self) -> Notional {
        self.amount
    }

    /// Returns the currency's code.
    pub fn currency(&self) -> &str {
        &self.currency
    }

    /// Returns the sum.
    ///
    /// # Errors
    /// Different currencies, or a sum that does not fit.
    pub fn checked_add(&self, other: &Self) -> Result<Self, ModelError> {
        self.combine(other, "money addition", Notional::checked_add)
    }

    /// Returns the difference.
    ///
    /// # Errors
    /// Different currencies, or a difference that does not fit.
    pub fn checked_sub(&self, other: &Self) -> Result<Self, ModelError> {
        self.combine(other, "money subtraction", Notional::checked_sub)
    }

    fn combine(
        &self,
        other: &Self,
        operation: &'static str,
        apply: impl Fn(Notional, Notional) -> Option<Notional>,
    ) -> Result<Self, ModelError> {
        if self.currency != other.currency {
            return Err(ModelError::CurrencyMismatch { left: self.currency.clone(), right: other.currency.clone() });
        }
        let amount = apply(self.amount, other.amount).ok_or(ModelError::Overflow { operation })?;
        Ok(Self::new(amount, self.currency.clone()))
    }
}

/// Parses `-?digits[.digits]`. Inlined, because passing a decimal's four parts on takes as long as reading them: this
/// saves a twentieth of the time of a book change.
#[inline(always)]
fn parse_plain(text: &str) -> Option<Decimal> {
    match words::parse(text.as_bytes()) {
        Some((mantissa, scale)) => Decimal::try_new(mantissa, scale).ok(),
        None => parse_bytes(text),
    }
}

/// Parses any text in the same way. Up to 18 digits take a fast path without an allocation; longer text goes through
/// `from_str_exact`, which rejects digits that would be rounded but is too lenient about shape to be called first.
fn parse_bytes(text: &str) -> Option<Decimal> {
    let digits = text.strip_prefix('-').unwrap_or(text).as_bytes();
    let (mut mantissa, mut n_digits, mut scale, mut is_fraction) = (0_i64, 0_u32, 0_u32, false);
    for &byte in digits {
        match byte {
            b'0'..=b'9' => {
                n_digits += 1;
                scale += u32::from(is_fraction);
                if n_digits <= 18 {
                    mantissa = mantissa * 10 + i64::from(byte - b'0');
                }
            }
            b'.' if !is_fraction && n_digits > 0 => is_fraction = true,
            _ => return None,
        }
    }
    if n_digits == 0 || (is_fraction && scale == 0) {
        return None;
    }
    if n_digits > 18 {
        return Decimal::from_str_exact(text).ok();
    }
    let signed = if digits.len() == text.len() { mantissa } else { -mantissa };
    Decimal::try_new(signed, scale).ok()
}

/// As the decimals' own order, in a fraction of the time for numbers with the same decimal places: a book compares hundreds.
#[inline]
fn order(one: Decimal, other: Decimal) -> Ordering {
    if one.scale() == other.scale() { one.mantissa().cmp(&other.mantissa()) } else { one.cmp(&other) }
}

/// In one place: the page downloads it once, not once for each caller.
#[inline(never)]
fn sum(one: Decimal, other: Decimal) -> Option<Decimal> {
    // Whole numbers, and exact. They are shorter than 97 bits.
    if one.scale() == other.scale()
        && let Ok(sum) = Decimal::try_from_i128_with_scale(one.mantissa() + other.mantissa(), one.scale())
    {
        return Some(sum);
    }
    let sum = one.checked_add(other)?;
    // Digits that do not fit are rounded away. Where the sum keeps all decimal places, none were; otherwise only zeros may
    // have gone.
    let scale = one.scale().max(other.scale());
    let units = |value: Decimal| value.mantissa().checked_mul(10_i128.checked_pow(scale - value.scale())?);
    let exact = || units(one)?.checked_add(units(other)?);
    let is_exact = sum.scale() == scale || exact().is_some_and(|exact| units(sum) == Some(exact));
    is_exact.then(|| plain_zero(sum))
}

/// Returns zero without a sign: nobody has seen a minus before it.
fn plain_zero(mut value: Decimal) -> Decimal {
    if value.is_zero() {
        value.set_sign_positive(true);
    }
    value
}

/// In whole numbers of the finer of both scales: a tenth of the code that the same takes with decimals.
fn round_to_step(value: Decimal, step: Decimal, rounding: Rounding) -> Option<Decimal> {
    let scale = value.scale().max(step.scale());
    let units = |value: Decimal| value.mantissa().checked_mul(10_i128.checked_pow(scale - value.scale())?);
    let (value, step) = (units(value)?, units(step)?);
    if step <= 0 {
        return None;
    }
    let rest = value.rem_euclid(step);
    let floor = value.checked_sub(rest)?;
    let up = match rounding {
        Rounding::Down => false,
        Rounding::Up => rest != 0,
        Rounding::NearestEven => match rest.cmp(&(step - rest)) {
            Ordering::Less => false,
            Ordering::Equal => floor / step % 2 != 0,
            Ordering::Greater => true,
        },
    };
    let mut rounded = if up { floor.checked_add(step)? } else { floor };
    let mut scale = scale;
    // A round number of more digits than a decimal holds may still fit without its zeros.
    loop {
        match Decimal::try_from_i128_with_scale(rounded, scale) {
            Ok(rounded) => return Some(rounded),
            Err(_) if scale > 0 && rounded % 10 == 0 => (rounded, scale) = (rounded / 10, scale - 1),
            Err(_) => return None,
        }
    }
}

/// Packs digits and scale into one integer: a zigzag mantissa (97 bits at most) above five bits of scale.
fn pack(value: Decimal) -> u128 {
    let mantissa = value.mantissa();
    let zigzag = (mantissa.unsigned_abs() << 1) | u128::from(mantissa < 0);
    (zigzag << 5) | u128::from(value.scale())
}

fn unpack(packed: u128) -> Option<Decimal> {
    let scale = u32::try_from(packed & 31).ok()?;
    let zigzag = packed >> 5;
    let magnitude = i128::try_from(zigzag >> 1).ok()?;
    Decimal::try_from_i128_with_scale(if zigzag & 1 == 1 { -magnitude } else { magnitude }, scale).ok()
}

struct PlainText;

impl de::Visitor<'_> for PlainText {
    type Value = Decimal;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string with a plain decimal number")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Decimal, E> {
        parse_plain(text).ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn keeps_every_digit() {
        for text in [
            "0",
            "0.00000000",
            "61837.63000000",
            "-1.50",
            "123456789012345678901234.5678",
            "0.0000000000000000000000000001",
        ] {
            assert_eq!(Price::parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn refuses_what_is_no_plain_decimal() {
        for text in [
            "",
            "-",
            ".",
            "1.",
            ".5",
            "+1",
            "1e5",
            "1_000",
            " 1",
            "1 ",
            "0x1",
            "NaN",
            "１",
            "1.2.3",
            "--1",
            "1-",
            "99999999999999999999999999999",
            "1.00000000000000000000000000001",
        ] {
            assert!(Price::parse(text).is_err(), "{text:?}");
        }
        assert!(Quantity::parse("-0.1").is_err());
        assert!(Quantity::parse("-0").is_ok());
    }

    #[test]
    fn zero_has_no_sign() {
        let zero = |text: &str| Notional::parse(text).unwrap();
        assert_eq!(zero("0.00").negated().to_string(), "0.00");
        assert_eq!(Quantity::ZERO.short().to_string(), "0");
        let left = zero("-1.5").checked_sub(zero("-1.5")).unwrap();
        assert_eq!(left.to_string(), "0.0");
        assert_eq!(zero("0").checked_sub(zero("0")).unwrap().to_string(), "0");
    }

    #[test]
    fn what_an_amount_buys_has_the_digits_of_a_lot() {
        let lot = Quantity::parse("0.00001000").unwrap();
        let bought = Notional::parse("100").unwrap().bought_at(Price::parse("61733").unwrap(), lot);
        assert_eq!(bought.map(|quantity| quantity.to_string()).as_deref(), Some("0.00161"));
        assert_eq!(Notional::parse("1").unwrap().bought_at(Price::ZERO, lot), None);
    }

    #[test]
    fn rounding_is_named() {
        #[track_caller]
        fn check(value: &str, step: &str, rounding: Rounding, expected: Option<&str>) {
            let rounded = Price::parse(value).unwrap().round_to(Price::parse(step).unwrap(), rounding);
            assert_eq!(rounded, expected.map(|text| Price::parse(text).unwrap()), "{value} to {step} {rounding:?}");
        }
        check("10.017", "0.01", Rounding::Down, Some("10.01"));
        check("10.017", "0.01", Rounding::Up, Some("10.02"));
        check("-10.017", "0.01", Rounding::Down, Some("-10.02"));
        check("-10.017", "0.01", Rounding::Up, Some("-10.01"));
        check("10.015", "0.01", Rounding::NearestEven, Some("10.02"));
        check("10.025", "0.01", Rounding::NearestEven, Some("10.02"));
        check("10", "0", Rounding::Up, None);
        check("79228162514264337593543950335", "10", Rounding::Up, None);
        check("79228162514264337593543950335", "0.1", Rounding::Down, Some("79228162514264337593543950335"));
        check("7.5", "0.0000000000000000000000000001", Rounding::Up, Some("7.5"));
    }

    #[test]
    fn a_mean_is_exact() {
        #[track_caller]
        fn check(one: &str, other: &str, expected: Option<&str>) {
            let mean = Price::parse(one).unwrap().mid(Price::parse(other).unwrap());
            assert_eq!(mean, expected.map(|text| Price::parse(text).unwrap()), "{one} {other}");
        }
        check("61602.01", "61602.02", Some("61602.015"));
        check("1", "2", Some("1.5"));
        check("-1.50", "1.5", Some("0"));
        check("0.0000000000000000000000000001", "0", None);
    }

    #[test]
    fn arithmetic_at_the_edge_is_none_not_a_panic() {
        let max = Price::parse("79228162514264337593543950335").unwrap();
        assert_eq!(max.checked_add(max), None);
        assert_eq!(max.checked_mul(Quantity::parse("2").unwrap()), None);
        assert_eq!(max.mid(max), None);
        assert_eq!(Quantity::ZERO.checked_sub(Quantity::parse("1").unwrap()), None);
        assert_eq!(max.at_scale(5), max);
        let tiny = Price::parse("0.0000000000000000000000000001").unwrap();
        let other = Price::parse("7.923").unwrap();
        assert_eq!((tiny.checked_add(other), other.checked_add(tiny)), (None, None));
        assert_eq!(max.checked_sub(tiny), None);
        assert_eq!(max.checked_add(Price::parse("0.0").unwrap()), Some(max));
    }

    #[test]
    fn money_of_two_currencies_does_not_add() {
        let one = Money::new(Notional::parse("1.10").unwrap(), "USDT");
        assert_eq!(one.checked_add(&one).unwrap().amount().to_string(), "2.20");
        assert!(matches!(
            one.checked_add(&Money::new(Notional::ZERO, "EUR")),
            Err(ModelError::CurrencyMismatch { .. })
        ));
    }

    proptest! {
        #[test]
        fn parse_and_format_are_inverse(mantissa in any::<i64>(), scale in 0_u32..=28) {
            let price = Price::from_mantissa(i128::from(mantissa), scale).unwrap();
            prop_assert_eq!(Price::parse(&price.to_string()).unwrap().to_string(), price.to_string());
            prop_assert_eq!(unpack(pack(price.0)), Some(price.0));
            let json = serde_json::to_string(&price).unwrap();
            prop_assert_eq!(serde_json::from_str::<Price>(&json).unwrap(), price);
        }

        #[test]
        fn parse_never_panics(text in "\\PC{0,40}") {
            let _ = Price::parse(&text);
        }

        #[test]
        fn rounding_lands_on_the_grid_and_within_a_step(value in -1_000_000_i64..1_000_000, step in 1_i64..500) {
            let value = Price::from_mantissa(i128::from(value), 4).unwrap();
            let step = Price::from_mantissa(i128::from(step), 2).unwrap();
            let down = value.round_to(step, Rounding::Down).unwrap();
            let up = value.round_to(step, Rounding::Up).unwrap();
            prop_assert!(down <= value && value <= up);
            prop_assert!(up.checked_sub(down).unwrap() <= step);
            prop_assert!(down.0.checked_rem(step.0).unwrap().is_zero());
        }

        /// With few digits and few decimal places, so that many are equal and many have the same places.
        #[test]
        fn order_and_sum_are_those_of_the_decimals(
            (one, other) in (-30_i64..30, -30_i64..30),
            (one_scale, other_scale) in (0_u32..3, 0_u32..3),
        ) {
            let one = Price::from_mantissa(i128::from(one), one_scale).unwrap();
            let other = Price::from_mantissa(i128::from(other), other_scale).unwrap();
            prop_assert_eq!(one.cmp(&other), one.0.cmp(&other.0));
            prop_assert_eq!(one == other, one.0 == other.0);
            let sum = one.checked_add(other).unwrap();
            let expected = plain_zero(one.0.checked_add(other.0).unwrap());
            prop_assert_eq!(sum.to_string(), expected.to_string(), "with its digits");
        }
    }
}
