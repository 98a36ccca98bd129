//! A market and a broker whose steps and events are short texts.

use std::sync::Arc;

use broker::{Broker, BrokerConfig, BrokerEvent, QueueModel};
use model::{
    decimal::{Price, Quantity, SignedQuantity},
    desk_feed::{DeskLevels, DeskLoss, DeskState, DeskTrade, DeskUpdate, StateCause},
    event::{AggressorSide, Level, Trade, TradeId},
    instrument::{Instrument, InstrumentId, InstrumentStatus},
    proof::BookState,
    time::Timestamp,
    trading::{
        account::AccountId,
        fill::{Fill, Liquidity},
        order::{Amendment, BracketLeg, ClientOrderId, Order, OrderId, OrderRequest, OrderState, OrderType, Side},
        record::OrderChange,
        refusal::{DenyCode, Refusal},
    },
};

pub fn price(text: &str) -> Price {
    Price::parse(text).unwrap()
}

pub fn quantity(text: &str) -> Quantity {
    Quantity::parse(text).unwrap()
}

pub fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

pub fn instrument_id() -> InstrumentId {
    InstrumentId::parse("demo:AAABBB").unwrap()
}

pub fn instrument() -> Instrument {
    Instrument {
        id: instrument_id(),
        base: "AAA".into(),
        quote: "BBB".into(),
        tick_size: price("0.1"),
        lot_size: quantity("0.001"),
        min_notional: None,
        status: InstrumentStatus::Trading,
        is_simulated: true,
    }
}

pub fn account(name: &str) -> AccountId {
    AccountId::parse(name).unwrap()
}

/// A limit order of the account `main`; tests change the fields that matter to them.
pub fn limit(id: u64, side: Side, size: &str, limit: &str) -> Order {
    let name = ClientOrderId::parse(&format!("c-{id}")).unwrap();
    let request = OrderRequest::market(name, instrument_id(), side, quantity(size));
    let request = OrderRequest { kind: OrderType::Limit, price: Some(price(limit)), ..request };
    Order::of_request(request, OrderId(id), account("main"), Timestamp::EPOCH)
}

pub fn buy(id: u64, size: &str, price: &str) -> Order {
    limit(id, Side::Buy, size, price)
}

pub fn sell(id: u64, size: &str, price: &str) -> Order {
    limit(id, Side::Sell, size, price)
}

pub fn market(id: u64, side: Side, size: &str) -> Order {
    Order { kind: OrderType::Market, price: None, ..limit(id, side, size, "1") }
}

pub fn stop(id: u64, side: Side, size: &str, stop: &str) -> Order {
    Order { kind: OrderType::Stop, stop_price: Some(price(stop)), ..market(id, side, size) }
}

pub fn leg(entry: u64, leg: BracketLeg, order: Order) -> Order {
    Order { bracket: Some((OrderId(entry), leg)), reduce_only: true, state: OrderState::Held, ..order }
}

pub fn optimistic() -> BrokerConfig {
    BrokerConfig { queue: QueueModel::Optimistic, ..BrokerConfig::default() }
}

/// A broker with one instrument, and the market's clock and offsets.
pub struct Scene {
    pub broker: Broker,
    pub millis: i64,
    offset: u64,
    n_trades: u64,
    n_changes: u64,
}

impl Scene {
    /// Begins with a live book, shown as `100x5 99x3`.
    pub fn new(config: BrokerConfig, bids: &str, asks: &str) -> Self {
        let mut broker = Broker::new(config);
        broker.list(Arc::new(instrument()));
        let mut scene = Self { broker, millis: 0, offset: 0, n_trades: 0, n_changes: 0 };
        scene.state(BookState::Live);
        scene.levels(bids, asks);
        scene
    }

    pub fn live(bids: &str, asks: &str) -> Self {
        Self::new(BrokerConfig::default(), bids, asks)
    }

    pub fn now(&self) -> Timestamp {
        at(self.millis)
    }

    pub fn update(&mut self, update: &DeskUpdate) {
        self.broker.update(&instrument_id(), update, at(self.millis));
    }

    pub fn state(&mut self, state: BookState) {
        self.offset += 1;
        let (cause, offset) = (StateCause::Judgement, self.offset);
        self.update(&DeskUpdate::BookState(DeskState { state, cause, offset }));
    }

    pub fn lose(&mut self) {
        self.offset += 1;
        self.update(&DeskUpdate::Suspect(DeskLoss { n_trades: 1, n_states: 0, offset: self.offset }));
    }

    pub fn levels(&mut self, bids: &str, asks: &str) {
        self.levels_of(None, bids, asks);
    }

    /// Levels with the venue's time.
    pub fn levels_of(&mut self, event_time: Option<i64>, bids: &str, asks: &str) {
        self.offset += 1;
        self.n_changes += 1;
        let levels = DeskLevels {
            bids: rows(bids),
            asks: rows(asks),
            last_update_id: Some(self.n_changes),
            event_time: event_time.map(at),
            receive_time: Some(at(self.millis)),
            offset: self.offset,
        };
        self.update(&DeskUpdate::Levels(Arc::new(levels)));
    }

