//! The state of the desk: a fold over the records of its journal, and nothing else.

use std::collections::{BTreeMap, VecDeque};

use model::{
    decimal::Notional,
    instrument::{Instrument, InstrumentId},
    time::Timestamp,
    trading::{
        account::{Account, AccountId, RiskLimits},
        fill::Fill,
        order::{ClientOrderId, Order, OrderId},
        record::{OrderChange, Record},
        strategy::{StrategyEntry, StrategyId},
    },
};
use portfolio::{
    claims::Claims,
    ledger::{Applied, Ledger},
    pair::Pair,
    round_trip::RoundTrip,
    standing::Standing,
};
use serde::{Deserialize, Serialize};

use crate::error::DeskError;

/// The version of a snapshot's form. One of another version is not read; the journal is.
pub const SNAPSHOT_FORM: i64 = 2;

/// A state as it was kept, to start from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Saved {
    /// The state as JSON, in the form [`SNAPSHOT_FORM`].
    pub body: String,
    /// The closed round trips of all accounts, oldest first: at least those before the snapshot, which it does not hold.
    pub round_trips: Vec<(AccountId, RoundTrip)>,
}

/// Everything that the desk remembers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// Accounts by name.
    pub accounts: BTreeMap<AccountId, AccountState>,
    /// Open orders.
    pub orders: BTreeMap<OrderId, Order>,
    /// The newest orders that have ended, oldest first, at most [`N_ENDED`].
    pub ended: VecDeque<Order>,
    /// Orders accepted so far.
    pub n_orders: u64,
    /// Traded instruments, as last listed.
    pub instruments: BTreeMap<InstrumentId, Instrument>,
    /// Strategies by name, those that ended included.
    pub strategies: BTreeMap<StrategyId, StrategyEntry>,
    /// The kill switch, while it is set.
    pub kill: Option<KillSwitch>,
    /// Events told so far: the numbers of the channel `events`.
    pub n_events: u64,
    /// The orders above by account and name.
    #[serde(skip)]
    names: BTreeMap<(AccountId, ClientOrderId), OrderId>,
    /// Totals of the open orders of each account.
    #[serde(skip)]
    claims: BTreeMap<AccountId, Claims>,
}

/// The kill switch while it is set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct KillSwitch {
    /// Why, in words.
    pub reason: String,
    /// Time at which it was set.
    pub time: Timestamp,
    /// True if it closes positions, too.
    pub flatten: bool,
}

/// One account.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AccountState {
    /// Its settings.
    pub account: Account,
    /// Risk limits of the account.
    pub limits: RiskLimits,
    /// Ledger of the account.
    pub ledger: Ledger,
    /// Its day, its peak, and whether it may only reduce.
    pub standing: Standing,
    /// Its newest fills, each with its number in the channel `trades`, oldest first, at most [`N_FILLS`].
    pub fills: VecDeque<(u64, Fill)>,
    /// Its equity at regular moments, oldest first, at most [`N_SAMPLES`].
    pub samples: VecDeque<(Timestamp, Notional)>,
}

/// Effects of a record besides the change of the state.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Effect {
    /// The order that changed, as it is now.
    pub order: Option<Order>,
    /// The round trip that ended.
    pub round_trip: Option<(AccountId, RoundTrip)>,
}

impl State {
    /// Takes a record in.
    ///
    /// # Errors
    /// The record cannot follow this state; the state is as before.
    pub fn apply(&mut self, record: &Record) -> Result<Effect, DeskError> {
        let mut effect = Effect::default();
        match record {
            Record::AccountOpened(account) => {
                let opened = AccountState {
                    account: account.clone(),
                    limits: RiskLimits::default(),
                    ledger: Ledger::open(account),
                    standing: Standing::new(account.account.clone()),
                    fills: VecDeque::new(),
                    samples: VecDeque::new(),
                };
                self.accounts.insert(account.account.clone(), opened);
                self.claims.insert(account.account.clone(), Claims::default());
            }
            Record::InstrumentListed(instrument) => {
                self.instruments.insert(instrument.id.clone(), (**instrument).clone());
            }
            Record::LimitsSet { account, limits } => self.account_mut(account)?.limits = limits.clone(),
            Record::OrderAccepted(order) => {
                self.n_orders = self.n_orders.max(order.order_id.0);
                self.names.insert(name_of(order), order.order_id);
                self.put(order);
                effect.order = Some((**order).clone());
            }
            Record::OrderChanged { order_id, time, change } => {
                let mut order = self.orders.get(order_id).cloned().ok_or(DeskError::NoOrder(*order_id))?;
                order.apply(change, *time);
                self.put(&order);
                effect.order = Some(order);
            }
            Record::Filled(fill) => effect = self.book(fill)?,
            Record::PricesSeen { instrument, low, high, .. } => {
                for account in self.accounts.values_mut() {
                    account.ledger.mark(instrument, *low);
                    account.ledger.mark(instrument, *high);
                }
            }
            Record::DayBegan { account, .. } | Record::ReduceOnly { account, .. } => {
                self.account_mut(account)?.standing.apply(record);
            }
            Record::EquitySampled { account, time, equity } => {
                let account = self.account_mut(account)?;
                account.standing.apply(record);
                account.samples.push_back((*time, *equity));
                let n_surplus = account.samples.len().saturating_sub(N_SAMPLES);
                account.samples.drain(..n_surplus);
            }
            Record::KillSwitch { is_on: false, .. } => self.kill = None,
            Record::KillSwitch { is_on: true, reason, time, flatten } => {
                self.kill = Some(KillSwitch { reason: reason.clone(), time: *time, flatten: *flatten });
            }
            Record::StrategyChanged(entry) => {
                let known = self.strategies.get_mut(&entry.strategy_id);
                let memory = known.map(|known| std::mem::take(&mut known.memory)).unwrap_or_default();
                self.strategies.insert(entry.strategy_id.clone(), StrategyEntry { memory, ..(**entry).clone() });
            }
            Record::StrategyRemembered { strategy_id, parts } => {
                let entry = self.strategies.get_mut(strategy_id);
                let memory = &mut entry.ok_or_else(|| DeskError::NoStrategy(strategy_id.clone()))?.memory;
                for (name, part) in parts {
                    match part {
                        Some(part) => drop(memory.insert(name.clone(), part.clone())),
                        None => drop(memory.remove(name)),
                    }
                }
            }
            Record::Restarted { .. } => {}
        }
        Ok(effect)
    }

