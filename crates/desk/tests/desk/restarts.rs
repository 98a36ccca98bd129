//! State after a restart: the journal alone gives the same state, whatever was done before.

use model::{
    decimal::{Price, Quantity},
    event::AggressorSide,
    trading::{
        command::{AmendOrder, CancelOrder, ClosePosition, DeskCommand, StartStrategy},
        order::{Amendment, OrderId, OrderState, Trail},
        record::Record,
        refusal::DenyCode,
        strategy::{StrategyId, StrategyState},
    },
};
use portfolio::round_trip::RoundTrip;
use proptest::prelude::*;

use crate::floor::{Floor, MARKET, id, price, quoted};

#[test]
fn excursions_of_an_open_round_trip_survive() {
    let mut floor = quoted();
    floor.place("a", "buy", MARKET).unwrap();
    for at in ["104.00", "95.00", "101.00"] {
        floor.trade(at, "1", AggressorSide::Buyer);
    }
    floor.wait(61_000);
    let close = |mut floor: Floor| -> RoundTrip {
        floor.levels(&[("99.99", "2")], &[("100.01", "2")]);
        let close = ClosePosition { account: None, instrument: id(), reverse: false };
        floor.command(DeskCommand::ClosePosition(close)).unwrap();
        floor.check_restart();
        floor.round_trips.last().unwrap().1.clone()
    };
    let again = close(floor.restarted());
    // Bought at 100.01, seen at 95 and 104.
    assert_eq!((again.mae.to_string(), again.mfe.to_string()), ("-5.01".to_owned(), "3.99".to_owned()));
    let whole = close(floor);
    assert_eq!((again.mae, again.mfe), (whole.mae, whole.mfe));
}

#[test]
fn prices_are_journalled_when_they_are_news() {
    let mut floor = quoted();
    floor.place("a", "buy", MARKET).unwrap();
    let n_records =
        |floor: &Floor| floor.records.iter().filter(|record| matches!(record, Record::PricesSeen { .. })).count();
    floor.trade("99.00", "1", AggressorSide::Buyer);
    floor.trade("104.00", "1", AggressorSide::Buyer);
    let before = n_records(&floor);
    floor.wait(61_000);
    assert_eq!(n_records(&floor), before + 1);
    floor.trade("102.00", "1", AggressorSide::Buyer);
    floor.wait(61_000);
    assert_eq!(n_records(&floor), before + 1, "nothing beyond what is known");
    floor.trade("104.01", "1", AggressorSide::Buyer);
    floor.wait(61_000);
    assert_eq!(n_records(&floor), before + 2);
}

