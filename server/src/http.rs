//! The router, which lists every route; one file per resource.
//!
//! # Layout
//! - [`accept`]: the listening socket · [`transport`]: a connection's socket · [`timed_body`]: bodies in time
//! - [`guard`]: checks callers · [`security`]: headers on every answer
//! - [`page`], [`site`]: the page and its files · [`stream`]: the WebSocket session
//! - [`instruments`], [`candles`], [`book`], [`trades`], [`status`], [`venues_list`]: data by REST
//! - [`commands`]: commands by REST · [`feeds`]: starts and stops feeds · [`parameters`], [`body`]: query and body
//! - [`direct`], [`venues`]: for pages in direct mode: the venues' addresses, and a proxy for their REST
//! - [`recordings`], [`replay`], [`backtests`]: recorded files, the one that plays, and back-tests over them
//! - [`desk`]: orders, fills, positions, accounts, risk and strategies of the paper desk
//! - [`health`]: health checks of the process · [`error`]: errors of the REST API

pub mod accept;
pub mod alerts;
pub mod backtests;
pub mod body;
pub mod book;
pub mod candles;
pub mod commands;
pub mod desk;
pub mod direct;
pub mod error;
pub mod feeds;
pub mod guard;
pub mod health;
pub mod instruments;
pub mod page;
pub mod parameters;
pub mod recordings;
pub mod replay;
pub mod security;
pub mod site;
pub mod status;
pub mod stream;
pub mod timed_body;
pub mod trades;
pub mod transport;
pub mod venues;
pub mod venues_list;

use axum::{
    Router,
    extract::{DefaultBodyLimit, FromRef},
    http::{Extensions, HeaderMap, StatusCode, Version, header},
    middleware,
    routing::{delete, get, post},
};
use leptos::prelude::LeptosOptions;
use tower_http::compression::{CompressionLayer, predicate::SizeAbove};

use self::{
    body::MAX_BODY, error::ApiError, guard::Hosts, stream::StreamContext, venues::RestProxy, venues_list::TokenHolders,
};
use crate::{
    alerts::handle::AlertsHandle,
    backtests::Backtests,
    catalogue::following::Following,
    commands::CommandRouter,
    desk::handle::DeskHandle,
    feed::handle::Feeds,
    recorder::{recordings::Recordings, replays::Replays},
    shutdown::Shutdown,
};

/// The state shared by all handlers. Every field is a handle.
#[derive(Clone, FromRef)]
pub struct AppState {
    /// Signals and alerts.
    pub alerts: AlertsHandle,
    /// Back-tests of recordings.
    pub backtests: Backtests,
    /// The proxy to the venues' REST APIs.
    pub endpoints: RestProxy,
    /// Carries commands out.
    pub commands: CommandRouter,
    /// The trading desk.
    pub desk: DeskHandle,
    /// The feeds.
    pub feeds: Feeds,
    /// Follows instruments, and knows what the venues offer.
    pub following: Following,
    /// The host names that the server accepts.
    pub hosts: Hosts,
    /// The venues with a configured token.
    pub holders: TokenHolders,
    /// The options for rendering pages.
    pub leptos: LeptosOptions,
    /// The server's shutdown.
    pub shutdown: Shutdown,
    /// The context of stream sessions.
    pub stream: StreamContext,
    /// The recordings of feeds.
    pub recordings: Recordings,
    /// The replay.
    pub replays: Replays,
}

/// Returns the router with every route of the server.
pub fn router(state: AppState) -> Router {
    let api = Router::new()
        .route("/api/v1/alert_conditions", get(alerts::conditions))
        .route("/api/v1/alerts", get(alerts::list).post(alerts::command))
        .route("/api/v1/push_key", get(alerts::push_key))
        .route("/api/v1/rules", get(alerts::rules))
        .route("/api/v1/signals", get(alerts::signals))
        .route("/api/v1/backtest", get(backtests::show).delete(backtests::stop))
        .route("/api/v1/backtest/{file}", get(backtests::file))
        .route("/api/v1/book", get(book::show))
        .route("/api/v1/candles", get(candles::list))
        .route("/api/v1/direct", get(direct::list))
        .route("/api/v1/feeds", get(feeds::list).post(feeds::start))
        .route("/api/v1/feeds/{venue}", delete(feeds::stop))
        .route("/api/v1/instruments", get(instruments::list))
        .route("/api/v1/recordings", get(recordings::list))
        .route("/api/v1/recordings/{name}/backtest", post(backtests::start))
        .route("/api/v1/replay", get(replay::show).post(replay::tell))
        .route("/api/v1/status", get(status::show))
        .route("/api/v1/trades", get(trades::list))
        .route("/api/v1/venues", get(venues_list::list))
        .route("/api/v1/venues/{venue}/rest", get(venues::pass))
        .merge(desk::routes())
        // Small answers stay uncompressed: they take one round trip either way.
        .layer(CompressionLayer::new().gzip(true).compress_when(SizeAbove::new(COMPRESS_ABOVE)));
    let router = Router::new()
        .route("/healthz", get(health::healthz))
        .route("/readyz", get(health::readyz))
        .route("/ws", get(stream::upgrade))
        .route("/api/v1/recordings/start", post(recordings::start))
        .route("/api/v1/recordings/stop", post(recordings::stop))
        .route("/api/v1/recordings/save-last", post(recordings::save_last))
        // Recordings are compressed already, so they bypass the compression layer.
        .route("/api/v1/recordings/{name}", get(recordings::download).delete(recordings::delete))
        .merge(api)
        .layer(DefaultBodyLimit::max(MAX_BODY));
    page::routes(router, &state)
        // Applies to the routes before it, so after all of them.
        .method_not_allowed_fallback(|| async { ApiError::MethodNotAllowed })
        .fallback(page::fallback)
        // The page's files are compressed already, in advance.
        .layer(CompressionLayer::new().gzip(true).compress_when(is_page))
        .layer(middleware::from_fn(accept::keep_reserve))
        .layer(middleware::from_fn_with_state(state.hosts.clone(), guard::refuse_foreign))
        .layer(middleware::from_fn(security::add_headers))
        .with_state(state)
}

/// Returns true for a rendered page.
fn is_page(_: StatusCode, _: Version, headers: &HeaderMap, _: &Extensions) -> bool {
    headers.get(header::CONTENT_TYPE).is_some_and(|media_type| media_type.as_bytes().starts_with(b"text/html"))
}

const COMPRESS_ABOVE: u64 = 1_024;
