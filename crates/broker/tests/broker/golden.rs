//! Golden values of the desk's reference notes: queues, sizes that a trade takes first, fees.

use broker::BrokerConfig;
use model::{
    decimal::Rate,
    event::AggressorSide,
    instrument::Venue,
    trading::{account::FeeRates, fill::FillCause, order::Side},
};

use crate::support::{Scene, buy, market, optimistic, price, quantity, sell, stop};

/// Behind 100 at 100, as nautilus_trader's queue has it.
#[test]
fn trades_at_the_price_fill_only_what_exceeds_the_queue() {
    for config in [BrokerConfig::default(), optimistic()] {
        let mut scene = Scene::new(config, "100x100", "101x5");
        scene.submit(buy(1, "50", "100"));
        scene.check(&["1: opened"]);
        scene.sold("80", "100");
        scene.check(&[]);
        assert_eq!(scene.queue(1).as_deref(), Some("20/20"));
        scene.sold("30", "100");
        scene.check(&["1-1: 10 at 100 as maker"]);
        scene.sold("50", "100");
        scene.check(&["1-2: 40 at 100 as maker"]);
        assert!(scene.broker.open_orders().next().is_none());
    }
}

/// Front 60, the level goes from 100 to 80 without trades (hftbacktest).
#[test]
fn a_level_that_shrinks_without_trades_moves_the_optimistic_queue_alone() {
    let mut scene = Scene::live("100x60", "101x5");
    scene.submit(buy(1, "5", "100"));
    scene.levels("100x100", "101x5");
    assert_eq!(scene.queue(1).as_deref(), Some("60/60"));
    scene.levels("100x80", "101x5");
    assert_eq!(scene.queue(1).as_deref(), Some("60/40"));
    scene.levels("100x50", "101x5");
    assert_eq!(scene.queue(1).as_deref(), Some("50/10"));
    scene.levels("99x50", "101x5");
    assert_eq!(scene.queue(1).as_deref(), Some("0/0"));
    scene.check(&["1: opened"]);
}

/// 10 offered, a buyer takes 8 and sets a stop off: 2 are left at the best level (nautilus_trader).
#[test]
fn a_trade_takes_its_size_before_the_stop_that_it_sets_off() {
    let mut scene = Scene::live("100x10", "101x10 102x20");
    scene.submit(stop(1, Side::Buy, "5", "101"));
    scene.bought("8", "101");
    scene.check(&["1: opened", "1: triggered at 101", "1-1: 2 at 101 as taker", "1-2: 3 at 102 as taker"]);
}

#[test]
fn a_trade_that_the_levels_include_already_takes_nothing_twice() {
    let mut scene = Scene::live("100x10", "101x10 102x20");
    // The book came first: 2 are left of 10.
    scene.levels_of(Some(50), "100x10", "101x2 102x20");
    scene.submit(stop(1, Side::Buy, "5", "101"));
    scene.trade_of(Some(50), AggressorSide::Buyer, "8", "101");
    scene.check(&["1: opened", "1: triggered at 101", "1-1: 2 at 101 as taker", "1-2: 3 at 102 as taker"]);
}

#[test]
fn fees_are_a_share_of_the_value_rounded_half_to_even_at_eight_decimals() {
    #[track_caller]
    fn check(size: &str, maker: &str, taker: &str, expected: [&str; 2]) {
        let rates = FeeRates { maker: Rate::parse(maker).unwrap(), taker: Rate::parse(taker).unwrap() };
        let config = BrokerConfig { fees: [(Venue::new("demo"), rates)].into(), ..BrokerConfig::default() };
        let mut scene = Scene::new(config, "99x10", "101x10");
        scene.submit_all([buy(1, size, "100"), market(2, Side::Buy, size)]);
        scene.sold(size, "100");
        let fees = scene.fills().into_iter().map(|fill| (fill.fee.to_string(), fill.fee_currency.to_string()));
        let [taker, maker] = expected;
        let expected = vec![(taker.to_owned(), "BBB".to_owned()), (maker.to_owned(), "BBB".to_owned())];
        assert_eq!(fees.collect::<Vec<_>>(), expected);
    }
    check("1", "0.001", "0.002", ["0.202", "0.100"]);
    check("2", "-0.0001", "0.001", ["0.202", "-0.0200"]);
    check("0.001", "0.0000001", "0.00000015", ["0.00000002", "0.00000001"]);
    check("0.001", "0.00000005", "0.00000015", ["0.00000002", "0.00000000"]);
}

#[test]
fn every_fill_names_what_it_was_based_on() {
    let mut scene = Scene::live("100x10", "101x10");
    scene.submit_all([market(1, Side::Buy, "4"), market(2, Side::Buy, "1"), buy(3, "9", "100"), sell(4, "9", "100.5")]);
    scene.sold("12", "100");
    scene.sold("3", "99.5");
    scene.levels("100.8x7", "101x10");
    let fills = scene.fills();
    let causes: Vec<FillCause> = fills.iter().map(|fill| fill.evidence.cause.clone()).collect();
    let (seller, ten) = (AggressorSide::Seller, quantity("10"));
    let level = |taken_before| FillCause::Level {
        last_update_id: Some(1),
        price: price("101"),
        displayed: ten,
        taken_before: quantity(taken_before),
    };
    let expected = [
        level("0"),
        level("4"),
        FillCause::Trade {
            trade_id: "1".into(),
            size: quantity("12"),
            aggressor_side: seller,
            queue_before: ten,
            queue_after: quantity("0"),
        },
        FillCause::TradeThrough {
            trade_id: "2".into(),
            price: price("99.5"),
            size: quantity("3"),
            queue_before: quantity("0"),
        },
        FillCause::BookThrough {
            last_update_id: Some(2),
            price: price("100.8"),
            displayed: quantity("7"),
            taken_before: quantity("0"),
            queue_before: quantity("0"),
        },
    ];
    assert_eq!(causes, expected);
    let offsets: Vec<u64> = fills.iter().map(|fill| fill.evidence.offset).collect();
    assert_eq!(offsets, [2, 2, 3, 4, 5]);
    assert_eq!(fills.last().map(|fill| fill.price), Some(price("100.5")));
}
