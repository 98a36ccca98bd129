//! `/` and the other pages: rendered here once, then taken over by the program in the browser.
//!
//! A page contains no user data and reads none while it is rendered; all live data comes over the stream. It is never
//! cached, because each rendering has its own nonce for the script that starts the program.

use app::{
    document::{Build, Reader},
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
use model::{access::Role, trading::account::AccountId};

use super::{
    error::ApiError,
    login,
    security::{SERVICE_WORKER_POLICY, page_policy, worker_policy},
    site,
    venues::RestProxy,
};
use crate::{
    access::{Access, caller::Caller},
    config::Live,
    desk::handle::DeskHandle,
    feed::handle::Feeds,
};

/// Tells if browsers may keep the page's files for a start without the server.
#[derive(Clone, Debug)]
pub struct OfflinePage(pub Live);

impl OfflinePage {
    /// Returns true if they may.
    fn is_kept(&self) -> bool {
        self.0.config().server.offline_page
    }
}

/// Adds all routes of pages, from the app's own list.
pub fn routes<S>(router: Router<S>, state: &S) -> Router<S>
where
    S: Clone + Send + Sync + 'static,
    DeskHandle: FromRef<S>,
    Access: FromRef<S>,
    OfflinePage: FromRef<S>,
{
    let (access, offline) = (Access::from_ref(state), OfflinePage::from_ref(state));
    let account = DeskHandle::from_ref(state).default_account().clone();
    // Fails if it is set already, as in tests with several servers.
    let _is_set_already = any_spawner::Executor::init_tokio();
    PAGES.iter().fold(router, |router, page| {
        let (access, account, offline) = (access.clone(), account.clone(), offline.clone());
        router.route(page.path, get(move |request: Request| show(request, access, account, offline)))
    })
}

/// Shows a page, or that of the login in its place.
async fn show(request: Request, access: Access, account: AccountId, offline: OfflinePage) -> Response {
    let caller = request.extensions().get::<Caller>();
    match login::in_place_of(&access, caller, request.headers(), request.uri()).await {
        Some(login) => login,
        None => render(request, account, offline).await,
    }
}

/// Renders the page at the requested address.
async fn render(request: Request, account: AccountId, offline: OfflinePage) -> Response {
    let build = site::build().await;
    render_app_to_stream(move || document(&build, &account, offline.is_kept()))(request).await.into_response()
}

/// Answers requests without a route: a file of the site, otherwise a "not found" page for people or an error for
/// programs.
pub async fn fallback(
    State(feeds): State<Feeds>,
    State(endpoints): State<RestProxy>,
    State(desk): State<DeskHandle>,
    State(access): State<Access>,
    State(offline): State<OfflinePage>,
    request: Request,
) -> Response {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return ApiError::MethodNotAllowed.into_response();
    }
    let path = request.uri().path();
    let file = if path == SERVICE_WORKER && !offline.is_kept() { SERVICE_WORKER_OFF } else { path };
    if let Some(mut response) = site::file(file, request.headers()).await {
        let policy = match path {
            WORKER => HeaderValue::from_str(&policy_of_worker(&feeds, &endpoints)).ok(),
            SERVICE_WORKER => Some(HeaderValue::from_static(SERVICE_WORKER_POLICY)),
            _ => None,
        };
        if let Some(policy) = policy {
            response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
        }
        return response;
    }
    let accepts_pages = request
        .headers()
        .get(header::ACCEPT)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|accepted| accepted.contains("text/html"));
    if path.starts_with("/api/") || path.starts_with("/assets/") || !accepts_pages {
        return ApiError::NotFound.into_response();
    }
    let mut response = show(request, access, desk.default_account().clone(), offline).await;
    *response.status_mut() = StatusCode::NOT_FOUND;
    response
}

/// Returns the worker's content policy: it may connect to the followed venues that pages may follow.
fn policy_of_worker(feeds: &Feeds, endpoints: &RestProxy) -> String {
    let ids = feeds.directory().ids();
    let endpoints = ids.iter().filter_map(|id| endpoints.find(id.venue().as_str()));
    let open: Vec<_> = endpoints.filter(|endpoint| endpoint.refusal().is_none()).collect();
    worker_policy(open.iter().map(|endpoint| endpoint.ws_url()))
}

/// Renders a page and sets its headers.
fn document(build: &Build, account: &AccountId, is_kept: bool) -> impl IntoView + use<> {
    let response = expect_context::<ResponseOptions>();
    let parts = use_context::<Parts>();
    // HTTP/2 has scheme and host in it, too.
    let address = parts.as_ref().and_then(|parts| parts.uri.path_and_query()).map(ToString::to_string);
    provide_context(Address(address.unwrap_or_default()));
    let caller = parts.as_ref().and_then(|parts| parts.extensions.get::<Caller>());
    let reader = Reader {
        user: caller.and_then(|caller| caller.user.as_ref()).map(ToString::to_string).unwrap_or_default(),
        role: caller.map_or(Role::Viewer, |caller| caller.role),
    };
    provide_context(DefaultAccount(account.clone()));
    // The guard has checked the host before any handler.
    let host =
        parts.and_then(|parts| parts.headers.get(header::HOST)?.to_str().ok().map(str::to_owned)).unwrap_or_default();
    let nonce = use_nonce().map(|nonce| nonce.to_string()).unwrap_or_default();
    if let Ok(policy) = HeaderValue::from_str(&page_policy(&nonce, &host)) {
        response.insert_header(header::CONTENT_SECURITY_POLICY, policy);
    }
    response.insert_header(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    shell(build, std::env::var_os(RELOAD).is_some(), account.to_string(), is_kept, &reader)
}

/// The variable set by `cargo xtask dev`.
const RELOAD: &str = "TRUETAPE_DEV_RELOAD";

/// The script that starts direct mode's worker.
const WORKER: &str = "/worker.js";

/// The script that keeps the page's files, and the one in its place that gives them up.
const SERVICE_WORKER: &str = "/service-worker.js";
const SERVICE_WORKER_OFF: &str = "/service-worker-off.js";
