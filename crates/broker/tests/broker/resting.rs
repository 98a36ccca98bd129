//! Orders that rest: price-time priority among own orders, places in the queue, amendments, levels out of sight.

use broker::{BrokerConfig, QueueModel};
use model::{
    event::AggressorSide,
    trading::{
        order::{Order, OrderState},
        refusal::DenyCode,
    },
};

use crate::support::{Scene, account, buy, optimistic, sell};

#[test]
fn all_own_orders_share_the_size_of_one_trade() {
    let mut scene = Scene::live("100x10", "102x5");
    scene.submit_all([buy(1, "3", "100"), Order { account: account("other"), ..buy(2, "3", "100") }]);
    scene.submit_all([buy(3, "3", "101"), Order { account: account("other"), ..buy(4, "3", "101") }]);
    scene.broker.drain();
    scene.sold("4", "101");
    scene.check(&["3-1: 3 at 101 as maker", "4-1: 1 at 101 as maker"]);
    // 2 of 15 go to the better price, 10 are ahead, and 3 are left for one of two.
    scene.sold("15", "100");
    scene.check(&["4-2: 2 at 101 as maker", "1-1: 3 at 100 as maker"]);
    scene.sold("9", "99");
    scene.check(&["2-1: 3 at 100 as maker"]);
}

#[test]
fn a_trade_through_the_price_fills_at_the_own_limit_whatever_is_ahead() {
    let mut scene = Scene::live("100x10", "102x5");
    scene.submit_all([buy(1, "5", "100"), sell(2, "5", "102")]);
    scene.broker.drain();
    scene.sold("3", "99.9");
    scene.check(&["1-1: 3 at 100 as maker"]);
    assert_eq!(scene.queue(1).as_deref(), Some("0/0"));
    // The other side's trades are nobody's fill here.
    scene.bought("3", "99.9");
    scene.sold("3", "102.1");
    scene.check(&[]);
    scene.bought("9", "102.1");
    scene.check(&["2-1: 5 at 102 as maker"]);
}

#[test]
fn the_other_side_of_the_book_fills_at_the_own_limit_and_is_taken() {
    let mut scene = Scene::live("100x10", "102x5");
    scene.submit_all([buy(1, "5", "100"), buy(2, "5", "99.5")]);
    scene.broker.drain();
    scene.levels("98x1", "99x4 99.8x3 100x1");
    scene.check(&["1-1: 4 at 100 as maker", "1-2: 1 at 100 as maker"]);
    scene.levels("98x2", "99x4 99.8x3 100x1");
    scene.check(&[]);
    scene.levels("98x2", "99.4x6");
    scene.check(&["2-1: 5 at 99.5 as maker"]);
}

#[test]
fn trades_without_a_side_count_in_the_optimistic_model_alone() {
    for (queue, expected) in
        [(QueueModel::Conservative, &[][..]), (QueueModel::Optimistic, &["1-1: 2 at 100 as maker"])]
    {
        let mut scene = Scene::new(BrokerConfig { queue, ..BrokerConfig::default() }, "100x10", "102x5");
        scene.submit(buy(1, "5", "100"));
        scene.broker.drain();
        scene.trade(AggressorSide::Unknown, "12", "100");
        assert_eq!(scene.queue(1).as_deref(), Some("10/0"));
        scene.check(expected);
    }
}

#[test]
fn a_level_out_of_sight_has_no_place_until_it_is_seen() {
    let mut scene = Scene::live("100x10 99x10", "102x5");
    scene.submit(buy(1, "5", "98"));
    assert_eq!(scene.queue(1), None);
    scene.sold("50", "98");
    scene.check(&["1: opened"]);
    scene.levels("99x10 98x7 97x1", "102x5");
    assert_eq!(scene.queue(1).as_deref(), Some("7/7"));
    scene.submit(buy(2, "5", "98.5"));
    assert_eq!(scene.queue(2).as_deref(), Some("0/0"));
    // Out of sight again, then back: what was cancelled meanwhile was ahead for the optimist.
    scene.levels("101x10 100x1", "102x5");
    scene.levels("99x10 98x3 97x1", "102x5");
    assert_eq!(scene.queue(1).as_deref(), Some("3/3"));
}

#[test]
fn an_order_that_came_while_its_level_was_out_of_sight_is_seen_with_it() {
    let mut scene = Scene::live("100x10", "102x5 103x5");
    scene.submit(sell(1, "5", "103"));
    scene.levels("100x10", "101x5");
    scene.submit(sell(2, "5", "103"));
    assert_eq!((scene.queue(1).as_deref(), scene.queue(2).as_deref()), (Some("5/5"), None));
    scene.levels("100x10", "102x5 103x5");
    assert_eq!((scene.queue(1).as_deref(), scene.queue(2).as_deref()), (Some("5/5"), Some("5/5")));
}

#[test]
fn amendments_keep_the_place_only_where_the_order_shrinks() {
    #[track_caller]
    fn check(size: Option<&str>, limit: Option<&str>, queue: &str) {
        let mut scene = Scene::live("100x10", "102x5");
        scene.submit(buy(1, "5", "100"));
        scene.sold("6", "100");
        scene.levels("100x20 99x8", "102x5");
        assert_eq!(scene.queue(1).as_deref(), Some("4/4"));
        scene.amend(1, size, limit).unwrap();
        assert_eq!(scene.queue(1).as_deref(), Some(queue), "{size:?} {limit:?}");
    }
    check(Some("3"), None, "4/4");
    check(Some("5"), Some("100.0"), "4/4");
    check(Some("6"), None, "20/20");
    check(None, Some("99"), "8/8");
    check(None, Some("101"), "0/0");
}

