//! The router; one file per resource, with its routes and their descriptions.
//!
//! # Layout
//! - [`accept`]: the listening socket · [`transport`]: a connection's socket · [`timed_body`]: bodies in time
//! - [`observe`]: ids, log lines and counts of requests · [`metrics`], [`system`], [`paint`]: the server's own figures
//! - [`prefix`]: a proxy's prefix · [`forwarded`]: the caller behind a proxy
//! - [`entry`]: who asks · [`limits`]: how often · [`guard`]: from which site · [`security`]: headers on every answer
//! - [`page`], [`site`]: the page and its files · [`stream`]: the WebSocket session
//! - [`instruments`], [`candles`], [`book`], [`trades`], [`status`], [`venues_list`]: data by REST
//! - [`commands`]: commands by REST · [`feeds`]: starts and stops feeds · [`parameters`], [`body`]: query and body
//! - [`direct`], [`venues`]: for pages in direct mode: the venues' addresses, and a proxy for their REST
//! - [`recordings`], [`replay`], [`backtests`]: recorded files, the one that plays, and back-tests over them
//! - [`login`], [`session`], [`account`], [`users`], [`audit`]: logins, one's own account, users, the audit log
//! - [`configuration`]: settings shown and changed
//! - [`desk`]: orders, fills, positions, accounts, risk and strategies of the paper desk
//! - [`health`]: health checks of the process · [`error`], [`error_code`]: errors of the REST API
//! - [`api_router`], [`operation`]: routes with their descriptions · [`documents`]: what is made of them

pub mod accept;
pub mod account;
pub mod alerts;
pub mod api_router;
pub mod audit;
pub mod backtests;
pub mod body;
pub mod book;
pub mod candles;
pub mod commands;
pub mod configuration;
pub mod desk;
pub mod direct;
pub mod documents;
pub mod entry;
pub mod error;
pub mod error_code;
pub mod feeds;
pub mod forwarded;
pub mod guard;
pub mod health;
pub mod instruments;
pub mod limits;
pub mod login;
pub mod metrics;
pub mod observe;
pub mod one_time_codes;
pub mod operation;
pub mod page;
pub mod paint;
pub mod parameters;
pub mod prefix;
pub mod recordings;
pub mod replay;
pub mod security;
pub mod session;
pub mod site;
pub mod status;
pub mod stream;
pub mod system;
pub mod timed_body;
pub mod trades;
pub mod transport;
pub mod users;
pub mod venues;
pub mod venues_list;

use axum::{
    Router,
    body::Body,
    extract::{DefaultBodyLimit, FromRef},
    http::{Extensions, HeaderMap, StatusCode, Version, header},
    middleware,
};
use tower::util::MapRequest;
use tower_http::compression::CompressionLayer;

use self::{
    api_router::ApiRouter, body::MAX_BODY, error::ApiError, forwarded::TrustedProxies, guard::Hosts, page::OfflinePage,
    stream::StreamContext, venues::RestProxy,
};
use crate::{
    access::Access,
    alerts::handle::AlertsHandle,
    backtests::Backtests,
    catalogue::following::Following,
    commands::CommandRouter,
    configuration::Configuration,
    desk::handle::DeskHandle,
    feed::handle::Feeds,
    limits::Limits,
    metrics::Metrics,
    recorder::{recordings::Recordings, replays::Replays},
    shutdown::Shutdown,
    system::monitor::Monitor,
};

/// The state shared by all handlers. Every field is a handle.
#[derive(Clone, FromRef)]
pub struct AppState {
    /// Users, sessions and tokens.
    pub access: Access,
    /// Signals and alerts.
    pub alerts: AlertsHandle,
    /// Back-tests of recordings.
    pub backtests: Backtests,
    /// The proxy to the venues' REST APIs.
    pub endpoints: RestProxy,
    /// Carries commands out.
    pub commands: CommandRouter,
    /// The settings.
    pub configuration: Configuration,
    /// The trading desk.
    pub desk: DeskHandle,
    /// The feeds.
    pub feeds: Feeds,
    /// Follows instruments, and knows what the venues offer.
    pub following: Following,
    /// The host names that the server accepts.
    pub hosts: Hosts,
    /// The limits of callers.
    pub limits: Limits,
    /// The reverse proxies that are believed.
    pub proxies: TrustedProxies,
    /// The figures for monitors.
    pub metrics: Metrics,
    /// The server's health and the last hour of its figures.
    pub monitor: Monitor,
    /// The server's shutdown.
    pub shutdown: Shutdown,
    /// The context of stream sessions.
    pub stream: StreamContext,
    /// The permission for browsers to keep the page.
    pub offline: OfflinePage,
    /// The recordings of feeds.
    pub recordings: Recordings,
    /// The replay.
    pub replays: Replays,
}

/// Returns the routes of programs with their descriptions.
pub fn api() -> ApiRouter {
    ApiRouter::default()
        .merge(account::routes())
        .merge(alerts::routes())
        .merge(audit::routes())
        .merge(backtests::routes())
        .merge(book::routes())
        .merge(candles::routes())
        .merge(configuration::routes())
        .merge(desk::routes())
        .merge(direct::routes())
        .merge(documents::routes())
        .merge(feeds::routes())
        .merge(instruments::routes())
        .merge(one_time_codes::routes())
        .merge(recordings::routes())
        .merge(replay::routes())
        .merge(session::routes())
        .merge(status::routes())
        .merge(system::routes())
        .merge(trades::routes())
        .merge(users::routes())
        .merge(venues::routes())
        .merge(venues_list::routes())
        .compressed()
        .merge(health::routes())
        .merge(login::routes())
        .merge(metrics::routes())
        .merge(paint::routes())
        .merge(recordings::files())
        .merge(stream::routes())
}

/// Returns the router with every route of the server.
pub fn router(state: AppState) -> Router {
    let router = api().into_router().layer(DefaultBodyLimit::max(MAX_BODY));
    let router = page::routes(router, &state)
        // Applies to the routes before it, so after all of them.
        .method_not_allowed_fallback(|| async { ApiError::MethodNotAllowed })
        .fallback(page::fallback)
        // The page's files are compressed already, in advance.
        .layer(CompressionLayer::new().gzip(true).compress_when(is_page))
        .layer(middleware::from_fn_with_state(state.limits.clone(), limits::limit_time))
        .layer(middleware::from_fn(accept::keep_reserve))
        .layer(middleware::from_fn_with_state(state.limits.clone(), limits::limit_account))
        .layer(middleware::from_fn_with_state(state.access.clone(), entry::identify))
        .layer(middleware::from_fn_with_state(state.hosts.clone(), guard::refuse_foreign))
        .layer(middleware::from_fn_with_state(state.limits.clone(), limits::limit_address))
        .layer(middleware::from_fn_with_state(state.proxies.clone(), forwarded::find_caller))
        .layer(middleware::from_fn(security::add_headers))
        .layer(middleware::from_fn_with_state(state.metrics.clone(), observe::observe))
        .with_state(state);
    // Around everything, as a layer would come after the choice of the route.
    Router::new().fallback_service(MapRequest::new(router, prefix::without_prefix::<Body>))
}

/// Returns true for a rendered page.
fn is_page(_: StatusCode, _: Version, headers: &HeaderMap, _: &Extensions) -> bool {
    headers.get(header::CONTENT_TYPE).is_some_and(|media_type| media_type.as_bytes().starts_with(b"text/html"))
}
