//! `[stream]`: the stream to clients: pings, history for resuming, queues and limits.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::whole::Whole;

/// Times and limits of the stream to clients.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct StreamConfig {
    /// Time between the server's pings.
    #[serde(rename = "ping_ms", with = "Whole::<100, 600_000>")]
    pub ping: Duration,
    /// Time a client has to answer a ping.
    #[serde(rename = "pong_timeout_ms", with = "Whole::<100, 60_000>")]
    pub pong_timeout: Duration,
    /// Time a client has to send its hello.
    #[serde(rename = "hello_timeout_ms", with = "Whole::<100, 60_000>")]
    pub hello_timeout: Duration,
    /// Time a client may take nothing of what waits for it before it is closed as too slow.
    #[serde(rename = "write_timeout_ms", with = "Whole::<100, 60_000>")]
    pub write_timeout: Duration,
    /// Bytes of history kept for each topic and lane, for clients that resume.
    #[serde(with = "Whole::<0, { 64 << 20 }>")]
    pub history_bytes: usize,
    /// Updates of history kept for each topic and lane.
    #[serde(with = "Whole::<0, 1_000_000>")]
    pub history_len: usize,
    /// Maximum bytes queued for one client.
    #[serde(with = "Whole::<4_096, { 256 << 20 }>")]
    pub queue_bytes: usize,
    /// Time a topic is kept after its last subscriber left, so that a reloaded page finds its history.
    #[serde(rename = "retain_idle_ms", with = "Whole::<0, 86_400_000>")]
    pub retain_idle: Duration,
    /// Messages a client may send per second, on average.
    #[serde(with = "Whole::<1, 100_000>")]
    pub messages_per_second: u32,
    /// Messages a client may send at once.
    #[serde(with = "Whole::<1, 100_000>")]
    pub messages_burst: u32,
    /// Topics a client may follow.
    #[serde(with = "Whole::<1, 100_000>")]
    pub max_topics: usize,
}

impl Default for StreamConfig {
    fn default() -> Self {
        Self {
            ping: Duration::from_secs(25),
            pong_timeout: Duration::from_secs(8),
            hello_timeout: Duration::from_secs(10),
            // Longer than the pauses of a slow reader: on loopback, the kernel reports progress every 64 KiB.
            write_timeout: Duration::from_secs(12),
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
