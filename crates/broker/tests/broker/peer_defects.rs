//! Faults that other simulators have had, as names of what must hold here.

use broker::{BrokerConfig, BrokerEvent};
use model::trading::{
    order::{Order, OrderId, Side},
    record::OrderChange,
};

use crate::support::{Scene, account, buy, market, optimistic, quantity, sell, stop};

/// nautilus_trader #1639: a sandbox filled one limit order many times.
#[test]
fn one_limit_fills_once_however_often_the_market_shows_it() {
    let mut scene = Scene::live("100x5", "102x5");
    scene.submit(buy(1, "5", "101"));
    for size in 5..10 {
        scene.sold("5", "101");
        scene.sold("5", "100.5");
        scene.levels("99x5", &format!("100.5x{size}"));
    }
    scene.check(&["1: opened", "1-1: 5 at 101 as maker"]);
}

/// nautilus_trader #1674: an order was accepted, never filled, and nobody was told why.
#[test]
fn an_order_that_cannot_fill_says_why() {
    let mut scene = Scene::live("100x5", "102x5");
    scene.lose();
    scene.submit(market(1, Side::Buy, "1"));
    let blocker = scene.broker.waiting_for(OrderId(1), scene.now()).unwrap();
    assert_eq!(blocker.to_string(), "updates were lost (1 trades); the book is coming again");
}

/// nautilus_trader #4370: any deletion in the book cleared the queue.
#[test]
fn only_the_own_level_moves_the_queue() {
    let mut scene = Scene::new(optimistic(), "100x5 99x7 98x5", "102x5");
    scene.submit(buy(1, "5", "99"));
    scene.levels("100x5 99x7", "102x5");
    scene.levels("99x7", "103x1");
    assert_eq!(scene.queue(1).as_deref(), Some("7/7"));
}

/// hftbacktest #316: partial fills of resting orders never reached the position.
#[test]
fn partial_fills_reach_the_position_that_a_reduce_only_order_reduces() {
    let mut scene = Scene::live("100x5", "102x5");
    scene.submit(buy(1, "5", "101"));
    scene.sold("2", "101");
    scene.submit(Order { reduce_only: true, ..market(2, Side::Sell, "5") });
    scene.check(&[
        "1: opened",
        "1-1: 2 at 101 as maker",
        "2: opened",
        "2-1: 2 at 100 as taker",
        "2: cancelled nothing_to_reduce",
    ]);
}

/// hummingbot #5440 and #5318: orders filled as if the book had no depth.
#[test]
fn no_order_fills_more_than_the_book_shows() {
    let mut scene = Scene::live("100x5", "102x0.1 103x0.1");
    scene.submit(market(1, Side::Buy, "100"));
    let filled: Vec<_> = scene.fills().into_iter().map(|fill| fill.quantity).collect();
    assert_eq!(filled, [quantity("0.1"), quantity("0.1")]);
}

/// freqtrade #12454: the same depth filled again in the next loop.
#[test]
fn the_same_depth_does_not_fill_twice() {
    let mut scene = Scene::live("100x5", "102x5");
    scene.submit(buy(1, "8", "102"));
    for _ in 0..3 {
        scene.levels("100x5", "102x5");
    }
    scene.check(&["1: opened", "1-1: 5 at 102 as taker"]);
    scene.submit(Order { account: account("other"), ..market(2, Side::Buy, "1") });
    scene.check(&["2: opened", "2: cancelled nothing_left_to_take"]);
}

/// freqtrade #8846: a fill outside the market's range.
#[test]
fn no_fill_is_outside_what_the_market_showed() {
    let mut scene = Scene::live("100x5", "102x5");
    scene.submit_all([stop(1, Side::Sell, "1", "99"), sell(2, "1", "110")]);
    scene.sold("1", "95");
    scene.levels("94x5", "96x5");
    scene.check(&["1: opened", "2: opened", "1: triggered at 95", "1-1: 1 at 100 as taker"]);
}

/// hummingbot: a cancelled order that had filled in part was forgotten with its inventory.
#[test]
fn a_cancel_keeps_what_has_filled() {
    let mut scene = Scene::live("100x5", "102x5");
    scene.submit(buy(1, "5", "101"));
    scene.sold("2", "101");
    let mut order = buy(1, "5", "101");
    scene.cancel(1);
    for event in scene.broker.drain() {
        match event {
            BrokerEvent::Changed { change, time, .. } => order.apply(&change, time),
            BrokerEvent::Filled(fill) => order.apply_fill(&fill).unwrap(),
        }
    }
    assert_eq!((order.filled, order.n_fills), (quantity("2"), 1));
}

/// hummingbot grid #5503: a post-only order that was refused was lost without a word.
#[test]
fn a_refused_post_only_order_is_told() {
    let mut scene = Scene::live("100x5", "102x5");
    scene.submit(Order { post_only: true, ..sell(1, "1", "100") });
    let told = scene.broker.drain();
    assert!(matches!(told.last(), Some(BrokerEvent::Changed { change: OrderChange::Rejected(_), .. })));
}

/// OpenAlgo: two runs of the same loop executed one order twice.
#[test]
fn an_order_that_comes_twice_is_one_order() {
    let mut scene = Scene::new(BrokerConfig::default(), "100x5", "102x5");
    scene.submit_all([buy(1, "5", "101"), buy(1, "5", "101")]);
    scene.check(&["1: opened"]);
    assert_eq!(scene.broker.open_orders().count(), 1);
}
