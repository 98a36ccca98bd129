//! Commands, and what is refused.

use model::{
    alert::{
        command::AlertReply,
        rule::{AlertRule, RuleStatus},
    },
    trading::refusal::DenyCode,
};
use serde_json::{Value, json};

use crate::support::{World, id, price, rises_to, rule};

#[test]
fn rules_that_make_no_sense_are_refused_with_a_remedy() {
    let up = json!({"kind": "price_crosses", "direction": "up", "level": "100"});
    let filled = json!({"kind": "order", "event": "filled"});
    let rsi = json!({"kind": "indicator_level", "interval": "5m", "spec": "rsi(14)", "direction": "up", "level": 70.0});
    let cases: &[(Value, Value, &str)] = &[
        (json!([]), json!({}), "the rule has no condition; add one"),
        (json!([up, up]), json!({}), "condition 2 is the same as one before it; remove it"),
        (json!([up]), json!({"name": " "}), "the name \" \" is not 1 to 80 characters in one line"),
        (json!([up]), json!({"instrument": null}), "\"Price crosses a level\" needs an instrument; name one"),
        (
            json!([{"kind": "recording", "event": "failed"}]),
            json!({}),
            "\"Recording ends\" is about no instrument; leave demo:BTCUSD out",
        ),
        (
            json!([{"kind": "channel", "event": "inside", "low": "2", "high": "2.0"}]),
            json!({}),
            "the lower edge 2 is not below the upper edge 2.0; exchange them",
        ),
        (
            json!([{"kind": "price_above", "level": "2", "hysteresis": "-1"}]),
            json!({}),
            "the hysteresis -1 is below zero; use zero or more",
        ),
        (
            json!([{"kind": "price_move", "direction": "up", "by": {"percent": "0"}, "window_s": 60}]),
            json!({}),
            "a move of 0% is none; use a number above zero",
        ),
        (
            json!([{"kind": "price_move", "direction": "up", "by": {"percent": "1"}, "window_s": 0}]),
            json!({}),
            "\"Within\" of \"Price moves\" is 0; use 1 to 86400",
        ),
        (
            json!([{"kind": "volume_burst", "interval": "1m", "n_bars": 20, "factor": 0.5}]),
            json!({}),
            "\"Multiple\" of \"Volume burst\" is 0.5; use 1 to 1000",
        ),
        (
            json!([{"kind": "indicator_cross", "interval": "1m", "fast": "EMA(12)", "slow": "ema( 12 )", "direction": "up"}]),
            json!({}),
            "EMA(12) never crosses itself; choose another indicator",
        ),
        (json!([{"kind": "position", "event": "above"}]), json!({}), "the size of the position is missing; give one"),
        (
            json!([{"kind": "disk", "event": "free_below"}]),
            json!({"instrument": null}),
            "the bytes that have to be free are missing; give them",
        ),
        (
            json!([filled, {"kind": "fill"}]),
            json!({}),
            "\"Order changes\" and \"Fill\" happen at one moment each and never together; join them with any",
        ),
        (
            json!([filled]),
            json!({"pending_for_s": 5}),
            "\"Order changes\" happens at one moment and cannot last 5 s; use 0",
        ),
        (
            json!([filled]),
            json!({"frequency": {"kind": "once_per_bar_close", "interval": "1m"}}),
            "\"Order changes\" has no bars; choose another frequency than the close of bars",
        ),
        (
            json!([rsi]),
            json!({"frequency": {"kind": "once_per_bar_close", "interval": "1m"}}),
            "the rule looks at closes of 1m bars, a condition at 5m bars; choose one",
        ),
        (json!([up]), json!({"expires": 1}), "the time of expiry has passed; choose a later one or none"),
        (
            json!([up]),
            json!({"channels": ["a", "b", "c", "d", "e", "f", "g", "h", "i"]}),
            "the rule names 9 channels; use at most 8",
        ),
    ];
    for (conditions, more, expected) in cases {
        let mut world = World::new(Vec::new());
        let refusal = world.save(rule("a", conditions.clone(), more.clone())).unwrap_err();
        assert_eq!((refusal.code, refusal.message.as_str()), (DenyCode::BadRule, *expected), "{conditions} {more}");
        assert!(world.effects().is_empty() || world.engine.rows().next().is_none());
    }
    let mut world = World::new(Vec::new());
    let spec =
        json!([{"kind": "indicator_level", "interval": "5m", "spec": "rsj(14)", "direction": "up", "level": 70.0}]);
    let refusal = world.save(rule("a", spec, json!({}))).unwrap_err();
    assert!(refusal.message.contains("rsj") && refusal.message.contains("rsi"), "{refusal}");
    let refusal = world.save(rule("a", json!([up]), json!({"message": "{valeu}"}))).unwrap_err();
    assert!(refusal.message.starts_with("the message: unknown placeholder {valeu}; known are {rule}"), "{refusal}");
}

