//! What a REST caller is told when a request cannot be answered: a status, a stable code, and words for people.
//!
//! The JSON form is `{"error":{"code":"unknown_instrument","message":"…","nearest":["…"]}}`. Codes are part of the API;
//! messages are not. Details of the server's own failures go to the log, not to the caller.

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::json;

use crate::feed::control::ControlError;

/// Why a request cannot be answered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ApiError {
    /// A query parameter is missing or cannot be read.
    #[error("{parameter}: {remedy}")]
    BadParameter {
        /// Its name.
        parameter: &'static str,
        /// What to write instead.
        remedy: String,
    },
    /// No feed follows this instrument.
    #[error("no feed follows {instrument}")]
    UnknownInstrument {
        /// As asked for, cut to a sane length.
        instrument: String,
        /// What is followed and looks like it.
        nearest: Vec<String>,
    },
    /// There is no recording of that name.
    #[error("there is no recording named {name}; GET /api/v1/recordings lists them")]
    UnknownRecording {
        /// As asked for.
        name: String,
    },
    /// It cannot be done as things stand.
    #[error("{what}")]
    Conflict {
        /// Why, and what to do first.
        what: String,
    },
    /// No replay is loaded.
    #[error("nothing plays; load a recording first")]
    NothingPlays,
    /// Files cannot be written or read.
    #[error("the recordings' folder cannot be used: {what}; check its rights and its disk's space")]
    Storage {
        /// The system's words.
        what: String,
    },
    /// There is no such venue.
    #[error("no venue {venue}; known are {known}")]
    UnknownVenue {
        /// As asked for, cut to a sane length.
        venue: String,
        /// All there are.
        known: String,
    },
    /// The venue's REST is not passed on to pages.
    #[error("the REST of {venue} is not passed on: {reason}")]
    NotPassedOn {
        /// The venue.
        venue: &'static str,
        /// Why, and what to do instead.
        reason: &'static str,
    },
    /// A REST path that no session of the venue asks for.
    #[error("{venue} is not asked for this path; allowed are {allowed}")]
    PathNotAllowed {
        /// The venue.
        venue: &'static str,
        /// Every path that is.
        allowed: String,
    },
    /// The venue may not be asked now, or the caller asks too often.
    #[error("{reason}; ask again in {wait_s} s")]
    AskLater {
        /// What is used up.
        reason: &'static str,
        /// Also in `Retry-After`.
        wait_s: u64,
    },
    /// The venue gave no answer.
    #[error("the venue gave no answer: {detail}")]
    VenueUnreachable {
        /// The network's words.
        detail: String,
    },
    /// Feeds cannot be started or stopped as asked for.
    #[error(transparent)]
    Order(#[from] ControlError),
    /// The request's body cannot be read.
    #[error("body: {detail}; write JSON as in {example}, with content-type application/json")]
    BadBody {
        /// What the reader says.
        detail: String,
        /// A body that can be read.
        example: &'static str,
    },
    /// There is nothing at this address.
    #[error("nothing here; the page is at /, the API under /api/v1")]
    NotFound,
    /// The method does not fit the address.
    #[error("this address does not take that method")]
    MethodNotAllowed,
    /// `Host` or `Origin` is not one of ours.
    #[error("this {header} may not call here; a proxy's name goes into server.allowed_hosts")]
    ForeignCaller {
        /// `Host` or `Origin`.
        header: &'static str,
    },
    /// A plain request where a WebSocket handshake is wanted.
    #[error("this address speaks WebSocket")]
    NotAWebSocket,
    /// The feed's task does not take requests just now.
    #[error("the feed is busy; try again in a second")]
    FeedBusy,
    /// The server is going down.
    #[error("the server is shutting down")]
    ShuttingDown,
}

impl ApiError {
    /// Status and stable code.
    pub fn kind(&self) -> (StatusCode, &'static str) {
        match self {
            Self::BadParameter { .. } => (StatusCode::BAD_REQUEST, "bad_parameter"),
            Self::UnknownInstrument { .. } => (StatusCode::NOT_FOUND, "unknown_instrument"),
            Self::UnknownRecording { .. } => (StatusCode::NOT_FOUND, "unknown_recording"),
            Self::Conflict { .. } => (StatusCode::CONFLICT, "conflict"),
            Self::NothingPlays => (StatusCode::CONFLICT, "nothing_plays"),
            Self::Storage { .. } => (StatusCode::INSUFFICIENT_STORAGE, "storage"),
            Self::UnknownVenue { .. } => (StatusCode::NOT_FOUND, "unknown_venue"),
            Self::NotPassedOn { .. } => (StatusCode::FORBIDDEN, "not_passed_on"),
            Self::PathNotAllowed { .. } => (StatusCode::FORBIDDEN, "path_not_allowed"),
            Self::AskLater { .. } => (StatusCode::TOO_MANY_REQUESTS, "ask_later"),
            Self::VenueUnreachable { .. } => (StatusCode::BAD_GATEWAY, "venue_unreachable"),
            Self::Order(error) => order_kind(error),
            Self::BadBody { .. } => (StatusCode::BAD_REQUEST, "bad_body"),
            Self::NotFound => (StatusCode::NOT_FOUND, "not_found"),
            Self::MethodNotAllowed => (StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed"),
            Self::ForeignCaller { .. } => (StatusCode::FORBIDDEN, "foreign_caller"),
            Self::NotAWebSocket => (StatusCode::UPGRADE_REQUIRED, "not_a_websocket"),
            Self::FeedBusy => (StatusCode::SERVICE_UNAVAILABLE, "feed_busy"),
            Self::ShuttingDown => (StatusCode::SERVICE_UNAVAILABLE, "shutting_down"),
        }
    }
}

/// The codes of the stream's refusals.
fn order_kind(error: &ControlError) -> (StatusCode, &'static str) {
    match error {
        ControlError::UnknownVenue(_) => (StatusCode::NOT_FOUND, "unknown_venue"),
        ControlError::BadSymbols { .. } => (StatusCode::BAD_REQUEST, "bad_symbols"),
        ControlError::TooManySymbols { .. } => (StatusCode::BAD_REQUEST, "too_many_symbols"),
        ControlError::NeedsToken { .. } => (StatusCode::CONFLICT, "needs_token"),
        ControlError::AlreadyRunning { .. } => (StatusCode::CONFLICT, "already_running"),
        ControlError::NotRunning { .. } => (StatusCode::NOT_FOUND, "not_running"),
        ControlError::TooOften { .. } => (StatusCode::TOO_MANY_REQUESTS, "rate_limited"),
        ControlError::Busy | ControlError::Stuck { .. } => (StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let (status, code) = self.kind();
        let mut error = json!({ "code": code, "message": self.to_string() });
        match &self {
            Self::UnknownInstrument { nearest, .. } => error["nearest"] = json!(nearest),
            Self::BadParameter { parameter, .. } => error["parameter"] = json!(parameter),
            _ => {}
        }
        let mut response = (status, Json(json!({ "error": error }))).into_response();
        if let Self::AskLater { wait_s, .. } = &self {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(*wait_s));
        }
        response
    }
}
