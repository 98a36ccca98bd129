//! `GET /api/v1/feeds`: the followed symbols of each venue, and whether they are kept.
//! `POST /api/v1/feeds` with `{"venue":"…","symbols":["…"],"keep":true}`: follows symbols; with `keep`, also after a
//! restart of the server.
//! `DELETE /api/v1/feeds/{venue}[?symbols=A,B]`: stops following symbols and forgets them; without symbols, the whole
//! venue.
//!
//! Like the stream's `start_feed` and `stop_feed`, with the same refusals. Not here: carrying them out (`commands`).

use axum::{
    Json,
    extract::{State, rejection::JsonRejection},
};
use serde::Serialize;
use wire::command::{Command, CommandResult, FeedSymbols, FollowSymbols};

use super::{
    body,
    commands::{self, IdempotencyKey},
    error::ApiError,
    parameters::{Parameters, PathParameter},
};
use crate::{
    catalogue::following::{Followed, Following},
    commands::CommandRouter,
};

/// `{"feeds":[{"venue":"demo","symbols":[{"symbol":"BTC-SIM","is_kept":false}]}]}`, sorted.
#[derive(Serialize)]
pub struct FeedList {
    feeds: Vec<VenueFeed>,
}

#[derive(Serialize)]
struct VenueFeed {
    venue: String,
    symbols: Vec<FeedSymbol>,
}

#[derive(Serialize)]
struct FeedSymbol {
    symbol: String,
    is_kept: bool,
}

/// Lists the followed symbols.
pub async fn list(State(following): State<Following>) -> Json<FeedList> {
    let mut feeds: Vec<VenueFeed> = Vec::new();
    for Followed { id, is_kept } in following.all().await {
        let symbol = FeedSymbol { symbol: id.symbol().to_owned(), is_kept };
        match feeds.last_mut().filter(|feed| feed.venue == id.venue().as_str()) {
            Some(feed) => feed.symbols.push(symbol),
            None => feeds.push(VenueFeed { venue: id.venue().to_string(), symbols: vec![symbol] }),
        }
    }
    Json(FeedList { feeds })
}

/// Starts a feed, or adds symbols to a running one. Returns the symbols followed then.
pub async fn start(
    State(router): State<CommandRouter>,
    key: IdempotencyKey,
    json: Result<Json<FollowSymbols>, JsonRejection>,
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
