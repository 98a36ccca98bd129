//! Channel `system`: the server itself.

use serde::{Deserialize, Serialize};

use crate::channels::optional_fields;

/// Figures of the server. Absent in a delta: not changed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SystemData {
    /// The server's version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Milliseconds since it started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uptime_ms: Option<u64>,
    /// Clients connected to the stream.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clients: Option<u64>,
    /// What the server itself wants people to know and do something about; empty where there is nothing any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notice: Option<String>,
}

optional_fields!(SystemData { version, uptime_ms, clients, notice });
