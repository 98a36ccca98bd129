//! Where REST requests are answered: faults and limits come first, then the venue's own answer; everything is logged.
//!
//! Not here: paths, bodies and words of errors (each venue's `rest`).

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use tokio::time::Instant;

use crate::{fault::RestFate, player::wall_clock, request_log::LoggedRequest, sim::Shared};

/// The window over which weight is counted.
const WEIGHT_WINDOW: Duration = Duration::from_secs(60);

/// Parameters of a query.
pub(crate) type Parameters = BTreeMap<String, String>;

/// Status and body of an answer.
pub(crate) type Answer = (u16, String);

/// One request.
pub(crate) struct Asked {
    /// Path from the root.
    pub(crate) path: String,
    /// Query as it came.
    pub(crate) query: Option<String>,
    /// What it counts for.
    pub(crate) weight: u32,
}

/// One venue's desk.
pub(crate) struct Desk {
    shared: Arc<Shared>,
    /// Start of the weight window, and weight used in it.
    used: Mutex<(Instant, u32)>,
    /// Status of the venue's own answer to too many requests.
    limit_status: u16,
}

impl Desk {
    /// A desk that refuses too many requests with `limit_status`.
    pub(crate) fn new(shared: Arc<Shared>, limit_status: u16) -> Self {
        Self { shared, used: Mutex::new((Instant::now(), 0)), limit_status }
    }

    /// Answers a request by `body`, or by `refused` with a status where a fault or a limit has it so. Returns the weight
    /// used in this window, too. Not cancel-safe: a request that is given up is not logged.
    pub(crate) async fn answer(
        &self,
        asked: Asked,
        refused: impl Fn(u16) -> Answer,
        body: impl FnOnce() -> Answer,
    ) -> (Response, u32) {
        let at_us = wall_clock().as_micros();
        let (used, over_s) = self.charge(asked.weight);
        let (fate, is_inside_retry_after) = self.shared.faults().rest(&asked.path, Instant::now());
        if let RestFate::Slow(delay) = fate {
            tokio::select! {
                () = self.shared.stop.cancelled() => {}
                () = tokio::time::sleep(delay) => {}
            }
        }
        let ((status, text), retry_after_s) = match (fate, over_s) {
            (RestFate::Refuse { status, retry_after_s }, _) => (refused(status), retry_after_s),
            (_, Some(over_s)) => (refused(self.limit_status), Some(over_s).filter(|_| self.limit_status != 200)),
            _ => (body(), None),
        };
        self.shared.requests().push(LoggedRequest {
            seq: 0,
            at_us,
            path: asked.path,
            query: asked.query.unwrap_or_default(),
            status,
            weight: asked.weight,
            is_inside_retry_after,
        });
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, [(header::CONTENT_TYPE, "application/json;charset=UTF-8")], text).into_response();
        if let Some(seconds) = retry_after_s {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        (response, used)
    }

    /// Counts weight; returns what is used in this window and, where that is too much, the seconds until the next.
    fn charge(&self, weight: u32) -> (u32, Option<u64>) {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        if used.0.elapsed() >= WEIGHT_WINDOW {
            *used = (Instant::now(), 0);
        }
        used.1 = used.1.saturating_add(weight);
        let is_over = self.shared.config.limits.weight_per_min.is_some_and(|limit| used.1 > limit);
        let left = WEIGHT_WINDOW.saturating_sub(used.0.elapsed());
        (used.1, is_over.then(|| left.as_secs() + 1))
    }
}
