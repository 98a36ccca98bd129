//! The WebSocket handshake, done manually: only a raw frame can carry invalid UTF-8 in a text frame.

use axum::{
    body::Body,
    extract::Request,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        handshake::derive_accept_key,
        protocol::{Role, WebSocketConfig},
    },
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// An open WebSocket, server side.
pub(crate) type Socket = WebSocketStream<TokioIo<Upgraded>>;

/// Clients send only subscriptions; 1,024 stream names fit many times.
const MAX_MESSAGE_BYTES: usize = 256 * 1024;

/// Answers the handshake and serves the socket in a task that ends with `stop`.
pub(crate) fn upgrade<Serve, Served>(
    tasks: &TaskTracker,
    stop: &CancellationToken,
    mut request: Request,
    serve: Serve,
) -> Response
where
    Serve: FnOnce(Socket) -> Served + Send + 'static,
    Served: Future<Output = ()> + Send,
{
    let is_websocket =
        request.headers().get(header::UPGRADE).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"websocket"));
    let Some(key) = request.headers().get(header::SEC_WEBSOCKET_KEY).filter(|_| is_websocket) else {
        return (StatusCode::BAD_REQUEST, "this address requires a WebSocket").into_response();
    };
    let Ok(accept) = HeaderValue::from_str(&derive_accept_key(key.as_bytes())) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let upgrade = hyper::upgrade::on(&mut request);
    let stop = stop.clone();
    tasks.spawn(async move {
        let session = async {
            match upgrade.await {
                Ok(upgraded) => {
                    let config = WebSocketConfig::default()
                        .max_message_size(Some(MAX_MESSAGE_BYTES))
                        .max_frame_size(Some(MAX_MESSAGE_BYTES));
                    let io = TokioIo::new(upgraded);
                    serve(WebSocketStream::from_raw_socket(io, Role::Server, Some(config)).await).await;
                }
                Err(error) => tracing::debug!(%error, "a client left during the hand-shake"),
            }
        };
        stop.run_until_cancelled(session).await;
    });
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    response
}
