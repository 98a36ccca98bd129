//! `[recordings]`: the maximum size and age of recordings.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::whole::{Days, Mebibytes, Minutes};

/// Limits of recordings and their folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct RecordingsConfig {
    /// Compressed size in bytes at which a recording continues in another file.
    #[serde(rename = "max_file_mib", with = "Mebibytes::<1, 1_048_576>")]
    pub max_file_bytes: u64,
    /// Time after which a recording continues in another file.
    #[serde(rename = "max_file_minutes", with = "Minutes::<1, 10_080>")]
    pub max_file_span: Duration,
    /// Maximum compressed size of all files together, in bytes; beyond it, the oldest are deleted.
    #[serde(rename = "max_total_mib", with = "Mebibytes::<1, 16_777_216>")]
    pub max_total_bytes: u64,
    /// Maximum age of a file, counted from its last change; older files are deleted.
    #[serde(rename = "max_age_days", with = "Days::<1, 36_500>")]
    pub max_age: Duration,
}

impl Default for RecordingsConfig {
    fn default() -> Self {
        Self {
            max_file_bytes: 256 * MIB,
            max_file_span: Duration::from_secs(60 * 60),
            max_total_bytes: 4_096 * MIB,
            max_age: Duration::from_secs(30 * DAY_SECONDS),
        }
    }
}

const MIB: u64 = 1 << 20;
const DAY_SECONDS: u64 = 86_400;
