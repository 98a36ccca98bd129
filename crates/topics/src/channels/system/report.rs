//! The figures of the server over the last hour, as `GET /api/v1/system` gives them.

use serde::{Deserialize, Serialize};

use super::Health;

/// The server at a moment, and its last hour.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SystemReport {
    /// The server's health.
    pub health: Health,
    /// Why it is not good, the worst first, as sentences.
    pub causes: Vec<String>,
    /// Milliseconds between two values of a history.
    pub step_ms: u64,
    /// The server's clock at the newest values; 0 before the first.
    pub newest_ms: i64,
    /// The figures, by part of the server.
    pub figures: Vec<Figure>,
}

/// A figure with its last hour.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Figure {
    /// The part of the server, for people.
    pub part: String,
    /// Its name, which does not change.
    pub name: String,
    /// Its name for people.
    pub label: String,
    /// Its unit.
    pub unit: Unit,
    /// Its values, oldest first; `null` where there was none.
    pub history: Vec<Option<f64>>,
}

/// The unit of a figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// A number of things.
    Count,
    /// Things a second.
    PerSecond,
    /// Bytes.
    Bytes,
    /// Bytes a second.
    BytesPerSecond,
    /// Seconds.
    Seconds,
    /// A share, where 1 is one processor.
    Processors,
}
