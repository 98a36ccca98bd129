//! `GET /api/v1/audit?before=4711&limit=100`: what was done with access and by admins, newest first.

use axum::{Json, extract::State};
use model::{access::UserName, time::Timestamp};
use schemars::JsonSchema;
use serde::Serialize;

use super::{
    api_router::ApiRouter,
    error::ApiError,
    error_code::ErrorCode,
    operation::{Needs, Operation, Shape, Tag, optional},
    parameters::Parameters,
};
use crate::access::Access;

/// Returns the route of the audit log.
pub fn routes() -> ApiRouter {
    ApiRouter::default().operation(
        Operation::get("/api/v1/audit", Needs::ADMIN, Tag::Access, "Audit log")
            .query([
                optional("before", "Only lines with a smaller number.", Shape::number(0..=usize::MAX, None)),
                optional("limit", "The most lines.", Shape::number(1..=1_000, Some(100))),
            ])
            .answer::<AuditLines>("What was done with access and by admins, newest first.")
            .errors(&[ErrorCode::Storage]),
        list,
    )
}

/// A line of the log.
#[derive(Serialize, JsonSchema)]
pub struct AuditLine {
    number: i64,
    time: Timestamp,
    user: Option<UserName>,
    address: Option<String>,
    action: String,
    detail: String,
}

/// Lines of the log.
#[derive(Serialize, JsonSchema)]
pub struct AuditLines {
    audit: Vec<AuditLine>,
}

/// Returns at most 1,000 lines before a number.
pub async fn list(State(access): State<Access>, parameters: Parameters) -> Result<Json<AuditLines>, ApiError> {
    let limit = parameters.number("limit", 1..=1_000, 100)?;
    let before = match parameters.number("before", 0..=usize::MAX, 0)? {
        0 => None,
        before => i64::try_from(before).ok(),
    };
    let rows = access.audit_rows(before, u32::try_from(limit).unwrap_or(u32::MAX)).await?;
    let audit = rows.into_iter().map(|row| AuditLine {
        number: row.number,
        time: row.time,
        user: row.user,
        address: row.address,
        action: row.action,
        detail: row.detail,
    });
    Ok(Json(AuditLines { audit: audit.collect() }))
}
