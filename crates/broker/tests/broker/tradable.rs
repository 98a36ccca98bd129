//! Nothing fills unless the book is live, complete, young and not crossed; and the ticket says why.

use std::time::Duration;

use broker::Blocker;
use model::{
    desk_feed::DeskUpdate,
    proof::BookState,
    trading::order::{Order, OrderId, Side, TimeInForce},
};

use crate::support::{Scene, at, buy, instrument, instrument_id, market};

/// Breaks the book, lets one order of each kind come, and repairs it.
#[track_caller]
fn check(break_it: impl Fn(&mut Scene), blocker: Blocker) {
    let mut scene = Scene::live("100x5", "102x5");
    scene.submit(buy(1, "4", "101"));
    scene.check(&["1: opened"]);
    break_it(&mut scene);
    let immediate = |order, time_in_force| Order { time_in_force, ..order };
    scene.submit_all([
        market(2, Side::Buy, "1"),
        immediate(buy(3, "1", "102"), TimeInForce::Ioc),
        immediate(market(4, Side::Buy, "1"), TimeInForce::Fok),
        buy(5, "1", "102"),
    ]);
    scene.check(&[
        "2: opened",
        "3: opened",
        "3: rejected book_not_tradable",
        "4: opened",
        "4: rejected book_not_tradable",
        "5: opened",
    ]);
    for id in [1, 2, 5] {
        assert_eq!(scene.broker.waiting_for(OrderId(id), scene.now()), Some(blocker), "{id}");
    }
    let refused = scene.broker.preview(&instrument_id(), Side::Buy, crate::support::quantity("1"), None, scene.now());
    assert!(refused.is_err());
    if !matches!(blocker, Blocker::Age(_)) {
        scene.sold("3", "100.5");
        scene.check(&[]);
    }
    scene.broker.list(std::sync::Arc::new(instrument()));
    scene.state(BookState::Live);
    scene.levels("100x5", "102x5");
    scene.check(&["2-1: 1 at 102 as taker", "5-1: 1 at 102 as taker"]);
    assert_eq!(scene.broker.waiting_for(OrderId(1), scene.now()), None);
}

#[test]
fn market_orders_wait_and_nothing_fills_while_the_book_is_not_tradable() {
    for state in [
        BookState::Empty,
        BookState::Buffering,
        BookState::Suspect,
        BookState::Resyncing,
        BookState::Unverified,
        BookState::Polled,
    ] {
        check(|scene| scene.state(state), Blocker::BookState(state));
        let with_levels = |scene: &mut Scene| {
            scene.state(state);
            scene.levels("100x5", "101x5");
        };
        check(with_levels, Blocker::BookState(state));
    }
    check(|scene| scene.state(BookState::Live), Blocker::NoLevels);
    check(Scene::lose, Blocker::Gap { n_trades: 1 });
    check(|scene| scene.levels("101x5", "101x5"), Blocker::Crossed);
    check(|scene| scene.update(&DeskUpdate::Ended), Blocker::BookState(BookState::Empty));
    check(|scene| scene.advance(10_001), Blocker::Age(Some(Duration::from_millis(10_001))));
    let halt = |scene: &mut Scene| {
        let status = model::instrument::InstrumentStatus::Halted;
        scene.broker.list(std::sync::Arc::new(model::instrument::Instrument { status, ..instrument() }));
    };
    check(halt, Blocker::Halted);
}

#[test]
fn a_trade_on_a_quiet_live_book_fills_what_rests() {
    let mut scene = Scene::live("100x5", "102x5");
    scene.submit(buy(1, "4", "101"));
    scene.millis = 60_000;
    scene.sold("3", "101");
    scene.check(&["1: opened", "1-1: 3 at 101 as maker"]);
}

#[test]
fn a_book_as_old_as_the_limit_still_fills() {
    let mut scene = Scene::live("100x5", "102x5");
    scene.millis = 10_000;
    scene.submit(market(1, Side::Buy, "1"));
    scene.check(&["1: opened", "1-1: 1 at 102 as taker"]);
}

#[test]
fn a_post_only_order_that_waited_for_the_book_does_not_take_when_it_comes() {
    let mut scene = Scene::live("100x5", "102x5");
    scene.lose();
    scene.submit(Order { post_only: true, ..buy(1, "4", "102") });
    scene.levels("100x5", "102x5");
    scene.check(&["1: opened", "1: rejected post_only_would_take"]);
}

#[test]
fn the_summary_has_the_best_prices_of_a_tradable_book_alone() {
    let mut scene = Scene::live("100x5", "102x5");
    scene.sold("1", "100");
    let summary = |scene: &Scene| scene.broker.market(&instrument_id()).unwrap();
    assert_eq!(summary(&scene).best_ask.map(|level| level.price), Some(crate::support::price("102")));
    assert_eq!((summary(&scene).last, summary(&scene).last_time), (Some(crate::support::price("100")), Some(at(0))));
    scene.lose();
    assert_eq!((summary(&scene).best_bid, summary(&scene).best_ask), (None, None));
    assert!(summary(&scene).last.is_some());
}

#[test]
fn orders_of_an_unknown_instrument_are_rejected() {
    let mut scene = Scene::live("100x5", "102x5");
    let other = model::instrument::InstrumentId::parse("demo:OTHER").unwrap();
    scene.submit(Order { instrument: other, ..buy(1, "4", "102") });
    scene.check(&["1: rejected unknown_instrument"]);
}

#[test]
fn what_comes_before_an_instrument_is_listed_counts_once_it_is() {
    let mut broker = broker::Broker::new(broker::BrokerConfig::default());
    let id = instrument_id();
    let state = model::desk_feed::DeskState {
        state: BookState::Live,
        cause: model::desk_feed::StateCause::Subscribed,
        offset: 0,
    };
    broker.update(&id, &DeskUpdate::BookState(state), at(0));
    broker.restore(Order { state: model::trading::order::OrderState::Open, ..buy(1, "4", "101") }, at(0));
    assert_eq!(broker.waiting_for(OrderId(1), at(0)), Some(Blocker::Halted));
    broker.list(std::sync::Arc::new(instrument()));
    assert_eq!(broker.waiting_for(OrderId(1), at(0)), Some(Blocker::NoLevels));
    assert!(broker.drain().is_empty());
}
