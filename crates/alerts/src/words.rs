//! Rules and what happens in plain English: the sentence of a rule, the titles of alerts, numbers as people read them.
//!
//! Not here: the words of a message that a person wrote (`model::alert::template`).

use std::fmt::Display;

use model::{
    alert::{
        condition::{
            BarTiming, ChannelEvent, Condition, ConnectionEvent, Direction, DiskEvent, ExecutionEvent, MoveSize,
            PnlFigure, PositionEvent, RecordingEvent,
        },
        rule::{AlertRule, Frequency, Join},
        signal::SignalSide,
    },
    decimal::Price,
    instrument::InstrumentId,
    trading::account::AccountId,
};
use strategy::detect::level::Approach;

/// Returns what a rule looks for (`BTCUSDT rises to 62,000.00`).
pub fn sentence(rule: &AlertRule) -> String {
    let subject = rule.instrument.as_ref().map(symbol);
    let clauses: Vec<String> = rule.conditions.iter().map(|condition| clause(condition, subject.as_deref())).collect();
    let joined = clauses.join(match rule.join {
        Join::All => " and ",
        Join::Any => " or ",
    });
    let pending = match rule.pending_for_s {
        0 => String::new(),
        seconds => format!(", for {}", span(seconds.into())),
    };
    capitalised(&format!("{joined}{pending}"))
}

/// Returns how often a rule fires (`at most once a minute`).
pub fn frequency(frequency: Frequency) -> String {
    match frequency {
        Frequency::Once => "once".to_owned(),
        Frequency::OncePerBar { interval } => format!("at most once in each {interval} bar"),
        Frequency::OncePerBarClose { interval } => format!("at the close of {interval} bars"),
        Frequency::OncePerMinute => "at most once a minute".to_owned(),
        Frequency::Every { cool_down_s: 0 } => "every time".to_owned(),
        Frequency::Every { cool_down_s } => format!("every time, at most once in {}", span(cool_down_s.into())),
    }
}

