//! The one road of all commands, from the stream and from REST: role, idempotency key, the part of the server that carries
//! a command out, and its typed result.
//!
//! Each command runs in a task of its own: a client that leaves gives up the answer, not the command. Not here: the form
//! of commands (`wire::command`), their effect (`feed`, `recorder`), and the words of REST (`http`).

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures::{
    FutureExt,
    future::{BoxFuture, Shared},
};
use model::{
    access::{Role, UserName},
    instrument::Venue,
    time::{Monotonic, Timestamp},
    trading::refusal::{DenyCode, Refusal},
};
use recording::player::Control;
use topics::channels::replay::ReplayData;
use tracing::Instrument;
use wire::{
    backtest::{StartBacktest, StopBacktest},
    command::{AnyCommand, Command, CommandResult, FeedSymbols, LoadReplay, OneRecording, OneVenue, ReplayControl},
    message::RefusalCode,
};

use crate::{
    access::{audit::AuditLog, caller::Caller},
    alerts::handle::AlertsHandle,
    backtests::{Backtests, error::BacktestRefusal},
    catalogue::following::Following,
    clock::Clock,
    desk::handle::DeskHandle,
    feed::{control::ControlError, error::FeedError},
    recorder::{
        error::RecorderError,
        library::RecordingName,
        recordings::Recordings,
        replays::{Load, Replays},
    },
    shutdown::Shutdown,
};

/// Outcome of a command. Shared, since a repeated command gets the same.
pub type Outcome = Result<CommandResult, Arc<CommandFailure>>;

