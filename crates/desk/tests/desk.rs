//! The desk over a made-up market: orders, brackets, limits, the kill switch, strategies, restarts.

#![allow(clippy::unwrap_used, reason = "a test may unwrap")]

use std::sync::Arc;

use desk::{config::DeskConfig, desk::Desk, rows::EventKind, state::State};
use model::{
    decimal::{Notional, Price, Quantity, SignedQuantity},
    desk_feed::{DeskLevels, DeskState, DeskTrade, DeskUpdate, StateCause},
    event::{AggressorSide, Level, Trade, TradeId},
    instrument::{Instrument, InstrumentId, InstrumentStatus},
    proof::BookState,
    time::Timestamp,
    trading::{
        command::{
            CancelAll, CancelOrder, ClosePosition, DeskCommand, DeskReply, Kill, LiftKill, SetLimits, StartStrategy,
            StopStrategy,
        },
        order::{Order, OrderRequest, OrderState},
        record::Record,
        refusal::{DenyCode, Refusal},
        strategy::{StopChoice, StrategyId, StrategyState},
    },
};

fn id() -> InstrumentId {
    InstrumentId::parse("demo:AAABBB").unwrap()
}

fn quantity(text: &str) -> Quantity {
    Quantity::parse(text).unwrap()
}

fn price(text: &str) -> Price {
    Price::parse(text).unwrap()
}