    fn book(&mut self, fill: &Fill) -> Result<Effect, DeskError> {
        let instrument = self.instruments.get(&fill.instrument).ok_or(DeskError::NoInstrument(fill.order_id))?;
        let pair = Pair::from(instrument);
        let order = self.orders.get(&fill.order_id).ok_or(DeskError::NoOrder(fill.order_id))?;
        let mut filled = order.clone();
        filled.apply_fill(fill)?;
        let account = self.account_mut(&fill.account)?;
        let applied = account.ledger.apply(fill, &pair)?;
        let number = account.fills.back().map_or(1, |(number, _)| number + 1);
        account.fills.push_back((number, fill.clone()));
        let n_surplus = account.fills.len().saturating_sub(N_FILLS);
        account.fills.drain(..n_surplus);
        self.put(&filled);
        let round_trip = match applied {
            Applied::Booked(booked) => booked.round_trip.map(|trip| (fill.account.clone(), trip)),
            Applied::Duplicate => None,
        };
        Ok(Effect { order: Some(filled), round_trip })
    }

    /// Keeps an order as it is now: among the open ones, or among those that have ended.
    fn put(&mut self, order: &Order) {
        if let Some(claims) = self.claims.get_mut(&order.account) {
            claims.put(order);
        }
        if order.state.is_open() {
            self.orders.insert(order.order_id, order.clone());
        } else {
            self.orders.remove(&order.order_id);
            if let Some(account) = self.accounts.get_mut(&order.account) {
                account.ledger.forget(order.order_id);
            }
            self.ended.push_back(order.clone());
            let n_surplus = self.ended.len().saturating_sub(N_ENDED);
            for old in self.ended.drain(..n_surplus) {
                self.names.remove(&name_of(&old));
            }
        }
    }

    fn account_mut(&mut self, account: &AccountId) -> Result<&mut AccountState, DeskError> {
        self.accounts.get_mut(account).ok_or_else(|| DeskError::NoAccount(account.clone()))
    }

    /// Returns an order that is open or ended not long ago.
    pub fn order(&self, order_id: OrderId) -> Option<&Order> {
        self.orders.get(&order_id).or_else(|| self.ended.iter().rev().find(|order| order.order_id == order_id))
    }

    /// Returns what the open orders of an account add up to; `None` for an account that is not there.
    pub fn claims(&self, account: &AccountId) -> Option<&Claims> {
        self.claims.get(account)
    }

    /// Returns the instruments with open orders, of one account after the other.
    pub(crate) fn instruments_with_orders(&self) -> impl Iterator<Item = &InstrumentId> {
        self.claims.values().flat_map(Claims::instruments)
    }

    /// Returns the order of a name, if it is open or ended not long ago.
    pub fn order_named(&self, account: &AccountId, client_order_id: &ClientOrderId) -> Option<&Order> {
        let order_id = self.names.get(&(account.clone(), client_order_id.clone()))?;
        self.order(*order_id)
    }

    /// Reads a snapshot.
    ///
    /// # Errors
    /// It is no snapshot of this form, or its round trips are missing.
    pub fn read(saved: Saved) -> Result<Self, DeskError> {
        let mut state: Self = serde_json::from_str(&saved.body)?;
        let mut round_trips: BTreeMap<AccountId, Vec<RoundTrip>> = BTreeMap::new();
        for (account, trip) in saved.round_trips {
            round_trips.entry(account).or_default().push(trip);
        }
        for (name, account) in &mut state.accounts {
            if !account.ledger.restore_round_trips(round_trips.remove(name).unwrap_or_default()) {
                return Err(DeskError::RoundTripsMissing(name.clone()));
            }
        }
        let orders = state.orders.values().chain(&state.ended);
        state.names = orders.map(|order| (name_of(order), order.order_id)).collect();
        let claims = |name: &AccountId| Claims::of_orders(state.orders.values().filter(|order| order.account == *name));
        state.claims = state.accounts.keys().map(|name| (name.clone(), claims(name))).collect();
        Ok(state)
    }

    /// Returns the record of a gap for each open order: the server was down.
    pub fn gaps(&self, time: Timestamp) -> Vec<Record> {
        let gap = |order_id: &OrderId| Record::OrderChanged { order_id: *order_id, time, change: OrderChange::Gap };
        self.orders.keys().map(gap).collect()
    }
}

fn name_of(order: &Order) -> (AccountId, ClientOrderId) {
    (order.account.clone(), order.client_order_id.clone())
}

/// Ended orders that the desk keeps at hand; older ones are in the store.
pub const N_ENDED: usize = 1_000;
/// Fills of an account that are published; older ones are in the store.
pub const N_FILLS: usize = 100;
/// Samples of an account's equity at hand: a quarter of an hour apart, three months.
pub const N_SAMPLES: usize = 10_000;
