//! The REST addresses under `/api/v3`, with the venue's error bodies, weights and `Retry-After`.

use serde_json::{Value, json};

use super::{eight, encode, exchange_info, stream::interval_ms};
use crate::{
    bars::{Bar, BarQuery, Print, Quiet},
    exchange::{HttpRequest, Parameters},
    fixed,
    ladder::Row,
    market::Market,
};

/// The root of all addresses.
const ROOT: &str = "/api/v3/";

/// An error in the venue's wording.
struct Refusal {
    status: u16,
    code: i32,
    message: String,
}

fn invalid(code: i32, message: impl Into<String>) -> Refusal {
    Refusal { status: 400, code, message: message.into() }
}

/// Returns status and body of the answer to a request; `None` for an unknown path.
pub(super) fn answer(market: &dyn Market, request: &HttpRequest) -> Option<(u16, String)> {
    let name = request.path.strip_prefix(ROOT)?;
    Some(match body(market, name, &request.parameters) {
        Ok(body) => (200, body.to_string()),
        Err(refusal) => (refusal.status, refusal.body()),
    })
}

impl Refusal {
    fn body(self) -> String {
        json!({ "code": self.code, "msg": self.message }).to_string()
    }
}

/// Returns the venue's body for a refusal with a status.
pub(super) fn refusal(status: u16) -> String {
    let (code, message) = match status {
        418 => (-1003, "Way too much request weight used; IP banned."),
        429 => (-1003, "Too much request weight used; please use the websocket for live updates."),
        403 => (-1002, "Request blocked."),
        451 => (0, "Service unavailable from a restricted location according to the terms of use."),
        _ => (-1001, "Internal error; unable to process your request. Please try again."),
    };
    Refusal { status, code, message: message.to_owned() }.body()
}

/// Returns the weight of a request as documented.
pub(super) fn weight(request: &HttpRequest) -> u32 {
    let (name, parameters) = (request.path.strip_prefix(ROOT).unwrap_or_default(), &request.parameters);
    let limit = parameters.get("limit").and_then(|limit| limit.parse().ok()).unwrap_or(100_u32);
    let has_symbol = parameters.contains_key("symbol");
    match name {
        "depth" if limit > 1_000 => 250,
        "depth" if limit > 500 => 50,
        "depth" if limit > 100 => 25,
        "depth" => 5,
        "trades" => 25,
        "aggTrades" => 4,
        "klines" => 2,
        "ticker/24hr" if !has_symbol => 80,
        "ticker/24hr" => 2,
        "exchangeInfo" => 20,
        _ => 1,
    }
}

fn body(market: &dyn Market, name: &str, parameters: &Parameters) -> Result<Value, Refusal> {
    let symbol = || {
        let symbol = parameters.get("symbol").filter(|symbol| !symbol.is_empty()).ok_or_else(|| missing("symbol"))?;
        market.pair(symbol).map(|pair| pair.symbol.as_str()).ok_or_else(unknown_symbol)
    };
    let prints = || Ok(market.prints(symbol()?, limit(parameters, 500, 1_000)?));
    match name {
        "ping" => Ok(json!({})),
        "time" => Ok(json!({ "serverTime": market.now().as_millis() })),
        "exchangeInfo" => {
            let recorded = market.recorded_answer("/api/v3/exchangeInfo", &[]);
            let body = recorded.and_then(|body| serde_json::from_str(body).ok());
            let body = body.unwrap_or_else(|| exchange_info::body(market.pairs(), market.now().as_millis()));
            let wanted = symbols(parameters)?;
            if wanted.is_empty() { Ok(body) } else { exchange_info::only(body, &wanted).ok_or_else(unknown_symbol) }
        }
        "depth" => {
            let (symbol, limit) = (symbol()?, limit(parameters, 100, 5_000)?);
            Ok(encode::depth(market.update_id(symbol), &market.top(symbol, limit)))
        }
        "klines" => {
            let symbol = symbol()?;
            let name = parameters.get("interval").ok_or_else(|| missing("interval"))?;
            let query = BarQuery {
                length_ms: interval_ms(name).ok_or_else(|| invalid(-1120, "Invalid interval."))?,
                start_ms: number(parameters, "startTime")?,
                end_ms: number(parameters, "endTime")?,
                limit: limit(parameters, 500, 1_000)? as i64,
                quiet: Quiet::Flat,
            };
            Ok(market.bars(symbol, &query).iter().map(|bar| kline(bar, query.length_ms)).collect())
        }
        "trades" => Ok(prints()?.iter().map(trade).collect()),
        "aggTrades" => Ok(prints()?.iter().map(aggregate_trade).collect()),
        "ticker/24hr" if parameters.contains_key("symbol") => Ok(day(market, symbol()?)),
        "ticker/24hr" => {
            let mut wanted = symbols(parameters)?;
            if wanted.iter().any(|symbol| market.pair(symbol).is_none()) {
                return Err(unknown_symbol());
            }
            if wanted.is_empty() {
                wanted = market.pairs().iter().map(|pair| pair.symbol.clone()).collect();
            }
            Ok(wanted.iter().map(|symbol| day(market, symbol)).collect())
        }
        _ => Err(Refusal { status: 404, code: -1, message: "no such address".to_owned() }),
    }
}