#[test]
fn a_trailing_stop_by_its_price_keeps_its_distance() {
    let mut floor = quoted();
    floor.place("a", "buy", MARKET).unwrap();
    let order = floor.place("t", "sell", r#""type":"trailing_stop","quantity":"1","stop_price":"97.00""#).unwrap();
    assert_eq!(order.trail, Some(Trail::Offset(price("3.00"))));
    let mut again = floor.restarted();
    again.levels(&[("98.99", "2")], &[("99.01", "2")]);
    for at in ["99.00", "105.00"] {
        again.trade(at, "1", AggressorSide::Buyer);
    }
    let stop = |floor: &Floor| floor.desk.state().order(order.order_id).and_then(|order| order.stop_price);
    assert_eq!(stop(&again), Some(price("102.00")));
    let by_book = r#""type":"trailing_stop","quantity":"1","stop_price":"96.99","trigger":"bid_ask""#;
    let order = floor.place("b", "sell", by_book).unwrap();
    assert_eq!(order.trail, Some(Trail::Offset(price("3.00"))), "from the bid");
    let mut silent = Floor::new();
    let refusal =
        silent.place("t", "buy", r#""type":"trailing_stop","quantity":"1","stop_price":"97.00""#).unwrap_err();
    assert_eq!(refusal.code, DenyCode::NoPrice);
}

#[test]
fn a_grid_that_waits_for_its_trigger_remembers_where_the_price_came_from() {
    let settings = serde_json::json!({
        "lower": "90.00", "upper": "110.00", "n_lines": 21, "mode": "neutral", "size": { "base": "0.1" },
        "trigger_price": "100.50"
    });
    let start = StartStrategy {
        strategy_id: StrategyId::parse("g").unwrap(),
        kind: "grid".into(),
        account: None,
        instrument: id(),
        settings,
    };
    let mut floor = quoted();
    floor.command(DeskCommand::StartStrategy(Box::new(start))).unwrap();
    floor.trade("100.00", "1", AggressorSide::Buyer);
    let state = |floor: &Floor| floor.desk.state().strategies.values().next().unwrap().state;
    // The next price is above the trigger already.
    let mut again = floor.restarted();
    again.levels(&[("100.99", "2")], &[("101.01", "2")]);
    assert_eq!(state(&again), StrategyState::Waiting);
    again.trade("101.00", "1", AggressorSide::Buyer);
    assert_eq!(state(&again), StrategyState::Running);
}

#[test]
fn the_rest_of_a_stop_loss_goes_on_after_a_thin_book_and_a_restart() {
    let mut floor = quoted();
    let entry = r#""type":"limit","quantity":"2","price":"100.01","stop_loss":"95.00""#;
    floor.place("e", "buy", entry).unwrap();
    assert_eq!(floor.position(), "2");
    floor.levels(&[("94.00", "0.5"), ("80.00", "9")], &[("96.00", "2")]);
    floor.trade("94.50", "0.1", AggressorSide::Buyer);
    assert_eq!(floor.position(), "1.5", "80.00 is beyond the price protection");
    let row = |floor: &Floor| {
        let stop = floor.desk.state().orders.values().next().cloned().unwrap();
        (stop.state, floor.desk.order_row(&stop, floor.now).waiting_for)
    };
    let (state, waiting_for) = row(&floor);
    assert_eq!(state, OrderState::PartiallyFilled);
    assert!(waiting_for.is_some_and(|words| words.contains("nothing more within the price protection")));
    let mut again = floor.restarted();
    for floor in [&mut floor, &mut again] {
        floor.levels(&[("93.00", "1")], &[("96.00", "2")]);
        assert_eq!(floor.position(), "0.5");
        floor.levels(&[("92.00", "1")], &[("96.00", "2")]);
        assert_eq!((floor.position().as_str(), floor.desk.state().orders.len()), ("0", 0));
        floor.check_restart();
    }
}

#[derive(Clone, Debug)]
enum Step {
    Limit { is_buy: bool, cents: i64, size: i64, has_stop: bool },
    Market { is_buy: bool, size: i64, has_target: bool },
    Trailing { is_buy: bool, size: i64 },
    Cancel { pick: usize },
    Amend { pick: usize, cents: Option<i64>, size: Option<i64> },
    Book { cents: i64, size: i64 },
    Trade { cents: i64, size: i64, is_buyer: bool },
    Wait { millis: u64 },
}

fn step() -> impl Strategy<Value = Step> {
    let (cents, size) = (|| 9_500..10_500_i64, || 1..4_000_i64);
    prop_oneof![
        3 => (any::<bool>(), cents(), size(), any::<bool>())
            .prop_map(|(is_buy, cents, size, has_stop)| Step::Limit { is_buy, cents, size, has_stop }),
        2 => (any::<bool>(), size(), any::<bool>())
            .prop_map(|(is_buy, size, has_target)| Step::Market { is_buy, size, has_target }),
        1 => (any::<bool>(), size()).prop_map(|(is_buy, size)| Step::Trailing { is_buy, size }),
        1 => any::<usize>().prop_map(|pick| Step::Cancel { pick }),
        1 => (any::<usize>(), prop::option::of(cents()), prop::option::of(size()))
            .prop_map(|(pick, cents, size)| Step::Amend { pick, cents, size }),
        3 => (cents(), size()).prop_map(|(cents, size)| Step::Book { cents, size }),
        3 => (cents(), size(), any::<bool>())
            .prop_map(|(cents, size, is_buyer)| Step::Trade { cents, size, is_buyer }),
        1 => (1..70_000_u64).prop_map(|millis| Step::Wait { millis }),
    ]
}

fn cents_text(cents: i64) -> String {
    Price::from_mantissa(cents.into(), 2).unwrap().to_string()
}

fn size_text(size: i64) -> String {
    Quantity::from_mantissa(size.into(), 3).unwrap().to_string()
}

fn carry_out(floor: &mut Floor, number: usize, step: &Step) {
    let side = |is_buy: bool| if is_buy { "buy" } else { "sell" };
    let name = format!("n-{number}");
    let open: Vec<OrderId> = floor.desk.state().orders.keys().copied().collect();
    let picked = |pick: usize| (!open.is_empty()).then(|| open[pick % open.len()]);
    // A refusal is as good: it must change nothing.
    let _either = match step {
        Step::Limit { is_buy, cents, size, has_stop } => {
            let stop = cents + if *is_buy { -200 } else { 200 };
            let stop = if *has_stop { format!(r#","stop_loss":"{}""#, cents_text(stop)) } else { String::new() };
            let (size, at) = (size_text(*size), cents_text(*cents));
            let fields = format!(r#""type":"limit","quantity":"{size}","price":"{at}"{stop}"#);
            floor.place(&name, side(*is_buy), &fields).map(drop)
        }
        Step::Market { is_buy, size, has_target } => {
            let target = if *is_buy { "106.00" } else { "94.00" };
            let target = if *has_target { format!(r#","take_profit":"{target}""#) } else { String::new() };
            let fields = format!(r#""type":"market","quantity":"{}"{target}"#, size_text(*size));
            floor.place(&name, side(*is_buy), &fields).map(drop)
        }
        Step::Trailing { is_buy, size } => {
            let stop = if *is_buy { "103.00" } else { "97.00" };
            let fields = format!(r#""type":"trailing_stop","quantity":"{}","stop_price":"{stop}""#, size_text(*size));
            floor.place(&name, side(*is_buy), &fields).map(drop)
        }
        Step::Cancel { pick } => {
            let cancel =
                |order_id| floor.command(DeskCommand::CancelOrder(CancelOrder { account: None, order_id })).map(drop);
            picked(*pick).map_or(Ok(()), cancel)
        }
        Step::Amend { pick, cents, size } => {
            let amendment = Amendment {
                quantity: size.map(|size| Quantity::from_mantissa(size.into(), 3).unwrap()),
                price: cents.map(|cents| Price::from_mantissa(cents.into(), 2).unwrap()),
                stop_price: None,
            };
            let amend = |order_id| {
                floor.command(DeskCommand::AmendOrder(AmendOrder { account: None, order_id, amendment })).map(drop)
            };
            picked(*pick).map_or(Ok(()), amend)
        }
        Step::Book { cents, size } => {
            let (bid, ask) = (cents_text(cents - 1), cents_text(cents + 1));
            floor.levels(&[(&bid, &size_text(*size))], &[(&ask, &size_text(*size))]);
            Ok(())
        }
        Step::Trade { cents, size, is_buyer } => {
            let side = if *is_buyer { AggressorSide::Buyer } else { AggressorSide::Seller };
            floor.trade(&cents_text(*cents), &size_text(*size), side);
            Ok(())
        }
        Step::Wait { millis } => {
            floor.wait(*millis);
            Ok(())
        }
    };
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Positions, orders, excursions, and the sums of open orders that are kept beside them, are those that the journal
    /// gives, from its beginning and from a snapshot.
    #[test]
    fn whatever_was_done_the_journal_gives_the_same_state(steps in prop::collection::vec(step(), 1..60)) {
        let mut floor = quoted();
        for (number, step) in steps.iter().enumerate() {
            carry_out(&mut floor, number, step);
        }
        floor.check_restart();
    }
}
