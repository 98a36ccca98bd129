//! The listening socket: accepts connections up to a limit, tunes them, and serves HTTP on each.
//!
//! Our own loop instead of `axum::serve`, which limits neither the time for headers (half-sent ones would hold
//! connections forever) nor the number of connections. HTTP/2 over TLS alone, as browsers do; they open WebSockets with
//! HTTP/1 beside it.
//!
//! | connections | what a further one gets |
//! |---|---|
//! | fewer than `max_connections` | everything |
//! | as many from its address as `limits.connections_per_address` | 429 and the end |
//! | up to [`RESERVE`](crate::places::RESERVE) more | one request: the page's documents, files and health checks; 503 for anything else |
//! | still more | 503 and the end |

use std::{convert::Infallible, net::IpAddr, sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    http::{HeaderValue, Request, Version, header},
    middleware::Next,
    response::Response,
};
use hyper::{
    body::Incoming,
    server::conn::{http1, http2},
};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rustls::ServerConfig;
use serde_json::json;
use tokio::{io::AsyncWriteExt, net::TcpListener, sync::Semaphore};
use tokio_rustls::TlsAcceptor;
use tower::{ServiceExt, util::Oneshot};

use super::{
    error::ApiError,
    forwarded::{Scheme, TrustedProxies},
    timed_body::TimedBody,
    transport::Transport,
};
use crate::{
    certificate::ACME_PROTOCOL,
    limits::{Limits, PLACE_WAIT},
    metrics::counters::clients::ConnectionCounters,
    places::{NoPlace, Places, Slot, SlotKind},
    shutdown::Shutdown,
};

/// The caller's address; attached to every request. Of a connection it is the other end, until `forwarded` has found the
/// caller behind a reverse proxy.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub IpAddr);

/// The parts that serve a connection.
#[derive(Clone)]
pub struct Service {
    /// The routes.
    pub router: Router,
    /// TLS with HTTP/2 and without it; `None` for plain HTTP.
    pub tls: Option<[Arc<ServerConfig>; 2]>,
    /// The places of connections.
    pub places: Places,
    /// The limits of callers.
    pub limits: Limits,
    /// The proxies, which connect for many.
    pub proxies: TrustedProxies,
    /// The counters of connections.
    pub counters: ConnectionCounters,
    /// The end of the server.
    pub shutdown: Shutdown,
}

/// Accepts connections until the shutdown's second step. A connection's slot and its kind are attached to every request
/// of it.
pub async fn accept(listener: TcpListener, service: Service) {
    let shutdown = service.shutdown.clone();
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
        let address = peer.ip();
        let place = service.places.take((!service.proxies.contains(address)).then_some(address));
        let answering = refusals.clone().try_acquire_owned();
        let refusal = match place {
            Ok((kind, slot)) => {
                let limits = service.limits.clone();
                let connection = Connection { transport, peer: Peer(address), slot, kind, limits };
                shutdown.tasks.spawn(serve(connection, service.clone()));
                continue;
            }
            Err(NoPlace::Full) => {
                service.counters.refused(answering.is_ok());
                ApiError::Full
            }
            Err(NoPlace::OverLimit) => service.limits.connection_refused().into(),
        };
        if let Ok(permit) = answering {
            shutdown.tasks.spawn(async move {
                refuse(transport, &refusal).await;
                drop(permit);
            });
        }
    }
}

