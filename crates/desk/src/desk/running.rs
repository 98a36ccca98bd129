//! Strategies at work: their events, and what becomes of what they intend.

use std::{collections::BTreeMap, sync::Arc};

use model::{
    desk_feed::DeskUpdate,
    instrument::{Instrument, InstrumentId},
    time::Timestamp,
    trading::{
        account::AccountId,
        command::{DeskReply, OneStrategy, StartStrategy, StopStrategy},
        fill::Fill,
        order::{ClientOrderId, OrderId, OrderRequest, Side, TimeInForce, TriggerSource},
        record::Record,
        refusal::{DenyCode, Refusal},
        strategy::{StopChoice, StrategyEntry, StrategyId, StrategyReport, StrategyState},
    },
};
use strategy::{
    contract::{Context, Event, Intent},
    registry::AnyStrategy,
};

use crate::{
    desk::Desk,
    rows::{DeskEvent, EventKind},
};

/// A strategy that has not stopped.
#[derive(Clone, Debug)]
pub(super) struct Running {
    pub(super) instrument: Arc<Instrument>,
    pub(super) wake_at: Option<Timestamp>,
    account: AccountId,
    strategy: AnyStrategy,
    is_paused: bool,
    /// The best prices that it was told last.
    told: (Option<model::decimal::Price>, Option<model::decimal::Price>),
}

impl Desk {
    pub(super) fn start_strategy(&mut self, start: StartStrategy, now: Timestamp) -> Result<DeskReply, Refusal> {
        let StartStrategy { strategy_id, kind, account, instrument, settings } = start;
        let account = self.account_of(account.as_ref())?.account.account.clone();
        if self.state.strategies.contains_key(&strategy_id) {
            let message = format!("there is a strategy {strategy_id} already; choose another name");
            return Err(Refusal::new(DenyCode::BadStrategy, message));
        }
        if let Some(kill) = &self.state.kill {
            let message = format!("the kill switch is set ({}); lift it first", kill.reason);
            return Err(Refusal::new(DenyCode::KillSwitch, message));
        }
        let instrument = self.instruments.get(&instrument).cloned().ok_or_else(|| {
            Refusal::new(DenyCode::UnknownInstrument, format!("{instrument} is not followed; follow it first"))
        })?;
        let settings = settings.to_string();
        let made = self.make(&kind, &settings, &BTreeMap::new(), &instrument)?;
        let is_waiting = made.as_strategy().is_waiting();
        let entry = StrategyEntry {
            strategy_id: strategy_id.clone(),
            kind,
            account: account.clone(),
            instrument: instrument.id.clone(),
            settings,
            state: if is_waiting { StrategyState::Waiting } else { StrategyState::Running },
            memory: BTreeMap::new(),
            reason: None,
            started_time: now,
        };
        if self.state.instruments.get(&instrument.id) != Some(&*instrument) {
            self.emit(Record::InstrumentListed(Box::new((*instrument).clone())));
        }
        self.emit(Record::StrategyChanged(Box::new(entry.clone())));
        self.running.insert(strategy_id.clone(), Running::new(instrument, account, made));
        self.turns.push_back((strategy_id.clone(), Event::Started));
        self.settle(now);
        Ok(DeskReply::Strategy(Box::new(self.state.strategies.get(&strategy_id).cloned().unwrap_or(entry))))
    }

    /// Makes the strategies that had not stopped when the desk did.
    pub(super) fn restore_strategies(&mut self) {
        let live = |entry: &&StrategyEntry| is_live(entry.state);
        let entries: Vec<StrategyEntry> = self.state.strategies.values().filter(live).cloned().collect();
        for entry in entries {
            let Some(instrument) = self.instruments.get(&entry.instrument).cloned() else { continue };
            match self.make(&entry.kind, &entry.settings, &entry.memory, &instrument) {
                Ok(made) => {
                    let mut running = Running::new(instrument, entry.account.clone(), made);
                    running.is_paused = entry.state == StrategyState::Paused;
                    self.running.insert(entry.strategy_id, running);
                }
                Err(reason) => {
                    let ended = StrategyEntry { state: StrategyState::Ended, reason: Some(reason), ..entry };
                    self.emit(Record::StrategyChanged(Box::new(ended)));
                }
            }
        }
    }

    fn make(
        &self,
        kind: &str,
        settings: &str,
        memory: &BTreeMap<String, String>,
        instrument: &Instrument,
    ) -> Result<AnyStrategy, Refusal> {
        let fees = self.config.broker.fees_of(instrument.id.venue());
        AnyStrategy::create(kind, settings, memory, instrument, fees)
    }

