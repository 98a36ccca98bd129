//! Orders, amendments and cancels on their way, and ends of time.

use std::time::Duration;

use broker::{Blocker, BrokerConfig};
use model::trading::{
    order::{Order, OrderId, OrderState, Side, TimeInForce},
    refusal::DenyCode,
};

use crate::support::{Scene, at, buy, market, sell};

fn slow() -> BrokerConfig {
    let millis = Duration::from_millis;
    BrokerConfig { entry_latency: millis(10), cancel_latency: millis(5), ..BrokerConfig::default() }
}

#[test]
fn an_order_fills_against_the_book_at_its_arrival() {
    let mut scene = Scene::new(slow(), "100x5", "102x5");
    scene.submit(market(1, Side::Buy, "1"));
    scene.check(&[]);
    assert_eq!(scene.broker.order(OrderId(1)).map(|order| order.state), Some(OrderState::PendingNew));
    assert_eq!(scene.broker.waiting_for(OrderId(1), at(0)), Some(Blocker::OnItsWay));
    assert_eq!(scene.broker.deadline(), Some(at(10)));
    scene.millis = 9;
    scene.levels("100x5", "103x5");
    scene.advance(9);
    scene.check(&[]);
    scene.advance(10);
    scene.check(&["1: opened", "1-1: 1 at 103 as taker"]);
    assert_eq!(scene.broker.deadline(), None);
}

#[test]
fn data_of_the_same_moment_comes_before_the_orders_that_arrive_then() {
    let mut scene = Scene::new(slow(), "100x5", "102x5");
    scene.submit(market(1, Side::Buy, "1"));
    scene.millis = 10;
    scene.levels("100x5", "103x5");
    scene.check(&["1: opened", "1-1: 1 at 103 as taker"]);
    scene.submit(market(2, Side::Buy, "1"));
    scene.millis = 21;
    scene.levels("100x5", "104x5");
    let fills = scene.fills();
    let times: Vec<_> = fills.iter().map(|fill| (fill.price.to_string(), fill.time)).collect();
    assert_eq!(times, [("103".to_owned(), at(20))]);
}

#[test]
fn a_cancel_on_its_way_loses_against_a_fill() {
    let mut scene = Scene::new(slow(), "100x5", "102x5");
    scene.submit(buy(1, "3", "101"));
    scene.advance(10);
    scene.cancel(1);
    scene.cancel(1);
    scene.check(&["1: opened", "1: cancel requested"]);
    scene.sold("2", "101");
    assert_eq!(scene.broker.order(OrderId(1)).map(|order| order.state), Some(OrderState::PendingCancel));
    scene.sold("2", "101");
    scene.advance(15);
    scene.check(&["1-1: 2 at 101 as maker", "1-2: 1 at 101 as maker"]);
}

#[test]
fn a_cancel_ends_the_rest_at_its_arrival() {
    let mut scene = Scene::new(slow(), "100x5", "102x5");
    scene.submit(buy(1, "3", "101"));
    // It does not overtake its order.
    scene.cancel(1);
    scene.advance(9);
    scene.check(&["1: cancel requested"]);
    scene.advance(10);
    scene.check(&["1: opened", "1: cancelled cancelled_by_trader"]);
    scene.cancel(1);
    scene.advance(99);
    scene.check(&[]);
}

#[test]
fn an_amendment_that_a_fill_overtook_changes_nothing() {
    let mut scene = Scene::new(slow(), "100x5", "102x5");
    scene.submit(buy(1, "3", "101"));
    scene.advance(10);
    scene.amend(1, Some("1"), None).unwrap();
    scene.sold("2", "101");
    scene.advance(20);
    scene.check(&["1: opened", "1-1: 2 at 101 as maker"]);
    scene.cancel(1);
    let refused = scene.amend(1, Some("2.5"), None).map_err(|refusal| refusal.code);
    assert_eq!(refused, Err(DenyCode::OrderClosed));
}

#[test]
fn commands_settle_by_arrival_and_then_by_call() {
    let config = BrokerConfig { cancel_latency: Duration::ZERO, ..slow() };
    let mut scene = Scene::new(config, "100x5", "102x5");
    scene.submit_all([buy(1, "3", "101"), sell(2, "3", "101.5")]);
    scene.advance(10);
    scene.amend(1, None, Some("102")).unwrap();
    scene.millis = 12;
    scene.cancel(2);
    scene.submit(market(3, Side::Buy, "4"));
    scene.advance(40);
    scene.check(&[
        "1: opened",
        "2: opened",
        "2: cancelled cancelled_by_trader",
        "1: amended at 102",
        "1-1: 3 at 102 as taker",
        "3: opened",
        "3-1: 2 at 102 as taker",
        "3: cancelled nothing_left_to_take",
    ]);
}

#[test]
fn an_order_whose_time_passed_ends_before_the_next_market_event() {
    let gtd = |order, millis| Order { time_in_force: TimeInForce::Gtd, expire_time_ms: Some(millis), ..order };
    let mut scene = Scene::live("100x5", "102x5");
    scene.submit_all([gtd(buy(1, "3", "101"), 50), gtd(buy(2, "3", "101"), 60), gtd(buy(3, "3", "101"), 0)]);
    assert_eq!(scene.broker.deadline(), Some(at(50)));
    scene.millis = 50;
    // At that very moment, data comes first.
    scene.sold("2", "101");
    scene.millis = 61;
    scene.sold("9", "101");
    scene.check(&[
        "1: opened",
        "2: opened",
        "3: opened",
        "3: expired",
        "1-1: 2 at 101 as maker",
        "1: expired",
        "2: expired",
    ]);
    assert_eq!(scene.broker.deadline(), None);
}

#[test]
fn the_deadline_forgets_orders_that_ended() {
    let mut scene = Scene::live("100x5", "102x5");
    scene.submit(Order { time_in_force: TimeInForce::Gtd, expire_time_ms: Some(50), ..buy(1, "3", "101") });
    scene.cancel(1);
    assert_eq!(scene.broker.deadline(), None);
}

#[test]
fn what_was_on_its_way_at_a_restart_goes_on() {
    let mut scene = Scene::new(slow(), "100x5", "102x5");
    scene.broker.restore(Order { state: OrderState::PendingNew, ..market(1, Side::Buy, "1") }, at(0));
    scene.broker.restore(Order { state: OrderState::PendingCancel, ..buy(2, "1", "101") }, at(0));
    scene.broker.restore(Order { state: OrderState::Open, ..market(3, Side::Buy, "1") }, at(0));
    scene.levels("100x5", "102x6");
    scene.advance(20);
    scene.check(&["3-1: 1 at 102 as taker", "2: cancelled cancelled_by_trader", "1: opened", "1-1: 1 at 102 as taker"]);
}
