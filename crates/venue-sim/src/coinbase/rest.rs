//! The REST addresses under `/api/v3/brokerage/market`.

use serde_json::{Value, json};

use super::{encode, products};
use crate::{
    bars::{Bar, BarQuery, Print, Quiet},
    exchange::{HttpRequest, Parameters},
    fixed,
    ladder::Row,
    market::Market,
    moment,
};

/// The root of all addresses.
const ROOT: &str = "/api/v3/brokerage/market/";
/// Maximum candles in an answer.
const MOST_CANDLES: i64 = 350;
/// Maximum trades in an answer.
const MOST_TRADES: usize = 1_000;
/// Names and seconds of candle lengths.
const GRANULARITIES: [(&str, i64); 8] = [
    ("ONE_MINUTE", 60),
    ("FIVE_MINUTE", 300),
    ("FIFTEEN_MINUTE", 900),
    ("THIRTY_MINUTE", 1_800),
    ("ONE_HOUR", 3_600),
    ("TWO_HOUR", 7_200),
    ("SIX_HOUR", 21_600),
    ("ONE_DAY", 86_400),
];

/// Status, code and message of an error.
type Refusal = (u16, &'static str, String);

/// Returns status and body of the answer to a request; `None` for an unknown path.
pub(super) fn answer(market: &dyn Market, request: &HttpRequest) -> Option<(u16, String)> {
    let name = request.path.strip_prefix(ROOT)?;
    Some(match body(market, name, &request.parameters) {
        Ok(body) => (200, body.to_string()),
        Err(refusal) => (refusal.0, failed(refusal)),
    })
}

/// Returns the venue's body for a status.
pub(super) fn refusal(status: u16) -> String {
    match status {
        429 => failed((429, "RESOURCE_EXHAUSTED", "too many requests".to_owned())),
        status => failed((status, "INTERNAL", "internal error".to_owned())),
    }
}

fn failed((_, code, message): Refusal) -> String {
    json!({ "error": code, "error_details": message, "message": message }).to_string()
}

fn invalid(message: &str) -> Refusal {
    (400, "INVALID_ARGUMENT", message.to_owned())
}

fn body(market: &dyn Market, name: &str, parameters: &Parameters) -> Result<Value, Refusal> {
    let parts: Vec<&str> = name.split('/').collect();
    match parts.as_slice() {
        ["products"] => {
            let mut listed = products::listing(market);
            if let Some(wanted) = parameters.get("product_ids") {
                listed.retain(|product| product["product_id"] == wanted.as_str());
            }
            let n_all = listed.len();
            if let Some(limit) = number(parameters, "limit")?.filter(|limit| *limit > 0) {
                listed.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
            }
            Ok(json!({ "products": listed, "num_products": n_all }))
        }
        ["products", product] => {
            let listed = products::listing(market);
            let found = listed.into_iter().find(|one| one["product_id"] == *product);
            found.ok_or_else(|| unknown(product))
        }
        ["products", product, "candles"] => candles(market, product, parameters),
        ["products", product, "ticker"] => {
            let target = target(market, product)?;
            let limit = number(parameters, "limit")?.unwrap_or(100).clamp(1, MOST_TRADES as i64);
            let prints = market.prints(&target, usize::try_from(limit).unwrap_or(MOST_TRADES));
            let trades: Vec<Value> = prints.iter().rev().map(|print: &Print| encode::trade(product, print)).collect();
            let (bids, asks) = market.top(&target, 1);
            let best = |rows: &[Row]| rows.first().map(|row| row.0.clone()).unwrap_or_default();
            Ok(json!({ "trades": trades, "best_bid": best(&bids), "best_ask": best(&asks) }))
        }
        ["product_book"] => {
            let product = parameters.get("product_id").ok_or_else(|| invalid("product_id is missing"))?;
            book(market, product, number(parameters, "limit")?)
        }
        _ => Err((404, "NOT_FOUND", "no such address".to_owned())),
    }
}

fn target(market: &dyn Market, product: &str) -> Result<String, Refusal> {
    products::target(market, product).ok_or_else(|| unknown(product))
}

/// Candles, newest first; start and end are required.
fn candles(market: &dyn Market, product: &str, parameters: &Parameters) -> Result<Value, Refusal> {
    let target = target(market, product)?;
    let granularity = parameters.get("granularity").ok_or_else(|| invalid("granularity is missing"))?;
    let known = GRANULARITIES.iter().find(|(name, _)| name == granularity);
    let length_s = known.map(|(_, seconds)| *seconds).ok_or_else(|| invalid("unknown granularity"))?;
    let (Some(start), Some(end)) = (number(parameters, "start")?, number(parameters, "end")?) else {
        return Err(invalid("start and end are needed"));
    };
    if end.saturating_sub(start) / length_s > MOST_CANDLES {
        return Err(invalid("number of candles requested should be less than 350"));
    }
    let query = [("granularity", granularity.as_str())];
    if let Some(recorded) = market.recorded_answer(&format!("/products/{product}/candles"), &query) {
        return serde_json::from_str(recorded).map_err(|_| (500, "INTERNAL", "the recorded body is broken".to_owned()));
    }
    let query = BarQuery {
        length_ms: length_s * 1_000,
        start_ms: Some(start.saturating_mul(1_000)),
        end_ms: Some(end.saturating_mul(1_000)),
        limit: MOST_CANDLES,
        quiet: Quiet::Skipped,
    };
    let bars: Vec<Bar> = market.bars(&target, &query);
    Ok(json!({ "candles": bars.iter().rev().map(encode::candle).collect::<Vec<_>>() }))
}

fn book(market: &dyn Market, product: &str, limit: Option<i64>) -> Result<Value, Refusal> {
    let target = target(market, product)?;
    let depth = limit.filter(|limit| *limit > 0).and_then(|limit| usize::try_from(limit).ok()).unwrap_or(usize::MAX);
    let (bids, asks) = market.top(&target, depth);
    let rows =
        |rows: &[Row]| -> Value { rows.iter().map(|(price, size)| json!({ "price": price, "size": size })).collect() };
    let best = |rows: &[Row]| rows.first().and_then(|row| fixed::parse(&row.0)).unwrap_or(0);
    let (bid, ask) = (best(&bids), best(&asks));
    let mid = (bid + ask) / 2;
    Ok(json!({
        "pricebook": {
            "product_id": product,
            "bids": rows(&bids),
            "asks": rows(&asks),
            "time": moment::show(market.now(), 6),
        },
        "last": fixed::shortest(market.prints(&target, 1).pop().map_or(mid, |print| print.price)),
        "mid_market": fixed::shortest(mid),
        "spread_bps": fixed::shortest(fixed::quotient((ask - bid) * 10_000, mid)),
        "spread_absolute": fixed::shortest(ask - bid),
    }))
}

fn unknown(product: &str) -> Refusal {
    (404, "NOT_FOUND", format!("valid product_id is required, not {product}"))
}

fn number(parameters: &Parameters, name: &str) -> Result<Option<i64>, Refusal> {
    parameters.get(name).map(|text| text.parse().map_err(|_| invalid(&format!("{name} is not a number")))).transpose()
}
