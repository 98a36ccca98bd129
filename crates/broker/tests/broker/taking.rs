//! Orders that take: levels, what is taken of them, protection, immediate orders, post-only, reduce-only.

use broker::BrokerConfig;
use model::{
    event::AggressorSide,
    trading::order::{Order, Side, TimeInForce},
};

use crate::support::{Scene, account, buy, market, price, quantity, sell};

#[track_caller]
fn check(orders: &[Order], expected: &[&str]) {
    let mut scene = Scene::live("100x5 99x5", "101x5 102x5 110x5");
    scene.hold("main", "3");
    scene.submit_all(orders.iter().cloned());
    scene.check(expected);
}

fn with(order: Order, time_in_force: TimeInForce) -> Order {
    Order { time_in_force, ..order }
}

#[test]
fn takers_walk_the_levels_at_their_prices() {
    check(&[market(1, Side::Buy, "7")], &["1: opened", "1-1: 5 at 101 as taker", "1-2: 2 at 102 as taker"]);
    check(&[market(1, Side::Sell, "7")], &["1: opened", "1-1: 5 at 100 as taker", "1-2: 2 at 99 as taker"]);
    check(&[buy(1, "7", "102")], &["1: opened", "1-1: 5 at 101 as taker", "1-2: 2 at 102 as taker"]);
}

#[test]
fn a_limit_that_crosses_takes_first_and_rests_with_the_rest() {
    let mut scene = Scene::live("100x5", "101x5 102x5");
    scene.submit(buy(1, "7", "101"));
    scene.check(&["1: opened", "1-1: 5 at 101 as taker"]);
    assert_eq!(scene.queue(1).as_deref(), Some("0/0"));
    scene.sold("1", "101");
    scene.check(&["1-2: 1 at 101 as maker"]);
    scene.levels("100x5", "101x2 102x5");
    scene.check(&["1-3: 1 at 101 as maker"]);
}

#[test]
fn market_orders_stop_at_their_protection() {
    // 2 % above 101 is 103.02, rounded inwards to 103.0.
    check(
        &[market(1, Side::Buy, "11")],
        &["1: opened", "1-1: 5 at 101 as taker", "1-2: 5 at 102 as taker", "1: cancelled price_protection"],
    );
    check(
        &[market(1, Side::Sell, "11")],
        &["1: opened", "1-1: 5 at 100 as taker", "1-2: 5 at 99 as taker", "1: cancelled nothing_left_to_take"],
    );
    let mut scene =
        Scene::new(BrokerConfig { protection_bps: 10, ..BrokerConfig::default() }, "100x5", "100.5x1 100.6x1 100.7x1");
    scene.submit(market(1, Side::Buy, "3"));
    scene.check(&[
        "1: opened",
        "1-1: 1 at 100.5 as taker",
        "1-2: 1 at 100.6 as taker",
        "1: cancelled price_protection",
    ]);
}

#[test]
fn immediate_orders_never_rest() {
    use TimeInForce::{Fok, Ioc};
    check(
        &[with(buy(1, "7", "101"), Ioc)],
        &["1: opened", "1-1: 5 at 101 as taker", "1: cancelled nothing_left_to_take"],
    );
    check(&[with(buy(1, "7", "100.5"), Ioc)], &["1: opened", "1: cancelled nothing_left_to_take"]);
    check(&[with(buy(1, "7", "101"), Fok)], &["1: opened", "1: rejected fok_unfillable"]);
    check(&[with(buy(1, "5", "101"), Fok)], &["1: opened", "1-1: 5 at 101 as taker"]);
    check(&[with(market(1, Side::Buy, "11"), Fok)], &["1: opened", "1: rejected fok_unfillable"]);
    // Another order took one of five before.
    check(
        &[market(1, Side::Buy, "1"), with(buy(2, "5", "101"), Fok)],
        &["1: opened", "1-1: 1 at 101 as taker", "2: opened", "2: rejected fok_unfillable"],
    );
    check(
        &[Order { reduce_only: true, ..with(market(1, Side::Sell, "4"), Fok) }],
        &["1: opened", "1: rejected fok_unfillable"],
    );
}

#[test]
fn post_only_orders_never_take() {
    let post_only = |order| Order { post_only: true, ..order };
    check(&[post_only(buy(1, "1", "101"))], &["1: opened", "1: rejected post_only_would_take"]);
    check(&[post_only(sell(1, "1", "99.5"))], &["1: opened", "1: rejected post_only_would_take"]);
    check(&[post_only(buy(1, "1", "100.9"))], &["1: opened"]);
    // Of a level that others have eaten, too: it is still there.
    check(
        &[market(1, Side::Buy, "5"), post_only(buy(2, "1", "101"))],
        &["1: opened", "1-1: 5 at 101 as taker", "2: opened", "2: rejected post_only_would_take"],
    );
}

