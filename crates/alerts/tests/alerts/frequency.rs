//! Frequency of alerts, hysteresis, conditions that last, expiry, pause and snooze.

use model::{alert::rule::RuleStatus, candle::Interval};
use serde_json::json;

use crate::support::{BEGIN_MS, NONE, SILENCE, World, flat, rises_to, rule};

const UP: &str = r#"[{"kind":"price_crosses","direction":"up","level":"100"}]"#;

fn up(more: serde_json::Value) -> World {
    World::new(vec![rule("a", serde_json::from_str(UP).unwrap(), more)])
}

#[test]
fn equality_never_fires_twice() {
    let mut world = up(json!({}));
    assert_eq!(world.trades(&[99, 100, 100, 101, 100, 99, 100, 98, 102]), [1, 6, 8]);
    // A first value past the level has crossed nothing.
    let mut world = up(json!({}));
    assert_eq!(world.trades(&[100, 101, 99, 100]), [3]);
    // The level's digits do not matter.
    let mut world = World::new(vec![rises_to("a", "100.000")]);
    assert_eq!(world.trades(&[99, 100, 100, 101]), [1]);
    world.at("99.9");
    world.at("100.00");
    assert_eq!(world.take().len(), 1);
}

#[test]
fn the_hysteresis_has_to_be_left_before_it_fires_again() {
    let condition = json!([{"kind": "price_crosses", "direction": "either", "level": "100", "hysteresis": "5"}]);
    let mut world = World::new(vec![rule("a", condition, json!({}))]);
    // Near the level from the start: it arms all the same.
    assert_eq!(world.trades(&[98, 100, 99, 100, 95, 100, 94, 100]), [1, 7]);
    assert_eq!(world.trades(&[104, 100, 105, 100, 106, 100]), [5]);
}

#[test]
fn once_is_done_afterwards() {
    let mut world = up(json!({"frequency": {"kind": "once"}}));
    assert_eq!(world.status("a"), RuleStatus::Waiting);
    assert_eq!(world.trades(&[99]), NONE);
    assert_eq!(world.status("a"), RuleStatus::Armed);
    assert_eq!(world.trades(&[100, 99, 100]), [0]);
    assert_eq!(world.status("a"), RuleStatus::Done);
    assert!(world.engine.needs().instruments.is_empty());
    world.ask(json!({"resume_alert": {"rule_id": "a"}})).unwrap();
    // It begins without a past.
    assert_eq!(world.trades(&[101, 99, 100, 99, 100]), [2]);
}

#[test]
fn once_a_bar_a_minute_and_a_cool_down() {
    let mut world = up(json!({"frequency": {"kind": "once_per_bar", "interval": "5m"}}));
    assert_eq!(world.trades(&[99, 100, 99, 100]), [1]);
    world.pass(299);
    assert_eq!(world.trades(&[99, 100]), NONE);
    world.pass(1);
    assert_eq!(world.trades(&[99, 100]), [1]);

    for frequency in [json!({"kind": "once_per_minute"}), json!({"kind": "every", "cool_down_s": 60})] {
        let mut world = up(json!({"frequency": frequency}));
        world.pass(30);
        assert_eq!(world.trades(&[99, 100, 99, 100]), [1]);
        world.pass(59);
        assert_eq!(world.trades(&[99, 100]), NONE);
        world.pass(1);
        assert_eq!(world.trades(&[99, 100]), [1]);
        // A clock that goes back silences nothing.
        world.now = model::time::Timestamp::from_millis(BEGIN_MS);
        assert_eq!(world.trades(&[99, 100]), [1]);
    }
}

#[test]
fn closes_alone_count_for_rules_on_closes() {
    let mut world = up(json!({"frequency": {"kind": "once_per_bar_close", "interval": "1m"}}));
    let at = |minute: i64| BEGIN_MS + minute * 60_000;
    // History arms and never fires.
    world.bars(
        Interval::M1,
        &[flat(at(-3), 101.0, 1.0), flat(at(-2), 120.0, 1.0), flat(at(-1), 99.0, 1.0), flat(at(0), 99.0, 1.0)],
    );
    assert_eq!(world.titles, SILENCE);
    // A wick through the level is none.
    assert_eq!(world.trades(&[99, 105, 99]), NONE);
    assert_eq!(world.bars(Interval::M1, &[flat(at(0), 105.0, 2.0)]), SILENCE);
    world.pass(60);
    assert_eq!(world.bars(Interval::M1, &[flat(at(0), 101.5, 2.0), flat(at(1), 101.0, 0.0)]), ["BTCUSD rose to 101.5"]);
    // The same bar again, repaired: it was looked at.
    assert_eq!(world.bars(Interval::M1, &[flat(at(0), 99.0, 2.0)]), SILENCE);
    world.pass(60);
    assert_eq!(world.bars(Interval::M1, &[flat(at(1), 102.0, 2.0), flat(at(2), 101.0, 0.0)]), SILENCE);
}

