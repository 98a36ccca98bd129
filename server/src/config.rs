//! The server's configuration: file, then environment, then flags, checked as a whole before anything starts.
//!
//! One file per section: a struct that serde reads, with its defaults and ranges. A new key is one field there; a new
//! section is one file, and its line in [`Config`] beside its `mod`. Not here: reading the process's arguments (`cli`).
//! The libraries never read the environment.
//!
//! # Layout
//! - [`load`]: the three sources and their order · [`tree`]: all settings with their sources
//! - [`value`]: one setting's text or TOML value · [`whole`]: whole numbers within a range
//! - [`server`], [`feeds`], [`venues`], [`stream`], [`recordings`], [`desk`]: the sections · [`token`]: secrets, never shown

pub mod desk;
pub mod error;
pub mod feeds;
pub mod load;
pub mod recordings;
pub mod server;
pub mod stream;
pub mod token;
pub mod tree;
pub mod value;
pub mod venues;
pub mod whole;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use self::{
    desk::DeskConfig,
    error::ConfigError,
    feeds::FeedConfig,
    load::{Sources, load},
    recordings::RecordingsConfig,
    server::ServerConfig,
    stream::StreamConfig,
    venues::VenueConfig,
};

/// The server's valid configuration.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The listening address and the accepted callers.
    pub server: ServerConfig,
    /// The followed symbols, one entry per venue; never empty once loaded.
    pub feeds: Vec<FeedConfig>,
    /// The venues' addresses and limits; venues without an entry take the defaults.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub venues: BTreeMap<String, VenueConfig>,
    /// The stream to clients.
    pub stream: StreamConfig,
    /// Recordings of feeds.
    pub recordings: RecordingsConfig,
    /// The paper-trading desk.
    pub desk: DeskConfig,
}

impl Config {
    /// Returns the configuration of `venue`.
    pub fn venue(&self, venue: &str) -> VenueConfig {
        self.venues.get(venue).cloned().unwrap_or_default()
    }

    /// Returns the configuration as the TOML of a file. It contains no secrets: tokens are hidden, and addresses with
    /// secrets are refused.
    pub fn to_toml(&self) -> String {
        toml::Table::try_from(self).expect("invariant: every setting has a form in TOML").to_string()
    }
}
