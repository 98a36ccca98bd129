//! Random markets, orders of all kinds, two accounts, both models, latency, losses: what must hold whatever comes.
//!
//! `PROPTEST_CASES` sets the number of cases.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use broker::{Broker, BrokerConfig, BrokerEvent, QueueModel};
use model::{
    decimal::{Price, Quantity, Rate, SignedQuantity},
    desk_feed::{DeskBook, DeskLevels, DeskLoss, DeskState, DeskTrade, DeskUpdate, StateCause},
    event::{AggressorSide, Level, Trade, TradeId},
    proof::BookState,
    trading::{
        account::{AccountId, FeeRates},
        fill::{Fill, FillCause, Liquidity},
        order::{
            Amendment, BracketLeg, Order, OrderId, OrderState, OrderType, Side, TimeInForce, Trail, TriggerSource,
        },
        refusal::{DenyCode, Refusal},
    },
};
use proptest::prelude::*;

use crate::support::{account, at, instrument, instrument_id, limit, price, quantity};

/// Returns the configuration of a test with `cases` cases, or as many as `PROPTEST_CASES` says.
pub fn cases(cases: u32) -> ProptestConfig {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(cases);
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

#[derive(Clone, Debug)]
enum Step {
    Update { update: Update, millis: i64 },
    Submit(Vec<Order>),
    Cancel(usize),
    Amend(usize, Amendment),
    Advance(i64),
}

#[derive(Clone, Debug)]
enum Update {
    Levels { bids: Vec<Level>, asks: Vec<Level>, event_time: Option<i64> },
    Trade { price: Price, size: Quantity, aggressor_side: AggressorSide, event_time: Option<i64> },
    State(BookState),
    Loss,
    Ended,
}

/// Market that was shown, and the quantities that fills took of it.
struct Witness {
    broker: Broker,
    book: DeskBook,
    is_immediate: bool,
    millis: i64,
    offset: u64,
    next_id: u64,
    events: Vec<BrokerEvent>,
    folded: BTreeMap<OrderId, Order>,
    positions: BTreeMap<AccountId, SignedQuantity>,
    by_trade: BTreeMap<String, Quantity>,
}

impl Witness {
    fn new(config: BrokerConfig) -> Self {
        let is_immediate = config.entry_latency.is_zero();
        let mut broker = Broker::new(config);
        broker.list(Arc::new(instrument()));
        Self {
            broker,
            is_immediate,
            book: DeskBook::default(),
            millis: 0,
            offset: 0,
            next_id: 0,
            events: Vec::new(),
            folded: BTreeMap::new(),
            positions: BTreeMap::new(),
            by_trade: BTreeMap::new(),
        }
    }

    fn run(&mut self, step: &Step) -> Result<(), TestCaseError> {
        let now = at(self.millis);
        let ids: Vec<OrderId> = self.broker.open_orders().map(|order| order.order_id).collect();
        let pick = |number: usize| (!ids.is_empty()).then(|| ids[number % ids.len()]);
        match step {
            Step::Update { update, millis } => {
                self.millis += millis;
                self.offset += 1;
                let update = self.update(update);
                // Commands that arrived before it are settled on the book as it was.
                self.broker.advance(at(self.millis - 1));
                self.look()?;
                self.book.apply(&update);
                self.broker.update(&instrument_id(), &update, at(self.millis));
            }
            Step::Submit(orders) => {
                let entry = OrderId(self.next_id + 1);
                for order in orders {
                    self.next_id += 1;
                    let bracket = order.bracket.map(|(_, leg)| (entry, leg));
                    let order = Order { order_id: OrderId(self.next_id), bracket, ..order.clone() };
                    self.folded.insert(order.order_id, order.clone());
                    let preview = self.preview(&order);
                    self.broker.submit(order, now);
                    if let Some(expected) = preview {
                        self.look()?;
                        let order = &self.folded[&OrderId(self.next_id)];
                        let fits = order.reason.as_ref().is_none_or(|reason| reason.code != DenyCode::DoesNotFit);
                        prop_assert!(!fits || order.filled == expected, "preview {expected} of {order:?}");
                    }
                }
            }
            Step::Cancel(number) => {
                if let Some(id) = pick(*number) {
                    self.broker.cancel(id, Refusal::new(DenyCode::CancelledByTrader, "Cancelled"), now);
                }
            }
            Step::Amend(number, amendment) => {
                if let Some(id) = pick(*number) {
                    let _ = self.broker.amend(id, *amendment, now);
                }
            }
            Step::Advance(millis) => {
                self.millis += millis;
                self.broker.advance(at(self.millis));
                prop_assert!(self.broker.deadline().is_none_or(|deadline| deadline > at(self.millis)));
            }
        }
        self.look()
    }

    /// Returns what a plain taker is to fill at once, where the broker can say.
    fn preview(&self, order: &Order) -> Option<Quantity> {
        let is_plain = !order.kind.is_conditional() && order.time_in_force == TimeInForce::Gtc;
        let is_plain = is_plain && !order.post_only && !order.reduce_only && order.bracket.is_none();
        let (now, is_now) = (at(self.millis), self.is_immediate);
        let preview = self.broker.preview(&instrument_id(), order.side, order.quantity, order.price, now);
        preview.ok().filter(|_| is_plain && is_now).map(|preview| preview.filled)
    }

    fn update(&self, update: &Update) -> DeskUpdate {
        let (offset, now) = (self.offset, at(self.millis));
        match update.clone() {
            Update::Levels { bids, asks, event_time } => DeskUpdate::Levels(Arc::new(DeskLevels {
                bids,
                asks,
                last_update_id: Some(offset),
                event_time: event_time.map(at),
                receive_time: Some(now),
                offset,
            })),
            Update::Trade { price, size, aggressor_side, event_time } => DeskUpdate::Trade(DeskTrade {
                trade: Trade { id: TradeId::Sequence(offset), price, size, aggressor_side },
                event_time: event_time.map(at),
                receive_time: now,
                offset,
            }),
            Update::State(state) => DeskUpdate::BookState(DeskState { state, cause: StateCause::Judgement, offset }),
            Update::Loss => DeskUpdate::Suspect(DeskLoss { n_trades: 1, n_states: 0, offset }),
            Update::Ended => DeskUpdate::Ended,
        }
    }

    /// Folds what has happened, and compares it with the broker's own orders.
    fn look(&mut self) -> Result<(), TestCaseError> {
        for event in self.broker.drain() {
            let Some(order) = self.folded.get_mut(&event.order_id()) else {
                return Err(TestCaseError::fail(format!("nobody submitted {event:?}")));
            };
            prop_assert!(order.state.is_open(), "{event:?} after the end of {order:?}");
            match &event {
                BrokerEvent::Changed { change, time, .. } => order.apply(change, *time),
                BrokerEvent::Filled(fill) => {
                    order.apply_fill(fill).map_err(|error| TestCaseError::fail(error.to_string()))?;
                    let order = order.clone();
                    self.judge(&order, fill)?;
                }
            }
            self.events.push(event);
        }
        for order in self.broker.open_orders() {
            prop_assert_eq!(Some(order), self.folded.get(&order.order_id));
        }
        let open = self.folded.values().filter(|order| order.state.is_open()).count();
        prop_assert_eq!(self.broker.open_orders().count(), open);
        Ok(())
    }

    fn judge(&mut self, order: &Order, fill: &Fill) -> Result<(), TestCaseError> {
        let levels = self.book.tradable();
        prop_assert!(levels.is_some(), "a fill without a tradable book: {fill:?}");
        prop_assert!(!fill.quantity.is_zero());
        let levels = levels.unwrap();
        let crossed = levels.bids.first().zip(levels.asks.first()).is_some_and(|(bid, ask)| bid.price >= ask.price);
        prop_assert!(!crossed, "a fill on a crossed book: {fill:?}");
        let is_within = |limit: Price| if order.side == Side::Buy { fill.price <= limit } else { fill.price >= limit };
        if order.is_limit_now() {
            prop_assert!(is_within(order.price.unwrap()), "{fill:?} outside the limit of {order:?}");
        }
        let rows = if order.side == Side::Buy { &levels.asks } else { &levels.bids };
        let shown = |price: Price| rows.iter().find(|row| row.price == price).map(|row| row.quantity);
        match &fill.evidence.cause {
            FillCause::Level { price, displayed, taken_before, .. } => {
                prop_assert_eq!((fill.liquidity, fill.price), (Liquidity::Taker, *price));
                prop_assert_eq!(shown(*price), Some(*displayed));
                let left = displayed.checked_sub(*taken_before);
                prop_assert!(left.is_some_and(|left| fill.quantity <= left), "{fill:?}");
            }
            FillCause::BookThrough { price, displayed, taken_before, .. } => {
                prop_assert_eq!((fill.liquidity, Some(fill.price)), (Liquidity::Maker, order.price));
                let has_come = if order.side == Side::Buy { *price <= fill.price } else { *price >= fill.price };
                prop_assert!(has_come, "{fill:?}");
                prop_assert_eq!(shown(*price), Some(*displayed));
                let left = displayed.checked_sub(*taken_before);
                prop_assert!(left.is_some_and(|left| fill.quantity <= left), "{fill:?}");
            }
            FillCause::Trade { trade_id, size, .. } | FillCause::TradeThrough { trade_id, size, .. } => {
                prop_assert_eq!((fill.liquidity, Some(fill.price)), (Liquidity::Maker, order.price));
                let used = self.by_trade.entry(trade_id.clone()).or_default();
                // Digits that do not fit count as all of it.
                *used = used.checked_add(fill.quantity).unwrap_or(*size);
                prop_assert!(*used <= *size, "{fill:?}: {used} of {size}");
            }
            FillCause::Liquidation { .. } => prop_assert!(false, "the broker does not liquidate"),
        }
        let position = self.positions.entry(fill.account.clone()).or_default();
        let signed = if order.side == Side::Buy { fill.quantity.long() } else { fill.quantity.short() };
        let after = position.checked_add(signed).unwrap();
        if order.reduce_only {
            let is_opposite = position.is_negative() == (order.side == Side::Buy);
            prop_assert!(is_opposite && after.size() < position.size(), "{fill:?} on {position}");
        }
        *position = after;
        let value = fill.value().unwrap();
        prop_assert_eq!(value.share(rate(fill.liquidity), 8), Some(fill.fee));
        Ok(())
    }
}

fn rate(liquidity: Liquidity) -> Rate {
    Rate::parse(if liquidity == Liquidity::Maker { "-0.0002" } else { "0.001" }).unwrap()
}

const HUGE: &str = "79228162514264337593543950335";
const TINY: &str = "0.0000000000000000000000000001";

fn ticks() -> impl Strategy<Value = Price> {
    prop_oneof![
        60 => (985_i128..1_015).prop_map(|ticks| Price::from_mantissa(ticks, 1).unwrap()),
        1 => Just(price(HUGE)),
        1 => Just(price(TINY)),
        1 => Just(price("-1")),
    ]
}

fn lots() -> impl Strategy<Value = Quantity> {
    prop_oneof![
        60 => (1_i128..15_000).prop_map(|lots| Quantity::from_mantissa(lots, 3).unwrap()),
        1 => Just(quantity(HUGE)),
        1 => Just(quantity(TINY)),
    ]
}

fn event_time() -> impl Strategy<Value = Option<i64>> {
    prop::option::of(0_i64..3_000)
}

fn levels() -> impl Strategy<Value = Update> {
    let rows = || prop::collection::btree_map(985_i128..1_000, lots(), 0..8);
    (rows(), rows(), -2_i128..12, event_time()).prop_map(|(bids, asks, up, event_time)| {
        let level = |(ticks, quantity), up| Level { price: Price::from_mantissa(ticks + up, 1).unwrap(), quantity };
        let bids = bids.into_iter().rev().map(|row| level(row, 0)).collect();
        // Some books are crossed.
        let asks = asks.into_iter().map(|row| level(row, 13 + up)).collect();
        Update::Levels { bids, asks, event_time }
    })
}

fn update() -> impl Strategy<Value = Update> {
    use AggressorSide::{Buyer, Seller, Unknown};
    let side = prop_oneof![4 => Just(Buyer), 4 => Just(Seller), 1 => Just(Unknown)];
    let size = prop_oneof![9 => lots(), 1 => Just(Quantity::ZERO)];
    let state =
        prop_oneof![4 => Just(BookState::Live), 1 => Just(BookState::Suspect), 1 => Just(BookState::Unverified)];
    prop_oneof![
        20 => levels(),
        20 => (ticks(), size, side, event_time()).prop_map(|(price, size, aggressor_side, event_time)| {
            Update::Trade { price, size, aggressor_side, event_time }
        }),
        2 => state.prop_map(Update::State),
        1 => Just(Update::Loss),
        1 => Just(Update::Ended),
    ]
}

fn order() -> impl Strategy<Value = Order> {
    use TimeInForce::{Fok, Gtc, Gtd, Ioc};
    let kind = prop_oneof![
        6 => Just(OrderType::Limit),
        2 => Just(OrderType::Market),
        4 => prop::sample::select(OrderType::ALL.to_vec()),
    ];
    let time_in_force = prop_oneof![6 => Just(Gtc), 1 => Just(Ioc), 1 => Just(Fok), 1 => Just(Gtd)];
    let trail = prop_oneof![
        (1_i128..30).prop_map(|ticks| Trail::Offset(Price::from_mantissa(ticks, 1).unwrap())),
        (1_u32..300).prop_map(Trail::Bps),
    ];
    let flags = (any::<bool>(), any::<bool>(), any::<bool>(), 0_u8..8, 0_u8..5);
    let figures = (lots(), ticks(), ticks(), prop::option::of(trail), 0_i64..3_000);
    (kind, time_in_force, flags, figures).prop_map(|(kind, time_in_force, flags, figures)| {
        let (is_buy, is_other, is_by_book, post_only, reduce_only) = flags;
        let (quantity, price, stop_price, trail, expiry) = figures;
        let trail = trail.filter(|_| kind == OrderType::TrailingStop);
        Order {
            kind,
            account: account(if is_other { "other" } else { "main" }),
            quantity,
            price: kind.has_price().then_some(price),
            stop_price: kind.is_conditional().then_some(stop_price).filter(|_| trail.is_none()),
            trail,
            trigger: if is_by_book { TriggerSource::BidAsk } else { TriggerSource::Last },
            time_in_force,
            expire_time_ms: (time_in_force == Gtd).then_some(expiry),
            post_only: post_only == 0 && kind == OrderType::Limit,
            reduce_only: reduce_only == 0,
            ..limit(0, if is_buy { Side::Buy } else { Side::Sell }, "1", "1")
        }
    })
}

fn orders() -> impl Strategy<Value = Vec<Order>> {
    let bracket = (order(), ticks(), ticks(), any::<bool>()).prop_map(|(entry, stop, target, is_late)| {
        let entry = Order { reduce_only: false, ..entry };
        let leg = |leg, order: Order| Order {
            account: entry.account.clone(),
            quantity: entry.quantity,
            bracket: Some((OrderId(0), leg)),
            reduce_only: true,
            state: OrderState::Held,
            ..order
        };
        let side = entry.side.opposite();
        let stop = Order { kind: OrderType::Stop, stop_price: Some(stop), price: None, ..limit(0, side, "1", "1") };
        let target = Order { price: Some(target), ..limit(0, side, "1", "1") };
        let mut orders = vec![entry.clone(), leg(BracketLeg::StopLoss, stop), leg(BracketLeg::TakeProfit, target)];
        if is_late {
            orders.swap(1, 2);
        }
        orders
    });
    prop_oneof![4 => order().prop_map(|order| vec![order]), 1 => bracket]
}

fn step() -> impl Strategy<Value = Step> {
    let amendment = (prop::option::of(lots()), prop::option::of(ticks()), prop::option::of(ticks()));
    let amendment = amendment.prop_map(|(quantity, price, stop_price)| Amendment { quantity, price, stop_price });
    prop_oneof![
        10 => (update(), 1_i64..40).prop_map(|(update, millis)| Step::Update { update, millis }),
        6 => orders().prop_map(Step::Submit),
        1 => any::<usize>().prop_map(Step::Cancel),
        1 => (any::<usize>(), amendment).prop_map(|(number, amendment)| Step::Amend(number, amendment)),
        1 => (0_i64..100).prop_map(Step::Advance),
    ]
}

fn config() -> impl Strategy<Value = BrokerConfig> {
    let latency = || prop_oneof![2 => Just(0_u64), 1 => 1_u64..60].prop_map(Duration::from_millis);
    let queue = prop_oneof![Just(QueueModel::Conservative), Just(QueueModel::Optimistic)];
    (latency(), latency(), queue).prop_map(|(entry_latency, cancel_latency, queue)| BrokerConfig {
        entry_latency,
        cancel_latency,
        queue,
        protection_bps: 100,
        default_fees: FeeRates { maker: rate(Liquidity::Maker), taker: rate(Liquidity::Taker) },
        ..BrokerConfig::default()
    })
}

fn run(config: &BrokerConfig, steps: &[Step]) -> Result<Vec<BrokerEvent>, TestCaseError> {
    let mut witness = Witness::new(config.clone());
    witness.run(&Step::Update { update: Update::State(BookState::Live), millis: 0 })?;
    for step in steps {
        witness.run(step)?;
    }
    Ok(witness.events)
}

proptest! {
    #![proptest_config(cases(256))]

    #[test]
    fn fills_are_within_what_was_asked_and_shown_and_events_fold_to_the_orders(
        config in config(),
        steps in prop::collection::vec(step(), 60..150),
    ) {
        run(&config, &steps)?;
    }

    #[test]
    fn the_same_input_gives_the_same_events(config in config(), steps in prop::collection::vec(step(), 60)) {
        prop_assert_eq!(run(&config, &steps)?, run(&config, &steps)?);
    }
}
