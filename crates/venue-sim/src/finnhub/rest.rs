//! The REST addresses under `/api/v1`: the day's statistics and bars by columns, for clients with the key.
//!
//! Source: <https://finnhub.io/docs/api/quote>, `/crypto-candles`, `/rate-limit`. A plan without bars is a fault:
//! `rest_error:path=candle,code=403`.

use serde_json::json;

use crate::{
    bars::{Bar, BarQuery, Quiet},
    core::Core,
    exchange::{HttpRequest, Parameters},
    fixed,
    market::{Market, Pair},
};

/// The header for the key, if it is not in the query.
const KEY_HEADER: &str = "x-finnhub-token";
/// Maximum bars in an answer.
const MOST_BARS: i64 = 5_000;
/// Lengths of bars, in milliseconds, by the venue's name.
const RESOLUTIONS: [(&str, i64); 6] =
    [("1", 60_000), ("5", 300_000), ("15", 900_000), ("30", 1_800_000), ("60", 3_600_000), ("D", 86_400_000)];

/// The list of stocks.
const STOCKS: &str = r#"[{"currency":"USD","description":"SIMULATED STOCK","displaySymbol":"SIMS","symbol":"SIMS","type":"Common Stock"}]"#;

/// The root of all addresses.
const ROOT: &str = "/api/v1/";

/// Returns status and body of the answer to a request; `None` for an unknown path.
pub(super) fn answer(core: &Core, request: &HttpRequest) -> Option<(u16, String)> {
    let name = request.path.strip_prefix(ROOT)?;
    let answer = body(core, name, request);
    Some(answer.map_or_else(|status| (status, refusal(status)), |body| (200, body)))
}

/// Returns the venue's body for a status.
pub(super) fn refusal(status: u16) -> String {
    let words = match status {
        401 => "Invalid API key",
        403 => "You don't have access to this resource.",
        404 => "Not found",
        422 => "Wrong parameters",
        429 => "API limit reached. Please try again later. Remaining Limit: 0",
        _ => "Internal error",
    };
    json!({ "error": words }).to_string()
}

fn body(core: &Core, name: &str, request: &HttpRequest) -> Result<String, u16> {
    let HttpRequest { parameters, headers, .. } = request;
    let key = headers.get(KEY_HEADER).or(parameters.get("token")).map(String::as_str).unwrap_or_default();
    if !core.is_key_good(key) {
        return Err(401);
    }
    let market = &*core.market;
    match name {
        "crypto/symbol" | "forex/symbol" | "stock/symbol" if !parameters.contains_key("exchange") => return Err(422),
        "crypto/symbol" => return Ok(coins(market)),
        "forex/symbol" => return Ok("[]".to_owned()),
        "stock/symbol" => return Ok(STOCKS.to_owned()),
        _ => {}
    }
    let symbol = parameters.get("symbol").ok_or(422_u16)?;
    match name {
        "quote" => Ok(quote(&*core.market, symbol)),
        // Stocks have no exchange prefix, everything else has one.
        "stock/candle" => bars(&*core.market, symbol, !symbol.contains(':'), parameters),
        "crypto/candle" | "forex/candle" => bars(&*core.market, symbol, symbol.contains(':'), parameters),
        _ => Err(404),
    }
}

/// The whole market counts as coins of any exchange.
fn coins(market: &dyn Market) -> String {
    let row = |pair: &Pair| {
        let shown = format!("{}/{}", pair.base, pair.quote);
        json!({ "description": format!("Simulated {shown}"), "displaySymbol": shown, "symbol": pair.symbol })
    };
    json!(market.pairs().iter().map(row).collect::<Vec<_>>()).to_string()
}

/// All values are zero for an unknown symbol.
fn quote(market: &dyn Market, symbol: &str) -> String {
    let (Some(day), Some(last)) = (market.day(symbol), market.prints(symbol, 1).pop()) else {
        return r#"{"c":0,"d":null,"dp":null,"h":0,"l":0,"o":0,"pc":0,"t":0}"#.to_owned();
    };
    let [open, high, low, close] = [day.open, day.high, day.low, day.close].map(fixed::shortest);
    let change = day.close - day.open;
    let percent = fixed::show(fixed::quotient(change * 100, day.open), 4);
    let (change, time_s) = (fixed::shortest(change), last.time_ms.div_euclid(1_000));
    format!(r#"{{"c":{close},"d":{change},"dp":{percent},"h":{high},"l":{low},"o":{open},"pc":{open},"t":{time_s}}}"#)
}

fn bars(market: &dyn Market, symbol: &str, is_listed: bool, parameters: &Parameters) -> Result<String, u16> {
    let resolution = parameters.get("resolution").map(String::as_str);
    let length = RESOLUTIONS.into_iter().find(|(word, _)| Some(*word) == resolution);
    let millis = |name| parameters.get(name)?.parse::<i64>().ok()?.checked_mul(1_000);
    let (Some((_, length_ms)), Some(start_ms), Some(end_ms)) = (length, millis("from"), millis("to")) else {
        return Err(422);
    };
    let query =
        BarQuery { length_ms, start_ms: Some(start_ms), end_ms: Some(end_ms), limit: MOST_BARS, quiet: Quiet::Skipped };
    let bars = if is_listed { market.bars(symbol, &query) } else { Vec::new() };
    if bars.is_empty() {
        return Ok(r#"{"s":"no_data"}"#.to_owned());
    }
    let column = |text: fn(&Bar) -> String| bars.iter().map(text).collect::<Vec<_>>().join(",");
    let prices = [
        column(|bar| fixed::shortest(bar.close)),
        column(|bar| fixed::shortest(bar.high)),
        column(|bar| fixed::shortest(bar.low)),
        column(|bar| fixed::shortest(bar.open)),
    ];
    let [close, high, low, open] = prices;
    let time_s = column(|bar| bar.open_ms.div_euclid(1_000).to_string());
    let volume = column(|bar| fixed::shortest(bar.volume));
    let text =
        format!(r#"{{"c":[{close}],"h":[{high}],"l":[{low}],"o":[{open}],"s":"ok","t":[{time_s}],"v":[{volume}]}}"#);
    Ok(text)
}
