//! `POST /api/v1/feeds` with `{"venue":"…","symbols":["…"]}`: follows symbols until the server restarts.
//! `DELETE /api/v1/feeds/{venue}[?symbols=A,B]`: stops following symbols; without symbols, the whole venue.
//!
//! Like the stream's `start_feed` and `stop_feed`, with the same refusals. Not here: carrying them out (`commands`).

use axum::{
    Json,
    extract::{State, rejection::JsonRejection},
};
use wire::command::{Command, CommandResult, FeedSymbols};

use super::{
    body,
    commands::{self, IdempotencyKey},
    error::ApiError,
    parameters::{Parameters, PathParameter},
};
use crate::commands::CommandRouter;

/// Starts a feed, or adds symbols to a running one. Returns the symbols followed then.
pub async fn start(
    State(router): State<CommandRouter>,
    key: IdempotencyKey,
    json: Result<Json<FeedSymbols>, JsonRejection>,
) -> Result<Json<CommandResult>, ApiError> {
    let Json(symbols) =
        json.map_err(|rejection| body::refusal(&rejection, |detail| ApiError::BadBody { detail, example: EXAMPLE }))?;
    commands::run(&router, key, Command::StartFeed(symbols)).await
}

/// Stops a feed, or drops some of its symbols. Returns the symbols still followed.
pub async fn stop(
    State(router): State<CommandRouter>,
    key: IdempotencyKey,
    PathParameter(venue): PathParameter,
    parameters: Parameters,
) -> Result<Json<CommandResult>, ApiError> {
    let listed = parameters.text("symbols").unwrap_or_default().split(',');
    let symbols = listed.map(str::trim).filter(|symbol| !symbol.is_empty()).map(str::to_owned).collect();
    commands::run(&router, key, Command::StopFeed(FeedSymbols { venue, symbols })).await
}

const EXAMPLE: &str = r#"{"venue":"demo","symbols":["BTC-SIM"]}"#;
