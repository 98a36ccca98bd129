//! `GET /metrics`: what monitors read, as OpenMetrics text for those who accept it, otherwise in Prometheus' older form.

use axum::{
    extract::State,
    http::{HeaderMap, HeaderName, header},
};

use super::{
    api_router::ApiRouter,
    operation::{Content, Needs, Operation, Tag},
};
use crate::metrics::{Metrics, TextForm};

/// Returns the route of the metrics.
pub fn routes() -> ApiRouter {
    let forms = vec![Content::other("text/plain"), Content::other("application/openmetrics-text")];
    ApiRouter::default().operation(
        Operation::get("/metrics", Needs::VIEWER, Tag::Server, "Metrics for monitors")
            .text("OpenMetrics for those who accept it, otherwise Prometheus' older text.")
            .answer_of(200, "All metrics.", forms),
        show,
    )
}

/// Returns all metrics as they are now.
pub async fn show(State(metrics): State<Metrics>, headers: HeaderMap) -> ([(HeaderName, &'static str); 1], String) {
    let accepted = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (media_type, form) = match accepted.contains("application/openmetrics-text") {
        true => (OPEN_METRICS, TextForm::OpenMetrics),
        false => (PROMETHEUS, TextForm::Prometheus),
    };
    ([(header::CONTENT_TYPE, media_type)], metrics.text(form))
}

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
const PROMETHEUS: &str = "text/plain; version=0.0.4; charset=utf-8";
