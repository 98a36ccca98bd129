//! The broker against a small model of its own, in whole numbers and plain lists: limit and market orders, cancels and
//! amendments on a live book, by the conservative queue. Written from the rules, not from the broker.
//!
//! `PROPTEST_CASES` sets the number of cases; for a long run (50000) use `cargo test`, as nextest ends a test after two
//! minutes.

use std::sync::Arc;

use broker::{Broker, BrokerConfig, BrokerEvent};
use model::{
    decimal::{Price, Quantity},
    desk_feed::{DeskLevels, DeskState, DeskTrade, DeskUpdate, StateCause},
    event::{AggressorSide, Level, Trade, TradeId},
    proof::BookState,
    trading::{
        order::{Amendment, Order, OrderId, OrderType, Side},
        refusal::{DenyCode, Refusal},
    },
};
use proptest::prelude::*;

use crate::support::{at, instrument, instrument_id, limit};

/// Base units by price, best first.
type Rows = Vec<(i64, i64)>;

#[derive(Clone, Debug)]
enum Step {
    Levels {
        bids: Rows,
        asks: Rows,
    },
    /// One row of the book as it is gets another size; zero removes it.
    Row {
        is_bid: bool,
        pick: usize,
        size: i64,
    },
    Trade {
        is_buyer: bool,
        price: i64,
        size: i64,
    },
    Limit {
        is_buy: bool,
        price: i64,
        size: i64,
    },
    Market {
        is_buy: bool,
        size: i64,
    },
    Cancel {
        pick: usize,
    },
    Amend {
        pick: usize,
        size: Option<i64>,
        price: Option<i64>,
    },
}

/// `(order, price, size, is_maker)`; a price of 0 is an end without a fill.
type Outcome = (u64, i64, i64, bool);

#[derive(Clone, Debug)]
struct Resting {
    id: u64,
    is_buy: bool,
    price: i64,
    left: i64,
    filled: i64,
    ahead: Option<i64>,
}

#[derive(Default)]
struct Reference {
    bids: Rows,
    asks: Rows,
    /// `(is_bid, price, seen, taken)`
    taken: Vec<(bool, i64, i64, i64)>,
    /// In the order in which they came to their places.
    resting: Vec<Resting>,
    next_id: u64,
    outcomes: Vec<Outcome>,
}

impl Reference {
    fn rows(&self, is_bid: bool) -> &Rows {
        if is_bid { &self.bids } else { &self.asks }
    }

    fn displayed(&self, is_bid: bool, price: i64) -> Option<i64> {
        let rows = self.rows(is_bid);
        let Some(last) = rows.last() else { return Some(0) };
        let is_known = if is_bid { price >= last.0 } else { price <= last.0 };
        is_known.then(|| rows.iter().find(|row| row.0 == price).map_or(0, |row| row.1))
    }

    fn available(&self, is_bid: bool, price: i64, shown: i64) -> i64 {
        let entry = self.taken.iter().find(|entry| (entry.0, entry.1, entry.2) == (is_bid, price, shown));
        shown - entry.map_or(0, |entry| entry.3)
    }

    fn take(&mut self, is_bid: bool, price: i64, shown: i64, size: i64) {
        let left = self.available(is_bid, price, shown);
        self.taken.retain(|entry| (entry.0, entry.1) != (is_bid, price));
        self.taken.push((is_bid, price, shown, shown - (left - size).max(0)));
    }

    /// Takes the other side up to `bound`; `own_price` fills a resting order at its own price.
    fn sweep(&mut self, order: &mut Resting, bound: i64, own_price: bool) {
        for (price, shown) in self.rows(!order.is_buy).clone() {
            if if order.is_buy { price > bound } else { price < bound } {
                break;
            }
            let size = self.available(!order.is_buy, price, shown).min(order.left);
            if size > 0 {
                self.take(!order.is_buy, price, shown, size);
                self.fill(order, if own_price { order.price } else { price }, size, own_price);
            }
        }
    }

    fn fill(&mut self, order: &mut Resting, price: i64, size: i64, is_maker: bool) {
        order.left -= size;
        order.filled += size;
        self.outcomes.push((order.id, price, size, is_maker));
    }

