//! `[venues.<name>]`: how a venue is reached, and when its data counts as old.

use std::time::Duration;

use super::{
    error::{SettingError, invalid},
    token::{HIDDEN, Token},
    value::RawValue,
};

/// How one venue is reached; `None` takes the venue's own value.
#[derive(Clone, Debug, PartialEq)]
pub struct VenueConfig {
    /// WebSocket address without stream paths: a regional host, a proxy, the simulator.
    pub ws_url: Option<String>,
    /// REST address without paths.
    pub rest_url: Option<String>,
    /// Whole address of the second service that the venue's history comes from.
    pub history_url: Option<String>,
    /// What the venue, or the service of its history, asks for before it gives data.
    pub token: Option<Token>,
    /// Age of a symbol's data from which it is shown as stale (yellow).
    pub stale_after: Duration,
    /// Silence of a connection after which it is given up (red).
    pub data_deadline: Option<Duration>,
    /// From one round of REST polls to the next, where REST stands in for a connection.
    pub poll_every: Option<Duration>,
    /// Shortest wait before connecting again.
    pub backoff_min: Duration,
    /// Longest wait before connecting again.
    pub backoff_max: Duration,
    /// Attempts in a row before the feed stays failed; `None` never stops trying.
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
    /// Every key of the section.
    pub const KEYS: &[&str] = &[
        "backoff_max_ms",
        "backoff_min_ms",
        "data_deadline_ms",
        "history_url",
        "max_attempts",
        "poll_ms",
        "rest_url",
        "stale_after_ms",
        "token",
        "ws_url",
    ];

    /// Takes one setting in.
    pub fn set(&mut self, key: &str, value: &RawValue) -> Result<(), SettingError> {
        match key {
            "ws_url" => self.ws_url = Some(address(value.text()?, ["ws", "wss"])?),
            "rest_url" => self.rest_url = Some(address(value.text()?, ["http", "https"])?),
            "history_url" => self.history_url = Some(address(value.text()?, ["http", "https"])?),
            "token" => self.token = Some(Token::new(value.text()?)?),
            "stale_after_ms" => self.stale_after = value.millis(100..=86_400_000)?,
            "data_deadline_ms" => self.data_deadline = Some(value.millis(100..=86_400_000)?),
            "poll_ms" => self.poll_every = Some(value.millis(1_000..=3_600_000)?),
            "backoff_min_ms" => self.backoff_min = value.millis(10..=600_000)?,
            "backoff_max_ms" => self.backoff_max = value.millis(10..=600_000)?,
            "max_attempts" => self.max_attempts = u32::try_from(value.whole(1..=1_000_000)?).ok(),
            _ => return Err(SettingError::UnknownKey),
        }
        Ok(())
    }

    /// The section as TOML.
    pub fn to_toml(&self) -> toml::Table {
        let millis = |span: Duration| toml::Value::from(i64::try_from(span.as_millis()).unwrap_or(i64::MAX));
        let mut table = toml::Table::new();
        let urls = [("ws_url", &self.ws_url), ("rest_url", &self.rest_url), ("history_url", &self.history_url)];
        for (key, url) in urls {
            if let Some(url) = url {
                table.insert(key.into(), url.clone().into());
            }
        }
        if self.token.is_some() {
            table.insert("token".into(), HIDDEN.into());
        }
        table.insert("stale_after_ms".into(), millis(self.stale_after));
        if let Some(deadline) = self.data_deadline {
            table.insert("data_deadline_ms".into(), millis(deadline));
        }
        if let Some(every) = self.poll_every {
            table.insert("poll_ms".into(), millis(every));
        }
        table.insert("backoff_min_ms".into(), millis(self.backoff_min));
        table.insert("backoff_max_ms".into(), millis(self.backoff_max));
        if let Some(attempts) = self.max_attempts {
            table.insert("max_attempts".into(), i64::from(attempts).into());
        }
        table
    }
}

/// An address without a trailing slash, so that paths are simply appended.
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