/// Why a command was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum CommandFailure {
    /// The caller's role is too low.
    #[error("{command} needs the role {needed}")]
    Forbidden {
        /// The command.
        command: &'static str,
        /// The least role.
        needed: Role,
    },
    /// Not a key.
    #[error("an idempotency key is 1 to {MAX_KEY_BYTES} printable ASCII characters")]
    BadKey,
    /// The key was used for another command.
    #[error("the key {key} was used for another command; choose a new one")]
    KeyReused {
        /// The key.
        key: String,
    },
    /// Feeds refuse.
    #[error(transparent)]
    Feed(#[from] ControlError),
    /// Recordings or the replay refuse.
    #[error(transparent)]
    Recorder(#[from] RecorderError),
    /// A back-test is refused.
    #[error(transparent)]
    Backtest(#[from] BacktestRefusal),
    /// The command was carried out, but the list of kept instruments could not be written.
    #[error("done, but it will not be remembered: the list of kept instruments cannot be written")]
    NotKept {
        /// The system's reason.
        source: std::io::Error,
    },
    /// The desk, signals or alerts refuse.
    #[error("{}: {}", .0.code.as_str(), .0.message)]
    Desk(Refusal),
    /// The command's task ended without a result.
    #[error("the server is shutting down")]
    ShuttingDown,
}

impl CommandFailure {
    /// Returns the code of the refusal on the stream.
    pub fn code(&self) -> RefusalCode {
        match self {
            Self::Forbidden { .. } => RefusalCode::Forbidden,
            Self::BadKey => RefusalCode::BadMessage,
            Self::KeyReused { .. } => RefusalCode::KeyReused,
            Self::Feed(error) => error.code(),
            Self::Recorder(error) => recorder_code(error),
            Self::Backtest(refusal) => match refusal {
                BacktestRefusal::UnknownRecording { .. } => RefusalCode::UnknownRecording,
                BacktestRefusal::Busy | BacktestRefusal::NoResult => RefusalCode::Conflict,
                _ => RefusalCode::BadParameter,
            },
            Self::NotKept { .. } => RefusalCode::Storage,
            Self::Desk(refusal) => match refusal.code {
                DenyCode::Unavailable => RefusalCode::Unavailable,
                DenyCode::StorageFull => RefusalCode::Storage,
                _ => RefusalCode::Denied,
            },
            Self::ShuttingDown => RefusalCode::Unavailable,
        }
    }
}

fn recorder_code(error: &RecorderError) -> RefusalCode {
    match error {
        RecorderError::UnknownRecording { .. } => RefusalCode::UnknownRecording,
        RecorderError::UnknownVenue(_) => RefusalCode::UnknownVenue,
        RecorderError::NoFeed { .. }
        | RecorderError::IsReplay { .. }
        | RecorderError::NothingReceived { .. }
        | RecorderError::UnnamedVenue
        | RecorderError::NotFollowed { .. }
        | RecorderError::NoFiles
        | RecorderError::TooManyFiles { .. }
        | RecorderError::BadName
        | RecorderError::Unplayable { .. }
        | RecorderError::BadSpeed { .. } => RefusalCode::BadParameter,
        RecorderError::AlreadyRecording { .. }
        | RecorderError::NotRecording { .. }
        | RecorderError::NothingKept { .. }
        | RecorderError::InUse { .. } => RefusalCode::Conflict,
        RecorderError::Folder(_) | RecorderError::NotWritten { .. } => RefusalCode::Storage,
        RecorderError::NoReplay => RefusalCode::NothingPlays,
        RecorderError::Feed(FeedError::UnknownInstrument { .. }) => RefusalCode::UnknownTopic,
        RecorderError::ReplayBusy | RecorderError::Feed(FeedError::Busy) | RecorderError::ShuttingDown => {
            RefusalCode::Unavailable
        }
    }
}

/// Carries commands out. Clones share everything.
#[derive(Clone)]
pub struct CommandRouter(Arc<Inner>);

struct Inner {
    following: Following,
    recordings: Recordings,
    replays: Replays,
    backtests: Backtests,
    desk: DeskHandle,
    alerts: AlertsHandle,
    audit: AuditLog,
    clock: Clock,
    shutdown: Shutdown,
    keys: Mutex<Keys>,
}

/// Commands that came with a key, not long ago.
#[derive(Default)]
struct Keys {
    known: BTreeMap<Key, Keyed>,
    /// Keys with the time of their command, oldest first.
    order: VecDeque<(Monotonic, Key)>,
}

/// A key of a user.
type Key = (Option<UserName>, String);

struct Keyed {
    command: AnyCommand,
    outcome: Running,
}

/// A command under way or done.
type Running = Shared<BoxFuture<'static, Outcome>>;

impl CommandRouter {
    /// Of these parts of the server.
    #[expect(clippy::too_many_arguments, reason = "one a part of the server that carries commands out")]
    pub fn new(
        following: Following,
        recordings: Recordings,
        replays: Replays,
        backtests: Backtests,
        desk: DeskHandle,
        alerts: AlertsHandle,
        audit: AuditLog,
        clock: Clock,
        shutdown: Shutdown,
    ) -> Self {
        Self(Arc::new(Inner {
            following,
            recordings,
            replays,
            backtests,
            desk,
            alerts,
            audit,
            clock,
            shutdown,
            keys: Mutex::default(),
        }))
    }

    /// Carries a command out, once for each key.
    ///
    /// # Errors
    /// Why it was not carried out; nothing of it was done then.
    pub async fn run(&self, caller: Caller, key: Option<String>, command: impl Into<AnyCommand>) -> Outcome {
        let command = command.into();
        let (name, needed) = (command.name(), command.role());
        if caller.role < needed {
            return Err(CommandFailure::Forbidden { command: name, needed }.into());
        }
        // The desk's own journal has its commands.
        if needed == Role::Admin {
            self.0.audit.note(&caller, name, "");
        }
        match key {
            None => self.start(command).await,
            Some(key) => self.start_once(&caller, key, command)?.await,
        }
    }

    fn start_once(&self, caller: &Caller, key: String, command: AnyCommand) -> Result<Running, CommandFailure> {
        if key.is_empty() || key.len() > MAX_KEY_BYTES || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(CommandFailure::BadKey);
        }
        let now = self.0.clock.now().monotonic;
        // Held for a look-up: the command itself runs in its task.
        let mut keys = self.0.keys.lock().unwrap_or_else(PoisonError::into_inner);
        keys.forget_old(now);
        // A user's keys are its own.
        let own = (caller.user.clone(), key.clone());
        match keys.known.get(&own) {
            Some(known) if known.command == command => Ok(known.outcome.clone()),
            Some(_) => Err(CommandFailure::KeyReused { key }),
            None => {
                let outcome = self.start(command.clone());
                keys.order.push_back((now, own.clone()));
                keys.known.insert(own, Keyed { command, outcome: outcome.clone() });
                Ok(outcome)
            }
        }
    }

    fn start(&self, command: AnyCommand) -> Running {
        let (router, name) = (self.clone(), command.name());
        let work = async move {
            let outcome = router.carry_out(command).await;
            match &outcome {
                Ok(_) => tracing::info!(command = name, "a command was carried out"),
                Err(error) => tracing::info!(command = name, %error, "a command was refused"),
            }
            outcome.map_err(Arc::new)
        };
        // Its lines in the log name who asked.
        let task = self.0.shutdown.tasks.spawn(work.in_current_span());
        task.map(|outcome| outcome.unwrap_or_else(|_| Err(CommandFailure::ShuttingDown.into()))).boxed().shared()
    }

    async fn carry_out(&self, command: AnyCommand) -> Result<CommandResult, CommandFailure> {
        let Inner { following, recordings, replays, backtests, desk, alerts, .. } = &*self.0;
        let command = match command {
            AnyCommand::Server(command) => command,
            AnyCommand::Desk(command) => {
                let reply = desk.command(*command).await.map_err(CommandFailure::Desk)?;
                return Ok(CommandResult::Desk(Box::new(reply)));
            }
            AnyCommand::Alerts(command) => {
                let reply = alerts.command(*command).await.map_err(CommandFailure::Desk)?;
                return Ok(CommandResult::Alerts(Box::new(reply)));
            }
        };
        Ok(match command {
            Command::StartFeed(symbols) => CommandResult::StartFeed(following.start(symbols).await?),
            Command::StopFeed(symbols) => CommandResult::StopFeed(following.stop(symbols).await?),
            Command::StartRecording(FeedSymbols { venue, symbols }) => {
                CommandResult::StartRecording(recordings.start(&Venue::new(&venue), &symbols).await?)
            }
            Command::StopRecording(OneVenue { venue }) => {
                CommandResult::StopRecording(recordings.stop(&Venue::new(&venue)).await?)
            }
            Command::SaveLast(OneVenue { venue }) => {
                let name = recordings.save_last(&Venue::new(&venue)).await?.to_string();
                CommandResult::SaveLast(OneRecording { name })
            }
            Command::DeleteRecording(OneRecording { name }) => {
                recordings.delete(&recording_name(&name)?)?;
                CommandResult::DeleteRecording(OneRecording { name })
            }
            Command::StartBacktest(StartBacktest { recording, plan }) => {
                CommandResult::StartBacktest(backtests.start(&recording, plan)?)
            }
            Command::StopBacktest(StopBacktest {}) => CommandResult::StopBacktest(backtests.stop()),
            Command::LoadReplay(load) => {
                let replay = Some(self.load(load).await?);
                CommandResult::LoadReplay(ReplayData { replay })
            }
            Command::ControlReplay(control) => {
                self.control(control).await?;
                CommandResult::ControlReplay(ReplayData { replay: replays.report() })
            }
        })
    }

    async fn load(&self, load: LoadReplay) -> Result<topics::channels::replay::ReplayReport, RecorderError> {
        let LoadReplay { files, venue, at_ms, speed, is_paused } = load;
        if files.len() > MAX_FILES {
            return Err(RecorderError::TooManyFiles { limit: MAX_FILES });
        }
        let names = files.iter().map(|name| recording_name(name)).collect::<Result<Vec<_>, _>>()?;
        let at = at_ms.map(Timestamp::from_millis);
        self.0.replays.load_named(&names, Load { paths: Vec::new(), venue, at, speed, is_paused }).await
    }

    async fn control(&self, control: ReplayControl) -> Result<(), RecorderError> {
        let replays = &self.0.replays;
        match control {
            ReplayControl::Play => replays.control(Control::Play)?,
            ReplayControl::Pause => replays.control(Control::Pause)?,
            ReplayControl::Seek { position_ms } => {
                replays.control(Control::Seek(Timestamp::from_millis(position_ms)))?;
            }
            ReplayControl::Speed(speed) => replays.control(Control::Speed(speed))?,
            ReplayControl::Stop => {
                replays.stop().await;
                return Ok(());
            }
        }
        // The player listens a hundred times a second; its state afterwards is the result.
        tokio::time::sleep(HEARD_AFTER).await;
        Ok(())
    }
}

impl std::fmt::Debug for CommandRouter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CommandRouter").finish_non_exhaustive()
    }
}

impl Keys {
    fn forget_old(&mut self, now: Monotonic) {
        let is_old = |at: Monotonic| now.saturating_since(at) > KEY_TIME;
        while self.order.front().is_some_and(|(at, _)| is_old(*at)) || self.order.len() >= MAX_KEYS {
            if let Some((_, key)) = self.order.pop_front() {
                self.known.remove(&key);
            }
        }
    }
}

fn recording_name(name: &str) -> Result<RecordingName, RecorderError> {
    RecordingName::parse(name).ok_or(RecorderError::BadName)
}

/// Longest idempotency key.
const MAX_KEY_BYTES: usize = 64;
/// Lifetime of a command's key: longer than any client tries to reconnect before it asks its user.
const KEY_TIME: Duration = Duration::from_secs(600);
/// Keys that are known at once. Past it the oldest go: a client that floods gains nothing.
const MAX_KEYS: usize = 1_024;
/// Files of one replay: a recording of a week with an hour a file.
const MAX_FILES: usize = 256;
const HEARD_AFTER: Duration = Duration::from_millis(60);
