//! Every kind of condition fires on what it looks for, and not on the opposite.

use std::collections::BTreeSet;

use alerts::happening::{HealthEvent, TradingEvent, Trust};
use model::{
    alert::{
        condition::{ExecutionEvent, PnlFigure, kinds::CONDITION_KINDS},
        signal::{Signal, SignalSide, SignalState},
    },
    candle::Interval,
    decimal::{Notional, Quantity, SignedQuantity},
    instrument::Venue,
    trading::{
        account::AccountId,
        order::{OrderId, Side},
    },
};
use serde_json::{Value, json};

use crate::support::{NONE, SILENCE, World, btc, flat, id, price, rule};

/// Steps of a test on an engine.
type Steps = fn(&mut World);

struct Case {
    condition: Value,
    /// Steps that arm it.
    before: Steps,
    /// Must not fire.
    opposite: Steps,
    /// Must fire once, with this title.
    meets: Steps,
    title: &'static str,
}

fn nothing(_: &mut World) {}

fn pnl(world: &mut World, figure: PnlFigure, amount: &str) {
    let (account, amount) = (main_account(), Notional::parse(amount).unwrap());
    world.engine.trading(&TradingEvent::Pnl { account, instrument: Some(btc()), figure, amount }, world.now);
}

fn position(world: &mut World, quantity: &str) {
    let quantity = SignedQuantity::parse(quantity).unwrap();
    let event = TradingEvent::Position { account: main_account(), instrument: btc(), quantity };
    world.engine.trading(&event, world.now);
}

fn execution(world: &mut World, event: ExecutionEvent) {
    let event = TradingEvent::Order {
        account: main_account(),
        instrument: btc(),
        order_id: OrderId(7),
        event,
        text: "buy 1 at 100".to_owned(),
    };
    world.engine.trading(&event, world.now);
}

fn fill(world: &mut World, quantity: &str) {
    let event = TradingEvent::Fill {
        account: main_account(),
        instrument: btc(),
        side: Side::Buy,
        price: price("62000.0"),
        quantity: Quantity::parse(quantity).unwrap(),
    };
    world.engine.trading(&event, world.now);
}

fn main_account() -> AccountId {
    AccountId::parse("main").unwrap()
}

fn health(world: &mut World, event: HealthEvent) {
    world.engine.health(&event, world.now);
}

fn connection(world: &mut World, venue: &str, is_up: bool) {
    health(world, HealthEvent::Connection { venue: Venue::new(venue), is_up, reason: "closed by peer".to_owned() });
}

fn gap(world: &mut World, venue: &str) {
    health(
        world,
        HealthEvent::Gap { venue: Venue::new(venue), instrument: None, what: "3 updates of the book".to_owned() },
    );
}

fn signal(world: &mut World, side: SignalSide, state: SignalState) {
    let signal = Signal {
        number: None,
        rule_id: id("ema"),
        version: 1,
        rule_name: "EMA cross".to_owned(),
        instrument: btc(),
        interval: Interval::M1,
        bar_time: world.now,
        side,
        state,
        holds: state != SignalState::Withdrawn,
        price: price("62000.00"),
        values: Vec::new(),
        strength: 0.5,
        fired_time: world.now,
        receive_time: world.now,
    };
    world.engine.signal(&signal, world.now);
}

/// Closed bars of a minute each up to now, the forming one at its last value.
fn closes(world: &mut World, values: &[f64], volume: f64) {
    for &value in values {
        let begin = world.now.as_millis();
        world.engine.bars(&btc(), Interval::M1, &[flat(begin, value, volume)], world.now);
        world.pass(60);
        world.engine.bars(&btc(), Interval::M1, &[flat(begin + 60_000, value, 0.0)], world.now);
    }
}

