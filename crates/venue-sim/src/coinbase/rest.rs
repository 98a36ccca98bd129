//! The REST addresses under `/api/v3/brokerage/market`.

use std::sync::Arc;

use axum::{
    Router,
    extract::{Path, Query, RawQuery, State},
    response::Response,
    routing::get,
};
use serde_json::{Value, json};

use super::{Feed, encode, products};
use crate::{
    bars::{Bar, BarQuery, Print},
    desk::{Answer, Asked, Desk, Parameters},
    fixed,
    ladder::Row,
    moment,
    sim::Shared,
};

/// Where all addresses begin.
const ROOT: &str = "/api/v3/brokerage/market";
/// Candles of one answer.
const MOST_CANDLES: i64 = 350;
/// Trades of one answer.
const MOST_TRADES: usize = 1_000;
/// Names and seconds of a candle's lengths.
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

struct Face {
    desk: Desk,
    feed: Arc<dyn Feed>,
}

/// Status and words of an error.
type Refusal = (u16, &'static str, String);

/// All REST routes.
pub(super) fn routes(shared: Arc<Shared>, feed: Arc<dyn Feed>) -> Router {
    let face = Face { desk: Desk::new(shared, 429), feed };
    Router::new().route("/api/v3/brokerage/market/{*name}", get(answer)).with_state(Arc::new(face))
}

async fn answer(
    State(face): State<Arc<Face>>,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
    Query(parameters): Query<Parameters>,
) -> Response {
    let asked = Asked { path: format!("{ROOT}/{name}"), query, weight: 1 };
    let refused = |status| match status {
        429 => failed((429, "RESOURCE_EXHAUSTED", "too many requests".to_owned())),
        status => failed((status, "INTERNAL", "internal error".to_owned())),
    };
    let body = || match face.body(&name, &parameters) {
        Ok(body) => (200, body.to_string()),
        Err(refusal) => failed(refusal),
    };
    face.desk.answer(asked, refused, body).await.0
}

fn failed((status, code, message): Refusal) -> Answer {
    (status, json!({ "error": code, "error_details": message, "message": message }).to_string())
}

fn invalid(message: &str) -> Refusal {
    (400, "INVALID_ARGUMENT", message.to_owned())
}

impl Face {
    fn body(&self, name: &str, parameters: &Parameters) -> Result<Value, Refusal> {
        let parts: Vec<&str> = name.split('/').collect();
        match parts.as_slice() {
            ["products"] => {
                let mut listed = products::listing(&*self.feed);
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
                let listed = products::listing(&*self.feed);
                let found = listed.into_iter().find(|one| one["product_id"] == *product);
                found.ok_or_else(|| unknown(product))
            }
            ["products", product, "candles"] => self.candles(product, parameters),
            ["products", product, "ticker"] => {
                let target = self.target(product)?;
                let limit = number(parameters, "limit")?.unwrap_or(100).clamp(1, MOST_TRADES as i64);
                let prints = self.feed.prints(&target, usize::try_from(limit).unwrap_or(MOST_TRADES));
                let trades: Vec<Value> =
                    prints.iter().rev().map(|print: &Print| encode::trade(product, print)).collect();
                let (bids, asks) = self.feed.ladder(&target).unwrap_or_default().top(1);
                let best = |rows: &[Row]| rows.first().map(|row| row.0.clone()).unwrap_or_default();
                Ok(json!({ "trades": trades, "best_bid": best(&bids), "best_ask": best(&asks) }))
            }
            ["product_book"] => {
                let product = parameters.get("product_id").ok_or_else(|| invalid("product_id is missing"))?;
                self.book(product, number(parameters, "limit")?)
            }
            _ => Err((404, "NOT_FOUND", "no such address".to_owned())),
        }
    }

    fn target(&self, product: &str) -> Result<String, Refusal> {
        products::target(&*self.feed, product).ok_or_else(|| unknown(product))
    }

    /// Newest first; from and to are needed.
    fn candles(&self, product: &str, parameters: &Parameters) -> Result<Value, Refusal> {
        let target = self.target(product)?;
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
        if let Some(recorded) = self.feed.recorded(&format!("/products/{product}/candles"), &query) {
            return serde_json::from_str(&recorded)
                .map_err(|_| (500, "INTERNAL", "the recorded body is broken".to_owned()));
        }
        let query = BarQuery {
            length_ms: length_s * 1_000,
            start_ms: Some(start.saturating_mul(1_000)),
            end_ms: Some(end.saturating_mul(1_000)),
            limit: MOST_CANDLES,
        };
        let bars: Vec<Bar> = self.feed.bars(&target, &query);
        Ok(json!({ "candles": bars.iter().rev().map(encode::candle).collect::<Vec<_>>() }))
    }

    fn book(&self, product: &str, limit: Option<i64>) -> Result<Value, Refusal> {
        let target = self.target(product)?;
        let depth =
            limit.filter(|limit| *limit > 0).and_then(|limit| usize::try_from(limit).ok()).unwrap_or(usize::MAX);
        let (bids, asks) = self.feed.ladder(&target).unwrap_or_default().top(depth);
        let rows = |rows: &[Row]| -> Value {
            rows.iter().map(|(price, size)| json!({ "price": price, "size": size })).collect()
        };
        let best = |rows: &[Row]| rows.first().and_then(|row| fixed::parse(&row.0)).unwrap_or(0);
        let (bid, ask) = (best(&bids), best(&asks));
        let mid = (bid + ask) / 2;
        Ok(json!({
            "pricebook": {
                "product_id": product,
                "bids": rows(&bids),
                "asks": rows(&asks),
                "time": moment::show(self.feed.now(), 6),
            },
            "last": fixed::shortest(self.feed.prints(&target, 1).pop().map_or(mid, |print| print.price)),
            "mid_market": fixed::shortest(mid),
            "spread_bps": fixed::shortest(fixed::quotient((ask - bid) * 10_000, mid)),
            "spread_absolute": fixed::shortest(ask - bid),
        }))
    }
}

fn unknown(product: &str) -> Refusal {
    (404, "NOT_FOUND", format!("valid product_id is required, not {product}"))
}

fn number(parameters: &Parameters, name: &str) -> Result<Option<i64>, Refusal> {
    parameters.get(name).map(|text| text.parse().map_err(|_| invalid(&format!("{name} is no number")))).transpose()
}
