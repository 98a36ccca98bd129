//! Routing and timing of alerts: storms, quiet hours, muting, acknowledging.

use alerts::engine::Budget;
use model::alert::{notice::Severity, rule::AlertRule};
use serde_json::json;

use crate::support::{BEGIN_MS, NONE, SILENCE, World, rises_to, rule};

fn with_channels(rule: AlertRule, severity: Severity, channels: &[&str]) -> AlertRule {
    let channels = channels.iter().map(|name| model::alert::channel::ChannelId::parse(name).unwrap()).collect();
    AlertRule { severity, channels, ..rule }
}

#[test]
fn a_storm_is_counted_and_said_once_a_minute() {
    let mut world = World::with_budget(Budget { per_rule: 2, per_channel: u32::MAX }, vec![rises_to("a", "100")]);
    world.trade(99);
    let mut said = Vec::new();
    for _ in 0..40 {
        said.extend(world.trade(100));
        said.extend(world.trade(99));
        said.extend(world.pass(1));
    }
    assert_eq!(said, ["BTCUSD rose to 100"; 2]);
    let row = world.engine.row(&crate::support::id("a")).unwrap();
    assert_eq!((row.state.n_fired, row.state.n_suppressed), (40, 38));
    assert_eq!(world.pass(20), ["BTCUSD rose to 100 (+38 more in 60 s)"]);
    // Still a storm: folded from the first on, said after a minute.
    for _ in 0..10 {
        assert_eq!(world.trades(&[100, 99]), NONE);
    }
    assert_eq!(world.pass(60), ["BTCUSD rose to 100 (+10 more in 60 s)"]);
    // A minute of silence ends it.
    assert_eq!(world.pass(60), SILENCE);
    assert_eq!(world.trades(&[100, 99, 100, 99, 100]), [0, 2]);
}

#[test]
fn a_storm_survives_a_restart() {
    let budget = Budget { per_rule: 1, per_channel: u32::MAX };
    let mut world = World::with_budget(budget, vec![rises_to("a", "100")]);
    assert_eq!(world.trades(&[99, 100, 99, 100, 99, 100]), [1]);
    let mut world = world.restarted(budget);
    assert_eq!(world.pass(60), ["BTCUSD rose to 100 (+2 more in 60 s)"]);
}

#[test]
fn a_channel_beyond_its_budget_gets_a_summary() {
    let rules = (0..5)
        .map(|at| {
            let severity = if at == 4 { Severity::Critical } else { Severity::Info };
            with_channels(rises_to(&format!("r{at}"), &format!("10{at}")), severity, &["ops"])
        })
        .collect();
    let mut world = World::with_budget(Budget { per_rule: u32::MAX, per_channel: 2 }, rules);
    world.trade(1);
    world.trade(200);
    world.at("1");
    world.at("200");
    // Everything was shown; two went out.
    let fired = world.effects().fired;
    assert_eq!((fired.len(), fired.iter().filter(|fired| !fired.channels.is_empty()).count()), (5, 0));
    assert_eq!(world.engine.log().rows().count(), 10);
    let mut world = world.restarted(Budget { per_rule: u32::MAX, per_channel: 2 });
    let due = world.engine.deadline().unwrap();
    assert_eq!(due.as_millis(), BEGIN_MS + 60_000);
    world.now = due;
    world.engine.advance(due);
    let fired = world.effects().fired;
    assert_eq!(fired.len(), 1);
    assert!(fired[0].is_summary);
    assert_eq!(fired[0].channels[0].as_str(), "ops");
    assert_eq!((fired[0].notice.title.as_str(), fired[0].notice.n_folded), ("8 alerts more within 60 s", 8));
    assert_eq!(fired[0].notice.severity, Severity::Critical);
    assert_eq!(fired[0].notice.text.lines().count(), 8);
    assert_eq!(world.engine.log().rows().count(), 10);
}

