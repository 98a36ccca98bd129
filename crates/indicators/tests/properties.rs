//! Properties of every indicator: streaming equals batch, a look equals the update, a checkpoint
//! continues, odd bars do no harm, a late bar gives what its place would have given. All bit for
//! bit.

#![allow(clippy::unwrap_used, reason = "a test may unwrap")]

use indicators::{
    bar::{Bar, BookFigures},
    fingerprint,
    indicator::{Checkpoint, Indicator},
    registry::definitions,
    series::IndicatorSeries,
    spec::Spec,
    values::Values,
};
use model::candle::Interval;
use proptest::prelude::*;

/// All indicators: with their defaults, with the smallest parameters, and in chains.
fn specs() -> Vec<Spec> {
    let mut texts: Vec<String> = definitions().iter().map(|definition| definition.name.to_owned()).collect();
    for definition in definitions() {
        let smallest = definition.parameters.iter().map(|parameter| parameter.min.to_string()).collect::<Vec<_>>();
        texts.push(format!("{}({})", definition.name, smallest.join(",")));
    }
    let chains = [
        "sma(9,source=rsi(5))",
        "ema(4,source=macd(3,6,2).signal)",
        "bb(5,2,source=volume)",
        "sma(3,source=vwma(3,source=hl2))",
        "linreg(4,source=stddev(5,source=obv))",
        "ema(3,interval=5m)",
        "ema(3,interval=5m,forming=1)",
        "ichimoku(2,3,4,2,interval=15m,forming=1)",
        "cvd(interval=5m)",
        "ofi(3,interval=5m)",
    ];
    texts.extend(chains.map(str::to_owned));
    // The smallest fast and slow lengths of some are equal, which is not allowed.
    texts.iter().filter_map(|text| Spec::parse(text).ok()).collect()
}

fn stream(spec: &Spec, bars: &[Bar]) -> Vec<Values> {
    let mut indicator = Indicator::new(spec, Interval::M1);
    bars.iter().map(|bar| indicator.update(bar)).collect()
}

/// A price: mostly near a level, sometimes odd.
fn price() -> impl Strategy<Value = f64> {
    prop_oneof![
        20 => (9_000_i32..11_000).prop_map(|ticks| f64::from(ticks) / 100.0),
        2 => Just(100.0),
        1 => prop_oneof![
            Just(0.0), Just(-0.0), Just(-5.0), Just(f64::NAN), Just(f64::INFINITY), Just(f64::NEG_INFINITY), Just(1e300),
            Just(-1e300), Just(1e100), Just(1e-300), Just(f64::MIN_POSITIVE), Just(f64::MAX),
        ],
    ]
}

prop_compose! {
    fn bar()(
        prices in [price(), price(), price(), price()],
        volume in prop_oneof![9 => 0_i32..100_000, 1 => Just(0)].prop_map(|units| f64::from(units) / 1_000.0),
        odd_volume in prop_oneof![30 => Just(None), 1 => price().prop_map(Some)],
        bought in prop_oneof![9 => (0.0..1.0).prop_map(Some), 1 => Just(None)],
        book in prop_oneof![9 => (price(), -1.0..1.0, price()).prop_map(Some), 1 => Just(None)],
        n_missing in prop_oneof![9 => Just(0_i64), 1 => 0_i64..100],
    ) -> (Bar, i64) {
        let [open, high, low, close] = prices;
        let volume = odd_volume.unwrap_or(volume);
        let book = book.map(|(microprice, imbalance, flow)| BookFigures { imbalance, microprice, flow });
        let buy_volume = bought.map(|share: f64| share * volume);
        (Bar { open_ms: 0, open, high, low, close, volume, buy_volume, book }, n_missing)
    }
}