    fn enter(&mut self, mut order: Resting) {
        let bound = order.price;
        self.sweep(&mut order, bound, false);
        if order.left > 0 {
            order.ahead = self.displayed(order.is_buy, order.price);
            self.resting.push(order);
        }
    }

    /// Positions of the resting orders of a side, best price first, then by time.
    fn by_priority(&self, is_buy: bool) -> Vec<usize> {
        let mut idx: Vec<usize> = (0..self.resting.len()).filter(|idx| self.resting[*idx].is_buy == is_buy).collect();
        idx.sort_by_key(|idx| if is_buy { -self.resting[*idx].price } else { self.resting[*idx].price });
        idx
    }

    /// Returns the step as the whole book, where it changes one row.
    fn whole(&self, step: &Step) -> Step {
        let Step::Row { is_bid, pick, size } = step else { return step.clone() };
        let (mut bids, mut asks) = (self.bids.clone(), self.asks.clone());
        let rows = if *is_bid { &mut bids } else { &mut asks };
        if !rows.is_empty() {
            let idx = pick % rows.len();
            rows[idx].1 = *size;
        }
        rows.retain(|row| row.1 > 0);
        Step::Levels { bids, asks }
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Row { .. } => {}
            Step::Levels { bids, asks } => self.levels(bids, asks),
            Step::Trade { is_buyer, price, size } => self.trade(*is_buyer, *price, *size),
            Step::Limit { is_buy, price, size } => {
                self.next_id += 1;
                let (id, is_buy, price, left) = (self.next_id, *is_buy, *price, *size);
                self.enter(Resting { id, is_buy, price, left, filled: 0, ahead: None });
            }
            Step::Market { is_buy, size } => {
                self.next_id += 1;
                let (id, is_buy) = (self.next_id, *is_buy);
                let best = self.rows(!is_buy).first().map_or(0, |row| row.0);
                // 2 % of the best price, in whole ticks towards it.
                let bound = if is_buy { best + best * 2 / 100 } else { best - best * 2 / 100 };
                let mut order = Resting { id, is_buy, price: bound, left: *size, filled: 0, ahead: None };
                self.sweep(&mut order, bound, false);
                if order.left > 0 {
                    self.outcomes.push((id, 0, 0, false));
                }
            }
            Step::Cancel { pick } => {
                if let Some(idx) = self.pick(*pick) {
                    let order = self.resting.remove(idx);
                    self.outcomes.push((order.id, 0, 0, false));
                }
            }
            Step::Amend { pick, size, price } => {
                let Some(idx) = self.pick(*pick) else { return };
                let order = &mut self.resting[idx];
                let size = size.unwrap_or(order.left + order.filled);
                let price = price.unwrap_or(order.price);
                if size < order.filled || size == 0 {
                    return;
                }
                let keeps_place = price == order.price && size <= order.left + order.filled;
                (order.left, order.price) = (size - order.filled, price);
                if order.left == 0 {
                    self.resting.remove(idx);
                } else if !keeps_place {
                    let order = self.resting.remove(idx);
                    self.enter(order);
                }
            }
        }
    }

    fn pick(&self, pick: usize) -> Option<usize> {
        let mut ids: Vec<(u64, usize)> = self.resting.iter().enumerate().map(|(idx, order)| (order.id, idx)).collect();
        ids.sort_unstable();
        (!ids.is_empty()).then(|| ids[pick % ids.len()].1)
    }

    fn levels(&mut self, bids: &Rows, asks: &Rows) {
        (self.bids, self.asks) = (bids.clone(), asks.clone());
        let mut taken = std::mem::take(&mut self.taken);
        taken.retain(|entry| self.displayed(entry.0, entry.1).is_none_or(|shown| shown == entry.2));
        self.taken = taken;
        for idx in 0..self.resting.len() {
            let order = &self.resting[idx];
            if let Some(shown) = self.displayed(order.is_buy, order.price) {
                self.resting[idx].ahead = Some(order.ahead.map_or(shown, |ahead| ahead.min(shown)));
            }
        }
        for is_buy in [true, false] {
            for idx in self.by_priority(is_buy) {
                let mut order = self.resting[idx].clone();
                let bound = order.price;
                self.sweep(&mut order, bound, true);
                self.resting[idx] = order;
            }
        }
        self.resting.retain(|order| order.left > 0);
    }

    fn trade(&mut self, is_buyer: bool, price: i64, size: i64) {
        let hits_bids = !is_buyer;
        if let Some((_, shown)) = self.rows(hits_bids).iter().copied().find(|row| row.0 == price) {
            self.take(hits_bids, price, shown, size);
        }
        let (mut left, mut at_price, mut used) = (size, None, 0);
        for idx in self.by_priority(hits_bids) {
            let mut order = self.resting[idx].clone();
            let is_through = if order.is_buy { order.price > price } else { order.price < price };
            if is_through {
                let filled = order.left.min(left);
                if left > 0 {
                    left -= filled;
                    self.fill(&mut order, self.resting[idx].price, filled, true);
                    order.ahead = order.ahead.map(|_| 0);
                }
            } else if order.price == price
                && let Some(ahead) = order.ahead
            {
                let here = *at_price.get_or_insert(left);
                let filled = ((here - ahead).max(0) - used).max(0).min(order.left);
                order.ahead = Some((ahead - here).max(0));
                if filled > 0 {
                    used += filled;
                    self.fill(&mut order, price, filled, true);
                }
            }
            self.resting[idx] = order;
        }
        self.resting.retain(|order| order.left > 0);
    }
}

