//! Clients' load: connections, requests, stream sessions, and what browsers measure.

use std::time::Duration;

use model::histogram::DELAY_BOUNDS_US;
use prometheus_client::metrics::{counter::Counter, family::Family};

use super::{Label, sum, timings, with_words};
use crate::{limits::Limit, metrics::timing::Timing};

/// Connections.
#[derive(Clone, Debug)]
pub struct ConnectionCounters {
    pub(super) refused: Family<Label, Counter>,
}

impl ConnectionCounters {
    /// Counts a connection without a free place; `is_answered` if it was told so.
    pub fn refused(&self, is_answered: bool) {
        let reason = if is_answered { "full" } else { "full_unanswered" };
        self.refused.get_or_create(&[("reason", reason)]).inc();
    }
}

impl Default for ConnectionCounters {
    fn default() -> Self {
        Self { refused: with_words("reason", &REFUSALS) }
    }
}

const REFUSALS: [&str; 2] = ["full", "full_unanswered"];

/// Limits of callers.
#[derive(Clone, Debug)]
pub struct LimitCounters {
    pub(super) refused: Family<Label, Counter>,
}

impl LimitCounters {
    /// Counts a refusal by one of [`Limit::ALL`], named by its word.
    pub fn refused(&self, limit: &'static str) {
        self.refused.get_or_create(&[("limit", limit)]).inc();
    }

    /// Returns the number of refusals by a limit.
    pub fn n_refused(&self, limit: &'static str) -> u64 {
        self.refused.get_or_create(&[("limit", limit)]).get()
    }
}

impl Default for LimitCounters {
    fn default() -> Self {
        Self { refused: with_words("limit", &Limit::ALL.map(Limit::as_str)) }
    }
}

/// HTTP requests.
#[derive(Clone, Debug)]
pub struct RequestCounters {
    /// Created when a route is first used: there are many, and most servers use few.
    pub(super) answered: Family<(Route, Label), Counter>,
    pub(super) errors: Family<Label, Counter>,
    pub(super) times: Family<Label, Timing>,
    all: Counter,
}

/// A route's label. Its texts are those of the router, so there is a fixed number.
pub type Route = [(&'static str, String); 1];

impl RequestCounters {
    /// Counts an answer. `kind` is one of [`REQUEST_KINDS`], `class` as in `2xx`, `code` that of an error.
    pub fn answered(
        &self,
        route: &str,
        kind: &'static str,
        class: &'static str,
        code: Option<&'static str>,
        took: Duration,
    ) {
        self.answered.get_or_create(&([("route", route.to_owned())], [("status", class)])).inc();
        self.times.get_or_create(&[("kind", kind)]).record(took);
        self.all.inc();
        if let Some(code) = code {
            self.errors.get_or_create(&[("code", code)]).inc();
        }
    }

    /// Returns the number of answers.
    pub fn n_answered(&self) -> u64 {
        self.all.get()
    }
}

impl Default for RequestCounters {
    fn default() -> Self {
        let times = timings(|| Timing::new(&[1_000, 10_000, 100_000, 1_000_000]), "kind", &REQUEST_KINDS);
        Self { answered: Family::default(), errors: Family::default(), times, all: Counter::default() }
    }
}

/// Kinds of requests.
pub const REQUEST_KINDS: [&str; 3] = ["api", "page", "other"];

/// Stream sessions.
#[derive(Clone, Debug)]
pub struct StreamCounters {
    pub(super) messages: Family<Label, Counter>,
    pub(super) bytes: Family<Label, Counter>,
    pub(super) closed: Family<Label, Counter>,
    /// Messages from clients.
    pub received: Counter,
    /// Resets sent.
    pub resets: Counter,
}

/// The counters of sessions with one encoding.
#[derive(Clone, Debug)]
pub struct SentCounters {
    /// Messages.
    pub messages: Counter,
    /// Their bytes.
    pub bytes: Counter,
}

impl StreamCounters {
    /// Returns the counters of an encoding, one of [`ENCODINGS`].
    pub fn sent(&self, encoding: &'static str) -> SentCounters {
        let label = [("encoding", encoding)];
        SentCounters {
            messages: self.messages.get_or_create_owned(&label),
            bytes: self.bytes.get_or_create_owned(&label),
        }
    }

    /// Counts a session that the server ends, for one of [`CLOSINGS`].
    pub fn closed(&self, reason: &'static str) {
        self.closed.get_or_create(&[("reason", reason)]).inc();
    }

    /// Returns messages and bytes to clients.
    pub fn n_sent(&self) -> (u64, u64) {
        (sum(&self.messages, "encoding", &ENCODINGS), sum(&self.bytes, "encoding", &ENCODINGS))
    }
}

impl Default for StreamCounters {
    fn default() -> Self {
        Self {
            messages: with_words("encoding", &ENCODINGS),
            bytes: with_words("encoding", &ENCODINGS),
            closed: with_words("reason", &CLOSINGS),
            received: Counter::default(),
            resets: Counter::default(),
        }
    }
}

/// Encodings of the stream.
pub const ENCODINGS: [&str; 2] = ["binary", "json"];
/// Reasons to end a session.
pub const CLOSINGS: [&str; 6] = ["slow", "idle", "no_hello", "bad_message", "restart", "other"];

/// Measurements by browsers.
#[derive(Clone, Debug)]
pub struct BrowserCounters {
    /// From publishing to the painted pixel.
    pub paint: Timing,
}

impl Default for BrowserCounters {
    fn default() -> Self {
        Self { paint: Timing::new(&DELAY_BOUNDS_US) }
    }
}
