//! One instrument: its book as far as it may be traded on, its open orders, and what calls and market events do to them.
//!
//! Resting orders are kept by price and conditional ones by stop price, so that an event touches only what it can fill
//! or set off. Within one market event: resting orders first, then those that waited for the book, then those that the
//! event sets off, by their submission. Not here: latency and time (`broker`).

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use model::{
    decimal::{Price, Quantity, Rounding, SignedQuantity},
    desk_feed::{DeskBook, DeskLevels, DeskTrade, DeskUpdate},
    event::Level,
    instrument::{Instrument, InstrumentId, InstrumentStatus},
    time::Timestamp,
    trading::{
        account::{AccountId, Currency},
        order::{Order, OrderId, OrderState, Side},
        record::OrderChange,
        refusal::{DenyCode, Refusal},
    },
};

use self::{brackets::Bracket, resting::RestingLevel};
use crate::{
    blocker::{Blocker, check_live, check_tradable},
    config::BrokerConfig,
    preview::{self, Preview},
    queue::{Generation, Place, QueuePosition, TradeAge},
    rows::{bps_of, opposite_rows},
    taken::Taken,
    triggers::{Sequence, Triggers},
    turn::Turn,
};

pub(crate) mod amendments;
mod brackets;
mod conditions;
mod entering;
mod fills;
mod resting;

/// The prices of one instrument, for marks and collars.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MarketSummary {
    /// Of a tradable book: live, complete and not crossed.
    pub best_bid: Option<Level>,
    /// Of a tradable book.
    pub best_ask: Option<Level>,
    /// Time of the book's last change, on our clock.
    pub book_time: Option<Timestamp>,
    /// The price of the last trade.
    pub last: Option<Price>,
    /// Its time, on our clock.
    pub last_time: Option<Timestamp>,
}

/// One value for each side.
#[derive(Clone, Debug)]
struct Sides<T> {
    buy: T,
    sell: T,
}

impl<T> Sides<T> {
    fn of(&self, side: Side) -> &T {
        match side {
            Side::Buy => &self.buy,
            Side::Sell => &self.sell,
        }
    }

    fn of_mut(&mut self, side: Side) -> &mut T {
        match side {
            Side::Buy => &mut self.buy,
            Side::Sell => &mut self.sell,
        }
    }
}

/// Stage of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// On its way, or about to be looked at.
    Arriving,
    /// A leg whose entry has not filled.
    Held,
    /// Waits for its stop price.
    Stop,
    /// At the market, which is not tradable or has nothing left for it: it is looked at when that changes.
    Waiting(Sequence),
    /// In the book at that price.
    Resting(Price),
}

#[derive(Clone, Debug)]
struct Working {
    order: Order,
    sequence: Sequence,
    stage: Stage,
    /// Of a resting order; `None`: out of sight, or not known since a restart.
    place: Option<Place>,
    /// Of a resting order: the venue's time of the levels that it came behind.
    joined_time: Option<Timestamp>,
    /// Of a trailing stop: the best price so far.
    extreme: Option<Price>,
}

#[derive(Clone, Debug)]
pub(crate) struct Market {
    instrument: Arc<Instrument>,
    is_listed: bool,
    fee_currency: Currency,
    book: DeskBook,
    /// The newest levels, shared with the feed; what may be used of them, `book` says.
    levels: Option<Arc<DeskLevels>>,
    /// The levels that the queues have last seen.
    seen: Option<Arc<DeskLevels>>,
    /// True if some place must be looked at although its row has not changed.
    has_news: bool,
    last: Option<DeskTrade>,
    /// Of the rows on which that side rests.
    taken: Sides<Taken>,
    orders: BTreeMap<OrderId, Working>,
    resting: Sides<BTreeMap<Price, RestingLevel>>,
    waiting: BTreeMap<Sequence, OrderId>,
    triggers: Triggers,
    brackets: BTreeMap<OrderId, Bracket>,
    positions: BTreeMap<AccountId, SignedQuantity>,
    n_submitted: Sequence,
    n_waited: Sequence,
    generation: Generation,
    /// Legs that were activated, to be looked at once the fill that did it is worked off.
    arriving: VecDeque<OrderId>,
    /// Legs whose entry is not known yet.
    unmatched: Vec<OrderId>,
    /// Filled quantities of orders that ended at this moment: an entry's legs may come after it.
    just_ended: (Timestamp, BTreeMap<OrderId, Quantity>),
    /// Orders that ended and that the owner of the index has not heard of.
    ended: Vec<OrderId>,
}

