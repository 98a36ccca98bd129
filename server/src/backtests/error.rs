//! Why a request about back-tests is refused.

use crate::recorder::library::RecordingName;

/// Why a back-test does not begin, or has no such file.
#[derive(Debug, thiserror::Error)]
pub enum BacktestRefusal {
    /// The name is not a valid recording name.
    #[error("name: write the name of a recording as the list has it")]
    BadName,
    /// The folder has no recording with this name.
    #[error("there is no recording named {name}; GET /api/v1/recordings lists them")]
    UnknownRecording {
        /// The name in the request.
        name: RecordingName,
    },
    /// The plan cannot be read.
    #[error("the plan cannot be read")]
    BadPlan(#[source] serde_json::Error),
    /// The plan is not TOML.
    #[error("the plan is not TOML")]
    BadToml(#[source] Box<toml::de::Error>),
    /// Another back-test runs.
    #[error("another back-test is running; wait for it or stop it")]
    Busy,
    /// There is no result.
    #[error("there is no result of a back-test; start one and wait until it is done")]
    NoResult,
    /// The result has no such file.
    #[error("a back-test has no file {name}; its files are {known}")]
    UnknownFile {
        /// The name in the request, at most its first 64 characters.
        name: String,
        /// The names of all files.
        known: String,
    },
}
