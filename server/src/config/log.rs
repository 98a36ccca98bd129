//! `[log]`: how much the server logs.

use serde::{Deserialize, Serialize};

/// The log.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct LogConfig {
    /// The level of the server's own lines.
    pub level: LogLevel,
}

/// A level; its lines and those of the levels before it are logged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LogLevel {
    /// Failures.
    Error,
    /// Things that need a look.
    Warn,
    /// The server's course.
    #[default]
    Info,
    /// Each request and each client.
    Debug,
    /// Everything.
    Trace,
}

impl LogLevel {
    /// Returns its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }
}