    pub(super) fn pause_strategy(&mut self, one: &OneStrategy, now: Timestamp) -> Result<DeskReply, Refusal> {
        let strategy_id = &one.strategy_id;
        let entry = self.entry_in(one, &[StrategyState::Running, StrategyState::Waiting], "paused")?;
        if let Some(running) = self.running.get_mut(strategy_id) {
            running.is_paused = true;
        }
        self.cancel_orders_of(strategy_id, "its strategy was paused", now);
        Ok(self.changed(StrategyEntry { state: StrategyState::Paused, ..entry }))
    }

    pub(super) fn resume_strategy(&mut self, one: &OneStrategy, now: Timestamp) -> Result<DeskReply, Refusal> {
        let strategy_id = &one.strategy_id;
        let entry = self.entry_in(one, &[StrategyState::Paused], "resumed")?;
        let Some(running) = self.running.get_mut(strategy_id) else {
            return Err(Refusal::new(DenyCode::StrategyState, format!("the strategy {strategy_id} cannot go on")));
        };
        running.is_paused = false;
        let is_waiting = running.strategy.as_strategy().is_waiting();
        let state = if is_waiting { StrategyState::Waiting } else { StrategyState::Running };
        let reply = self.changed(StrategyEntry { state, ..entry });
        self.turns.push_back((strategy_id.clone(), Event::Resumed));
        self.settle(now);
        Ok(reply)
    }

    pub(super) fn stop_strategy(&mut self, stop: StopStrategy, now: Timestamp) -> Result<DeskReply, Refusal> {
        let StopStrategy { account, strategy_id, choice } = stop;
        let states = [StrategyState::Running, StrategyState::Waiting, StrategyState::Paused];
        let one = OneStrategy { account, strategy_id };
        let entry = self.entry_in(&one, &states, "stopped")?;
        self.wind_up(&one.strategy_id, choice, now);
        Ok(self.changed(StrategyEntry { state: StrategyState::Stopped, ..entry }))
    }

    /// Ends a strategy by itself.
    pub(super) fn end_strategy(
        &mut self,
        strategy_id: &StrategyId,
        reason: Refusal,
        choice: StopChoice,
        now: Timestamp,
    ) {
        self.wind_up(strategy_id, choice, now);
        if let Some(entry) = self.state.strategies.get(strategy_id).filter(|entry| is_live(entry.state)).cloned() {
            self.changed(StrategyEntry { state: StrategyState::Ended, reason: Some(reason), ..entry });
        }
    }

    /// Ends all strategies, leaving their orders to whoever cancels everything.
    pub(super) fn halt_strategies(&mut self, reason: &Refusal, now: Timestamp) {
        let ids: Vec<StrategyId> = self.running.keys().cloned().collect();
        for strategy_id in ids {
            self.end_strategy(&strategy_id, reason.clone(), StopChoice::Keep, now);
        }
    }

    fn wind_up(&mut self, strategy_id: &StrategyId, choice: StopChoice, now: Timestamp) {
        let Some(running) = self.running.remove(strategy_id) else { return };
        self.turns.retain(|(other, _)| other != strategy_id);
        if choice == StopChoice::Keep {
            return;
        }
        self.cancel_orders_of(strategy_id, "its strategy was stopped", now);
        let held = running.strategy.as_strategy().report(None).position;
        if choice == StopChoice::Flatten && !held.is_zero() {
            let side = if held.is_negative() { Side::Buy } else { Side::Sell };
            let request = self.market_order("flatten", &running.instrument.id, side, held.size());
            self.accept(request, running.account, None, now);
        }
    }

    fn cancel_orders_of(&mut self, strategy_id: &StrategyId, why: &str, now: Timestamp) {
        let own = self.state.orders.values().filter(|order| order.strategy.as_ref() == Some(strategy_id));
        let own: Vec<OrderId> = own.map(|order| order.order_id).collect();
        for order_id in own {
            self.broker.cancel(order_id, Refusal::new(DenyCode::CancelledByStrategy, why), now);
            self.drain_broker();
        }
    }

