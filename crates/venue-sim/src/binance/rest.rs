//! The REST addresses under `/api/v3`, with the venue's error bodies, weights and `Retry-After`.

use std::sync::Arc;

use axum::{
    Router,
    extract::{Path, Query, RawQuery, State},
    http::HeaderValue,
    response::Response,
    routing::get,
};
use serde::Serialize;
use serde_json::{Value, json};

use super::{
    exchange_info, fixed,
    market::{Depth, Market, interval_ms},
};
use crate::{
    bars::{Bar, BarQuery, Print},
    desk::{Answer, Asked, Desk, Parameters},
    ladder::Row,
    sim::Shared,
};

/// What the handlers share.
struct Face {
    desk: Desk,
    market: Arc<dyn Market>,
}

/// An error as the venue words it.
struct Refusal {
    status: u16,
    code: i32,
    message: String,
}

fn refusal(code: i32, message: impl Into<String>) -> Refusal {
    Refusal { status: 400, code, message: message.into() }
}

/// All REST routes.
pub(super) fn routes(shared: Arc<Shared>, market: Arc<dyn Market>) -> Router {
    let face = Face { desk: Desk::new(shared, 429), market };
    Router::new().route("/api/v3/{*name}", get(answer)).with_state(Arc::new(face))
}

async fn answer(
    State(face): State<Arc<Face>>,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
    Query(parameters): Query<Parameters>,
) -> Response {
    let asked = Asked { path: format!("/api/v3/{name}"), query, weight: weight(&name, &parameters) };
    let (mut response, used) = face
        .desk
        .answer(
            asked,
            |status| faulty(status).answer(),
            || match face.body(&name, &parameters) {
                Ok(body) => (200, body),
                Err(refusal) => refusal.answer(),
            },
        )
        .await;
    let headers = response.headers_mut();
    headers.insert("x-mbx-used-weight-1m", HeaderValue::from(used));
    headers.insert("x-mbx-used-weight", HeaderValue::from(used));
    response
}

impl Refusal {
    fn answer(self) -> Answer {
        (self.status, json!({ "code": self.code, "msg": self.message }).to_string())
    }
}

/// What the venue says when it refuses for a reason of its own.
fn faulty(status: u16) -> Refusal {
    let (code, message) = match status {
        418 => (-1003, "Way too much request weight used; IP banned."),
        429 => (-1003, "Too much request weight used; please use the websocket for live updates."),
        403 => (-1002, "Request blocked."),
        451 => (0, "Service unavailable from a restricted location according to the terms of use."),
        _ => (-1001, "Internal error; unable to process your request. Please try again."),
    };
    Refusal { status, code, message: message.to_owned() }
}

