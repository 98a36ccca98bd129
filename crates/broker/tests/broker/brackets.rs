//! Brackets: legs that come to life with their entry's fills, and cancel each other.

use broker::{Blocker, BrokerConfig};
use model::trading::{
    order::{BracketLeg, Order, OrderId, OrderState, OrderType, Side, TriggerSource},
    refusal::DenyCode,
};

use crate::support::{Scene, account, at, buy, leg, market, price, sell, stop};

fn stop_loss(size: &str, at: &str) -> Order {
    leg(1, BracketLeg::StopLoss, stop(2, Side::Sell, size, at))
}

fn take_profit(size: &str, at: &str) -> Order {
    leg(1, BracketLeg::TakeProfit, sell(3, size, at))
}

/// An entry that rests at 100.5 with a stop at 98 and a target at 105.
fn bracket() -> Scene {
    let mut scene = Scene::live("100x5", "101x5");
    scene.submit_all([buy(1, "10", "100.5"), stop_loss("10", "98"), take_profit("10", "105")]);
    scene.check(&["1: opened"]);
    scene
}

#[test]
fn legs_are_held_until_the_entry_fills_and_grow_with_it() {
    let mut scene = bracket();
    scene.sold("1", "98");
    scene.check(&[
        "1-1: 1 at 100.5 as maker",
        "2: activated 1",
        "3: activated 1",
        "2: triggered at 98",
        "2-1: 1 at 100 as taker",
        "3: cancelled other_leg_filled",
        "1: cancelled other_leg_filled",
    ]);
    let mut scene = bracket();
    assert_eq!(scene.broker.waiting_for(OrderId(2), at(0)), Some(Blocker::Entry(OrderId(1))));
    scene.sold("4", "100.5");
    scene.check(&["1-1: 4 at 100.5 as maker", "2: activated 4", "3: activated 4"]);
    assert_eq!(scene.broker.order(OrderId(3)).map(|order| order.state), Some(OrderState::Open));
    scene.sold("6", "100.5");
    scene.check(&["1-2: 6 at 100.5 as maker", "2: activated 10", "3: activated 10"]);
}

#[test]
fn a_fill_of_one_leg_reduces_the_other_and_its_end_cancels_it() {
    let mut scene = bracket();
    scene.sold("10", "100.5");
    scene.broker.drain();
    scene.bought("3", "105");
    scene.check(&[]);
    scene.bought("4", "105.1");
    scene.check(&["3-1: 4 at 105 as maker", "2: amended 6"]);
    scene.sold("1", "98");
    scene.check(&["2: triggered at 98", "2-1: 5 at 100 as taker", "3: amended 5"]);
    scene.bought("9", "105.1");
    scene.check(&["3-2: 1 at 105 as maker", "2: cancelled other_leg_filled"]);
    assert!(scene.broker.open_orders().next().is_none());
}

#[test]
fn the_end_of_the_entry_without_a_fill_ends_the_legs() {
    let mut scene = bracket();
    scene.cancel(1);
    scene.check(&["1: cancelled cancelled_by_trader", "2: cancelled entry_ended", "3: cancelled entry_ended"]);
    let mut scene = bracket();
    scene.sold("4", "100.5");
    scene.cancel(1);
    scene.check(&["1-1: 4 at 100.5 as maker", "2: activated 4", "3: activated 4", "1: cancelled cancelled_by_trader"]);
    assert_eq!(scene.broker.open_orders().count(), 2);
}

#[test]
fn legs_that_come_after_an_entry_that_filled_at_once_are_brought_to_life() {
    let mut scene = Scene::live("100x5", "101x5");
    scene.submit_all([market(1, Side::Buy, "3"), stop_loss("3", "98"), take_profit("3", "105")]);
    scene.check(&["1: opened", "1-1: 3 at 101 as taker", "2: activated 3", "3: activated 3"]);
    scene.bought("9", "106");
    scene.check(&["3-1: 3 at 105 as maker", "2: cancelled other_leg_filled"]);
}

#[test]
fn legs_that_come_before_their_entry_wait_for_it() {
    let mut scene = Scene::live("100x5", "101x5");
    scene.submit_all([stop_loss("3", "98"), take_profit("3", "105"), market(1, Side::Buy, "3")]);
    scene.check(&["1: opened", "1-1: 3 at 101 as taker", "2: activated 3", "3: activated 3"]);
    let mut scene = Scene::live("100x5", "101x5");
    scene.submit(stop_loss("3", "98"));
    scene.advance(1);
    scene.check(&["2: cancelled entry_ended"]);
}

#[test]
fn legs_of_a_rejected_entry_end() {
    let mut scene = Scene::live("100x5", "101x5");
    let entry = Order { post_only: true, ..buy(1, "3", "101") };
    scene.submit_all([entry, stop_loss("3", "98"), take_profit("3", "105")]);
    scene.check(&[
        "1: opened",
        "1: rejected post_only_would_take",
        "2: cancelled entry_ended",
        "3: cancelled entry_ended",
    ]);
}

