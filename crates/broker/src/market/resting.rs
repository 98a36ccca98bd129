//! Resting orders: their queues, and what trades and the other side of the book fill of them.

use std::{cmp::Ordering, collections::BTreeMap, iter::Peekable, ops::Bound, slice, sync::Arc};

use model::{
    decimal::{Price, Quantity},
    desk_feed::{DeskLevels, DeskTrade},
    event::{AggressorSide, Level},
    time::Timestamp,
    trading::{
        fill::{Evidence, FillCause, Liquidity},
        order::{Order, OrderId, Side},
    },
};

use super::{Market, Stage, Working, entering::evidence_of};
use crate::{
    config::QueueModel,
    queue::{Generation, Place, TradeAge},
    rows::{by_rank, displayed_at, is_within, less, opposite_rows, own_rows},
    turn::Turn,
};

/// Own orders at one price.
#[derive(Clone, Debug, Default)]
pub(super) struct RestingLevel {
    /// In the order in which they came.
    pub(super) orders: Vec<OrderId>,
    /// The size displayed there; `None`: out of sight.
    displayed: Option<Quantity>,
    /// True if some of the orders came while it was out of sight.
    has_unseen: bool,
    /// Trades at that price that no levels have shown yet, with the venue's time.
    traded: Vec<(Option<Timestamp>, Quantity)>,
}

impl RestingLevel {
    pub(super) fn forget(&mut self) {
        self.displayed = None;
        self.has_unseen = true;
        self.traded.clear();
    }

    fn traded(&mut self, time: Option<Timestamp>, size: Quantity) {
        let is_full = self.traded.len() >= MAX_TRADES;
        match self.traded.last_mut().filter(|_| is_full) {
            Some((last_time, last)) => (*last_time, *last) = (time, last.checked_add(size).unwrap_or(size)),
            None => self.traded.push((time, size)),
        }
    }

    /// Takes out the trades that levels of `time` include, and returns their sum.
    fn explained(&mut self, time: Option<Timestamp>) -> Quantity {
        let mut sum = Quantity::ZERO;
        self.traded.retain(|(trade_time, size)| {
            let is_later = trade_time.zip(time).is_some_and(|(trade, levels)| trade > levels);
            if !is_later {
                sum = sum.checked_add(*size).unwrap_or(sum);
            }
            is_later
        });
        sum
    }
}

impl Market {
    /// An order rests at `price`, behind what is displayed there; without levels its place is seen later.
    pub(super) fn join(&mut self, id: OrderId, price: Price, levels: Option<&Arc<DeskLevels>>) {
        let generation = self.generation;
        let Some(working) = self.orders.get_mut(&id) else { return };
        let side = working.order.side;
        let displayed = levels.and_then(|levels| displayed_at(own_rows(levels, side), side, price));
        working.place = displayed.map(|displayed| Place::behind(displayed, generation));
        working.stage = Stage::Resting(price);
        working.joined_time = levels.and_then(|levels| levels.event_time);
        let level = self.resting.of_mut(side).entry(price).or_default();
        level.orders.push(id);
        level.displayed = level.displayed.or(displayed);
        level.has_unseen |= displayed.is_none();
        self.has_news |= displayed.is_none();
    }

    /// Levels came: queues shrink, and places that were out of sight are seen. Only the rows that have changed are
    /// looked at, as a grid of orders rests at many and most updates change one.
    pub(super) fn refresh_queues(&mut self, levels: &Arc<DeskLevels>) {
        let seen = self.seen.replace(levels.clone());
        let seen = seen.filter(|_| !std::mem::take(&mut self.has_news));
        for side in [Side::Buy, Side::Sell] {
            let rows = own_rows(levels, side);
            let changed = seen.as_ref().map_or(Changed::ALL, |seen| Changed::between(own_rows(seen, side), rows));
            let Self { resting, orders, generation, .. } = self;
            let all = resting.of_mut(side);
            // Rows before the first change are not looked at either.
            let mut rest = rows.get(changed.n_same..).unwrap_or_default().iter().peekable();
            let mut has_news = false;
            let mut visit = |price: &Price, level: &mut RestingLevel| {
                let displayed = displayed_next(&mut rest, rows, side, *price);
                if let Some(displayed) = displayed {
                    refresh(level, displayed, levels.event_time, orders, *generation);
                    has_news |= !level.traded.is_empty();
                }
                displayed.is_some()
            };
            match (side, changed.range(side)) {
                (_, None) => {}
                (Side::Buy, Some(range)) => {
                    all.range_mut(range).rev().all(|(price, level)| visit(price, level));
                }
                (Side::Sell, Some(range)) => {
                    all.range_mut(range).all(|(price, level)| visit(price, level));
                }
            }
            self.has_news |= has_news;
        }
    }

