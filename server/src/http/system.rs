//! `GET /api/v1/system`: the server's health, and the last hour of its figures.

use axum::{Json, extract::State};
use topics::channels::system::report::SystemReport;

use super::{
    api_router::ApiRouter,
    operation::{Needs, Operation, Tag},
};
use crate::{access::caller::Caller, system::monitor::Monitor};

/// Returns the route of the report.
pub fn routes() -> ApiRouter {
    ApiRouter::default().operation(
        Operation::get("/api/v1/system", Needs::VIEWER, Tag::Server, "Health and the last hour of the server")
            .text("Causes that concern only those who run the server are named to admins alone.")
            .answer::<SystemReport>("Current figures, and a point of each every ten seconds."),
        show,
    )
}

/// Returns the report, as the caller may know it.
pub async fn show(State(monitor): State<Monitor>, caller: Caller) -> Json<SystemReport> {
    Json(monitor.report(caller.role))
}
