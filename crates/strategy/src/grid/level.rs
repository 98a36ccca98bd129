//! One level of a grid: its holding, the order it wants, and the results of its orders.

use std::time::Duration;

use model::{
    decimal::{Notional, Price, Quantity, SignedQuantity},
    time::Timestamp,
    trading::{
        order::Side,
        refusal::{DenyCode, Refusal},
        strategy::{LevelReport, LevelState},
    },
};
use serde::{Deserialize, Serialize};

use crate::contract::Context;

/// A level: enters at one line, exits at the other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Level {
    /// The lower line.
    pub(super) buy_price: Price,
    /// The upper line.
    pub(super) sell_price: Price,
    /// Base units that it trades.
    pub(super) quantity: Quantity,
    /// Base units that it holds, or has sold short.
    pub(super) held: Quantity,
    /// Closed round trips.
    pub(super) n_round_trips: u64,
    /// Their profit after fees, in quote currency.
    pub(super) realised_pnl: Notional,
    /// Fees so far.
    pub(super) fees: Notional,
    /// The moment from which an order may be tried again after a refusal.
    retry_at: Option<Timestamp>,
    /// True until [`Self::take_change`]: the journal has an older one.
    #[serde(skip)]
    is_changed: bool,
    /// True: buys first.
    is_long: bool,
    /// Cost of the held units (or proceeds of a short), without fees.
    held_value: Notional,
    /// Entry fees of the held units.
    held_fees: Notional,
    order: Option<LevelOrder>,
    since: Timestamp,
    last_reason: Option<String>,
}

/// The open order of a level.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct LevelOrder {
    tag: String,
    is_entry: bool,
}

/// An order that a level wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) side: Side,
    pub(super) quantity: Quantity,
    pub(super) price: Price,
    pub(super) is_entry: bool,
}

impl Level {
    pub(super) fn new(buy_price: Price, sell_price: Price, quantity: Quantity, is_long: bool, now: Timestamp) -> Self {
        Self {
            buy_price,
            sell_price,
            quantity,
            held: Quantity::ZERO,
            n_round_trips: 0,
            realised_pnl: Notional::ZERO,
            fees: Notional::ZERO,
            retry_at: None,
            is_changed: true,
            is_long,
            held_value: Notional::ZERO,
            held_fees: Notional::ZERO,
            order: None,
            since: now,
            last_reason: None,
        }
    }

    /// Returns it with the results of the level whose place it takes: totals of the grid never shrink.
    pub(super) fn after(self, old: &Self) -> Self {
        let Self { n_round_trips, realised_pnl, fees, .. } = old;
        Self { n_round_trips: *n_round_trips, realised_pnl: *realised_pnl, fees: *fees, ..self }
    }

    /// True if it has changed since the last call.
    pub(super) fn take_change(&mut self) -> bool {
        std::mem::take(&mut self.is_changed)
    }

    /// It has another place in the grid.
    pub(super) fn moved(&mut self) {
        self.is_changed = true;
    }

    /// Ends the pause after a refusal.
    pub(super) fn retry_now(&mut self) {
        self.is_changed |= self.retry_at.take().is_some();
    }

    pub(super) fn retry_at(&self) -> Option<Timestamp> {
        self.retry_at
    }

    pub(super) fn order_tag(&self) -> Option<&str> {
        self.order.as_ref().map(|order| order.tag.as_str())
    }

    pub(super) fn has_order(&self, tag: &str) -> bool {
        self.order_tag() == Some(tag)
    }

    /// Returns the order that it should have and has not. An entry waits until its price would rest in the book; a part
    /// that is held is sold before more is bought.
    pub(super) fn wanted(&self, context: &Context) -> Option<Step> {
        if self.order.is_some() || self.retry_at.is_some_and(|at| context.now < at) {
            return None;
        }
        let is_entry = self.held.is_zero();
        let side = if is_entry == self.is_long { Side::Buy } else { Side::Sell };
        let price = match side {
            Side::Buy => self.buy_price,
            Side::Sell => self.sell_price,
        };
        let would_rest = match side {
            Side::Buy => context.best_ask.is_some_and(|ask| price < ask),
            Side::Sell => context.best_bid.is_some_and(|bid| price > bid),
        };
        let quantity = if is_entry { self.quantity } else { self.held };
        (!is_entry || would_rest).then_some(Step { side, quantity, price, is_entry })
    }

