//! The state machine: commands, market updates and time in; records and events out, in [`Effects`].
//!
//! At one moment the market comes first, then what orders do, then strategies, then commands in the order of their
//! arrival; what they cause is settled before the next one. A record is applied to the state as soon as it is made; who
//! runs the desk must put the records on disk before anything is told, and throws the desk away if it cannot.

pub use placing::repeated;

mod excursions;
mod killing;
mod placing;
mod running;
mod watching;

use std::collections::{BTreeMap, VecDeque};

use broker::{Broker, BrokerEvent};
use model::{
    desk_feed::DeskUpdate,
    instrument::{Instrument, InstrumentId},
    time::Timestamp,
    trading::{
        account::{Account, AccountId},
        command::{DeskCommand, DeskReply, OpenAccount},
        order::{Order, OrderId},
        record::{OrderChange, Record},
        refusal::{DenyCode, Refusal},
        strategy::StrategyId,
    },
};
use portfolio::{
    conversion::{LiveRate, Rates},
    exposure::AccountView,
    market::{Mark, Market},
    pair::{Pair, Terms},
    risk::Pace,
    round_trip::RoundTrip,
};
use strategy::contract::Event;

use crate::{
    config::DeskConfig,
    desk::{excursions::Seen, running::Running},
    error::DeskError,
    rows::{DeskEvent, JournalState},
    state::{AccountState, Saved, State},
};

/// The desk.
#[derive(Clone, Debug)]
pub struct Desk {
    config: DeskConfig,
    state: State,
    broker: Broker,
    market: Market,
    instruments: BTreeMap<InstrumentId, std::sync::Arc<Instrument>>,
    running: BTreeMap<StrategyId, Running>,
    /// Events of strategies that wait for their turn.
    turns: VecDeque<(StrategyId, Event)>,
    paces: BTreeMap<AccountId, Pace>,
    effects: Effects,
    /// The kill switch has been set, and its orders are not cancelled yet.
    must_sweep: bool,
    /// Prices traded of each held instrument since its position last changed.
    seen: BTreeMap<InstrumentId, Seen>,
    next_watch: Timestamp,
    next_sample: Timestamp,
    next_prices: Timestamp,
    other_rates: Vec<LiveRate>,
    journal: JournalState,
    is_kill_unwritten: bool,
}

/// Effects of the inputs since the last look.
#[derive(Clone, Debug, Default)]
pub struct Effects {
    /// For the journal, in order.
    pub records: Vec<Record>,
    /// Orders that changed, as they are now.
    pub orders: BTreeMap<OrderId, Order>,
    /// Round trips that ended.
    pub round_trips: Vec<(AccountId, RoundTrip)>,
    /// For the channel `events`, each with the account that it concerns.
    pub events: Vec<(AccountId, DeskEvent)>,
    /// A record that contradicted the state: a fault of this program. Nothing more may be done.
    pub fault: Option<String>,
}

impl Effects {
    /// True where nothing happened.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty() && self.events.is_empty() && self.fault.is_none()
    }
}

impl Desk {
    /// Makes a desk without a past.
    pub fn new(config: DeskConfig) -> Self {
        Self::of_state(config, State::default())
    }

    fn of_state(config: DeskConfig, state: State) -> Self {
        let mut market = Market::default();
        market.rates.parity.clone_from(&config.parity);
        Self {
            broker: Broker::new(config.broker.clone()),
            config,
            state,
            market,
            instruments: BTreeMap::new(),
            running: BTreeMap::new(),
            turns: VecDeque::new(),
            paces: BTreeMap::new(),
            effects: Effects::default(),
            must_sweep: false,
            seen: BTreeMap::new(),
            next_prices: Timestamp::EPOCH,
            next_watch: Timestamp::EPOCH,
            next_sample: Timestamp::EPOCH,
            other_rates: Vec::new(),
            journal: JournalState::OnDisk,
            is_kill_unwritten: false,
        }
    }

