//! Orders, brackets, limits, the kill switch and strategies, as a trader sees them.

use std::sync::Arc;

use desk::{config::DeskConfig, desk::Desk, rows::EventKind};
use model::{
    decimal::Notional,
    event::AggressorSide,
    trading::{
        account::AccountId,
        command::{
            CancelAll, CancelOrder, ClosePosition, DeskCommand, DeskReply, Kill, LiftKill, SetLimits, StopStrategy,
        },
        order::OrderState,
        refusal::DenyCode,
        strategy::{StopChoice, StrategyId, StrategyState},
    },
};

use crate::floor::{Floor, MARKET, grid, id, instrument, quoted, walk};

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
    let cancel = CancelOrder { account: None, order_id: order.order_id };
    let of_another = CancelOrder { account: AccountId::parse("second").ok(), ..cancel.clone() };
    assert_eq!(floor.command(DeskCommand::CancelOrder(of_another)).unwrap_err().code, DenyCode::UnknownOrder);
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

/// condor #133: two stop buttons did different things.
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
    walk(&mut floor, &[9_890]);
    assert_ne!(floor.position(), "0", "there is something to flatten");
    let stop =
        StopStrategy { account: None, strategy_id: StrategyId::parse("g").unwrap(), choice: StopChoice::Flatten };
    let of_another = StopStrategy { account: AccountId::parse("second").ok(), ..stop.clone() };
    assert_eq!(floor.command(DeskCommand::StopStrategy(of_another)).unwrap_err().code, DenyCode::UnknownStrategy);
    floor.command(DeskCommand::StopStrategy(stop.clone())).unwrap();
    assert_eq!((floor.desk.state().orders.len(), floor.position().as_str()), (0, "0"));
    assert_eq!(floor.command(DeskCommand::StopStrategy(stop)).unwrap_err().code, DenyCode::StrategyState);
    let entry = floor.desk.state().strategies.values().next().unwrap();
    assert_eq!(entry.state, StrategyState::Stopped);
}

/// bbgo #80: a grid did not find its levels again.
#[test]
fn a_restart_in_the_middle_of_a_grid_goes_on_identically() {
    let path = [9_950, 9_890, 9_790, 9_850, 9_910, 10_010, 10_110, 10_000, 9_900];
    let mut whole = quoted();
    whole.command(grid("g")).unwrap();
    walk(&mut whole, &path[..4]);
    let mut again = whole.restarted();
    let report = |desk: &Desk| desk.strategy_report(&StrategyId::parse("g").unwrap()).unwrap();
    let without_prices = |desk: &Desk| model::trading::strategy::StrategyReport { floating_pnl: None, ..report(desk) };
    assert_eq!(without_prices(&again.desk), without_prices(&whole.desk));
    assert!(again.desk.state().orders.values().all(|order| order.has_gap), "what happened meanwhile is not known");
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