    pub(super) fn placed(&mut self, tag: String, is_entry: bool, now: Timestamp) {
        self.order = Some(LevelOrder { tag, is_entry });
        self.is_changed = true;
        self.retry_at = None;
        self.since = now;
    }

    pub(super) fn filled(&mut self, price: Price, quantity: Quantity, fee: Notional, is_done: bool, now: Timestamp) {
        let Some(order) = &self.order else { return };
        self.is_changed = true;
        if order.is_entry {
            self.enter(price, quantity, fee);
        } else {
            self.exit(price, quantity, fee);
        }
        if is_done {
            self.order = None;
            self.since = now;
            self.last_reason = None;
        }
    }

    /// Takes a share of the order that the grid began with.
    pub(super) fn seeded(&mut self, price: Price, quantity: Quantity, fee: Notional, now: Timestamp) {
        self.enter(price, quantity, fee);
        self.is_changed = true;
        self.since = now;
    }

    /// Its order is gone; what it filled stays held, and the level tries again.
    pub(super) fn ended(&mut self, reason: &Refusal, now: Timestamp) {
        self.order = None;
        self.is_changed = true;
        self.since = now;
        self.last_reason = Some(reason.message.clone());
        // A post-only entry came too late: the price decides when it may rest. Anything else needs a pause, or a limit
        // that refuses would be tried at every event.
        let pause = if reason.code == DenyCode::PostOnlyWouldTake { RETRY_SOON } else { RETRY_LATER };
        self.retry_at = Some(now + pause);
    }

    fn enter(&mut self, price: Price, quantity: Quantity, fee: Notional) {
        let value = price.checked_mul(quantity).unwrap_or_default();
        self.held = self.held.checked_add(quantity).unwrap_or(self.held);
        self.held_value = self.held_value.checked_add(value).unwrap_or(self.held_value);
        self.held_fees = self.held_fees.checked_add(fee).unwrap_or(self.held_fees);
        self.fees = self.fees.checked_add(fee).unwrap_or(self.fees);
    }

    fn exit(&mut self, price: Price, quantity: Quantity, fee: Notional) {
        let quantity_held = quantity.min(self.held);
        let part = |of: Notional| of.part(quantity_held, self.held, DECIMALS).unwrap_or_default();
        let (cost, entry_fees) = (part(self.held_value), part(self.held_fees));
        let value = price.checked_mul(quantity).unwrap_or_default();
        let gross = if self.is_long { value.checked_sub(cost) } else { cost.checked_sub(value) };
        let net = gross.and_then(|gross| gross.checked_sub(entry_fees)?.checked_sub(fee));
        let sum = net.and_then(|net| self.realised_pnl.checked_add(net));
        self.realised_pnl = sum.unwrap_or(self.realised_pnl);
        self.held = self.held.checked_sub(quantity_held).unwrap_or_default();
        self.held_value = self.held_value.checked_sub(cost).unwrap_or_default();
        self.held_fees = self.held_fees.checked_sub(entry_fees).unwrap_or_default();
        self.fees = self.fees.checked_add(fee).unwrap_or(self.fees);
        if self.held.is_zero() {
            self.n_round_trips += 1;
        }
    }

    /// Returns the profit of what it holds at `price`, after entry fees; `None` if it does not fit.
    pub(super) fn floating(&self, price: Price) -> Option<Notional> {
        let value = price.checked_mul(self.held)?;
        let gross = if self.is_long { value.checked_sub(self.held_value) } else { self.held_value.checked_sub(value) };
        gross?.checked_sub(self.held_fees)
    }

    pub(super) fn position(&self) -> SignedQuantity {
        if self.is_long { self.held.long() } else { self.held.short() }
    }

    pub(super) fn report(&self) -> LevelReport {
        LevelReport {
            buy_price: self.buy_price,
            sell_price: self.sell_price,
            quantity: self.quantity,
            state: match &self.order {
                None => LevelState::Waiting,
                Some(LevelOrder { is_entry: true, .. }) => LevelState::Entry,
                Some(_) => LevelState::Exit,
            },
            held: self.held,
            since: self.since,
            n_round_trips: self.n_round_trips,
            realised_pnl: self.realised_pnl,
            last_reason: self.last_reason.clone(),
        }
    }
}

/// Decimals of a part of a cost.
const DECIMALS: u32 = 12;
/// A new try of an entry that would have taken: the book has moved by then.
const RETRY_SOON: Duration = Duration::from_secs(1);
/// A new try after any other refusal.
const RETRY_LATER: Duration = Duration::from_secs(10);