/// Weights as documented.
fn weight(name: &str, parameters: &Parameters) -> u32 {
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

impl Face {
    fn body(&self, name: &str, parameters: &Parameters) -> Result<String, Refusal> {
        let market = &self.market;
        match name {
            "ping" => Ok("{}".to_owned()),
            "time" => Ok(json!({ "serverTime": market.now_ms() }).to_string()),
            "exchangeInfo" => {
                let body = market.exchange_info();
                let wanted = symbols(parameters)?;
                let body = if wanted.is_empty() { Some(body) } else { exchange_info::only(body, &wanted) };
                Ok(body.ok_or_else(unknown_symbol)?.to_string())
            }
            "depth" => {
                let depth = market.depth(&symbol(parameters)?, limit(parameters, 100, 5_000)?);
                Ok(text(&DepthBody::from(depth.ok_or_else(unknown_symbol)?)))
            }
            "klines" => {
                let symbol = symbol(parameters)?;
                let name = parameters.get("interval").ok_or_else(|| missing("interval"))?;
                let query = BarQuery {
                    length_ms: interval_ms(name).ok_or_else(|| refusal(-1120, "Invalid interval."))?,
                    start_ms: number(parameters, "startTime")?,
                    end_ms: number(parameters, "endTime")?,
                    limit: limit(parameters, 500, 1_000)? as i64,
                };
                let bars = market.klines(&symbol, &query).ok_or_else(unknown_symbol)?;
                Ok(Value::Array(bars.iter().map(|bar| kline(bar, query.length_ms)).collect()).to_string())
            }
            "trades" => {
                let prints = market.prints(&symbol(parameters)?, limit(parameters, 500, 1_000)?);
                Ok(text(&prints.ok_or_else(unknown_symbol)?.iter().map(TradeBody::from).collect::<Vec<_>>()))
            }
            "aggTrades" => {
                let prints = market.prints(&symbol(parameters)?, limit(parameters, 500, 1_000)?);
                Ok(text(&prints.ok_or_else(unknown_symbol)?.iter().map(AggregateBody::from).collect::<Vec<_>>()))
            }
            "ticker/24hr" => {
                let wanted = symbols(parameters)?;
                let known = market.symbols();
                if let [one] = wanted.as_slice()
                    && parameters.contains_key("symbol")
                {
                    let is_known = known.contains(one);
                    return self.day(one).filter(|_| is_known).map(|day| day.to_string()).ok_or_else(unknown_symbol);
                }
                if wanted.iter().any(|symbol| !known.contains(symbol)) {
                    return Err(unknown_symbol());
                }
                let wanted = if wanted.is_empty() { known } else { wanted };
                Ok(Value::Array(wanted.iter().filter_map(|symbol| self.day(symbol)).collect()).to_string())
            }
            _ => Err(Refusal { status: 404, code: -1, message: "no such address".to_owned() }),
        }
    }

    /// Figures of the last 24 hours; all zero before the first trade, as for a symbol that does not trade.
    fn day(&self, symbol: &str) -> Option<Value> {
        let top = self.market.depth(symbol, 1)?;
        let now_ms = self.market.now_ms();
        let show = |pick: fn(&Bar) -> i128, bar: &Option<Bar>| fixed::show(bar.as_ref().map_or(0, pick));
        let bar = self.market.day(symbol);
        let row = |rows: &[Row]| rows.first().cloned().unwrap_or_else(|| (fixed::show(0), fixed::show(0)));
        let (bid, ask) = (row(&top.bids), row(&top.asks));
        let last = self.market.prints(symbol, 1).unwrap_or_default().pop();
        let percent = |bar: &Bar| if bar.open == 0 { 0 } else { (bar.close - bar.open) * 100_000 / bar.open };
        Some(json!({
            "symbol": symbol,
            "priceChange": show(|bar| bar.close - bar.open, &bar),
            "priceChangePercent": format!("{:.3}", bar.as_ref().map_or(0, percent) as f64 / 1_000.0),
            "weightedAvgPrice": show(|bar| fixed::quotient(bar.quote_volume, bar.volume), &bar),
            "prevClosePrice": show(|bar| bar.open, &bar),
            "lastPrice": show(|bar| bar.close, &bar),
            "lastQty": fixed::show(last.as_ref().map_or(0, |print| print.quantity)),
            "bidPrice": bid.0, "bidQty": bid.1, "askPrice": ask.0, "askQty": ask.1,
            "openPrice": show(|bar| bar.open, &bar),
            "highPrice": show(|bar| bar.high, &bar),
            "lowPrice": show(|bar| bar.low, &bar),
            "volume": show(|bar| bar.volume, &bar),
            "quoteVolume": show(|bar| bar.quote_volume, &bar),
            "openTime": now_ms - 86_400_000,
            "closeTime": now_ms,
            "firstId": last.as_ref().map_or(0, |print| print.id.saturating_sub(bar.as_ref().map_or(0, |bar| bar.n_trades.saturating_sub(1)))),
            "lastId": last.as_ref().map_or(0, |print| print.id),
            "count": bar.as_ref().map_or(0, |bar| bar.n_trades),
        }))
    }
}

fn unknown_symbol() -> Refusal {
    refusal(-1121, "Invalid symbol.")
}

fn missing(name: &str) -> Refusal {
    refusal(-1102, format!("Mandatory parameter '{name}' was not sent, was empty/null, or malformed."))
}

fn symbol(parameters: &Parameters) -> Result<String, Refusal> {
    parameters.get("symbol").filter(|symbol| !symbol.is_empty()).cloned().ok_or_else(|| missing("symbol"))
}

/// `symbol=A` or `symbols=["A","B"]`; none where neither is given.
fn symbols(parameters: &Parameters) -> Result<Vec<String>, Refusal> {
    match (parameters.get("symbol"), parameters.get("symbols")) {
        (Some(symbol), None) => Ok(vec![symbol.clone()]),
        (None, Some(list)) => serde_json::from_str(list).map_err(|_| missing("symbols")),
        (None, None) => Ok(Vec::new()),
        _ => Err(refusal(-1128, "Combination of optional parameters invalid.")),
    }
}

fn number(parameters: &Parameters, name: &str) -> Result<Option<i64>, Refusal> {
    let malformed = |_| refusal(-1100, format!("Illegal characters found in parameter '{name}'."));
    parameters.get(name).map(|text| text.parse().map_err(malformed)).transpose()
}

/// Values above the most allowed count as the most allowed.
fn limit(parameters: &Parameters, default: usize, most: usize) -> Result<usize, Refusal> {
    match number(parameters, "limit")? {
        None => Ok(default),
        Some(limit) if limit > 0 => Ok(usize::try_from(limit).unwrap_or(most).min(most)),
        Some(_) => Err(refusal(-1130, "Data sent for parameter 'limit' is not valid.")),
    }
}

fn text(body: &impl Serialize) -> String {
    serde_json::to_string(body).unwrap_or_default()
}

fn kline(bar: &Bar, length_ms: i64) -> Value {
    let show = fixed::show;
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

/// Field order as on the wire.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DepthBody {
    last_update_id: u64,
    bids: Vec<Row>,
    asks: Vec<Row>,
}

impl From<Depth> for DepthBody {
    fn from(depth: Depth) -> Self {
        Self { last_update_id: depth.last_update_id, bids: depth.bids, asks: depth.asks }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TradeBody {
    id: u64,
    price: String,
    qty: String,
    quote_qty: String,
    time: i64,
    is_buyer_maker: bool,
    is_best_match: bool,
}

impl From<&Print> for TradeBody {
    fn from(print: &Print) -> Self {
        Self {
            id: print.id,
            price: fixed::show(print.price),
            qty: fixed::show(print.quantity),
            quote_qty: fixed::show(fixed::product(print.price, print.quantity)),
            time: print.time_ms,
            is_buyer_maker: print.is_buyer_maker,
            is_best_match: true,
        }
    }
}

#[derive(Serialize)]
#[expect(non_snake_case, reason = "the venue tells `t` from `T`")]
struct AggregateBody {
    a: u64,
    p: String,
    q: String,
    f: u64,
    l: u64,
    T: i64,
    m: bool,
    M: bool,
}

impl From<&Print> for AggregateBody {
    fn from(print: &Print) -> Self {
        Self {
            a: print.id,
            p: fixed::show(print.price),
            q: fixed::show(print.quantity),
            f: print.id,
            l: print.id,
            T: print.time_ms,
            m: print.is_buyer_maker,
            M: true,
        }
    }
}
