//! Amounts as text: two decimals, more where an amount would vanish, and a sign where it is a profit or a loss.

use leptos::prelude::*;
use model::decimal::{Notional, Rate, Rounding};

use crate::format::{self, UNKNOWN};

/// An amount as displayed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Amount {
    /// With separators and sign.
    pub text: String,
    /// Plain digits; empty if it is unknown.
    pub value: String,
    /// `up`, `down`, or empty: for the style sheet.
    pub trend: &'static str,
}

impl Default for Amount {
    fn default() -> Self {
        Self { text: UNKNOWN.to_owned(), value: String::new(), trend: "" }
    }
}

impl Amount {
    /// Returns a profit or loss: its sign is always shown.
    pub fn signed(value: Option<Notional>) -> Self {
        let Some(value) = value else { return Self::default() };
        let trend = trend(value);
        let plus = if trend == "up" { "+" } else { "" };
        Self { text: format!("{plus}{}", text(value)), value: value.to_string(), trend }
    }

    /// Returns an amount that is neither good nor bad.
    pub fn plain(value: Option<Notional>) -> Self {
        value.map_or_else(Self::default, |value| Self { text: text(value), value: value.to_string(), trend: "" })
    }

    /// Returns a share in per cent, without a sign.
    pub fn share(rate: Option<Rate>) -> Self {
        rate.map_or_else(Self::default, |rate| Self {
            text: format!("{:.2}\u{202f}%", rate.to_f64_lossy() * 100.0),
            value: rate.to_string(),
            trend: "",
        })
    }
}

/// Returns an amount with two decimals, or with eight if two would show nothing.
pub fn text(value: Notional) -> String {
    let rounded = |decimals: u32| {
        let step = Notional::from_mantissa(1, decimals)?;
        value.round_to(step, Rounding::NearestEven).map(|value| value.at_scale(decimals))
    };
    let shown = rounded(2).filter(|shown| value.is_zero() || !shown.is_zero()).or_else(|| rounded(8)).unwrap_or(value);
    format::grouped(&shown.to_string())
}

fn trend(value: Notional) -> &'static str {
    match () {
        () if value.is_zero() => "",
        () if value.is_negative() => "down",
        () => "up",
    }
}

/// An amount in a table or beside a label.
#[component]
pub fn AmountText(
    /// The amount.
    #[prop(into)]
    amount: Signal<Amount>,
    /// Why it may be unknown.
    #[prop(default = "Unknown: there is no live price")]
    unknown: &'static str,
    /// The test id.
    #[prop(optional)]
    testid: Option<&'static str>,
) -> impl IntoView {
    view! {
        <span
            class="amount"
            data-testid=testid
            data-trend=move || amount.with(|amount| amount.trend)
            data-value=move || amount.with(|amount| amount.value.clone())
            title=move || amount.with(|amount| amount.value.is_empty()).then_some(unknown)
        >
            {move || amount.with(|amount| amount.text.clone())}
        </span>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profit_always_shows_its_sign() {
        #[track_caller]
        fn check(value: &str, expected: &str, trend: &str) {
            let amount = Amount::signed(Notional::parse(value).ok());
            assert_eq!((amount.text.replace(format::GROUP, " ").as_str(), amount.trend), (expected, trend));
        }
        check("1234.565", "+1 234.56", "up");
        check("-0.5", "−0.50", "down");
        check("0", "0.00", "");
        check("-0.00004", "−0.00004000", "down");
        assert_eq!(Amount::signed(None), Amount::default());
        assert_eq!(Amount::plain(Notional::parse("5").ok()).text, "5.00");
        assert_eq!(Amount::share(Rate::parse("0.0123").ok()).text, "1.23\u{202f}%");
    }
}
