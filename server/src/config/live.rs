//! The newest valid configuration, for parts that follow changes of the page without a restart.
//!
//! Whoever reads it at each use follows at once; whoever reads it once for a connection follows for new ones. Not here:
//! changing it (`crate::configuration`).

use std::sync::Arc;

use tokio::sync::watch;

use super::{AccessConfig, Config, LimitsConfig, RecordingsConfig};

/// The way to the newest configuration. Clones share it.
#[derive(Clone, Debug)]
pub struct Live(watch::Receiver<Arc<Config>>);

impl Live {
    /// Follows a sender.
    pub fn new(newest: watch::Receiver<Arc<Config>>) -> Self {
        Self(newest)
    }

    /// Returns the newest configuration.
    pub fn config(&self) -> Arc<Config> {
        self.0.borrow().clone()
    }

    /// Waits for the next change; returns the newest configuration then, `None` if there can be none. Cancel-safe.
    pub async fn next(&mut self) -> Option<Arc<Config>> {
        self.0.changed().await.ok()?;
        Some(self.0.borrow_and_update().clone())
    }
}

/// A configuration that never changes.
impl From<Config> for Live {
    fn from(config: Config) -> Self {
        Self(watch::channel(Arc::new(config)).1)
    }
}

impl From<RecordingsConfig> for Live {
    fn from(recordings: RecordingsConfig) -> Self {
        Config { recordings, ..Config::default() }.into()
    }
}

impl From<LimitsConfig> for Live {
    fn from(limits: LimitsConfig) -> Self {
        Config { limits, ..Config::default() }.into()
    }
}

impl From<AccessConfig> for Live {
    fn from(access: AccessConfig) -> Self {
        Config { access, ..Config::default() }.into()
    }
}