#[test]
fn what_lasts_is_said_again_as_often_as_it_may() {
    let above = json!([{"kind": "price_above", "level": "100", "hysteresis": "1"}]);
    let mut world = World::new(vec![rule("a", above.clone(), json!({"frequency": {"kind": "once_per_minute"}}))]);
    assert_eq!(world.trades(&[100, 99, 101]), [0]);
    assert_eq!(world.pass(59), SILENCE);
    assert_eq!(world.pass(1).len(), 1);
    assert_eq!(world.pass(120).len(), 2);
    assert_eq!(world.trades(&[98]), NONE);
    assert_eq!(world.pass(600), SILENCE);
    assert_eq!(world.status("a"), RuleStatus::Armed);
    assert_eq!(world.trades(&[100]), [0]);
    assert_eq!(world.status("a"), RuleStatus::Fired);
    // Every time without a cool-down means every time that it begins.
    let mut world = World::new(vec![rule("a", above.clone(), json!({}))]);
    assert_eq!(world.trades(&[100, 101, 102]), [0]);
    assert_eq!(world.pass(600), SILENCE);
    // At closes: at each of them.
    let mut world =
        World::new(vec![rule("a", above, json!({"frequency": {"kind": "once_per_bar_close", "interval": "1m"}}))]);
    let at = |minute: i64| BEGIN_MS + minute * 60_000;
    let history = [flat(at(-1), 101.0, 1.0), flat(at(0), 99.0, 1.0)];
    assert_eq!(world.bars(Interval::M1, &history), SILENCE);
    for (minute, close, fires) in [(0, 101.0, 1), (1, 99.5, 1), (2, 98.0, 0), (3, 99.5, 0), (4, 100.0, 1)] {
        world.pass(60);
        let fired = world.bars(Interval::M1, &[flat(at(minute), close, 1.0), flat(at(minute + 1), close, 0.0)]);
        assert_eq!(fired.len(), fires, "{minute}");
    }
}

#[test]
fn it_has_to_last() {
    let mut world = up(json!({"pending_for_s": 10, "frequency": {"kind": "every", "cool_down_s": 0}}));
    assert_eq!(world.trades(&[99, 100]), NONE);
    assert_eq!(world.status("a"), RuleStatus::Pending { since: world.now });
    world.pass(9);
    assert_eq!(world.trades(&[101, 99, 100]), NONE);
    assert_eq!(world.pass(9), SILENCE);
    assert_eq!(world.pass(1), ["BTCUSD rose to 100"]);
    assert_eq!(world.pass(100), SILENCE);
    assert_eq!(world.trades(&[99, 100, 99]), NONE);
    assert_eq!(world.pass(100), SILENCE);
}

#[test]
fn pause_snooze_and_expiry() {
    let end = model::time::Timestamp::from_millis(BEGIN_MS + 3_600_000);
    let mut world = up(json!({"expires": end}));
    assert_eq!(world.trades(&[99, 100]), [1]);
    world.ask(json!({"pause_alert": {"rule_id": "a"}})).unwrap();
    assert_eq!(world.status("a"), RuleStatus::Paused);
    assert_eq!(world.trades(&[99, 100, 99]), NONE);
    world.ask(json!({"resume_alert": {"rule_id": "a"}})).unwrap();
    assert_eq!(world.trades(&[100, 99, 100]), [2]);

    world.ask(json!({"snooze_alert": {"rule_id": "a", "minutes": 15}})).unwrap();
    assert!(matches!(world.status("a"), RuleStatus::Snoozed { .. }));
    assert_eq!(world.trades(&[99, 100, 99, 100]), NONE);
    let row = world.engine.row(&crate::support::id("a")).unwrap();
    assert_eq!((row.state.n_fired, row.state.n_suppressed), (4, 2));
    world.pass(900);
    assert_eq!(world.status("a"), RuleStatus::Fired);
    assert_eq!(world.trades(&[100, 99, 100]), [2]);

    world.pass(2_700);
    assert_eq!(world.status("a"), RuleStatus::Expired);
    assert_eq!(world.trades(&[99, 100]), NONE);
    let refusal = world.ask(json!({"resume_alert": {"rule_id": "a"}})).unwrap_err();
    assert_eq!(refusal.message, "the time of expiry has passed; choose a later one or none");
}

#[test]
fn a_snoozed_rule_that_fires_once_is_not_used_up() {
    let mut world = up(json!({"frequency": {"kind": "once"}}));
    world.ask(json!({"snooze_alert": {"rule_id": "a", "minutes": 1}})).unwrap();
    assert_eq!(world.trades(&[99, 100]), NONE);
    world.pass(60);
    assert_eq!(world.trades(&[99, 100]), [1]);
}

#[test]
fn a_value_far_away_meets_every_level_between() {
    let rules = (0..50).map(|at| rises_to(&format!("r{at}"), &(100 + at).to_string())).collect();
    let mut world = World::new(rules);
    world.trade(99);
    assert_eq!(world.trade(124).len(), 25);
    assert_eq!(world.trade(500).len(), 25);
    world.at("1");
    world.at("500");
    assert_eq!(world.take().len(), 50);
}
