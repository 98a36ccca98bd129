//! Loads, controls and ends the replay: one at a time, beside the feeds, under the name `replay-<venue>`.
//!
//! Not here: the playback ([`super::player`]), the REST API (`http::replay`).

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use market::{View, ViewConfig};
use model::{
    instrument::{InstrumentId, Venue},
    time::{Now, Timestamp},
};
use recording::{
    contents::{self, Contents},
    playback::Playback,
    player::{Control, SPEEDS, first_report},
};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use topics::channels::replay::{PlayState, ReplayReport};
use venues::{registry, replay::Replay};

use super::{
    error::RecorderError,
    files::Files,
    library::{Held, Library, RecordingName, Use},
    player::{self, PlayerParts},
    player_account::AccountParts,
    scan,
};
use crate::{
    clock::Clock,
    desk::replay::ReplayDesks,
    feed::handle::{FeedHandle, FeedStatus, Feeds},
    publish::Publishing,
    recorder::recording_file::RecordingFile,
    shutdown::Shutdown,
};

/// The files to play and the initial settings.
#[derive(Clone, Debug)]
pub struct Load {
    /// The files, each continuing the one before.
    pub paths: Vec<PathBuf>,
    /// The venue of the frames; `None` takes it from the first file's header.
    pub venue: Option<String>,
    /// The start time; `None` for the beginning.
    pub at: Option<Timestamp>,
    /// The multiple of the recorded speed.
    pub speed: f64,
    /// True if the replay is paused at first.
    pub is_paused: bool,
}

/// The replay of a server. Clones share it.
#[derive(Clone)]
pub struct Replays(Arc<Inner>);

/// Parts of the server that replays need.
pub struct ReplayParts {
    /// The files.
    pub library: Library,
    /// The feeds; a replay is one of them.
    pub feeds: Feeds,
    /// The hub.
    pub publishing: Publishing,
    /// The way to a replay's desk.
    pub desks: ReplayDesks,
    /// The real clock.
    pub clock: Clock,
    /// The way to end them.
    pub shutdown: Shutdown,
}

struct Inner {
    parts: ReplayParts,
    current: Mutex<Option<Loaded>>,
    /// Held by the one caller that loads or stops.
    gate: tokio::sync::Mutex<()>,
}

struct Loaded {
    venue: Venue,
    controls: mpsc::Sender<Control>,
    report: watch::Receiver<ReplayReport>,
    stop: CancellationToken,
    ended: tokio::task::JoinHandle<()>,
    /// Keeps the files from being deleted.
    _held: Vec<Held>,
}

impl Replays {
    /// Creates the state without a replay.
    pub fn new(parts: ReplayParts) -> Self {
        let (current, gate) = (Mutex::new(None), tokio::sync::Mutex::new(()));
        Self(Arc::new(Inner { parts, current, gate }))
    }

    /// Returns the replay's state; `None` if nothing is loaded.
    pub fn report(&self) -> Option<ReplayReport> {
        self.lock().as_ref().map(|loaded| loaded.report.borrow().clone())
    }

    /// Plays files of the library in place of the current replay.
    ///
    /// # Errors
    /// A file does not exist or cannot be played.
    pub async fn load_named(&self, names: &[RecordingName], load: Load) -> Result<ReplayReport, RecorderError> {
        if let Some(name) = names.iter().find(|name| self.0.parts.library.find(name).is_none()) {
            return Err(RecorderError::UnknownRecording { name: name.clone() });
        }
        let paths = names.iter().map(|name| self.0.parts.library.path(name)).collect();
        let held = names.iter().map(|name| self.0.parts.library.hold(name, Use::Playing)).collect();
        self.start(Load { paths, ..load }, held).await
    }

    /// Plays files from anywhere; for the command line.
    ///
    /// # Errors
    /// A file cannot be played.
    pub async fn load_files(&self, load: Load) -> Result<ReplayReport, RecorderError> {
        self.start(load, Vec::new()).await
    }

    /// Sends a control to the replay; the report shows when it has taken effect.
    ///
    /// # Errors
    /// Nothing is loaded, or the speed is out of range.
    pub fn control(&self, control: Control) -> Result<(), RecorderError> {
        if let Control::Speed(speed) = control {
            check_speed(speed)?;
        }
        let current = self.lock();
        let loaded = current.as_ref().ok_or(RecorderError::NoReplay)?;
        loaded.controls.try_send(control).map_err(|_| RecorderError::ReplayBusy)
    }

    /// Ends the replay and removes its instruments. Does nothing if nothing is loaded.
    pub async fn stop(&self) {
        let _gate = self.0.gate.lock().await;
        self.take_down().await;
    }

