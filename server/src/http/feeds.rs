//! `POST /api/v1/feeds` with `{"venue":"…","symbols":["…"]}`: follows symbols until the server restarts.
//! `DELETE /api/v1/feeds/{venue}[?symbols=A,B]`: follows them no more; without symbols, the whole venue.
//!
//! The same as the stream's `start_feed` and `stop_feed`, with the same refusals. Not here: carrying it out
//! (`feed::supervisor`).

use axum::{
    Json,
    extract::{Path, State, rejection::JsonRejection},
};
use wire::command::FeedSymbols;

use super::{body, error::ApiError, parameters::Parameters};
use crate::feed::{control::Followed, handle::Feeds};

/// Starts a feed, or adds symbols to one that runs; answers what is followed now.
pub async fn start(
    State(feeds): State<Feeds>,
    json: Result<Json<FeedSymbols>, JsonRejection>,
) -> Result<Json<Followed>, ApiError> {
    let Json(symbols) =
        json.map_err(|rejection| body::refusal(&rejection, |detail| ApiError::BadBody { detail, example: EXAMPLE }))?;
    Ok(Json(feeds.start(symbols).await?))
}

/// Stops a feed, or drops symbols of it; answers what is followed still.
pub async fn stop(
    State(feeds): State<Feeds>,
    Path(venue): Path<String>,
    parameters: Parameters,
) -> Result<Json<Followed>, ApiError> {
    let listed = parameters.text("symbols").unwrap_or_default().split(',');
    let symbols = listed.map(str::trim).filter(|symbol| !symbol.is_empty()).map(str::to_owned).collect();
    Ok(Json(feeds.stop(FeedSymbols { venue, symbols }).await?))
}

const EXAMPLE: &str = r#"{"venue":"demo","symbols":["BTC-SIM"]}"#;
