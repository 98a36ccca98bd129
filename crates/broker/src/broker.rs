//! The broker: calls in, events out. It keeps the time of what is on its way, and passes the rest to the markets.
//!
//! Data comes before decisions: at one moment a market event is worked off first, then the commands that arrive, then the
//! orders whose time passes. Commands that arrived earlier are settled before it, at the time of their arrival.

use std::{collections::BTreeMap, sync::Arc};

use model::{
    decimal::{Price, Quantity, SignedQuantity},
    desk_feed::{DeskBook, DeskUpdate},
    instrument::{Instrument, InstrumentId},
    time::Timestamp,
    trading::{
        account::AccountId,
        order::{Amendment, Order, OrderId, OrderState, Side},
        record::OrderChange,
        refusal::{DenyCode, Refusal},
    },
};

use crate::{
    blocker::Blocker,
    config::BrokerConfig,
    event::BrokerEvent,
    market::{Market, MarketSummary, amendments},
    preview::Preview,
    queue::QueuePosition,
    timeline::{Command, Timeline},
    turn::Turn,
};

/// A matching simulator for paper orders against live books.
#[derive(Clone, Debug)]
pub struct Broker {
    config: BrokerConfig,
    markets: BTreeMap<InstrumentId, Market>,
    /// Market and times of each open order.
    index: BTreeMap<OrderId, Entry>,
    timeline: Timeline,
    events: Vec<BrokerEvent>,
}

#[derive(Clone, Debug)]
struct Entry {
    instrument: InstrumentId,
    /// Time at which it reaches the market.
    arrival: Timestamp,
    expire_time: Option<Timestamp>,
}

impl Broker {
    /// Creates a broker without instruments.
    pub fn new(config: BrokerConfig) -> Self {
        Self {
            config,
            markets: BTreeMap::new(),
            index: BTreeMap::new(),
            timeline: Timeline::default(),
            events: Vec::new(),
        }
    }

    /// Lists an instrument, or takes its new tick size, lot size or status in. What came for it before counts; until it is
    /// listed, it is halted.
    pub fn list(&mut self, instrument: Arc<Instrument>) {
        self.market_or_unlisted(&instrument.id).list(instrument);
    }

    /// Takes an order in that was open before a restart. Its queue begins again at the back, and only prices seen from now on
    /// set it off. A leg comes after its entry.
    pub fn restore(&mut self, order: Order, now: Timestamp) {
        let (id, state) = (order.order_id, order.state);
        if self.index.contains_key(&id) || !state.is_open() {
            return;
        }
        let arrival = if state == OrderState::PendingNew { now + self.config.entry_latency } else { now };
        self.keep(&order, arrival);
        self.market_or_unlisted(&order.instrument).restore(order);
        match state {
            OrderState::PendingNew => self.timeline.add(arrival, id, Command::Arrive),
            OrderState::PendingCancel => {
                let reason = Refusal::new(DenyCode::CancelledByTrader, "The order was cancelled before the restart");
                self.timeline.add(now + self.config.cancel_latency, id, Command::Cancel(reason));
            }
            _ => {}
        }
    }

    /// Sets the position that reduce-only orders may reduce. The broker keeps it up to date with its own fills.
    pub fn set_position(&mut self, account: &AccountId, instrument: &InstrumentId, position: SignedQuantity) {
        self.market_or_unlisted(instrument).set_position(account.clone(), position);
    }