/// Bars of a minute with gaps.
fn bars(n: usize) -> impl Strategy<Value = Vec<Bar>> {
    prop::collection::vec(bar(), 0..n).prop_map(|rows| {
        let mut minute = 28_000_000;
        let place = |(bar, n_missing): (Bar, i64)| {
            minute += 1 + n_missing;
            Bar { open_ms: minute * 60_000, ..bar }
        };
        rows.into_iter().map(place).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn streaming_equals_batch_and_a_look_equals_the_update(bars in bars(120)) {
        for spec in specs() {
            let (_, batch) = Indicator::open(&spec, Interval::M1, &bars);
            let mut indicator = Indicator::new(&spec, Interval::M1);
            for (idx, bar) in bars.iter().enumerate() {
                let look = indicator.peek(bar);
                let row = indicator.update(bar);
                prop_assert_eq!(look, row, "look of {} at {}", spec, idx);
                prop_assert_eq!(row, batch[idx], "batch of {} at {}", spec, idx);
            }
        }
    }

    #[test]
    fn a_history_may_come_in_pieces(bars in bars(90), n in 1_usize..40) {
        for spec in specs() {
            let (mut indicator, mut rows) = (Indicator::new(&spec, Interval::M1), Vec::new());
            for piece in bars.chunks(n) {
                indicator.extend(piece, &mut rows);
            }
            prop_assert_eq!(&rows, &stream(&spec, &bars), "{} by {}", spec, n);
        }
    }

    #[test]
    fn a_checkpoint_continues(bars in bars(90), share in 0.0..1.0) {
        let at = (share * bars.len() as f64) as usize;
        for spec in specs() {
            let (before, _) = Indicator::open(&spec, Interval::M1, &bars[..at]);
            let text = serde_json::to_string(&before.checkpoint()).unwrap();
            let checkpoint: Checkpoint = serde_json::from_str(&text).unwrap();
            let mut after = Indicator::restore(&spec, Interval::M1, &checkpoint).unwrap();
            prop_assert_eq!(&after.checkpoint(), &checkpoint);
            let rows: Vec<Values> = bars[at..].iter().map(|bar| after.update(bar)).collect();
            prop_assert_eq!(&rows, &stream(&spec, &bars)[at..], "{}", spec);
        }
    }

    #[test]
    fn odd_bars_do_no_lasting_harm(odd in bars(60)) {
        // Whatever came before, an indicator that forgets has the same values after enough good bars.
        let last = odd.last().map_or(0, |bar| bar.open_ms);
        let good = fingerprint::bars(1_200);
        for spec in specs().iter().filter(|spec| spec.convergence() < 1_000 && spec.interval().is_none()) {
            let later = |bar: &Bar| Bar { open_ms: last + bar.open_ms, ..*bar };
            let all: Vec<Bar> = odd.iter().copied().chain(good.iter().map(later)).collect();
            let found = stream(spec, &all)[all.len() - 1];
            let expected = stream(spec, &good)[good.len() - 1];
            for (found, expected) in found.iter().zip(expected.iter()) {
                prop_assert_eq!(found.is_some(), expected.is_some(), "{}", spec);
            }
        }
    }

    #[test]
    fn late_and_corrected_bars_give_what_their_place_would_have(
        bars in bars(400),
        changes in prop::collection::vec((0.0..1.0_f64, bar()), 1..6),
        capacity in prop_oneof![1_usize..20, 100_usize..1_000],
        missing in 0.0..1.0_f64,
    ) {
        for spec in ["ema(5)", "psar", "bb(7)", "adx(3)", "sma(3,interval=5m,forming=1)", "cvd"] {
            let spec = Spec::parse(spec).unwrap();
            let mut series = IndicatorSeries::new(&spec, Interval::M1, capacity);
            let mut known = bars.clone();
            // One bar comes late.
            let late = if known.is_empty() { None } else {
                Some(known.remove((missing * known.len() as f64) as usize))
            };
            for some in known.chunks(7) {
                series.set(some);
            }
            if let Some(late) = late
                && known.len() < capacity
            {
                series.set(&[late]);
                known = bars.clone();
            }
            for (share, (changed, _)) in &changes {
                let first_kept = known.len().saturating_sub(capacity);
                let idx = first_kept + (share * (known.len() - first_kept) as f64) as usize;
                let Some(bar) = known.get_mut(idx) else { continue };
                let changed = Bar { open_ms: bar.open_ms, ..*changed };
                let before = series.rows().to_vec();
                let first_changed = series.set(&[changed]);
                *bar = changed;
                if let Some(first_changed) = first_changed {
                    prop_assert_eq!(&series.rows()[..first_changed], &before[..first_changed]);
                    prop_assert_eq!(series.rows()[first_changed].0, changed.open_ms);
                }
            }
            let expected: Vec<(i64, Values)> =
                known.iter().zip(stream(&spec, &known)).map(|(bar, row)| (bar.open_ms, row)).collect();
            let n_hidden = expected.len().saturating_sub(capacity);
            prop_assert_eq!(series.rows(), &expected[n_hidden..], "{}", spec);
        }
    }

    #[test]
    fn any_text_is_an_indicator_or_an_error(
        text in prop_oneof!["\\PC{0,60}", "[a-z0-9(),=.: -]{0,130}", "(SMA|rsi|Macd|bb) ?[(]([1-9]|2[0-9])?(, ?source ?= ?(hl2|rsi))?[)]?"],
    ) {
        match Spec::parse(&text) {
            Ok(spec) => {
                let canonical = spec.to_string();
                prop_assert!(canonical.len() <= 120 && !canonical.contains([':', ' ']));
                prop_assert_eq!(Spec::parse(&canonical).unwrap(), spec);
            }
            Err(error) => prop_assert!(!error.to_string().is_empty()),
        }
        let _either = Spec::parse_output(&text);
    }

    #[test]
    fn damaged_checkpoints_are_refused_or_harmless(
        bars in bars(40),
        at in any::<prop::sample::Index>(),
        with in any::<u8>(),
    ) {
        for spec in specs() {
            let (indicator, _) = Indicator::open(&spec, Interval::M1, &bars);
            let mut json = serde_json::to_value(indicator.checkpoint()).unwrap();
            let mut state = json["state"].as_str().unwrap().as_bytes().to_vec();
            if state.is_empty() {
                continue;
            }
            let at = at.index(state.len());
            state[at] = b"0123456789abcdef"[usize::from(with % 16)];
            json["state"] = String::from_utf8(state).unwrap().into();
            let checkpoint: Checkpoint = serde_json::from_value(json).unwrap();
            if let Ok(mut restored) = Indicator::restore(&spec, Interval::M1, &checkpoint) {
                for bar in &bars {
                    restored.update(bar);
                }
            }
        }
    }
}

#[test]
fn values_start_after_the_lookback() {
    let bars = fingerprint::bars(fingerprint::N_BARS);
    for spec in specs().iter().filter(|spec| spec.interval().is_none()) {
        let (n_outputs, lookback) = (spec.definition().outputs.len(), spec.lookback());
        let rows = stream(spec, &bars);
        let is_whole = |idx: usize| (0..n_outputs).all(|output| rows[idx].get(output).is_some());
        assert!(is_whole(lookback), "{spec}");
        assert!(lookback == 0 || !is_whole(lookback - 1), "{spec}");
        assert!((lookback..rows.len()).all(is_whole), "{spec}: values end");
    }
}

#[test]
fn histories_are_forgotten_after_the_convergence() {
    let bars = fingerprint::bars(8_000);
    for spec in specs().iter().filter(|spec| spec.interval().is_none() && spec.convergence() < 7_000) {
        let whole = stream(spec, &bars);
        let start = 500;
        let part = stream(spec, &bars[start..]);
        for output in 0..spec.definition().outputs.len() {
            let of = |rows: &[Values]| rows.iter().filter_map(|row| row.get(output)).collect::<Vec<_>>();
            let largest = of(&whole).iter().fold(0.0_f64, |largest, value| largest.max(value.abs()));
            for idx in spec.convergence()..part.len() {
                let (one, other) = (part[idx].get(output).unwrap(), whole[start + idx].get(output).unwrap());
                // Relative to the value's scale: some cross zero.
                assert!((one - other).abs() <= 1e-6 * largest, "{spec} at {idx}: {one}, {other}");
            }
        }
    }
}

#[test]
fn a_higher_interval_does_not_look_ahead() {
    let bars = fingerprint::bars(600);
    let hours: Vec<Bar> = bars.chunks(60).map(joined).collect();
    let closed = Spec::parse("ema(3,interval=1h)").unwrap();
    let forming = Spec::parse("ema(3,interval=1h,forming=1)").unwrap();
    let (closed, forming) = (stream(&closed, &bars), stream(&forming, &bars));
    let plain = Spec::parse("ema(3)").unwrap();
    let of_hours = stream(&plain, &hours);
    for (idx, row) in closed.iter().enumerate() {
        // The hours that had closed when the minute began.
        let expected = (idx / 60).checked_sub(1).map_or(Values::NONE, |hour| of_hours[hour]);
        assert_eq!(*row, expected, "minute {idx}");
        let mut so_far: Vec<Bar> = hours[..idx / 60].to_vec();
        so_far.push(joined(&bars[idx / 60 * 60..=idx]));
        assert_eq!(forming[idx], *stream(&plain, &so_far).last().unwrap(), "minute {idx}, forming");
    }
    // Later bars change nothing.
    let spec = Spec::parse("rsi(3,interval=15m)").unwrap();
    assert_eq!(stream(&spec, &bars[..200]), stream(&spec, &bars)[..200]);
}

fn joined(bars: &[Bar]) -> Bar {
    Bar {
        open_ms: bars[0].open_ms,
        open: bars[0].open,
        high: bars.iter().map(|bar| bar.high).fold(f64::MIN, f64::max),
        low: bars.iter().map(|bar| bar.low).fold(f64::MAX, f64::min),
        close: bars[bars.len() - 1].close,
        volume: bars.iter().map(|bar| bar.volume).sum(),
        buy_volume: None,
        book: None,
    }
}

#[test]
fn a_checkpoint_of_another_indicator_is_refused() {
    let spec = |text: &str| Spec::parse(text).unwrap();
    let checkpoint = Indicator::new(&spec("rsi(14)"), Interval::M1).checkpoint();
    let refusal = |spec: &Spec, interval| Indicator::restore(spec, interval, &checkpoint).unwrap_err().to_string();
    assert_eq!(
        refusal(&spec("rsi(15)"), Interval::M1),
        "the checkpoint is of rsi(14) on 1m, not of rsi(15) on 1m; compute the indicator from its bars"
    );
    assert_eq!(
        refusal(&spec("rsi(14)"), Interval::M5),
        "the checkpoint is of rsi(14) on 1m, not of rsi(14) on 5m; compute the indicator from its bars"
    );
}
