//! The outermost layer: gives each request an id, which its log lines and its answer have, and counts its answer.
//!
//! A proxy in front may give the id, so that both logs have the same; anything but a short word is replaced.

use std::sync::Arc;

use app::pages::is_page;
use axum::{
    extract::{MatchedPath, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode},
    middleware::Next,
    response::Response,
};
use ring::rand::{SecureRandom, SystemRandom};
use tokio::time::Instant;
use tracing::Instrument;

use super::error::ErrorMark;
use crate::metrics::Metrics;

/// The id of a request, attached to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId(pub Arc<str>);

impl RequestId {
    /// Takes the id that a proxy gave, or makes one.
    fn of(headers: &HeaderMap) -> Self {
        let given = headers.get(REQUEST_ID).and_then(|value| value.to_str().ok()).filter(|text| is_id(text));
        Self(given.map_or_else(random, Arc::from))
    }
}

/// The layer.
pub async fn observe(State(metrics): State<Metrics>, mut request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let RequestId(id) = RequestId::of(request.headers());
    request.extensions_mut().insert(RequestId(Arc::clone(&id)));
    let route = request.extensions().get::<MatchedPath>().map_or(NO_ROUTE, |path| path.as_str()).to_owned();
    let kind = kind_of(&route);
    // At the level of errors, so that a line of any level has it. Without the query: it may be anything.
    let span =
        tracing::error_span!("request", request_id = %id, method = %request.method(), path = request.uri().path());
    let mut response = next.run(request).instrument(span.clone()).await;
    let took = begun.elapsed();
    let status = response.status();
    let code = response.extensions().get::<ErrorMark>().map(|code| code.0);
    span.in_scope(|| {
        tracing::debug!(status = status.as_u16(), code, took_us = took.as_micros() as u64, "a request was answered");
    });
    metrics.counters().requests.answered(&route, kind, class_of(status), code, took);
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    response
}

fn is_id(text: &str) -> bool {
    (1..=MAX_ID).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
}

fn random() -> Arc<str> {
    let mut bytes = [0; 8];
    // Without chance ids repeat, which only makes logs harder to read.
    let _all_zero = SystemRandom::new().fill(&mut bytes);
    format!("{:016x}", u64::from_be_bytes(bytes)).into()
}

fn kind_of(route: &str) -> &'static str {
    match route {
        route if route.starts_with("/api/") => "api",
        route if is_page(route) => "page",
        _ => "other",
    }
}

fn class_of(status: StatusCode) -> &'static str {
    match status.as_u16() / 100 {
        1 => "1xx",
        2 => "2xx",
        3 => "3xx",
        4 => "4xx",
        _ => "5xx",
    }
}

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const MAX_ID: usize = 64;
/// The label of requests without a route: the page's files, and what does not exist.
const NO_ROUTE: &str = "file";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::counters::clients::REQUEST_KINDS;

    #[test]
    fn an_id_is_kept_only_if_it_is_a_short_word() {
        let id = |given: &str| {
            let headers = HeaderMap::from_iter([(REQUEST_ID, HeaderValue::from_bytes(given.as_bytes()).unwrap())]);
            RequestId::of(&headers).0
        };
        assert_eq!(&*id("a-B_9.c"), "a-B_9.c");
        for given in ["", "a b", "a\"b", "\u{e9}", &"x".repeat(65)] {
            let made = id(given);
            assert!(made.len() == 16 && &*made != given && is_id(&made), "{given:?} {made}");
        }
        assert_ne!(id(""), id(""));
    }

    #[test]
    fn kinds_are_those_of_the_metrics() {
        for (route, kind) in
            [("/api/v1/book", "api"), ("/", "page"), ("/markets", "page"), ("/ws", "other"), (NO_ROUTE, "other")]
        {
            assert_eq!(kind_of(route), kind, "{route}");
            assert!(REQUEST_KINDS.contains(&kind));
        }
    }
}