#[test]
fn an_amended_price_that_crosses_takes() {
    let mut scene = Scene::live("100x10", "102x5");
    scene.submit_all([buy(1, "3", "100"), Order { post_only: true, ..buy(2, "3", "100") }]);
    scene.amend(1, None, Some("102")).unwrap();
    scene.amend(2, None, Some("102")).unwrap();
    scene.check(&[
        "1: opened",
        "2: opened",
        "1: amended at 102",
        "1-1: 3 at 102 as taker",
        "2: amended at 102",
        "2: rejected post_only_would_take",
    ]);
}

#[test]
fn an_amendment_below_what_has_filled_is_refused_and_at_it_ends_the_order() {
    let mut scene = Scene::live("100x0.5", "102x5");
    scene.submit(buy(1, "5", "100"));
    scene.sold("2.5", "100");
    scene.check(&["1: opened", "1-1: 2.0 at 100 as maker"]);
    let code = |result: Result<(), _>| result.map_err(|refusal: model::trading::refusal::Refusal| refusal.code);
    assert_eq!(code(scene.amend(1, Some("1"), None)), Err(DenyCode::QuantityBelowMinimum));
    assert_eq!(code(scene.amend(1, Some("0"), None)), Err(DenyCode::QuantityBelowMinimum));
    assert_eq!(code(scene.amend(1, None, None)), Err(DenyCode::BadRequest));
    assert_eq!(code(scene.amend(1, None, Some("-1"))), Err(DenyCode::PriceNotPositive));
    assert_eq!(code(scene.amend(9, Some("1"), None)), Err(DenyCode::UnknownOrder));
    scene.check(&[]);
    scene.amend(1, Some("2"), None).unwrap();
    scene.check(&["1: amended 2"]);
    assert!(scene.broker.open_orders().next().is_none());
}

/// Venues whose book precedes its trades show a level first without, then tell of the trade.
#[test]
fn a_trade_and_the_levels_that_show_it_fill_once_in_either_order() {
    for config in [BrokerConfig::default(), optimistic()] {
        let mut scene = Scene::new(config, "100x100", "102x5");
        scene.submit(buy(1, "50", "100"));
        scene.levels_of(Some(10), "100x20", "102x5");
        scene.trade_of(Some(9), AggressorSide::Seller, "80", "100");
        assert_eq!(scene.queue(1).as_deref(), Some("20/20"));
        scene.check(&["1: opened"]);
        scene.trade_of(Some(11), AggressorSide::Seller, "30", "100");
        scene.levels_of(Some(12), "99x20", "102x5");
        scene.check(&["1-1: 10 at 100 as maker"]);
    }
}

#[test]
fn levels_out_of_order_do_no_harm() {
    let mut scene = Scene::live("100x20 99x1 98x1", "102x5 103x5 104x5");
    scene.submit_all([buy(1, "5", "99"), sell(2, "5", "103")]);
    scene.levels("100x20 99x2 101x1", "102x5 103x4 101x5");
    scene.levels("100x20 99x3 101x1", "102x5 103x3 101x5");
    scene.levels("101x20 99x3 101x1", "101x5 103x3 101x5");
}

/// Then what they show next is no cancellation.
#[test]
fn levels_of_before_a_trade_do_not_show_it_yet() {
    let mut scene = Scene::live("100x20", "102x5");
    scene.submit(buy(1, "50", "100"));
    scene.trade_of(Some(20), AggressorSide::Seller, "5", "100");
    scene.levels_of(Some(19), "100x20", "102x5");
    scene.levels_of(Some(21), "100x15", "102x5");
    assert_eq!(scene.queue(1).as_deref(), Some("15/15"));
    scene.levels_of(Some(22), "100x14", "102x5");
    assert_eq!(scene.queue(1).as_deref(), Some("14/14"));
    // A trade whose size was refilled explains nothing later.
    scene.levels_of(Some(23), "100x30", "102x5");
    scene.trade_of(Some(30), AggressorSide::Seller, "4", "100");
    scene.levels_of(Some(29), "100x30", "102x5");
    scene.levels_of(Some(31), "100x30", "102x5");
    scene.levels_of(Some(32), "100x26", "102x5");
    assert_eq!(scene.queue(1).as_deref(), Some("10/6"));
}

#[test]
fn a_trade_of_before_an_order_came_does_not_fill_it() {
    let mut scene = Scene::live("100x100", "102x5");
    scene.levels_of(Some(10), "99x20", "102x5");
    scene.submit_all([buy(1, "5", "100"), buy(2, "5", "99.5")]);
    scene.trade_of(Some(10), AggressorSide::Seller, "80", "100");
    scene.trade_of(Some(10), AggressorSide::Seller, "80", "99");
    scene.check(&["1: opened", "2: opened"]);
    scene.trade_of(Some(11), AggressorSide::Seller, "6", "99");
    scene.check(&["1-1: 5 at 100 as maker", "2-1: 1 at 99.5 as maker"]);
}

#[test]
fn an_order_of_before_a_restart_begins_at_the_back_of_its_queue() {
    let mut scene = Scene::live("100x10", "102x5");
    let order = Order { state: OrderState::Open, has_gap: true, ..buy(1, "5", "100") };
    scene.broker.restore(order, crate::support::at(0));
    assert_eq!(scene.queue(1), None);
    scene.levels("100x10", "102x5");
    assert_eq!(scene.queue(1).as_deref(), Some("10/10"));
    let order = Order { state: OrderState::Open, has_gap: true, ..sell(2, "5", "102") };
    scene.broker.restore(order, crate::support::at(0));
    scene.bought("30", "102");
    assert_eq!(scene.queue(2), None);
    scene.levels("100x8", "102x5");
    assert_eq!(scene.queue(1).as_deref(), Some("8/8"));
    scene.sold("9", "100");
    scene.check(&["1-1: 1 at 100 as maker"]);
}