impl Market {
    /// An instrument of which only the name is known: it is halted.
    pub(crate) fn unlisted(id: &InstrumentId) -> Self {
        Self {
            instrument: Arc::new(Instrument {
                id: id.clone(),
                base: String::new(),
                quote: String::new(),
                tick_size: Price::ZERO,
                lot_size: Quantity::ZERO,
                min_notional: None,
                status: InstrumentStatus::Halted,
                is_simulated: false,
            }),
            is_listed: false,
            fee_currency: Currency::new(""),
            book: DeskBook::default(),
            levels: None,
            seen: None,
            has_news: false,
            last: None,
            taken: Sides { buy: Taken::new(Side::Buy), sell: Taken::new(Side::Sell) },
            orders: BTreeMap::new(),
            resting: Sides { buy: BTreeMap::new(), sell: BTreeMap::new() },
            waiting: BTreeMap::new(),
            triggers: Triggers::default(),
            brackets: BTreeMap::new(),
            positions: BTreeMap::new(),
            n_submitted: 0,
            n_waited: 0,
            generation: 0,
            arriving: VecDeque::new(),
            unmatched: Vec::new(),
            just_ended: (Timestamp::EPOCH, BTreeMap::new()),
            ended: Vec::new(),
        }
    }

    pub(crate) fn is_listed(&self) -> bool {
        self.is_listed
    }

    pub(crate) fn list(&mut self, instrument: Arc<Instrument>) {
        self.is_listed = true;
        self.fee_currency = Currency::new(&instrument.quote);
        self.instrument = instrument;
    }

    pub(crate) fn set_position(&mut self, account: AccountId, position: SignedQuantity) {
        self.positions.insert(account, position);
    }

    /// Takes an accepted order in. It has not arrived yet.
    pub(crate) fn submit(&mut self, turn: &mut Turn<'_>, order: Order) {
        let id = order.order_id;
        let stage = if order.state == OrderState::Held { Stage::Held } else { Stage::Arriving };
        self.keep(order, stage);
        if stage == Stage::Held {
            self.match_leg(turn, id);
            self.arrive_all(turn);
        }
    }

    /// Takes an order of before a restart in: it is where it was, at the back of its queue.
    pub(crate) fn restore(&mut self, order: Order) {
        let id = order.order_id;
        if order.state == OrderState::Held {
            self.keep(order, Stage::Held);
            self.unmatched.push(id);
            return;
        }
        let (is_arriving, is_stop) = (order.state == OrderState::PendingNew, order.is_waiting());
        let price = order.price.filter(|_| order.is_limit_now());
        self.keep(order, Stage::Arriving);
        match price {
            _ if is_arriving => {}
            _ if is_stop => self.watch(id),
            Some(price) => self.join(id, price, None),
            None => self.wait(id),
        }
    }

    fn keep(&mut self, order: Order, stage: Stage) {
        let id = order.order_id;
        self.n_submitted += 1;
        if let Some((entry, _)) = order.bracket {
            self.brackets.entry(entry).or_default().add(id, (stage != Stage::Held).then(|| order.leaves()));
        }
        let sequence = self.n_submitted;
        let working = Working { order, sequence, stage, place: None, joined_time: None, extreme: None };
        self.orders.insert(id, working);
    }

    pub(crate) fn cancel(&mut self, turn: &mut Turn<'_>, id: OrderId, reason: Refusal) {
        self.end(turn, id, OrderChange::Cancelled(reason));
        self.arrive_all(turn);
    }

