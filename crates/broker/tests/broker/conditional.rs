//! Stops, take-profits and trailing stops.

use broker::Blocker;
use model::{
    decimal::Price,
    trading::order::{Amendment, Order, OrderId, OrderState, OrderType, Side, TimeInForce, Trail, TriggerSource},
};

use crate::support::{Scene, at, buy, market, price, sell, stop};

fn of_kind(kind: OrderType, side: Side, at: &str) -> Order {
    let limit = kind.has_price().then(|| price(if side == Side::Buy { "103" } else { "98" }));
    Order { kind, stop_price: Some(price(at)), price: limit, ..market(1, side, "1") }
}

#[test]
fn a_price_sets_off_what_it_reaches() {
    use OrderType::{Stop, StopLimit, TakeProfit, TakeProfitLimit};
    #[track_caller]
    fn check(kind: OrderType, side: Side, stop: &str, trades: &[(&str, bool)]) {
        for (traded, is_reached) in trades {
            let mut scene = Scene::live("100x5", "101x5");
            scene.submit(of_kind(kind, side, stop));
            scene.broker.drain();
            scene.bought("0", traded);
            scene.check(&[]);
            scene.bought("0.5", traded);
            let (triggered, filled) = (
                format!("1: triggered at {traded}"),
                match side {
                    Side::Buy => "1-1: 1 at 101 as taker",
                    Side::Sell => "1-1: 1 at 100 as taker",
                },
            );
            let expected = [triggered.as_str(), filled];
            scene.check(if *is_reached { &expected } else { &[] });
        }
    }
    for kind in [Stop, StopLimit] {
        check(kind, Side::Buy, "102", &[("101.9", false), ("102", true), ("103", true)]);
        check(kind, Side::Sell, "99", &[("99.1", false), ("99", true), ("98", true)]);
    }
    for kind in [TakeProfit, TakeProfitLimit] {
        check(kind, Side::Buy, "99", &[("99.1", false), ("99", true), ("98", true)]);
        check(kind, Side::Sell, "102", &[("101.9", false), ("102", true), ("103", true)]);
    }
}

#[test]
fn best_prices_of_a_tradable_book_set_off_what_waits_for_them() {
    let mut scene = Scene::live("100x5", "101x5");
    let by_book = |order| Order { trigger: TriggerSource::BidAsk, ..order };
    scene.submit_all([by_book(stop(1, Side::Buy, "1", "102")), by_book(stop(2, Side::Sell, "1", "99"))]);
    scene.bought("1", "103");
    scene.levels("101x5", "101x5");
    scene.lose();
    scene.levels("98.5x5", "101.9x5");
    scene.levels("98x5", "102x5");
    scene.check(&[
        "1: opened",
        "2: opened",
        "2: triggered at 98.5",
        "2-1: 1 at 98.5 as taker",
        "1: triggered at 102",
        "1-1: 1 at 102 as taker",
    ]);
}

#[test]
fn a_gap_fills_at_the_book_and_not_at_the_stop() {
    let mut scene = Scene::live("100x5", "101x5");
    scene.submit(stop(1, Side::Sell, "1", "99"));
    scene.levels("90x5", "91x5");
    scene.sold("1", "90.5");
    scene.check(&["1: opened", "1: triggered at 90.5", "1-1: 1 at 90 as taker"]);
}

#[test]
fn a_triggered_limit_joins_the_back_of_the_queue() {
    let mut scene = Scene::live("100x5", "102x5");
    let kind = OrderType::StopLimit;
    scene.submit(Order { kind, stop_price: Some(price("101")), ..buy(1, "1", "100") });
    scene.bought("1", "101");
    assert_eq!(scene.queue(1).as_deref(), Some("5/5"));
    scene.sold("5.5", "100");
    scene.check(&["1: opened", "1: triggered at 101", "1-1: 0.5 at 100 as maker"]);
}

#[test]
fn a_stop_that_is_reached_while_the_book_is_suspect_waits_for_it() {
    let mut scene = Scene::live("100x5", "101x5");
    let immediate = Order { time_in_force: TimeInForce::Ioc, ..stop(2, Side::Buy, "1", "102") };
    scene.submit_all([stop(1, Side::Buy, "1", "102"), immediate]);
    scene.lose();
    scene.bought("1", "102");
    scene.check(&[
        "1: opened",
        "2: opened",
        "1: triggered at 102",
        "2: triggered at 102",
        "2: rejected book_not_tradable",
    ]);
    scene.levels("102x5", "103x5");
    scene.check(&["1-1: 1 at 103 as taker"]);
}

#[test]
fn a_stop_that_the_price_reached_on_its_way_is_set_off_at_arrival() {
    let mut scene = Scene::live("100x5", "101x5");
    scene.bought("1", "103");
    scene.submit(stop(1, Side::Buy, "1", "102"));
    scene.check(&["1: opened", "1: triggered at 103", "1-1: 1 at 101 as taker"]);
    // After a restart, only what is seen from then on counts.
    scene.broker.restore(Order { state: OrderState::Open, ..stop(2, Side::Buy, "1", "102") }, at(0));
    scene.advance(1);
    scene.check(&[]);
    scene.bought("1", "102");
    scene.check(&["2: triggered at 102", "2-1: 1 at 101 as taker"]);
}