    async fn take_down(&self) {
        let loaded = self.lock().take();
        if let Some(loaded) = loaded {
            self.0.parts.desks.end();
            loaded.stop.cancel();
            if loaded.ended.await.is_err() {
                tracing::error!(venue = %loaded.venue, "a replay has stopped working");
            }
            self.0.parts.feeds.remove(&loaded.venue);
            self.0.parts.feeds.directory().retain(&loaded.venue, &[]);
        }
    }

    async fn start(&self, load: Load, held: Vec<Held>) -> Result<ReplayReport, RecorderError> {
        check_speed(load.speed)?;
        let _gate = self.0.gate.lock().await;
        let speed = load.speed;
        let is_paused = load.is_paused;
        let opened =
            tokio::task::spawn_blocking(move || open(load)).await.map_err(|_| RecorderError::ShuttingDown)??;
        self.take_down().await;
        let Opened { playback, contents, files, venue, instruments, at } = opened;
        for id in &instruments {
            self.0.parts.feeds.directory().expect(id.clone());
        }
        let report = ReplayReport {
            state: if is_paused { PlayState::Paused } else { PlayState::Playing },
            position_ms: at.as_millis(),
            speed,
            ..first_report(files, venue.clone(), instruments, &contents)
        };
        let empty = Replay::new(venue.replayed().unwrap_or_default())?;
        let mut status = FeedStatus::of(&empty, &View::new(ViewConfig::default()), Now::default());
        status.connection.venue = venue.clone();
        let (status, newest_status) = watch::channel(status);
        let (report, newest_report) = watch::channel(report);
        let (commands, queries) = mpsc::channel(COMMAND_QUEUE);
        let (controls, orders) = mpsc::channel(COMMAND_QUEUE);
        let parts = PlayerParts {
            playback,
            contents,
            report,
            topics: self.0.parts.publishing.own(venue.as_str()),
            desk: self.0.parts.desks.begin().map(|(config, requests)| AccountParts {
                config,
                requests,
                topics: self.0.parts.publishing.own_as_replay_desk(),
            }),
            directory: self.0.parts.feeds.directory().clone(),
            status,
            commands: queries,
            controls: orders,
            clock: self.0.parts.clock,
        };
        let stop = self.0.parts.shutdown.stopping.child_token();
        let until = stop.clone();
        let ended = self.0.parts.shutdown.tasks.spawn_blocking(move || player::run(parts, &until));
        self.0.parts.feeds.insert(&venue, FeedHandle { commands, status: newest_status, stop: stop.clone() });
        let first = newest_report.borrow().clone();
        tracing::info!(%venue, files = ?first.files, "a replay begins");
        *self.lock() = Some(Loaded { venue, controls, report: newest_report, stop, ended, _held: held });
        Ok(first)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Loaded>> {
        self.0.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Replays {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Replays").finish_non_exhaustive()
    }
}

struct Opened {
    playback: Playback<Files>,
    contents: Contents,
    files: Vec<String>,
    venue: Venue,
    instruments: Vec<InstrumentId>,
    at: Timestamp,
}

/// Opens the files and reads their contents; blocks.
fn open(load: Load) -> Result<Opened, RecorderError> {
    let first = load.paths.first().ok_or(RecorderError::NoFiles)?;
    let head = scan::head(first);
    let protocol = registry::info(&load.venue.or(head.venue).ok_or(RecorderError::UnnamedVenue)?)?.name;
    let cannot = |path: &Path, source| RecorderError::Unplayable { file: file_name(path), source };
    for path in &load.paths {
        RecordingFile::open(path).map_err(|error| cannot(path, error))?;
    }
    let contents = contents::read(&mut Files::new(&load.paths)).map_err(|error| cannot(first, error))?;
    let venue = Venue::new(protocol).as_replay();
    let mut instruments = contents::instruments(&mut Files::new(&load.paths), protocol, &venue);
    instruments.extend(head.symbols.iter().map(|symbol| InstrumentId::new(&venue, symbol)));
    Ok(Opened {
        files: load.paths.iter().map(|path| file_name(path)).collect(),
        playback: Playback::new(Files::new(&load.paths), protocol, &venue)?,
        at: load.at.unwrap_or(contents.start).clamp(contents.start, contents.end),
        contents,
        venue,
        instruments: instruments.into_iter().collect(),
    })
}

fn file_name(path: &Path) -> String {
    path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned())
}

fn check_speed(speed: f64) -> Result<(), RecorderError> {
    if SPEEDS.contains(&speed) { Ok(()) } else { Err(RecorderError::BadSpeed { found: speed }) }
}

/// Controls and queries that may wait; the player handles all of them a hundred times a second.
const COMMAND_QUEUE: usize = 64;