/// chrisleekr/binance-trading-bot #628: the stop-loss has precedence.
#[test]
fn of_two_legs_on_the_same_event_the_one_submitted_first_wins() {
    let by_book = |order: Order| Order { trigger: TriggerSource::BidAsk, ..order };
    // A stop above the market and a target that the same levels reach.
    let run = |orders: [Order; 2]| {
        let mut scene = Scene::live("100x9", "101x9");
        scene.submit(market(1, Side::Buy, "3"));
        scene.submit_all(orders);
        scene.broker.drain();
        scene.levels("102x2", "103x9");
        scene
    };
    let target = take_profit("3", "101.5");
    let rising = Order { kind: OrderType::TakeProfit, ..by_book(stop_loss("3", "101.8")) };
    run([rising.clone(), target.clone()]).check(&["2: triggered at 102", "2-1: 2 at 102 as taker", "3: amended 1"]);
    run([target, rising]).check(&["3-1: 2 at 101.5 as maker", "2: amended 1", "2: triggered at 102"]);
}

#[test]
fn legs_end_with_the_position_that_they_protect() {
    let mut scene = bracket();
    scene.sold("10", "100.5");
    scene.broker.drain();
    scene.submit(market(4, Side::Sell, "5"));
    scene.check(&["4: opened", "4-1: 5 at 100 as taker"]);
    scene.levels("100x6", "101x5");
    scene.submit(market(5, Side::Sell, "5"));
    scene.check(&[
        "5: opened",
        "5-1: 5 at 100 as taker",
        "2: cancelled nothing_to_reduce",
        "3: cancelled nothing_to_reduce",
    ]);
}

#[test]
fn legs_outlive_a_closed_position_while_the_entry_is_open() {
    let mut scene = bracket();
    scene.sold("4", "100.5");
    scene.submit(market(4, Side::Sell, "4"));
    scene.check(&[
        "1-1: 4 at 100.5 as maker",
        "2: activated 4",
        "3: activated 4",
        "4: opened",
        "4-1: 4 at 100 as taker",
    ]);
    scene.sold("1", "100.5");
    scene.check(&["1-2: 1 at 100.5 as maker", "2: activated 5", "3: activated 5"]);
    scene.sold("1", "97");
    scene.check(&[
        "1-3: 1 at 100.5 as maker",
        "2: activated 6",
        "3: activated 6",
        "2: triggered at 97",
        "2-1: 1 at 100 as taker",
        "3: amended 5",
    ]);
}

#[test]
fn the_quantity_of_a_leg_cannot_be_amended_but_its_price_can() {
    let mut scene = bracket();
    assert_eq!(scene.amend(3, Some("1"), None).map_err(|refusal| refusal.code), Err(DenyCode::FieldNotAllowed));
    scene.amend(3, None, Some("104")).unwrap();
    scene.sold("10", "100.5");
    scene.bought("4", "104");
    scene.check(&["3: amended at 104", "1-1: 10 at 100.5 as maker", "2: activated 10", "3: activated 10"]);
    scene.bought("4", "104.1");
    scene.check(&["3-1: 4 at 104 as maker", "2: amended 6"]);
}

#[test]
fn a_bracket_goes_on_after_a_restart() {
    let mut scene = Scene::new(BrokerConfig::default(), "100x5", "101x5");
    scene.hold("main", "6");
    let open = |order: Order| Order { state: OrderState::Open, ..order };
    scene.broker.restore(open(stop_loss("6", "98")), at(0));
    scene.broker.restore(open(take_profit("6", "105")), at(0));
    scene.levels("100x5", "101x6");
    scene.bought("2", "105.5");
    scene.check(&["3-1: 2 at 105 as maker", "2: amended 4"]);
    // An entry that was not filled keeps its leg; a leg without an entry ends.
    let mut scene = Scene::new(BrokerConfig::default(), "100x5", "101x5");
    scene.broker.restore(open(buy(1, "3", "100.5")), at(0));
    scene.broker.restore(stop_loss("3", "98"), at(0));
    scene
        .broker
        .restore(Order { bracket: Some((OrderId(9), BracketLeg::TakeProfit)), ..take_profit("3", "105") }, at(0));
    scene.levels("100x5", "101x6");
    scene.check(&["3: cancelled entry_ended"]);
    scene.sold("3", "100.4");
    scene.check(&["1-1: 3 at 100.5 as maker", "2: activated 3"]);
}

#[test]
fn legs_of_one_account_do_not_touch_those_of_another() {
    let mut scene = bracket();
    let theirs = |order: Order, id| Order { order_id: OrderId(id), account: account("other"), ..order };
    let other =
        |order: Order, id| Order { bracket: order.bracket.map(|(_, leg)| (OrderId(11), leg)), ..theirs(order, id) };
    scene.submit_all([
        theirs(buy(1, "2", "100.5"), 11),
        other(stop_loss("2", "98"), 12),
        other(take_profit("2", "104"), 13),
    ]);
    scene.sold("12", "100.5");
    scene.broker.drain();
    scene.bought("2", "104.5");
    scene.check(&["13-1: 2 at 104 as maker", "12: cancelled other_leg_filled"]);
    assert_eq!(scene.broker.order(OrderId(2)).map(|order| order.quantity), Some(crate::support::quantity("10")));
    assert_eq!(scene.broker.order(OrderId(3)).and_then(|order| order.price), Some(price("105")));
}
