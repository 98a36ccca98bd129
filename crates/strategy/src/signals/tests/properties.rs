//! Properties of every rule, over random markets.

use std::collections::BTreeMap;

use indicators::bar::Bar;
use model::{
    alert::signal::{Signal, SignalKey, SignalState, Timing},
    time::Timestamp,
};
use proptest::prelude::*;

use crate::signals::{
    SignalWatch, evaluate,
    tests::{bar, rule, with_forming},
};

/// Rules that read nothing but bars.
const RULES: [&str; 9] = [
    r#"{"cross":{"fast":"price","slow":{"indicator":"ema(3)"}}}"#,
    r#"{"cross":{"fast":{"indicator":"sma(2)"},"slow":{"indicator":"sma(5)"},"meaning":"fade"}}"#,
    r#"{"threshold":{"of":{"indicator":"rsi(3)"},"level":60,"approach":"up","hysteresis":20}}"#,
    r#"{"breakout":{"n_bars":4}}"#,
    r#"{"divergence":{"of":{"indicator":"rsi(2)"},"n_bars":12}}"#,
    r#"{"volume_burst":{"n_bars":3,"factor":1.5}}"#,
    r#"{"move":{"distance":{"percent":2},"window_s":180}}"#,
    r#"{"all":{"parts":[{"cross":{"fast":"price","slow":{"indicator":"sma(3)"}}},{"any":{"parts":[{"breakout":{"n_bars":2}},{"volume_burst":{"n_bars":3,"factor":1.5,"meaning":"neutral"}}]}}]}}"#,
    r#"{"weighted":{"threshold":0.4,"parts":[{"weight":2,"look_for":{"breakout":{"n_bars":2}}},{"weight":1,"look_for":{"cross":{"fast":"price","slow":{"indicator":"sma(4)"}}}}]}}"#,
];

/// Bars of a random walk: its steps, and the volumes.
fn bars(steps: &[(i32, u32)]) -> Vec<Bar> {
    let mut price = 100.0;
    let one = |(idx, (step, volume)): (usize, &(i32, u32))| {
        let open = price;
        price += f64::from(*step);
        bar(idx, open, f64::max(open, price) + 0.5, f64::min(open, price) - 0.5, price, f64::from(*volume))
    };
    steps.iter().enumerate().map(one).collect()
}

fn walk(n_bars: std::ops::Range<usize>) -> impl Strategy<Value = Vec<Bar>> {
    prop::collection::vec((-3_i32..=3, 0_u32..6), n_bars).prop_map(|steps| bars(&steps))
}

/// Returns the keys of the signals that still hold after later ones replaced earlier ones.
fn holding(signals: impl IntoIterator<Item = Signal>) -> Vec<SignalKey> {
    let mut newest = BTreeMap::new();
    for signal in signals {
        newest.insert(signal.key(), signal.holds);
    }
    newest.into_iter().filter_map(|(key, holds)| holds.then_some(key)).collect()
}