    pub fn trade(&mut self, aggressor_side: AggressorSide, size: &str, price: &str) {
        self.trade_of(None, aggressor_side, size, price);
    }

    /// A seller's trade.
    pub fn sold(&mut self, size: &str, price: &str) {
        self.trade(AggressorSide::Seller, size, price);
    }

    /// A buyer's trade.
    pub fn bought(&mut self, size: &str, price: &str) {
        self.trade(AggressorSide::Buyer, size, price);
    }

    /// A trade with the venue's time.
    pub fn trade_of(&mut self, event_time: Option<i64>, aggressor_side: AggressorSide, size: &str, price: &str) {
        self.offset += 1;
        self.n_trades += 1;
        let trade = Trade {
            id: TradeId::Sequence(self.n_trades),
            price: self::price(price),
            size: quantity(size),
            aggressor_side,
        };
        self.update(&DeskUpdate::Trade(DeskTrade {
            trade,
            event_time: event_time.map(at),
            receive_time: at(self.millis),
            offset: self.offset,
        }));
    }

    pub fn submit(&mut self, order: Order) {
        self.broker.submit(order, at(self.millis));
    }

    pub fn submit_all(&mut self, orders: impl IntoIterator<Item = Order>) {
        orders.into_iter().for_each(|order| self.submit(order));
    }

    pub fn cancel(&mut self, id: u64) {
        let reason = Refusal::new(DenyCode::CancelledByTrader, "Cancelled");
        self.broker.cancel(OrderId(id), reason, at(self.millis));
    }

    pub fn amend(&mut self, id: u64, size: Option<&str>, limit: Option<&str>) -> Result<(), Refusal> {
        let amendment = Amendment { quantity: size.map(quantity), price: limit.map(price), stop_price: None };
        self.broker.amend(OrderId(id), amendment, at(self.millis))
    }

    pub fn advance(&mut self, millis: i64) {
        self.millis = millis;
        self.broker.advance(at(millis));
    }

    pub fn hold(&mut self, name: &str, position: &str) {
        let position = SignedQuantity::parse(position).unwrap();
        self.broker.set_position(&account(name), &instrument_id(), position);
    }

    /// Both models' sizes ahead of an order: `conservative/optimistic`.
    pub fn queue(&self, id: u64) -> Option<String> {
        let position = self.broker.queue(OrderId(id))?;
        Some(format!("{}/{}", position.conservative, position.optimistic))
    }

    /// Checks what has happened since the last check.
    #[track_caller]
    pub fn check(&mut self, expected: &[&str]) {
        let shown: Vec<String> = self.broker.drain().iter().map(show).collect();
        assert_eq!(shown, expected);
    }

    /// Takes the fills since the last check out.
    pub fn fills(&mut self) -> Vec<Fill> {
        let to_fill = |event| match event {
            BrokerEvent::Filled(fill) => Some(fill),
            BrokerEvent::Changed { .. } => None,
        };
        self.broker.drain().into_iter().filter_map(to_fill).collect()
    }
}

/// `100x5 99x3`
pub fn rows(text: &str) -> Vec<Level> {
    let row = |text: &str| {
        let (limit, size) = text.split_once('x').unwrap();
        Level { price: price(limit), quantity: quantity(size) }
    };
    text.split_whitespace().map(row).collect()
}

pub fn show(event: &BrokerEvent) -> String {
    let (order_id, change) = match event {
        BrokerEvent::Filled(fill) => {
            let liquidity = if fill.liquidity == Liquidity::Maker { "maker" } else { "taker" };
            return format!("{}: {} at {} as {liquidity}", fill.fill_id, fill.quantity, fill.price);
        }
        BrokerEvent::Changed { order_id, change, .. } => (order_id, change),
    };
    let text = match change {
        OrderChange::Opened => "opened".to_owned(),
        OrderChange::Activated { quantity } => format!("activated {quantity}"),
        OrderChange::Triggered { price, .. } => format!("triggered at {price}"),
        OrderChange::Trailed { stop_price } => format!("trailed to {stop_price}"),
        OrderChange::Amended(amendment) => {
            let figures = [
                amendment.quantity.map(|quantity| quantity.to_string()),
                amendment.price.map(|price| format!("at {price}")),
                amendment.stop_price.map(|price| format!("stop {price}")),
            ];
            format!("amended {}", figures.into_iter().flatten().collect::<Vec<_>>().join(" "))
        }
        OrderChange::CancelRequested => "cancel requested".to_owned(),
        OrderChange::Cancelled(reason) => format!("cancelled {}", reason.code.as_str()),
        OrderChange::Expired => "expired".to_owned(),
        OrderChange::Rejected(reason) => format!("rejected {}", reason.code.as_str()),
        OrderChange::Gap => "gap".to_owned(),
    };
    format!("{order_id}: {text}")
}
