//! One position: base units held in one instrument, what they cost, and what closing has realised.
//!
//! Average cost. The exact sum of the cost is kept, never the average: a partial close takes its part of the cost,
//! rounded, and the rest keeps the remainder. So realised and unrealised profit and loss add up to the cash flow to the
//! last digit, whatever was rounded. A fill that changes the side is a close and an opening at its price.
//!
//! Quantities are base units, money is in the instrument's quote currency.

use std::collections::BTreeMap;

use model::{
    decimal::{Notional, Price, Quantity, SignedQuantity},
    instrument::InstrumentId,
    time::Timestamp,
    trading::{account::Currency, fill::Fill, order::Side},
};
use serde::{Deserialize, Serialize};

use crate::{
    exact,
    pair::Pair,
    round_trip::{Fee, OpenTrip, RoundTrip, add, side_of},
};

/// A position in one instrument.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    pair: Pair,
    quantity: SignedQuantity,
    cost: Notional,
    realised_pnl: Notional,
    fees: BTreeMap<Currency, Notional>,
    trip: Option<OpenTrip>,
}

/// The effect of one fill on its position.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Effect {
    /// Realised by what the fill closed.
    pub(crate) realised_pnl: Notional,
    /// Base units that it closed.
    pub(crate) closed: Quantity,
    /// The round trip that it ended.
    pub(crate) round_trip: Option<RoundTrip>,
}

impl Position {
    pub(crate) fn flat(pair: Pair) -> Self {
        Self {
            pair,
            quantity: SignedQuantity::ZERO,
            cost: Notional::ZERO,
            realised_pnl: Notional::ZERO,
            fees: BTreeMap::new(),
            trip: None,
        }
    }

    /// Returns base and quote.
    pub fn pair(&self) -> &Pair {
        &self.pair
    }

    /// Returns the base units held: above zero long, below zero short.
    pub fn quantity(&self) -> SignedQuantity {
        self.quantity
    }

    /// Returns the exact cost of the open quantity: below zero for a short, whose sale brought money in.
    pub fn cost(&self) -> Notional {
        self.cost
    }

    /// Returns the mean price of the open quantity, rounded at 12 decimals, for display; `None` if flat.
    pub fn average_price(&self) -> Option<Price> {
        let cost = if self.quantity.is_negative() { self.cost.negated() } else { self.cost };
        exact::per_unit(cost, self.quantity.size())
    }

    /// Returns the realised profit and loss before fees, since the account was opened.
    pub fn realised_pnl(&self) -> Notional {
        self.realised_pnl
    }

    /// Returns the fees of the instrument's fills, by currency.
    pub fn fees(&self) -> &BTreeMap<Currency, Notional> {
        &self.fees
    }

    /// Returns the round trip that is open; `None` if flat.
    pub fn trip(&self) -> Option<&OpenTrip> {
        self.trip.as_ref()
    }

    /// Returns the side: buy is long; `None` if flat.
    pub fn side(&self) -> Option<Side> {
        side_of(self.quantity)
    }

    /// Returns the value at `price`, below zero for a short; `None` if it does not fit.
    pub fn value(&self, price: Price) -> Option<Notional> {
        exact::signed_value(price, self.quantity)
    }

    /// Returns the profit or loss if it were closed at `price`, before fees; `None` if it does not fit.
    pub fn unrealised_pnl(&self, price: Price) -> Option<Notional> {
        exact::difference(self.value(price)?, self.cost)
    }

    /// Takes a price into the open round trip's excursions.
    pub(crate) fn see(&mut self, price: Price) {
        let unrealised = self.unrealised_pnl(price);
        if let (Some(trip), Some(unrealised)) = (&mut self.trip, unrealised) {
            trip.see(unrealised);
        }
    }

    /// Books a fill. On `None`, because a figure does not fit, the position is half changed: the caller works on a copy.
    pub(crate) fn apply(&mut self, fill: &Fill) -> Option<Effect> {
        self.see(fill.price);
        add(&mut self.fees, &fill.fee_currency, fill.fee)?;
        let fee = Fee { currency: fill.fee_currency.clone(), amount: fill.fee, in_quote: self.fee_in_quote(fill)? };
        let is_closing = self.side().is_some_and(|side| side != fill.side);
        let closed = if is_closing { self.quantity.size().min(fill.quantity) } else { Quantity::ZERO };
        let opened = fill.quantity.checked_sub(closed)?;
        if closed.is_zero() {
            self.open(fill.side, fill.price, opened, &fee, fill.time)?;
            return Some(Effect::default());
        }
        let (closing_fee, opening_fee) = fee.split(closed, fill.quantity)?;
        let mut effect = self.close(&fill.instrument, fill.price, closed, &closing_fee, fill.time)?;
        effect.closed = closed;
        if !opened.is_zero() {
            self.open(fill.side, fill.price, opened, &opening_fee, fill.time)?;
        }
        Some(effect)
    }

