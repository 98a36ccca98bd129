//! The server's configuration: file, then the page's settings, then environment, then flags, checked as a whole before
//! anything starts.
//!
//! One file per section: a struct that serde reads, with its defaults and ranges. A new key is one field there, and its
//! line in [`description`]; a new section is one file, and its line in [`Config`] beside its `mod`. Not here: reading the
//! process's arguments (`cli`), changing settings while the server runs (`configuration`). The libraries never read the
//! environment.
//!
//! # Layout
//! - [`load`]: the sources and their order · [`page`]: what the Configuration page keeps · [`tree`]: all settings with their
//!   sources
//! - [`description`]: words for each setting · [`setting`]: any setting's value by its key · [`live`]: the newest values
//! - [`value`]: one setting's text or TOML value · [`whole`]: whole numbers within a range
//! - [`network`]: addresses of proxies
//! - [`server`], [`log`], [`access`], [`limits`], [`tls`], [`feeds`], [`venues`], [`stream`], [`recordings`], [`desk`]: the
//!   sections · [`token`]: secrets, never shown

pub mod access;
pub mod description;
pub mod desk;
pub mod error;
pub mod feeds;
pub mod limits;
pub mod live;
pub mod load;
pub mod log;
pub mod network;
pub mod page;
pub mod recordings;
pub mod server;
pub mod setting;
pub mod stream;
pub mod tls;
pub mod token;
pub mod tree;
pub mod value;
pub mod venues;
pub mod whole;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use self::{
    access::AccessConfig,
    desk::DeskConfig,
    error::ConfigError,
    feeds::FeedConfig,
    limits::LimitsConfig,
    live::Live,
    load::{Sources, load},
    log::LogConfig,
    network::Network,
    page::{Base, StartConfig},
    recordings::RecordingsConfig,
    server::ServerConfig,
    stream::StreamConfig,
    tls::TlsConfig,
    venues::VenueConfig,
};

/// The server's valid configuration.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The listening address and the accepted callers.
    pub server: ServerConfig,
    /// The level of the log.
    pub log: LogConfig,
    /// The followed symbols, one entry per venue; never empty once loaded.
    pub feeds: Vec<FeedConfig>,
    /// The venues' addresses and limits; venues without an entry take the defaults.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub venues: BTreeMap<String, VenueConfig>,
    /// Logins and sessions.
    pub access: AccessConfig,
    /// Limits of each caller.
    pub limits: LimitsConfig,
    /// The server's own certificate.
    pub tls: TlsConfig,
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