#[test]
fn orders_are_set_off_in_the_order_of_their_submission() {
    let mut scene = Scene::live("100x5", "101x2 102x5");
    scene.submit_all([stop(5, Side::Buy, "2", "101.5"), stop(3, Side::Buy, "2", "101.2")]);
    scene.bought("1", "102");
    scene.check(&[
        "5: opened",
        "3: opened",
        "5: triggered at 102",
        "5-1: 2 at 101 as taker",
        "3: triggered at 102",
        "3-1: 2 at 102 as taker",
    ]);
}

#[test]
fn an_amended_stop_price_counts_from_then_on() {
    let mut scene = Scene::live("100x5", "101x5");
    scene.submit(stop(1, Side::Buy, "1", "105"));
    let amendment = Amendment { stop_price: Some(price("103")), ..Amendment::default() };
    scene.broker.amend(OrderId(1), amendment, at(0)).unwrap();
    scene.bought("1", "103");
    scene.check(&["1: opened", "1: amended stop 103", "1: triggered at 103", "1-1: 1 at 101 as taker"]);
}

fn trailing(side: Side, stop: Option<&str>, trail: Option<Trail>) -> Order {
    let stop_price: Option<Price> = stop.map(price);
    Order { kind: OrderType::TrailingStop, stop_price, trail, ..market(1, side, "1") }
}

#[test]
fn a_trailing_stop_follows_the_best_price_and_never_goes_back() {
    #[track_caller]
    fn check(order: Order, trades: &[&str], expected: &[&str]) {
        let mut scene = Scene::live("100x5", "101x5");
        scene.submit(order);
        scene.check(&["1: opened"]);
        trades.iter().for_each(|price| scene.bought("0.5", price));
        scene.check(expected);
    }
    let offset = |text| Some(Trail::Offset(price(text)));
    check(
        trailing(Side::Sell, None, offset("2")),
        &["100", "101", "100", "101.05", "99.1", "99"],
        &["1: trailed to 98.0", "1: trailed to 99.0", "1: triggered at 99", "1-1: 1 at 100 as taker"],
    );
    check(
        trailing(Side::Buy, None, offset("2")),
        &["100", "99", "100", "98.95", "101"],
        &["1: trailed to 102.0", "1: trailed to 101.0", "1: triggered at 101", "1-1: 1 at 101 as taker"],
    );
    // 1 % of 100.5 is 1.005: away from the market to 99.4.
    check(
        trailing(Side::Sell, None, Some(Trail::Bps(100))),
        &["100.5", "100.55", "100.6"],
        &["1: trailed to 99.4", "1: trailed to 99.5"],
    );
    check(trailing(Side::Sell, Some("99.5"), offset("2")), &["100", "101.6"], &["1: trailed to 99.6"]);
}

#[test]
fn a_trailing_stop_by_the_book_begins_with_the_price_that_is_known() {
    let mut scene = Scene::live("100x5", "101x5");
    let order = trailing(Side::Sell, None, Some(Trail::Offset(price("1"))));
    scene.submit(Order { trigger: TriggerSource::BidAsk, ..order });
    scene.levels("100.5x5", "101x5");
    scene.levels("99.5x5", "101x5");
    scene.check(&[
        "1: opened",
        "1: trailed to 99.0",
        "1: trailed to 99.5",
        "1: triggered at 99.5",
        "1-1: 1 at 99.5 as taker",
    ]);
}

#[test]
fn the_rest_of_an_exit_is_tried_at_each_change_of_a_thin_book() {
    let exit = |order: Order| Order { reduce_only: true, ..order };
    let mut scene = Scene::live("100x5", "101x5");
    scene.submit(market(1, Side::Buy, "5"));
    scene.submit(exit(stop(2, Side::Sell, "5", "99")));
    scene.levels("98x2 90x9", "101x5");
    scene.broker.drain();
    scene.bought("0.1", "99");
    scene.check(&["2: triggered at 99", "2-1: 2 at 98 as taker"]);
    assert_eq!(scene.broker.waiting_for(OrderId(2), at(scene.millis)), Some(Blocker::NothingInReach));
    // The size that it took is not offered again, and the price protection uses the new best price.
    scene.levels("98x2 90x9", "101x6");
    scene.check(&[]);
    scene.levels("97x1 90x9", "101x6");
    scene.check(&["2-2: 1 at 97 as taker"]);
    scene.levels("90x9", "101x6");
    scene.check(&["2-3: 2 at 90 as taker"]);
    assert!(scene.broker.open_orders().next().is_none());
    // One that opens a position is given up, as before.
    scene.submit(stop(3, Side::Buy, "9", "100"));
    scene.bought("0.1", "100");
    scene.check(&["3: opened", "3: triggered at 100", "3-1: 6 at 101 as taker", "3: cancelled nothing_left_to_take"]);
}

#[test]
fn stops_of_both_sides_wait_side_by_side() {
    let mut scene = Scene::live("100x5", "101x5");
    scene.submit_all([stop(1, Side::Sell, "1", "99"), stop(2, Side::Buy, "1", "102"), sell(3, "1", "103")]);
    scene.bought("1", "100.5");
    scene.check(&["1: opened", "2: opened", "3: opened"]);
}
