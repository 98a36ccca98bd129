//! The REST addresses under `/api/v1`: the day's figures and bars by columns, for whoever shows the key.
//!
//! Source: <https://finnhub.io/docs/api/quote>, `/crypto-candles`, `/rate-limit`. A plan without bars is a fault:
//! `rest_error:path=candle,code=403`. Not here: what was traded ([`super::Feed`]).

use std::sync::Arc;

use axum::{
    Router,
    extract::{Path, Query, RawQuery, State},
    http::HeaderMap,
    response::Response,
    routing::get,
};
use serde_json::json;

use super::{Feed, is_key_good};
use crate::{
    bars::{Bar, BarQuery},
    config::SimConfig,
    desk::{Answer, Asked, Desk, Parameters},
    fixed,
    sim::Shared,
};

/// Where the key stands, unless it is in the query.
const KEY_HEADER: &str = "x-finnhub-token";
/// Most bars of an answer.
const MOST_BARS: i64 = 5_000;
/// Lengths of bars, in milliseconds, by the venue's word.
const RESOLUTIONS: [(&str, i64); 6] =
    [("1", 60_000), ("5", 300_000), ("15", 900_000), ("30", 1_800_000), ("60", 3_600_000), ("D", 86_400_000)];

struct Face {
    desk: Desk,
    feed: Arc<dyn Feed>,
    config: SimConfig,
}

/// All REST routes.
pub(super) fn routes(shared: Arc<Shared>, feed: Arc<dyn Feed>) -> Router {
    let face = Face { config: shared.config.clone(), desk: Desk::new(shared, 429), feed };
    Router::new().route("/api/v1/{*name}", get(answer)).with_state(Arc::new(face))
}

async fn answer(
    State(face): State<Arc<Face>>,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
    Query(parameters): Query<Parameters>,
    headers: HeaderMap,
) -> Response {
    let asked = Asked { path: format!("/api/v1/{name}"), query, weight: 1 };
    let in_header = headers.get(KEY_HEADER).and_then(|value| value.to_str().ok());
    let key = in_header.or(parameters.get("token").map(String::as_str)).unwrap_or_default();
    face.desk.answer(asked, refusal, || face.body(&name, key, &parameters)).await.0
}

/// What the venue says with a status.
fn refusal(status: u16) -> Answer {
    let words = match status {
        401 => "Invalid API key",
        403 => "You don't have access to this resource.",
        404 => "Not found",
        422 => "Wrong parameters",
        429 => "API limit reached. Please try again later. Remaining Limit: 0",
        _ => "Internal error",
    };
    (status, json!({ "error": words }).to_string())
}

impl Face {
    fn body(&self, name: &str, key: &str, parameters: &Parameters) -> Answer {
        if !is_key_good(&self.config, key) {
            return refusal(401);
        }
        let Some(symbol) = parameters.get("symbol") else { return refusal(422) };
        match name {
            "quote" => (200, self.quote(symbol)),
            // Stocks have no exchange in front, everything else has.
            "stock/candle" => self.bars(symbol, !symbol.contains(':'), parameters),
            "crypto/candle" | "forex/candle" => self.bars(symbol, symbol.contains(':'), parameters),
            _ => refusal(404),
        }
    }

    /// Of an unknown symbol all figures are zero.
    fn quote(&self, symbol: &str) -> String {
        let Some(day) = self.feed.day(symbol) else {
            return r#"{"c":0,"d":null,"dp":null,"h":0,"l":0,"o":0,"pc":0,"t":0}"#.to_owned();
        };
        let [open, high, low, close] = [day.bar.open, day.bar.high, day.bar.low, day.bar.close].map(fixed::shortest);
        let change = day.bar.close - day.bar.open;
        let percent = fixed::show(fixed::quotient(change * 100, day.bar.open), 4);
        let (change, time_s) = (fixed::shortest(change), day.last_ms.div_euclid(1_000));
        format!(
            r#"{{"c":{close},"d":{change},"dp":{percent},"h":{high},"l":{low},"o":{open},"pc":{open},"t":{time_s}}}"#
        )
    }

    fn bars(&self, symbol: &str, is_listed: bool, parameters: &Parameters) -> Answer {
        let resolution = parameters.get("resolution").map(String::as_str);
        let length = RESOLUTIONS.into_iter().find(|(word, _)| Some(*word) == resolution);
        let millis = |name| parameters.get(name)?.parse::<i64>().ok()?.checked_mul(1_000);
        let (Some((_, length_ms)), Some(start_ms), Some(end_ms)) = (length, millis("from"), millis("to")) else {
            return refusal(422);
        };
        let query = BarQuery { length_ms, start_ms: Some(start_ms), end_ms: Some(end_ms), limit: MOST_BARS };
        let bars = if is_listed { self.feed.bars(symbol, &query) } else { Vec::new() };
        if bars.is_empty() {
            return (200, r#"{"s":"no_data"}"#.to_owned());
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
        let text = format!(
            r#"{{"c":[{close}],"h":[{high}],"l":[{low}],"o":[{open}],"s":"ok","t":[{time_s}],"v":[{volume}]}}"#
        );
        (200, text)
    }
}