/// Answers without reading the request.
async fn refuse(mut transport: Transport, refusal: &ApiError) {
    let (status, code, _) = refusal.kind();
    let body = json!({ "error": { "code": code, "message": refusal.to_string() } }).to_string();
    let answer = format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nretry-after: {}\r\nconnection: \
         close\r\n\r\n{body}",
        body.len(),
        PLACE_WAIT.as_secs(),
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

/// A connection that was accepted.
#[derive(Clone)]
struct Connection {
    transport: Transport,
    peer: Peer,
    slot: Slot,
    kind: SlotKind,
    limits: Limits,
}

async fn serve(connection: Connection, service: Service) {
    let Service { router, tls, shutdown, .. } = service;
    let header_time = connection.limits.config().header_timeout;
    let Some([with_http2, without]) = tls else {
        let socket = TokioIo::new(connection.transport.clone());
        return serve_http1(socket, connection.answering(router, Scheme::Http), connection.kind, &shutdown).await;
    };
    // A connection of the reserve is for one request.
    let config = if connection.kind == SlotKind::Ordinary { with_http2 } else { without };
    let handshake = TlsAcceptor::from(config).accept(connection.transport.clone());
    let stream = match tokio::time::timeout(header_time, handshake).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => return tracing::debug!(%error, "no TLS connection came about"),
        Err(_) => return tracing::debug!("a TLS handshake did not end in time"),
    };
    let protocol = stream.get_ref().1.alpn_protocol();
    if protocol == Some(ACME_PROTOCOL) {
        // An authority has seen what it asked for.
        return;
    }
    let is_http2 = protocol == Some(b"h2");
    let answering = connection.answering(router, Scheme::Https);
    let socket = TokioIo::new(stream);
    if is_http2 {
        serve_http2(socket, answering, &shutdown).await;
    } else {
        serve_http1(socket, answering, connection.kind, &shutdown).await;
    }
}

/// The way from a request of a connection to its answer.
#[derive(Clone)]
struct Answering {
    connection: Connection,
    router: Router,
    scheme: Scheme,
}

impl Connection {
    fn answering(&self, router: Router, scheme: Scheme) -> Answering {
        Answering { connection: self.clone(), router, scheme }
    }
}

impl hyper::service::Service<Request<Incoming>> for Answering {
    type Response = Response;
    type Error = Infallible;
    type Future = Oneshot<Router, Request<Body>>;

    fn call(&self, mut request: Request<Incoming>) -> Self::Future {
        let Connection { transport, peer, slot, kind, limits } = self.connection.clone();
        let body_time = limits.config().body_timeout;
        let extensions = request.extensions_mut();
        extensions.insert(transport);
        extensions.insert(slot);
        extensions.insert(peer);
        extensions.insert(kind);
        extensions.insert(self.scheme);
        // HTTP/2 names the host in the request line alone; everything else here reads the header.
        if request.version() == Version::HTTP_2
            && !request.headers().contains_key(header::HOST)
            && let Some(host) = request.uri().authority().and_then(|host| HeaderValue::from_str(host.as_str()).ok())
        {
            request.headers_mut().insert(header::HOST, host);
        }
        self.router.clone().oneshot(request.map(|body| Body::new(TimedBody::new(body, body_time))))
    }
}

async fn serve_http1<S>(socket: S, answering: Answering, kind: SlotKind, shutdown: &Shutdown)
where
    S: hyper::rt::Read + hyper::rt::Write + Unpin + Send + 'static,
{
    let header_time = answering.connection.limits.config().header_timeout;
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(header_time)
        .keep_alive(kind == SlotKind::Ordinary)
        // A client may end its side once it has asked.
        .half_close(true)
        .max_buf_size(MAX_HEADERS)
        .serve_connection(socket, answering)
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
    note_end(result);
}

async fn serve_http2<S>(socket: S, answering: Answering, shutdown: &Shutdown)
where
    S: hyper::rt::Read + hyper::rt::Write + Unpin + Send + 'static,
{
    let header_time = answering.connection.limits.config().header_timeout;
    let connection = http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .max_concurrent_streams(MAX_STREAMS)
        .max_header_list_size(MAX_HEADER_LIST)
        .keep_alive_interval(Some(PING_EVERY))
        .keep_alive_timeout(header_time)
        .serve_connection(socket, answering);
    let mut connection = std::pin::pin!(connection);
    let result = tokio::select! {
        biased;
        result = connection.as_mut() => result,
        () = shutdown.stopping.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    note_end(result);
}

fn note_end(result: hyper::Result<()>) {
    if let Err(error) = result {
        tracing::debug!(%error, "connection ended early");
    }
}

/// Requests of an HTTP/2 connection at once: a page and its files.
const MAX_STREAMS: u32 = 64;
const MAX_HEADER_LIST: u32 = 32 << 10;
const PING_EVERY: Duration = Duration::from_secs(30);
/// Connections that are being refused; further ones end without a word.
const REFUSALS: usize = 256;
const REFUSAL_TIME: Duration = Duration::from_secs(1);
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// The maximum for request headers and the read buffer; our requests stay far below.
const MAX_HEADERS: usize = 32 << 10;