#[test]
fn in_quiet_hours_deliveries_wait_and_the_page_shows_them() {
    let urgent =
        AlertRule { ignores_quiet_hours: true, ..with_channels(rises_to("urgent", "102"), Severity::Info, &["ops"]) };
    let rules = vec![
        with_channels(rises_to("info", "100"), Severity::Info, &["ops", "mail"]),
        with_channels(rises_to("critical", "101"), Severity::Critical, &["ops"]),
        urgent,
    ];
    let mut world = World::new(rules);
    // The clock begins at midnight UTC: 2 h 0 min in the zone.
    world.engine.set_zone_offset(120);
    let hours = json!({"from_minute": 22 * 60, "until_minute": 7 * 60, "time_zone": "Europe/Berlin"});
    world.ask(json!({"set_quiet_hours": {"quiet_hours": hours}})).unwrap();
    assert!(world.effects().has_memory_changed);
    world.trade(99);
    world.at("102");
    let went: Vec<_> =
        world.effects().fired.iter().map(|fired| (fired.notice.rule_id.clone(), fired.channels.len())).collect();
    assert_eq!(went, [("info".to_owned(), 0), ("critical".to_owned(), 1), ("urgent".to_owned(), 1)]);
    assert_eq!(world.pass(5 * 3_600 - 1), SILENCE);
    assert_eq!(world.pass(1), ["1 alert in quiet hours", "1 alert in quiet hours"]);
    world.at("99");
    world.at("100");
    assert_eq!(world.effects().fired[0].channels.len(), 2);
}

#[test]
fn muted_alerts_are_shown_without_a_sound_and_go_nowhere() {
    let rule = AlertRule { has_sound: true, ..with_channels(rises_to("a", "100"), Severity::Critical, &["ops"]) };
    let mut world = World::new(vec![rule]);
    let until = BEGIN_MS + 60_000;
    world.ask(json!({"mute_alerts": {"until": until * 1_000_000}})).unwrap();
    world.at("99");
    world.at("100");
    assert!(world.effects().fired[0].channels.is_empty());
    let newest = |world: &World| world.engine.log().rows().last().cloned().unwrap();
    assert!(!newest(&world).has_sound);
    world.pass(60);
    assert_eq!(world.engine.settings().muted, None);
    world.trade(99);
    world.at("100");
    assert_eq!(world.effects().fired[0].channels.len(), 1);
    assert!(newest(&world).has_sound);
}

#[test]
fn what_is_acknowledged_is_so_for_everybody() {
    let mut world = World::new(vec![rises_to("a", "100")]);
    world.trades(&[99, 100, 99, 100, 99, 100]);
    world.ask(json!({"acknowledge_alerts": {"notice_ids": [2], "up_to": 0}})).unwrap();
    let acknowledged: Vec<bool> = world.engine.log().rows().map(|row| row.acknowledged_time.is_some()).collect();
    assert_eq!(acknowledged, [true, false, true]);
    let effects = world.effects();
    assert_eq!(effects.alerts.iter().map(|row| row.notice.notice_id).collect::<Vec<_>>(), [0, 2]);
    let world = world.restarted(Budget::default());
    assert_eq!(world.engine.log().rows().filter(|row| row.acknowledged_time.is_some()).count(), 2);
}

#[test]
fn the_newest_thousand_alerts_are_kept() {
    let mut world = World::new(vec![rises_to("a", "100")]);
    for _ in 0..1_005 {
        world.at("99");
        world.at("100");
    }
    let effects = world.effects();
    assert_eq!(
        (effects.alerts.len(), effects.removed_alerts, effects.fired.len()),
        (1_000, vec![0, 1, 2, 3, 4], 1_005)
    );
}

#[test]
fn messages_are_filled() {
    // Its market is forgotten with the rule, but not before it is said.
    let message = "{symbol} at {value} of {price}: {what} ({level}, {severity}) {{{rule}}}";
    let conditions = json!([{"kind": "price_crosses", "direction": "up", "level": "100"}]);
    let mut world = World::new(vec![rule(
        "a",
        conditions,
        json!({"message": message, "name": "My {rule}", "frequency": {"kind": "once"}}),
    )]);
    world.trade(99);
    world.at("100.50");
    let notice = world.effects().fired.remove(0).notice;
    assert_eq!(notice.text, "BTCUSD at 100.50 of 100.50: BTCUSD rose to 100.50 (100.00, info) {My {rule}}");
    assert_eq!((notice.value.as_deref(), notice.level.as_deref()), (Some("100.50"), Some("100.00")));
}