/// Returns the clause of one condition; `subject` is the symbol of the rule's instrument.
fn clause(condition: &Condition, subject: Option<&str>) -> String {
    let market = subject.unwrap_or("any instrument");
    let of_market = subject.map(|symbol| format!(" in {symbol}")).unwrap_or_default();
    match condition {
        Condition::PriceCrosses { direction, level, .. } => {
            let verb = by_direction(*direction, "rises to", "falls to", "reaches");
            format!("{market} {verb} {}", grouped(level))
        }
        Condition::PriceAbove { level, .. } => format!("{market} is at or above {}", grouped(level)),
        Condition::PriceBelow { level, .. } => format!("{market} is at or below {}", grouped(level)),
        Condition::Channel { event, low, high } => {
            let verb = match event {
                ChannelEvent::Entering => "enters the channel",
                ChannelEvent::Exiting => "leaves the channel",
                ChannelEvent::Inside => "is inside the channel",
                ChannelEvent::Outside => "is outside the channel",
            };
            format!("{market} {verb} {} to {}", grouped(low), grouped(high))
        }
        Condition::PriceMove { direction, by, window_s } => {
            let verb = by_direction(*direction, "rises", "falls", "moves");
            format!("{market} {verb} by {} within {}", move_size(by), span((*window_s).into()))
        }
        Condition::IndicatorLevel { interval, spec, direction, level, on, .. } => {
            let verb = by_direction(*direction, "rises to", "falls to", "reaches");
            format!("{spec} of {market} on {interval} bars{} {verb} {}", timing(*on), grouped(level))
        }
        Condition::IndicatorCross { interval, fast, slow, direction, on } => {
            let verb = by_direction(*direction, "crosses above", "crosses below", "crosses");
            format!("{fast} {verb} {slow} on {interval} bars of {market}{}", timing(*on))
        }
        Condition::VolumeBurst { interval, n_bars, factor } => {
            format!("a {interval} bar of {market} has {factor} times the mean volume of {n_bars} bars")
        }
        Condition::SpreadAbove { bps } => format!("the spread of {market} is at least {bps} bps"),
        Condition::Signal { signal_rule, side, confirmed_only } => {
            let rule = signal_rule.as_ref().map_or("any signal rule", |rule| rule.as_str());
            let side = match side {
                Some(SignalSide::Buy) => "a buy signal",
                Some(SignalSide::Sell) => "a sell signal",
                Some(SignalSide::Neutral) => "a neutral signal",
                None => "a signal",
            };
            let forming = if *confirmed_only { "" } else { ", forming ones included" };
            format!("{rule} gives {side}{}{forming}", subject.map(|symbol| format!(" on {symbol}")).unwrap_or_default())
        }
        Condition::Position { event, size, account } => {
            let verb = match (event, size) {
                (PositionEvent::Opened, _) => "is opened".to_owned(),
                (PositionEvent::Closed, _) => "is closed".to_owned(),
                (PositionEvent::Above, Some(size)) => format!("is at least {}", grouped(size)),
                (PositionEvent::Above, None) => "is open".to_owned(),
            };
            format!("a position{of_market} {verb}{}", on_account(account.as_ref()))
        }
        Condition::Pnl { figure, direction, level, account } => {
            let verb = by_direction(*direction, "rises to", "falls to", "reaches");
            format!("{}{of_market} {verb} {}{}", pnl(*figure), grouped(level), on_account(account.as_ref()))
        }
        Condition::Order { event, account } => {
            format!("an order{of_market} {}{}", execution(*event), on_account(account.as_ref()))
        }
        Condition::Fill { min_value, account } => {
            let value = min_value.map(|value| format!(" of at least {}", grouped(&value))).unwrap_or_default();
            format!("there is a fill{value}{of_market}{}", on_account(account.as_ref()))
        }
        Condition::Connection { event, venue } => {
            let verb = match event {
                ConnectionEvent::Lost => "is lost",
                ConnectionEvent::Back => "is back",
            };
            format!("the connection to {} {verb}", venue.as_ref().map_or("any venue", |venue| venue.as_str()))
        }
        Condition::DataGap { venue } => {
            let of = match (subject, venue) {
                (Some(symbol), _) => symbol,
                (None, Some(venue)) => venue.as_str(),
                (None, None) => "any venue",
            };
            format!("data of {of} is missing")
        }
        Condition::Stale { for_s } => format!("the feed of {market} is stale for {}", span((*for_s).into())),
        Condition::Recording { event } => match event {
            RecordingEvent::Failed => "a recording fails".to_owned(),
            RecordingEvent::Stopped => "a recording stops".to_owned(),
        },
        Condition::Disk { event: DiskEvent::FreeBelow, free_bytes } => {
            format!("the disk has less than {} free", bytes(free_bytes.unwrap_or_default()))
        }
        Condition::Disk { event: DiskEvent::JournalFull, .. } => "the desk's journal cannot be written".to_owned(),
        Condition::RepeatedErrors { n, window_s } => format!("{n} errors occur within {}", span((*window_s).into())),
    }
}

pub(crate) fn by_direction<T>(direction: Direction, up: T, down: T, either: T) -> T {
    match direction {
        Direction::Up => up,
        Direction::Down => down,
        Direction::Either => either,
    }
}

pub(crate) fn by_approach<T>(approach: Approach, up: T, down: T) -> T {
    match approach {
        Approach::Up => up,
        Approach::Down => down,
    }
}

fn timing(on: BarTiming) -> &'static str {
    match on {
        BarTiming::Close => "",
        BarTiming::Forming => " (also the forming one)",
    }
}

pub(crate) fn pnl(figure: PnlFigure) -> &'static str {
    match figure {
        PnlFigure::Unrealised => "unrealised profit and loss",
        PnlFigure::Realised => "realised profit and loss",
        PnlFigure::Day => "the day's profit and loss",
        PnlFigure::Total => "profit and loss",
    }
}

