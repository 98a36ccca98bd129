//! Health checks: `/healthz` shows that the process answers, `/readyz` that it accepts work, until a shutdown begins.

use axum::{Json, extract::State, http::StatusCode};
use schemars::JsonSchema;
use serde::Serialize;

use super::{
    api_router::ApiRouter,
    operation::{Content, Needs, Operation, Shape, Tag},
};
use crate::shutdown::Shutdown;

/// Returns the routes of health checks.
pub fn routes() -> ApiRouter {
    let body = || vec![Content::json(Shape::Type(super::documents::schemas::Schemas::answer::<Health>))];
    ApiRouter::default()
        .operation(
            Operation::get("/healthz", Needs::Public, Tag::Server, "Whether the process answers")
                .answer::<Health>("It does."),
            healthz,
        )
        .operation(
            Operation::get("/readyz", Needs::Public, Tag::Server, "Whether the server accepts work")
                .answer::<Health>("It does.")
                .answer_of(503, "It is shutting down, or has no free connection.", body()),
            readyz,
        )
}

/// The state of the process.
#[derive(Serialize, JsonSchema)]
pub struct Health {
    status: HealthStatus,
}

/// The state in one word.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum HealthStatus {
    /// The process answers.
    Ok,
    /// The server accepts work.
    Ready,
    /// A shutdown has begun.
    ShuttingDown,
}

/// `GET /healthz`.
pub async fn healthz() -> Json<Health> {
    Json(Health { status: HealthStatus::Ok })
}

/// `GET /readyz`.
pub async fn readyz(State(shutdown): State<Shutdown>) -> (StatusCode, Json<Health>) {
    if shutdown.has_begun() {
        (StatusCode::SERVICE_UNAVAILABLE, Json(Health { status: HealthStatus::ShuttingDown }))
    } else {
        (StatusCode::OK, Json(Health { status: HealthStatus::Ready }))
    }
}
