//! The log of REST requests, their times and answers: tests count requests that violate a `Retry-After`.

use std::collections::VecDeque;

use serde::Serialize;

/// Newest requests kept; a test run makes far fewer, and a forgotten simulator must not grow.
const MAX_ENTRIES: usize = 10_000;

/// One request.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct LoggedRequest {
    /// Its number, from 1.
    pub(crate) seq: u64,
    /// Wall clock in microseconds since the epoch.
    pub(crate) at_us: i64,
    /// Path from the root.
    pub(crate) path: String,
    /// The query, verbatim.
    pub(crate) query: String,
    /// HTTP status of the answer.
    pub(crate) status: u16,
    /// Its weight.
    pub(crate) weight: u32,
    /// True if it came before the time given by an earlier `Retry-After`.
    pub(crate) is_inside_retry_after: bool,
}

/// The newest requests and the counts of all.
#[derive(Debug, Default)]
pub(crate) struct RequestLog {
    entries: VecDeque<LoggedRequest>,
    n_requests: u64,
    n_inside_retry_after: u64,
}

impl RequestLog {
    /// Adds a request and sets its number.
    pub(crate) fn push(&mut self, mut request: LoggedRequest) {
        self.n_requests += 1;
        self.n_inside_retry_after += u64::from(request.is_inside_retry_after);
        request.seq = self.n_requests;
        if self.entries.len() == MAX_ENTRIES {
            self.entries.pop_front();
        }
        self.entries.push_back(request);
    }

    /// Returns the number of requests since the start.
    pub(crate) fn n_requests(&self) -> u64 {
        self.n_requests
    }

    /// Returns the number of requests that violated a `Retry-After`.
    pub(crate) fn n_inside_retry_after(&self) -> u64 {
        self.n_inside_retry_after
    }

    /// Returns the requests with a number above `after`, oldest first.
    pub(crate) fn after(&self, after: u64) -> Vec<LoggedRequest> {
        self.entries.iter().filter(|request| request.seq > after).cloned().collect()
    }
}
