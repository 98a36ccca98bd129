//! Errors of the REST API: a status, a stable code, and a message for people.
//!
//! The JSON form is `{"error":{"code":"unknown_instrument","message":"…","nearest":["…"]}}`. Codes are part of the API;
//! messages are not. The errors of other modules get their status and code only here. Details of the server's own
//! failures go to the log, not to the caller.

use std::{error::Error, sync::Arc};

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use model::trading::refusal::{DenyCode, Refusal};
use serde_json::json;

use super::accept::RETRY_AFTER_S;
use crate::{
    backtests::error::BacktestRefusal,
    commands::CommandFailure,
    feed::{control::ControlError, error::FeedError},
    recorder::error::RecorderError,
};

/// Why a request cannot be answered.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// A query parameter is missing or invalid.
    #[error("{parameter}: {remedy}")]
    BadParameter {
        /// The parameter's name.
        parameter: &'static str,
        /// How to correct it.
        remedy: String,
    },
    /// A feed cannot answer a query.
    #[error(transparent)]
    Feed(#[from] FeedError),
    /// A command was not carried out.
    #[error(transparent)]
    Command(#[from] Arc<CommandFailure>),
    /// A recording or a replay refuses the request.
    #[error(transparent)]
    Recorder(#[from] RecorderError),
    /// A back-test is refused, or has no such file.
    #[error(transparent)]
    Backtest(#[from] BacktestRefusal),
    /// There is no such venue.
    #[error("unknown venue {venue}; available: {available}")]
    UnknownVenue {
        /// The name in the request, cut to 64 characters.
        venue: String,
        /// The names of all venues.
        available: String,
    },
    /// The venue's REST is not available to pages.
    #[error("the REST of {venue} is not passed on: {reason}")]
    NotPassedOn {
        /// The venue.
        venue: &'static str,
        /// The reason, and what happens instead.
        reason: &'static str,
    },
    /// The path is not one that the venue's session requests.
    #[error("this path of {venue} is not passed on; allowed: {allowed}")]
    PathNotAllowed {
        /// The venue.
        venue: &'static str,
        /// All allowed paths.
        allowed: String,
    },
    /// The venue cannot be asked now, or the caller makes too many requests.
    #[error("{reason}; ask again in {wait_s} s")]
    AskLater {
        /// The exhausted limit.
        reason: &'static str,
        /// Seconds to wait, also in `Retry-After`.
        wait_s: u64,
    },
    /// The venue gave no answer.
    #[error("the venue gave no answer: {detail}")]
    VenueUnreachable {
        /// The network error.
        detail: String,
    },
    /// The request's body is invalid.
    #[error("body: {detail}; write JSON as in {example}, with content-type application/json")]
    BadBody {
        /// The reader's message.
        detail: String,
        /// A valid body.
        example: &'static str,
    },
    /// The request's body is larger than any request needs.
    #[error("the body is larger than {limit_bytes} bytes")]
    BodyTooLarge {
        /// The maximum size.
        limit_bytes: usize,
    },
    /// The request's body did not arrive in time.
    #[error("the body did not arrive in time")]
    BodyTooSlow,
    /// All connections are in use.
    #[error("the server has no free connection; try again in {RETRY_AFTER_S} s")]
    Full,
    /// There is nothing at this address.
    #[error("nothing here; the page is at /, the API under /api/v1")]
    NotFound,
    /// The method does not fit the address.
    #[error("method not allowed here")]
    MethodNotAllowed,
    /// `Host` or `Origin` is not one of ours.
    #[error("requests with this {header} are not accepted; add a proxy's name to server.allowed_hosts")]
    ForeignCaller {
        /// `Host` or `Origin`.
        header: &'static str,
    },
    /// A plain request where a WebSocket handshake is expected.
    #[error("this address speaks WebSocket")]
    NotAWebSocket,
    /// The trading desk refuses. The body is `{"code","message","limit","value"}`, without `error` around it.
    #[error(transparent)]
    Desk(#[from] Refusal),
    /// The server is shutting down.
    #[error("the server is shutting down")]
    ShuttingDown,
}

/// Status, stable code, and the parameter at fault, if there is one.
type Kind = (StatusCode, &'static str, Option<&'static str>);

impl ApiError {
    /// Returns the status, the stable code, and the parameter at fault, if there is one.
    pub fn kind(&self) -> Kind {
        match self {
            Self::BadParameter { parameter, .. } => bad_parameter(parameter),
            Self::Feed(error) => feed_kind(error),
            Self::Command(error) => command_kind(error),
            Self::Recorder(error) => recorder_kind(error),
            Self::Backtest(refusal) => backtest_kind(refusal),
            Self::UnknownVenue { .. } => (StatusCode::NOT_FOUND, "unknown_venue", None),
            Self::NotPassedOn { .. } => (StatusCode::FORBIDDEN, "not_passed_on", None),
            Self::PathNotAllowed { .. } => (StatusCode::FORBIDDEN, "path_not_allowed", None),
            Self::AskLater { .. } => (StatusCode::TOO_MANY_REQUESTS, "ask_later", None),
            Self::VenueUnreachable { .. } => (StatusCode::BAD_GATEWAY, "venue_unreachable", None),
            Self::BadBody { .. } => (StatusCode::BAD_REQUEST, "bad_body", None),
            Self::BodyTooLarge { .. } => (StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", None),
            Self::BodyTooSlow => (StatusCode::REQUEST_TIMEOUT, "body_too_slow", None),
            Self::Full => (StatusCode::SERVICE_UNAVAILABLE, "full", None),
            Self::NotFound => (StatusCode::NOT_FOUND, "not_found", None),
            Self::MethodNotAllowed => (StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", None),
            Self::ForeignCaller { .. } => (StatusCode::FORBIDDEN, "foreign_caller", None),
            Self::NotAWebSocket => (StatusCode::UPGRADE_REQUIRED, "not_a_websocket", None),
            Self::Desk(refusal) => desk_kind(refusal),
            Self::ShuttingDown => SHUTTING_DOWN,
        }
    }
}

/// Everything that the desk refuses for what was asked is 422; what it cannot do now is 503.
fn desk_kind(refusal: &Refusal) -> Kind {
    let status = match refusal.code {
        DenyCode::UnknownOrder | DenyCode::UnknownStrategy | DenyCode::UnknownAccount => StatusCode::NOT_FOUND,
        DenyCode::StorageFull | DenyCode::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::UNPROCESSABLE_ENTITY,
    };
    (status, refusal.code.as_str(), None)
}

fn command_kind(error: &CommandFailure) -> Kind {
    match error {
        CommandFailure::Forbidden { .. } => (StatusCode::FORBIDDEN, "forbidden", None),
        CommandFailure::BadKey => bad_parameter("idempotency-key"),
        CommandFailure::KeyReused { .. } => (StatusCode::CONFLICT, "key_reused", None),
        CommandFailure::Feed(error) => control_kind(error),
        CommandFailure::Recorder(error) => recorder_kind(error),
        CommandFailure::Backtest(refusal) => backtest_kind(refusal),
        CommandFailure::NotKept { .. } => (StatusCode::INSUFFICIENT_STORAGE, "storage", None),
        CommandFailure::Desk(refusal) => desk_kind(refusal),
        CommandFailure::ShuttingDown => SHUTTING_DOWN,
    }
}

fn bad_parameter(parameter: &'static str) -> Kind {
    (StatusCode::BAD_REQUEST, "bad_parameter", Some(parameter))
}

fn feed_kind(error: &FeedError) -> Kind {
    match error {
        FeedError::UnknownInstrument { .. } => (StatusCode::NOT_FOUND, "unknown_instrument", None),
        FeedError::Busy => FEED_BUSY,
    }
}

/// Uses the same codes as the stream's refusals.
fn control_kind(error: &ControlError) -> Kind {
    match error {
        ControlError::UnknownVenue(_) => (StatusCode::NOT_FOUND, "unknown_venue", None),
        ControlError::BadSymbols { .. } => (StatusCode::BAD_REQUEST, "bad_symbols", None),
        ControlError::UnknownSymbol { .. } => (StatusCode::NOT_FOUND, "unknown_symbol", Some("symbols")),
        ControlError::TooManySymbols { .. } => (StatusCode::BAD_REQUEST, "too_many_symbols", None),
        ControlError::NeedsToken { .. } => (StatusCode::CONFLICT, "needs_token", None),
        ControlError::AlreadyRunning { .. } => (StatusCode::CONFLICT, "already_running", None),
        ControlError::NotRunning { .. } => (StatusCode::NOT_FOUND, "not_running", None),
        ControlError::TooOften { .. } => (StatusCode::TOO_MANY_REQUESTS, "rate_limited", None),
        ControlError::Busy | ControlError::Stuck { .. } => (StatusCode::SERVICE_UNAVAILABLE, "unavailable", None),
    }
}

fn recorder_kind(error: &RecorderError) -> Kind {
    match error {
        RecorderError::UnknownRecording { .. } => (StatusCode::NOT_FOUND, "unknown_recording", None),
        RecorderError::NoFeed { .. }
        | RecorderError::IsReplay { .. }
        | RecorderError::NothingReceived { .. }
        | RecorderError::UnnamedVenue
        | RecorderError::UnknownVenue(_) => bad_parameter("venue"),
        RecorderError::NotFollowed { .. } => bad_parameter("symbols"),
        RecorderError::NoFiles | RecorderError::TooManyFiles { .. } | RecorderError::Unplayable { .. } => {
            bad_parameter("files")
        }
        RecorderError::BadName => bad_parameter("name"),
        RecorderError::BadSpeed { .. } => bad_parameter("speed"),
        RecorderError::AlreadyRecording { .. }
        | RecorderError::NotRecording { .. }
        | RecorderError::NothingKept { .. }
        | RecorderError::InUse { .. } => (StatusCode::CONFLICT, "conflict", None),
        RecorderError::Folder(_) | RecorderError::NotWritten { .. } => {
            (StatusCode::INSUFFICIENT_STORAGE, "storage", None)
        }
        RecorderError::NoReplay => (StatusCode::CONFLICT, "nothing_plays", None),
        RecorderError::ReplayBusy => FEED_BUSY,
        RecorderError::Feed(error) => feed_kind(error),
        RecorderError::ShuttingDown => SHUTTING_DOWN,
    }
}

fn backtest_kind(refusal: &BacktestRefusal) -> Kind {
    match refusal {
        BacktestRefusal::BadName => bad_parameter("name"),
        BacktestRefusal::UnknownRecording { .. } => (StatusCode::NOT_FOUND, "unknown_recording", None),
        BacktestRefusal::BadPlan(_) | BacktestRefusal::BadToml(_) => bad_parameter("plan"),
        BacktestRefusal::Busy => (StatusCode::CONFLICT, "conflict", None),
        BacktestRefusal::NoResult => (StatusCode::NOT_FOUND, "no_result", None),
        BacktestRefusal::UnknownFile { .. } => (StatusCode::NOT_FOUND, "unknown_file", None),
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let (status, code, parameter) = self.kind();
        if let Self::Desk(refusal) = self {
            return (status, Json(refusal)).into_response();
        }
        let mut error = json!({ "code": code, "message": with_causes(&self) });
        if let Some(parameter) = parameter {
            error["parameter"] = json!(parameter);
        }
        if let Self::Feed(FeedError::UnknownInstrument { nearest, .. }) = &self {
            error["nearest"] = json!(nearest);
        }
        if let Self::Command(failure) = &self
            && let CommandFailure::Feed(ControlError::UnknownSymbol { did_you_mean, .. }) = &**failure
        {
            error["did_you_mean"] = json!(did_you_mean);
        }
        let mut response = (status, Json(json!({ "error": error }))).into_response();
        let wait_s = match &self {
            Self::AskLater { wait_s, .. } => Some(*wait_s),
            Self::Full => Some(RETRY_AFTER_S),
            _ => None,
        };
        if let Some(wait_s) = wait_s {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(wait_s));
        }
        response
    }
}

/// Returns the message followed by those of its causes, as the command line shows it.
pub fn with_causes(error: &dyn Error) -> String {
    let mut message = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        message.push_str(": ");
        message.push_str(&error.to_string());
        cause = error.source();
    }
    message
}

const FEED_BUSY: Kind = (StatusCode::SERVICE_UNAVAILABLE, "feed_busy", None);
const SHUTTING_DOWN: Kind = (StatusCode::SERVICE_UNAVAILABLE, "shutting_down", None);