/// The parts of a signal that do not depend on when its data came.
fn timeless(signals: Vec<Signal>) -> Vec<Signal> {
    let one = |signal| Signal { fired_time: Timestamp::EPOCH, receive_time: Timestamp::EPOCH, ..signal };
    signals.into_iter().map(one).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_split_into_calls_says_what_a_dry_run_says(
        bars in walk(2..120), sizes in prop::collection::vec(1_usize..9, 1..120), n_repeated in 0_usize..3,
    ) {
        for look_for in RULES {
            let expected = timeless(evaluate(&rule(look_for, Timing::BarClose), &bars).unwrap());
            let mut watch = SignalWatch::new(&rule(look_for, Timing::BarClose)).unwrap();
            let (mut signals, mut from) = (Vec::new(), 0);
            for size in sizes.iter().cycle() {
                let to = usize::min(from + size, bars.len());
                // Bars that were there already come again.
                signals.extend(watch.on_bars(&bars[from.saturating_sub(n_repeated)..to], Timestamp::EPOCH));
                from = to;
                if from == bars.len() {
                    break;
                }
            }
            prop_assert_eq!(&signals, &expected, "{}", look_for);
        }
    }

    #[test]
    fn ticks_confirm_what_bars_do_and_leave_nothing_forming(bars in walk(2..80), at_once in any::<bool>()) {
        for look_for in RULES {
            let expected = timeless(evaluate(&rule(look_for, Timing::BarClose), &with_forming(&bars)).unwrap());
            let mut watch = SignalWatch::new(&rule(look_for, Timing::Tick)).unwrap();
            let mut signals = Vec::new();
            for whole in with_forming(&bars) {
                // Open, low, high, close, with the volume growing.
                for (price, share) in [(whole.open, 0.0), (whole.low, 0.3), (whole.high, 0.6), (whole.close, 1.0)] {
                    let is_end = share == 1.0;
                    let low = if share > 0.0 { whole.low } else { price };
                    let high = if share > 0.3 { whole.high } else { whole.open };
                    let volume = whole.volume * share;
                    if is_end || !at_once {
                        let forming = Bar { low, high, close: price, volume, ..whole };
                        signals.extend(watch.on_bars(&[forming], Timestamp::EPOCH));
                    }
                }
            }
            let (forming, closed): (Vec<Signal>, Vec<Signal>) =
                signals.into_iter().partition(|signal| signal.state == SignalState::Forming);
            let confirmed: Vec<Signal> =
                closed.iter().filter(|signal| signal.state == SignalState::Confirmed).cloned().collect();
            prop_assert_eq!(&confirmed, &expected, "{}", look_for);
            // At most one forming signal a bar and side, each of which ends, but for the bar that still forms.
            let last = bars.len() as i64 * 60_000;
            let keys: Vec<SignalKey> = forming.iter().map(Signal::key).collect();
            for (idx, key) in keys.iter().enumerate() {
                prop_assert!(!keys[..idx].contains(key), "{} {:?}", look_for, key);
                let n_ends = closed.iter().filter(|signal| signal.key() == *key).count();
                prop_assert_eq!(n_ends, usize::from(key.bar_time.as_millis() < last), "{} {:?}", look_for, key);
            }
        }
    }

    #[test]
    fn repairs_end_where_the_true_bars_would_have(
        bars in walk(3..80), wrong in prop::collection::vec((0_usize..80, -9_i32..=9, any::<bool>()), 1..12),
        timing in prop_oneof![Just(Timing::Tick), Just(Timing::BarClose)],
    ) {
        for look_for in RULES {
            let expected = holding(evaluate(&rule(look_for, Timing::BarClose), &bars).unwrap());
            let mut watch = SignalWatch::new(&rule(look_for, timing)).unwrap();
            let mut signals = Vec::new();
            for (idx, bar) in bars.iter().enumerate() {
                match wrong.iter().find(|(at, ..)| *at == idx) {
                    Some((_, off, true)) => {
                        let close = bar.close + f64::from(*off);
                        let wrong = Bar { close, high: bar.high.max(close), low: bar.low.min(close), ..*bar };
                        signals.extend(watch.on_bars(&[wrong], Timestamp::EPOCH));
                    }
                    Some((_, _, false)) => {}
                    None => signals.extend(watch.on_bars(&[*bar], Timestamp::EPOCH)),
                }
            }
            for (idx, ..) in &wrong {
                signals.extend(bars.get(*idx).into_iter().flat_map(|bar| watch.on_bars(&[*bar], Timestamp::EPOCH)));
            }
            let closed = signals.into_iter().filter(|signal| signal.state != SignalState::Forming);
            prop_assert_eq!(holding(closed), expected, "{}", look_for);
        }
    }

    #[test]
    fn a_random_walk_fires_twice_only_after_the_other_side(steps in prop::collection::vec(-3_i32..=3, 2..300), hysteresis in 0_i32..4) {
        let look_for = format!(
            r#"{{"threshold":{{"of":"price","level":100,"approach":"up","hysteresis":{hysteresis}}}}}"#
        );
        let bars = bars(&steps.iter().map(|step| (*step, 1)).collect::<Vec<_>>());
        let signals = evaluate(&rule(&look_for, Timing::BarClose), &bars).unwrap();
        let mut fired = signals.iter().map(|signal| signal.bar_time.as_millis()).peekable();
        let mut has_left = false;
        for bar in &bars[..bars.len() - 1] {
            if fired.next_if_eq(&bar.open_ms).is_some() {
                prop_assert!(has_left && bar.close >= 100.0);
                has_left = false;
            } else {
                prop_assert!(!(has_left && bar.close >= 100.0), "a crossing was missed");
            }
            has_left |= bar.close < 100.0 - f64::from(hysteresis);
        }
    }

    #[test]
    fn history_then_live_says_what_live_alone_does(bars in walk(10..100), at in 1_usize..9) {
        for look_for in RULES {
            let all = timeless(evaluate(&rule(look_for, Timing::BarClose), &bars).unwrap());
            let at = bars.len() * at / 10;
            let live_from = bars[at].open_ms;
            let expected: Vec<Signal> =
                all.into_iter().filter(|signal| signal.bar_time.as_millis() >= live_from).collect();
            let mut watch = SignalWatch::new(&rule(look_for, Timing::BarClose)).unwrap();
            watch.history(&bars[..=at]);
            prop_assert_eq!(watch.on_bars(&bars[at..], Timestamp::EPOCH), expected, "{}", look_for);
        }
    }
}
