//! Helpers of the kinds' tests, and what all kinds have in common.

mod live;
mod properties;

use indicators::bar::Bar;
use model::{
    alert::{
        rule_id::RuleId,
        signal::{LookFor, Signal, SignalRule, SignalState, Timing},
    },
    candle::Interval,
    instrument::InstrumentId,
    time::Timestamp,
};

use crate::signals::{SignalWatch, Top, evaluate, sentence, templates};

/// A rule of minutes.
pub(crate) fn rule(look_for: &str, timing: Timing) -> SignalRule {
    SignalRule {
        rule_id: RuleId::parse("r").unwrap(),
        version: 1,
        name: "R".to_owned(),
        instrument: InstrumentId::parse("demo:AAABBB").unwrap(),
        interval: Interval::M1,
        timing,
        look_for: serde_json::from_str(look_for).unwrap(),
        is_paused: false,
    }
}

/// The bar of a minute.
#[expect(clippy::cast_possible_wrap, reason = "small")]
pub(crate) fn bar(idx: usize, open: f64, high: f64, low: f64, close: f64, volume: f64) -> Bar {
    Bar { open_ms: idx as i64 * 60_000, open, high, low, close, volume, buy_volume: None, book: None }
}

/// Bars of one price each.
pub(crate) fn closes(prices: &[f64]) -> Vec<Bar> {
    prices.iter().enumerate().map(|(idx, price)| bar(idx, *price, *price, *price, *price, 1.0)).collect()
}

/// A signal as `bar side strength`.
pub(crate) fn shown(signal: &Signal) -> String {
    let side = serde_json::to_string(&signal.side).unwrap();
    let minute = signal.bar_time.as_millis() / 60_000;
    format!("{minute} {} {:.2}", side.trim_matches('"'), signal.strength)
}

/// Closes the last bar by another one after it.
pub(crate) fn with_forming(bars: &[Bar]) -> Vec<Bar> {
    let next = bars.last().map(|last| Bar { open_ms: last.open_ms + 60_000, ..*last });
    bars.iter().copied().chain(next).collect()
}

/// Runs a rule over closed bars.
#[track_caller]
pub(crate) fn check(look_for: &str, bars: &[Bar], expected: &[&str]) {
    let signals = evaluate(&rule(look_for, Timing::BarClose), &with_forming(bars)).unwrap();
    assert!(signals.iter().all(|signal| signal.state == SignalState::Confirmed && signal.holds));
    assert_eq!(signals.iter().map(shown).collect::<Vec<_>>(), expected, "{look_for}");
}

/// Runs a rule over minutes of one book each: the spread around 1,000, and the size of the bids for 1 on the asks.
#[track_caller]
pub(crate) fn check_book(look_for: &str, book: &[(f64, f64)], expected: &[&str]) {
    let mut watch = SignalWatch::new(&rule(look_for, Timing::BarClose)).unwrap();
    let mut signals = Vec::new();
    let prices = vec![1_000.0; book.len() + 1];
    for (bar, (spread, bids)) in closes(&prices).iter().zip(book.iter().chain([&(1.0, 1.0)])) {
        signals.extend(watch.on_bars(&[*bar], Timestamp::EPOCH));
        let (bid, ask) = (1_000.0 - spread / 2.0, 1_000.0 + spread / 2.0);
        signals.extend(watch.on_top(&Top { bid, ask, bid_sizes: &[*bids], ask_sizes: &[1.0] }, Timestamp::EPOCH));
    }
    assert_eq!(signals.iter().map(shown).collect::<Vec<_>>(), expected, "{look_for}");
}

/// Checks the words of a refusal.
#[track_caller]
pub(crate) fn check_refused(look_for: &str, expected: &str) {
    let error = SignalWatch::new(&rule(look_for, Timing::BarClose)).unwrap_err();
    assert_eq!(error.to_string(), expected);
}