fn price(ticks: i64) -> Price {
    Price::from_mantissa(i128::from(ticks), 1).unwrap()
}

fn size(lots: i64) -> Quantity {
    Quantity::from_mantissa(i128::from(lots), 0).unwrap()
}

fn update(step: &Step, offset: u64) -> Option<DeskUpdate> {
    let rows = |rows: &Rows| rows.iter().map(|row| Level { price: price(row.0), quantity: size(row.1) }).collect();
    Some(match step {
        Step::Levels { bids, asks } => DeskUpdate::Levels(Arc::new(DeskLevels {
            bids: rows(bids),
            asks: rows(asks),
            last_update_id: None,
            event_time: None,
            receive_time: Some(at(0)),
            offset,
        })),
        Step::Trade { is_buyer, price: ticks, size: lots } => DeskUpdate::Trade(DeskTrade {
            trade: Trade {
                id: TradeId::Sequence(offset),
                price: price(*ticks),
                size: size(*lots),
                aggressor_side: if *is_buyer { AggressorSide::Buyer } else { AggressorSide::Seller },
            },
            event_time: None,
            receive_time: at(0),
            offset,
        }),
        _ => return None,
    })
}

fn run(broker: &mut Broker, step: &Step, offset: u64, next_id: &mut u64) {
    if let Some(update) = update(step, offset) {
        return broker.update(&instrument_id(), &update, at(0));
    }
    let side = |is_buy: bool| if is_buy { Side::Buy } else { Side::Sell };
    let ids: Vec<OrderId> = broker.open_orders().map(|order| order.order_id).collect();
    let pick = |pick: usize| (!ids.is_empty()).then(|| ids[pick % ids.len()]);
    match step {
        Step::Limit { is_buy, price: ticks, size: lots } => {
            *next_id += 1;
            let order =
                Order { price: Some(price(*ticks)), quantity: size(*lots), ..limit(*next_id, side(*is_buy), "1", "1") };
            broker.submit(order, at(0));
        }
        Step::Market { is_buy, size: lots } => {
            *next_id += 1;
            let order = limit(*next_id, side(*is_buy), "1", "1");
            let order = Order { kind: OrderType::Market, price: None, quantity: size(*lots), ..order };
            broker.submit(order, at(0));
        }
        Step::Cancel { pick: number } => {
            if let Some(id) = pick(*number) {
                broker.cancel(id, Refusal::new(DenyCode::CancelledByTrader, "Cancelled"), at(0));
            }
        }
        Step::Amend { pick: number, size: lots, price: ticks } => {
            if let Some(id) = pick(*number) {
                let (quantity, price) = (lots.map(size), ticks.map(price));
                let _ = broker.amend(id, Amendment { quantity, price, stop_price: None }, at(0));
            }
        }
        Step::Levels { .. } | Step::Row { .. } | Step::Trade { .. } => {}
    }
}

