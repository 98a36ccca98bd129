//! A price that flashes in its direction when it changes, with its changed digits highlighted.
//!
//! A flash is switched on and off without a transition: an animated background is repainted sixty times a second for as
//! long as it runs, and on a live page some price always flashes.

use std::time::Duration;

use leptos::prelude::*;
use model::{decimal::Price, time::Monotonic};

use crate::{format, live::use_live};

/// A displayed price.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PriceFigure {
    /// The subject of the price: prices of different subjects are not compared.
    pub of: String,
    /// The exact price; `None` if unknown.
    pub price: Option<Price>,
    /// With separators.
    pub text: String,
}

impl Default for PriceFigure {
    fn default() -> Self {
        Self { of: String::new(), price: None, text: format::UNKNOWN.to_owned() }
    }
}

impl PriceFigure {
    /// Creates the price of `of` with `decimals` decimal places.
    pub fn new(of: String, price: Option<Price>, decimals: u32) -> Self {
        let text = price.map_or_else(|| format::UNKNOWN.to_owned(), |price| format::price(price, decimals));
        Self { of, price, text }
    }
}

/// The direction of a price change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Move {
    /// None yet.
    #[default]
    None,
    /// Up.
    Up,
    /// Down.
    Down,
}

/// A price and its change from the previous one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Flashed {
    figure: PriceFigure,
    n_stayed: usize,
    direction: Move,
    /// Counts the changes: each is lit for its full duration.
    n_changes: u32,
}

impl Flashed {
    /// Returns the state when `figure` follows `self`.
    #[must_use]
    pub fn then(&self, figure: PriceFigure) -> Self {
        let known = &self.figure;
        let (Some(before), Some(now)) = (known.price.filter(|_| known.of == figure.of), figure.price) else {
            // The first price of its subject: nothing has moved.
            let n_stayed = 0;
            return Self { figure, n_stayed, direction: Move::None, n_changes: self.n_changes };
        };
        if before == now {
            return Self { figure, ..self.clone() };
        }
        let direction = if now > before { Move::Up } else { Move::Down };
        let n_stayed = format::split_changed(&known.text, &figure.text).0.len();
        Self { figure, n_stayed, direction, n_changes: self.n_changes.wrapping_add(1) }
    }

    /// Returns the digits that stayed, and those that changed.
    pub fn parts(&self) -> (&str, &str) {
        self.figure.text.split_at_checked(self.n_stayed).unwrap_or(("", &self.figure.text))
    }

    /// Returns the direction, for `data-flash`.
    pub fn flash(&self) -> Option<&'static str> {
        match self.direction {
            Move::None => None,
            Move::Up => Some("up"),
            Move::Down => Some("down"),
        }
    }

    /// Returns the sign that replaces the flash under reduced motion.
    pub fn sign(&self) -> &'static str {
        match self.direction {
            Move::None => "",
            Move::Up => "▲",
            Move::Down => "▼",
        }
    }
}

/// A flash that is lit until a given time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Light {
    n_changes: u32,
    direction: Option<&'static str>,
    until: Monotonic,
}

impl Light {
    /// Returns the next light: a change lights it again.
    fn then(self, flashed: &Flashed, now: Monotonic) -> Self {
        if self.n_changes == flashed.n_changes {
            return self;
        }
        Self { n_changes: flashed.n_changes, direction: flashed.flash(), until: now + LIT_FOR }
    }

    fn at(self, now: Monotonic) -> Self {
        if now < self.until { self } else { Self { direction: None, ..self } }
    }
}

/// A price that flashes.
#[component]
pub fn FlashPrice(
    /// The test id.
    testid: &'static str,
    /// The price.
    #[prop(into)]
    figure: Signal<PriceFigure>,
) -> impl IntoView {
    let flashed = Memo::new(move |before: Option<&Flashed>| match before {
        Some(before) => before.then(figure.get()),
        None => Flashed::default().then(figure.get()),
    });
    let tick = use_live().tick();
    let light = Memo::new(move |known: Option<&Light>| {
        let light = known.copied().unwrap_or_default();
        let light = flashed.with(|flashed| light.then(flashed, tick.get_untracked().monotonic));
        // The page's frames switch it off; while it is dark, frames do not matter.
        if light.direction.is_some() { light.at(tick.get().monotonic) } else { light }
    });
    let value = move || flashed.with(|flashed| flashed.figure.price.map(|price| price.to_string()));
    view! {
        <span class="flash-price">
            <span class="flash-price__sign" aria-hidden="true">{move || flashed.with(Flashed::sign)}</span>
            <span
                class="flash-price__number"
                data-testid=testid
                data-value=move || value().unwrap_or_default()
                data-flash=move || light.get().direction
            >
                <span class="flash-price__stayed">{move || flashed.with(|flashed| flashed.parts().0.to_owned())}</span>
                <span class="flash-price__changed">{move || flashed.with(|flashed| flashed.parts().1.to_owned())}</span>
            </span>
        </span>
    }
}

/// Time for which a change stays lit.
const LIT_FOR: Duration = Duration::from_millis(250);

#[cfg(test)]
mod tests {
    use super::*;

    fn figure(of: &str, text: &str) -> PriceFigure {
        PriceFigure::new(of.to_owned(), Price::parse(text).ok(), 2)
    }

    #[test]
    fn a_change_has_a_direction_and_changed_digits() {
        #[track_caller]
        fn check(prices: &[&str], flash: Option<&str>, parts: (&str, &str)) {
            let last = prices.iter().fold(Flashed::default(), |known, price| known.then(figure("a", price)));
            assert_eq!((last.flash(), last.parts()), (flash, parts), "{prices:?}");
        }
        check(&["602.01"], None, ("", "602.01"));
        check(&["602.01", "602.07"], Some("up"), ("602.0", "7"));
        check(&["602.01", "602.07", "602.08"], Some("up"), ("602.0", "8"));
        check(&["602.01", "601.99"], Some("down"), ("60", "1.99"));
        check(&["602.01", "602.07", "602.07"], Some("up"), ("602.0", "7"));
        check(&["99.99", "100.00"], Some("up"), ("", "100.00"));
    }

    #[test]
    fn a_change_is_lit_for_a_quarter_of_a_second() {
        let at = |ms| Monotonic::from_zero(Duration::from_millis(ms));
        let first = Flashed::default().then(figure("a", "10"));
        let dark = Light::default().then(&first, at(1_000));
        assert_eq!(dark.direction, None);
        let second = first.then(figure("a", "11"));
        let lit = dark.then(&second, at(2_000));
        assert_eq!((lit.at(at(2_249)).direction, lit.at(at(2_250)).direction), (Some("up"), None));
        // The same price again changes nothing; a different one lights it again.
        assert_eq!(lit.then(&second, at(2_200)), lit);
        let third = lit.then(&second.then(figure("a", "9")), at(2_200));
        assert_eq!((third.direction, third.at(at(2_449)).direction), (Some("down"), Some("down")));
        // A light that went out stays out.
        let out = lit.at(at(2_300));
        assert_eq!(out.then(&second, at(2_301)).direction, None);
    }

    #[test]
    fn another_instrument_does_not_flash() {
        let first = Flashed::default().then(figure("a", "10")).then(figure("a", "11"));
        let other = first.then(figure("b", "99"));
        assert_eq!((other.flash(), other.sign()), (None, ""));
        assert_eq!(first.then(PriceFigure::default()).parts(), ("", "–"));
    }
}
