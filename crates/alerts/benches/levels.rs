//! Price levels of one instrument: nanoseconds a trade with 1, 100 and 10,000 of them, beside a scan of all levels over the
//! same trades in the same run. The figures are medians over blocks of 64 trades, so that other work of the machine does
//! not count; alerts that fire do. `cargo bench -p alerts --bench levels`

#![allow(clippy::unwrap_used, reason = "a bench may unwrap")]

use std::{
    collections::BTreeMap,
    hint::black_box,
    time::{Duration, Instant},
};

use alerts::{
    engine::{Budget, Engine},
    memory::EngineMemory,
};
use model::{alert::rule::AlertRule, decimal::Price, instrument::InstrumentId, time::Timestamp};
use strategy::detect::level::{Approach, LevelLatch};

const BLOCK: usize = 64;
const N_TRADES: i64 = 100_000;
/// In hundredths.
const START: i64 = 6_200_000;

fn main() {
    println!("levels  trades  fired   index ns/trade  scan ns/trade  ns per fired alert");
    for n_levels in [1, 100, 10_000] {
        let prices = prices();
        let levels: Vec<(i64, Approach)> = levels(n_levels);
        let (n_fired, index_ns, fired_ns) = with_index(&levels, &prices);
        let (n_scanned, scan_ns) = with_scan(&levels, &prices);
        assert_eq!(n_fired, n_scanned, "index and scan differ");
        println!("{n_levels:>6}  {N_TRADES:>6}  {n_fired:>6}  {index_ns:>14.1}  {scan_ns:>13.1}  {fired_ns:>18.1}");
    }
}

fn with_index(levels: &[(i64, Approach)], prices: &[Price]) -> (usize, f64, f64) {
    let instrument = InstrumentId::parse("demo:BTCUSD").unwrap();
    let rules = levels.iter().enumerate().map(|(at, level)| rule(at, *level, &instrument)).collect();
    let budget = Budget { per_rule: u32::MAX, per_channel: u32::MAX };
    let now = Timestamp::from_millis(1_700_000_000_000);
    let mut engine = Engine::new(budget, rules, BTreeMap::new(), EngineMemory::default(), Vec::new(), now);
    engine.trade(&instrument, prices[0], now, now);
    engine.take_effects();
    let (mut n_fired, mut time) = (0, now);
    let (mut quiet, mut firing) = (Vec::new(), Vec::new());
    for block in prices[1..].chunks_exact(BLOCK) {
        let begin = Instant::now();
        for &price in block {
            time = time + Duration::from_millis(1);
            engine.trade(black_box(&instrument), black_box(price), time, time);
        }
        let spent = nanos(begin);
        // The caller of the engine writes fired alerts to disk; that is not the engine's own time.
        let n = engine.take_effects().fired.len();
        n_fired += n;
        if n == 0 { quiet.push(spent / BLOCK as f64) } else { firing.push((spent, n)) }
    }
    let all = quiet.iter().copied().chain(firing.iter().map(|(spent, _)| spent / BLOCK as f64)).collect();
    let quiet = median(quiet);
    let excess = firing.iter().map(|&(spent, n)| (spent - quiet * BLOCK as f64) / n as f64).collect();
    (n_fired, median(all), median(excess))
}

fn with_scan(levels: &[(i64, Approach)], prices: &[Price]) -> (usize, f64) {
    let mut latches: Vec<(Price, Approach, LevelLatch)> =
        levels.iter().map(|(level, approach)| (price(*level), *approach, LevelLatch::default())).collect();
    for (level, approach, latch) in &mut latches {
        latch.begin(*approach, prices[0], *level);
    }
    let (mut n_fired, mut blocks) = (0, Vec::new());
    for block in prices[1..].chunks_exact(BLOCK) {
        let begin = Instant::now();
        for &price in block {
            for (level, approach, latch) in &mut latches {
                n_fired += usize::from(latch.step(*approach, black_box(price), *level, *level));
            }
        }
        blocks.push(nanos(begin) / BLOCK as f64);
    }
    (n_fired, median(blocks))
}

fn nanos(begin: Instant) -> f64 {
    begin.elapsed().as_secs_f64() * 1e9
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// A random walk of one hundredth to five a step, as trades of a busy second are.
fn prices() -> Vec<Price> {
    let (mut seed, mut value) = (42_u64, START);
    (0..N_TRADES)
        .map(|_| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            value += i64::try_from((seed >> 33) % 11).unwrap() - 5;
            price(value)
        })
        .collect()
}

/// Levels a cent to some thousand away, on both sides.
fn levels(n: usize) -> Vec<(i64, Approach)> {
    let step = 400_000 / i64::try_from(n).unwrap();
    (0..i64::try_from(n).unwrap())
        .map(|at| {
            let level = START - 200_000 + at * step + 1;
            (level, if level > START { Approach::Up } else { Approach::Down })
        })
        .collect()
}

fn price(hundredths: i64) -> Price {
    Price::from_mantissa(hundredths.into(), 2).unwrap()
}

fn rule(at: usize, (level, approach): (i64, Approach), instrument: &InstrumentId) -> AlertRule {
    let (level, direction) = (price(level), if approach == Approach::Up { "up" } else { "down" });
    let text = format!(
        r#"{{"rule_id":"r{at}","version":1,"name":"Level {at}","instrument":"{instrument}","frequency":{{"kind":"every","cool_down_s":0}},
        "conditions":[{{"kind":"price_crosses","direction":"{direction}","level":"{level}"}}]}}"#
    );
    serde_json::from_str(&text).unwrap()
}
