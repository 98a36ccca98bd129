//! The listening socket: accepts connections up to a limit, tunes them, and serves HTTP/1 on each.
//!
//! Our own loop instead of `axum::serve`, which limits neither the time for headers (half-sent ones would hold
//! connections forever) nor the number of connections. HTTP/1 only: browsers speak HTTP/2 only over TLS, which a
//! reverse proxy terminates.

use std::{net::IpAddr, sync::Arc, time::Duration};

use axum::{Router, body::Body, http::Request};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
};
use tower::ServiceExt;

use super::transport::Transport;
use crate::shutdown::Shutdown;

/// A connection's slot, held until the connection, or the WebSocket it became, ends.
#[derive(Clone, Debug)]
pub struct Slot {
    _permit: Arc<OwnedSemaphorePermit>,
}

/// The peer's address, or that of a reverse proxy; attached to every request of the connection.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub IpAddr);

/// Accepts connections until the shutdown's second step. When all slots are taken, callers wait in the system's queue.
pub async fn accept(listener: TcpListener, router: Router, shutdown: Shutdown, max_connections: usize) {
    let places = Arc::new(Semaphore::new(max_connections));
    loop {
        let accepting = async {
            let permit = places.clone().acquire_owned().await;
            (permit, listener.accept().await)
        };
        tokio::select! {
            biased;
            () = shutdown.stopping.cancelled() => break,
            (permit, accepted) = accepting => match (permit, accepted) {
                (Ok(permit), Ok((stream, peer))) => {
                    tune(&stream);
                    let slot = Slot { _permit: Arc::new(permit) };
                    shutdown.tasks.spawn(serve(stream, Peer(peer.ip()), router.clone(), slot, shutdown.clone()));
                }
                (_, Err(error)) => {
                    // Usually out of file descriptors: an immediate retry would only waste processor time.
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
                (Err(_closed), _) => break,
            }
        }
    }
}

async fn serve(stream: TcpStream, peer: Peer, router: Router, slot: Slot, shutdown: Shutdown) {
    let transport = Transport::new(stream);
    let socket = TokioIo::new(transport.clone());
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(transport.clone());
        request.extensions_mut().insert(slot.clone());
        request.extensions_mut().insert(peer);
        router.clone().oneshot(request.map(Body::new))
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIME)
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

/// Limits the kernel's send buffer for a client that does not read: otherwise 500 such clients hold 1.5 GB outside of
/// the process's own figures, even after their connections have been dropped.
fn tune(stream: &TcpStream) {
    let socket = socket2::SockRef::from(stream);
    let tuned = socket.set_tcp_nodelay(true).and_then(|()| socket.set_send_buffer_size(SEND_BUFFER));
    #[cfg(any(target_os = "linux", target_os = "android", target_os = "fuchsia", target_os = "cygwin"))]
    let tuned = tuned.and_then(|()| socket.set_tcp_user_timeout(Some(UNACKNOWLEDGED_TIME)));
    if let Err(error) = tuned {
        tracing::debug!(%error, "a connection could not be tuned");
    }
}

const HEADER_TIME: Duration = Duration::from_secs(10);
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// Longer than the stream's `write_timeout`: the kernel counts a full client as silent, and drops it without a word.
const UNACKNOWLEDGED_TIME: Duration = Duration::from_secs(20);
/// The maximum for request headers and the read buffer; our requests stay far below.
const MAX_HEADERS: usize = 32 << 10;
const SEND_BUFFER: usize = 64 << 10;
