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
use schemars::JsonSchema;
use serde::Serialize;

use super::error_code::ErrorCode;
use crate::{
    access::AccessError,
    backtests::error::BacktestRefusal,
    commands::CommandFailure,
    configuration::{ConfigurationError, candidate::SettingFault},
    feed::{control::ControlError, error::FeedError},
    limits::{Limit, OverLimit, PLACE_WAIT},
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
        /// The remedy.
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
    #[error("the server has no free connection; try again in {} s", PLACE_WAIT.as_secs())]
    Full,
    /// The caller has or asks more than it may.
    #[error(transparent)]
    OverLimit(#[from] OverLimit),
    /// There was no answer in time.
    #[error("no answer within limits.answer_timeout_ms; try again")]
    TimedOut,
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
    /// A configured proxy does not say who called it.
    #[error("the proxy's {header} {reason}")]
    BadForwarded {
        /// The header at fault.
        header: &'static str,
        /// The fault in it, as the end of a sentence.
        reason: &'static str,
    },
    /// A plain request where a WebSocket handshake is expected.
    #[error("this address speaks WebSocket")]
    NotAWebSocket,
    /// The trading desk refuses. The body is `{"code","message","limit","value"}`, without `error` around it.
    #[error(transparent)]
    Desk(#[from] Refusal),
    /// The caller is not let in, or access is not changed.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// Settings are not changed.
    #[error(transparent)]
    Configuration(#[from] ConfigurationError),
    /// The server is shutting down.
    #[error("the server is shutting down")]
    ShuttingDown,
}

/// The body of an error.
#[derive(Serialize, JsonSchema)]
pub struct ErrorBody {
    /// The error.
    error: ErrorDetail,
}

/// The details of an error.
#[derive(Serialize, JsonSchema)]
struct ErrorDetail {
    /// The stable code, for programs.
    #[schemars(with = "ErrorCode")]
    code: &'static str,
    /// A sentence for people; not a part of the API.
    message: String,
    /// The parameter at fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    parameter: Option<&'static str>,
    /// Followed instruments with similar names.
    #[serde(skip_serializing_if = "Option::is_none")]
    nearest: Option<Vec<String>>,
    /// Symbols of the venue with similar names.
    #[serde(skip_serializing_if = "Option::is_none")]
    did_you_mean: Option<Vec<String>>,
    /// Settings that cannot be used.
    #[serde(skip_serializing_if = "Option::is_none")]
    settings: Option<Vec<SettingFault>>,
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
            Self::UnknownVenue { .. } => plain(ErrorCode::UnknownVenue),
            Self::NotPassedOn { .. } => plain(ErrorCode::NotPassedOn),
            Self::PathNotAllowed { .. } => plain(ErrorCode::PathNotAllowed),
            Self::AskLater { .. } => plain(ErrorCode::AskLater),
            Self::VenueUnreachable { .. } => plain(ErrorCode::VenueUnreachable),
            Self::BadBody { .. } => plain(ErrorCode::BadBody),
            Self::BodyTooLarge { .. } => plain(ErrorCode::BodyTooLarge),
            Self::BodyTooSlow => plain(ErrorCode::BodyTooSlow),
            Self::Full => plain(ErrorCode::Full),
            Self::OverLimit(error) => limit_kind(error.limit),
            Self::TimedOut => plain(ErrorCode::TimedOut),
            Self::NotFound => plain(ErrorCode::NotFound),
            Self::MethodNotAllowed => plain(ErrorCode::MethodNotAllowed),
            Self::ForeignCaller { .. } => plain(ErrorCode::ForeignCaller),
            Self::BadForwarded { .. } => plain(ErrorCode::BadForwarded),
            Self::NotAWebSocket => plain(ErrorCode::NotAWebSocket),
            Self::Desk(refusal) => desk_kind(refusal),
            Self::Access(error) => access_kind(error),
            Self::Configuration(error) => configuration_kind(error),
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

fn access_kind(error: &AccessError) -> Kind {
    match error {
        AccessError::NotLoggedIn => plain(ErrorCode::NotLoggedIn),
        AccessError::WrongLogin => plain(ErrorCode::WrongLogin),
        AccessError::TooLowRole { .. } => plain(ErrorCode::Forbidden),
        AccessError::WrongSetUpCode => plain(ErrorCode::WrongCode),
        AccessError::TooManyAttempts { .. } => plain(ErrorCode::TooManyAttempts),
        AccessError::WeakPassword { .. } => about(ErrorCode::BadParameter, "password"),
        AccessError::BadField { field, .. } => about(ErrorCode::BadParameter, field),
        AccessError::FirstIsNoAdmin => about(ErrorCode::BadParameter, "role"),
        AccessError::UnknownUser { .. } => plain(ErrorCode::UnknownUser),
        AccessError::Unknown { .. } => plain(ErrorCode::Unknown),
        AccessError::NameTaken { .. }
        | AccessError::LastAdmin { .. }
        | AccessError::TooMany { .. }
        | AccessError::CodesAreOn => plain(ErrorCode::Conflict),
        AccessError::Store(_) => plain(ErrorCode::Storage),
        AccessError::NoRandomness | AccessError::ShuttingDown => plain(ErrorCode::Unavailable),
    }
}

const fn limit_kind(limit: Limit) -> Kind {
    match limit {
        Limit::ConnectionsPerAddress => plain(ErrorCode::TooManyConnections),
        Limit::RequestsPerAccount | Limit::RequestsPerAddress => plain(ErrorCode::TooManyRequests),
        Limit::StreamsPerAccount | Limit::StreamsPerAddress => plain(ErrorCode::TooManyStreams),
    }
}

fn configuration_kind(error: &ConfigurationError) -> Kind {
    match error {
        ConfigurationError::NotKept | ConfigurationError::ChangedBeside { .. } => plain(ErrorCode::Conflict),
        ConfigurationError::RevisionMismatch => plain(ErrorCode::RevisionMismatch),
        ConfigurationError::Refused { .. } => plain(ErrorCode::BadSettings),
        ConfigurationError::NotWritten { .. } => plain(ErrorCode::Storage),
    }
}

fn command_kind(error: &CommandFailure) -> Kind {
    match error {
        CommandFailure::Forbidden { .. } => plain(ErrorCode::Forbidden),
        CommandFailure::BadKey => bad_parameter("idempotency-key"),
        CommandFailure::KeyReused { .. } => plain(ErrorCode::KeyReused),
        CommandFailure::Feed(error) => control_kind(error),
        CommandFailure::Recorder(error) => recorder_kind(error),
        CommandFailure::Backtest(refusal) => backtest_kind(refusal),
        CommandFailure::NotKept { .. } => plain(ErrorCode::Storage),
        CommandFailure::Desk(refusal) => desk_kind(refusal),
        CommandFailure::ShuttingDown => SHUTTING_DOWN,
    }
}

const fn plain(code: ErrorCode) -> Kind {
    (code.status(), code.as_str(), None)
}

const fn about(code: ErrorCode, parameter: &'static str) -> Kind {
    (code.status(), code.as_str(), Some(parameter))
}

fn bad_parameter(parameter: &'static str) -> Kind {
    about(ErrorCode::BadParameter, parameter)
}

fn feed_kind(error: &FeedError) -> Kind {
    match error {
        FeedError::UnknownInstrument { .. } => plain(ErrorCode::UnknownInstrument),
        FeedError::Busy => FEED_BUSY,
    }
}

/// Uses the same codes as the stream's refusals.
fn control_kind(error: &ControlError) -> Kind {
    match error {
        ControlError::UnknownVenue(_) => plain(ErrorCode::UnknownVenue),
        ControlError::BadSymbols { .. } => plain(ErrorCode::BadSymbols),
        ControlError::UnknownSymbol { .. } => about(ErrorCode::UnknownSymbol, "symbols"),
        ControlError::TooManySymbols { .. } => plain(ErrorCode::TooManySymbols),
        ControlError::NeedsToken { .. } => plain(ErrorCode::NeedsToken),
        ControlError::AlreadyRunning { .. } => plain(ErrorCode::AlreadyRunning),
        ControlError::NotRunning { .. } => plain(ErrorCode::NotRunning),
        ControlError::TooOften { .. } => plain(ErrorCode::RateLimited),
        ControlError::Busy | ControlError::Stuck { .. } => plain(ErrorCode::Unavailable),
    }
}

fn recorder_kind(error: &RecorderError) -> Kind {
    match error {
        RecorderError::UnknownRecording { .. } => plain(ErrorCode::UnknownRecording),
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
        | RecorderError::InUse { .. } => plain(ErrorCode::Conflict),
        RecorderError::Folder(_) | RecorderError::NotWritten { .. } => plain(ErrorCode::Storage),
        RecorderError::NoReplay => plain(ErrorCode::NothingPlays),
        RecorderError::ReplayBusy => FEED_BUSY,
        RecorderError::Feed(error) => feed_kind(error),
        RecorderError::ShuttingDown => SHUTTING_DOWN,
    }
}

fn backtest_kind(refusal: &BacktestRefusal) -> Kind {
    match refusal {
        BacktestRefusal::BadName => bad_parameter("name"),
        BacktestRefusal::UnknownRecording { .. } => plain(ErrorCode::UnknownRecording),
        BacktestRefusal::BadPlan(_) | BacktestRefusal::BadToml(_) => bad_parameter("plan"),
        BacktestRefusal::Busy => plain(ErrorCode::Conflict),
        BacktestRefusal::NoResult => plain(ErrorCode::NoResult),
        BacktestRefusal::UnknownFile { .. } => plain(ErrorCode::UnknownFile),
    }
}

/// The code of an error, attached to its answer for those who count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ErrorMark(pub &'static str);

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let code = ErrorMark(self.kind().1);
        let mut response = self.answer();
        response.extensions_mut().insert(code);
        response
    }
}

impl ApiError {
    fn answer(self) -> Response {
        let (status, code, parameter) = self.kind();
        if let Self::Desk(refusal) = self {
            return (status, Json(refusal)).into_response();
        }
        let message = with_causes(&self);
        let mut error = ErrorDetail { code, message, parameter, nearest: None, did_you_mean: None, settings: None };
        if let Self::Feed(FeedError::UnknownInstrument { nearest, .. }) = &self {
            error.nearest = Some(nearest.clone());
        }
        if let Self::Command(failure) = &self
            && let CommandFailure::Feed(ControlError::UnknownSymbol { did_you_mean, .. }) = &**failure
        {
            error.did_you_mean = Some(did_you_mean.clone());
        }
        if let Self::Configuration(ConfigurationError::Refused { faults }) = &self {
            error.settings = Some(faults.clone());
        }
        let mut response = (status, Json(ErrorBody { error })).into_response();
        let wait_s = match &self {
            Self::AskLater { wait_s, .. } | Self::Access(AccessError::TooManyAttempts { wait_s }) => Some(*wait_s),
            Self::OverLimit(error) => Some(error.wait_s),
            Self::Full | Self::TimedOut => Some(PLACE_WAIT.as_secs()),
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

const FEED_BUSY: Kind = plain(ErrorCode::FeedBusy);
const SHUTTING_DOWN: Kind = plain(ErrorCode::ShuttingDown);