#[test]
fn a_duplicate_is_refused_and_a_copy_is_paused() {
    let mut world = World::new(vec![rises_to("a", "100")]);
    let refusal = world.save(rises_to("b", "100.0")).unwrap_err();
    assert_eq!(refusal.code, DenyCode::DuplicateRule);
    assert_eq!(refusal.message, "\"a\" (a) looks for the same; change one of the two, or delete the other");
    // The rule itself is not its own duplicate.
    assert_eq!(world.save(rises_to("a", "100")).unwrap().row.rule.version, 2);

    let AlertReply::Rule(copy) = world.ask(json!({"clone_alert": {"rule_id": "a", "new_rule_id": "b"}})).unwrap()
    else {
        panic!("no rule");
    };
    assert_eq!((copy.row.rule.name.as_str(), copy.row.state.status), ("a (copy)", RuleStatus::Paused));
    assert_eq!(world.ask(json!({"resume_alert": {"rule_id": "b"}})).unwrap_err().code, DenyCode::DuplicateRule);
    let changed = AlertRule { conditions: rises_to("b", "101").conditions, ..copy.row.rule };
    world.save(changed).unwrap();
    assert_eq!(world.trades(&[99, 102]), [1]);
    assert_eq!(world.titles.len(), 2);
    let refusal = world.ask(json!({"clone_alert": {"rule_id": "a", "new_rule_id": "b"}})).unwrap_err();
    assert_eq!(refusal.message, "the name b is used already; choose another");
}

#[test]
fn a_change_begins_without_a_past_and_keeps_the_counts() {
    let mut world = World::new(vec![rises_to("a", "100")]);
    world.trades(&[99, 100]);
    let reply = world.engine.command(
        &serde_json::from_value(json!({"save_alert": {"rule": rises_to("a", "90")}})).unwrap(),
        Some(price("100")),
        world.now,
    );
    let AlertReply::Rule(reply) = reply.unwrap().unwrap() else { panic!("no rule") };
    assert_eq!(reply.warnings, ["the price 100 is already at or above 90; it has to fall below it first"]);
    assert_eq!((reply.row.state.n_fired, reply.row.sentence.as_str()), (1, "BTCUSD rises to 90"));
    assert_eq!(world.trades(&[100, 101, 89, 90]), [3]);
    let effects = world.effects();
    assert!(effects.fired.is_empty());
}

#[test]
fn effects_name_what_has_to_be_kept() {
    let mut world = World::new(Vec::new());
    world.save(rises_to("a", "100")).unwrap();
    let effects = world.effects();
    assert!(effects.saved.contains(&id("a")) && effects.changed.contains(&id("a")) && effects.have_needs_changed);
    world.at("99");
    assert!(world.effects().changed.contains(&id("a")), "it armed");
    world.at("98");
    assert!(world.effects().is_empty());
    world.ask(json!({"delete_alert": {"rule_id": "a"}})).unwrap();
    let effects = world.effects();
    assert!(effects.deleted.contains(&id("a")) && effects.changed.is_empty());
    assert_eq!(world.ask(json!({"pause_alert": {"rule_id": "a"}})).unwrap_err().code, DenyCode::UnknownRule);
    assert!(world.engine.needs().instruments.is_empty());
    // Its place is used again.
    world.save(rises_to("b", "100")).unwrap();
    assert_eq!(world.trades(&[99, 100]), [1]);
}

#[test]
fn needs_name_instruments_and_bars() {
    let cross = json!([{"kind": "indicator_cross", "interval": "15m", "fast": "ema(12)", "slow": "ema(26)", "direction": "up"}]);
    let world = World::new(vec![rises_to("a", "100"), rule("b", cross, json!({}))]);
    let needs = world.engine.needs();
    assert_eq!(needs.instruments.len(), 1);
    let (key, n_bars) = needs.bars.first_key_value().unwrap();
    assert_eq!(key.1, model::candle::Interval::M15);
    assert!(*n_bars > 26, "{n_bars}");
}

#[test]
fn commands_of_others_are_left_to_them() {
    let mut world = World::new(Vec::new());
    let command = serde_json::from_value(json!({"test_channel": {"channel_id": "ops"}})).unwrap();
    assert!(world.engine.command(&command, None, world.now).is_none());
    for (body, expected) in [
        (
            json!({"set_quiet_hours": {"quiet_hours": {"from_minute": 1440, "until_minute": 0}}}),
            "begin and end of quiet hours",
        ),
        (
            json!({"set_quiet_hours": {"quiet_hours": {"from_minute": 5, "until_minute": 5}}}),
            "quiet hours begin when they end",
        ),
        (json!({"mute_alerts": {"until": 1}}), "the end of the muting has passed"),
    ] {
        let refusal = world.ask(body).unwrap_err();
        assert!(refusal.message.starts_with(expected), "{refusal}");
    }
}
