//! The server's side of the WebSocket handshake: checks the request, answers it and waits for the socket.
//!
//! axum's extractor hides the connection, which the session's writer needs. Not here: messages.
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
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::socket::Socket;
use crate::http::{error::ApiError, transport::Transport};

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

    /// Waits until the answer has been sent. `transport` is the TCP socket of the connection.
    ///
    /// # Errors
    /// The connection ended before.
    pub async fn socket(self, transport: Option<Transport>) -> Result<Socket, hyper::Error> {
        Ok(Socket::new(TokioIo::new(self.upgrading.await?), transport).await)
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

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    /// The key of the RFC's example.
    const KEY: (&str, &str) = ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
    const CONNECTION: (&str, &str) = ("connection", "Upgrade");
    const UPGRADE: (&str, &str) = ("upgrade", "websocket");
    const VERSION: (&str, &str) = ("sec-websocket-version", "13");

    fn parts(headers: &[(&str, &str)]) -> Parts {
        let request = headers.iter().fold(Request::get("/ws"), |request, (name, value)| request.header(*name, *value));
        request.body(()).unwrap().into_parts().0
    }

    #[tokio::test]
    async fn a_handshake_is_answered_as_the_rfc_says() {
        #[track_caller]
        fn check(handshake: Result<Handshake, ApiError>, is_accepted: bool, headers: &[(&str, &str)]) {
            let Ok(handshake) = handshake else { return assert!(!is_accepted, "{headers:?}") };
            assert!(is_accepted, "{headers:?}");
            let response = handshake.response();
            let header = |name: HeaderName| response.headers().get(name).and_then(|value| value.to_str().ok());
            assert_eq!(response.status(), StatusCode::SWITCHING_PROTOCOLS);
            assert_eq!(header(SEC_WEBSOCKET_ACCEPT), Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
            assert_eq!(
                [CONNECTION.0, UPGRADE.0].map(|name| header(name.parse().unwrap())),
                [Some("upgrade"), Some("websocket")]
            );
        }
        for (is_accepted, headers) in [
            (true, [CONNECTION, UPGRADE, VERSION, KEY].as_slice()),
            // As Firefox writes it, and as a proxy may.
            (true, &[("connection", "keep-alive, Upgrade"), UPGRADE, VERSION, KEY]),
            (true, &[("connection", "keep-alive"), ("connection", "upgrade"), ("upgrade", "WebSocket"), VERSION, KEY]),
            (false, &[UPGRADE, VERSION, KEY]),
            (false, &[CONNECTION, VERSION, KEY]),
            (false, &[CONNECTION, UPGRADE, KEY]),
            (false, &[CONNECTION, UPGRADE, VERSION]),
            (false, &[("connection", "keep-alive"), UPGRADE, VERSION, KEY]),
            (false, &[("connection", "upgraded"), UPGRADE, VERSION, KEY]),
            (false, &[CONNECTION, ("upgrade", "h2c"), VERSION, KEY]),
            (false, &[CONNECTION, UPGRADE, ("sec-websocket-version", "8"), KEY]),
        ] {
            let mut parts = parts(headers);
            parts.extensions.insert(hyper::upgrade::on(Request::new(())));
            check(Handshake::from_request_parts(&mut parts, &()).await, is_accepted, headers);
        }
        // A connection that cannot be upgraded, such as one of HTTP/2.
        let mut parts = parts(&[CONNECTION, UPGRADE, VERSION, KEY]);
        assert!(Handshake::from_request_parts(&mut parts, &()).await.is_err());
    }
}
