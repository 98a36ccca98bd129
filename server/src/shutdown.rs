//! The server's shutdown: requested once, everything drains, the process exits within ten seconds.
//!
//! Two steps, each a token. `draining`: `/readyz` and new upgrades answer 503, browser sockets are closed with 1012;
//! the listener still accepts, so that callers get an answer instead of a refused connection. `stopping`, as soon as
//! the sockets are gone or after two seconds: no more connections, running requests end, feeds close.
//! axum's own graceful shutdown ignores upgraded sockets, hence the trackers here.

use std::time::Duration;

use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// The tokens and trackers of one server. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Shutdown {
    /// Cancelled first: say goodbye to browsers.
    pub draining: CancellationToken,
    /// Cancelled second: stop everything else.
    pub stopping: CancellationToken,
    /// Browser sockets.
    pub sockets: TaskTracker,
    /// Everything else: connections, feeds, boards.
    pub tasks: TaskTracker,
}

/// The result of a shutdown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Every task ended by itself.
    Clean,
    /// A task was still running at the deadline and was left behind.
    LeftBehind,
}

impl Shutdown {
    /// Begins the shutdown; returns at once. Calling it again does nothing.
    pub fn begin(&self) {
        self.draining.cancel();
    }

    /// Returns true once the shutdown has begun.
    pub fn has_begun(&self) -> bool {
        self.draining.is_cancelled()
    }

    /// Waits for [`Self::begin`], then completes the shutdown. Cancel-safe: calling it again continues.
    pub async fn finish(&self) -> Outcome {
        self.draining.cancelled().await;
        self.sockets.close();
        let sockets = tokio::time::timeout(SOCKET_TIME, self.sockets.wait()).await;
        self.stopping.cancel();
        self.tasks.close();
        let tasks = tokio::time::timeout(TASK_TIME, self.tasks.wait()).await;
        if sockets.is_ok() && tasks.is_ok() { Outcome::Clean } else { Outcome::LeftBehind }
    }
}

/// Waits for SIGTERM or SIGINT (Ctrl-C). Cancel-safe, but a signal between two calls is missed: create it early, once.
pub struct Signals {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
}

impl Signals {
    /// Starts listening; from now on the signals do not end the process by themselves.
    ///
    /// # Errors
    /// The system does not let the process listen.
    pub fn listen() -> std::io::Result<Self> {
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
        }
        #[cfg(not(unix))]
        Ok(Self {})
    }

    /// Returns at the next signal.
    pub async fn next(&mut self) {
        #[cfg(unix)]
        tokio::select! {
            biased;
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
        #[cfg(not(unix))]
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// Browsers get their close frame at once; two seconds are for their answer.
const SOCKET_TIME: Duration = Duration::from_secs(2);
/// Together with the two seconds above this stays below the promised ten.
const TASK_TIME: Duration = Duration::from_secs(6);
