//! A rule at work: ticks, ends of bars, repairs, gaps, restarts.

use indicators::bar::Bar;
use model::{
    alert::signal::{Signal, SignalSide, SignalState, Timing},
    time::Timestamp,
};

use crate::signals::{
    SignalWatch, Top,
    tests::{bar, closes, rule},
};

/// A close above 10 after one below.
const ABOVE_10: &str = r#"{"threshold":{"of":"price","level":10,"approach":"up"}}"#;

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

/// Minute, side and state, `-` where it holds no longer.
fn said(signals: &[Signal]) -> Vec<String> {
    let word = |signal: &Signal| {
        let side = match signal.side {
            SignalSide::Buy => "buy",
            SignalSide::Sell => "sell",
            SignalSide::Neutral => "neutral",
        };
        let state = match signal.state {
            SignalState::Forming => "forming",
            SignalState::Confirmed => "confirmed",
            SignalState::Withdrawn => "withdrawn",
            SignalState::Revised => "revised",
        };
        assert_eq!(signal.strength > 0.0, signal.holds);
        let mark = if signal.holds { "" } else { "-" };
        format!("{mark}{} {side} {state}", signal.bar_time.as_millis() / 60_000)
    };
    signals.iter().map(word).collect()
}

/// One price in a minute.
fn tick(minute: usize, price: f64) -> Bar {
    bar(minute, price, price, price, price, 1.0)
}

fn watch(look_for: &str, timing: Timing) -> SignalWatch {
    SignalWatch::new(&rule(look_for, timing)).unwrap()
}

/// Hands ticks in one by one, and returns what each says.
fn run(watch: &mut SignalWatch, ticks: &[(usize, f64)]) -> Vec<String> {
    let step = |(minute, price): &(usize, f64)| said(&watch.on_bars(&[tick(*minute, *price)], at(0)));
    ticks.iter().flat_map(step).collect()
}

#[test]
fn a_forming_signal_is_said_once_a_bar_and_confirmed_or_withdrawn_at_its_end() {
    let mut tick = watch(ABOVE_10, Timing::Tick);
    let ticks =
        [(0, 9.0), (1, 9.0), (1, 10.0), (1, 11.0), (1, 9.0), (1, 10.5), (2, 11.0), (3, 9.0), (4, 12.0), (4, 8.0)];
    let expected = ["1 buy forming", "1 buy confirmed", "4 buy forming"];
    assert_eq!(run(&mut tick, &ticks), expected);
    assert_eq!(run(&mut tick, &[(5, 8.0)]), ["-4 buy withdrawn"]);
    let mut close = watch(ABOVE_10, Timing::BarClose);
    assert_eq!(run(&mut close, &ticks), ["1 buy confirmed"]);
}