/// Statistics of the last 24 hours; all zero before the first trade, as for a symbol that does not trade.
fn day(market: &dyn Market, symbol: &str) -> Value {
    let (now_ms, bar, last) = (market.now().as_millis(), market.day(symbol), market.prints(symbol, 1).pop());
    let (bids, asks) = market.top(symbol, 1);
    let show = |pick: fn(&Bar) -> i128| eight(bar.as_ref().map_or(0, pick));
    let best = |rows: &[Row]| rows.first().cloned().unwrap_or_else(|| (eight(0), eight(0)));
    let (bid, ask) = (best(&bids), best(&asks));
    let (n_trades, last_id) = (bar.as_ref().map_or(0, |bar| bar.n_trades), last.as_ref().map_or(0, |print| print.id));
    json!({
        "symbol": symbol,
        "priceChange": show(|bar| bar.close - bar.open),
        "priceChangePercent": bar.as_ref().map_or_else(|| "0.000".to_owned(), encode::percent),
        "weightedAvgPrice": show(|bar| fixed::quotient(bar.quote_volume, bar.volume)),
        "prevClosePrice": show(|bar| bar.open),
        "lastPrice": show(|bar| bar.close),
        "lastQty": eight(last.as_ref().map_or(0, |print| print.quantity)),
        "bidPrice": bid.0, "bidQty": bid.1, "askPrice": ask.0, "askQty": ask.1,
        "openPrice": show(|bar| bar.open),
        "highPrice": show(|bar| bar.high),
        "lowPrice": show(|bar| bar.low),
        "volume": show(|bar| bar.volume),
        "quoteVolume": show(|bar| bar.quote_volume),
        "openTime": now_ms - 86_400_000,
        "closeTime": now_ms,
        "firstId": last_id.saturating_sub(n_trades.saturating_sub(1)),
        "lastId": last_id,
        "count": n_trades,
    })
}

fn unknown_symbol() -> Refusal {
    invalid(-1121, "Invalid symbol.")
}

fn missing(name: &str) -> Refusal {
    invalid(-1102, format!("Mandatory parameter '{name}' was not sent, was empty/null, or malformed."))
}

/// Reads `symbol=A` or `symbols=["A","B"]`; empty if neither is given.
fn symbols(parameters: &Parameters) -> Result<Vec<String>, Refusal> {
    match (parameters.get("symbol"), parameters.get("symbols")) {
        (Some(symbol), None) => Ok(vec![symbol.clone()]),
        (None, Some(list)) => serde_json::from_str(list).map_err(|_| missing("symbols")),
        (None, None) => Ok(Vec::new()),
        _ => Err(invalid(-1128, "Combination of optional parameters invalid.")),
    }
}

fn number(parameters: &Parameters, name: &str) -> Result<Option<i64>, Refusal> {
    let malformed = |_| invalid(-1100, format!("Illegal characters found in parameter '{name}'."));
    parameters.get(name).map(|text| text.parse().map_err(malformed)).transpose()
}

/// Reads the limit; values above the maximum count as the maximum.
fn limit(parameters: &Parameters, default: usize, most: usize) -> Result<usize, Refusal> {
    match number(parameters, "limit")? {
        None => Ok(default),
        Some(limit) if limit > 0 => Ok(usize::try_from(limit).unwrap_or(most).min(most)),
        Some(_) => Err(invalid(-1130, "Data sent for parameter 'limit' is not valid.")),
    }
}

fn kline(bar: &Bar, length_ms: i64) -> Value {
    let show = eight;
    json!([
        bar.open_ms,
        show(bar.open),
        show(bar.high),
        show(bar.low),
        show(bar.close),
        show(bar.volume),
        bar.open_ms + length_ms - 1,
        show(bar.quote_volume),
        bar.n_trades,
        show(bar.taker_volume),
        show(bar.taker_quote_volume),
        "0",
    ])
}

fn trade(print: &Print) -> Value {
    json!({
        "id": print.id, "price": eight(print.price), "qty": eight(print.quantity),
        "quoteQty": eight(fixed::product(print.price, print.quantity)), "time": print.time_ms,
        "isBuyerMaker": print.is_buyer_maker, "isBestMatch": true,
    })
}

fn aggregate_trade(print: &Print) -> Value {
    json!({
        "a": print.id, "p": eight(print.price), "q": eight(print.quantity), "f": print.id, "l": print.id,
        "T": print.time_ms, "m": print.is_buyer_maker, "M": true,
    })
}
