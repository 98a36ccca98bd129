//! `[stream]`: the stream to the browsers: pings, history for resuming, queues and limits.

use std::time::Duration;

use super::{error::SettingError, value::RawValue};

/// How the stream to the browsers behaves.
#[derive(Clone, Debug, PartialEq)]
pub struct StreamConfig {
    /// Time between the server's pings.
    pub ping: Duration,
    /// Time a client has to answer a ping.
    pub pong_timeout: Duration,
    /// Time a client has for its hello.
    pub hello_timeout: Duration,
    /// Time one write may take before the client counts as gone.
    pub write_timeout: Duration,
    /// Bytes of history kept for each topic and lane, for clients that resume.
    pub history_bytes: usize,
    /// Updates of history kept for each topic and lane.
    pub history_len: usize,
    /// Bytes that may wait for one client.
    pub queue_bytes: usize,
    /// Time a topic is kept warm after its last subscriber left, so that a reload finds its history.
    pub retain_idle: Duration,
    /// Messages a client may send a second, on average.
    pub messages_per_second: u32,
    /// Messages a client may send at once.
    pub messages_burst: u32,
    /// Topics a client may follow.
    pub max_topics: usize,
}

impl Default for StreamConfig {
    fn default() -> Self {
        Self {
            ping: Duration::from_secs(25),
            pong_timeout: Duration::from_secs(8),
            hello_timeout: Duration::from_secs(10),
            write_timeout: Duration::from_secs(5),
            history_bytes: 256 << 10,
            history_len: 600,
            queue_bytes: 1 << 20,
            retain_idle: Duration::from_secs(60),
            messages_per_second: 50,
            messages_burst: 100,
            max_topics: 512,
        }
    }
}

impl StreamConfig {
    /// Every key of the section.
    pub const KEYS: &[&str] = &[
        "hello_timeout_ms",
        "history_bytes",
        "history_len",
        "max_topics",
        "messages_burst",
        "messages_per_second",
        "ping_ms",
        "pong_timeout_ms",
        "queue_bytes",
        "retain_idle_ms",
        "write_timeout_ms",
    ];

    /// Takes one setting in.
    pub fn set(&mut self, key: &str, value: &RawValue) -> Result<(), SettingError> {
        match key {
            "ping_ms" => self.ping = value.millis(100..=600_000)?,
            "pong_timeout_ms" => self.pong_timeout = value.millis(100..=60_000)?,
            "hello_timeout_ms" => self.hello_timeout = value.millis(100..=60_000)?,
            "write_timeout_ms" => self.write_timeout = value.millis(100..=60_000)?,
            "history_bytes" => self.history_bytes = size(value, 0..=64 << 20)?,
            "history_len" => self.history_len = size(value, 0..=1_000_000)?,
            "queue_bytes" => self.queue_bytes = size(value, 4_096..=256 << 20)?,
            "retain_idle_ms" => self.retain_idle = value.millis(0..=86_400_000)?,
            "messages_per_second" => self.messages_per_second = count(value)?,
            "messages_burst" => self.messages_burst = count(value)?,
            "max_topics" => self.max_topics = size(value, 1..=100_000)?,
            _ => return Err(SettingError::UnknownKey),
        }
        Ok(())
    }

    /// The section as TOML.
    pub fn to_toml(&self) -> toml::Table {
        let millis = |span: Duration| i64::try_from(span.as_millis()).unwrap_or(i64::MAX);
        let size = |size: usize| i64::try_from(size).unwrap_or(i64::MAX);
        [
            ("ping_ms", millis(self.ping)),
            ("pong_timeout_ms", millis(self.pong_timeout)),
            ("hello_timeout_ms", millis(self.hello_timeout)),
            ("write_timeout_ms", millis(self.write_timeout)),
            ("history_bytes", size(self.history_bytes)),
            ("history_len", size(self.history_len)),
            ("queue_bytes", size(self.queue_bytes)),
            ("retain_idle_ms", millis(self.retain_idle)),
            ("messages_per_second", i64::from(self.messages_per_second)),
            ("messages_burst", i64::from(self.messages_burst)),
            ("max_topics", size(self.max_topics)),
        ]
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value.into()))
        .collect()
    }
}

fn size(value: &RawValue, range: std::ops::RangeInclusive<u64>) -> Result<usize, SettingError> {
    value.whole(range).map(|size| usize::try_from(size).unwrap_or(usize::MAX))
}

fn count(value: &RawValue) -> Result<u32, SettingError> {
    value.whole(1..=100_000).map(|count| u32::try_from(count).unwrap_or(u32::MAX))
}