    fn entry_in(&self, one: &OneStrategy, states: &[StrategyState], verb: &str) -> Result<StrategyEntry, Refusal> {
        let OneStrategy { account, strategy_id } = one;
        let is_meant = |entry: &&StrategyEntry| account.as_ref().is_none_or(|account| entry.account == *account);
        let entry = self.state.strategies.get(strategy_id).filter(is_meant).ok_or_else(|| {
            Refusal::new(DenyCode::UnknownStrategy, format!("no strategy has the name {strategy_id}"))
        })?;
        if states.contains(&entry.state) {
            return Ok(entry.clone());
        }
        let message = format!("the strategy {strategy_id} is {}; it cannot be {verb}", entry.state.as_str());
        Err(Refusal::new(DenyCode::StrategyState, message))
    }

    fn changed(&mut self, entry: StrategyEntry) -> DeskReply {
        self.emit(Record::StrategyChanged(Box::new(entry.clone())));
        DeskReply::Strategy(Box::new(entry))
    }

    /// Tells the strategies of an instrument what its market did.
    pub(super) fn tell_market(&mut self, instrument: &InstrumentId, update: &DeskUpdate) {
        if self.running.is_empty() {
            return;
        }
        let mark = self.market.mark(instrument);
        let event = match update {
            DeskUpdate::Trade(trade) => Event::Trade {
                price: trade.trade.price,
                size: trade.trade.size,
                time: trade.event_time.unwrap_or(trade.receive_time),
            },
            _ => Event::Market,
        };
        for (strategy_id, running) in &mut self.running {
            if running.instrument.id != *instrument || running.is_paused {
                continue;
            }
            // The same best prices again are no news.
            let best = (mark.bid, mark.ask);
            if event == Event::Market && std::mem::replace(&mut running.told, best) == best {
                continue;
            }
            self.turns.push_back((strategy_id.clone(), event.clone()));
        }
    }

    pub(super) fn wake(&mut self, now: Timestamp) {
        for (strategy_id, running) in &mut self.running {
            if running.wake_at.take_if(|at| *at <= now).is_some() {
                self.turns.push_back((strategy_id.clone(), Event::Timer));
            }
        }
    }

    pub(super) fn strategy_order_filled(&mut self, strategy_id: StrategyId, fill: &Fill) {
        let Some(order) = self.state.order(fill.order_id) else { return };
        let Some(tag) = tag_of(&strategy_id, &order.client_order_id) else { return };
        let is_done = !order.state.is_open();
        let Fill { price, quantity, fee, .. } = *fill;
        self.turns.push_back((strategy_id, Event::Filled { tag, price, quantity, fee, is_done }));
    }

    pub(super) fn strategy_order_ended(&mut self, strategy_id: StrategyId, order_id: OrderId, reason: Refusal) {
        let order = self.state.order(order_id);
        if let Some(tag) = order.and_then(|order| tag_of(&strategy_id, &order.client_order_id)) {
            self.turns.push_back((strategy_id, Event::Ended { tag, reason }));
        }
    }

    /// Lets a strategy take an event in and does what it intends.
    pub(super) fn run_strategy(&mut self, strategy_id: &StrategyId, event: &Event, now: Timestamp) {
        let Some(running) = self.running.get_mut(strategy_id) else { return };
        let mark = self.market.marks.get(&running.instrument.id).copied().unwrap_or_default();
        let context = Context {
            instrument: running.instrument.clone(),
            fees: self.config.broker.fees_of(running.instrument.id.venue()),
            now,
            best_bid: mark.bid,
            best_ask: mark.ask,
            last_price: mark.last,
        };
        let intents = running.strategy.as_strategy_mut().on_event(event, &context);
        let is_quiet = intents.is_empty() && matches!(event, Event::Market | Event::Trade { .. });
        if !is_quiet {
            self.remember(strategy_id);
        }
        // A pause keeps what comes of orders that were open, and places nothing.
        let is_paused = self.running.get(strategy_id).is_some_and(|running| running.is_paused);
        for intent in intents {
            match intent {
                Intent::Place { tag, .. } if is_paused => {
                    let reason = Refusal::new(DenyCode::StrategyState, "the strategy is paused");
                    self.turns.push_back((strategy_id.clone(), Event::Ended { tag, reason }));
                }
                intent => self.carry_out(strategy_id, intent, now),
            }
        }
    }

    /// Journals the parts of a strategy's memory that changed.
    fn remember(&mut self, strategy_id: &StrategyId) {
        let Some(running) = self.running.get_mut(strategy_id) else { return };
        let known = self.state.strategies.get(strategy_id).map(|entry| &entry.memory);
        let is_news = |name: &String, part: &String| known.and_then(|known| known.get(name)) != Some(part);
        let changed = running.strategy.as_strategy_mut().changed_memory().into_iter();
        let changed = changed.filter(|(name, part)| is_news(name, part)).map(|(name, part)| (name, Some(part)));
        let parts: BTreeMap<String, Option<String>> = changed.collect();
        if !parts.is_empty() {
            self.emit(Record::StrategyRemembered { strategy_id: strategy_id.clone(), parts });
        }
    }

