//! Measures 20 rules at a change of the forming bar, and at the end of a bar. The aim is 10 µs for all 20 at a change.
//!
//! The rules are those that a page offers first, with several lengths each, on 2,000 minutes of a random walk. Not here:
//! indicators alone (`indicators`), and the way of bars to the rules.
//!
//! ```text
//! cargo bench -p strategy --bench signals
//! ```
#![allow(clippy::unwrap_used, reason = "a failed measurement ends with its reason")]

use std::{hint::black_box, time::Instant};

use indicators::bar::Bar;
use model::{
    alert::{
        rule_id::RuleId,
        signal::{SignalRule, Timing},
    },
    candle::Interval,
    instrument::InstrumentId,
    time::Timestamp,
};
use strategy::signals::{SignalWatch, Top, evaluate};

const N_BARS: usize = 2_000;
/// Few in a run, so that some runs are not interrupted.
const N_TICKS: usize = 200;
const N_LIVE: usize = 100;
const ROUNDS: usize = 200;

fn rules(timing: Timing) -> Vec<SignalRule> {
    let mut conditions = Vec::new();
    for (short, long) in [(5, 20), (12, 26), (20, 50), (50, 200)] {
        conditions.extend([
            format!(r#"{{"cross":{{"fast":{{"indicator":"ema({short})"}},"slow":{{"indicator":"ema({long})"}}}}}}"#),
            format!(r#"{{"threshold":{{"of":{{"indicator":"rsi({short})"}},"level":70,"hysteresis":2}}}}"#),
            format!(r#"{{"breakout":{{"n_bars":{long}}}}}"#),
            format!(r#"{{"volume_burst":{{"n_bars":{long},"factor":3}}}}"#),
        ]);
    }
    conditions.extend(
        [
            r#"{"divergence":{"of":{"indicator":"rsi(14)"},"n_bars":60}}"#,
            r#"{"imbalance":{"level":0.6,"n_levels":5}}"#,
            r#"{"all":{"parts":[{"cross":{"fast":"price","slow":{"indicator":"ema(20)"}}},{"breakout":{"n_bars":20}}]}}"#,
            r#"{"weighted":{"threshold":0.6,"parts":[{"weight":2,"look_for":{"breakout":{"n_bars":20}}},{"weight":1,"look_for":{"cross":{"fast":"price","slow":{"indicator":"ema(20)"}}}}]}}"#,
        ]
        .map(str::to_owned),
    );
    let rule = |(idx, look_for): (usize, String)| SignalRule {
        rule_id: RuleId::parse(&format!("r{idx}")).unwrap(),
        version: 1,
        name: "R".to_owned(),
        instrument: InstrumentId::parse("demo:AAABBB").unwrap(),
        interval: Interval::M1,
        timing,
        look_for: serde_json::from_str(&look_for).unwrap(),
        is_paused: false,
    };
    conditions.into_iter().enumerate().map(rule).collect()
}

fn next(seed: &mut u64) -> u64 {
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    *seed
}

fn bars(n_bars: usize) -> Vec<Bar> {
    let (mut seed, mut price) = (0x2545_F491_4F6C_DD1D, 62_000.0);
    let one = |idx: usize| {
        let open = price;
        price += f64::from(u8::try_from(next(&mut seed) % 201).unwrap()) - 100.0;
        let (high, low) = (f64::max(open, price) + 10.0, f64::min(open, price) - 10.0);
        let volume = f64::from(u8::try_from(next(&mut seed) % 100).unwrap());
        let open_ms = i64::try_from(idx).unwrap() * 60_000;
        Bar { open_ms, open, high, low, close: price, volume, buy_volume: None, book: None }
    };
    (0..n_bars).map(one).collect()
}

/// Prints the fastest of several runs, in nanoseconds for each of `n` steps.
fn measure(what: &str, n: usize, mut run: impl FnMut() -> u128) {
    let fastest = (0..ROUNDS).map(|_| run()).min().unwrap();
    println!("{what:<60} {:>10} ns", fastest / u128::try_from(n).unwrap());
}

fn main() {
    let all = bars(N_BARS + N_LIVE);
    let (history, live) = all.split_at(N_BARS);
    let open = |timing: Timing| -> Vec<SignalWatch> {
        let mut watches: Vec<SignalWatch> = rules(timing).iter().map(|rule| SignalWatch::new(rule).unwrap()).collect();
        watches.iter_mut().for_each(|watch| watch.history(history));
        watches
    };
    let now = Timestamp::EPOCH;
    println!("{} rules, {N_BARS} bars of history, fastest of {ROUNDS} runs", rules(Timing::Tick).len());
    let mut watches = open(Timing::Tick);
    let forming = *history.last().unwrap();
    measure("a change of the forming bar, all rules", N_TICKS, || {
        let begin = Instant::now();
        for tick in 0..N_TICKS {
            let close = forming.close + f64::from(u8::try_from(tick % 7).unwrap()) - 3.0;
            let bar = Bar { close, high: forming.high.max(close), low: forming.low.min(close), ..forming };
            for watch in &mut watches {
                black_box(watch.on_bars(black_box(&[bar]), now));
            }
        }
        begin.elapsed().as_nanos()
    });
    measure("a change of the book, all rules", N_TICKS, || {
        let begin = Instant::now();
        for tick in 0..N_TICKS {
            let size = f64::from(u8::try_from(tick % 5).unwrap());
            let top = Top { bid: 62_000.0, ask: 62_001.0, bid_sizes: &[size; 5], ask_sizes: &[2.0; 5] };
            for watch in &mut watches {
                black_box(watch.on_top(black_box(&top), now));
            }
        }
        begin.elapsed().as_nanos()
    });
    for timing in [Timing::Tick, Timing::BarClose] {
        measure(&format!("a new bar, all rules, {timing:?}"), live.len(), || {
            let mut watches = open(timing);
            let begin = Instant::now();
            for bar in live {
                for watch in &mut watches {
                    black_box(watch.on_bars(black_box(std::slice::from_ref(bar)), now));
                }
            }
            begin.elapsed().as_nanos()
        });
    }
    measure("a bar of a dry run, all rules", all.len(), || {
        let rules = rules(Timing::BarClose);
        let begin = Instant::now();
        for rule in &rules {
            black_box(evaluate(rule, black_box(&all)).unwrap());
        }
        begin.elapsed().as_nanos()
    });
}
