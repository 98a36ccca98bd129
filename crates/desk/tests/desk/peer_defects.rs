//! Faults that other desks have had, as names of what must hold here.

use std::collections::BTreeMap;

use model::{
    decimal::Notional,
    event::AggressorSide,
    trading::{
        account::{AccountId, AccountKind, Currency},
        command::{ClosePosition, DeskCommand, DeskReply, Kill, OpenAccount, SetLimits},
        order::{OrderRequest, OrderState},
        record::Record,
        refusal::DenyCode,
        strategy::{StrategyId, StrategyState},
    },
};

use crate::floor::{Floor, MARKET, grid, id, quoted, walk};

const DAY_MS: u64 = 24 * 3_600_000;

fn n_orders(floor: &Floor) -> usize {
    floor.records.iter().filter(|record| matches!(record, Record::OrderAccepted(_))).count()
}

fn close(floor: &mut Floor) {
    let close = ClosePosition { account: None, instrument: id(), reverse: false };
    floor.command(DeskCommand::ClosePosition(close)).unwrap();
}

/// nautilus_trader #4736: a warm restart added the opposite of what was held. #3476, #3478: a partial fill of an open order
/// was counted twice.
#[test]
fn a_restart_holds_what_was_held_and_counts_a_partial_fill_once() {
    let mut floor = quoted();
    let order = floor.place("a", "buy", r#""type":"limit","quantity":"3","price":"100.01""#).unwrap();
    for _ in 0..3 {
        assert_eq!(floor.position(), "2");
        let known = floor.desk.state().order(order.order_id).unwrap();
        assert_eq!((known.state, known.leaves().to_string()), (OrderState::PartiallyFilled, "1".to_owned()));
        floor = floor.restarted();
    }
    floor.levels(&[("99.99", "2")], &[("100.00", "9")]);
    assert_eq!(floor.position(), "3");
    floor.check_restart();
}

/// nautilus_trader #3176: each restart placed the same orders again; #4739: orders were made up that nobody had placed.
/// hummingbot #6722: a grid rebalanced without an end after a restart.
#[test]
fn a_restart_places_nothing() {
    let mut floor = quoted();
    floor.command(grid("g")).unwrap();
    walk(&mut floor, &[9_950, 9_890]);
    let (n_placed, held) = (n_orders(&floor), floor.held());
    for _ in 0..3 {
        floor = floor.restarted();
        walk(&mut floor, &[9_890, 9_890]);
        assert_eq!((n_orders(&floor), floor.held()), (n_placed, held));
    }
}

/// nautilus_trader #3104: a position older than the look-back kept the program from starting.
#[test]
fn a_position_of_any_age_survives() {
    let mut floor = quoted();
    floor.place("a", "buy", MARKET).unwrap();
    for _ in 0..400 {
        floor.wait(DAY_MS);
    }
    let mut again = floor.restarted();
    assert_eq!(again.position(), "1");
    again.levels(&[("109.99", "2")], &[("110.01", "2")]);
    close(&mut again);
    assert_eq!(again.round_trips.last().unwrap().1.realised_pnl, Notional::parse("9.98").unwrap());
}

/// nautilus_trader #1083: a flip overstated the profit. OpenAlgo #823, #1100: the unrealised profit was wrong after a
/// position was opened again.
#[test]
fn a_flip_realises_what_it_closes_and_opens_at_its_own_price() {
    let mut floor = quoted();
    floor.place("a", "buy", MARKET).unwrap();
    floor.place("b", "sell", r#""type":"market","quantity":"2""#).unwrap();
    assert_eq!(floor.position(), "-1");
    let position = |floor: &Floor| {
        let account = floor.desk.state().accounts.values().next().unwrap();
        let position = account.ledger.position(&id()).unwrap();
        (position.realised_pnl().to_string(), position.average_price().unwrap().to_string())
    };
    assert_eq!(position(&floor), ("-0.02".to_owned(), "99.99".to_owned()));
    floor.levels(&[("109.99", "2")], &[("110.01", "2")]);
    close(&mut floor);
    floor.place("c", "buy", MARKET).unwrap();
    // −0.02 and −10.02; what is held now has not earned anything of it.
    assert_eq!(position(&floor), ("-10.04".to_owned(), "110.01".to_owned()));
}

/// OpenAlgo #1640: a sale without holdings left a phantom short; funds that were released twice were spent twice.
#[test]
fn a_cash_account_sells_what_it_has_and_gets_back_what_it_locked() {
    let mut floor = quoted();
    let account = AccountId::parse("cash").unwrap();
    let usdt = Currency::new("USDT");
    let start = BTreeMap::from([(usdt.clone(), Notional::parse("1000").unwrap())]);
    let open: OpenAccount = serde_json::from_value(serde_json::json!({
        "account": "cash", "kind": AccountKind::Cash, "currency": usdt, "start": start
    }))
    .unwrap();
    floor.command(DeskCommand::OpenAccount(open)).unwrap();
    let mut place = |name: &str, side: &str, fields: &str| {
        let text = format!(
            r#"{{"client_order_id":"{name}","account":"cash","instrument":"demo:AAABBB","side":"{side}",{fields}}}"#
        );
        let request: OrderRequest = serde_json::from_str(&text).unwrap();
        floor.command(DeskCommand::PlaceOrder(Box::new(request)))
    };
    assert_eq!(place("s", "sell", MARKET).unwrap_err().code, DenyCode::InsufficientFunds);
    // 2 of 5 fill, and the rest is cancelled: 1,000 less what was paid are free again, and no more.
    let DeskReply::Order(order) = place("b", "buy", r#""type":"limit","quantity":"5","price":"100.01""#).unwrap()
    else {
        panic!()
    };
    let cancel = serde_json::json!({ "cancel_order": { "order_id": order.order_id } });
    floor.command(serde_json::from_value(cancel).unwrap()).unwrap();
    let row = floor.desk.account_row(&floor.desk.state().accounts[&account]);
    let line = row.cash.iter().find(|line| line.currency == usdt).unwrap();
    // 1,000 − 200.02, less a fee of 0.1 %.
    assert_eq!((line.balance.to_string(), line.locked), ("799.77998".to_owned(), Some(Notional::ZERO)));
}

/// go-trader #1462, #1469: orders rested on after the account was said to be flat.
#[test]
fn nothing_rests_once_all_is_flat() {
    let mut floor = quoted();
    let entry = r#""type":"limit","quantity":"1","price":"100.01","stop_loss":"95.00","take_profit":"105.00""#;
    floor.place("e", "buy", entry).unwrap();
    close(&mut floor);
    assert_eq!((floor.position().as_str(), floor.desk.state().orders.len()), ("0", 0));
    floor.command(grid("g")).unwrap();
    floor.place("r", "buy", r#""type":"limit","quantity":"1","price":"99.00""#).unwrap();
    floor.command(DeskCommand::Kill(Kill { reason: "test".into(), flatten: true })).unwrap();
    let report = floor.desk.sweep(floor.now);
    floor.collect();
    assert_eq!((report.open_orders.len(), report.open_positions.len()), (0, 0));
    walk(&mut floor, &[9_850, 9_890]);
    assert_eq!((floor.position().as_str(), floor.desk.state().orders.len()), ("0", 0));
}

/// hummingbot #2534: the kill switch stopped itself, and strategies went on.
#[test]
fn a_killed_strategy_places_nothing_more_after_a_restart_either() {
    let mut floor = quoted();
    floor.command(grid("g")).unwrap();
    floor.command(DeskCommand::Kill(Kill { reason: "test".into(), flatten: false })).unwrap();
    // The restart comes between the switch and its sweep.
    let mut again = floor.restarted();
    again.desk.sweep(again.now);
    again.collect();
    let n_placed = n_orders(&again);
    walk(&mut again, &[9_950, 9_890, 9_950]);
    assert_eq!((n_orders(&again), again.desk.state().orders.len()), (n_placed, 0));
    let strategy = &again.desk.state().strategies[&StrategyId::parse("g").unwrap()];
    assert!(!matches!(strategy.state, StrategyState::Running | StrategyState::Waiting), "{:?}", strategy.state);
}

/// anusambath/trading-bot #27: a restart set the daily loss back.
#[test]
fn a_restart_sets_no_loss_back() {
    let mut floor = quoted();
    let limits = serde_json::from_str(r#"{"max_daily_loss":"50"}"#).unwrap();
    floor.command(DeskCommand::SetLimits(SetLimits { account: None, limits })).unwrap();
    floor.place("a", "buy", r#""type":"market","quantity":"4""#).unwrap();
    floor.levels(&[("80.00", "9")], &[("80.02", "9")]);
    floor.wait(1_000);
    let mut again = floor.restarted();
    again.levels(&[("80.00", "9")], &[("80.02", "9")]);
    assert_eq!(again.place("b", "buy", MARKET).unwrap_err().code, DenyCode::DailyLoss);
    // Nor a good price: the day's start is that of the day.
    again.levels(&[("99.99", "9")], &[("100.01", "9")]);
    again.wait(1_000);
    assert_eq!(again.place("c", "buy", MARKET).unwrap_err().code, DenyCode::DailyLoss);
}

/// hummingbot #1145: a fill without a trade; #3094: history and balance differed.
#[test]
fn what_the_account_shows_is_the_sum_of_its_fills() {
    let mut floor = quoted();
    floor.place("r", "buy", r#""type":"limit","quantity":"1","price":"99.50""#).unwrap();
    floor.levels(&[("99.60", "2")], &[("99.62", "2")]);
    assert_eq!(floor.position(), "0", "the price came near, and nobody sold");
    floor.trade("99.50", "0.4", AggressorSide::Seller);
    floor.trade("99.49", "1", AggressorSide::Seller);
    let fills = floor.records.iter().filter_map(|record| match record {
        Record::Filled(fill) => Some(fill.quantity),
        _ => None,
    });
    let sum = fills.reduce(|sum, quantity| sum.checked_add(quantity).unwrap()).unwrap();
    assert_eq!(sum.long(), floor.held());
}
