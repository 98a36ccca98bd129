//! Three clocks, and the effect of their differences on displayed ages.

use topics::channels::quality::latency::VenueClock;

use crate::{format, live::clock::ClockOffset};

/// One clock compared with the server's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClockLine {
    /// The owner of the clock.
    pub whose: String,
    /// Difference by which the server's clock is ahead of it, with the error, or what is known instead.
    pub words: String,
}

/// The known differences between the clocks of a venue, this server and this browser.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Clocks {
    /// The exchange's and the browser's clock.
    pub lines: Vec<ClockLine>,
    /// The effect, in one sentence.
    pub effect: String,
}

impl Clocks {
    /// Compares the clocks by the times in messages and pings.
    pub fn new(venue: &str, clock: Option<VenueClock>, browser: Option<ClockOffset>) -> Self {
        let exchange = ClockLine { whose: format!("{venue} to server"), words: exchange_words(clock) };
        let here = ClockLine { whose: "browser to server".to_owned(), words: browser_words(browser) };
        let browser_us = browser.map(|known| (known.error_ms.max(0.0) * 1e3).ceil() as u64);
        Self { lines: vec![exchange, here], effect: effect(venue, clock, browser_us) }
    }
}

fn exchange_words(clock: Option<VenueClock>) -> String {
    let Some(clock) = clock else { return "no timestamped data lately".to_owned() };
    match (clock.server_ahead_us(), clock.error_us()) {
        _ if is_of_another_time(clock) => "hours apart: a recording, or a clock that is set wrong".to_owned(),
        (Some(ahead_us), Some(error_us)) => apart(ahead_us, error_us),
        _ => format!("server ahead by {} at most; no ping answered yet", signed(clock.fastest_us)),
    }
}

fn browser_words(browser: Option<ClockOffset>) -> String {
    let Some(known) = browser else { return "not compared yet".to_owned() };
    apart((known.offset_ms * 1e3) as i64, (known.error_ms * 1e3).ceil() as u64)
}

/// The server's clock against another one.
fn apart(ahead_us: i64, error_us: u64) -> String {
    let error = format::span_us(error_us);
    match ahead_us {
        _ if ahead_us.unsigned_abs() <= error_us => format!("clocks agree, ±{error}"),
        0.. => format!("server ahead by {} ±{error}", format::span_us(ahead_us.unsigned_abs())),
        _ => format!("server behind by {} ±{error}", format::span_us(ahead_us.unsigned_abs())),
    }
}

fn signed(micros: i64) -> String {
    let sign = if micros < 0 { "−" } else { "" };
    format!("{sign}{}", format::span_us(micros.unsigned_abs()))
}

fn effect(venue: &str, clock: Option<VenueClock>, browser_us: Option<u64>) -> String {
    let here = browser_us.map_or_else(|| "not known".to_owned(), |error_us| format!("±{}", format::span_us(error_us)));
    match clock.filter(|clock| !is_of_another_time(*clock)).and_then(|clock| clock.error_us()) {
        Some(error_us) => format!(
            "Ages of {venue} data may be wrong by up to ±{}: ±{} for the exchange's clock, {here} for this browser's.",
            format::span_us(error_us.saturating_add(browser_us.unwrap_or(0))),
            format::span_us(error_us),
        ),
        None => format!(
            "Ages of {venue} data count from when the server received it ({here} for this browser's clock); the time \
             before that is not known."
        ),
    }
}

/// Clocks that are kept in time are never this far apart.
fn is_of_another_time(clock: VenueClock) -> bool {
    clock.fastest_us.unsigned_abs() > 3_600_000_000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_effect_of_each_clock_is_one_sentence() {
        #[track_caller]
        fn check(clock: Option<VenueClock>, browser: Option<(f64, f64)>, words: [&str; 2], effect: &str) {
            let browser = browser.map(|(offset_ms, error_ms)| ClockOffset { offset_ms, error_ms });
            let clocks = Clocks::new("kraken", clock, browser);
            assert_eq!([&clocks.lines[0].words, &clocks.lines[1].words], words);
            assert_eq!(clocks.effect.replace('\u{202f}', " "), effect);
        }
        check(
            Some(VenueClock { fastest_us: 30_000, round_trip_us: Some(18_000) }),
            Some((1.0, 2.0)),
            ["server ahead by 21 ms ±10 ms", "clocks agree, ±2.0 ms"],
            "Ages of kraken data may be wrong by up to ±12 ms: ±10 ms for the exchange's clock, ±2.0 ms for this browser's.",
        );
        check(
            Some(VenueClock { fastest_us: -30_000, round_trip_us: None }),
            None,
            ["server ahead by −30 ms at most; no ping answered yet", "not compared yet"],
            "Ages of kraken data count from when the server received it (not known for this browser's clock); the time \
             before that is not known.",
        );
        check(
            Some(VenueClock { fastest_us: i64::MAX, round_trip_us: Some(2_000) }),
            Some((-700.0, 1.5)),
            ["hours apart: a recording, or a clock that is set wrong", "server behind by 700 ms ±1.5 ms"],
            "Ages of kraken data count from when the server received it (±1.5 ms for this browser's clock); the time \
             before that is not known.",
        );
        check(
            None,
            Some((0.0, 0.5)),
            ["no timestamped data lately", "clocks agree, ±0.5 ms"],
            "Ages of kraken data count from when the server received it (±0.5 ms for this browser's clock); the time \
             before that is not known.",
        );
    }
}
