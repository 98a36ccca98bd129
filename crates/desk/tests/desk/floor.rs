//! A desk over a made-up market, with everything that it has journalled.

use std::sync::Arc;

use desk::{
    config::DeskConfig,
    desk::Desk,
    rows::EventKind,
    state::{Saved, State},
};
use model::{
    decimal::{Price, Quantity, SignedQuantity},
    desk_feed::{DeskLevels, DeskState, DeskTrade, DeskUpdate, StateCause},
    event::{AggressorSide, Level, Trade, TradeId},
    instrument::{Instrument, InstrumentId, InstrumentStatus},
    proof::BookState,
    time::Timestamp,
    trading::{
        account::AccountId,
        command::{DeskCommand, DeskReply, StartStrategy},
        order::{Order, OrderRequest},
        record::Record,
        refusal::Refusal,
        strategy::StrategyId,
    },
};
use portfolio::round_trip::RoundTrip;

pub(crate) fn id() -> InstrumentId {
    InstrumentId::parse("demo:AAABBB").unwrap()
}

pub(crate) fn quantity(text: &str) -> Quantity {
    Quantity::parse(text).unwrap()
}

pub(crate) fn price(text: &str) -> Price {
    Price::parse(text).unwrap()
}

pub(crate) fn instrument() -> Instrument {
    Instrument {
        id: id(),
        base: "AAA".into(),
        quote: "USDT".into(),
        tick_size: price("0.01"),
        lot_size: quantity("0.001"),
        min_notional: None,
        status: InstrumentStatus::Trading,
        is_simulated: true,
    }
}

/// A desk with its market, and everything that it has journalled.
pub(crate) struct Floor {
    pub(crate) desk: Desk,
    pub(crate) now: Timestamp,
    pub(crate) offset: u64,
    pub(crate) records: Vec<Record>,
    pub(crate) round_trips: Vec<(AccountId, RoundTrip)>,
    pub(crate) events: Vec<EventKind>,
}

impl Floor {
    pub(crate) fn new() -> Self {
        let mut desk = Desk::new(DeskConfig::default());
        desk.list(Arc::new(instrument()));
        let now = Timestamp::from_millis(1_723_161_600_000);
        desk.start(now);
        let mut floor = Self { desk, now, offset: 0, records: Vec::new(), round_trips: Vec::new(), events: Vec::new() };
        floor.update(|offset| {
            DeskUpdate::BookState(DeskState { state: BookState::Live, cause: StateCause::Subscribed, offset })
        });
        floor
    }

    pub(crate) fn update(&mut self, make: impl FnOnce(u64) -> DeskUpdate) {
        self.offset += 1;
        self.now = self.now + std::time::Duration::from_millis(100);
        self.desk.update(&id(), &make(self.offset), self.now);
        self.collect();
    }

    pub(crate) fn collect(&mut self) {
        let effects = self.desk.take_effects();
        assert_eq!(effects.fault, None);
        self.records.extend(effects.records);
        self.round_trips.extend(effects.round_trips);
        self.events.extend(effects.events.into_iter().map(|(_, event)| event.kind));
    }

    pub(crate) fn levels(&mut self, bids: &[(&str, &str)], asks: &[(&str, &str)]) {
        let rows = |rows: &[(&str, &str)]| -> Vec<Level> {
            rows.iter().map(|(at, size)| Level { price: price(at), quantity: quantity(size) }).collect()
        };
        let (bids, asks, time) = (rows(bids), rows(asks), Some(self.now));
        self.update(|offset| {
            DeskUpdate::Levels(Arc::new(DeskLevels {
                bids,
                asks,
                last_update_id: None,
                event_time: time,
                receive_time: time,
                offset,
            }))
        });
    }

    pub(crate) fn trade(&mut self, at: &str, size: &str, aggressor_side: AggressorSide) {
        let now = self.now;
        let trade =
            Trade { id: TradeId::Sequence(self.offset), price: price(at), size: quantity(size), aggressor_side };
        self.update(|offset| {
            let event_time = Some(now + std::time::Duration::from_millis(50));
            DeskUpdate::Trade(DeskTrade { trade, event_time, receive_time: now, offset })
        });
    }

