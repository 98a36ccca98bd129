//! Feeds that cannot be trusted, and times for which there were no prices.

use alerts::happening::Trust;
use model::{alert::rule::RuleStatus, candle::Interval};
use serde_json::json;

use crate::support::{BEGIN_MS, NONE, SILENCE, World, bar, btc, flat, id, rises_to, rule};

fn suspect(world: &mut World) {
    world.engine.trust(&btc(), &Trust::Suspect { reason: "the book failed its checksum".to_owned() }, world.now);
}

fn good(world: &mut World) {
    world.engine.trust(&btc(), &Trust::Good, world.now);
}

#[test]
fn nothing_fires_on_a_feed_that_cannot_be_trusted() {
    let mut world = World::new(vec![rises_to("a", "100")]);
    world.trade(99);
    suspect(&mut world);
    assert!(world.effects().shown.contains(&id("a")));
    let since = world.now;
    world.pass(42);
    assert_eq!(world.trades(&[100, 99, 100, 150]), NONE);
    let reason = "the book failed its checksum".to_owned();
    assert_eq!(world.status("a"), RuleStatus::Blind { since, reason });
    good(&mut world);
    assert_eq!(world.status("a"), RuleStatus::Armed);
    // The level was passed meanwhile, for it was armed before: that is said, late.
    assert_eq!(world.trade(120), ["BTCUSD rose to 120 (late)"]);
    assert_eq!(world.trades(&[121, 99, 100]), [2]);
    assert_eq!(world.titles.last().unwrap(), "BTCUSD rose to 100");
}

#[test]
fn a_level_that_was_not_passed_stays_armed() {
    let mut world = World::new(vec![rises_to("a", "100")]);
    world.trade(99);
    world.engine.trust(&btc(), &Trust::Stale { since: world.now }, world.now);
    assert_eq!(world.trades(&[150]), NONE);
    good(&mut world);
    assert_eq!(world.trade(99), SILENCE);
    assert_eq!(world.trade(100), ["BTCUSD rose to 100"]);
}

#[test]
fn a_rule_made_meanwhile_only_arms() {
    let mut world = World::new(vec![rises_to("a", "50")]);
    world.trade(99);
    suspect(&mut world);
    world.save(rises_to("b", "100")).unwrap();
    good(&mut world);
    assert_eq!(world.trades(&[120, 99]), NONE);
    assert_eq!(world.trade(100), ["BTCUSD rose to 100"]);
    // A condition that holds at the first look is no late news.
    suspect(&mut world);
    world.save(rule("c", json!([{"kind": "price_above", "level": "80"}]), json!({}))).unwrap();
    good(&mut world);
    assert_eq!(world.trade(99), ["BTCUSD is at 99, at or above 80"]);
}

#[test]
fn waiting_and_windows_begin_again() {
    let conditions = json!([{"kind": "price_move", "direction": "up", "by": {"absolute": "10"}, "window_s": 300}]);
    let pending = rule("p", json!([{"kind": "price_above", "level": "100"}]), json!({"pending_for_s": 60}));
    let mut world = World::new(vec![rule("m", conditions, json!({})), pending]);
    world.trade(100);
    world.pass(50);
    suspect(&mut world);
    assert_eq!(world.pass(50), SILENCE);
    good(&mut world);
    // Moved by 15, but over a time that nobody saw.
    assert_eq!(world.trade(115), SILENCE);
    assert_eq!(world.pass(59), SILENCE);
    assert_eq!(world.pass(1), ["BTCUSD is at 100, at or above 100"]);
    assert_eq!(world.trade(125), ["BTCUSD rose from 115 to 125 within 5 min"]);
}

#[test]
fn bars_that_came_late_are_said_late_and_once() {
    let condition =
        json!([{"kind": "indicator_level", "interval": "1m", "spec": "sma(1)", "direction": "up", "level": 100.0}]);
    let mut world = World::new(vec![rule("a", condition, json!({}))]);
    let at = |minute: i64| BEGIN_MS + minute * 60_000;
    world.bars(Interval::M1, &[flat(at(-2), 90.0, 1.0), flat(at(-1), 90.0, 1.0), flat(at(0), 90.0, 1.0)]);
    suspect(&mut world);
    world.pass(360);
    let bars: Vec<_> = [90.0, 101.0, 90.0, 102.0, 90.0, 90.0]
        .into_iter()
        .zip(0..)
        .map(|(close, minute)| flat(at(minute), close, 1.0))
        .collect();
    assert_eq!(world.bars(Interval::M1, &bars), SILENCE);
    good(&mut world);
    world.engine.bars(&btc(), Interval::M1, &[flat(at(6), 90.0, 0.0)], world.now);
    let fired = world.effects().fired;
    assert_eq!(fired.len(), 1);
    let notice = &fired[0].notice;
    assert_eq!((notice.is_late, notice.n_folded, notice.bar_time.unwrap().as_millis()), (true, 1, at(1)));
    assert_eq!(notice.title, "sma(1) of BTCUSD on 1m bars rose to 101 (and once more) (late)");
}

#[test]
fn what_was_missed_is_said_once_a_rule() {
    let rules = vec![
        rises_to("met", "100"),
        rises_to("far", "200"),
        rule(
            "once",
            json!([{"kind": "price_crosses", "direction": "down", "level": "80"}]),
            json!({"frequency": {"kind": "once"}}),
        ),
    ];
    let mut world = World::new(rules);
    world.trade(99);
    let mut world = world.restarted(alerts::engine::Budget::default());
    world.pass(600);
    let at = |minute: i64| BEGIN_MS + minute * 60_000;
    let missed = [
        bar(at(0), [99.0, 103.0, 98.0, 99.0], 1.0),
        bar(at(1), [99.0, 105.5, 79.5, 98.0], 1.0),
        bar(at(2), [98.0, 98.0, 98.0, 98.0], 1.0),
    ];
    world.engine.missed(&btc(), Interval::M1, &missed, world.now);
    let fired = world.effects().fired;
    let said: Vec<_> =
        fired.iter().map(|fired| (fired.notice.title.as_str(), fired.notice.is_late, fired.notice.n_folded)).collect();
    assert_eq!(
        said,
        [("BTCUSD rose to 103 (and once more) (late)", true, 1), ("BTCUSD fell to 79.5 (late)", true, 0),]
    );
    // The moment is that of the bar, not of the restart.
    assert!(fired.iter().all(|fired| fired.notice.event_time.unwrap().as_millis() < at(2)));
    // The next price is no surprise.
    assert_eq!(world.trades(&[98, 99]), NONE);
    assert_eq!(world.trade(100), ["BTCUSD rose to 100"]);
    // The same bars again: nothing is armed on their account.
    world.engine.missed(&btc(), Interval::M1, &missed[..1], world.now);
    assert_eq!(world.take(), ["BTCUSD rose to 103 (late)"]);
}
