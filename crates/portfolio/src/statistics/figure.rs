//! A figure of a statistic: a value, or the reason why there is none. Never NaN, never a number that stands for "none".

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// A value, or the reason why there is none. In JSON `{"known": 1.2}` or `{"unknown": "needs at least 2 days"}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Figure<T = f64> {
    /// The value.
    Known(T),
    /// Why there is none, in words that follow the figure's name.
    Unknown(Cow<'static, str>),
}

impl<T> Figure<T> {
    /// Returns a figure without a value.
    pub fn unknown(reason: impl Into<Cow<'static, str>>) -> Self {
        Self::Unknown(reason.into())
    }

    /// Returns the value, if there is one.
    pub fn value(&self) -> Option<&T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Unknown(_) => None,
        }
    }

    /// Returns the value, or `reason` where the option is empty.
    pub fn some(value: Option<T>, reason: &'static str) -> Self {
        value.map_or(Self::Unknown(reason.into()), Self::Known)
    }

    /// Computes a figure from the value of this one.
    pub fn then<U>(self, compute: impl FnOnce(T) -> Figure<U>) -> Figure<U> {
        match self {
            Self::Known(value) => compute(value),
            Self::Unknown(reason) => Figure::Unknown(reason),
        }
    }
}

impl Figure {
    /// Returns the value; one that is infinite or not a number has none.
    pub fn of(value: f64) -> Self {
        if value.is_finite() { Self::Known(value) } else { Self::unknown("does not fit a number") }
    }
}

/// The unit of a figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// A part of one, shown as a percentage.
    Share,
    /// A number without a unit.
    Ratio,
    /// The account's currency.
    Money,
    /// A whole number of things.
    Count,
    /// Days.
    Days,
    /// Seconds.
    Seconds,
}

/// The definition of a figure, for tooltips and documentation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct FigureInfo {
    /// Its key in JSON.
    pub key: &'static str,
    /// Its name for a reader.
    pub label: &'static str,
    /// Its unit.
    pub unit: Unit,
    /// Its formula.
    pub formula: &'static str,
    /// Other conventions that decide its value, and when there is none.
    pub convention: &'static str,
    /// Source of the definition.
    pub source: &'static str,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_but_a_number_is_a_value() {
        assert_eq!(Figure::of(0.5).value(), Some(&0.5));
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert_eq!(Figure::of(value).value(), None, "{value}");
        }
        let json = |figure: &Figure| serde_json::to_string(figure).unwrap();
        assert_eq!(json(&Figure::of(0.5)), r#"{"known":0.5}"#);
        let unknown = Figure::unknown("needs at least 2 days");
        assert_eq!(json(&unknown), r#"{"unknown":"needs at least 2 days"}"#);
        assert_eq!(serde_json::from_str::<Figure>(&json(&unknown)).unwrap(), unknown);
    }
}
