//! The stable codes of the API's errors, each with its only status. Not here: the desk's own codes
//! (`model::trading::refusal`), and which failure has which code ([`super::error`]).

use axum::http::StatusCode;
use schemars::JsonSchema;

/// Creates [`ErrorCode`] from the list.
macro_rules! error_codes {
    ($($name:ident = $text:literal, $status:ident, $meaning:literal;)*) => {
        /// A code of the API's errors.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, JsonSchema)]
        pub enum ErrorCode {
            $(#[doc = $meaning] #[schemars(rename = $text)] $name,)*
        }

        impl ErrorCode {
            /// Returns the code's text in JSON.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }

            /// Returns the status of its answers.
            pub const fn status(self) -> StatusCode {
                match self {
                    $(Self::$name => StatusCode::$status,)*
                }
            }

            /// Returns what it means, as a sentence for the documents.
            pub const fn meaning(self) -> &'static str {
                match self {
                    $(Self::$name => $meaning,)*
                }
            }
        }
    };
}

error_codes! {
    AlreadyRunning = "already_running", CONFLICT, "All of it is running already.";
    AskLater = "ask_later", TOO_MANY_REQUESTS, "A rate limit is used up; `Retry-After` says how long to wait.";
    BadBody = "bad_body", BAD_REQUEST, "The body cannot be read; the message has an example.";
    BadForwarded = "bad_forwarded", BAD_REQUEST, "A configured proxy does not say who the caller is.";
    BadParameter = "bad_parameter", BAD_REQUEST, "A parameter is missing or invalid; `parameter` names it.";
    BadSettings = "bad_settings", BAD_REQUEST, "Settings cannot be used; `settings` has each with its remedy.";
    BadSymbols = "bad_symbols", BAD_REQUEST, "Symbols are missing or invalid.";
    BodyTooLarge = "body_too_large", PAYLOAD_TOO_LARGE, "The body is larger than 64 KiB.";
    BodyTooSlow = "body_too_slow", REQUEST_TIMEOUT, "The body did not arrive in time.";
    Conflict = "conflict", CONFLICT, "It contradicts what is going on: already recorded, in use, nothing to stop.";
    FeedBusy = "feed_busy", SERVICE_UNAVAILABLE, "The feed cannot answer now.";
    Forbidden = "forbidden", FORBIDDEN, "The caller's role is too low.";
    ForeignCaller = "foreign_caller", FORBIDDEN, "`Host` or `Origin` is not one of the server's.";
    Full = "full", SERVICE_UNAVAILABLE, "All connections are in use; `Retry-After` says how long to wait.";
    KeyReused = "key_reused", CONFLICT, "The idempotency key was used for another command.";
    MethodNotAllowed = "method_not_allowed", METHOD_NOT_ALLOWED, "The method does not fit the address.";
    NeedsToken = "needs_token", CONFLICT, "The venue requires a token that the server does not have.";
    NoResult = "no_result", NOT_FOUND, "There is no result yet.";
    NotAWebSocket = "not_a_websocket", UPGRADE_REQUIRED, "The address speaks WebSocket.";
    NotFound = "not_found", NOT_FOUND, "There is nothing at this address.";
    NotLoggedIn = "not_logged_in", UNAUTHORIZED, "No valid session or token.";
    NotPassedOn = "not_passed_on", FORBIDDEN, "The venue's REST is not available to pages.";
    NotRunning = "not_running", NOT_FOUND, "None of it is running.";
    NothingPlays = "nothing_plays", CONFLICT, "No replay is loaded.";
    PathNotAllowed = "path_not_allowed", FORBIDDEN, "The path is not one that the venue's session requests.";
    RateLimited = "rate_limited", TOO_MANY_REQUESTS, "Too many changes in a short time; wait.";
    RevisionMismatch = "revision_mismatch", PRECONDITION_FAILED, "It has changed since the caller has read it.";
    ShuttingDown = "shutting_down", SERVICE_UNAVAILABLE, "The server is shutting down.";
    Storage = "storage", INSUFFICIENT_STORAGE, "The disk cannot be written or read.";
    TimedOut = "timed_out", SERVICE_UNAVAILABLE, "There was no answer in time; `Retry-After` says how long to wait.";
    TooManyAttempts = "too_many_attempts", TOO_MANY_REQUESTS, "Too many failed logins; `Retry-After` says how long to wait.";
    TooManyConnections = "too_many_connections", TOO_MANY_REQUESTS, "The address has too many connections; `Retry-After` says how long to wait.";
    TooManyRequests = "too_many_requests", TOO_MANY_REQUESTS, "The address or account asks too often; `Retry-After` says how long to wait.";
    TooManyStreams = "too_many_streams", TOO_MANY_REQUESTS, "The address or account has too many streams; `Retry-After` says how long to wait.";
    TooManySymbols = "too_many_symbols", BAD_REQUEST, "More symbols than a feed may follow.";
    Unavailable = "unavailable", SERVICE_UNAVAILABLE, "Not possible now.";
    Unknown = "unknown", NOT_FOUND, "There is no such session or token.";
    UnknownFile = "unknown_file", NOT_FOUND, "The result has no such file.";
    UnknownInstrument = "unknown_instrument", NOT_FOUND, "Nobody follows the instrument; `nearest` has similar ones.";
    UnknownRecording = "unknown_recording", NOT_FOUND, "There is no such recording.";
    UnknownSymbol = "unknown_symbol", NOT_FOUND, "The venue does not list a symbol; `did_you_mean` has similar ones.";
    UnknownUser = "unknown_user", NOT_FOUND, "There is no such user.";
    UnknownVenue = "unknown_venue", NOT_FOUND, "There is no such venue.";
    VenueUnreachable = "venue_unreachable", BAD_GATEWAY, "The venue gave no answer.";
    WrongCode = "wrong_code", FORBIDDEN, "The set-up code is wrong, or a user exists already.";
    WrongLogin = "wrong_login", UNAUTHORIZED, "Name, password or code is wrong.";
}
