//! The endpoints that control and observe a running simulator, all under `/control`, JSON.
//!
//! `GET state · book?symbol=&at=&depth= · top?symbol= · candles?symbol=&interval= · sent?after= · requests?after=`
//! `POST fault · pause · resume · restart`, each answered with the state.

use std::sync::{Arc, atomic::Ordering};

use axum::{
    Json, Router,
    extract::{Query, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::{fault::Fault, shared::Shared};

#[derive(Deserialize)]
struct Request {
    #[serde(default)]
    symbol: String,
    #[serde(default)]
    interval: String,
    at: Option<u64>,
    depth: Option<usize>,
    #[serde(default)]
    after: u64,
}

/// All control routes.
pub(crate) fn routes(shared: Arc<Shared>) -> Router {
    let inner = Router::new()
        .route("/state", get(|State(shared): State<Arc<Shared>>| async move { Json(state(&shared)) }))
        .route("/book", get(book))
        .route("/top", get(top))
        .route("/candles", get(candles))
        .route("/sent", get(sent))
        .route("/requests", get(requests))
        .route("/fault", post(fault))
        .route(
            "/pause",
            post(|State(shared): State<Arc<Shared>>| async move { steer(&shared, |s| s.timeline.pause()) }),
        )
        .route(
            "/resume",
            post(|State(shared): State<Arc<Shared>>| async move { steer(&shared, |s| s.timeline.resume()) }),
        )
        .route(
            "/restart",
            post(|State(shared): State<Arc<Shared>>| async move { steer(&shared, |s| s.timeline.restart()) }),
        );
    Router::new().nest("/control", inner).with_state(shared)
}

/// Returns the status of all parts.
pub(crate) fn state(shared: &Shared) -> Value {
    let position = shared.timeline.position();
    let faults: Vec<Value> = shared
        .faults()
        .shown(Instant::now())
        .into_iter()
        .map(|(fault, n_hits)| json!({ "fault": fault, "n_hits": n_hits }))
        .collect();
    let (n_requests, n_inside) = {
        let requests = shared.requests();
        (requests.n_requests(), requests.n_inside_retry_after())
    };
    let (n_frames, streams) = {
        let exchange = shared.exchange();
        (exchange.market().due().map(|due| due.len()), exchange.streams())
    };
    json!({
        "venue": shared.config.venue,
        "playing": position.is_playing,
        "finished": position.is_finished,
        "position": position.position,
        "n_frames": n_frames,
        "n_restarts": position.n_restarts,
        "n_clients": shared.clients.n_clients(),
        "n_connects": shared.clients.next_id(),
        "n_frames_sent": shared.n_frames_sent.load(Ordering::Relaxed),
        "streams": streams,
        "faults": faults,
        "n_requests": n_requests,
        "n_requests_inside_retry_after": n_inside,
    })
}

fn steer(shared: &Shared, how: impl FnOnce(&Shared)) -> Json<Value> {
    how(shared);
    Json(state(shared))
}

fn found(value: Option<Value>) -> Response {
    match value {
        Some(value) => Json(value).into_response(),
        None => (StatusCode::NOT_FOUND, Json(json!({ "error": "nothing known of that symbol" }))).into_response(),
    }
}

async fn book(State(shared): State<Arc<Shared>>, Query(request): Query<Request>) -> Response {
    found(shared.exchange().book(&request.symbol, request.at, request.depth.unwrap_or(usize::MAX)))
}

async fn top(State(shared): State<Arc<Shared>>, Query(request): Query<Request>) -> Response {
    found(shared.exchange().top(&request.symbol))
}

async fn candles(State(shared): State<Arc<Shared>>, Query(request): Query<Request>) -> Response {
    found(shared.exchange().candles(&request.symbol, &request.interval))
}

async fn sent(State(shared): State<Arc<Shared>>, Query(request): Query<Request>) -> Response {
    found(shared.stamps.as_ref().map(|stamps| json!({ "sent": stamps.after(request.after) })))
}

async fn requests(State(shared): State<Arc<Shared>>, Query(request): Query<Request>) -> Json<Value> {
    Json(json!({ "requests": shared.requests().after(request.after) }))
}

/// Accepts the body whatever its content type: it is mostly typed by hand.
async fn fault(State(shared): State<Arc<Shared>>, body: String) -> Response {
    match body.parse::<Fault>() {
        Ok(fault) => {
            shared.begin_fault(fault);
            Json(state(&shared)).into_response()
        }
        Err(error) => (StatusCode::BAD_REQUEST, Json(json!({ "error": error }))).into_response(),
    }
}
