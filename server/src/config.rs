//! What the server runs with: file, then environment, then flags, checked whole before anything starts.
//!
//! One file a concern; a new key is one arm in that concern's `set` and one word in its `KEYS`. Not here: reading the
//! process's arguments (`cli`). Libraries below never read the environment.
//!
//! # Layout
//! - [`load`]: the three sources and their order · [`value`]: one setting's text or TOML value
//! - [`server`], [`feeds`], [`venues`], [`stream`], [`recordings`]: the concerns · [`token`]: what is never shown

pub mod error;
pub mod feeds;
pub mod load;
pub mod recordings;
pub mod server;
pub mod stream;
pub mod token;
pub mod value;
pub mod venues;

use std::collections::BTreeMap;

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
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Config {
    /// Where it listens and who may call.
    pub server: ServerConfig,
    /// What it follows, one entry a venue; never empty once loaded.
    pub feeds: Vec<FeedConfig>,
    /// How it reaches the venues; venues without an entry take the defaults.
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
        let mut root = toml::Table::new();
        root.insert("server".into(), self.server.to_toml().into());
        root.insert("feeds".into(), toml::Value::Array(self.feeds.iter().map(|feed| feed.to_toml().into()).collect()));
        let venues: toml::Table =
            self.venues.iter().map(|(name, venue)| (name.clone(), venue.to_toml().into())).collect();
        if !venues.is_empty() {
            root.insert("venues".into(), venues.into());
        }
        root.insert("stream".into(), self.stream.to_toml().into());
        root.insert("recordings".into(), self.recordings.to_toml().into());
        root.to_string()
    }
}
