//! `GET` and `PATCH /api/v1/configuration`: all settings, and changes of them.
//! `POST /api/v1/configuration/check`: what a change would do. `GET /api/v1/configuration/export`: a file of it.
//!
//! Not here: checking and keeping them (`configuration`).

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, Method, header},
    response::{IntoResponse, Response},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    api_router::ApiRouter,
    body::JsonBody,
    error::ApiError,
    error_code::ErrorCode,
    operation::{Content, Needs, Operation, Parameter, Place, Shape, Tag},
};
use crate::{
    access::{Access, caller::Caller},
    configuration::{
        Configuration, ConfigurationError,
        candidate::{Candidate, Changes, SettingChange, SettingFault, changes_of},
        report::Report,
    },
};

/// Returns the routes of settings.
pub fn routes() -> ApiRouter {
    let describe = |method, path, summary| Operation::new(method, path, Needs::ADMIN, Tag::Server, summary);
    ApiRouter::default()
        .operation(
            describe(Method::GET, "/api/v1/configuration", "Settings")
                .answer::<Report>("All settings with their sources. Secrets are never shown."),
            show,
        )
        .operation(
            describe(Method::PATCH, "/api/v1/configuration", "Change settings")
                .text(
                    "All or nothing: the whole configuration is checked with the new values. A value of null takes back what \
                     was changed here. Settings of the environment or a flag cannot be changed here.",
                )
                .header_parameter(Parameter {
                    name: "If-Match",
                    place: Place::Header,
                    text: "The revision that the caller has read; with another one, nothing is changed.",
                    is_required: false,
                    shape: Shape::Plain(json!({ "type": "string", "maxLength": 64 })),
                })
                .body::<ChangeRequest>()
                .answer::<Report>("All settings then.")
                .errors(&[
                    ErrorCode::BadParameter,
                    ErrorCode::BadSettings,
                    ErrorCode::Conflict,
                    ErrorCode::RevisionMismatch,
                    ErrorCode::Storage,
                ]),
            change,
        )
        .operation(
            describe(Method::POST, "/api/v1/configuration/check", "Check a change of settings")
                .text("Changes nothing.")
                .body::<ChangeRequest>()
                .answer::<CheckReport>("The changes, and the values that cannot be used.")
                .errors(&[ErrorCode::BadParameter, ErrorCode::Conflict]),
            check,
        )
        .operation(
            describe(Method::GET, "/api/v1/configuration/export", "Settings as a file")
                .text("Settings that differ from the defaults, without secrets, as a configuration file.")
                .answer_of(200, "The file.", vec![Content::other(TOML)]),
            export,
        )
}

/// New values by key, a configuration file with new values, or both.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeRequest {
    /// New values by key; null takes back what was changed here.
    #[serde(default)]
    settings: Changes,
    /// The text of a configuration file.
    toml: Option<String>,
}

/// The effects of a change.
#[derive(Serialize, JsonSchema)]
pub struct CheckReport {
    /// The settings that get another value.
    changes: Vec<SettingChange>,
    /// The settings that cannot be changed so; with one, nothing is changed.
    faults: Vec<SettingFault>,
}

impl ChangeRequest {
    fn changes(self) -> Result<Changes, Vec<SettingFault>> {
        let mut changes = self.toml.as_deref().map(changes_of).transpose()?.unwrap_or_default();
        changes.extend(self.settings);
        Ok(changes)
    }
}

/// `GET`: all settings.
pub async fn show(State(configuration): State<Configuration>) -> Json<Report> {
    Json(configuration.report().await)
}

/// `PATCH {"settings":{"stream.ping_ms":20000,"stream.queue_bytes":null}}`.
pub async fn change(
    State(configuration): State<Configuration>,
    State(access): State<Access>,
    caller: Caller,
    headers: HeaderMap,
    JsonBody(request): JsonBody<ChangeRequest>,
) -> Result<Json<Report>, ApiError> {
    let changes = request.changes().map_err(|faults| ConfigurationError::Refused { faults })?;
    let revision = match headers.get(header::IF_MATCH).map(|value| value.to_str()) {
        None => None,
        Some(Ok(revision)) => Some(revision.trim_matches('"').to_owned()),
        Some(Err(_)) => return Err(ConfigurationError::RevisionMismatch.into()),
    };
    // A caller who leaves does not stop it half way.
    let task =
        tokio::spawn(async move { configuration.change(&caller, access.audit(), changes, revision.as_deref()).await });
    match task.await {
        Ok(report) => Ok(Json(report?)),
        Err(_) => Err(ApiError::ShuttingDown),
    }
}

/// `POST {"toml":"[stream]\nping_ms = 20000"}`: what it would change.
pub async fn check(
    State(configuration): State<Configuration>,
    JsonBody(request): JsonBody<ChangeRequest>,
) -> Result<Json<CheckReport>, ApiError> {
    let (changes, faults) = match request.changes() {
        Ok(changes) => {
            let Candidate { changes, faults, .. } = configuration.check(changes).await?;
            (changes, faults)
        }
        Err(faults) => (Vec::new(), faults),
    };
    Ok(Json(CheckReport { changes, faults }))
}

/// `GET`: a file of the settings that differ from the defaults.
pub async fn export(State(configuration): State<Configuration>) -> Response {
    let headers = [
        (header::CONTENT_TYPE, TOML),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"truetape-settings.toml\""),
    ];
    (headers, configuration.export().await).into_response()
}

const TOML: &str = "application/toml";