    fn carry_out(&mut self, strategy_id: &StrategyId, intent: Intent, now: Timestamp) {
        match intent {
            Intent::Place { tag, side, kind, quantity, price, is_post_only } => {
                let Some(running) = self.running.get(strategy_id) else { return };
                let name = ClientOrderId::parse(&format!("{strategy_id}.{tag}"));
                let request = name.map(|client_order_id| OrderRequest {
                    client_order_id,
                    account: Some(running.account.clone()),
                    instrument: running.instrument.id.clone(),
                    side,
                    kind,
                    quantity,
                    price,
                    stop_price: None,
                    trail: None,
                    trigger: TriggerSource::Last,
                    time_in_force: TimeInForce::Gtc,
                    expire_time_ms: None,
                    post_only: is_post_only,
                    reduce_only: false,
                    stop_loss: None,
                    take_profit: None,
                });
                let placed = request
                    .map_err(|error| Refusal::new(DenyCode::BadStrategy, error.to_string()))
                    .and_then(|request| self.place(request, Some(strategy_id), now));
                if let Err(reason) = placed {
                    self.turns.push_back((strategy_id.clone(), Event::Ended { tag, reason }));
                }
            }
            Intent::Cancel { tag } => {
                let is_it = |order: &&model::trading::order::Order| {
                    order.strategy.as_ref() == Some(strategy_id)
                        && tag_of(strategy_id, &order.client_order_id).as_deref() == Some(&tag)
                };
                if let Some(order_id) = self.state.orders.values().find(is_it).map(|order| order.order_id) {
                    let reason = Refusal::new(DenyCode::CancelledByStrategy, "its strategy does not want it any more");
                    self.broker.cancel(order_id, reason, now);
                }
            }
            Intent::WakeAt(at) => {
                if let Some(running) = self.running.get_mut(strategy_id) {
                    running.wake_at = Some(at);
                }
            }
            Intent::Begin => {
                let entry = self.state.strategies.get(strategy_id);
                if let Some(entry) = entry.filter(|entry| entry.state == StrategyState::Waiting).cloned() {
                    self.changed(StrategyEntry { state: StrategyState::Running, ..entry });
                }
            }
            Intent::Remember => {}
            Intent::End { reason, choice } => self.end_strategy(strategy_id, reason, choice, now),
        }
    }

    /// Returns what a strategy shows of itself, one that has stopped included.
    pub fn strategy_report(&self, strategy_id: &StrategyId) -> Option<StrategyReport> {
        if let Some(running) = self.running.get(strategy_id) {
            let last_price = self.market.mark(&running.instrument.id).last;
            return Some(running.strategy.as_strategy().report(last_price));
        }
        let entry = self.state.strategies.get(strategy_id)?;
        let instrument = self.state.instruments.get(&entry.instrument)?;
        let made = self.make(&entry.kind, &entry.settings, &entry.memory, instrument).ok()?;
        Some(made.as_strategy().report(self.market.mark(&entry.instrument).last))
    }

    /// Tells the channel `events` what a record is about.
    pub(super) fn tell(&mut self, record: &Record, round_trip: Option<(AccountId, portfolio::round_trip::RoundTrip)>) {
        for (account, kind) in EventKind::of(record, &self.state, round_trip.as_ref()) {
            self.tell_event(account, kind);
        }
    }

    /// Gives an event its number.
    pub(crate) fn tell_event(&mut self, account: AccountId, kind: EventKind) {
        self.state.n_events += 1;
        let number = self.state.n_events;
        self.effects.events.push((account, DeskEvent { number, kind }));
    }
}

impl Running {
    fn new(instrument: Arc<Instrument>, account: AccountId, strategy: AnyStrategy) -> Self {
        Self { instrument, wake_at: None, account, strategy, is_paused: false, told: (None, None) }
    }
}

fn is_live(state: StrategyState) -> bool {
    matches!(state, StrategyState::Running | StrategyState::Waiting | StrategyState::Paused)
}

/// Orders of a strategy are named after it.
fn tag_of(strategy_id: &StrategyId, name: &ClientOrderId) -> Option<String> {
    name.as_str().strip_prefix(strategy_id.as_str())?.strip_prefix('.').map(str::to_owned)
}
