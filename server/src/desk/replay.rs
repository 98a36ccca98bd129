//! The server's handle on the desk of the replay: its one account, `replay`, in memory while a recording plays.
//!
//! The replay's task owns that desk (`recorder::player`) and answers requests between two steps of the playback. Not here:
//! the desk itself (`backtest::replay_desk`), the desk of the live markets ([`super::handle`]).

use std::sync::{Arc, Mutex, PoisonError};

use desk::{config::DeskConfig, desk::Desk};
use model::{
    time::Timestamp,
    trading::{
        command::DeskCommand,
        refusal::{DenyCode, Refusal},
    },
};
use tokio::sync::{mpsc, oneshot};

use super::handle::{Answer, Look};
use crate::feed::directory::Directory;

/// Request to the replay's task.
pub enum ReplayRequest {
    /// A command, and who receives its answer.
    Command(Box<DeskCommand>, oneshot::Sender<Answer>),
    /// Something to read.
    Look(Look),
}

/// A handle to the desk of whatever recording plays. Clones share it.
#[derive(Clone, Debug)]
pub struct ReplayDesks(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// `None` where this server has no desk.
    config: Option<DeskConfig>,
    directory: Directory,
    /// Locked for a look-up only, never across an await.
    current: Mutex<Option<mpsc::Sender<ReplayRequest>>>,
}

impl ReplayDesks {
    /// Nothing plays. `config` gives every replay's account its kind, balance, fees and limits; `None`: no replay has one.
    pub fn new(config: Option<DeskConfig>, directory: Directory) -> Self {
        Self(Arc::new(Inner { config, directory, current: Mutex::new(None) }))
    }

    /// A recording begins to play; returns what its desk needs.
    pub fn begin(&self) -> Option<(DeskConfig, mpsc::Receiver<ReplayRequest>)> {
        let config = self.0.config.clone()?;
        let (sender, requests) = mpsc::channel(MAX_REQUESTS);
        self.set(Some(sender));
        Some((config, requests))
    }

    /// The recording has ended.
    pub fn end(&self) {
        self.set(None);
    }

    /// Carries a command out. Cancel-safe: the command is carried out anyway.
    ///
    /// # Errors
    /// Why it was refused.
    pub async fn command(&self, command: DeskCommand) -> Answer {
        let (reply, answer) = oneshot::channel();
        let request = ReplayRequest::Command(Box::new(command), reply);
        self.sender()?.try_send(request).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => {
                Refusal::new(DenyCode::Unavailable, "the desk of the replay has too many requests; try again")
            }
            mpsc::error::TrySendError::Closed(_) => no_replay(),
        })?;
        answer.await.unwrap_or_else(|_| Err(no_replay()))
    }

    /// Looks at the desk at the recording's time. Cancel-safe.
    ///
    /// # Errors
    /// No recording plays.
    pub async fn look<T: Send + 'static>(
        &self,
        look: impl FnOnce(&Desk, Timestamp) -> T + Send + 'static,
    ) -> Result<T, Refusal> {
        let (reply, answer) = oneshot::channel();
        let look: Look = Box::new(move |desk, now| drop(reply.send(look(desk, now))));
        self.sender()?.send(ReplayRequest::Look(look)).await.map_err(|_| no_replay())?;
        answer.await.map_err(|_| no_replay())
    }

    fn set(&self, sender: Option<mpsc::Sender<ReplayRequest>>) {
        self.0.directory.set_replay_account(sender.is_some());
        *self.0.current.lock().unwrap_or_else(PoisonError::into_inner) = sender;
    }

    fn sender(&self) -> Result<mpsc::Sender<ReplayRequest>, Refusal> {
        if self.0.config.is_none() {
            return Err(Refusal::new(DenyCode::Unavailable, "this server has no trading desk"));
        }
        self.0.current.lock().unwrap_or_else(PoisonError::into_inner).clone().ok_or_else(no_replay)
    }
}

impl std::fmt::Debug for ReplayRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Command(..) => "Command",
            Self::Look(_) => "Look",
        })
    }
}

fn no_replay() -> Refusal {
    let message = "no recording plays; load one with POST /api/v1/replay or on the page Recordings";
    Refusal::new(DenyCode::NoReplay, message)
}

/// Requests that wait; the replay's task takes all of them several tens of times a second. When it is full, commands are
/// refused and the caller told to try again.
const MAX_REQUESTS: usize = 256;