fn cases() -> Vec<Case> {
    let case = |condition: Value, before: Steps, opposite: Steps, meets: Steps, title: &'static str| Case {
        condition,
        before,
        opposite,
        meets,
        title,
    };
    vec![
        case(
            json!({"kind": "price_crosses", "direction": "up", "level": "62000.00"}),
            |world| world.at("61999.5"),
            |world| world.at("61000.0"),
            |world| world.at("62000.0"),
            "BTCUSD rose to 62,000.0",
        ),
        case(
            json!({"kind": "price_crosses", "direction": "down", "level": "62000"}),
            |world| world.at("62001"),
            |world| world.at("63000"),
            |world| world.at("61999"),
            "BTCUSD fell to 61,999",
        ),
        case(
            json!({"kind": "price_above", "level": "100"}),
            nothing,
            |world| world.at("99"),
            |world| world.at("100"),
            "BTCUSD is at 100, at or above 100",
        ),
        case(
            json!({"kind": "price_below", "level": "100"}),
            nothing,
            |world| world.at("101"),
            |world| world.at("100"),
            "BTCUSD is at 100, at or below 100",
        ),
        case(
            json!({"kind": "channel", "event": "entering", "low": "100", "high": "110"}),
            |world| world.at("99"),
            |world| world.at("111"),
            |world| world.at("110"),
            "BTCUSD entered the channel 100 to 110 at 110",
        ),
        case(
            json!({"kind": "channel", "event": "exiting", "low": "100", "high": "110"}),
            |world| world.at("105"),
            |world| world.at("110"),
            |world| world.at("99.9"),
            "BTCUSD left the channel 100.0 to 110.0 at 99.9",
        ),
        case(
            json!({"kind": "channel", "event": "inside", "low": "100", "high": "110"}),
            nothing,
            |world| world.at("111"),
            |world| world.at("100"),
            "BTCUSD is inside the channel 100 to 110 at 100",
        ),
        case(
            json!({"kind": "channel", "event": "outside", "low": "100", "high": "110"}),
            nothing,
            |world| world.at("100"),
            |world| world.at("111"),
            "BTCUSD is outside the channel 100 to 110 at 111",
        ),
        case(
            json!({"kind": "price_move", "direction": "up", "by": {"percent": "1"}, "window_s": 60}),
            |world| world.at("62000"),
            |world| {
                world.at("61000");
                // Prices that have left the span do not count.
                world.pass(120);
                world.at("62000");
            },
            |world| {
                world.pass(30);
                world.at("62620");
            },
            "BTCUSD rose from 62,000 to 62,620 within 1 min",
        ),
        case(
            json!({"kind": "price_move", "direction": "down", "by": {"percent": "1"}, "window_s": 60}),
            |world| world.at("100"),
            // A percent of where it stands, but not of where it came from.
            |world| world.at("99.005"),
            |world| world.at("99"),
            "BTCUSD fell from 100 to 99 within 1 min",
        ),
        case(
            json!({"kind": "spread_above", "bps": 10.0}),
            nothing,
            |world| world.engine.top(&btc(), price("99.99"), price("100.00"), world.now, world.now),
            |world| world.engine.top(&btc(), price("99.9"), price("100.1"), world.now, world.now),
            "The spread of BTCUSD is 20 bps",
        ),
        case(
            json!({"kind": "indicator_level", "interval": "1m", "spec": "sma(2)", "direction": "up", "level": 105.0}),
            |world| closes(world, &[100.0, 100.0, 100.0], 1.0),
            |world| closes(world, &[100.0, 90.0], 1.0),
            |world| closes(world, &[110.0, 110.0], 1.0),
            "sma(2) of BTCUSD on 1m bars rose to 110",
        ),
        case(
            json!({"kind": "indicator_cross", "interval": "1m", "fast": "sma(1)", "slow": "sma(3)", "direction": "down"}),
            |world| closes(world, &[100.0, 100.0, 100.0, 103.0], 1.0),
            |world| closes(world, &[106.0], 1.0),
            |world| closes(world, &[90.0], 1.0),
            "sma(1) crossed below sma(3) on 1m bars of BTCUSD",
        ),
        case(
            json!({"kind": "volume_burst", "interval": "1m", "n_bars": 2, "factor": 3.0}),
            |world| closes(world, &[100.0; 4], 10.0),
            |world| closes(world, &[100.0], 29.0),
            |world| closes(world, &[100.0], 59.0),
            "BTCUSD traded 59 in a 1m bar, at least 58.5",
        ),
        case(
            json!({"kind": "signal", "signal_rule": "ema", "side": "buy"}),
            nothing,
            |world| {
                signal(world, SignalSide::Sell, SignalState::Confirmed);
                signal(world, SignalSide::Buy, SignalState::Forming);
                signal(world, SignalSide::Buy, SignalState::Withdrawn);
            },
            |world| {
                signal(world, SignalSide::Buy, SignalState::Confirmed);
                signal(world, SignalSide::Buy, SignalState::Confirmed);
            },
            "EMA cross: buy signal on BTCUSD at 62,000.00",
        ),
        case(
            json!({"kind": "position", "event": "opened"}),
            |world| position(world, "0"),
            |world| position(world, "0"),
            |world| {
                position(world, "-1.5");
                position(world, "-2");
            },
            "Position in BTCUSD opened: -1.5",
        ),
        case(
            json!({"kind": "position", "event": "closed", "account": "main"}),
            |world| position(world, "1"),
            |world| position(world, "2"),
            |world| position(world, "0"),
            "Position in BTCUSD closed",
        ),
        case(
            json!({"kind": "position", "event": "above", "size": "2"}),
            nothing,
            |world| position(world, "-1.9"),
            |world| position(world, "-2"),
            "Position in BTCUSD is -2",
        ),
        case(
            json!({"kind": "pnl", "figure": "unrealised", "direction": "down", "level": "-1000"}),
            |world| pnl(world, PnlFigure::Unrealised, "0"),
            |world| {
                pnl(world, PnlFigure::Unrealised, "-999.99");
                pnl(world, PnlFigure::Realised, "-5000");
            },
            |world| pnl(world, PnlFigure::Unrealised, "-1000.00"),
            "Unrealised profit and loss in BTCUSD on account main fell to -1,000.00",
        ),
        case(
            json!({"kind": "order", "event": "rejected"}),
            nothing,
            |world| execution(world, ExecutionEvent::Filled),
            |world| execution(world, ExecutionEvent::Rejected),
            "Order 7 in BTCUSD is rejected: buy 1 at 100",
        ),
        case(
            json!({"kind": "fill", "min_value": "62000"}),
            nothing,
            |world| fill(world, "0.9"),
            |world| fill(world, "1.0"),
            "Bought 1.0 BTCUSD at 62,000.0",
        ),
        case(
            json!({"kind": "connection", "event": "lost", "venue": "demo"}),
            |world| connection(world, "demo", true),
            |world| {
                connection(world, "other", true);
                connection(world, "other", false);
            },
            |world| connection(world, "demo", false),
            "Connection to demo lost: closed by peer",
        ),
        case(
            json!({"kind": "connection", "event": "back"}),
            |world| connection(world, "demo", false),
            |world| connection(world, "other", true),
            |world| connection(world, "demo", true),
            "Connection to demo is back",
        ),
        case(
            json!({"kind": "data_gap"}),
            nothing,
            |world| gap(world, "other"),
            |world| gap(world, "demo"),
            "Data of demo is missing: 3 updates of the book",
        ),
        case(
            json!({"kind": "stale", "for_s": 30}),
            nothing,
            |world| {
                world.engine.trust(&btc(), &Trust::Stale { since: world.now }, world.now);
                world.pass(29);
                world.engine.trust(&btc(), &Trust::Good, world.now);
                world.pass(60);
            },
            |world| {
                world.engine.trust(&btc(), &Trust::Stale { since: world.now }, world.now);
                let due = world.engine.deadline().unwrap();
                world.now = due;
                world.engine.advance(due);
            },
            "The feed of demo:BTCUSD has been stale for 30 s",
        ),
        case(
            json!({"kind": "recording", "event": "failed"}),
            nothing,
            |world| {
                health(world, HealthEvent::Recording { venue: Venue::new("demo"), failure: None });
            },
            |world| {
                let failure = Some("the disk is full".to_owned());
                health(world, HealthEvent::Recording { venue: Venue::new("demo"), failure });
            },
            "Recording of demo failed: the disk is full",
        ),
        case(
            json!({"kind": "recording", "event": "stopped"}),
            nothing,
            |world| {
                let failure = Some("the disk is full".to_owned());
                health(world, HealthEvent::Recording { venue: Venue::new("demo"), failure });
            },
            |world| health(world, HealthEvent::Recording { venue: Venue::new("demo"), failure: None }),
            "Recording of demo ended",
        ),
        case(
            json!({"kind": "disk", "event": "free_below", "free_bytes": 5_000_000_000_u64}),
            nothing,
            |world| health(world, HealthEvent::Disk { free_bytes: 5_000_000_000 }),
            |world| health(world, HealthEvent::Disk { free_bytes: 4_999_999_999 }),
            "The disk has 4.9 GB free",
        ),
        case(
            json!({"kind": "disk", "event": "journal_full"}),
            nothing,
            |world| health(world, HealthEvent::Journal { is_writable: true, reason: String::new() }),
            |world| health(world, HealthEvent::Journal { is_writable: false, reason: "no space left".to_owned() }),
            "The desk's journal cannot be written: no space left",
        ),
        case(
            json!({"kind": "repeated_errors", "n": 3, "window_s": 60}),
            nothing,
            |world| {
                for _ in 0..2 {
                    health(world, HealthEvent::Error { what: "a".to_owned() });
                }
                world.pass(61);
                health(world, HealthEvent::Error { what: "b".to_owned() });
            },
            |world| {
                health(world, HealthEvent::Error { what: "c".to_owned() });
                health(world, HealthEvent::Error { what: "d".to_owned() });
            },
            "3 errors within 1 min, last: d",
        ),
    ]
}

