//! Compares the state with the lists of orders and fills, which are kept beside the journal: two records of the same
//! things that must agree to the last digit.
//!
//! The fills are folded again from the first one; cash, fees and positions must come out as the state has them, every fill
//! must have its order, and the fills of an order must add up to what it says. Nothing is corrected: a difference is named.
//! Not here: reading the lists (the runner).

use std::collections::BTreeMap;

use model::{
    decimal::Quantity,
    trading::{
        account::AccountId,
        fill::Fill,
        order::{Order, OrderId},
    },
};
use portfolio::{ledger::Ledger, pair::Pair};

use crate::{desk::Desk, rows::EventKind, state::State};

/// Two records of one thing that differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// The account that it concerns.
    pub account: AccountId,
    /// Item that differs (`position in demo:AAABBB`).
    pub what: String,
    /// Value in the state.
    pub expected: String,
    /// Value in the lists.
    pub found: String,
}

/// A comparison under way: first all fills in the order in which they happened, then all orders.
#[derive(Debug)]
pub struct Reconciliation<'a> {
    state: &'a State,
    ledgers: BTreeMap<AccountId, Ledger>,
    filled: BTreeMap<OrderId, Filled>,
    n_open: usize,
    mismatches: Vec<Mismatch>,
}

#[derive(Debug)]
struct Filled {
    account: AccountId,
    n_fills: u32,
    /// `None`: it does not fit.
    quantity: Option<Quantity>,
}

impl<'a> Reconciliation<'a> {
    /// Begins a comparison with a state.
    pub fn of(state: &'a State) -> Self {
        let ledgers = state.accounts.iter().map(|(name, own)| (name.clone(), Ledger::open(&own.account)));
        Self { state, ledgers: ledgers.collect(), filled: BTreeMap::new(), n_open: 0, mismatches: Vec::new() }
    }

    /// Takes the next fill of the list.
    pub fn fill(&mut self, fill: &Fill) {
        let what = || format!("fill {}", fill.fill_id);
        let none = Filled { account: fill.account.clone(), n_fills: 0, quantity: Some(Quantity::ZERO) };
        let filled = self.filled.entry(fill.order_id).or_insert(none);
        filled.n_fills += 1;
        filled.quantity = filled.quantity.and_then(|sum| sum.checked_add(fill.quantity));
        let Some(ledger) = self.ledgers.get_mut(&fill.account) else {
            return self.differ(&fill.account, what(), "no such account", "a fill of it");
        };
        let Some(instrument) = self.state.instruments.get(&fill.instrument) else {
            return self.differ(&fill.account, what(), "no such instrument", &fill.instrument.to_string());
        };
        if let Err(error) = ledger.apply(fill, &Pair::from(instrument)) {
            self.differ(&fill.account, what(), "a fill that can be booked", &error.to_string());
        }
    }

    /// Takes the next order of the list.
    pub fn order(&mut self, order: &Order) {
        let what = || format!("order {}", order.order_id);
        let none = (0, Some(Quantity::ZERO));
        let listed = self.filled.remove(&order.order_id).map_or(none, |filled| (filled.n_fills, filled.quantity));
        if listed != (order.n_fills, Some(order.filled)) {
            let (expected, found) = (fills(order.n_fills, Some(order.filled)), fills(listed.0, listed.1));
            self.differ(&order.account, what(), &expected, &found);
        }
        let known = self.state.orders.get(&order.order_id);
        self.n_open += usize::from(known.is_some());
        match known {
            Some(known) if known != order => {
                self.differ(&order.account, what(), &summary(known), &summary(order));
            }
            None if order.state.is_open() => self.differ(&order.account, what(), "ended", order.state.as_str()),
            _ => {}
        }
    }

    /// Ends the comparison; empty: everything agrees.
    pub fn finish(mut self) -> Vec<Mismatch> {
        for (order_id, filled) in std::mem::take(&mut self.filled) {
            let found = format!("{} without an order", fills(filled.n_fills, filled.quantity));
            self.differ(&filled.account, format!("order {order_id}"), "an order for each fill", &found);
        }
        let n_known = self.state.orders.len();
        if self.n_open != n_known
            && let Some(first) = self.state.orders.values().next()
        {
            let (expected, found) = (n_known.to_string(), self.n_open.to_string());
            self.differ(&first.account, "number of open orders".to_owned(), &expected, &found);
        }
        for (name, listed) in std::mem::take(&mut self.ledgers) {
            if let Some(known) = self.state.accounts.get(&name) {
                self.compare(&name, &known.ledger, &listed);
            }
        }
        self.mismatches
    }

    fn compare(&mut self, name: &AccountId, known: &Ledger, listed: &Ledger) {
        let counts = (known.n_fills().to_string(), listed.n_fills().to_string());
        let mut pairs = vec![("number of fills".to_owned(), counts.0, counts.1)];
        for (what, known, listed) in [("cash", known.cash(), listed.cash()), ("fees", known.fees(), listed.fees())] {
            for currency in known.keys().chain(listed.keys()) {
                let amount = |amounts: &BTreeMap<_, model::decimal::Notional>| {
                    amounts.get(currency).copied().unwrap_or_default().to_string()
                };
                pairs.push((format!("{what} in {currency}"), amount(known), amount(listed)));
            }
        }
        for instrument in known.positions().keys().chain(listed.positions().keys()) {
            let position = |ledger: &Ledger| {
                ledger.position(instrument).map_or_else(
                    || "none".to_owned(),
                    |position| {
                        let (quantity, cost) = (position.quantity(), position.cost());
                        format!("{quantity} at a cost of {cost}, {} realised", position.realised_pnl())
                    },
                )
            };
            pairs.push((format!("position in {instrument}"), position(known), position(listed)));
        }
        for (what, expected, found) in pairs {
            if expected != found {
                self.differ(name, what, &expected, &found);
            }
        }
    }

    fn differ(&mut self, account: &AccountId, what: String, expected: &str, found: &str) {
        let (expected, found) = (expected.to_owned(), found.to_owned());
        let mismatch = Mismatch { account: account.clone(), what, expected, found };
        if !self.mismatches.contains(&mismatch) {
            self.mismatches.push(mismatch);
        }
    }
}

impl Desk {
    /// Tells the channel `events` of a difference between state and lists.
    pub fn report(&mut self, mismatch: &Mismatch) {
        let Mismatch { account, what, expected, found } = mismatch.clone();
        self.tell_event(account, EventKind::ReconciliationMismatch { what, expected, found });
    }
}

fn fills(n_fills: u32, quantity: Option<Quantity>) -> String {
    match quantity {
        Some(quantity) => format!("{n_fills} fills of {quantity} in all"),
        None => format!("{n_fills} fills that do not add up"),
    }
}

fn summary(order: &Order) -> String {
    let Order { state, side, quantity, instrument, filled, .. } = order;
    format!("{} {side} {quantity} {instrument}, {filled} filled", state.as_str())
}