pub(crate) fn execution(event: ExecutionEvent) -> &'static str {
    match event {
        ExecutionEvent::Filled => "is filled",
        ExecutionEvent::PartiallyFilled => "is partially filled",
        ExecutionEvent::Rejected => "is rejected",
        ExecutionEvent::Cancelled => "is cancelled",
        ExecutionEvent::Expired => "expires",
    }
}

pub(crate) fn move_size(by: &MoveSize) -> String {
    match by {
        MoveSize::Percent(percent) => format!("{percent}%"),
        MoveSize::Absolute(amount) => grouped(amount),
    }
}

fn on_account(account: Option<&AccountId>) -> String {
    account.map(|account| format!(" on account {account}")).unwrap_or_default()
}

/// The symbol alone, and the venue where it is a replay.
pub(crate) fn symbol(instrument: &InstrumentId) -> String {
    if instrument.venue().is_replay() { instrument.to_string() } else { instrument.symbol().to_owned() }
}

/// A number with its thousands apart.
pub(crate) fn grouped(number: &impl Display) -> String {
    let text = number.to_string();
    let (sign, digits) = text.strip_prefix('-').map_or(("", text.as_str()), |digits| ("-", digits));
    let (whole, rest) = digits.find('.').map_or((digits, ""), |at| digits.split_at(at));
    if !whole.bytes().all(|byte| byte.is_ascii_digit()) {
        return text;
    }
    let mut apart = String::with_capacity(text.len() + whole.len() / 3);
    apart.push_str(sign);
    for (at, digit) in whole.char_indices() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) {
            apart.push(',');
        }
        apart.push(digit);
    }
    apart.push_str(rest);
    apart
}

/// A level with the digits of the price that met it.
pub(crate) fn level(level: Price, price: Price) -> String {
    grouped(&level.at_scale(price.scale()))
}

/// A value of an indicator, to six significant digits.
pub(crate) fn figure(value: f64) -> String {
    let digits = match value.abs() {
        size if size >= 100_000.0 => 0,
        size if size >= 1_000.0 => 2,
        size if size >= 1.0 => 4,
        _ => 8,
    };
    let text = format!("{value:.digits$}");
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    grouped(&text)
}

/// A span of time in its largest whole unit.
pub(crate) fn span(seconds: u64) -> String {
    match seconds {
        0 => "0 s".to_owned(),
        _ if seconds.is_multiple_of(86_400) => format!("{} d", seconds / 86_400),
        _ if seconds.is_multiple_of(3_600) => format!("{} h", seconds / 3_600),
        _ if seconds.is_multiple_of(60) => format!("{} min", seconds / 60),
        _ => format!("{seconds} s"),
    }
}

/// Bytes in the largest unit that leaves a whole part.
pub(crate) fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["kB", "MB", "GB", "TB"];
    if bytes < 1_000 {
        return format!("{bytes} bytes");
    }
    let (mut whole, mut tenth, mut at) = (bytes / 1_000, bytes % 1_000 / 100, 0);
    while whole >= 1_000 && at + 1 < UNITS.len() {
        (whole, tenth, at) = (whole / 1_000, whole % 1_000 / 100, at + 1);
    }
    format!("{whole}.{tenth} {}", UNITS[at])
}

