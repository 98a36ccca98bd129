//! The layers that refuse callers over a limit, and end requests that take too long. Not here: the limits
//! ([`crate::limits`]), connections ([`super::accept`]), and streams ([`super::stream`]).

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};

use super::{accept::Peer, entry::address_of, error::ApiError};
use crate::{access::caller::Caller, limits::Limits};

/// The layer that counts requests of an address; before anything is read or looked up for them.
pub async fn limit_address(State(limits): State<Limits>, request: Request, next: Next) -> Result<Response, ApiError> {
    limits.request_of_address(address_of(request.extensions().get::<Peer>()))?;
    Ok(next.run(request).await)
}

/// The layer that counts requests of an account.
pub async fn limit_account(State(limits): State<Limits>, request: Request, next: Next) -> Result<Response, ApiError> {
    if let Some(account) = request.extensions().get::<Caller>().and_then(|caller| caller.user.as_ref()) {
        limits.request_of_account(account)?;
    }
    Ok(next.run(request).await)
}

/// The layer that ends requests without an answer in time. Bodies of answers and streams may take as long as they do.
pub async fn limit_time(State(limits): State<Limits>, request: Request, next: Next) -> Result<Response, ApiError> {
    let answer = tokio::time::timeout(limits.config().answer_timeout, next.run(request)).await;
    answer.map_err(|_| ApiError::TimedOut)
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use axum::{
        Router,
        body::Body,
        http::{StatusCode, header},
        middleware,
    };
    use tokio::sync::watch;
    use tower::ServiceExt;

    use super::*;
    use crate::{
        clock::Clock,
        config::{Config, LimitsConfig, Live},
        metrics::counters::clients::LimitCounters,
    };

    #[tokio::test]
    async fn a_request_ends_in_time() {
        let within = |answer_timeout| {
            Arc::new(Config { limits: LimitsConfig { answer_timeout, ..LimitsConfig::default() }, ..Config::default() })
        };
        let newest = watch::Sender::new(within(Duration::from_secs(3_600)));
        let limits = Limits::new(Live::new(newest.subscribe()), LimitCounters::default(), Clock::start());
        let answer = async |request: Request| {
            if request.uri().path() == "/never" {
                std::future::pending::<()>().await;
            }
        };
        let router = Router::new().fallback(answer).layer(middleware::from_fn_with_state(limits, limit_time));
        let ask = async |path: &str| {
            let answer = router.clone().oneshot(Request::get(path).body(Body::empty()).unwrap()).await.unwrap();
            (answer.status(), answer.headers().contains_key(header::RETRY_AFTER))
        };
        newest.send_replace(within(Duration::from_millis(100)));
        let never = tokio::time::timeout(Duration::from_secs(20), ask("/never")).await;
        assert_eq!(never, Ok((StatusCode::SERVICE_UNAVAILABLE, true)));
        assert_eq!(ask("/now").await, (StatusCode::OK, false));
    }
}