#[test]
fn every_condition_fires_on_what_it_looks_for_only() {
    let mut tried = BTreeSet::new();
    for case in cases() {
        let kind = case.condition["kind"].as_str().unwrap().to_owned();
        let has_no_instrument = ["connection", "recording", "disk", "repeated_errors"].contains(&kind.as_str());
        let more = if has_no_instrument { json!({"instrument": null}) } else { json!({}) };
        let mut world = World::new(vec![rule("a", json!([case.condition]), more)]);
        (case.before)(&mut world);
        assert_eq!(world.said(), SILENCE, "before {}", case.condition);
        (case.opposite)(&mut world);
        assert_eq!(world.said(), SILENCE, "opposite of {}", case.condition);
        (case.meets)(&mut world);
        assert_eq!(world.said(), [case.title], "{}", case.condition);
        tried.insert(kind);
    }
    let all: BTreeSet<String> = CONDITION_KINDS.iter().map(|kind| kind.name.to_owned()).collect();
    assert_eq!(tried, all);
}

#[test]
fn all_of_several_have_to_hold_and_any_is_enough() {
    let conditions = json!([
        {"kind": "price_crosses", "direction": "up", "level": "100"},
        {"kind": "spread_above", "bps": 10.0},
    ]);
    let mut world = World::new(vec![rule("all", conditions.clone(), json!({"join": "all"}))]);
    assert_eq!(world.trades(&[99, 100, 99]), NONE);
    world.top("99.9", "100.1");
    assert_eq!(world.trades(&[100, 101, 99]), [0]);
    world.top("99.99", "100.00");
    assert_eq!(world.trades(&[100]), NONE);
    // The crossing holds until the level is left: the spread completes it.
    assert_eq!(world.top("99.9", "100.1").len(), 1);

    let mut world = World::new(vec![rule("any", conditions, json!({"join": "any"}))]);
    assert_eq!(world.trades(&[99, 100]), [1]);
    assert_eq!(world.top("99.9", "100.1").len(), 1);
}

#[test]
fn a_moment_and_what_holds_go_together() {
    let conditions = json!([{"kind": "order", "event": "filled"}, {"kind": "price_above", "level": "100"}]);
    let mut world = World::new(vec![rule("a", conditions, json!({}))]);
    execution(&mut world, ExecutionEvent::Filled);
    assert_eq!(world.trades(&[99, 100]), NONE);
    execution(&mut world, ExecutionEvent::Filled);
    assert_eq!(world.take().len(), 1);
    assert_eq!(world.trades(&[99, 100]), NONE);
}
