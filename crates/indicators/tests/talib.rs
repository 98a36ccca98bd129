//! Every indicator that TA-Lib has, too, against TA-Lib itself on a made series.
//!
//! `oracles/indicators.json` holds TA-Lib's values; `oracles/indicators.py` writes it, and `cargo xtask oracles` does so
//! again. Not here: tables of other programs (`reference_tables.rs`).

#![allow(clippy::unwrap_used, reason = "a test may unwrap")]

use std::collections::BTreeMap;

use indicators::{
    bar::Bar,
    fingerprint::{N_BARS, bars},
    indicator::Indicator,
    spec::Spec,
};
use model::candle::Interval;
use serde::Deserialize;

#[derive(Deserialize)]
struct Golden {
    library: String,
    close: Column,
    columns: BTreeMap<String, Column>,
    flat: BTreeMap<String, Option<f64>>,
    stride: usize,
}

#[derive(Deserialize)]
struct Column {
    first: usize,
    values: Vec<f64>,
}

fn golden() -> Golden {
    serde_json::from_str(include_str!("../../../oracles/indicators.json")).unwrap()
}

/// Returns the values of `spec` or `spec.output`.
fn values(column: &str, bars: &[Bar]) -> Vec<Option<f64>> {
    let (spec, output) = Spec::parse_output(column).unwrap();
    assert_eq!(spec.column(output), column, "the file has canonical names");
    Indicator::open(&spec, Interval::M1, bars).1.iter().map(|row| row.get(output)).collect()
}

/// Returns the relative distance; beside less than a millionth of the column's largest value it is relative to that.
fn distance(a: f64, b: f64, largest: f64) -> f64 {
    if a == b { 0.0 } else { (a - b).abs() / a.abs().max(b.abs()).max(1e-6 * largest) }
}

#[test]
fn values_are_those_of_talib() {
    let (golden, bars) = (golden(), bars(N_BARS));
    let closes = (golden.close.first..).step_by(golden.stride).zip(&golden.close.values);
    assert!(closes.clone().all(|(idx, close)| bars[idx].close == *close), "both made the same series");
    let (mut n_values, mut worst) = (0, (0.0, String::new()));
    for (name, column) in &golden.columns {
        let found = values(name, &bars);
        let first = found.iter().position(Option::is_some);
        // TA-Lib starts the outputs of one function at the same bar; ours start when they can.
        let is_alone = Spec::parse(name).is_ok();
        let is_same = first.is_some_and(|first| first == column.first || (!is_alone && first < column.first));
        assert!(is_same, "first value of {name} at {first:?}, TA-Lib's at {}", column.first);
        let largest = column.values.iter().fold(0.0_f64, |largest, value| largest.max(value.abs()));
        for (idx, expected) in (column.first..N_BARS).step_by(golden.stride).zip(&column.values) {
            let distance = distance(found[idx].unwrap(), *expected, largest);
            assert!(distance <= 1e-9, "{name} at {idx}: {:?}, TA-Lib {expected}", found[idx]);
            n_values += 1;
            if distance > worst.0 {
                worst = (distance, format!("{name} at {idx}"));
            }
        }
        assert_eq!((column.first..N_BARS).step_by(golden.stride).count(), column.values.len());
    }
    println!("{}: {n_values} values of {} columns, worst {worst:?}", golden.library, golden.columns.len());
}

#[test]
fn divisions_by_zero_are_those_of_talib() {
    let golden = golden();
    let flat = |idx: i64| Bar {
        open_ms: idx * 60_000,
        open: 100.0,
        high: 100.0,
        low: 100.0,
        close: 100.0,
        volume: 3.0,
        buy_volume: None,
        book: None,
    };
    let bars: Vec<Bar> = (0..120).map(flat).collect();
    for (name, expected) in &golden.flat {
        let found = *values(name, &bars).last().unwrap();
        let is_same = found.zip(*expected).is_some_and(|(found, expected)| (found - expected).abs() <= 1e-12 * 100.0);
        assert!(is_same || (found.is_none() && expected.is_none()), "{name}: {found:?}, TA-Lib {expected:?}");
    }
}
