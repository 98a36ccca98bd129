//! Many levels of one instrument: the index fires what a scan of all of them fires.

use model::alert::rule::AlertRule;
use proptest::prelude::*;
use serde_json::json;

use crate::support::{World, rule};

/// A level as a scan sees it.
#[derive(Clone, Copy, Debug)]
struct Scanned {
    level: i64,
    is_up: bool,
    hysteresis: i64,
    armed: Option<bool>,
}

impl Scanned {
    fn fires(&mut self, value: i64) -> bool {
        let (met, left) = if self.is_up {
            (value >= self.level, value < self.level - self.hysteresis)
        } else {
            (value <= self.level, value > self.level + self.hysteresis)
        };
        let was_armed = self.armed;
        self.armed = Some(!met && (left || was_armed.unwrap_or(true)));
        met && was_armed == Some(true)
    }
}

fn rules(levels: &[Scanned]) -> Vec<AlertRule> {
    let of = |(at, scanned): (usize, &Scanned)| {
        let direction = if scanned.is_up { "up" } else { "down" };
        let (level, hysteresis) = (scanned.level.to_string(), scanned.hysteresis.to_string());
        let condition =
            json!([{"kind": "price_crosses", "direction": direction, "level": level, "hysteresis": hysteresis}]);
        // Equal levels are duplicates; another message is not enough, another wait is.
        rule(&format!("r{at}"), condition, json!({"frequency": {"kind": "every", "cool_down_s": at}}))
    };
    levels.iter().enumerate().map(of).collect()
}

#[track_caller]
fn check(mut levels: Vec<Scanned>, values: impl IntoIterator<Item = i64>) -> u64 {
    let mut world = World::new(Vec::new());
    for rule in rules(&levels) {
        let saved = world.engine.command(
            &model::alert::command::AlertCommand::SaveAlert(Box::new(model::alert::command::SaveAlert { rule })),
            None,
            world.now,
        );
        saved.unwrap().unwrap();
    }
    world.engine.take_effects();
    let mut n_fires = 0;
    for value in values {
        // Longer than every cool-down.
        world.now = world.now + std::time::Duration::from_secs(20_000);
        world.engine.trade(&crate::support::btc(), crate::support::whole(value), world.now, world.now);
        let mut fired: Vec<String> = world.effects().fired.into_iter().map(|fired| fired.notice.rule_id).collect();
        let mut expected: Vec<String> = Vec::new();
        for (at, scanned) in levels.iter_mut().enumerate() {
            if scanned.fires(value) {
                expected.push(format!("r{at}"));
            }
        }
        fired.sort_unstable();
        expected.sort_unstable();
        assert_eq!(fired, expected, "{value}");
        n_fires += expected.len() as u64;
    }
    n_fires
}

proptest! {
    #[test]
    fn the_index_fires_what_a_scan_fires(
        levels in prop::collection::vec((-15_i64..15, any::<bool>(), 0_i64..4), 1..60),
        values in prop::collection::vec(-20_i64..20, 1..40),
    ) {
        let levels = levels.into_iter().map(|(level, is_up, hysteresis)| Scanned { level, is_up, hysteresis, armed: None });
        check(levels.collect(), values);
    }
}

#[test]
fn ten_thousand_levels_fire_as_a_scan_does() {
    let mut seed = 7_u64;
    let mut next = |below: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        i64::try_from((seed >> 33) % below).unwrap()
    };
    let levels: Vec<Scanned> = (0..10_000)
        .map(|_| Scanned { level: next(50_000), is_up: next(2) == 0, hysteresis: next(20), armed: None })
        .collect();
    let mut value = 25_000;
    let values: Vec<i64> = (0..300)
        .map(|_| {
            value += next(401) - 200;
            value
        })
        .collect();
    assert!(check(levels, values) > 1_000);
}

#[test]
fn an_alert_tells_when_its_trade_came() {
    let mut world = World::new(vec![crate::support::rises_to("up", "100")]);
    world.trade(99);
    let received = world.now + std::time::Duration::from_millis(7);
    world.now = received + std::time::Duration::from_millis(3);
    world.engine.set_received(Some(received));
    world.engine.trade(&crate::support::btc(), crate::support::whole(100), world.now, world.now);
    let fired = world.effects().fired;
    let times: Vec<_> = fired.iter().map(|fired| (fired.notice.receive_time, fired.notice.fired_time)).collect();
    assert_eq!(times, [(Some(received), world.now)]);
}
