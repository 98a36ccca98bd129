//! What the server runs with: file, then environment, then flags, checked whole before anything starts.
//!
//! One file a section: a struct that serde reads, with its defaults and ranges. A new key is one field there; a new
//! section is one file, and its line in [`Config`] beside its `mod`. Not here: reading the process's arguments (`cli`).
//! Libraries below never read the environment.
//!
//! # Layout
//! - [`load`]: the three sources and their order · [`tree`]: all settings with their sources
//! - [`value`]: one setting's text or TOML value · [`whole`]: whole numbers within a range
//! - [`server`], [`feeds`], [`venues`], [`stream`], [`recordings`]: the sections · [`token`]: what is never shown

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
    error::ConfigError,
    feeds::FeedConfig,
    load::{Sources, load},
    recordings::RecordingsConfig,
    server::ServerConfig,
    stream::StreamConfig,
    venues::VenueConfig,
};

/// Everything the server runs with, valid.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where it listens and who may call.
    pub server: ServerConfig,
    /// What it follows, one entry a venue; never empty once loaded.
    pub feeds: Vec<FeedConfig>,
    /// How it reaches the venues; venues without an entry take the defaults.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub venues: BTreeMap<String, VenueConfig>,
    /// The stream to the browsers.
    pub stream: StreamConfig,
    /// Recordings of feeds.
    pub recordings: RecordingsConfig,
}

impl Config {
    /// How `venue` is reached.
    pub fn venue(&self, venue: &str) -> VenueConfig {
        self.venues.get(venue).cloned().unwrap_or_default()
    }

    /// The whole as TOML, as a configuration file would say it. Holds no secret: tokens are hidden, addresses with one are refused.
    pub fn to_toml(&self) -> String {
        toml::Table::try_from(self).expect("invariant: every setting has a form in TOML").to_string()
    }
}
