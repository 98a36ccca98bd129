//! The REST addresses under `/0/public`: every body has `error` and `result`, and errors come with status 200.

use model::time::Timestamp;
use serde_json::{Value, json};

use super::{channel::INTERVALS, pairs};
use crate::{
    bars::{Bar, BarQuery, Print},
    exchange::{HttpRequest, Parameters},
    fixed,
    ladder::Row,
    market::{Market, Pair},
    moment,
};

/// Closed bars in an answer; the forming one is added.
const BARS: i64 = 720;
/// Maximum rows of a book.
const MOST_ROWS: usize = 500;
/// Maximum trades in an answer.
const MOST_TRADES: usize = 1_000;
/// Month names in RFC 1123.
const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
/// 1970-01-01 was a Thursday.
const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];

/// The root of all addresses.
const ROOT: &str = "/0/public/";

/// Returns status and body of the answer to a request; `None` for an unknown path.
pub(super) fn answer(market: &dyn Market, request: &HttpRequest) -> Option<(u16, String)> {
    let HttpRequest { path, parameters, .. } = request;
    let name = path.strip_prefix(ROOT)?;
    let named: Vec<(&str, &str)> =
        ["pair", "interval"].into_iter().filter_map(|key| Some((key, parameters.get(key)?.as_str()))).collect();
    // Recorded answers are better than derived ones; except for a book, which has changed since.
    if matches!(name, "AssetPairs" | "OHLC" | "Ticker" | "Trades")
        && !parameters.contains_key("since")
        && let Some(body) = market.recorded_answer(path, &named)
    {
        return Some((200, body.to_owned()));
    }
    Some((
        200,
        match result(market, name, parameters) {
            Ok(result) => json!({ "error": [], "result": result }).to_string(),
            Err(words) => failed(words),
        },
    ))
}

/// Returns the venue's body for a status.
pub(super) fn refusal(status: u16) -> String {
    failed(match status {
        200 | 429 => "EAPI:Rate limit exceeded",
        503 => "EService:Unavailable",
        _ => "EGeneral:Internal error",
    })
}

fn failed(words: &str) -> String {
    json!({ "error": [words] }).to_string()
}

fn result(market: &dyn Market, name: &str, parameters: &Parameters) -> Result<Value, &'static str> {
    let pairs = market.pairs();
    let one = || {
        let asked = parameters.get("pair").ok_or("EGeneral:Invalid arguments")?;
        pairs::find(pairs, asked).ok_or("EQuery:Unknown asset pair")
    };
    match name {
        "Time" => {
            let now = market.now();
            Ok(json!({ "unixtime": now.as_millis().div_euclid(1_000), "rfc1123": rfc1123(now) }))
        }
        "SystemStatus" => Ok(json!({ "status": "online", "timestamp": moment::show(market.now(), 0) })),
        "AssetPairs" => {
            let wanted = several(pairs, parameters)?;
            Ok(pairs::listing(&wanted.into_iter().map(|(pair, _)| pair).collect::<Vec<_>>()))
        }
        "Ticker" => {
            let wanted = several(pairs, parameters)?;
            Ok(wanted
                .into_iter()
                .map(|(pair, key)| (key, ticker(market, pair)))
                .collect::<serde_json::Map<_, _>>()
                .into())
        }
        "Depth" => {
            let (pair, key) = one()?;
            let count = number(parameters, "count")?.unwrap_or(100).clamp(1, MOST_ROWS as i64);
            let (bids, asks) = market.top(&pair.symbol, usize::try_from(count).unwrap_or(MOST_ROWS));
            let now_s = market.now().as_millis() / 1_000;
            let rows = |rows: &[Row]| -> Value {
                rows.iter().map(|(price, quantity)| json!([five(price), quantity, now_s])).collect()
            };
            Ok(json!({ key: { "asks": rows(&asks), "bids": rows(&bids) } }))
        }
        "OHLC" => {
            let (pair, key) = one()?;
            let minutes = number(parameters, "interval")?.unwrap_or(1);
            if !INTERVALS.contains(&minutes) {
                return Err("EGeneral:Invalid arguments:Interval");
            }
            let since_s = number(parameters, "since")?;
            let query = BarQuery::newest(minutes * 60_000, BARS + 1);
            let bars = market.bars(&pair.symbol, &query);
            let finished = bars.len().checked_sub(2).and_then(|idx| bars.get(idx)).or_else(|| bars.first());
            let last = finished.map_or(0, |bar| bar.open_ms / 1_000);
            let kept = bars.iter().filter(|bar| since_s.is_none_or(|since| bar.open_ms / 1_000 >= since));
            let rows: Vec<Value> = kept.map(|bar| row(pair, bar)).collect();
            Ok(json!({ key: rows, "last": last }))
        }
        "Trades" => {
            let (pair, key) = one()?;
            let count = number(parameters, "count")?.unwrap_or(MOST_TRADES as i64).clamp(1, MOST_TRADES as i64);
            let since_ns = number(parameters, "since")?.unwrap_or(0);
            let prints = market.prints(&pair.symbol, usize::try_from(count).unwrap_or(MOST_TRADES));
            // `since` may be seconds or nanoseconds.
            let since_ms = if since_ns > 100_000_000_000_000 { since_ns / 1_000_000 } else { since_ns * 1_000 };
            let kept: Vec<&Print> = prints.iter().filter(|print| print.time_ms > since_ms || since_ms == 0).collect();
            let last_ns = kept.last().map_or(since_ns, |print| print.time_ms.saturating_mul(1_000_000));
            let rows: Vec<Value> = kept.iter().map(|print| trade(pair, print)).collect();
            Ok(json!({ key: rows, "last": last_ns.to_string() }))
        }
        _ => Err("EGeneral:Unknown method"),
    }
}