pub(crate) fn capitalised(text: &str) -> String {
    // A symbol or an indicator keeps its spelling.
    let word = text.split(' ').next().unwrap_or_default();
    if !word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'\'') {
        return text.to_owned();
    }
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(conditions: serde_json::Value, instrument: Option<&str>, expected: &str) {
        let body = json!({
            "rule_id": "a", "name": "A", "conditions": conditions, "instrument": instrument, "join": "all",
        });
        let rule: AlertRule = serde_json::from_value(body).unwrap();
        assert_eq!(sentence(&rule), expected);
    }

    #[test]
    fn rules_have_sentences() {
        let btc = Some("binance:BTCUSDT");
        check(
            json!([{"kind": "price_crosses", "direction": "up", "level": "62000.00"}]),
            btc,
            "BTCUSDT rises to 62,000.00",
        );
        check(
            json!([{"kind": "price_above", "level": "0.5"}, {"kind": "channel", "event": "exiting", "low": "1", "high": "2000"}]),
            btc,
            "BTCUSDT is at or above 0.5 and BTCUSDT leaves the channel 1 to 2,000",
        );
        check(
            json!([{"kind": "price_move", "direction": "down", "by": {"percent": "1.5"}, "window_s": 300}]),
            btc,
            "BTCUSDT falls by 1.5% within 5 min",
        );
        check(
            json!([{"kind": "indicator_level", "interval": "15m", "spec": "rsi(14)", "direction": "up", "level": 70.0}]),
            btc,
            "rsi(14) of BTCUSDT on 15m bars rises to 70",
        );
        check(
            json!([{"kind": "indicator_cross", "interval": "1h", "fast": "ema(12)", "slow": "ema(26)", "direction": "down", "on": "forming"}]),
            btc,
            "ema(12) crosses below ema(26) on 1h bars of BTCUSDT (also the forming one)",
        );
        check(
            json!([{"kind": "volume_burst", "interval": "1m", "n_bars": 20, "factor": 3.0}]),
            btc,
            "A 1m bar of BTCUSDT has 3 times the mean volume of 20 bars",
        );
        check(json!([{"kind": "spread_above", "bps": 10.5}]), btc, "The spread of BTCUSDT is at least 10.5 bps");
        check(json!([{"kind": "signal", "side": "buy"}]), None, "Any signal rule gives a buy signal");
        check(
            json!([{"kind": "position", "event": "above", "size": "1.5", "account": "main"}]),
            btc,
            "A position in BTCUSDT is at least 1.5 on account main",
        );
        check(
            json!([{"kind": "pnl", "figure": "unrealised", "direction": "down", "level": "-1000"}]),
            None,
            "Unrealised profit and loss falls to -1,000",
        );
        check(json!([{"kind": "order", "event": "rejected"}]), None, "An order is rejected");
        check(json!([{"kind": "fill", "min_value": "10000"}]), btc, "There is a fill of at least 10,000 in BTCUSDT");
        check(
            json!([{"kind": "connection", "event": "lost", "venue": "kraken"}]),
            None,
            "The connection to kraken is lost",
        );
        check(json!([{"kind": "data_gap"}]), None, "Data of any venue is missing");
        check(json!([{"kind": "stale", "for_s": 90}]), btc, "The feed of BTCUSDT is stale for 90 s");
        check(json!([{"kind": "recording", "event": "stopped"}]), None, "A recording stops");
        check(
            json!([{"kind": "disk", "event": "free_below", "free_bytes": 5_250_000_000_u64}]),
            None,
            "The disk has less than 5.2 GB free",
        );
        check(json!([{"kind": "disk", "event": "journal_full"}]), None, "The desk's journal cannot be written");
        check(json!([{"kind": "repeated_errors", "n": 5, "window_s": 3600}]), None, "5 errors occur within 1 h");
    }

    #[test]
    fn numbers_are_as_people_read_them() {
        for (number, expected) in
            [("0", "0"), ("999.5", "999.5"), ("1000", "1,000"), ("-1234567.891", "-1,234,567.891")]
        {
            assert_eq!(grouped(&number), expected);
        }
        for (value, expected) in [
            (70.0, "70"),
            (70.123_456, "70.1235"),
            (-0.000_012_5, "-0.0000125"),
            (1e6, "1,000,000"),
            (61_602.016, "61,602.02"),
        ] {
            assert_eq!(figure(value), expected);
        }
        for (size, expected) in
            [(0, "0 bytes"), (1_500, "1.5 kB"), (999_999_999, "999.9 MB"), (u64::MAX, "18446744.0 TB")]
        {
            assert_eq!(bytes(size), expected);
        }
        assert_eq!(frequency(Frequency::Every { cool_down_s: 90 }), "every time, at most once in 90 s");
    }
}
