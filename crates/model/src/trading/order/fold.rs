//! An order as the fold of its changes and fills: the one place where they alter it.
//!
//! The broker works on its orders by these two functions, and whoever replays the journal does the same, so that both
//! always agree. Not here: which changes happen (`broker`), and what fills add up to (`portfolio`).

use super::{Order, OrderState};
use crate::{
    error::ModelError,
    time::Timestamp,
    trading::{
        fill::Fill,
        record::OrderChange,
        refusal::{DenyCode, Refusal},
    },
};

impl Order {
    /// Takes a change in. An order that has ended does not change any more.
    pub fn apply(&mut self, change: &OrderChange, time: Timestamp) {
        if !self.state.is_open() {
            return;
        }
        match change {
            OrderChange::Opened => self.open(),
            OrderChange::Activated { quantity } => {
                self.quantity = *quantity;
                self.open();
            }
            OrderChange::Triggered { .. } => self.is_triggered = true,
            OrderChange::Trailed { stop_price } => self.stop_price = Some(*stop_price),
            OrderChange::Amended(amendment) => {
                self.quantity = amendment.quantity.unwrap_or(self.quantity);
                self.price = amendment.price.or(self.price);
                self.stop_price = amendment.stop_price.or(self.stop_price);
                if self.n_fills > 0 && self.leaves().is_zero() {
                    self.state = OrderState::Filled;
                }
            }
            OrderChange::CancelRequested => self.state = OrderState::PendingCancel,
            OrderChange::Cancelled(reason) => self.end(OrderState::Cancelled, reason.clone()),
            OrderChange::Rejected(reason) => self.end(OrderState::Rejected, reason.clone()),
            OrderChange::Expired => {
                self.end(OrderState::Expired, Refusal::new(DenyCode::Expired, "The order's time passed"));
            }
            OrderChange::Gap => self.has_gap = true,
        }
        self.updated_time = time;
    }

    /// Takes a fill in.
    ///
    /// # Errors
    /// The fill is another order's, is not the next one, is larger than what was left, comes after the end, or does not
    /// fit a decimal. The order is unchanged then.
    pub fn apply_fill(&mut self, fill: &Fill) -> Result<(), ModelError> {
        let refuse = |reason| Err(ModelError::ContradictoryFill { fill_id: fill.fill_id.to_string(), reason });
        if fill.order_id != self.order_id || fill.fill_id.order_id != self.order_id {
            return refuse("it is another order's");
        }
        if !self.state.is_open() {
            return refuse("the order has ended");
        }
        if self.n_fills.checked_add(1) != Some(fill.fill_id.number) {
            return refuse("it is not the next one");
        }
        let Some(filled) = self.filled.checked_add(fill.quantity).filter(|filled| *filled <= self.quantity) else {
            return refuse("it is larger than what was left");
        };
        let Some(filled_value) = fill.value().and_then(|value| self.filled_value.checked_add(value)) else {
            return refuse("its value does not fit");
        };
        (self.filled, self.filled_value, self.n_fills) = (filled, filled_value, fill.fill_id.number);
        self.updated_time = fill.time;
        if self.leaves().is_zero() {
            self.state = OrderState::Filled;
        } else if self.state != OrderState::PendingCancel {
            self.state = OrderState::PartiallyFilled;
        }
        Ok(())
    }

    fn open(&mut self) {
        if matches!(self.state, OrderState::PendingNew | OrderState::Held) {
            self.state = if self.n_fills == 0 { OrderState::Open } else { OrderState::PartiallyFilled };
        }
    }

    fn end(&mut self, state: OrderState, reason: Refusal) {
        self.state = state;
        self.reason = Some(reason);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        decimal::{Notional, Price, Quantity},
        instrument::InstrumentId,
        trading::{
            account::{AccountId, Currency},
            fill::{Evidence, FillCause, FillId, Liquidity},
            order::{Amendment, ClientOrderId, OrderId, OrderRequest, OrderType, Side},
        },
    };

