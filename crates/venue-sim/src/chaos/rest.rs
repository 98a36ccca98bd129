//! Requests through the proxy: forwarded, refused, delayed, or cut off.

use std::time::Duration;

use axum::{
    body::{Body, Bytes},
    extract::Request,
    http::{HeaderValue, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use futures::StreamExt;
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::{net::TcpStream, time::timeout};

use super::{
    Proxy,
    plan::{ChaosFault, ChaosKind, Draw},
};

/// Timeout for upstream's answer.
const ANSWER_DEADLINE: Duration = Duration::from_secs(30);
/// Bytes announced by an answer that is cut off.
const PROMISED: u64 = 4_096;
/// Time before an answer is cut off.
const BEFORE_THE_END: Duration = Duration::from_millis(20);
/// The default delay of an answer.
const USUAL_MS: u64 = 1_000;

/// Answers a request.
pub(super) async fn pass(proxy: &Proxy, request: Request) -> Response {
    let address = request.uri().path_and_query().map_or_else(|| "/".to_owned(), ToString::to_string);
    // Polls of one address differ in their query; they share one numbering.
    let name = format!("{} {}", request.method(), request.uri().path());
    let (draw, number) = (Draw::new(proxy.seed, &name, 0), proxy.n_before(&name));
    let faults = proxy.active.borrow().faults.clone();
    let meant = faults.iter().enumerate().filter(|(_, fault)| fault.kind.is_rest() && fault.is_for(&address));
    let struck = draw.strike(meant, number);
    if let Some((fault, _)) = struck {
        proxy.done(fault.kind);
        match fault.kind {
            ChaosKind::RestSlow => {
                tokio::time::sleep(Duration::from_millis(fault.ms.unwrap_or(USUAL_MS))).await;
            }
            _ => return refused(fault),
        }
    }
    match timeout(ANSWER_DEADLINE, forward(proxy, request)).await {
        Ok(Ok(response)) => response,
        Ok(Err(error)) => {
            tracing::debug!(%error, "upstream did not answer");
            StatusCode::BAD_GATEWAY.into_response()
        }
        Err(_) => StatusCode::GATEWAY_TIMEOUT.into_response(),
    }
}

fn refused(fault: &ChaosFault) -> Response {
    let usual = if fault.kind == ChaosKind::Rest429 { 429 } else { 500 };
    let status = StatusCode::from_u16(fault.code.unwrap_or(usual)).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    match fault.kind {
        ChaosKind::RestDrop => {
            let begun = futures::stream::iter([Ok(Bytes::from_static(b"{"))]);
            // The head must be sent before the end.
            let end = futures::stream::once(async {
                tokio::time::sleep(BEFORE_THE_END).await;
                Err(std::io::Error::from(std::io::ErrorKind::ConnectionReset))
            });
            let mut response = Response::new(Body::from_stream(begun.chain(end)));
            response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(PROMISED));
            response
        }
        kind => {
            let mut response = (status, axum::Json(json!({ "error": "refused by chance" }))).into_response();
            if kind == ChaosKind::Rest429 {
                let seconds = fault.retry_after_s.unwrap_or(5);
                response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
            }
            response
        }
    }
}

/// Uses one connection for each request: this is a tool for tests.
async fn forward(proxy: &Proxy, mut request: Request) -> anyhow::Result<Response> {
    let stream = TcpStream::connect(proxy.rest_upstream).await?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let stop = proxy.stop.clone();
    proxy.tasks.spawn(async move {
        if let Some(Err(error)) = stop.run_until_cancelled(connection).await {
            tracing::debug!(%error, "a request broke off");
        }
    });
    let relative = request.uri().path_and_query().map_or("/", |address| address.as_str()).parse::<Uri>()?;
    *request.uri_mut() = relative;
    request.headers_mut().insert(header::HOST, HeaderValue::from_str(&proxy.rest_upstream.to_string())?);
    request.headers_mut().remove(header::CONNECTION);
    let mut response = sender.send_request(request).await?.map(Body::new);
    response.headers_mut().remove(header::CONNECTION);
    Ok(response)
}