fn ticker(market: &dyn Market, pair: &Pair) -> Value {
    let (bids, asks) = market.top(&pair.symbol, 1);
    let best = |rows: &[Row]| {
        rows.first()
            .map_or_else(|| json!(["0.00000", "0", "0.000"]), |(price, quantity)| json!([five(price), "1", quantity]))
    };
    let day = market.day(&pair.symbol);
    let price = |pick: fn(&Bar) -> i128| fixed::show(day.as_ref().map_or(0, pick), 5);
    let last = market.prints(&pair.symbol, 1).pop();
    let volume = fixed::show(day.as_ref().map_or(0, |bar| bar.volume), 8);
    let mean = price(|bar| fixed::quotient(bar.quote_volume, bar.volume));
    let (low, high) = (price(|bar| bar.low), price(|bar| bar.high));
    let n_trades = day.as_ref().map_or(0, |bar| bar.n_trades);
    json!({
        "a": best(&asks),
        "b": best(&bids),
        "c": [price(|bar| bar.close), fixed::show(last.map_or(0, |print| print.quantity), 8)],
        "v": [volume, volume],
        "p": [mean, mean],
        "t": [n_trades, n_trades],
        "l": [low, low],
        "h": [high, high],
        "o": price(|bar| bar.open),
    })
}

/// Returns the named pairs, all if none is named.
fn several<'a>(pairs: &'a [Pair], parameters: &Parameters) -> Result<Vec<(&'a Pair, String)>, &'static str> {
    match parameters.get("pair") {
        None => Ok(pairs.iter().map(|pair| (pair, pairs::key(pair))).collect()),
        Some(names) => {
            let found = names.split(',').map(|name| pairs::find(pairs, name));
            found.collect::<Option<_>>().ok_or("EQuery:Unknown asset pair")
        }
    }
}

fn number(parameters: &Parameters, name: &str) -> Result<Option<i64>, &'static str> {
    parameters.get(name).map(|text| text.parse().map_err(|_| "EGeneral:Invalid arguments")).transpose()
}

/// REST pads prices to at least five decimals.
fn five(price: &str) -> String {
    let decimals = fixed::decimals_shown(price).max(5);
    fixed::parse(price).map_or_else(|| price.to_owned(), |value| fixed::show(value, decimals))
}

fn row(pair: &Pair, bar: &Bar) -> Value {
    let price = |value| fixed::show(value, pair.price_decimals);
    json!([
        bar.open_ms / 1_000,
        price(bar.open),
        price(bar.high),
        price(bar.low),
        price(bar.close),
        price(fixed::quotient(bar.quote_volume, bar.volume)),
        fixed::show(bar.volume, 8),
        bar.n_trades,
    ])
}

fn trade(pair: &Pair, print: &Print) -> Value {
    json!([
        fixed::show(print.price, pair.price_decimals.max(5)),
        fixed::show(print.quantity, 8),
        print.time_ms as f64 / 1_000.0,
        if print.is_buyer_maker { "s" } else { "b" },
        "l",
        "",
        print.id,
    ])
}

/// `Tue, 11 Nov 25 00:17:04 +0000`.
fn rfc1123(now: Timestamp) -> String {
    let seconds = now.as_millis().div_euclid(1_000);
    let days = seconds.div_euclid(86_400);
    let (year, month, day) = model::time::civil_from_days(days);
    let (hour, minute, second) = moment::hms(seconds);
    let name =
        |names: &'static [&'static str], idx: i64| usize::try_from(idx).ok().and_then(|idx| names.get(idx).copied());
    let weekday = name(&DAYS, days.rem_euclid(7)).unwrap_or_default();
    let month = name(&MONTHS, i64::from(month) - 1).unwrap_or_default();
    format!("{weekday}, {day:02} {month} {:02} {hour:02}:{minute:02}:{second:02} +0000", year % 100)
}