    fn quantity(text: &str) -> Quantity {
        Quantity::parse(text).unwrap()
    }

    fn order() -> Order {
        let name = ClientOrderId::parse("a").unwrap();
        let instrument = InstrumentId::parse("demo:AAABBB").unwrap();
        let market = OrderRequest::market(name, instrument, Side::Buy, quantity("10"));
        let (price, stop_price) = (Price::parse("100").ok(), Price::parse("99").ok());
        let stop_limit = OrderRequest { kind: OrderType::StopLimit, price, stop_price, ..market };
        Order::of_request(stop_limit, OrderId(7), AccountId::parse("main").unwrap(), Timestamp::EPOCH)
    }

    fn fill(number: u32, size: &str) -> Fill {
        let price = Price::parse("100").unwrap();
        Fill {
            fill_id: FillId { order_id: OrderId(7), number },
            order_id: OrderId(7),
            account: AccountId::parse("main").unwrap(),
            instrument: InstrumentId::parse("demo:AAABBB").unwrap(),
            side: Side::Buy,
            price,
            quantity: quantity(size),
            fee: Notional::ZERO,
            fee_currency: Currency::new("BBB"),
            liquidity: Liquidity::Maker,
            time: Timestamp::from_millis(5),
            evidence: Evidence {
                offset: 1,
                event_time: None,
                receive_time: None,
                cause: FillCause::Liquidation { price },
            },
        }
    }

    fn time() -> Timestamp {
        Timestamp::from_millis(3)
    }

    #[test]
    fn changes_and_fills_lead_through_the_states() {
        let mut order = order();
        order.apply(&OrderChange::Opened, time());
        assert_eq!((order.state, order.updated_time), (OrderState::Open, time()));
        order.apply(&OrderChange::Triggered { price: Price::ZERO, offset: 3 }, time());
        assert!(order.is_limit_now());
        order.apply_fill(&fill(1, "4")).unwrap();
        assert_eq!((order.state, order.leaves(), order.n_fills), (OrderState::PartiallyFilled, quantity("6"), 1));
        order.apply(&OrderChange::CancelRequested, time());
        order.apply_fill(&fill(2, "1")).unwrap();
        assert_eq!((order.state, order.filled_value), (OrderState::PendingCancel, Notional::parse("500").unwrap()));
        order.apply_fill(&fill(3, "5")).unwrap();
        assert_eq!((order.state, order.updated_time), (OrderState::Filled, Timestamp::from_millis(5)));
        let ended = order.clone();
        order.apply(&OrderChange::Expired, time());
        assert_eq!(order, ended);
    }

    #[test]
    fn a_quantity_amended_to_what_has_filled_ends_the_order() {
        let mut order = order();
        order.apply_fill(&fill(1, "4")).unwrap();
        let amendment = Amendment { quantity: Some(quantity("4")), ..Amendment::default() };
        order.apply(&OrderChange::Amended(amendment), time());
        assert_eq!((order.state, order.price), (OrderState::Filled, Price::parse("100").ok()));
    }

    #[test]
    fn a_fill_that_contradicts_its_order_changes_nothing() {
        #[track_caller]
        fn check(fill: &Fill, end: Option<OrderChange>) {
            let mut order = order();
            end.iter().for_each(|change| order.apply(change, time()));
            let before = order.clone();
            assert!(order.apply_fill(fill).is_err());
            assert_eq!(order, before);
        }
        check(&fill(2, "1"), None);
        check(&fill(0, "1"), None);
        check(&fill(1, "10.1"), None);
        check(&Fill { order_id: OrderId(8), ..fill(1, "1") }, None);
        check(&Fill { price: Price::parse("79228162514264337593543950335").unwrap(), ..fill(1, "2") }, None);
        check(&fill(1, "1"), Some(OrderChange::Expired));
    }
}
