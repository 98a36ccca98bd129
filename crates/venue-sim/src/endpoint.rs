//! All addresses of the venue: WebSocket handshakes go to `connection`, REST requests are answered here, faults before
//! the venue's own answer; everything is logged.
//!
//! Not here: paths, bodies and error texts (each venue's `rest`).

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Router,
    body::to_bytes,
    extract::{Query, Request, State},
    http::{HeaderValue, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use tokio::time::Instant;

use crate::{
    connection,
    exchange::{Address, HttpAnswer, HttpRequest, Parameters},
    fault::RestFate,
    player::wall_clock,
    request_log::LoggedRequest,
    shared::Shared,
};

/// Maximum bytes in a request's body.
const MAX_BODY_BYTES: usize = 256 * 1024;

/// All addresses of the venue.
pub(crate) fn routes(shared: Arc<Shared>) -> Router {
    Router::new().fallback(serve).with_state(shared)
}

fn parameters(uri: &Uri) -> Parameters {
    Query::try_from_uri(uri).map(|Query(parameters)| parameters).unwrap_or_default()
}

async fn serve(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    if request.headers().contains_key(header::UPGRADE) {
        let address = Address { path: request.uri().path().to_owned(), parameters: parameters(request.uri()) };
        return connection::open(&shared, request, &address);
    }
    let (head, body) = request.into_parts();
    let Ok(body) = to_bytes(body, MAX_BODY_BYTES).await else { return StatusCode::PAYLOAD_TOO_LARGE.into_response() };
    let headers: BTreeMap<String, String> = head
        .headers
        .iter()
        .filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned())))
        .collect();
    let query = head.uri.query().unwrap_or_default().to_owned();
    let request = HttpRequest {
        path: head.uri.path().to_owned(),
        parameters: parameters(&head.uri),
        headers,
        body: String::from_utf8_lossy(&body).into_owned(),
    };
    answer(&shared, &request, query).await.unwrap_or_else(|| StatusCode::NOT_FOUND.into_response())
}

/// Not cancel-safe: an abandoned request is not logged.
async fn answer(shared: &Shared, request: &HttpRequest, query: String) -> Option<Response> {
    let at_us = wall_clock().as_micros();
    let (name, weight, weight_headers) = {
        let exchange = shared.exchange();
        let protocol = exchange.protocol();
        (protocol.request_name(request), protocol.weight(request), protocol.weight_headers())
    };
    let (fate, is_inside_retry_after) = shared.faults().rest(&name, Instant::now());
    if let RestFate::Slow(delay) = fate {
        shared.stop.run_until_cancelled(tokio::time::sleep(delay)).await;
    }
    let answer = {
        let (mut exchange, now) = (shared.exchange(), shared.now());
        match fate {
            RestFate::Refuse { status, retry_after_s } => exchange.refuse(request, status, retry_after_s, now),
            _ => {
                let answer = exchange.http(request, now)?;
                shared.carry_out(&mut exchange);
                answer
            }
        }
    };
    let HttpAnswer { status, mut body, retry_after_s, used_weight } = answer;
    if fate == RestFate::Garbage {
        body.truncate(body.floor_char_boundary(body.len() / 2));
    }
    shared.requests().push(LoggedRequest { seq: 0, at_us, path: name, query, status, weight, is_inside_retry_after });
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = (status, [(header::CONTENT_TYPE, "application/json;charset=UTF-8")], body).into_response();
    let headers = response.headers_mut();
    if let Some(seconds) = retry_after_s {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    for name in weight_headers {
        headers.insert(*name, HeaderValue::from(used_weight));
    }
    Some(response)
}
