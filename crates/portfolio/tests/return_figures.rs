//! The statistics of seven equity curves against those of empyrical-reloaded and quantstats.
//!
//! `oracles/return_figures.json` is written by `oracles/return_figures.py`, which also says where a library's convention
//! differs; `cargo xtask oracles` computes it again. Not here: figures of round trips (`oracles/figures.py`).

#![allow(clippy::unwrap_used, reason = "a test may unwrap")]

use std::{collections::BTreeMap, time::Duration};

use model::{decimal::Notional, time::Timestamp, trading::account::Currency};
use portfolio::{
    conversion::Rates,
    standing::Day,
    statistics::{FigureValue, History, Statistics, curve::EquityPoint, figure::Figure},
};
use serde::Deserialize;

#[derive(Deserialize)]
struct Golden {
    libraries: BTreeMap<String, String>,
    series: Vec<Series>,
}

#[derive(Deserialize)]
struct Series {
    name: String,
    equity_cents: Vec<i64>,
    figures: BTreeMap<String, BTreeMap<String, f64>>,
}

/// The largest difference that is rounding: the libraries differ by as much from one another.
const TOLERANCE: f64 = 1e-11;

fn statistics(series: &Series) -> BTreeMap<&'static str, FigureValue> {
    let begin = Timestamp::from_millis(1_767_225_600_000);
    let day = |number: usize| begin + Duration::from_secs(86_400 * number as u64);
    let equity = |cents: &i64| Notional::from_mantissa((*cents).into(), 2).unwrap();
    let (first, later) = series.equity_cents.split_first().unwrap();
    let days: Vec<Day> =
        (1..).zip(later).map(|(number, cents)| Day { day_start: day(number), equity: equity(cents) }).collect();
    let history = History {
        currency: &Currency::new("USD"),
        start: EquityPoint { time: begin, equity: equity(first) },
        days: &days,
        round_trips: &[],
        rates: &Rates::default(),
        open_spans: &[],
        traded: None,
        now: day(series.equity_cents.len()),
    };
    Statistics::of(&history).figures().into_iter().map(|(info, value)| (info.key, value)).collect()
}

#[test]
fn two_libraries_give_the_same_statistics() {
    let golden: Golden = serde_json::from_str(include_str!("../../../oracles/return_figures.json")).unwrap();
    let (mut n_values, mut largest) = (0, 0.0_f64);
    for series in &golden.series {
        let own = statistics(series);
        for (key, by_library) in &series.figures {
            let FigureValue::Number(Figure::Known(own)) = &own[key.as_str()] else {
                panic!("{}: {key} has no value", series.name)
            };
            for (library, theirs) in by_library {
                let difference = (own - theirs).abs() / theirs.abs().max(1e-3);
                assert!(difference < TOLERANCE, "{}: {key} is {own}, by {library} {theirs}", series.name);
                largest = largest.max(difference);
                n_values += 1;
            }
        }
    }
    println!(
        "{n_values} values of {} curves equal those of {:?}; largest relative difference {largest:.1e}",
        golden.series.len(),
        golden.libraries
    );
    assert!(n_values > 200, "the golden file is cut");
}
