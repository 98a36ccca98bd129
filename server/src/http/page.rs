//! `/` and the other pages: rendered here once, then taken over by the program in the browser.
//!
//! A page contains no user data and reads none while it is rendered; all live data comes over the stream. It is never
//! cached, because each rendering has its own nonce for the script that starts the program.

use app::{
    pages::{PAGES, desk::account::DefaultAccount},
    route::Address,
    shell,
};
use axum::{
    Router,
    extract::{FromRef, Request, State},
    http::{HeaderValue, Method, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
    routing::get,
};
use leptos::{nonce::use_nonce, prelude::*};
use leptos_axum::{ResponseOptions, render_app_to_stream};
use model::trading::account::AccountId;

use super::{
    error::ApiError,
    security::{page_policy, worker_policy},
    site,
    venues::RestProxy,
};
use crate::{
    desk::handle::DeskHandle,
    feed::{endpoints::VenueEndpoint, handle::Feeds},
};

/// Adds all routes of pages, from the app's own list.
pub fn routes<S>(router: Router<S>, state: &S) -> Router<S>
where
    S: Clone + Send + Sync + 'static,
    LeptosOptions: FromRef<S>,
    DeskHandle: FromRef<S>,
{
    let options = LeptosOptions::from_ref(state);
    let account = DeskHandle::from_ref(state).default_account().clone();
    // Fails if it is set already, as in tests with several servers.
    let _is_set_already = any_spawner::Executor::init_tokio();
    PAGES.iter().fold(router, |router, page| {
        let (options, account) = (options.clone(), account.clone());
        let render = move |request: Request| {
            let (options, account) = (options.clone(), account.clone());
            render_app_to_stream(move || document(options.clone(), account.clone()))(request)
        };
        router.route(page.path, get(render))
    })
}

/// Answers requests without a route: a file of the site, otherwise a "not found" page for people or an error for
/// programs.
pub async fn fallback(
    State(options): State<LeptosOptions>,
    State(feeds): State<Feeds>,
    State(endpoints): State<RestProxy>,
    State(desk): State<DeskHandle>,
    request: Request,
) -> Response {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return ApiError::MethodNotAllowed.into_response();
    }
    let path = request.uri().path();
    if let Some(mut response) = site::file(path, request.headers()).await {
        if path == WORKER
            && let Ok(policy) = HeaderValue::from_str(&policy_of_worker(&feeds, &endpoints))
        {
            response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
        }
        return response;
    }
    let accepts_pages = request
        .headers()
        .get(header::ACCEPT)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|accepted| accepted.contains("text/html"));
    if path.starts_with("/api/") || path.starts_with("/pkg/") || !accepts_pages {
        return ApiError::NotFound.into_response();
    }
    let mut response = render_app_to_stream(move || document(options.clone(), desk.default_account().clone()))(request)
        .await
        .into_response();
    *response.status_mut() = StatusCode::NOT_FOUND;
    response
}

/// Returns the worker's content policy: it may connect to the followed venues that pages may follow.
fn policy_of_worker(feeds: &Feeds, endpoints: &RestProxy) -> String {
    let ids = feeds.directory().ids();
    let open =
        ids.iter().filter_map(|id| endpoints.find(id.venue().as_str())).filter(|endpoint| endpoint.refusal().is_none());
    worker_policy(open.map(VenueEndpoint::ws_url))
}

/// Returns the options for rendering. The output's name is also compiled into the page (`.cargo/config.toml`): the two
/// must agree.
pub fn options() -> LeptosOptions {
    let mut options = LeptosOptions::builder().output_name("truetape").build();
    options.site_pkg_dir = "pkg".into();
    options
}

/// Renders a page and sets its headers.
fn document(options: LeptosOptions, account: AccountId) -> impl IntoView {
    let response = expect_context::<ResponseOptions>();
    let parts = use_context::<Parts>();
    let address = parts.as_ref().map(|parts| Address(parts.uri.to_string())).unwrap_or_default();
    provide_context(address);
    provide_context(DefaultAccount(account.clone()));
    // The guard has checked the host before any handler.
    let host =
        parts.and_then(|parts| parts.headers.get(header::HOST)?.to_str().ok().map(str::to_owned)).unwrap_or_default();
    let nonce = use_nonce().map(|nonce| nonce.to_string()).unwrap_or_default();
    if let Ok(policy) = HeaderValue::from_str(&page_policy(&nonce, &host)) {
        response.insert_header(header::CONTENT_SECURITY_POLICY, policy);
    }
    response.insert_header(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    shell(options, std::env::var_os(RELOAD).is_some(), account.to_string())
}

/// The variable set by `cargo xtask dev`.
const RELOAD: &str = "TRUETAPE_DEV_RELOAD";

/// The script that starts direct mode's worker.
const WORKER: &str = "/worker.js";