#[test]
fn every_template_is_a_rule_with_a_sentence() {
    let words: Vec<String> = templates()
        .iter()
        .map(|template| {
            let look_for = serde_json::to_string(&template.look_for).unwrap();
            SignalWatch::new(&rule(&look_for, Timing::Tick)).unwrap();
            format!("{}: {}", template.look_for.kind(), sentence(&template.look_for))
        })
        .collect();
    assert_eq!(
        words,
        [
            "cross: EMA 12 crosses EMA 26",
            "threshold: RSI 14 falls to 30 (faded)",
            "breakout: the price closes outside the range of the last 20 bars",
            "divergence: the price makes a new extreme that RSI 14 does not confirm, within 60 bars",
            "volume_burst: the volume is 3 times the mean of the last 20 bars",
            "spread: the spread reaches 3 times its mean of the last 20 bars",
            "imbalance: one side outweighs by 0.6 on 5 levels",
            "move: the price moves by 1 % within 60 min",
            "all: EMA 12 crosses EMA 26 and the price closes outside the range of the last 20 bars",
            "any: EMA 12 crosses EMA 26 or the price closes outside the range of the last 20 bars",
            "weighted: the vote of 1 × EMA 12 crosses EMA 26, 1 × the price closes outside the range of the last 20 bars reaches 0.6",
        ]
    );
}

#[test]
fn sentences_say_direction_and_brackets() {
    let check = |look_for: &str, expected: &str| {
        assert_eq!(sentence(&serde_json::from_str::<LookFor>(look_for).unwrap()), expected);
    };
    let cross = r#"{"cross":{"fast":{"indicator":"ema(12)"},"slow":{"indicator":"ema(26)"},"approach":"up"}}"#;
    check(cross, "EMA 12 crosses above EMA 26");
    let level = r#"{"threshold":{"of":"price","level":62000,"approach":"up","meaning":"neutral"}}"#;
    check(level, "the price rises to 62,000 (neutral)");
    let breakout = r#"{"breakout":{"n_bars":1,"approach":"down"}}"#;
    check(breakout, "the price closes below the low of the last bar");
    let nested = format!(r#"{{"all":{{"parts":[{cross},{{"any":{{"parts":[{level},{breakout}]}}}}]}}}}"#);
    let expected = "EMA 12 crosses above EMA 26 and (the price rises to 62,000 (neutral) or the price closes below the low of the last bar)";
    check(&nested, expected);
}

#[test]
fn refusals_name_field_value_and_remedy() {
    check_refused(
        r#"{"cross":{"fast":{"indicator":"emma(12)"},"slow":"price"}}"#,
        "look_for.fast is emma(12): unknown indicator emma; did you mean ema?",
    );
    let part = r#"{"breakout":{"n_bars":20}}"#;
    let bad = r#"{"breakout":{"n_bars":900}}"#;
    let all = |parts: &[&str]| format!(r#"{{"all":{{"parts":[{}]}}}}"#, parts.join(","));
    check_refused(&all(&[part, bad]), "look_for.parts[1].n_bars is 900: write a whole number from 1 to 500");
    check_refused(&all(&[part]), "look_for.parts is a list of 1: combine 2 to 8 conditions");
    check_refused(&all(&[part; 9]), "look_for.parts is a list of 9: combine 2 to 8 conditions");
    let two = all(&[part, part]);
    let three = all(&[part, &all(&[part, &two])]);
    check_refused(
        &three,
        "look_for.parts[1].parts[1].parts is a combination in a combination of a combination: nest at most 2 deep",
    );
    let weighted = r#"{"weighted":{"threshold":0.5,"parts":[{"weight":1,"look_for":{"breakout":{"n_bars":20}}},{"weight":1,"look_for":{"spread":{"limit":{"bps":5}}}}]}}"#;
    check_refused(weighted, "look_for.parts[1] is spread, which is neutral: choose a part that says buy or sell");
    let weight = weighted.replacen("\"weight\":1", "\"weight\":0", 1);
    check_refused(&weight, "look_for.parts[0].weight is 0: write a number above 0, at most 100");
    let cross = |n: usize| format!(r#"{{"cross":{{"fast":"price","slow":{{"indicator":"ema({n})"}}}}}}"#);
    let any = |from: usize| {
        let crosses: Vec<String> = (from..from + 6).map(cross).collect();
        format!(r#"{{"any":{{"parts":[{}]}}}}"#, crosses.join(","))
    };
    let expected = "look_for.parts[2].parts[4].slow is ema(18): a rule reads at most 16 different indicators";
    check_refused(&all(&[&any(2), &any(8), &any(14)]), expected);
    // Those that are there already may be read again.
    SignalWatch::new(&rule(&all(&[&any(2), &any(8), &any(12), &any(4)]), Timing::Tick)).unwrap();
    let mut long = rule(part, Timing::Tick);
    long.name = "x".repeat(81);
    let error = SignalWatch::new(&long).unwrap_err();
    assert_eq!(error.to_string(), "name is 81 characters long: write 1 to 80 characters");
}
