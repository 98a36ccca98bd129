//! `[recordings]`: how large recordings may become, and how long they are kept.

use std::time::Duration;

use super::{error::SettingError, value::RawValue};

/// Limits of the recordings' folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordingsConfig {
    /// Packed size at which a recording goes on in another file, in bytes.
    pub max_file_bytes: u64,
    /// Time after which a recording goes on in another file.
    pub max_file_span: Duration,
    /// Packed size of all files together, in bytes; past it the oldest are deleted.
    pub max_total_bytes: u64,
    /// Files whose last change is older are deleted.
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

impl RecordingsConfig {
    /// Every key of the section.
    pub const KEYS: &[&str] = &["max_age_days", "max_file_mib", "max_file_minutes", "max_total_mib"];

    /// Takes one setting in.
    pub fn set(&mut self, key: &str, value: &RawValue) -> Result<(), SettingError> {
        match key {
            "max_file_mib" => self.max_file_bytes = value.whole(1..=1_048_576)? * MIB,
            "max_file_minutes" => self.max_file_span = Duration::from_secs(value.whole(1..=10_080)? * 60),
            "max_total_mib" => self.max_total_bytes = value.whole(1..=16_777_216)? * MIB,
            "max_age_days" => self.max_age = Duration::from_secs(value.whole(1..=36_500)? * DAY_SECONDS),
            _ => return Err(SettingError::UnknownKey),
        }
        Ok(())
    }

    /// The section as TOML.
    pub fn to_toml(&self) -> toml::Table {
        let whole = |number: u64| toml::Value::from(i64::try_from(number).unwrap_or(i64::MAX));
        let mut table = toml::Table::new();
        table.insert("max_file_mib".into(), whole(self.max_file_bytes / MIB));
        table.insert("max_file_minutes".into(), whole(self.max_file_span.as_secs() / 60));
        table.insert("max_total_mib".into(), whole(self.max_total_bytes / MIB));
        table.insert("max_age_days".into(), whole(self.max_age.as_secs() / DAY_SECONDS));
        table
    }
}

const MIB: u64 = 1 << 20;
const DAY_SECONDS: u64 = 86_400;