    /// Takes an accepted order in: pending, or held as the leg of a bracket. An entry and its legs come at the same time, in
    /// any order; of two legs, the one that comes first has precedence. A number that is known already is ignored.
    pub fn submit(&mut self, order: Order, now: Timestamp) {
        self.settle(|time| time <= now);
        let (id, is_held) = (order.order_id, order.state == OrderState::Held);
        if self.index.contains_key(&id) || !order.state.is_open() {
            return;
        }
        if !self.markets.get(&order.instrument).is_some_and(Market::is_listed) {
            let change = OrderChange::Rejected(unlisted(&order.instrument));
            return self.events.push(BrokerEvent::Changed { order_id: id, time: now, change });
        }
        let arrival = if is_held { now } else { now + self.config.entry_latency };
        self.keep(&order, arrival);
        let instrument = order.instrument.clone();
        self.with_market(&instrument, now, |market, turn| market.submit(turn, order));
        if !is_held {
            self.timeline.add(arrival, id, Command::Arrive);
        }
        self.settle(|time| time <= now);
    }

    /// Amends an open order, once the amendment has arrived. A new price or a larger quantity joins the back of the
    /// queue; a smaller quantity keeps its place.
    ///
    /// # Errors
    /// The order is not open, does not have the field, or has filled more than the new quantity. When that becomes true
    /// on the way, the order stays as it is.
    pub fn amend(&mut self, id: OrderId, amendment: Amendment, now: Timestamp) -> Result<(), Refusal> {
        self.settle(|time| time <= now);
        let order = self.order(id).ok_or_else(|| unknown(id))?;
        amendments::check(order, &amendment)?;
        let arrival = now + self.config.entry_latency;
        let arrival = self.index.get(&id).map_or(arrival, |entry| arrival.max(entry.arrival));
        let arrival = if order.state == OrderState::Held { now } else { arrival };
        self.timeline.add(arrival, id, Command::Amend(amendment));
        self.settle(|time| time <= now);
        Ok(())
    }

    /// Cancels an open order, once the cancel has arrived; until then it may fill. Does nothing if the order has ended or
    /// a cancel is on its way already.
    pub fn cancel(&mut self, id: OrderId, reason: Refusal, now: Timestamp) {
        self.settle(|time| time <= now);
        let Some(entry) = self.index.get(&id).cloned() else { return };
        let state = self.order(id).map(|order| order.state);
        let arrival = match state {
            None | Some(OrderState::PendingCancel) => return,
            // It never left the desk.
            Some(OrderState::Held) => now,
            Some(_) => entry.arrival.max(now + self.config.cancel_latency),
        };
        if arrival > now {
            self.with_market(&entry.instrument, now, |market, turn| {
                market.change(turn, id, OrderChange::CancelRequested);
            });
        }
        self.timeline.add(arrival, id, Command::Cancel(reason));
        self.settle(|time| time <= now);
    }

    /// Takes a market update in. Updates of one instrument come in order and without omission.
    pub fn update(&mut self, instrument: &InstrumentId, update: &DeskUpdate, now: Timestamp) {
        self.settle(|time| time < now);
        self.market_or_unlisted(instrument);
        self.with_market(instrument, now, |market, turn| market.update(turn, update));
        self.settle(|time| time <= now);
    }

    /// Lets time pass: commands arrive, orders end. A call before the deadline does nothing.
    pub fn advance(&mut self, now: Timestamp) {
        self.settle(|time| time <= now);
        let Self { config, markets, events, .. } = self;
        for market in markets.values_mut() {
            market.match_legs(&mut Turn { config, now, events });
        }
        self.forget_ended();
    }

    /// Returns when [`Broker::advance`] has something to do; `None`: nothing is on its way.
    pub fn deadline(&self) -> Option<Timestamp> {
        self.timeline.next_time()
    }

    /// Takes the events out, in the order in which they happened.
    pub fn drain(&mut self) -> Vec<BrokerEvent> {
        std::mem::take(&mut self.events)
    }

    /// Returns an open order as it is now.
    pub fn order(&self, id: OrderId) -> Option<&Order> {
        self.market_of(id)?.order(id)
    }

    /// Returns the open orders, by instrument and number.
    pub fn open_orders(&self) -> impl Iterator<Item = &Order> {
        self.markets.values().flat_map(Market::orders)
    }

    /// Returns what is ahead of a resting order; `None` if it does not rest or its place is not known.
    pub fn queue(&self, id: OrderId) -> Option<QueuePosition> {
        self.market_of(id)?.queue(id)
    }

