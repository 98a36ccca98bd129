//! Conversion of an amount into another currency, by a route that can be shown.
//!
//! A route is looked for in this order, and the first one found counts:
//! 1. a live rate of the two currencies, or its inverse;
//! 2. two live rates through one currency between them;
//! 3. parity: currencies taken as 1:1 where no live rate is known (USD, USDT and USDC by default);
//! 4. a live rate and a parity, through one currency between them.
//!
//! Among several suitable rates or intermediate currencies, the caller's order decides. A converted amount is rounded
//! half to even at 12 decimals.

use std::fmt;

use model::{
    decimal::{Notional, Price},
    instrument::InstrumentId,
    trading::account::Currency,
};
use serde::{Deserialize, Serialize};

use crate::{exact, market::Mark, pair::Pair};

/// A live price of one currency in another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveRate {
    /// The currency that is priced.
    pub base: Currency,
    /// The currency of the price.
    pub quote: Currency,
    /// Units of `quote` for one of `base`. One that is not above zero is never used.
    pub price: Price,
    /// Its source, in words (`kraken:USDT/USD`).
    pub source: String,
}

impl LiveRate {
    /// Returns the rate of an instrument: the mean of its best prices, else its last trade; `None` without any.
    pub fn of(instrument: &InstrumentId, pair: &Pair, mark: &Mark) -> Option<Self> {
        let price = match (mark.bid, mark.ask) {
            (Some(bid), Some(ask)) => bid.mid(ask),
            _ => mark.last,
        };
        Some(Self { base: pair.base.clone(), quote: pair.quote.clone(), price: price?, source: instrument.to_string() })
    }
}

/// All that conversions may use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rates {
    /// Live rates, the preferred ones first.
    pub live: Vec<LiveRate>,
    /// Groups of currencies that count 1:1 where no live rate is known.
    pub parity: Vec<Vec<Currency>>,
}

/// No live rates, and parity of USD, USDT and USDC.
impl Default for Rates {
    fn default() -> Self {
        Self { live: Vec::new(), parity: vec![["USD", "USDT", "USDC"].map(Currency::new).to_vec()] }
    }
}

/// Basis of a conversion step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum StepKind {
    /// Multiplied by a live rate.
    Direct,
    /// Divided by a live rate.
    Inverse,
    /// Taken as 1:1.
    Parity,
}

/// One conversion of a route.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Step {
    /// From this currency.
    pub from: Currency,
    /// To this one.
    pub to: Currency,
    /// The kind of conversion.
    pub kind: StepKind,
    /// The live rate, as the source has it; 1 for parity.
    pub price: Price,
    /// The source of the rate, in words; empty for parity.
    pub source: String,
}

impl Step {
    fn convert(&self, amount: Notional) -> Option<Notional> {
        match self.kind {
            StepKind::Direct => exact::multiplied(amount, self.price),
            StepKind::Inverse => exact::divided(amount, self.price),
            StepKind::Parity => Some(amount),
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { from, to, price, source, .. } = self;
        match self.kind {
            StepKind::Direct => write!(f, "{from} → {to} by {source} {price}"),
            StepKind::Inverse => write!(f, "{from} → {to} by 1 ÷ {source} {price}"),
            StepKind::Parity => write!(f, "{from} → {to} at 1:1"),
        }
    }
}

/// A way from one currency to another. Without steps: they are the same.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Route {
    /// At most two.
    pub steps: Vec<Step>,
}

impl Route {
    /// Returns the amount at the end of the route; `None` if it does not fit.
    pub fn convert(&self, amount: Notional) -> Option<Notional> {
        self.steps.iter().try_fold(amount, |amount, step| step.convert(amount))
    }

    /// Returns true if a currency was taken as 1:1.
    pub fn has_parity(&self) -> bool {
        self.steps.iter().any(|step| step.kind == StepKind::Parity)
    }
}

/// `BTC → USDT by binance:BTCUSDT 60000, USDT → USD at 1:1`; nothing for the same currency.
impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (idx, step) in self.steps.iter().enumerate() {
            let separator = if idx == 0 { "" } else { ", " };
            write!(f, "{separator}{step}")?;
        }
        Ok(())
    }
}

impl Rates {
    /// Returns the way from one currency to another, by the rules at the top; `None` if there is none.
    pub fn route(&self, from: &Currency, to: &Currency) -> Option<Route> {
        if from == to {
            return Some(Route::default());
        }
        let one = |step| Route { steps: vec![step] };
        let live = || self.live_step(from, to).map(one);
        let parity = || self.parity_step(from, to).map(one);
        live().or_else(|| self.through(from, to, Self::live_step)).or_else(parity).or_else(|| {
            self.through(from, to, |rates, from, to| rates.live_step(from, to).or_else(|| rates.parity_step(from, to)))
        })
    }

