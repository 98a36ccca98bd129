//! The server's side of the WebSocket handshake: checks the request, answers it and waits for the socket.
//!
//! axum's extractor hides the library's socket, which alone can send a message in several frames. Not here: messages.
//! Source: RFC 6455, section 4.2.

use axum::{
    body::Body,
    extract::FromRequestParts,
    http::{
        HeaderMap, HeaderName, HeaderValue, StatusCode,
        header::{CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE},
        request::Parts,
    },
    response::Response,
};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        handshake::derive_accept_key,
        protocol::{Role, WebSocketConfig},
    },
};

use crate::http::error::ApiError;

/// A connection after the handshake.
pub type Socket = WebSocketStream<TokioIo<Upgraded>>;

/// A client's request for a WebSocket.
#[derive(Debug)]
pub struct Handshake {
    upgrading: OnUpgrade,
    accept_key: String,
}

impl Handshake {
    /// Returns the answer that ends the HTTP part of the connection.
    pub fn response(&self) -> Response {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        let headers = response.headers_mut();
        headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
        // Base64 is always a header's value.
        if let Ok(key) = HeaderValue::from_str(&self.accept_key) {
            headers.insert(SEC_WEBSOCKET_ACCEPT, key);
        }
        response
    }

    /// Waits until the answer has been sent.
    ///
    /// # Errors
    /// The connection ended before.
    pub async fn socket(self, config: WebSocketConfig) -> Result<Socket, hyper::Error> {
        let connection = TokioIo::new(self.upgrading.await?);
        Ok(WebSocketStream::from_raw_socket(connection, Role::Server, Some(config)).await)
    }
}

impl<S: Sync> FromRequestParts<S> for Handshake {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ApiError> {
        let headers = &parts.headers;
        let is_asked = has_token(headers, &CONNECTION, "upgrade")
            && has_token(headers, &UPGRADE, "websocket")
            && has_token(headers, &SEC_WEBSOCKET_VERSION, "13");
        let key = headers.get(SEC_WEBSOCKET_KEY).filter(|_| is_asked).ok_or(ApiError::NotAWebSocket)?;
        let accept_key = derive_accept_key(key.as_bytes());
        let upgrading = parts.extensions.remove::<OnUpgrade>().ok_or(ApiError::NotAWebSocket)?;
        Ok(Self { upgrading, accept_key })
    }
}

/// Returns true if a header's comma-separated list holds the word.
fn has_token(headers: &HeaderMap, name: &HeaderName, word: &str) -> bool {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|token| token.trim().eq_ignore_ascii_case(word))
}
