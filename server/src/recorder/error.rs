//! Errors of recordings and replays.
//!
//! Not here: the errors of the REST API (`http::error`).

use std::io;

use model::instrument::Venue;
use recording::player::SPEEDS;
use venues::error::VenueError;

use super::library::{RecordingName, Use};
use crate::feed::error::FeedError;

/// Why a recording or a replay refuses a request.
#[derive(Debug, thiserror::Error)]
pub enum RecorderError {
    /// The folder has no recording with this name.
    #[error("there is no recording named {name}; GET /api/v1/recordings lists them")]
    UnknownRecording {
        /// The name in the request.
        name: RecordingName,
    },
    /// No feed of the venue runs.
    #[error("no feed of {venue} runs; start it first")]
    NoFeed {
        /// The venue in the request, cut to 64 characters.
        venue: String,
    },
    /// The feed is a replay.
    #[error("{venue} is a recording already; download its file")]
    IsReplay {
        /// The replay's name.
        venue: Venue,
    },
    /// The venue's market is simulated by this program.
    #[error("{venue} is simulated by this program and receives nothing; record a real venue")]
    NothingReceived {
        /// The venue.
        venue: Venue,
    },
    /// The feed does not follow a requested symbol.
    #[error("{venue} does not follow {symbol}; it follows {}", .followed.join(", "))]
    NotFollowed {
        /// The venue.
        venue: Venue,
        /// The symbol in the request, cut to 64 characters.
        symbol: String,
        /// The symbols the feed follows.
        followed: Vec<String>,
    },
    /// The feed is recorded already.
    #[error("{venue} is being recorded already; stop that recording first")]
    AlreadyRecording {
        /// The venue.
        venue: Venue,
    },
    /// The feed is not recorded.
    #[error("{venue} is not being recorded; there is nothing to stop")]
    NotRecording {
        /// The venue.
        venue: Venue,
    },
    /// The feed has received nothing for half a minute.
    #[error("{venue} has received nothing in the last half minute; there is nothing to save")]
    NothingKept {
        /// The venue.
        venue: Venue,
    },
    /// The file is in use.
    #[error("{name} is {}; {} first", use_of(*.purpose).0, use_of(*.purpose).1)]
    InUse {
        /// The file.
        name: RecordingName,
        /// The file's use.
        purpose: Use,
    },
    /// The folder cannot be read or written.
    #[error("cannot use the recordings folder; check its permissions and the free disk space")]
    Folder(#[source] io::Error),
    /// A recording's file cannot be written.
    #[error("cannot write the recording: {failure}; check the folder's permissions and the free disk space")]
    NotWritten {
        /// The writer's error.
        failure: String,
    },
    /// A replay needs at least one file.
    #[error("name at least one recording")]
    NoFiles,
    /// The request names more files than a replay may have.
    #[error("files: name at most {limit} files")]
    TooManyFiles {
        /// The maximum number of files.
        limit: usize,
    },
    /// The name is not a valid recording name.
    #[error("name: write the name of a recording as the list has it")]
    BadName,
    /// The first file does not name its venue.
    #[error("the recording does not name its venue; name it")]
    UnnamedVenue,
    /// No venue has this name.
    #[error(transparent)]
    UnknownVenue(#[from] VenueError),
    /// A file cannot be read as a recording.
    #[error("cannot play {file}")]
    Unplayable {
        /// The file's name.
        file: String,
        /// The read error.
        source: io::Error,
    },
    /// The speed is out of range.
    #[error("speed {found} is out of range; write a number from {} to {}", SPEEDS.start(), SPEEDS.end())]
    BadSpeed {
        /// The speed in the request.
        found: f64,
    },
    /// No replay is loaded.
    #[error("no replay is loaded; load a recording first")]
    NoReplay,
    /// The replay's queue of controls is full.
    #[error("the replay is busy; try again in a second")]
    ReplayBusy,
    /// The feed cannot answer.
    #[error(transparent)]
    Feed(#[from] FeedError),
    /// The server is shutting down.
    #[error("the server is shutting down")]
    ShuttingDown,
}

/// Returns the words for a file's use and for how to end it.
fn use_of(purpose: Use) -> (&'static str, &'static str) {
    match purpose {
        Use::Writing => ("being written", "stop the recording"),
        Use::Playing => ("in use by a replay", "stop the replay"),
        Use::Reading => ("being downloaded", "end the download"),
        Use::Testing => ("in use by a back-test", "stop the back-test"),
    }
}
