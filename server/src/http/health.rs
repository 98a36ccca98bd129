//! Health checks: `/healthz` shows that the process answers, `/readyz` that it accepts work, until a shutdown begins.

use axum::{Json, extract::State, http::StatusCode};
use serde_json::{Value, json};

use crate::shutdown::Shutdown;

/// `GET /healthz`.
pub async fn healthz() -> Json<Value> {
    Json(json!({ "status": "ok" }))
}

/// `GET /readyz`.
pub async fn readyz(State(shutdown): State<Shutdown>) -> (StatusCode, Json<Value>) {
    if shutdown.has_begun() {
        (StatusCode::SERVICE_UNAVAILABLE, Json(json!({ "status": "shutting_down" })))
    } else {
        (StatusCode::OK, Json(json!({ "status": "ready" })))
    }
}