    /// Returns an instrument's book as the broker knows it.
    pub fn book(&self, instrument: &InstrumentId) -> Option<&DeskBook> {
        self.markets.get(instrument).map(Market::book)
    }

    /// Returns an instrument's prices, for marks and collars.
    pub fn market(&self, instrument: &InstrumentId) -> Option<MarketSummary> {
        self.markets.get(instrument).map(Market::summary)
    }

    /// Returns why an open order cannot fill now; `None` if it can, or is not open.
    pub fn waiting_for(&self, id: OrderId, now: Timestamp) -> Option<Blocker> {
        self.market_of(id)?.waiting_for(&self.config, id, now)
    }

    /// Returns what an order would get now: a limit order, or without a limit a market order.
    ///
    /// # Errors
    /// The instrument is not listed, its book is not tradable, or a value does not fit.
    pub fn preview(
        &self,
        instrument: &InstrumentId,
        side: Side,
        quantity: Quantity,
        limit: Option<Price>,
        now: Timestamp,
    ) -> Result<Preview, Refusal> {
        let market = self.markets.get(instrument).ok_or_else(|| unlisted(instrument))?;
        market.preview(&self.config, (side, quantity, limit), now)
    }

    fn market_or_unlisted(&mut self, instrument: &InstrumentId) -> &mut Market {
        if !self.markets.contains_key(instrument) {
            self.markets.insert(instrument.clone(), Market::unlisted(instrument));
        }
        self.markets.get_mut(instrument).expect("invariant: it was put in above")
    }

    fn market_of(&self, id: OrderId) -> Option<&Market> {
        self.markets.get(&self.index.get(&id)?.instrument)
    }

    fn keep(&mut self, order: &Order, arrival: Timestamp) {
        let expire_time = order.expire_time_ms.map(Timestamp::from_millis);
        if let Some(time) = expire_time {
            self.timeline.expire(time, order.order_id);
        }
        self.index.insert(order.order_id, Entry { instrument: order.instrument.clone(), arrival, expire_time });
    }

    /// Settles what is due, at the time at which it was.
    fn settle(&mut self, is_due: impl Fn(Timestamp) -> bool) {
        while let Some((time, id, command)) = self.timeline.pop(&is_due) {
            let Some(entry) = self.index.get(&id) else { continue };
            let instrument = entry.instrument.clone();
            self.with_market(&instrument, time, |market, turn| match command {
                Command::Arrive => market.arrive(turn, id),
                Command::Amend(amendment) => market.amend(turn, id, amendment),
                Command::Cancel(reason) => market.cancel(turn, id, reason),
                Command::Expire => market.expire(turn, id),
            });
        }
    }

    fn with_market(&mut self, instrument: &InstrumentId, now: Timestamp, act: impl FnOnce(&mut Market, &mut Turn<'_>)) {
        let Self { config, markets, events, .. } = self;
        if let Some(market) = markets.get_mut(instrument) {
            act(market, &mut Turn { config, now, events });
            let ended = market.take_ended();
            ended.into_iter().for_each(|id| self.forget(id));
        }
    }

    fn forget_ended(&mut self) {
        let ended: Vec<OrderId> = self.markets.values_mut().flat_map(Market::take_ended).collect();
        ended.into_iter().for_each(|id| self.forget(id));
    }

    fn forget(&mut self, id: OrderId) {
        if let Some(time) = self.index.remove(&id).and_then(|entry| entry.expire_time) {
            self.timeline.forget(time, id);
        }
    }
}

fn unknown(id: OrderId) -> Refusal {
    Refusal::new(DenyCode::UnknownOrder, format!("No open order has the number {id}"))
}

fn unlisted(instrument: &InstrumentId) -> Refusal {
    Refusal::new(DenyCode::UnknownInstrument, format!("{instrument} is not listed; follow its venue first"))
}
