//! `POST /api/v1/paint`: how long a page's updates took to the painted pixel, once a minute, for the metrics.
//!
//! The numbers are a browser's word. They are counted and nothing else, and one report counts for at most
//! [`MAX_PAINTS`].

use axum::{
    Json,
    extract::{State, rejection::JsonRejection},
};
use model::histogram::DelayCounts;

use super::{
    api_router::ApiRouter,
    body,
    error::ApiError,
    error_code::ErrorCode,
    operation::{Needs, Operation, Tag},
};
use crate::metrics::Metrics;

/// Returns the route of the reports.
pub fn routes() -> ApiRouter {
    ApiRouter::default().operation(
        Operation::post("/api/v1/paint", Needs::VIEWER, Tag::Server, "Report delays to the painted pixel")
            .text("Pages send one a minute.")
            .body::<DelayCounts>()
            .answer::<DelayCounts>("The report as it was counted.")
            .errors(&[ErrorCode::BadBody, ErrorCode::BadParameter]),
        report,
    )
}

/// Counts a report, and returns it.
pub async fn report(
    State(metrics): State<Metrics>,
    json: Result<Json<DelayCounts>, JsonRejection>,
) -> Result<Json<DelayCounts>, ApiError> {
    let Json(delays) =
        json.map_err(|rejection| body::refusal(&rejection, |detail| ApiError::BadBody { detail, example: EXAMPLE }))?;
    let n_paints = delays.counts.iter().try_fold(0_u64, |sum, count| sum.checked_add(*count));
    let is_possible = n_paints.is_some_and(|n| n <= MAX_PAINTS && delays.sum_us / LONGEST_US <= n);
    if !is_possible {
        return Err(ApiError::BadParameter {
            parameter: "counts",
            remedy: format!("report at most {MAX_PAINTS} paints"),
        });
    }
    metrics.counters().browsers.paint.add(&delays.counts, delays.sum_us);
    Ok(Json(delays))
}

/// More than a page keeps.
const MAX_PAINTS: u64 = 10_000;
/// A minute: pages drop what waits longer.
const LONGEST_US: u64 = 60_000_000;
const EXAMPLE: &str = r#"{"counts":[0,0,12,3,0,0,0,0,0],"sum_us":310000}"#;
