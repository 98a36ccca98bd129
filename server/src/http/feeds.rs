//! `POST /api/v1/feeds` with `{"venue":"…","symbols":["…"]}`: follows symbols until the server restarts.
//! `DELETE /api/v1/feeds/{venue}[?symbols=A,B]`: follows them no more; without symbols, the whole venue.
//!
//! The same as the stream's `start_feed` and `stop_feed`, with the same refusals. Not here: carrying it out
//! (`commands`).

use axum::{
    Json,
    extract::{Path, State, rejection::JsonRejection},
};
use wire::command::{Command, CommandResult, FeedSymbols};

use super::{
    body,
    commands::{self, IdempotencyKey},
    error::ApiError,
    parameters::Parameters,
};
use crate::commands::CommandRouter;

/// Starts a feed, or adds symbols to one that runs; answers what is followed now.
pub async fn start(
    State(router): State<CommandRouter>,
    key: IdempotencyKey,
    json: Result<Json<FeedSymbols>, JsonRejection>,
) -> Result<Json<CommandResult>, ApiError> {
    let Json(symbols) =
        json.map_err(|rejection| body::refusal(&rejection, |detail| ApiError::BadBody { detail, example: EXAMPLE }))?;
    commands::run(&router, key, Command::StartFeed(symbols)).await
}

/// Stops a feed, or drops symbols of it; answers what is followed still.
pub async fn stop(
    State(router): State<CommandRouter>,
    key: IdempotencyKey,
    Path(venue): Path<String>,
    parameters: Parameters,
) -> Result<Json<CommandResult>, ApiError> {
    let listed = parameters.text("symbols").unwrap_or_default().split(',');
    let symbols = listed.map(str::trim).filter(|symbol| !symbol.is_empty()).map(str::to_owned).collect();
    commands::run(&router, key, Command::StopFeed(FeedSymbols { venue, symbols })).await
}

const EXAMPLE: &str = r#"{"venue":"demo","symbols":["BTC-SIM"]}"#;