#[test]
fn a_signal_carries_bar_price_values_and_times() {
    let mut watch = watch(r#"{"cross":{"fast":"price","slow":{"indicator":"sma(2)"}}}"#, Timing::BarClose);
    watch.on_bars(&closes(&[5.0, 4.0, 5.25]), at(125_000));
    let [signal] = &watch.on_bars(&[tick(3, 6.0)], at(180_040))[..] else { panic!("one signal") };
    assert_eq!((signal.price.to_string().as_str(), signal.bar_time), ("5.25", at(120_000)));
    assert_eq!((signal.fired_time, signal.receive_time), (at(180_040), at(180_040)));
    let values: Vec<(&str, f64)> = signal.values.iter().map(|named| (named.name.as_str(), named.value)).collect();
    assert_eq!(values, [("close", 5.25), ("sma(2)", 4.625)]);
    assert_eq!((signal.key().side, signal.number), (SignalSide::Buy, None));
}

#[test]
fn trades_and_the_book_move_the_forming_bar() {
    let mut watch = watch(ABOVE_10, Timing::Tick);
    watch.on_bars(&closes(&[9.0, 9.0]), at(0));
    assert_eq!(said(&watch.on_trade(10.0, at(59_999), at(0))), [""; 0]);
    assert_eq!(said(&watch.on_trade(f64::NAN, at(61_000), at(0))), [""; 0]);
    assert_eq!(said(&watch.on_trade(10.0, at(61_000), at(0))), ["1 buy forming"]);
    assert_eq!(said(&watch.on_bars(&[tick(1, 10.0), tick(2, 9.0)], at(0))), ["1 buy confirmed"]);
    let mut watch = self::watch(r#"{"imbalance":{"level":0.5,"n_levels":2}}"#, Timing::Tick);
    watch.on_bars(&closes(&[9.0]), at(0));
    let mut top = |bids: &[f64]| {
        said(&watch.on_top(&Top { bid: 9.0, ask: 9.5, bid_sizes: bids, ask_sizes: &[1.0, 1.0, 99.0] }, at(0)))
    };
    assert_eq!(top(&[1.0, 1.0, 50.0]), [""; 0]);
    assert_eq!(top(&[]), [""; 0]);
    // The first bar only arms.
    assert_eq!(top(&[4.0, 4.0]), [""; 0]);
    assert_eq!(top(&[1.0, 1.0]), [""; 0]);
    assert_eq!(said(&watch.on_bars(&[tick(1, 9.0)], at(0))), [""; 0]);
    let top = Top { bid: 9.0, ask: 9.5, bid_sizes: &[4.0, 4.0], ask_sizes: &[1.0, 1.0] };
    assert_eq!(said(&watch.on_top(&top, at(0))), ["1 buy forming"]);
}

#[test]
fn a_bar_closes_two_seconds_after_its_end_without_a_next_one() {
    let mut watch = watch(ABOVE_10, Timing::BarClose);
    watch.on_bars(&closes(&[9.0, 10.0]), at(0));
    assert_eq!(watch.deadline(), Some(at(122_000)));
    assert_eq!(said(&watch.advance(at(121_999))), [""; 0]);
    assert_eq!(said(&watch.advance(at(122_000))), ["1 buy confirmed"]);
    assert_eq!((watch.deadline(), said(&watch.advance(at(999_000)))), (None, vec![]));
    // The same bar again is nothing new; a late trade of it is a repair.
    assert_eq!(
        run(&mut watch, &[(1, 10.0), (1, 9.5), (1, 9.5), (2, 9.0), (3, 10.0), (4, 9.0)]),
        ["-1 buy revised", "3 buy confirmed"]
    );
}

#[test]
fn history_never_fires_and_the_bar_that_forms_in_it_does() {
    for timing in [Timing::Tick, Timing::BarClose] {
        let mut watch = watch(ABOVE_10, timing);
        watch.history(&closes(&[9.0, 10.0, 9.0, 10.0, 9.0]));
        assert_eq!(run(&mut watch, &[(4, 9.5), (5, 9.5)]), [""; 0]);
        watch.history(&closes(&[9.0, 10.0, 9.0, 9.5]));
        let expected: &[&str] =
            if timing == Timing::Tick { &["3 buy forming", "3 buy confirmed"] } else { &["3 buy confirmed"] };
        assert_eq!(run(&mut watch, &[(3, 10.5), (4, 10.5)]), expected);
        // A repair of history changes the memory and says nothing.
        assert_eq!(run(&mut watch, &[(1, 9.0), (2, 10.0)]), ["-3 buy revised"]);
    }
}

#[test]
fn a_repair_that_changes_the_outcome_is_said() {
    let mut watch = watch(ABOVE_10, Timing::BarClose);
    assert_eq!(run(&mut watch, &[(0, 9.0), (1, 10.0), (3, 11.0), (4, 11.0)]), ["1 buy confirmed"]);
    // A corrected bar takes the signal away and gives it to the next.
    assert_eq!(run(&mut watch, &[(1, 9.5)]), ["-1 buy revised", "3 buy revised"]);
    // A late bar between two others takes it over.
    assert_eq!(run(&mut watch, &[(2, 10.0)]), ["2 buy revised", "-3 buy revised"]);
    // The same again changes nothing; several repairs in one call are judged together.
    assert_eq!(run(&mut watch, &[(2, 10.0)]), [""; 0]);
    assert_eq!(
        said(&watch.on_bars(&[tick(1, 10.0), tick(2, 9.0)], at(0))),
        ["1 buy revised", "-2 buy revised", "3 buy revised"]
    );
}

#[test]
fn repairs_further_back_than_what_is_kept_are_ignored() {
    let mut watch = watch(ABOVE_10, Timing::BarClose);
    let ticks: Vec<(usize, f64)> = (0..600).map(|minute| (minute, 9.0)).collect();
    assert_eq!(run(&mut watch, &ticks), [""; 0]);
    assert_eq!(run(&mut watch, &[(100, 10.0)]), [""; 0]);
    assert_eq!(run(&mut watch, &[(400, 10.0)]), ["400 buy revised"]);
}

#[test]
fn bars_of_a_gap_fire_nothing_until_they_are_repaired() {
    for timing in [Timing::Tick, Timing::BarClose] {
        let mut watch = watch(ABOVE_10, timing);
        run(&mut watch, &[(0, 9.0), (1, 9.0)]);
        watch.gap();
        // Bars 1 to 3 may lack trades. Bar 4 is whole, and only arms.
        assert_eq!(said(&watch.on_bars(&[tick(1, 10.0), tick(2, 9.0), tick(3, 11.0)], at(0))), [""; 0]);
        assert_eq!(run(&mut watch, &[(3, 12.0), (4, 12.0)]), [""; 0]);
        // Whole again, bar 1 fires late.
        assert_eq!(run(&mut watch, &[(1, 10.0)]), ["1 buy revised"]);
        assert_eq!(run(&mut watch, &[(2, 9.0), (3, 12.0)]), ["3 buy revised"]);
    }
}

#[test]
fn a_gap_withdraws_what_was_forming_and_forgets_the_book() {
    let mut watch = watch(ABOVE_10, Timing::Tick);
    assert_eq!(run(&mut watch, &[(0, 9.0), (1, 10.0)]), ["1 buy forming"]);
    watch.gap();
    assert_eq!(run(&mut watch, &[(1, 11.0), (2, 11.0)]), ["-1 buy withdrawn"]);
    let mut watch = self::watch(r#"{"spread":{"limit":{"bps":10}}}"#, Timing::BarClose);
    let narrow = Top { bid: 999.9, ask: 1_000.1, bid_sizes: &[1.0], ask_sizes: &[1.0] };
    let wide = Top { bid: 999.0, ask: 1_001.0, ..narrow };
    let mut minute = |minute: usize, top: Option<&Top<'_>>, is_gap: bool| {
        let signals = watch.on_bars(&[tick(minute, 1_000.0)], at(0));
        top.map(|top| watch.on_top(top, at(0)));
        if is_gap {
            watch.gap();
        }
        said(&signals)
    };
    assert_eq!(minute(0, Some(&narrow), false), [""; 0]);
    assert_eq!(minute(1, Some(&narrow), true), [""; 0]);
    assert_eq!(minute(2, None, false), [""; 0]);
    // Without a book since the gap, bar 3 does not arm, and bar 4 only arms.
    assert_eq!(minute(3, None, false), [""; 0]);
    assert_eq!(minute(4, Some(&wide), false), [""; 0]);
    assert_eq!(minute(5, Some(&narrow), false), [""; 0]);
    assert_eq!(minute(6, Some(&wide), false), [""; 0]);
    assert_eq!(minute(7, None, false), ["6 neutral confirmed"]);
}

#[test]
fn a_window_does_not_look_past_a_gap() {
    let mut watch = watch(r#"{"breakout":{"n_bars":2}}"#, Timing::BarClose);
    run(&mut watch, &[(0, 10.0), (1, 10.0), (2, 10.0), (3, 10.0)]);
    watch.gap();
    // Bars 3 and 4 are incomplete, and windows of 5 and 6 reach them. That of 7 is beyond and only arms, 9 breaks out.
    let ticks = [(4, 10.0), (5, 10.0), (6, 11.0), (7, 12.0), (8, 11.5), (9, 13.0), (10, 13.0)];
    assert_eq!(run(&mut watch, &ticks), ["9 buy confirmed"]);
}

#[test]
fn a_paused_rule_says_nothing_and_bad_bars_are_ignored() {
    let mut paused = rule(ABOVE_10, Timing::Tick);
    paused.is_paused = true;
    let mut watch = SignalWatch::new(&paused).unwrap();
    assert_eq!(run(&mut watch, &[(0, 9.0), (1, 10.0), (2, 9.0), (1, 9.0)]), [""; 0]);
    let mut watch = self::watch(ABOVE_10, Timing::BarClose);
    let ticks = [(0, 9.0), (1, f64::NAN), (1, f64::INFINITY), (1, 10.0), (2, 9.0), (3, 1e300), (4, 9.0)];
    assert_eq!(run(&mut watch, &ticks), ["1 buy confirmed"]);
}

#[test]
fn after_a_restart_nothing_is_said_twice_and_nothing_is_left_forming() {
    let ticks = [(0, 9.0), (1, 10.0), (2, 9.0), (3, 10.0)];
    let mut before = watch(ABOVE_10, Timing::Tick);
    let signals: Vec<Signal> =
        ticks.iter().flat_map(|(minute, price)| before.on_bars(&[tick(*minute, *price)], at(0))).collect();
    assert_eq!(said(&signals), ["1 buy forming", "1 buy confirmed", "3 buy forming"]);
    let last_states = &signals[1..];
    let resumed = |prices: &[f64]| {
        let mut watch = watch(ABOVE_10, Timing::Tick);
        watch.history(&closes(prices));
        let said = said(&watch.resume(last_states, at(0)));
        (said, watch)
    };
    // Still forming: not said again, and confirmed at the end.
    let (first, mut watch) = resumed(&[9.0, 10.0, 9.0, 10.0]);
    assert_eq!(first, [""; 0]);
    assert_eq!(run(&mut watch, &[(3, 10.5), (4, 10.0)]), ["3 buy confirmed"]);
    // Closed meanwhile.
    let (first, mut watch) = resumed(&[9.0, 10.0, 9.0, 10.0, 11.0]);
    assert_eq!(first, ["3 buy confirmed"]);
    // A repair of a bar from before the restart is still said.
    assert_eq!(run(&mut watch, &[(3, 9.0)]), ["-3 buy revised", "4 buy forming"]);
    assert_eq!(resumed(&[9.0, 10.0, 9.0, 9.0, 9.0]).0, ["-3 buy withdrawn"]);
    // History contradicts what was confirmed, or no longer reaches it.
    assert_eq!(resumed(&[9.0, 9.0, 9.0, 10.0]).0, ["-1 buy revised"]);
    assert_eq!(resumed(&[9.0]).0, ["-3 buy withdrawn"]);
}

#[test]
fn combinations_hold_or_fire_together() {
    let up = |level: u32| format!(r#"{{"threshold":{{"of":"price","level":{level},"approach":"up"}}}}"#);
    let either = |level: u32| format!(r#"{{"threshold":{{"of":"price","level":{level}}}}}"#);
    let check = |look_for: &str, expected: &[&str]| {
        let mut watch = watch(look_for, Timing::BarClose);
        let ticks: Vec<(usize, f64)> = [5.0, 11.0, 13.0, 15.0, 11.0, 13.0, 5.0, 5.0].into_iter().enumerate().collect();
        assert_eq!(run(&mut watch, &ticks), expected, "{look_for}");
    };
    let parts = |of: &dyn Fn(u32) -> String| format!("[{},{}]", of(10), of(12));
    // The last part to become true fires; falling below one and rising again fires again.
    check(&format!(r#"{{"all":{{"parts":{}}}}}"#, parts(&up)), &["2 buy confirmed", "5 buy confirmed"]);
    check(
        &format!(r#"{{"any":{{"parts":{}}}}}"#, parts(&up)),
        &["1 buy confirmed", "2 buy confirmed", "5 buy confirmed"],
    );
    check(
        &format!(r#"{{"all":{{"parts":{}}}}}"#, parts(&either)),
        &["2 buy confirmed", "5 buy confirmed", "6 sell confirmed"],
    );
    // 3 for buy below 12 would be 3 of 4 less 1 of 4: a half.
    let weighted = |threshold: f64| {
        format!(
            r#"{{"weighted":{{"threshold":{threshold},"parts":[{{"weight":3,"look_for":{}}},{{"weight":1,"look_for":{}}}]}}}}"#,
            either(10),
            either(12)
        )
    };
    check(&weighted(0.5), &["1 buy confirmed", "6 sell confirmed"]);
    check(&weighted(0.6), &["2 buy confirmed", "5 buy confirmed", "6 sell confirmed"]);
    // A neutral part only allows; that of two bars is known from bar 1 on, which only arms.
    let neutral = r#"{"move":{"distance":{"absolute":3},"window_s":120,"meaning":"neutral"}}"#;
    check(&format!(r#"{{"all":{{"parts":[{},{neutral}]}}}}"#, up(10)), &["4 buy confirmed"]);
    check(&format!(r#"{{"all":{{"parts":[{neutral},{neutral}]}}}}"#), &["4 neutral confirmed", "6 neutral confirmed"]);
}
