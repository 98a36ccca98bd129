//! Commands that start and stop feeds, and the reasons for refusing them.
//!
//! The same for the stream and for REST. Not here: carrying them out (`supervisor`).

use tokio::sync::oneshot;
use venues::error::VenueError;
use wire::{command::FeedSymbols, message::RefusalCode};

/// A command with the channel for its outcome.
#[derive(Debug)]
pub struct FeedControl {
    /// The command.
    pub kind: ControlKind,
    /// Receives the outcome; the caller may be gone by then.
    pub reply: oneshot::Sender<Result<FeedSymbols, ControlError>>,
}

/// A command to the supervisor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ControlKind {
    /// Follows symbols of a venue.
    Start(FeedSymbols),
    /// Stops following symbols; without symbols, the whole venue.
    Stop(FeedSymbols),
    /// Starts a venue's feed again, if it runs: with the same symbols, as the venue is configured now.
    Restart {
        /// The venue's name.
        venue: String,
    },
}

/// Why a command is refused; none of it was carried out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ControlError {
    /// No venue has this name.
    #[error(transparent)]
    UnknownVenue(#[from] VenueError),
    /// Symbols are missing or invalid.
    #[error("{remedy}")]
    BadSymbols {
        /// The remedy.
        remedy: String,
    },
    /// The venue does not list a symbol.
    #[error("{venue} does not list {symbol}{}", question(did_you_mean))]
    UnknownSymbol {
        /// The venue's name for people.
        venue: &'static str,
        /// The symbol in the command.
        symbol: String,
        /// The nearest symbols of the venue, best first.
        did_you_mean: Vec<String>,
    },
    /// There would be more symbols than a feed may follow.
    #[error("{venue} would follow {found} symbols, at most {limit} are allowed; stop some first")]
    TooManySymbols {
        /// The venue's name.
        venue: String,
        /// The number of symbols there would be.
        found: usize,
        /// The number of symbols allowed.
        limit: usize,
    },
    /// The venue requires a token.
    #[error(
        "{venue} asks for a token; write it as token under [venues.{venue}] on the page Configuration, or in truetape.toml or \
         the variable TRUETAPE__VENUES__{}__TOKEN and restart the server", venue.to_uppercase()
    )]
    NeedsToken {
        /// The venue's name.
        venue: String,
    },
    /// All of the symbols are followed already.
    #[error("{venue} runs already and follows {symbols}; name other symbols, or stop it first")]
    AlreadyRunning {
        /// The venue's name.
        venue: String,
        /// The symbols in the command.
        symbols: String,
    },
    /// None of the symbols is followed.
    #[error("{what} is not running; running: {running}")]
    NotRunning {
        /// The venue, or the venue and the symbols.
        what: String,
        /// The venues or symbols that could be stopped.
        running: String,
    },
    /// The feed was started too often: the venue limits connections.
    #[error("{venue} was started too often, and limits how often one may connect; try again in {wait_s} s")]
    TooOften {
        /// The venue's name.
        venue: String,
        /// Seconds until the next start is allowed.
        wait_s: u64,
    },
    /// The queue of commands is full.
    #[error("other feeds are being started and stopped; try again in a second")]
    Busy,
    /// The feed's task did not end.
    #[error("the {venue} feed did not stop; restart the server and report the log")]
    Stuck {
        /// The venue's name.
        venue: String,
    },
}

impl ControlError {
    /// Returns the refusal's code, on the stream and in REST.
    pub fn code(&self) -> RefusalCode {
        match self {
            Self::UnknownVenue(_) => RefusalCode::UnknownVenue,
            Self::BadSymbols { .. } => RefusalCode::BadSymbols,
            Self::UnknownSymbol { .. } => RefusalCode::UnknownSymbol,
            Self::TooManySymbols { .. } => RefusalCode::TooManySymbols,
            Self::NeedsToken { .. } => RefusalCode::NeedsToken,
            Self::AlreadyRunning { .. } => RefusalCode::AlreadyRunning,
            Self::NotRunning { .. } => RefusalCode::NotRunning,
            Self::TooOften { .. } => RefusalCode::RateLimited,
            Self::Busy | Self::Stuck { .. } => RefusalCode::Unavailable,
        }
    }
}

/// Returns the question after an unknown symbol; empty without a suggestion.
fn question(nearest: &[String]) -> String {
    match nearest {
        [] => String::new(),
        [one] => format!(". Did you mean {one}?"),
        [most @ .., last] => format!(". Did you mean {} or {last}?", most.join(", ")),
    }
}