    pub(crate) fn expire(&mut self, turn: &mut Turn<'_>, id: OrderId) {
        self.end(turn, id, OrderChange::Expired);
        self.arrive_all(turn);
    }

    /// Takes a market event in.
    pub(crate) fn update(&mut self, turn: &mut Turn<'_>, update: &DeskUpdate) {
        self.match_legs(turn);
        self.book.apply(update);
        match update {
            DeskUpdate::Trade(trade) => self.trade(turn, trade),
            DeskUpdate::Levels(levels) => {
                self.levels = Some(levels.clone());
                self.levels_came(turn);
            }
            DeskUpdate::BookState(_) | DeskUpdate::Suspect(_) => self.levels = None,
            DeskUpdate::Ended => self.feed_ended(),
        }
        self.arrive_all(turn);
    }

    fn trade(&mut self, turn: &mut Turn<'_>, trade: &DeskTrade) {
        if trade.trade.size.is_zero() {
            return;
        }
        let age = self.age_of(trade);
        if age == TradeAge::Newer {
            self.generation += 1;
            self.print(trade);
        }
        self.last = Some(trade.clone());
        let reached = self.reached_by_trade(trade.trade.price);
        if check_live(&self.instrument, &self.book).is_ok() {
            let outranked = self.outranked(&reached);
            self.fill_by_trade(turn, trade, age, &outranked);
        }
        self.set_off(turn, &reached, trade.offset);
        self.trail_by_trade(turn, trade.trade.price);
    }

    fn levels_came(&mut self, turn: &mut Turn<'_>) {
        let Ok(levels) = self.tradable(turn) else { return };
        self.taken.buy.refresh(&levels.bids);
        self.taken.sell.refresh(&levels.asks);
        self.refresh_queues(&levels);
        let reached = self.reached_by_levels(&levels);
        let outranked = self.outranked(&reached);
        self.fill_by_levels(turn, &levels, Side::Buy, &outranked);
        self.fill_by_levels(turn, &levels, Side::Sell, &outranked);
        for (number, id) in std::mem::take(&mut self.waiting) {
            // One before it may have ended it, or have held it back.
            if self.orders.get(&id).is_some_and(|working| working.stage == Stage::Waiting(number)) {
                self.enter(turn, id);
            }
        }
        self.set_off(turn, &reached, levels.offset);
        self.trail_by_levels(turn, &levels);
    }

    /// Whatever was known of the market is no longer true: another feed begins, maybe at another moment.
    fn feed_ended(&mut self) {
        (self.levels, self.seen, self.last) = (None, None, None);
        self.taken.buy.clear();
        self.taken.sell.clear();
        for side in [Side::Buy, Side::Sell] {
            self.resting.of_mut(side).values_mut().for_each(RestingLevel::forget);
        }
        self.orders.values_mut().for_each(|working| working.place = None);
        self.has_news = true;
    }

    /// A trade that the levels do not show yet has taken its size off the side that it hit.
    fn print(&mut self, trade: &DeskTrade) {
        let Some(levels) = self.levels.as_deref() else { return };
        let (price, size) = (trade.trade.price, trade.trade.size);
        for side in resting::sides_hit(trade.trade.aggressor_side) {
            let rows = opposite_rows(levels, side.opposite());
            if let Ok(idx) = rows.binary_search_by(|row| crate::rows::by_rank(*side, row.price, price))
                && let Some(row) = rows.get(idx)
            {
                self.taken.of_mut(*side).take(*row, size);
            }
        }
    }

    /// Compares positions and, since some venues' books precede their trades, the venue's times.
    fn age_of(&self, trade: &DeskTrade) -> TradeAge {
        let is_included = self.levels.as_deref().is_some_and(|levels| {
            let times = levels.event_time.zip(trade.event_time);
            levels.offset >= trade.offset || times.is_some_and(|(levels, trade)| levels >= trade)
        });
        if is_included { TradeAge::Included } else { TradeAge::Newer }
    }