    /// Restores a desk: a snapshot, if there is one, and the records after it, then [`Self::start`].
    ///
    /// # Errors
    /// The snapshot cannot be read, or the records contradict one another.
    pub fn restore<'a>(
        config: DeskConfig,
        snapshot: Option<Saved>,
        records: impl IntoIterator<Item = &'a Record>,
    ) -> Result<Self, DeskError> {
        let state = snapshot.map(State::read).transpose()?.unwrap_or_default();
        let mut desk = Self::of_state(config, state);
        desk.replay(records)?;
        Ok(desk)
    }

    /// Takes more records of the journal in, before [`Self::start`].
    ///
    /// # Errors
    /// The records contradict one another.
    pub fn replay<'a>(&mut self, records: impl IntoIterator<Item = &'a Record>) -> Result<(), DeskError> {
        for record in records {
            self.state.apply(record)?;
        }
        Ok(())
    }

    /// Sets the live rates between currencies that its own instruments do not give.
    pub fn set_rates(&mut self, rates: Vec<LiveRate>) {
        self.other_rates = rates;
    }

    /// Takes from who runs it whether records reach the disk, and whether a kill switch that is set has.
    pub fn set_journal(&mut self, journal: JournalState, is_kill_unwritten: bool) {
        self.journal = journal;
        self.is_kill_unwritten = is_kill_unwritten;
    }

    pub(crate) fn journal(&self) -> JournalState {
        self.journal
    }

    pub(crate) fn is_kill_unwritten(&self) -> bool {
        self.is_kill_unwritten
    }

    /// Begins to trade: opens the default account at the first start; afterwards flags what was open while the desk was
    /// down, and lets strategies go on.
    pub fn start(&mut self, now: Timestamp) {
        let is_first = self.state.accounts.is_empty();
        for (id, instrument) in self.state.instruments.clone() {
            self.add_instrument(id, instrument.into());
        }
        if is_first {
            let account = self.config.default_account.clone();
            self.open_account(account, now);
        } else {
            self.emit(Record::Restarted { time: now });
            for gap in self.state.gaps(now) {
                self.emit(gap);
            }
        }
        for order in self.state.orders.values() {
            self.broker.restore(order.clone(), now);
        }
        for account in self.state.accounts.values() {
            for (instrument, position) in account.ledger.positions() {
                self.broker.set_position(&account.account.account, instrument, position.quantity());
            }
        }
        self.restore_strategies();
        self.must_sweep = self.state.kill.is_some();
        self.advance(now);
    }

    /// Returns the state, for lists and tests.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Returns the broker, for tickets: queue positions, previews.
    pub fn broker(&self) -> &Broker {
        &self.broker
    }

    /// Returns the settings of how orders fill.
    pub(crate) fn broker_config(&self) -> &broker::BrokerConfig {
        &self.config.broker
    }

    /// Returns the state as JSON, the body of what it can start from.
    pub fn snapshot(&self) -> String {
        serde_json::to_string(&self.state).expect("invariant: keys are texts")
    }

    /// Takes the effects of the inputs so far.
    pub fn take_effects(&mut self) -> Effects {
        std::mem::take(&mut self.effects)
    }

    /// Makes an instrument known, or its new steps and status.
    pub fn list(&mut self, instrument: std::sync::Arc<Instrument>) {
        self.add_instrument(instrument.id.clone(), instrument);
    }

    fn add_instrument(&mut self, id: InstrumentId, instrument: std::sync::Arc<Instrument>) {
        let fees = self.config.broker.fees_of(id.venue());
        self.market.terms.insert(id.clone(), Terms { pair: Pair::from(&*instrument), fees });
        self.broker.list(instrument.clone());
        self.instruments.insert(id, instrument);
    }

    /// Returns the instruments that the desk must see: those with orders, positions or running strategies.
    pub fn followed(&self) -> Vec<InstrumentId> {
        let mut followed: Vec<InstrumentId> = self.state.instruments_with_orders().cloned().collect();
        for account in self.state.accounts.values() {
            let held = account.ledger.positions().iter().filter(|(_, position)| !position.quantity().is_zero());
            followed.extend(held.map(|(instrument, _)| instrument.clone()));
        }
        followed.extend(self.running.values().map(|running| running.instrument.id.clone()));
        followed.sort();
        followed.dedup();
        followed
    }

    /// Takes a command in.
    ///
    /// # Errors
    /// Why it is refused; nothing was done then.
    pub fn command(&mut self, command: DeskCommand, now: Timestamp) -> Result<DeskReply, Refusal> {
        let reply = match command {
            DeskCommand::PlaceOrder(request) => self.place(*request, None, now),
            DeskCommand::CancelOrder(cancel) => self.cancel(&cancel, now),
            DeskCommand::AmendOrder(amend) => self.amend(amend, now),
            DeskCommand::CancelAll(cancel) => self.cancel_all(&cancel, now),
            DeskCommand::ClosePosition(close) => self.close_position(&close, now),
            DeskCommand::SetLimits(set) => self.set_limits(set, now),
            DeskCommand::LiftReduceOnly(lift) => self.lift_reduce_only(lift.account, now),
            DeskCommand::Kill(kill) => self.kill(kill, now),
            DeskCommand::LiftKill(lift) => self.lift_kill(&lift, now),
            DeskCommand::StartStrategy(start) => self.start_strategy(*start, now),
            DeskCommand::PauseStrategy(one) => self.pause_strategy(&one, now),
            DeskCommand::ResumeStrategy(one) => self.resume_strategy(&one, now),
            DeskCommand::StopStrategy(stop) => self.stop_strategy(stop, now),
            DeskCommand::OpenAccount(open) => self.open_another(open, now),
        };
        self.settle(now);
        // The answer tells how things are after what the command caused.
        reply.map(|reply| self.refreshed(reply))
    }

    /// Takes an update of an instrument's market in.
    pub fn update(&mut self, instrument: &InstrumentId, update: &DeskUpdate, now: Timestamp) {
        self.broker.update(instrument, update, now);
        self.see(instrument, update);
        self.drain_broker();
        self.tell_market(instrument, update);
        self.settle(now);
    }

    /// Lets time pass: orders arrive and expire, equity is looked at, strategies wake.
    pub fn advance(&mut self, now: Timestamp) {
        self.broker.advance(now);
        self.drain_broker();
        if self.must_sweep {
            self.sweep(now);
        }
        self.wake(now);
        if now >= self.next_watch {
            self.watch(now);
        }
        self.settle(now);
    }

    /// Returns when [`Self::advance`] has something to do.
    pub fn deadline(&self) -> Timestamp {
        let timers = self.running.values().filter_map(|running| running.wake_at);
        timers.chain(self.broker.deadline()).fold(self.next_watch, Timestamp::min)
    }

    /// Applies a record to the state and keeps it for the journal.
    fn emit(&mut self, record: Record) {
        if self.effects.fault.is_some() {
            return;
        }
        match self.state.apply(&record) {
            Ok(effect) => {
                if let Some(order) = effect.order {
                    self.effects.orders.insert(order.order_id, order);
                }
                self.effects.round_trips.extend(effect.round_trip.clone());
                self.tell(&record, effect.round_trip);
                self.effects.records.push(record);
            }
            Err(error) => self.effects.fault = Some(error.to_string()),
        }
    }

    /// Makes records of what the broker did, and keeps strategies informed.
    fn drain_broker(&mut self) {
        for event in self.broker.drain() {
            let order_id = event.order_id();
            let strategy = self.state.orders.get(&order_id).and_then(|order| order.strategy.clone());
            match event {
                BrokerEvent::Changed { order_id, time, change } => {
                    let ended = match &change {
                        OrderChange::Cancelled(reason) | OrderChange::Rejected(reason) => Some(reason.clone()),
                        OrderChange::Expired => Some(Refusal::new(DenyCode::Expired, "The order's time passed")),
                        _ => None,
                    };
                    self.emit(Record::OrderChanged { order_id, time, change });
                    if let Some((strategy, reason)) = strategy.zip(ended) {
                        self.strategy_order_ended(strategy, order_id, reason);
                    }
                }
                BrokerEvent::Filled(fill) => {
                    self.prices_seen(&fill.instrument, fill.time);
                    self.seen.remove(&fill.instrument);
                    self.emit(Record::Filled(Box::new(fill.clone())));
                    if let Some(strategy) = strategy {
                        self.strategy_order_filled(strategy, &fill);
                    }
                }
            }
        }
    }

    /// Works off what strategies have to be told, and what that causes, until nothing is left.
    fn settle(&mut self, now: Timestamp) {
        self.drain_broker();
        for _ in 0..MAX_TURNS {
            let Some((strategy_id, event)) = self.turns.pop_front() else { return };
            self.run_strategy(&strategy_id, &event, now);
            self.drain_broker();
        }
        // A strategy that answers each event with another order is stopped, not followed for ever.
        if let Some((strategy_id, _)) = self.turns.pop_front() {
            self.turns.clear();
            let reason = Refusal::new(DenyCode::BadStrategy, "the strategy placed orders without end at one moment");
            self.end_strategy(&strategy_id, reason, model::trading::strategy::StopChoice::Cancel, now);
        }
    }

    fn open_account(&mut self, open: OpenAccount, now: Timestamp) -> Account {
        let OpenAccount { account, kind, currency, start, max_leverage, time_zone } = open;
        let max_leverage = max_leverage.max(1);
        let opened = Account { account, kind, currency, start, max_leverage, time_zone, opened_time: now };
        self.emit(Record::AccountOpened(opened.clone()));
        let limits = self.config.default_limits.clone();
        self.emit(Record::LimitsSet { account: opened.account.clone(), limits });
        opened
    }

    /// Returns the account that is meant.
    pub(crate) fn account_of(&self, account: Option<&AccountId>) -> Result<&AccountState, Refusal> {
        let name = account.unwrap_or(&self.config.default_account.account);
        self.state.accounts.get(name).ok_or_else(|| {
            let known: Vec<&str> = self.state.accounts.keys().map(AccountId::as_str).collect();
            let message = format!("unknown account {name}; known are {}", known.join(", "));
            Refusal::new(DenyCode::UnknownAccount, message)
        })
    }

    pub(crate) fn listed(&self, id: &InstrumentId) -> Option<&Instrument> {
        self.instruments.get(id).map(|listed| &**listed)
    }

    pub(crate) fn fees(&self, id: &InstrumentId) -> model::trading::account::FeeRates {
        self.config.broker.fees_of(id.venue())
    }

    /// Calls `look` with an account, its open orders and the market.
    pub(crate) fn view<T>(&self, account: &AccountState, look: impl FnOnce(&AccountView<'_>) -> T) -> T {
        let AccountState { account, ledger, .. } = account;
        let claims = self.state.claims(&account.account).expect("invariant: every account has claims");
        look(&AccountView { account, ledger, claims: claims.view(), market: &self.market })
    }

    pub(crate) fn rates(&self) -> &Rates {
        &self.market.rates
    }

    /// Returns an account's orders of the last second.
    pub(crate) fn pace(&self, account: &AccountId) -> Pace {
        self.paces.get(account).cloned().unwrap_or_default()
    }

    /// Takes prices out of an update.
    fn see(&mut self, instrument: &InstrumentId, update: &DeskUpdate) {
        let summary = self.broker.market(instrument);
        let mark = summary.map_or_else(Mark::default, |summary| Mark {
            bid: summary.best_bid.map(|level| level.price),
            ask: summary.best_ask.map(|level| level.price),
            last: summary.last,
        });
        match self.market.marks.get_mut(instrument) {
            Some(known) => *known = mark,
            None => drop(self.market.marks.insert(instrument.clone(), mark)),
        }
        if let (DeskUpdate::Trade(_), Some(price)) = (update, mark.last) {
            self.see_trade(instrument, price);
        }
    }

    fn refreshed(&self, reply: DeskReply) -> DeskReply {
        let newest = |order: Order| self.state.order(order.order_id).cloned().unwrap_or(order);
        match reply {
            DeskReply::Order(order) => DeskReply::Order(Box::new(newest(*order))),
            DeskReply::Repeated(order) => DeskReply::Repeated(Box::new(newest(*order))),
            DeskReply::Orders(orders) => DeskReply::Orders(orders.into_iter().map(newest).collect()),
            other => other,
        }
    }
}

/// Events of strategies that are worked off at one moment: far more than a grid of 200 levels causes.
const MAX_TURNS: usize = 10_000;
