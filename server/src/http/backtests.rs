//! Back-tests of recordings. `POST /api/v1/recordings/{name}/backtest` begins one, with its plan as JSON or as
//! `application/toml`. `GET /api/v1/backtest` shows the newest one, `DELETE` stops it, and `GET /api/v1/backtest/{file}`
//! sends a file of its result: `report.json`, `equity.svg`, `fills-conservative.csv` and so on.

use axum::{
    Json,
    body::Bytes,
    extract::State,
    http::{HeaderMap, HeaderValue, Method, header},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};
use wire::{
    backtest::{BacktestReport, StartBacktest, StopBacktest},
    command::{Command, CommandResult},
};

use super::{
    api_router::ApiRouter,
    commands::{self, CommandSource},
    error::ApiError,
    error_code::ErrorCode,
    operation::{Content, Needs, Operation, Shape, Tag},
    parameters::PathParameter,
};
use crate::{
    backtests::{Backtests, error::BacktestRefusal},
    commands::CommandRouter,
};

/// Returns the routes of back-tests.
pub fn routes() -> ApiRouter {
    let describe = |method, path, access, summary| Operation::new(method, path, access, Tag::Strategies, summary);
    ApiRouter::default()
        .operation(
            describe(Method::POST, "/api/v1/recordings/{name}/backtest", Needs::TRADER, "Begin a back-test")
                .text("The plan has the members that `docs/paper-trading.md` lists, as JSON or as TOML.")
                .path("name", "A recording.", Shape::text(255))
                .command()
                .body_of(Content::json(Shape::Plain(json!({ "type": "object" }))))
                .body_of(Content::other("application/toml"))
                .answer::<BacktestReport>("Its state.")
                .errors(&[ErrorCode::UnknownRecording, ErrorCode::Conflict]),
            start,
        )
        .operation(
            describe(Method::GET, "/api/v1/backtest", Needs::VIEWER, "The newest back-test")
                .answer::<BacktestReport>("Its state, and its results once it is done."),
            show,
        )
        .operation(
            describe(Method::DELETE, "/api/v1/backtest", Needs::TRADER, "Stop the back-test")
                .command()
                .answer::<BacktestReport>("Its state.")
                .errors(&[ErrorCode::NoResult]),
            stop,
        )
        .operation(
            describe(Method::GET, "/api/v1/backtest/{file}", Needs::VIEWER, "A file of the newest result")
                .path("file", "Its name: `report.json`, `equity.svg`, `fills-conservative.csv` …", Shape::text(255))
                .answer_of(
                    200,
                    "The file.",
                    vec![
                        Content::json(Shape::Plain(json!({}))),
                        Content::other("image/svg+xml"),
                        Content::other("text/csv"),
                    ],
                )
                .errors(&[ErrorCode::BadParameter, ErrorCode::NoResult, ErrorCode::UnknownFile]),
            file,
        )
}

/// Begins a back-test.
pub async fn start(
    State(router): State<CommandRouter>,
    source: CommandSource,
    PathParameter(recording): PathParameter,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<CommandResult>, ApiError> {
    let plan = plan(&headers, &body)?;
    commands::run(&router, source, Command::StartBacktest(StartBacktest { recording, plan })).await
}

/// Shows the newest back-test.
pub async fn show(State(backtests): State<Backtests>) -> Json<BacktestReport> {
    Json(backtests.report())
}

/// Stops the back-test that runs.
pub async fn stop(State(router): State<CommandRouter>, source: CommandSource) -> Result<Json<CommandResult>, ApiError> {
    commands::run(&router, source, Command::StopBacktest(StopBacktest {})).await
}

/// Sends a file of the newest result.
pub async fn file(
    State(backtests): State<Backtests>,
    PathParameter(name): PathParameter,
) -> Result<Response, ApiError> {
    let bytes = backtests.file(&name)?;
    let media_type = match name.rsplit_once('.') {
        Some((_, "json")) => "application/json",
        Some((_, "svg")) => "image/svg+xml",
        _ => "text/csv; charset=utf-8",
    };
    Ok(([(header::CONTENT_TYPE, HeaderValue::from_static(media_type))], bytes).into_response())
}

/// Reads the plan by its media type. Others are refused, so that another site's form cannot be one.
fn plan(headers: &HeaderMap, body: &[u8]) -> Result<Value, ApiError> {
    let bad = |remedy: String| ApiError::BadParameter { parameter: "body", remedy };
    let media_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    match media_type.split(';').next().unwrap_or_default().trim() {
        "application/json" => serde_json::from_slice(body).map_err(|error| bad(error.to_string())),
        "application/toml" => {
            let text = std::str::from_utf8(body).map_err(|error| bad(error.to_string()))?;
            toml::from_str(text).map_err(|error| BacktestRefusal::BadToml(Box::new(error)).into())
        }
        _ => Err(bad("send the plan with content-type application/json or application/toml".to_owned())),
    }
}