fn instrument() -> Instrument {
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
struct Floor {
    desk: Desk,
    now: Timestamp,
    offset: u64,
    records: Vec<Record>,
    events: Vec<EventKind>,
}

impl Floor {
    fn new() -> Self {
        let mut desk = Desk::new(DeskConfig::default());
        desk.list(Arc::new(instrument()));
        let now = Timestamp::from_millis(1_723_161_600_000);
        desk.start(now);
        let mut floor = Self { desk, now, offset: 0, records: Vec::new(), events: Vec::new() };
        floor.update(|offset| {
            DeskUpdate::BookState(DeskState { state: BookState::Live, cause: StateCause::Subscribed, offset })
        });
        floor
    }

    fn update(&mut self, make: impl FnOnce(u64) -> DeskUpdate) {
        self.offset += 1;
        self.now = self.now + std::time::Duration::from_millis(100);
        self.desk.update(&id(), &make(self.offset), self.now);
        self.collect();
    }

    fn collect(&mut self) {
        let effects = self.desk.take_effects();
        assert_eq!(effects.fault, None);
        self.records.extend(effects.records);
        self.events.extend(effects.events.into_iter().map(|(_, event)| event.kind));
    }

    fn levels(&mut self, bids: &[(&str, &str)], asks: &[(&str, &str)]) {
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

    fn trade(&mut self, at: &str, size: &str, aggressor_side: AggressorSide) {
        let now = self.now;
        let trade =
            Trade { id: TradeId::Sequence(self.offset), price: price(at), size: quantity(size), aggressor_side };
        self.update(|offset| {
            let event_time = Some(now + std::time::Duration::from_millis(50));
            DeskUpdate::Trade(DeskTrade { trade, event_time, receive_time: now, offset })
        });
    }

    fn wait(&mut self, millis: u64) {
        self.now = self.now + std::time::Duration::from_millis(millis);
        self.desk.advance(self.now);
        self.collect();
    }

    fn command(&mut self, command: DeskCommand) -> Result<DeskReply, Refusal> {
        let reply = self.desk.command(command, self.now);
        self.collect();
        reply
    }

    fn place(&mut self, name: &str, side: &str, fields: &str) -> Result<Order, Refusal> {
        let text = format!(r#"{{"client_order_id":"{name}","instrument":"demo:AAABBB","side":"{side}",{fields}}}"#);
        let request: OrderRequest = serde_json::from_str(&text).unwrap();
        match self.command(DeskCommand::PlaceOrder(Box::new(request)))? {
            DeskReply::Order(order) | DeskReply::Repeated(order) => Ok(*order),
            reply => panic!("{reply:?}"),
        }
    }

    fn held(&self) -> SignedQuantity {
        let account = self.desk.state().accounts.values().next().unwrap();
        account.ledger.position(&id()).map(|position| position.quantity()).unwrap_or_default()
    }

    fn position(&self) -> String {
        let held = self.held();
        held.at_scale(held.significant_scale()).to_string()
    }

    /// The journal alone gives the same state, from its beginning and from a snapshot.
    #[track_caller]
    fn check_restart(&self) {
        let mut state = State::default();
        for record in &self.records {
            state.apply(record).unwrap();
        }
        // Excursions are seen, not journalled; numbers of events are the runner's.
        let text = |state: &State| {
            let orders = serde_json::to_string(&(&state.orders, &state.ended, &state.strategies, &state.kill)).unwrap();
            let accounts = state.accounts.values().map(|account| {
                format!("{:?} {:?} {:?} {:?}", account.ledger.cash(), account.limits, account.standing, account.samples)
            });
            orders + &accounts.collect::<String>()
        };
        assert_eq!(text(&state), text(self.desk.state()));
        let restored = Desk::restore(DeskConfig::default(), Some(&self.desk.snapshot()), []).unwrap();
        assert_eq!(restored.state(), self.desk.state());
    }
}

const MARKET: &str = r#""type":"market","quantity":"1""#;

fn quoted() -> Floor {
    let mut floor = Floor::new();
    floor.levels(&[("99.99", "2"), ("99.98", "5")], &[("100.01", "2"), ("100.02", "5")]);
    floor.trade("100.00", "0.5", AggressorSide::Buyer);
    floor
}

#[test]
fn a_market_order_takes_the_book_and_the_ledger_adds_up() {
    let mut floor = quoted();
    let order = floor.place("a", "buy", r#""type":"market","quantity":"3""#).unwrap();
    assert_eq!((order.state, order.filled_value), (OrderState::Filled, Notional::parse("300.04").unwrap()));
    assert_eq!(floor.position(), "3");
    floor.levels(&[("109.99", "9")], &[("110.01", "2")]);
    let order = floor.place("b", "sell", r#""type":"market","quantity":"3""#).unwrap();
    assert_eq!(order.state, OrderState::Filled);
    let account = floor.desk.state().accounts.values().next().unwrap();
    let trip = &account.ledger.round_trips()[0];
    assert_eq!(trip.realised_pnl, Notional::parse("29.93").unwrap());
    // 0.1 % of 300.04 and of 329.97.
    assert_eq!(trip.net_pnl(), Notional::parse("29.29999").ok());
    let names: Vec<bool> = [
        floor.events.iter().any(|event| matches!(event, EventKind::TradeExecuted(_))),
        floor.events.iter().any(|event| matches!(event, EventKind::TradeLogged(_))),
        floor.events.iter().any(|event| matches!(event, EventKind::PositionEvent { is_open: false, .. })),
        floor.events.iter().any(|event| matches!(event, EventKind::OrderUpdated(_))),
    ]
    .into();
    assert_eq!(names, [true; 4]);
    floor.check_restart();
}

#[test]
fn the_same_name_is_the_same_order() {
    let mut floor = quoted();
    let first = floor.place("a", "buy", MARKET).unwrap();
    let n_records = floor.records.len();
    assert_eq!(floor.place("a", "buy", MARKET).unwrap().order_id, first.order_id);
    assert_eq!(floor.records.len(), n_records, "nothing was placed");
    assert_eq!(floor.position(), "1");
    let refusal = floor.place("a", "sell", MARKET).unwrap_err();
    assert_eq!(refusal.code, DenyCode::ClientOrderIdReused);
}

#[test]
fn a_bracket_protects_what_filled_and_one_leg_cancels_the_other() {
    let mut floor = quoted();
    let entry = r#""type":"limit","quantity":"1","price":"100.01","stop_loss":"95.00","take_profit":"105.00""#;
    floor.place("e", "buy", entry).unwrap();
    assert_eq!(floor.position(), "1");
    assert_eq!(floor.desk.state().orders.len(), 2, "stop-loss and take-profit wait");
    floor.levels(&[("104.99", "2")], &[("105.01", "2")]);
    floor.trade("105.00", "1", AggressorSide::Buyer);
    assert_eq!(floor.position(), "0");
    assert_eq!(floor.desk.state().orders.len(), 0);
    let reasons: Vec<_> =
        floor.desk.state().ended.iter().filter_map(|order| order.reason.as_ref()).map(|reason| reason.code).collect();
    assert_eq!(reasons, [DenyCode::OtherLegFilled]);
    floor.check_restart();
}

#[test]
fn limits_refuse_and_losses_make_the_account_reduce_only_until_the_next_day() {
    let mut floor = quoted();
    let limits = serde_json::from_str(r#"{"max_order_value":"500","max_daily_loss":"50"}"#).unwrap();
    floor.command(DeskCommand::SetLimits(SetLimits { account: None, limits })).unwrap();
    let refusal = floor.place("big", "buy", r#""type":"market","quantity":"6""#).unwrap_err();
    assert_eq!((refusal.code, refusal.limit.as_deref()), (DenyCode::MaxOrderValue, Some("500 USD")));
    floor.wait(1_000);
    floor.place("a", "buy", r#""type":"market","quantity":"4""#).unwrap();
    floor.levels(&[("80.00", "9")], &[("80.02", "9")]);
    floor.wait(1_000);
    let account = floor.desk.state().accounts.values().next().unwrap();
    assert_eq!(account.standing.reduce_only().map(|cause| cause.code), Some(DenyCode::DailyLoss));
    let refusal = floor.place("b", "buy", MARKET).unwrap_err();
    assert_eq!(refusal.code, DenyCode::DailyLoss);
    floor.place("c", "sell", MARKET).unwrap();
    assert_eq!(floor.position(), "3");
    floor.check_restart();
    floor.wait(24 * 3_600_000);
    floor.levels(&[("80.00", "9")], &[("80.02", "9")]);
    floor.wait(1_000);
    floor.place("d", "buy", MARKET).unwrap();
}

#[test]
fn a_missing_price_refuses() {
    let mut floor = Floor::new();
    assert_eq!(floor.place("a", "buy", MARKET).unwrap_err().code, DenyCode::NoPrice);
    let text = r#"{"client_order_id":"x","instrument":"demo:OTHER","side":"buy","type":"market","quantity":"1"}"#;
    let refusal = floor.command(DeskCommand::PlaceOrder(Box::new(serde_json::from_str(text).unwrap()))).unwrap_err();
    assert_eq!(refusal.code, DenyCode::UnknownInstrument);
}

#[test]
fn the_kill_switch_latches_cancels_flattens_and_says_what_is_left() {
    let mut floor = quoted();
    floor.place("a", "buy", MARKET).unwrap();
    floor.place("r", "buy", r#""type":"limit","quantity":"1","price":"99.00""#).unwrap();
    floor.levels(&[("99.99", "0.4")], &[("100.01", "2")]);
    let reply = floor.command(DeskCommand::Kill(Kill { reason: "test".into(), flatten: true })).unwrap();
    let DeskReply::Kill(report) = reply else { panic!() };
    assert_eq!(
        (report.is_on, report.open_orders.len()),
        (true, 1),
        "set, and nothing is cancelled before that is on disk"
    );
    let report = floor.desk.sweep(floor.now);
    floor.collect();
    assert_eq!(report.n_cancelled, 1);
    assert_eq!(floor.position(), "0.6", "the book had no more");
    assert_eq!((report.open_positions.len(), report.open_orders.len()), (1, report.open_orders.len()));
    assert_eq!(floor.place("b", "buy", MARKET).unwrap_err().code, DenyCode::KillSwitch);
    floor.check_restart();
    // A restart finds it set, and goes on.
    let mut again = Desk::restore(DeskConfig::default(), None, &floor.records).unwrap();
    again.list(Arc::new(instrument()));
    again.start(floor.now);
    assert!(again.state().kill.is_some());
    let refused = floor.command(DeskCommand::LiftKill(LiftKill { reason: " ".into() })).unwrap_err();
    assert_eq!(refused.code, DenyCode::BadRequest);
    floor.command(DeskCommand::LiftKill(LiftKill { reason: "checked".into() })).unwrap();
    floor.levels(&[("99.99", "4")], &[("100.01", "3")]);
    floor.place("c", "buy", MARKET).unwrap();
}

#[test]
fn orders_are_cancelled_closed_and_reversed() {
    let mut floor = quoted();
    let order = floor.place("r", "buy", r#""type":"limit","quantity":"1","price":"99.50""#).unwrap();
    let cancel = CancelOrder { order_id: order.order_id };
    let DeskReply::Order(cancelled) = floor.command(DeskCommand::CancelOrder(cancel.clone())).unwrap() else {
        panic!()
    };
    assert_eq!(cancelled.state, OrderState::Cancelled);
    assert_eq!(floor.command(DeskCommand::CancelOrder(cancel)).unwrap_err().code, DenyCode::OrderClosed);
    floor.place("r2", "buy", r#""type":"limit","quantity":"1","price":"99.50""#).unwrap();
    floor.place("r3", "sell", r#""type":"limit","quantity":"1","price":"100.50""#).unwrap();
    let DeskReply::Orders(orders) = floor.command(DeskCommand::CancelAll(CancelAll::default())).unwrap() else {
        panic!()
    };
    assert!(orders.len() == 2 && orders.iter().all(|order| order.state == OrderState::Cancelled));
    let close = |reverse| DeskCommand::ClosePosition(ClosePosition { account: None, instrument: id(), reverse });
    assert_eq!(floor.command(close(false)).unwrap_err().code, DenyCode::NothingToReduce);
    floor.place("a", "buy", MARKET).unwrap();
    floor.command(close(true)).unwrap();
    assert_eq!(floor.position(), "-1");
    floor.levels(&[("99.99", "3")], &[("100.01", "3")]);
    floor.command(close(false)).unwrap();
    assert_eq!(floor.position(), "0");
    floor.check_restart();
}

fn grid(name: &str) -> DeskCommand {
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
fn walk(floor: &mut Floor, path: &[i64]) {
    for cents in path {
        let at = |offset: i64| Price::from_mantissa((cents + offset).into(), 2).unwrap().to_string();
        floor.levels(&[(&at(-1), "5")], &[(&at(1), "5")]);
        floor.trade(&at(0), "5", AggressorSide::Seller);
        floor.wait(1_100);
    }
}

#[test]
fn a_grid_runs_by_itself_and_stops_by_one_button() {
    let mut floor = quoted();
    floor.command(grid("g")).unwrap();
    assert_eq!(floor.desk.state().orders.len(), 20);
    assert_eq!(floor.command(grid("g")).unwrap_err().code, DenyCode::BadStrategy);
    walk(&mut floor, &[9_950, 9_890, 9_790, 9_850, 9_910, 10_010, 10_110, 10_000]);
    let report = floor.desk.strategy_report(&StrategyId::parse("g").unwrap()).unwrap();
    assert!(report.n_round_trips >= 3, "{report:?}");
    assert!(report.realised_pnl > Notional::ZERO);
    assert_eq!(report.position, floor.held(), "the account holds what the grid says");
    floor.check_restart();
    let stop = StopStrategy { strategy_id: StrategyId::parse("g").unwrap(), choice: StopChoice::Flatten };
    floor.command(DeskCommand::StopStrategy(stop.clone())).unwrap();
    assert_eq!((floor.desk.state().orders.len(), floor.position().as_str()), (0, "0"));
    assert_eq!(floor.command(DeskCommand::StopStrategy(stop)).unwrap_err().code, DenyCode::StrategyState);
    let entry = floor.desk.state().strategies.values().next().unwrap();
    assert_eq!(entry.state, StrategyState::Stopped);
}

#[test]
fn a_restart_in_the_middle_of_a_grid_goes_on_identically() {
    let path = [9_950, 9_890, 9_790, 9_850, 9_910, 10_010, 10_110, 10_000, 9_900];
    let mut whole = quoted();
    whole.command(grid("g")).unwrap();
    walk(&mut whole, &path[..4]);
    let mut desk = Desk::restore(DeskConfig::default(), None, &whole.records).unwrap();
    desk.list(Arc::new(instrument()));
    desk.start(whole.now);
    let report = |desk: &Desk| desk.strategy_report(&StrategyId::parse("g").unwrap()).unwrap();
    let without_prices = |desk: &Desk| model::trading::strategy::StrategyReport { floating_pnl: None, ..report(desk) };
    assert_eq!(without_prices(&desk), without_prices(&whole.desk));
    let records = whole.records.clone();
    let mut again = Floor { desk, now: whole.now, offset: 0, records, events: Vec::new() };
    again.collect();
    assert!(again.desk.state().orders.values().all(|order| order.has_gap), "what happened meanwhile is not known");
    again.update(|offset| {
        DeskUpdate::BookState(DeskState { state: BookState::Live, cause: StateCause::Subscribed, offset })
    });
    walk(&mut whole, &path[4..]);
    walk(&mut again, &path[4..]);
    let figures = |floor: &Floor| {
        let report = report(&floor.desk);
        (report.realised_pnl, report.position, report.n_round_trips, report.fees)
    };
    assert_eq!(figures(&again), figures(&whole));
    again.check_restart();
}

#[test]
fn the_same_inputs_give_the_same_journal() {
    let run = || {
        let mut floor = quoted();
        floor.command(grid("g")).unwrap();
        floor.place("a", "buy", MARKET).unwrap();
        walk(&mut floor, &[9_950, 9_890, 10_110, 10_000]);
        serde_json::to_string(&floor.records).unwrap()
    };
    assert_eq!(run(), run());
}
