//! Rules on history before they are saved.

use std::collections::BTreeMap;

use alerts::dry_run::dry_run;
use indicators::bar::Bar;
use model::{candle::Interval, time::Timestamp};
use serde_json::json;

use crate::support::{BEGIN_MS, World, bar, flat, rule};

fn minutes(closes: &[f64]) -> Vec<Bar> {
    closes.iter().zip(0..).map(|(&close, at)| flat(BEGIN_MS + at * 60_000, close, 1.0)).collect()
}

#[test]
fn prices_are_walked_bar_by_bar() {
    let condition = json!([{"kind": "price_crosses", "direction": "up", "level": "100.5"}]);
    let once = rule("a", condition, json!({"frequency": {"kind": "once"}, "expires": 1}));
    let bars = vec![
        bar(BEGIN_MS, [99.0, 101.0, 98.0, 99.0], 1.0),
        bar(BEGIN_MS + 60_000, [99.0, 100.0, 99.0, 100.0], 1.0),
        bar(BEGIN_MS + 120_000, [100.0, 103.0, 99.0, 102.0], 1.0),
    ];
    let history = BTreeMap::from([(Interval::M1, bars)]);
    let report = dry_run(&once, &history, Timestamp::from_millis(BEGIN_MS));
    let fires: Vec<_> =
        report.fires.iter().map(|fire| (fire.time.as_millis() - BEGIN_MS, fire.value.as_str())).collect();
    assert_eq!((report.n_fires, fires), (2, vec![(40_000, "101"), (160_000, "103")]));
    assert!((report.hours - 0.05).abs() < 1e-9, "{}", report.hours);
    let report = dry_run(&once, &history, Timestamp::from_millis(BEGIN_MS + 60_000));
    assert_eq!(report.n_fires, 1);
}

#[test]
fn indicators_fire_as_they_do_live() {
    let condition = json!([{"kind": "indicator_cross", "interval": "1m", "fast": "sma(2)", "slow": "sma(5)", "direction": "either"}]);
    let crossing = rule("a", condition, json!({}));
    let closes: Vec<f64> = (0..200).map(|at| 100.0 + f64::from(at * at % 37)).collect();
    let bars = minutes(&closes);
    let report = dry_run(&crossing, &BTreeMap::from([(Interval::M1, bars.clone())]), Timestamp::from_millis(BEGIN_MS));
    // Live, one bar after the other.
    let mut world = World::new(vec![crossing]);
    let mut fires = Vec::new();
    for pair in bars.windows(2) {
        world.engine.bars(&crate::support::btc(), Interval::M1, &pair[..1], world.now);
        world.pass(60);
        world.engine.bars(&crate::support::btc(), Interval::M1, &pair[1..], world.now);
        fires.extend(world.effects().fired.into_iter().map(|fired| fired.notice.bar_time.unwrap()));
    }
    assert!(fires.len() > 20, "{}", fires.len());
    let close_times: Vec<_> = fires.iter().map(|bar| *bar + Interval::M1.duration()).collect();
    assert_eq!(report.fires.iter().map(|fire| fire.time).collect::<Vec<_>>(), close_times);
}

#[test]
fn rules_without_a_history_say_so() {
    let orders = rule("a", json!([{"kind": "order", "event": "filled"}]), json!({}));
    let report = dry_run(&orders, &BTreeMap::from([(Interval::M1, minutes(&[1.0]))]), Timestamp::EPOCH);
    assert_eq!(report.n_fires, 0);
    assert!(report.note.contains("nothing to try it on"), "{}", report.note);
}
