//! `[venues.<name>]`: a venue's addresses, token, deadlines and reconnection.

use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize};

use super::{
    error::{SettingError, invalid},
    token::Token,
    value::parsed,
    whole::Whole,
};

/// The configuration of one venue; `None` takes the venue's own value.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct VenueConfig {
    /// WebSocket address without stream paths: a regional host, a proxy, the simulator.
    #[serde(deserialize_with = "ws_address")]
    pub ws_url: Option<String>,
    /// REST address without paths.
    #[serde(deserialize_with = "http_address")]
    pub rest_url: Option<String>,
    /// Full address of a second service that provides the venue's history.
    #[serde(deserialize_with = "http_address")]
    pub history_url: Option<String>,
    /// The token required by the venue or by its history service.
    pub token: Option<Token>,
    /// Age at which a symbol's data is shown as stale (yellow).
    #[serde(rename = "stale_after_ms", with = "Whole::<100, 86_400_000>")]
    pub stale_after: Duration,
    /// Silence after which a connection is closed and reopened (red).
    #[serde(rename = "data_deadline_ms", with = "Whole::<100, 86_400_000>")]
    pub data_deadline: Option<Duration>,
    /// Time between two rounds of REST polls, while REST replaces a connection.
    #[serde(rename = "poll_ms", with = "Whole::<1_000, 3_600_000>")]
    pub poll_every: Option<Duration>,
    /// Shortest wait before reconnecting.
    #[serde(rename = "backoff_min_ms", with = "Whole::<10, 600_000>")]
    pub backoff_min: Duration,
    /// Longest wait before reconnecting.
    #[serde(rename = "backoff_max_ms", with = "Whole::<10, 600_000>")]
    pub backoff_max: Duration,
    /// Consecutive attempts before the feed stays failed; unlimited if `None`.
    #[serde(with = "Whole::<1, 1_000_000>")]
    pub max_attempts: Option<u32>,
}

impl Default for VenueConfig {
    fn default() -> Self {
        Self {
            ws_url: None,
            rest_url: None,
            history_url: None,
            token: None,
            stale_after: Duration::from_secs(5),
            data_deadline: None,
            poll_every: None,
            backoff_min: Duration::from_millis(500),
            backoff_max: Duration::from_secs(30),
            max_attempts: None,
        }
    }
}

impl VenueConfig {
    /// Checks the rules across keys. An error has each key of the broken rule with its remedy.
    pub fn check(&self) -> Result<(), [(&'static str, String); 2]> {
        let (min, max) = (self.backoff_min, self.backoff_max);
        if min <= max {
            return Ok(());
        }
        Err([
            ("backoff_min_ms", format!("write at most backoff_max_ms, {}", max.as_millis())),
            ("backoff_max_ms", format!("write at least backoff_min_ms, {}", min.as_millis())),
        ])
    }
}

fn ws_address<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    parsed(from, |text| address(text, ["ws", "wss"])).map(Some)
}

fn http_address<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    parsed(from, |text| address(text, ["http", "https"])).map(Some)
}

/// Reads an address; removes a trailing slash, so that paths can be appended.
fn address(text: &str, schemes: [&str; 2]) -> Result<String, SettingError> {
    let remedy = || invalid(format!("write an address that starts with {}:// or {}://", schemes[0], schemes[1]));
    let url = reqwest::Url::parse(text).map_err(|_| remedy())?;
    if !schemes.contains(&url.scheme()) || !url.has_host() {
        return Err(remedy());
    }
    if !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
        return Err(invalid("write the address without a login, ? or #: secrets do not belong in addresses"));
    }
    Ok(text.trim_end_matches('/').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_checked() {
        #[track_caller]
        fn check(text: &str, expected: Option<&str>) {
            assert_eq!(address(text, ["ws", "wss"]).ok().as_deref(), expected, "{text}");
        }
        check("ws://127.0.0.1:9000", Some("ws://127.0.0.1:9000"));
        check("wss://stream.example:9443/", Some("wss://stream.example:9443"));
        check("wss://proxy.example/binance/", Some("wss://proxy.example/binance"));
        for bad in [
            "",
            "127.0.0.1:9000",
            "http://a",
            "ws://",
            "wss://me:secret@a",
            "wss://a?token=1",
            "wss://a#x",
            "file:///a",
        ] {
            check(bad, None);
        }
    }
}
