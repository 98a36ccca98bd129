//! `GET /api/v1/feeds`: the followed symbols of each venue, and whether they are kept.
//! `POST /api/v1/feeds` with `{"venue":"…","symbols":["…"],"keep":true}`: follows symbols; with `keep`, also after a
//! restart of the server.
//! `DELETE /api/v1/feeds/{venue}[?symbols=A,B]`: stops following symbols and forgets them; without symbols, the whole
//! venue.
//!
//! `DELETE /api/v1/feeds/{venue}/kept[?symbols=A,B]`: forgets symbols without stopping them.
//!
//! Like the stream's `start_feed` and `stop_feed`, with the same refusals. Not here: carrying them out (`commands`).

use std::sync::Arc;

use axum::{
    Json,
    extract::{State, rejection::JsonRejection},
    http::{Method, StatusCode},
};
use schemars::JsonSchema;
use serde::Serialize;
use wire::command::{Command, CommandResult, FeedSymbols, FollowSymbols};

use super::{
    api_router::ApiRouter,
    body,
    commands::{self, CommandSource},
    error::ApiError,
    error_code::ErrorCode,
    operation::{Needs, Operation, Shape, Tag, optional},
    parameters::{Parameters, PathParameter},
};
use crate::{
    access::{Access, caller::Caller},
    catalogue::following::{Followed, Following},
    commands::CommandRouter,
};

/// Returns the routes of feeds.
pub fn routes() -> ApiRouter {
    ApiRouter::default()
        .operation(
            Operation::get("/api/v1/feeds", Needs::VIEWER, Tag::Feeds, "Followed symbols")
                .answer::<FeedList>("The followed symbols of each venue, sorted."),
            list,
        )
        .operation(
            Operation::post("/api/v1/feeds", Needs::ADMIN, Tag::Feeds, "Follow symbols")
                .text(
                    "Starts a feed, or adds symbols to a running one; with `keep`, also after a restart of the server.",
                )
                .command()
                .body::<FollowSymbols>()
                .answer::<FeedSymbols>("The symbols followed then.")
                .errors(&[
                    ErrorCode::BadBody,
                    ErrorCode::BadSymbols,
                    ErrorCode::TooManySymbols,
                    ErrorCode::UnknownVenue,
                    ErrorCode::UnknownSymbol,
                    ErrorCode::AlreadyRunning,
                    ErrorCode::NeedsToken,
                    ErrorCode::RateLimited,
                    ErrorCode::Unavailable,
                    ErrorCode::Storage,
                ]),
            start,
        )
        .operation(
            Operation::new(Method::DELETE, "/api/v1/feeds/{venue}", Needs::ADMIN, Tag::Feeds, "Stop following")
                .text("Stops and forgets some symbols, or the whole venue.")
                .path("venue", "The venue.", Shape::text(64))
                .query([optional("symbols", "The symbols, with commas between them; absent: all.", Shape::text(4_096))])
                .command()
                .answer::<FeedSymbols>("The symbols still followed.")
                .errors(&[
                    ErrorCode::BadSymbols,
                    ErrorCode::UnknownVenue,
                    ErrorCode::UnknownSymbol,
                    ErrorCode::NotRunning,
                    ErrorCode::RateLimited,
                    ErrorCode::Unavailable,
                    ErrorCode::Storage,
                ]),
            stop,
        )
        .operation(
            Operation::new(Method::DELETE, "/api/v1/feeds/{venue}/kept", Needs::ADMIN, Tag::Feeds, "Forget symbols")
                .text("They are followed until the next restart of the server.")
                .path("venue", "The venue.", Shape::text(64))
                .query([optional("symbols", "The symbols, with commas between them; absent: all.", Shape::text(4_096))])
                .no_content("They are not kept.")
                .errors(&[ErrorCode::UnknownVenue, ErrorCode::Storage]),
            forget,
        )
}

/// `{"feeds":[{"venue":"demo","symbols":[{"symbol":"BTC-SIM","is_kept":false}]}]}`, sorted.
#[derive(Serialize, JsonSchema)]
pub struct FeedList {
    feeds: Vec<VenueFeed>,
}

#[derive(Serialize, JsonSchema)]
struct VenueFeed {
    venue: String,
    symbols: Vec<FeedSymbol>,
}

#[derive(Serialize, JsonSchema)]
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
    source: CommandSource,
    json: Result<Json<FollowSymbols>, JsonRejection>,
) -> Result<Json<CommandResult>, ApiError> {
    let Json(symbols) =
        json.map_err(|rejection| body::refusal(&rejection, |detail| ApiError::BadBody { detail, example: EXAMPLE }))?;
    commands::run(&router, source, Command::StartFeed(symbols)).await
}

/// Stops a feed, or drops some of its symbols. Returns the symbols still followed.
pub async fn stop(
    State(router): State<CommandRouter>,
    source: CommandSource,
    PathParameter(venue): PathParameter,
    parameters: Parameters,
) -> Result<Json<CommandResult>, ApiError> {
    commands::run(&router, source, Command::StopFeed(FeedSymbols { venue, symbols: symbols_of(&parameters) })).await
}

/// Forgets symbols without stopping them.
pub async fn forget(
    State(following): State<Following>,
    State(access): State<Access>,
    caller: Caller,
    PathParameter(venue): PathParameter,
    parameters: Parameters,
) -> Result<StatusCode, ApiError> {
    let symbols = symbols_of(&parameters);
    following.forget(&venue, &symbols).await.map_err(Arc::new)?;
    access.audit().note(&caller, "forget_feed", format!("{venue}: {}", symbols.join(", ")));
    Ok(StatusCode::NO_CONTENT)
}

/// Returns the parameter `symbols`; empty: all.
fn symbols_of(parameters: &Parameters) -> Vec<String> {
    let listed = parameters.text("symbols").unwrap_or_default().split(',');
    listed.map(str::trim).filter(|symbol| !symbol.is_empty()).map(str::to_owned).collect()
}

const EXAMPLE: &str = r#"{"venue":"demo","symbols":["BTC-SIM"]}"#;