    /// A trade hits the orders that rest at its price or better for it, in price-time priority. All of them together
    /// fill no more than its size.
    pub(super) fn fill_by_trade(
        &mut self,
        turn: &mut Turn<'_>,
        trade: &DeskTrade,
        age: TradeAge,
        outranked: &[OrderId],
    ) {
        let mut left = trade.trade.size;
        for side in sides_hit(trade.trade.aggressor_side) {
            self.fill_through(turn, trade, age, *side, &mut left, outranked);
            self.fill_at(turn, trade, age, *side, &mut left, outranked);
        }
    }

    fn fill_through(
        &mut self,
        turn: &mut Turn<'_>,
        trade: &DeskTrade,
        age: TradeAge,
        side: Side,
        left: &mut Quantity,
        outranked: &[OrderId],
    ) {
        if trade.trade.aggressor_side == AggressorSide::Unknown && turn.config.queue == QueueModel::Conservative {
            return;
        }
        let price = trade.trade.price;
        for (limit, id) in self.better_than(side, price, false) {
            if left.is_zero() {
                return;
            }
            if outranked.contains(&id) || self.came_after(id, trade) {
                continue;
            }
            let cause = FillCause::TradeThrough {
                trade_id: trade.trade.id.to_string(),
                price,
                size: trade.trade.size,
                queue_before: self.ahead(turn, id),
            };
            let leaves = self.order(id).map_or(Quantity::ZERO, Order::leaves);
            let filled = self.fill(turn, id, limit, leaves.min(*left), Liquidity::Maker, evidence(trade, cause));
            *left = less(*left, filled);
            if age == TradeAge::Newer
                && let Some(place) = self.orders.get_mut(&id).and_then(|working| working.place.as_mut())
            {
                place.clear();
            }
        }
    }

    fn fill_at(
        &mut self,
        turn: &mut Turn<'_>,
        trade: &DeskTrade,
        age: TradeAge,
        side: Side,
        left: &mut Quantity,
        outranked: &[OrderId],
    ) {
        let (price, generation) = (trade.trade.price, self.generation);
        let Some(level) = self.resting.of_mut(side).get_mut(&price) else { return };
        if age == TradeAge::Newer {
            level.traded(trade.event_time, trade.trade.size);
            self.has_news = true;
        }
        let is_known = trade.trade.aggressor_side != AggressorSide::Unknown;
        let (size, mut used) = (*left, Quantity::ZERO);
        for id in level.orders.clone() {
            let queue_before = self.ahead(turn, id);
            if self.came_after(id, trade) {
                continue;
            }
            let Some(working) = self.orders.get_mut(&id) else { continue };
            let Some(place) = working.place.as_mut() else { continue };
            let excess = place.trade(size, age, is_known, generation, turn.config.queue);
            let quantity = less(excess, used).min(working.order.leaves());
            if quantity.is_zero() || outranked.contains(&id) {
                continue;
            }
            let cause = FillCause::Trade {
                trade_id: trade.trade.id.to_string(),
                size: trade.trade.size,
                aggressor_side: trade.trade.aggressor_side,
                queue_before,
                queue_after: self.ahead(turn, id),
            };
            let filled = self.fill(turn, id, price, quantity, Liquidity::Maker, evidence(trade, cause));
            used = used.checked_add(filled).unwrap_or(size);
        }
        *left = less(size, used);
    }

    /// The other side of the book comes to resting orders, or beyond their prices: they fill at their own.
    pub(super) fn fill_by_levels(
        &mut self,
        turn: &mut Turn<'_>,
        levels: &DeskLevels,
        side: Side,
        outranked: &[OrderId],
    ) {
        let rows = opposite_rows(levels, side);
        let Some(best) = rows.first() else { return };
        for (limit, id) in self.better_than(side, best.price, true) {
            if outranked.contains(&id) {
                continue;
            }
            for row in rows.iter().take_while(|row| is_within(side, limit, row.price)) {
                let Some(leaves) = self.order(id).map(Order::leaves) else { break };
                let taken = self.taken.of(side.opposite());
                let quantity = taken.available(*row).min(leaves);
                if quantity.is_zero() {
                    continue;
                }
                let cause = FillCause::BookThrough {
                    last_update_id: levels.last_update_id,
                    price: row.price,
                    displayed: row.quantity,
                    taken_before: taken.of(*row),
                    queue_before: self.ahead(turn, id),
                };
                let filled = self.fill(turn, id, limit, quantity, Liquidity::Maker, evidence_of(levels, cause));
                self.taken.of_mut(side.opposite()).take(*row, filled);
            }
        }
    }

