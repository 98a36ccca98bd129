//! A restart goes on where the engine was, at every step.

use alerts::engine::Budget;
use model::alert::rule::AlertRule;
use proptest::prelude::*;
use serde_json::json;

use crate::support::{World, rule};

const FREE: Budget = Budget { per_rule: u32::MAX, per_channel: u32::MAX };

/// One rule of each kind that goes by the price, near 0.
fn rules(hysteresis: i64) -> Vec<AlertRule> {
    let every = json!({});
    vec![
        rule(
            "up",
            json!([{"kind": "price_crosses", "direction": "up", "level": "2", "hysteresis": hysteresis.to_string()}]),
            every.clone(),
        ),
        rule("either", json!([{"kind": "price_crosses", "direction": "either", "level": "-1"}]), every.clone()),
        rule(
            "once",
            json!([{"kind": "price_crosses", "direction": "down", "level": "-2"}]),
            json!({"frequency": {"kind": "once"}}),
        ),
        rule(
            "bar",
            json!([{"kind": "price_crosses", "direction": "up", "level": "1"}]),
            json!({"frequency": {"kind": "once_per_bar", "interval": "1m"}}),
        ),
        rule(
            "cool",
            json!([{"kind": "price_crosses", "direction": "up", "level": "1"}]),
            json!({"frequency": {"kind": "every", "cool_down_s": 20}}),
        ),
        rule(
            "above",
            json!([{"kind": "price_above", "level": "3"}]),
            json!({"frequency": {"kind": "once_per_minute"}}),
        ),
        rule("exiting", json!([{"kind": "channel", "event": "exiting", "low": "-2", "high": "2"}]), every.clone()),
        rule("outside", json!([{"kind": "channel", "event": "outside", "low": "-1", "high": "1"}]), every.clone()),
        rule(
            "pending",
            json!([{"kind": "price_below", "level": "0"}]),
            json!({"pending_for_s": 15, "frequency": {"kind": "every", "cool_down_s": 0}}),
        ),
        rule(
            "both",
            json!([{"kind": "price_crosses", "direction": "up", "level": "0"}, {"kind": "price_below", "level": "2"}]),
            json!({"join": "all"}),
        ),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn a_restart_at_every_step_fires_alike(
        steps in prop::collection::vec((-3_i64..=3, 0_u64..30), 1..60),
        hysteresis in 0_i64..3,
    ) {
        let mut straight = World::new(rules(hysteresis));
        let mut restarted = World::new(rules(hysteresis));
        let mut value = 0;
        for (step, seconds) in steps {
            value += step;
            let mut said = [straight.pass(seconds), restarted.pass(seconds)];
            said[0].extend(straight.trade(value));
            said[1].extend(restarted.trade(value));
            let [straight_said, restarted_said] = said.map(|titles| titles.iter().map(|title| plain(title).to_owned()).collect::<Vec<_>>());
            prop_assert_eq!(straight_said, restarted_said);
            restarted = restarted.restarted(FREE);
        }
        // So is what is shown.
        for row in straight.engine.rows() {
            let other = restarted.engine.row(&row.rule.rule_id).unwrap();
            prop_assert_eq!(row.state, other.state);
        }
    }
}

proptest! {
    #[test]
    fn a_random_walk_never_fires_twice_without_leaving(
        steps in prop::collection::vec(-3_i64..=3, 1..200),
        hysteresis in 0_i64..4,
    ) {
        let level = json!([{"kind": "price_crosses", "direction": "up", "level": "0", "hysteresis": hysteresis.to_string()}]);
        let mut world = World::new(vec![rule("a", level, json!({}))]);
        let (mut value, mut armed) = (0, None);
        for step in steps {
            value += step;
            let fires = !world.trade(value).is_empty();
            let was_armed = *armed.get_or_insert(value < 0);
            prop_assert_eq!(fires, was_armed && value >= 0, "{} {}", value, was_armed);
            armed = Some(if value >= 0 { false } else { was_armed || value < -hysteresis });
        }
    }
}

/// A title without the mark of what may have happened while the engine was down.
fn plain(title: &str) -> &str {
    title.trim_end_matches(" (late)")
}