    fn through(
        &self,
        from: &Currency,
        to: &Currency,
        step: impl Fn(&Self, &Currency, &Currency) -> Option<Step>,
    ) -> Option<Route> {
        let live = self.live.iter().flat_map(|rate| [&rate.base, &rate.quote]);
        let mut between = live.chain(self.parity.iter().flatten()).filter(|between| *between != from && *between != to);
        between.find_map(|between| Some(Route { steps: vec![step(self, from, between)?, step(self, between, to)?] }))
    }

    fn live_step(&self, from: &Currency, to: &Currency) -> Option<Step> {
        self.live.iter().filter(|rate| rate.price > Price::ZERO).find_map(|rate| {
            let kind = if rate.base == *from && rate.quote == *to {
                StepKind::Direct
            } else if rate.base == *to && rate.quote == *from {
                StepKind::Inverse
            } else {
                return None;
            };
            let (from, to, source) = (from.clone(), to.clone(), rate.source.clone());
            Some(Step { from, to, kind, price: rate.price, source })
        })
    }

    fn parity_step(&self, from: &Currency, to: &Currency) -> Option<Step> {
        let price = Price::from_mantissa(1, 0)?;
        let is_parity = self.parity.iter().any(|group| group.contains(from) && group.contains(to));
        is_parity.then(|| Step {
            from: from.clone(),
            to: to.clone(),
            kind: StepKind::Parity,
            price,
            source: String::new(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{currency, instrument, notional, price};

    fn rates(live: &[&str]) -> Rates {
        let live = live.iter().map(|text| {
            let (source, at) = text.split_once(' ').unwrap();
            let (base, quote) = source.split_once(':').unwrap().1.split_once('/').unwrap();
            LiveRate { base: currency(base), quote: currency(quote), price: price(at), source: source.to_owned() }
        });
        Rates { live: live.collect(), ..Rates::default() }
    }

    #[track_caller]
    fn check(live: &[&str], from: &str, to: &str, expected: Option<(&str, &str)>) {
        let route = rates(live).route(&currency(from), &currency(to));
        let found = route.map(|route| (route.to_string(), route.convert(notional("100")).unwrap().to_string()));
        let expected = expected.map(|(route, amount)| (route.to_owned(), amount.to_owned()));
        assert_eq!(found, expected, "{from} to {to} by {live:?}");
    }

    #[test]
    fn the_most_direct_known_route_counts() {
        let usdt = "kraken:USDT/USD 0.9998";
        check(&[], "USD", "USD", Some(("", "100")));
        check(&[usdt], "USDT", "USD", Some(("USDT → USD by kraken:USDT/USD 0.9998", "99.98")));
        check(&[usdt], "USD", "USDT", Some(("USD → USDT by 1 ÷ kraken:USDT/USD 0.9998", "100.0200040008")));
        check(&[], "USDT", "USD", Some(("USDT → USD at 1:1", "100")));
        check(&[], "USDT", "EUR", None);
        // The live route through another currency says more than a parity.
        let (one, other) = ("a:BTC/USDT 50000", "b:BTC/USD 49000");
        let through = "USDT → BTC by 1 ÷ a:BTC/USDT 50000, BTC → USD by b:BTC/USD 49000";
        check(&[one, other], "USDT", "USD", Some((through, "98")));
        check(&[one, usdt, other], "USDT", "USD", Some(("USDT → USD by kraken:USDT/USD 0.9998", "99.98")));
        check(&[one], "BTC", "USD", Some(("BTC → USDT by a:BTC/USDT 50000, USDT → USD at 1:1", "5000000")));
        check(&["k:EUR/USD 1.25"], "USDC", "EUR", Some(("USDC → USD at 1:1, USD → EUR by 1 ÷ k:EUR/USD 1.25", "80")));
        // Two currencies between are one too many, and a rate that is not above zero is none.
        check(&["a:A/B 2", "a:B/C 2", "a:C/D 2"], "A", "D", None);
        check(&["a:A/B 0", "b:A/B -1"], "A", "B", None);
        check(&["a:A/B 2", "b:A/B 3"], "A", "B", Some(("A → B by a:A/B 2", "200")));
    }

    #[test]
    fn an_instrument_gives_its_mid_or_its_last_trade() {
        #[track_caller]
        fn check(bid: Option<&str>, ask: Option<&str>, last: Option<&str>, expected: Option<&str>) {
            let mark = Mark { bid: bid.map(price), ask: ask.map(price), last: last.map(price) };
            let rate = LiveRate::of(&instrument("BQ"), &Pair::new("B", "Q"), &mark);
            assert_eq!(rate.map(|rate| rate.price), expected.map(price));
        }
        check(Some("1"), Some("2"), Some("9"), Some("1.5"));
        check(Some("1"), None, Some("9"), Some("9"));
        check(Some("1"), None, None, None);
    }
}