    /// Returns the fee in quote currency; the inner value is `None` for a fee in a third currency.
    fn fee_in_quote(&self, fill: &Fill) -> Option<Option<Notional>> {
        if fill.fee_currency == self.pair.quote {
            Some(Some(fill.fee))
        } else if fill.fee_currency == self.pair.base {
            exact::multiplied(fill.fee, fill.price).map(Some)
        } else {
            Some(None)
        }
    }

    fn open(&mut self, side: Side, price: Price, quantity: Quantity, fee: &Fee, time: Timestamp) -> Option<()> {
        let value = exact::value(price, quantity)?;
        let (signed, cost) = match side {
            Side::Buy => (quantity.long(), value),
            Side::Sell => (quantity.short(), value.negated()),
        };
        self.quantity = exact::sum_held(self.quantity, signed)?;
        self.cost = exact::sum(self.cost, cost)?;
        self.trip.get_or_insert_with(|| OpenTrip::begin(side, time)).enter(quantity, value, fee)
    }

    fn close(
        &mut self,
        instrument: &InstrumentId,
        price: Price,
        quantity: Quantity,
        fee: &Fee,
        time: Timestamp,
    ) -> Option<Effect> {
        let size = self.quantity.size();
        let value = exact::value(price, quantity)?;
        let cost = exact::part(self.cost, quantity, size)?;
        // A long's sale brings its value in; buying back a short pays it.
        let proceeds = if self.quantity.is_negative() { value.negated() } else { value };
        let realised_pnl = exact::difference(proceeds, cost)?;
        let rest = size.checked_sub(quantity)?;
        self.quantity = if self.quantity.is_negative() { rest.short() } else { rest.long() };
        self.cost = exact::difference(self.cost, cost)?;
        self.realised_pnl = exact::sum(self.realised_pnl, realised_pnl)?;
        self.trip.as_mut()?.leave(value, realised_pnl, fee)?;
        let round_trip = match self.trip.take_if(|_| rest.is_zero()) {
            Some(trip) => Some(trip.close(instrument.clone(), self.pair.quote.clone(), time)),
            None => None,
        };
        Some(Effect { realised_pnl, closed: quantity, round_trip })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testing::{fill, notional, price, quantity};

    fn book(fills: &[(Side, &str, &str)]) -> (Position, Vec<RoundTrip>) {
        let mut position = Position::flat(Pair::new("B", "Q"));
        let mut trips = Vec::new();
        for (idx, (side, size, at)) in fills.iter().enumerate() {
            let effect = position.apply(&fill(idx as u64 + 1, 1, *side, size, at)).unwrap();
            trips.extend(effect.round_trip);
        }
        (position, trips)
    }

    #[track_caller]
    fn check(fills: &[(Side, &str, &str)], held: &str, cost: &str, realised: &str, n_trips: usize) {
        let (position, trips) = book(fills);
        let found = (position.quantity().to_string(), position.cost().to_string(), position.realised_pnl().to_string());
        assert_eq!(found, (held.to_owned(), cost.to_owned(), realised.to_owned()), "{fills:?}");
        assert_eq!(trips.len(), n_trips, "{fills:?}");
    }

    #[test]
    fn average_cost_partial_close_and_flip() {
        use Side::{Buy, Sell};
        check(&[(Buy, "1", "100")], "1", "100", "0", 0);
        check(&[(Buy, "1", "100"), (Buy, "2", "106")], "3", "312", "0", 0);
        check(&[(Buy, "1", "100"), (Buy, "2", "106"), (Sell, "2", "110")], "1", "104", "12", 0);
        // A third of the cost is rounded; the rest keeps the remainder.
        check(&[(Buy, "3", "3.3333333333333"), (Sell, "1", "4")], "2", "6.6666666666669", "0.666666666667", 0);
        check(&[(Sell, "2", "108"), (Buy, "2", "105")], "0", "0", "6", 1);
        check(&[(Buy, "1", "104"), (Sell, "3", "108")], "-2", "-216", "4", 1);
        check(&[(Buy, "1", "104"), (Sell, "3", "108"), (Buy, "3", "105")], "1", "105", "10", 2);
        // Prices of spreads may be below zero.
        check(&[(Buy, "2", "-3"), (Sell, "1", "1")], "1", "-3", "4", 0);
    }

    #[test]
    fn the_average_is_the_cost_per_unit() {
        use Side::{Buy, Sell};
        let average = |fills: &[_]| book(fills).0.average_price().map(|price| price.to_string());
        assert_eq!(average(&[(Buy, "1", "100"), (Buy, "2", "106")]).as_deref(), Some("104"));
        assert_eq!(average(&[(Sell, "1", "100"), (Sell, "2", "106")]).as_deref(), Some("104"));
        assert_eq!(average(&[(Buy, "2", "-3")]).as_deref(), Some("-3"));
        assert_eq!(average(&[]), None);
    }

    #[test]
    fn excursions_see_marks_and_fills() {
        let mut position = Position::flat(Pair::new("B", "Q"));
        position.apply(&fill(1, 1, Side::Buy, "2", "100")).unwrap();
        position.see(price("97"));
        position.see(price("104"));
        let trip = position.apply(&fill(2, 1, Side::Sell, "2", "90")).unwrap().round_trip.unwrap();
        assert_eq!((trip.mae, trip.mfe, trip.realised_pnl), (notional("-20"), notional("8"), notional("-20")));
        assert_eq!((trip.entry_price(), trip.exit_price()), (Some(price("100")), Some(price("90"))));
        assert_eq!((trip.quantity, trip.n_fills, trip.side), (quantity("2"), 2, Side::Buy));
    }

    #[test]
    fn a_flip_shares_its_fee_between_both_trips() {
        let mut position = Position::flat(Pair::new("B", "Q"));
        position.apply(&Fill { fee: notional("0.1"), ..fill(1, 1, Side::Buy, "1", "100") }).unwrap();
        let flip = Fill { fee: notional("0.4"), ..fill(2, 1, Side::Sell, "4", "100") };
        let trip = position.apply(&flip).unwrap().round_trip.unwrap();
        assert_eq!(trip.fees_in_quote, Some(notional("0.2")));
        assert_eq!(trip.net_pnl(), Some(notional("-0.2")));
        let back = Fill { fee: notional("0.3"), ..fill(3, 1, Side::Buy, "3", "100") };
        assert_eq!(position.apply(&back).unwrap().round_trip.unwrap().fees_in_quote, Some(notional("0.6")));
    }

    #[test]
    fn a_fee_in_the_base_asset_counts_at_the_price_of_its_fill() {
        let mut position = Position::flat(Pair::new("B", "Q"));
        let fee =
            |currency, amount, fill| Fill { fee: notional(amount), fee_currency: Currency::new(currency), ..fill };
        position.apply(&fee("B", "0.001", fill(1, 1, Side::Buy, "1", "100"))).unwrap();
        let effect = position.apply(&fee("Q", "0.2", fill(2, 1, Side::Sell, "1", "110"))).unwrap();
        assert_eq!(effect.round_trip.unwrap().net_pnl(), Some(notional("9.7")));
        position.apply(&fee("BNB", "0.001", fill(3, 1, Side::Buy, "1", "100"))).unwrap();
        let effect = position.apply(&fill(4, 1, Side::Sell, "1", "110")).unwrap();
        assert_eq!(effect.round_trip.unwrap().net_pnl(), None);
    }

    proptest! {
        /// A fill that changes the side is the same as a close and an opening at its price.
        #[test]
        fn a_flip_is_a_close_and_an_opening(
            held in 1_i128..1_000_000, more in 1_i128..1_000_000, entry in 1_i128..1_000_000, exit in 1_i128..1_000_000,
            fee in -1_000_i128..1_000, is_long: bool,
        ) {
            let size = |units| Quantity::from_mantissa(units, 5).unwrap().to_string();
            let at = |units| Price::from_mantissa(units, 2).unwrap().to_string();
            let (side, other) = if is_long { (Side::Buy, Side::Sell) } else { (Side::Sell, Side::Buy) };
            let mut start = Position::flat(Pair::new("B", "Q"));
            start.apply(&fill(1, 1, side, &size(held), &at(entry))).unwrap();

            let fee = Notional::from_mantissa(fee, 4).unwrap();
            let closing_fee = exact::part(fee, quantity(&size(held)), quantity(&size(held + more))).unwrap();
            let opening_fee = exact::difference(fee, closing_fee).unwrap();
            let mut flipped = start.clone();
            let flip = flipped.apply(&Fill { fee, ..fill(2, 1, other, &size(held + more), &at(exit)) }).unwrap();
            let mut two = start;
            let close = two.apply(&Fill { fee: closing_fee, ..fill(2, 1, other, &size(held), &at(exit)) }).unwrap();
            two.apply(&Fill { fee: opening_fee, ..fill(2, 2, other, &size(more), &at(exit)) }).unwrap();

            prop_assert_eq!(flip, close);
            prop_assert_eq!(flipped, two);
        }
    }
}