    pub(crate) fn wait(&mut self, millis: u64) {
        self.now = self.now + std::time::Duration::from_millis(millis);
        self.desk.advance(self.now);
        self.collect();
    }

    pub(crate) fn command(&mut self, command: DeskCommand) -> Result<DeskReply, Refusal> {
        let reply = self.desk.command(command, self.now);
        self.collect();
        reply
    }

    pub(crate) fn place(&mut self, name: &str, side: &str, fields: &str) -> Result<Order, Refusal> {
        let text = format!(r#"{{"client_order_id":"{name}","instrument":"demo:AAABBB","side":"{side}",{fields}}}"#);
        let request: OrderRequest = serde_json::from_str(&text).unwrap();
        match self.command(DeskCommand::PlaceOrder(Box::new(request)))? {
            DeskReply::Order(order) | DeskReply::Repeated(order) => Ok(*order),
            reply => panic!("{reply:?}"),
        }
    }

    pub(crate) fn held(&self) -> SignedQuantity {
        let account = self.desk.state().accounts.values().next().unwrap();
        account.ledger.position(&id()).map(|position| position.quantity()).unwrap_or_default()
    }

    pub(crate) fn position(&self) -> String {
        let held = self.held();
        held.at_scale(held.significant_scale()).to_string()
    }

    /// The journal alone gives the same state, from its beginning and from a snapshot.
    #[track_caller]
    pub(crate) fn check_restart(&self) {
        let mut state = State::default();
        for record in &self.records {
            state.apply(record).unwrap();
        }
        // Numbers of events are the runner's.
        state.n_events = self.desk.state().n_events;
        assert_eq!(&state, self.desk.state());
        let saved = Saved { body: self.desk.snapshot(), round_trips: self.round_trips.clone() };
        let restored = Desk::restore(DeskConfig::default(), Some(saved), []).unwrap();
        assert_eq!(restored.state(), self.desk.state());
    }

    /// Returns a desk restored after a kill, from the journal alone.
    pub(crate) fn restarted(&self) -> Self {
        let mut desk = Desk::restore(DeskConfig::default(), None, &self.records).unwrap();
        desk.list(Arc::new(instrument()));
        desk.start(self.now);
        let (records, round_trips) = (self.records.clone(), self.round_trips.clone());
        let mut again = Self { desk, now: self.now, offset: 0, records, round_trips, events: Vec::new() };
        again.collect();
        again.update(|offset| {
            DeskUpdate::BookState(DeskState { state: BookState::Live, cause: StateCause::Subscribed, offset })
        });
        again
    }
}

pub(crate) const MARKET: &str = r#""type":"market","quantity":"1""#;

pub(crate) fn quoted() -> Floor {
    let mut floor = Floor::new();
    floor.levels(&[("99.99", "2"), ("99.98", "5")], &[("100.01", "2"), ("100.02", "5")]);
    floor.trade("100.00", "0.5", AggressorSide::Buyer);
    floor
}

pub(crate) fn grid(name: &str) -> DeskCommand {
    let settings = serde_json::json!({
        "lower": "90.00", "upper": "110.00", "n_lines": 21, "mode": "neutral", "size": { "base": "0.1" }
    });
    DeskCommand::StartStrategy(Box::new(StartStrategy {
        strategy_id: StrategyId::parse(name).unwrap(),
        kind: "grid".into(),
        account: None,
        instrument: id(),
        settings,
    }))
}

/// Walks the price down and up with trades that go through the levels of a grid.
pub(crate) fn walk(floor: &mut Floor, path: &[i64]) {
    for cents in path {
        let at = |offset: i64| Price::from_mantissa((cents + offset).into(), 2).unwrap().to_string();
        floor.levels(&[(&at(-1), "5")], &[(&at(1), "5")]);
        floor.trade(&at(0), "5", AggressorSide::Seller);
        floor.wait(1_100);
    }
}