    /// Returns the resting orders with a better price than `price`, or the same if `with_same`, in price-time priority.
    fn better_than(&self, side: Side, price: Price, with_same: bool) -> Vec<(Price, OrderId)> {
        let bound = if with_same { Bound::Included(price) } else { Bound::Excluded(price) };
        let levels = self.resting.of(side);
        let with_price = |(price, level): (&Price, &RestingLevel)| {
            let price = *price;
            level.orders.iter().map(move |id| (price, *id)).collect::<Vec<_>>()
        };
        match side {
            Side::Buy => levels.range((bound, Bound::Unbounded)).rev().flat_map(with_price).collect(),
            Side::Sell => levels.range((Bound::Unbounded, bound)).flat_map(with_price).collect(),
        }
    }

    /// True if an order came behind levels that include the trade already: the trade was over then.
    fn came_after(&self, id: OrderId, trade: &DeskTrade) -> bool {
        let joined_time = self.orders.get(&id).and_then(|working| working.joined_time);
        joined_time.zip(trade.event_time).is_some_and(|(joined, trade)| trade <= joined)
    }

    /// Returns what is ahead by the model in use; zero where it is not known.
    fn ahead(&self, turn: &Turn<'_>, id: OrderId) -> Quantity {
        let place = self.orders.get(&id).and_then(|working| working.place.as_ref());
        place.map(|place| place.position().by(turn.config.queue)).unwrap_or_default()
    }
}

/// The prices between the rows that two books have in common at the ends of a side.
#[derive(Clone, Copy, Debug)]
struct Changed {
    /// The last one before the change.
    before: Option<Price>,
    /// The first one after it.
    after: Option<Price>,
    /// Rows before the change.
    n_same: usize,
    is_any: bool,
}

impl Changed {
    const ALL: Self = Self { before: None, after: None, n_same: 0, is_any: true };

    fn between(old: &[Level], new: &[Level]) -> Self {
        let n_same = old.iter().zip(new).take_while(|(old, new)| old == new).count();
        let before = n_same.checked_sub(1).and_then(|idx| new.get(idx)).map(|row| row.price);
        let (old, new) = (old.get(n_same..).unwrap_or_default(), new.get(n_same..).unwrap_or_default());
        let ends = old.iter().rev().zip(new.iter().rev()).take_while(|(old, new)| old == new);
        let after = ends.last().map(|(_, new)| new.price);
        Self { before, after, n_same, is_any: !old.is_empty() || !new.is_empty() }
    }

    /// Returns the prices as a range; `None` if nothing has changed.
    fn range(self, side: Side) -> Option<(Bound<Price>, Bound<Price>)> {
        let is_sorted = self.before.zip(self.after).is_none_or(|(before, after)| by_rank(side, before, after).is_lt());
        let bound = |price: Option<Price>| price.filter(|_| is_sorted).map_or(Bound::Unbounded, Bound::Excluded);
        let range = match side {
            Side::Buy => (bound(self.after), bound(self.before)),
            Side::Sell => (bound(self.before), bound(self.after)),
        };
        self.is_any.then_some(range)
    }
}

/// Returns the sides on which orders rest that a trade may have hit.
pub(super) fn sides_hit(aggressor_side: AggressorSide) -> &'static [Side] {
    match aggressor_side {
        AggressorSide::Seller => &[Side::Buy],
        AggressorSide::Buyer => &[Side::Sell],
        AggressorSide::Unknown => &[Side::Buy, Side::Sell],
    }
}

/// As [`displayed_at`], for prices that come best first.
fn displayed_next(
    rows: &mut Peekable<slice::Iter<'_, Level>>,
    all: &[Level],
    side: Side,
    price: Price,
) -> Option<Quantity> {
    while let Some(row) = rows.peek() {
        match by_rank(side, row.price, price) {
            Ordering::Less => rows.next(),
            Ordering::Equal => return Some(row.quantity),
            Ordering::Greater => return Some(Quantity::ZERO),
        };
    }
    all.is_empty().then_some(Quantity::ZERO)
}

fn refresh(
    level: &mut RestingLevel,
    displayed: Quantity,
    time: Option<Timestamp>,
    orders: &mut BTreeMap<OrderId, Working>,
    generation: Generation,
) {
    let before = level.displayed.replace(displayed);
    let has_unseen = std::mem::take(&mut level.has_unseen);
    if before == Some(displayed) && level.traded.is_empty() && !has_unseen {
        return;
    }
    let traded = level.explained(time);
    for id in &level.orders {
        let Some(working) = orders.get_mut(id) else { continue };
        match &mut working.place {
            Some(place) => place.level(before, displayed, traded, generation),
            None => working.place = Some(Place::behind(displayed, generation)),
        }
    }
}

fn evidence(trade: &DeskTrade, cause: FillCause) -> Evidence {
    Evidence { offset: trade.offset, event_time: trade.event_time, receive_time: Some(trade.receive_time), cause }
}

/// Trades at one price between two levels of a book; more than these are summed up.
const MAX_TRADES: usize = 64;
