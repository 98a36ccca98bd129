//! Claim of an order on an account: the open part, on which risk, locked funds and margin depend.
//!
//! One form for an order that is open, one that is asked for and one that is to be amended. Quantities are base units.

use model::{
    decimal::{Notional, Price, Quantity},
    instrument::InstrumentId,
    trading::order::{Amendment, Order, OrderId, OrderRequest, OrderState, Side},
};

use crate::{exact, market::Mark};

/// The open part of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The order; `None` if it is only asked for.
    pub order_id: Option<OrderId>,
    /// Instrument of the order.
    pub instrument: InstrumentId,
    /// Buy or sell.
    pub side: Side,
    /// Base units that may still fill.
    pub quantity: Quantity,
    /// Of types with a price.
    pub limit_price: Option<Price>,
    /// The price that it waits for.
    pub stop_price: Option<Price>,
    /// True if it never opens or enlarges a position.
    pub reduce_only: bool,
    /// The entry of the bracket that it belongs to: of a bracket's legs only one can fill.
    pub bracket: Option<OrderId>,
    /// True while its entry has not filled: it cannot do anything yet.
    pub is_held: bool,
}

impl Claim {
    /// Returns the claim of an order that is asked for.
    pub fn of_request(request: &OrderRequest) -> Self {
        Self {
            order_id: None,
            instrument: request.instrument.clone(),
            side: request.side,
            quantity: request.quantity,
            limit_price: request.price,
            stop_price: request.stop_price,
            reduce_only: request.reduce_only,
            bracket: None,
            is_held: false,
        }
    }

    /// Returns the claim of an order; one that has ended has a quantity of zero.
    pub fn of_order(order: &Order) -> Self {
        Self {
            order_id: Some(order.order_id),
            instrument: order.instrument.clone(),
            side: order.side,
            quantity: if order.state.is_open() { order.leaves() } else { Quantity::ZERO },
            limit_price: order.price,
            stop_price: order.stop_price.filter(|_| order.is_waiting()),
            reduce_only: order.reduce_only,
            bracket: order.bracket.map(|(entry, _)| entry),
            is_held: order.state == OrderState::Held,
        }
    }

    /// Returns the claim that an order would have with an amendment.
    pub fn amended(order: &Order, amendment: &Amendment) -> Self {
        let mut order = order.clone();
        order.quantity = amendment.quantity.unwrap_or(order.quantity);
        order.price = amendment.price.or(order.price);
        order.stop_price = amendment.stop_price.or(order.stop_price);
        Self::of_order(&order)
    }

    /// Returns the price at which it counts; `None` if it needs a market price that is not known.
    ///
    /// A buy counts at its limit, the most it may pay. A sell counts at its limit or, where that is higher, at the price
    /// it would trade at: a limit far below the market must not make a large order look small. Without a limit it
    /// counts at its stop price, and at the market's once it waits for none.
    pub fn price(&self, mark: &Mark) -> Option<Price> {
        match self.pricing() {
            Pricing::Fixed(price) => Some(price),
            Pricing::AtLeast(limit) => mark.entry(Side::Sell).map(|market| limit.max(market)),
            Pricing::Market => mark.entry(self.side),
        }
    }

    pub(crate) fn pricing(&self) -> Pricing {
        match (self.limit_price, self.stop_price, self.side) {
            (Some(limit), _, Side::Buy) => Pricing::Fixed(limit),
            (Some(limit), Some(stop), Side::Sell) => Pricing::Fixed(limit.max(stop)),
            (Some(limit), None, Side::Sell) => Pricing::AtLeast(limit),
            (None, Some(stop), _) => Pricing::Fixed(stop),
            (None, None, _) => Pricing::Market,
        }
    }

    /// True if it can fill now, as far as the order itself is concerned.
    pub(crate) fn can_fill(&self) -> bool {
        !self.is_held && !self.quantity.is_zero()
    }

    /// Returns its value at [`Self::price`], in quote currency.
    pub fn value(&self, mark: &Mark) -> Option<Notional> {
        exact::value(self.price(mark)?, self.quantity)
    }
}

/// Price at which a claim counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pricing {
    /// Nothing: it is this price.
    Fixed(Price),
    /// It is this price, or the market's where that is higher.
    AtLeast(Price),
    /// It is the market's.
    Market,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{claim, market_claim, price};

    #[test]
    fn an_order_counts_at_the_price_that_it_may_trade_at() {
        #[track_caller]
        fn check(side: Side, limit: Option<&str>, stop: Option<&str>, expected: Option<&str>) {
            let mark = Mark { bid: Some(price("99")), ask: Some(price("101")), last: None };
            let claim =
                Claim { limit_price: limit.map(price), stop_price: stop.map(price), ..market_claim(1, side, "1") };
            assert_eq!(claim.price(&mark), expected.map(price), "{side} {limit:?} {stop:?}");
        }
        check(Side::Buy, Some("90"), None, Some("90"));
        check(Side::Buy, Some("120"), None, Some("120"));
        check(Side::Buy, None, None, Some("101"));
        check(Side::Buy, None, Some("110"), Some("110"));
        check(Side::Buy, Some("112"), Some("110"), Some("112"));
        check(Side::Sell, Some("120"), None, Some("120"));
        // A limit far below the market sells at the market.
        check(Side::Sell, Some("1"), None, Some("99"));
        check(Side::Sell, Some("1"), Some("90"), Some("90"));
        check(Side::Sell, None, None, Some("99"));
    }

    #[test]
    fn without_a_market_price_some_orders_have_none() {
        let mark = Mark::default();
        assert_eq!(claim(1, Side::Buy, "2", "90").price(&mark), Some(price("90")));
        assert_eq!(claim(1, Side::Sell, "2", "90").price(&mark), None);
        assert_eq!(market_claim(1, Side::Buy, "2").price(&mark), None);
    }
}