    /// Returns the levels to fill against at this moment.
    fn tradable(&self, turn: &Turn<'_>) -> Result<Arc<DeskLevels>, Blocker> {
        check_tradable(&self.instrument, &self.book, turn.config, turn.now)?;
        self.levels.clone().ok_or(Blocker::NoLevels)
    }

    /// Returns the worst price at which a market order may fill; `None` without any price.
    fn protection(&self, config: &BrokerConfig, levels: &DeskLevels, side: Side) -> Option<Price> {
        let best = opposite_rows(levels, side).first()?.price;
        let bound = bps_of(best, config.protection_bps).and_then(|distance| match side {
            Side::Buy => self.instrument.round_price(best.checked_add(distance)?, Rounding::Down),
            Side::Sell => self.instrument.round_price(best.checked_sub(distance)?, Rounding::Up),
        });
        let bound = bound.map(|bound| bound.at_scale(self.instrument.price_decimals()));
        // A bound that does not fit, or is rounded past the best price, leaves the best price alone.
        Some(bound.map_or(best, |bound| if crate::rows::is_within(side, bound, best) { bound } else { best }))
    }

    /// Returns the orders that ended since the last call.
    pub(crate) fn take_ended(&mut self) -> Vec<OrderId> {
        std::mem::take(&mut self.ended)
    }

    pub(crate) fn order(&self, id: OrderId) -> Option<&Order> {
        self.orders.get(&id).map(|working| &working.order)
    }

    pub(crate) fn orders(&self) -> impl Iterator<Item = &Order> {
        self.orders.values().map(|working| &working.order)
    }

    pub(crate) fn queue(&self, id: OrderId) -> Option<QueuePosition> {
        self.orders.get(&id)?.place.as_ref().map(Place::position)
    }

    pub(crate) fn book(&self) -> &DeskBook {
        &self.book
    }

    pub(crate) fn summary(&self) -> MarketSummary {
        let levels = check_live(&self.instrument, &self.book).ok();
        MarketSummary {
            best_bid: levels.and_then(|levels| levels.bids.first().copied()),
            best_ask: levels.and_then(|levels| levels.asks.first().copied()),
            book_time: levels.and_then(|levels| levels.receive_time),
            last: self.last.as_ref().map(|trade| trade.trade.price),
            last_time: self.last.as_ref().map(|trade| trade.receive_time),
        }
    }

    pub(crate) fn waiting_for(&self, config: &BrokerConfig, id: OrderId, now: Timestamp) -> Option<Blocker> {
        let working = self.orders.get(&id)?;
        match working.stage {
            Stage::Arriving => Some(Blocker::OnItsWay),
            Stage::Held => working.order.bracket.map(|(entry, _)| Blocker::Entry(entry)),
            Stage::Stop => Some(Blocker::StopPrice(working.order.stop_price)),
            Stage::Waiting(_) | Stage::Resting(_) => {
                let thin = || entering::is_exit(&working.order).then_some(Blocker::NothingInReach);
                let untradable = check_tradable(&self.instrument, &self.book, config, now).err();
                untradable.or_else(|| thin().filter(|_| matches!(working.stage, Stage::Waiting(_))))
            }
        }
    }

    pub(crate) fn preview(
        &self,
        config: &BrokerConfig,
        (side, quantity, limit): (Side, Quantity, Option<Price>),
        now: Timestamp,
    ) -> Result<Preview, Refusal> {
        if quantity.is_zero() {
            return Err(Refusal::new(DenyCode::QuantityBelowMinimum, "The quantity is zero"));
        }
        let levels = check_tradable(&self.instrument, &self.book, config, now).map_err(Blocker::refusal)?;
        let bound = limit.or_else(|| self.protection(config, levels, side));
        let taken = self.taken.of(side.opposite());
        preview::preview(config, &self.instrument, levels, taken, (side, quantity, limit), bound)
    }
}