#[test]
fn what_one_order_took_is_gone_for_all_accounts_until_the_level_changes() {
    let mut scene = Scene::live("100x5", "101x5 102x5");
    scene.submit(market(1, Side::Buy, "4"));
    scene.submit(Order { account: account("other"), ..market(2, Side::Buy, "3") });
    scene.check(&[
        "1: opened",
        "1-1: 4 at 101 as taker",
        "2: opened",
        "2-1: 1 at 101 as taker",
        "2-2: 2 at 102 as taker",
    ]);
    scene.levels("100x6", "101x5 102x5");
    scene.submit(buy(3, "1", "101"));
    scene.check(&["3: opened"]);
    scene.levels("100x6", "101x6 102x5");
    scene.check(&["3-1: 1 at 101 as maker"]);
}

#[test]
fn nothing_fills_beyond_the_last_known_level() {
    let mut scene = Scene::live("100x5", "101x1 101.1x1");
    scene.submit(market(1, Side::Buy, "3"));
    scene.check(&[
        "1: opened",
        "1-1: 1 at 101 as taker",
        "1-2: 1 at 101.1 as taker",
        "1: cancelled nothing_left_to_take",
    ]);
    scene.levels("100x5", "");
    scene.submit(market(2, Side::Buy, "3"));
    scene.check(&["2: opened", "2: cancelled nothing_left_to_take"]);
}

#[test]
fn reduce_only_orders_fill_no_more_than_the_position() {
    let reduce_only = |order| Order { reduce_only: true, ..order };
    check(
        &[reduce_only(market(1, Side::Sell, "5"))],
        &["1: opened", "1-1: 3 at 100 as taker", "1: cancelled nothing_to_reduce"],
    );
    check(&[reduce_only(market(1, Side::Buy, "5"))], &["1: opened", "1: cancelled nothing_to_reduce"]);
    check(
        &[Order { account: account("other"), ..reduce_only(market(1, Side::Sell, "5")) }],
        &["1: opened", "1: cancelled nothing_to_reduce"],
    );
    // Two that rest share one position; a third that closes it ends them.
    let mut scene = Scene::live("100x5", "101x5");
    scene.hold("main", "3");
    scene.submit_all([reduce_only(sell(1, "2", "100.5")), reduce_only(sell(2, "2", "100.6"))]);
    scene.bought("3.5", "100.6");
    scene.check(&[
        "1: opened",
        "2: opened",
        "1-1: 2 at 100.5 as maker",
        "2-1: 1 at 100.6 as maker",
        "2: cancelled nothing_to_reduce",
    ]);
    scene.hold("main", "3");
    scene.submit_all([reduce_only(sell(3, "2", "100.5")), market(4, Side::Sell, "4")]);
    scene.check(&["3: opened", "4: opened", "4-1: 4 at 100 as taker", "3: cancelled nothing_to_reduce"]);
}

#[test]
fn values_that_do_not_fit_a_decimal_end_the_order() {
    let huge = "79228162514264337593543950335";
    let mut scene = Scene::live("100x5", &format!("{huge}x{huge}"));
    scene.submit(market(1, Side::Buy, huge));
    scene.check(&["1: opened", "1: cancelled does_not_fit"]);
}

#[test]
fn a_preview_shows_what_a_taker_gets_and_keeps_nothing() {
    let mut scene = Scene::live("100x5 99x5", "101x5 102x5 110x5");
    scene.submit(market(1, Side::Buy, "1"));
    let now = scene.now();
    let preview = |side, size, limit: Option<&str>| {
        let id = crate::support::instrument_id();
        scene.broker.preview(&id, side, quantity(size), limit.map(price), now).unwrap()
    };
    let shown = preview(Side::Buy, "6", None);
    assert_eq!((shown.best, shown.worst), (Some(price("101")), Some(price("102"))));
    assert_eq!(shown.average.map(|average| average.to_string()).as_deref(), Some("101.333"));
    assert_eq!(shown.slippage_bps.map(|bps| bps.to_string()).as_deref(), Some("33.00"));
    assert_eq!((shown.filled, shown.rest, shown.ahead), (quantity("6"), quantity("0"), None));
    assert_eq!(preview(Side::Buy, "20", None).rest, quantity("11"));
    let resting = preview(Side::Buy, "6", Some("100"));
    assert_eq!((resting.filled, resting.rest, resting.ahead), (quantity("0"), quantity("6"), Some(quantity("5"))));
    assert_eq!(preview(Side::Sell, "6", Some("100")).rest, quantity("1"));
    assert_eq!(preview(Side::Buy, "6", None), shown);
    let id = crate::support::instrument_id();
    assert!(scene.broker.preview(&id, Side::Buy, quantity("0"), None, now).is_err());
    assert!(scene.broker.preview(&id, Side::Buy, quantity("1"), None, crate::support::at(10_001)).is_err());
}

#[test]
fn a_print_without_a_side_takes_from_the_level_that_shows_its_price() {
    let mut scene = Scene::live("100x5", "101x5 102x5");
    scene.trade(AggressorSide::Unknown, "4", "101");
    scene.submit(market(1, Side::Buy, "2"));
    scene.check(&["1: opened", "1-1: 1 at 101 as taker", "1-2: 1 at 102 as taker"]);
}
