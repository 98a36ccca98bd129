//! The listening socket: accepts connections up to a limit, tunes them, and serves HTTP/1 on each.
//!
//! Our own loop instead of `axum::serve`, which limits neither the time for headers (half-sent ones would hold
//! connections forever) nor the number of connections. HTTP/1 only: browsers speak HTTP/2 only over TLS, which a
//! reverse proxy terminates.
//!
//! | connections | what a further one gets |
//! |---|---|
//! | fewer than `max_connections` | everything |
//! | up to [`RESERVE`] more | one request: the page's documents, files and health checks; 503 for anything else |
//! | still more | 503 and the end |

use std::{net::IpAddr, sync::Arc, time::Duration};

use axum::{Router, body::Body, http::Request, middleware::Next, response::Response};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::json;
use tokio::{
    io::AsyncWriteExt,
    net::TcpListener,
    sync::{OwnedSemaphorePermit, Semaphore},
};
use tower::ServiceExt;

use super::{error::ApiError, timed_body::TimedBody, transport::Transport};
use crate::shutdown::Shutdown;

/// A connection's slot, held until the connection, or the WebSocket it became, ends.
#[derive(Clone, Debug)]
pub struct Slot {
    _permit: Arc<OwnedSemaphorePermit>,
}

/// The peer's address, or that of a reverse proxy; attached to every request of the connection.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub IpAddr);

/// The kind of a connection's slot; attached to every request of the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SlotKind {
    /// One of `max_connections`.
    Ordinary,
    /// One of the reserve, for a single request.
    Reserve,
}

/// Accepts connections until the shutdown's second step.
pub async fn accept(listener: TcpListener, router: Router, shutdown: Shutdown, max_connections: usize) {
    let slots = [(SlotKind::Ordinary, max_connections), (SlotKind::Reserve, RESERVE)]
        .map(|(kind, n_slots)| (kind, Arc::new(Semaphore::new(n_slots))));
    let refusals = Arc::new(Semaphore::new(REFUSALS));
    loop {
        let accepted = tokio::select! {
            biased;
            () = shutdown.stopping.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Usually out of file descriptors: an immediate retry would only waste processor time.
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let transport = Transport::new(stream);
        transport.begin_http();
        let free = slots.iter().find_map(|(kind, slots)| Some((*kind, slots.clone().try_acquire_owned().ok()?)));
        if let Some((kind, permit)) = free {
            let slot = Slot { _permit: Arc::new(permit) };
            shutdown.tasks.spawn(serve(transport, Peer(peer.ip()), router.clone(), slot, kind, shutdown.clone()));
        } else if let Ok(permit) = refusals.clone().try_acquire_owned() {
            shutdown.tasks.spawn(async move {
                refuse(transport).await;
                drop(permit);
            });
        }
    }
}

/// Answers 503 without reading the request.
async fn refuse(mut transport: Transport) {
    let body =
        json!({ "error": { "code": ApiError::Full.kind().1, "message": ApiError::Full.to_string() } }).to_string();
    let answer = format!(
        "HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\ncontent-length: {}\r\nretry-after: \
         {RETRY_AFTER_S}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    // A new connection's send buffer takes it at once.
    if tokio::time::timeout(REFUSAL_TIME, transport.write_all(answer.as_bytes())).await.is_ok_and(|sent| sent.is_ok()) {
        transport.discard(REFUSAL_TIME).await;
    }
}

/// The layer that keeps the reserve for the page's documents and files and for health checks: an API call can be
/// repeated later, and a WebSocket would keep its slot.
pub async fn keep_reserve(request: axum::extract::Request, next: Next) -> Result<Response, ApiError> {
    let is_reserve = request.extensions().get() == Some(&SlotKind::Reserve);
    let path = request.uri().path();
    if is_reserve && (path == "/ws" || path.starts_with("/api/")) {
        return Err(ApiError::Full);
    }
    Ok(next.run(request).await)
}

async fn serve(transport: Transport, peer: Peer, router: Router, slot: Slot, kind: SlotKind, shutdown: Shutdown) {
    let socket = TokioIo::new(transport.clone());
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(transport.clone());
        request.extensions_mut().insert(slot.clone());
        request.extensions_mut().insert(peer);
        request.extensions_mut().insert(kind);
        router.clone().oneshot(request.map(|body| Body::new(TimedBody::new(body, BODY_TIME))))
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIME)
        .keep_alive(kind == SlotKind::Ordinary)
        // A client may end its side once it has asked.
        .half_close(true)
        .max_buf_size(MAX_HEADERS)
        .serve_connection(socket, service)
        .with_upgrades();
    let mut connection = std::pin::pin!(connection);
    let result = tokio::select! {
        biased;
        result = connection.as_mut() => result,
        () = shutdown.stopping.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = result {
        tracing::debug!(%error, "connection ended early");
    }
}

/// The time for a request's head, and for the next request of a connection. With [`BODY_TIME`] ten seconds for all of
/// a request.
const HEADER_TIME: Duration = Duration::from_secs(5);
/// The time for a request's body: at most 64 KiB.
const BODY_TIME: Duration = Duration::from_secs(5);
/// Connections beyond `max_connections`: a page and its files at once for a dozen readers.
pub const RESERVE: usize = 64;
/// Connections that are being refused; further ones end without a word.
const REFUSALS: usize = 256;
const REFUSAL_TIME: Duration = Duration::from_secs(1);
/// The wait that a refusal asks for.
pub const RETRY_AFTER_S: u64 = 5;
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// The maximum for request headers and the read buffer; our requests stay far below.
const MAX_HEADERS: usize = 32 << 10;