fn outcomes(events: Vec<BrokerEvent>) -> Vec<Outcome> {
    let to_outcome = |event| match event {
        BrokerEvent::Filled(fill) => {
            let ticks = i64::try_from(fill.price.at_scale(1).mantissa()).unwrap();
            let lots = i64::try_from(fill.quantity.at_scale(0).mantissa()).unwrap();
            let is_maker = fill.liquidity == model::trading::fill::Liquidity::Maker;
            Some((fill.order_id.0, ticks, lots, is_maker))
        }
        BrokerEvent::Changed { order_id, change, .. } => {
            matches!(change, model::trading::record::OrderChange::Cancelled(_)).then_some((order_id.0, 0, 0, false))
        }
    };
    events.into_iter().filter_map(to_outcome).collect()
}

/// A book of a few levels around 1000 ticks, so that orders meet often.
fn levels() -> impl Strategy<Value = Step> {
    let side = || prop::collection::vec((1_i64..4, 1_i64..12), 0..5);
    (990_i64..1_010, 1_i64..4, side(), side()).prop_map(|(best, spread, bids, asks)| {
        let rows = |steps: Vec<(i64, i64)>, first: i64, sign: i64| {
            let mut ticks = first;
            let row = |(step, lots): (i64, i64)| {
                ticks += sign * step;
                (ticks, lots)
            };
            steps.into_iter().map(row).collect()
        };
        Step::Levels { bids: rows(bids, best + 1, -1), asks: rows(asks, best + spread - 1, 1) }
    })
}

fn step() -> impl Strategy<Value = Step> {
    let (ticks, lots) = (988_i64..1_012, 1_i64..15);
    let amended = (any::<usize>(), prop::option::of(0_i64..15), prop::option::of(ticks.clone()));
    prop_oneof![
        2 => levels(),
        3 => (any::<bool>(), any::<usize>(), 0_i64..12).prop_map(|(is_bid, pick, size)| Step::Row { is_bid, pick, size }),
        4 => (any::<bool>(), ticks.clone(), lots.clone())
            .prop_map(|(is_buyer, price, size)| Step::Trade { is_buyer, price, size }),
        4 => (any::<bool>(), ticks, lots.clone()).prop_map(|(is_buy, price, size)| Step::Limit { is_buy, price, size }),
        1 => (any::<bool>(), lots).prop_map(|(is_buy, size)| Step::Market { is_buy, size }),
        1 => any::<usize>().prop_map(|pick| Step::Cancel { pick }),
        1 => amended.prop_map(|(pick, size, price)| Step::Amend { pick, size, price }),
    ]
}

fn is_empty(amendment: &Step) -> bool {
    matches!(amendment, Step::Amend { size: None, price: None, .. })
}

fn check(steps: &[Step]) -> Result<(), TestCaseError> {
    let mut broker = Broker::new(BrokerConfig::default());
    broker.list(Arc::new(instrument()));
    let live = DeskState { state: BookState::Live, cause: StateCause::Subscribed, offset: 0 };
    broker.update(&instrument_id(), &DeskUpdate::BookState(live), at(0));
    let (mut reference, mut next_id) = (Reference::default(), 0);
    let first = Step::Levels { bids: vec![(1_000, 5)], asks: vec![(1_001, 5)] };
    for (offset, step) in (1..).zip(std::iter::once(&first).chain(steps).filter(|step| !is_empty(step))) {
        let step = &reference.whole(step);
        run(&mut broker, step, offset, &mut next_id);
        reference.step(step);
        let expected = std::mem::take(&mut reference.outcomes);
        prop_assert_eq!(outcomes(broker.drain()), expected, "{:?}", step);
        let ahead = |order: &Resting| broker.queue(OrderId(order.id)).map(|queue| queue.conservative);
        for order in &reference.resting {
            prop_assert_eq!(ahead(order), order.ahead.map(size), "{:?} after {:?}", order, step);
        }
        prop_assert_eq!(broker.open_orders().count(), reference.resting.len());
    }
    Ok(())
}

proptest! {
    #![proptest_config(crate::properties::cases(1_000))]

    #[test]
    fn the_broker_fills_as_a_plain_model_of_the_rules_does(steps in prop::collection::vec(step(), 100)) {
        check(&steps)?;
    }
}
