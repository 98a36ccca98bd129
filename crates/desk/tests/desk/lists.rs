//! The state against the lists of orders and fills: equal ones agree, and any change of a list is named.

use desk::{
    reconcile::{Mismatch, Reconciliation},
    rows::EventKind,
};
use model::{
    decimal::Price,
    trading::{
        fill::{Fill, FillId},
        order::{Order, OrderId, OrderState},
        record::Record,
    },
};

use crate::floor::{Floor, MARKET, price, quantity, quoted};

/// The lists as the store has them.
#[derive(Clone)]
struct Lists {
    fills: Vec<Fill>,
    orders: Vec<Order>,
}

fn traded() -> (Floor, Lists) {
    let mut floor = quoted();
    floor.place("a", "buy", r#""type":"market","quantity":"3""#).unwrap();
    floor.levels(&[("99.99", "2")], &[("100.01", "2")]);
    floor.place("b", "sell", MARKET).unwrap();
    floor.place("c", "buy", r#""type":"limit","quantity":"1","price":"99.00""#).unwrap();
    let fills = floor.records.iter().filter_map(|record| match record {
        Record::Filled(fill) => Some((**fill).clone()),
        _ => None,
    });
    let mut orders: Vec<Order> = floor.desk.state().orders.values().chain(&floor.desk.state().ended).cloned().collect();
    orders.sort_by_key(|order| order.order_id);
    let lists = Lists { fills: fills.collect(), orders };
    assert_eq!((lists.fills.len(), lists.orders.len()), (3, 3));
    (floor, lists)
}

fn compare(floor: &Floor, lists: &Lists) -> Vec<Mismatch> {
    let mut comparison = Reconciliation::of(floor.desk.state());
    lists.fills.iter().for_each(|fill| comparison.fill(fill));
    lists.orders.iter().for_each(|order| comparison.order(order));
    comparison.finish()
}

#[test]
fn each_difference_is_named() {
    let (floor, lists) = traded();
    assert_eq!(compare(&floor, &lists), []);
    #[track_caller]
    fn check(floor: &Floor, lists: &Lists, tamper: impl FnOnce(&mut Lists), expected: &[&str]) {
        let mut tampered = lists.clone();
        tamper(&mut tampered);
        let mismatches = compare(floor, &tampered);
        let what: Vec<&str> = mismatches.iter().map(|mismatch| mismatch.what.as_str()).collect();
        assert_eq!(what, expected, "{mismatches:?}");
    }
    let position = "position in demo:AAABBB";
    check(&floor, &lists, |lists| lists.fills[0].quantity = quantity("1.5"), &["order 1", "cash in USDT", position]);
    check(&floor, &lists, |lists| lists.fills[2].price = price("99.98"), &["cash in USDT", position]);
    check(&floor, &lists, |lists| lists.fills[2].fee = lists.fills[2].fee.negated(), &["cash in USDT", "fees in USDT"]);
    check(
        &floor,
        &lists,
        |lists| drop(lists.fills.remove(0)),
        &["fill 1-2", "order 1", "number of fills", "cash in USDT", "fees in USDT", position],
    );
    check(
        &floor,
        &lists,
        |lists| {
            let (order_id, last) = (OrderId(9), lists.fills[2].clone());
            lists.fills.push(Fill { fill_id: FillId { order_id, number: 1 }, order_id, ..last });
        },
        &["order 9", "number of fills", "cash in USDT", "fees in USDT", position],
    );
    check(&floor, &lists, |lists| drop(lists.orders.remove(0)), &["order 1"]);
    check(&floor, &lists, |lists| drop(lists.orders.remove(2)), &["number of open orders"]);
    check(&floor, &lists, |lists| lists.orders[2].price = Price::parse("98.00").ok(), &["order 3"]);
    check(&floor, &lists, |lists| lists.orders[0].state = OrderState::Open, &["order 1"]);
}

#[test]
fn a_difference_becomes_an_event() {
    let (mut floor, mut lists) = traded();
    lists.orders.remove(0);
    for mismatch in compare(&floor, &lists) {
        floor.desk.report(&mismatch);
    }
    floor.collect();
    let told = floor.events.last().unwrap();
    let is_named = matches!(told, EventKind::ReconciliationMismatch { what, .. } if what == "order 1");
    assert!(is_named, "{told:?}");
    let json = serde_json::to_value(told).unwrap();
    assert_eq!(json["event"], "reconciliation_mismatch");
}
