//! Starts and stops recordings of feeds, saves the last half minute, and lists the files in the library.
//!
//! Not here: writing ([`super::writer`]), the REST API (`http::recordings`).

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use model::{access::Role, instrument::Venue};
use recording::{
    recording_file::{self, Header},
    ring::Window,
};
use schemars::JsonSchema;
use serde::Serialize;
use tokio::sync::broadcast;
use venues::registry;
use wire::command::FeedRecording;

use super::{
    error::RecorderError,
    library::{DeleteError, Library, RecordingName, StoredFile, Use},
    scan,
    target::{LibraryTarget, OneFile, Target},
    writer::{self, Item, Progress, Report},
};
use crate::{
    clock::Clock,
    feed::handle::{FeedHandle, Feeds},
    notices::Notices,
    shutdown::Shutdown,
};

/// The recordings of a server. Clones share them.
#[derive(Clone)]
pub struct Recordings(Arc<Inner>);

struct Inner {
    library: Library,
    feeds: Feeds,
    clock: Clock,
    notices: Notices,
    shutdown: Shutdown,
    /// The newest recording of each venue, running or ended.
    newest: Mutex<BTreeMap<Venue, Arc<Progress>>>,
    ends: broadcast::Sender<RecordingEnd>,
}

/// The end of a recording of a feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordingEnd {
    /// The venue.
    pub venue: Venue,
    /// Why it could not be written on; `None` if it was stopped.
    pub failure: Option<String>,
}

/// A file's entry in the list.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct FileEntry {
    /// The file's name.
    pub name: RecordingName,
    /// The compressed size.
    pub size_bytes: u64,
    /// The venue of the frames, if the file names it.
    pub venue: Option<String>,
    /// The recorded symbols, if the file names them.
    pub symbols: Vec<String>,
    /// `recording`, `last` (a saved half minute), or absent for a recording from elsewhere.
    pub kind: Option<String>,
    /// The start in milliseconds since the epoch, if known.
    pub start_ms: Option<i64>,
    /// The duration in milliseconds; for an unfinished or cut-off file, up to its last change.
    pub duration_ms: Option<i64>,
    /// Entries lost while the file was written.
    pub n_lost: u64,
    /// The state of the file.
    pub state: FileState,
}

/// The state of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FileState {
    /// The file is being written.
    Recording,
    /// The replay has loaded the file, whether it is playing, paused or ended.
    Playing,
    /// The file is complete.
    Complete,
    /// The file has no footer: it was cut off, or is not ours. Its contents can be played.
    CutOff,
}

/// All files and recordings.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct RecordingList {
    /// The files, newest name first.
    pub recordings: Vec<FileEntry>,
    /// The newest recording of each feed since the server started.
    pub feeds: Vec<FeedRecording>,
    /// The size of all files together.
    pub total_bytes: u64,
    /// The maximum size of all files together; beyond it, the oldest are deleted.
    pub max_total_bytes: u64,
    /// The maximum age of a file; older ones are deleted.
    pub max_age_days: u64,
}

impl Recordings {
    /// Creates a list without recordings, and deletes files that exceed the limits.
    pub fn new(library: Library, feeds: Feeds, clock: Clock, notices: Notices, shutdown: Shutdown) -> Self {
        library.tidy(SystemTime::now());
        let (ends, _) = broadcast::channel(MAX_ENDS);
        Self(Arc::new(Inner { library, feeds, clock, notices, shutdown, newest: Mutex::default(), ends }))
    }

    /// Returns the ends of recordings from now on; a reader that falls [`MAX_ENDS`] behind misses the oldest.
    pub fn ends(&self) -> broadcast::Receiver<RecordingEnd> {
        self.0.ends.subscribe()
    }

    /// Returns the folder of recordings.
    pub fn library(&self) -> &Library {
        &self.0.library
    }

    /// Starts to record a feed, with everything it receives. All of `symbols` must be followed.
    ///
    /// # Errors
    /// The feed does not exist, has nothing to record, does not follow a symbol, or is recorded already; the folder
    /// cannot be written or the disk is full.
    pub async fn start(&self, venue: &Venue, symbols: &[String]) -> Result<FeedRecording, RecorderError> {
        self.check(venue, symbols)?;
        let stem = self.stem(venue, "recording");
        let mut target = LibraryTarget { library: self.0.library.clone(), stem };
        let probed = tokio::task::spawn_blocking(move || {
            // Old files may be all that the disk is full of.
            target.tidy();
            target.probe().map(|()| target)
        });
        let target = probed.await.map_err(|_| RecorderError::ShuttingDown)?.map_err(RecorderError::Folder)?;
        self.start_to(venue, symbols, Box::new(target))
    }

    /// Like [`Self::start`], but to one file of the user's choice.
    ///
    /// # Errors
    /// The same as [`Self::start`].
    pub fn start_file(&self, venue: &Venue, path: PathBuf) -> Result<FeedRecording, RecorderError> {
        self.start_to(venue, &[], Box::new(OneFile { path }))
    }

    fn start_to(
        &self,
        venue: &Venue,
        symbols: &[String],
        target: Box<dyn Target>,
    ) -> Result<FeedRecording, RecorderError> {
        let (feed, followed) = self.check(venue, symbols)?;
        let mut newest = self.lock();
        // Again, under the lock: another may have been started since.
        if newest.get(venue).is_some_and(|known| known.report().is_running) {
            return Err(RecorderError::AlreadyRecording { venue: venue.clone() });
        }
        let header = Header { venue: venue.to_string(), symbols: followed, kind: "recording" };
        let (feeder, writer) = writer::writer(target, header, None);
        feed.record(feeder)?;
        let progress = writer.progress();
        newest.insert(venue.clone(), progress.clone());
        drop(newest);
        let (name, notices, clock) = (venue.clone(), self.0.notices.clone(), self.0.clock);
        let ends = self.0.ends.clone();
        notices.end(venue.as_str());
        self.0.shutdown.tasks.spawn_blocking(move || {
            let report = writer.run();
            match &report.failure {
                Some(failure) => {
                    tracing::error!(venue = %name, failure, "a recording has stopped; the feed goes on");
                    let sentence = format!(
                        "The recording of {name} has stopped: {failure}. What was written before can be played. Free some \
                         space or check the data folder, then start it again."
                    );
                    notices.show(name.as_str(), Role::Viewer, sentence, clock.now().monotonic);
                }
                None => tracing::info!(venue = %name, n_entries = report.n_entries, n_lost = report.n_lost, "a recording has ended"),
            }
            // Without readers there is nobody to tell.
            let _unread = ends.send(RecordingEnd { venue: name, failure: report.failure });
        });
        tracing::info!(%venue, "a recording begins");
        Ok(feed_recording(venue.clone(), progress.report()))
    }

    /// Stops the recording of a feed and waits until its file is complete. Cancel-safe.
    ///
    /// # Errors
    /// The feed is not recorded.
    pub async fn stop(&self, venue: &Venue) -> Result<FeedRecording, RecorderError> {
        let progress = self.lock().get(venue).filter(|known| known.report().is_running).cloned();
        let progress = progress.ok_or_else(|| RecorderError::NotRecording { venue: venue.clone() })?;
        progress.ask_stop();
        for _ in 0..STOP_STEPS {
            if !progress.report().is_running {
                break;
            }
            tokio::time::sleep(STOP_STEP).await;
        }
        Ok(feed_recording(venue.clone(), progress.report()))
    }

    /// Saves the last half minute of a feed; returns the file's name.
    ///
    /// # Errors
    /// The feed does not exist or has kept nothing, or the file cannot be written.
    pub async fn save_last(&self, venue: &Venue) -> Result<RecordingName, RecorderError> {
        let (feed, followed) = self.feed(venue)?;
        let window = feed.window().await?.filter(|window| !window.entries.is_empty());
        let window = window.ok_or_else(|| RecorderError::NothingKept { venue: venue.clone() })?;
        let target = LibraryTarget { library: self.0.library.clone(), stem: self.stem(venue, "last") };
        let header = Header { venue: venue.to_string(), symbols: followed, kind: "last" };
        let saved = tokio::task::spawn_blocking(move || save(window, Box::new(target), header));
        let report = saved.await.map_err(|_| RecorderError::ShuttingDown)?;
        match (report.failure, report.files.into_iter().next()) {
            (None, Some(name)) => Ok(name),
            (failure, _) => {
                let failure = failure.unwrap_or_else(|| "no file was made".to_owned());
                tracing::error!(%venue, failure, "the last half minute could not be saved");
                Err(RecorderError::NotWritten { failure })
            }
        }
    }

    /// Deletes a file.
    ///
    /// # Errors
    /// The file does not exist, is in use, or cannot be deleted.
    pub fn delete(&self, name: &RecordingName) -> Result<(), RecorderError> {
        self.0.library.delete(name).map_err(|error| match error {
            DeleteError::Unknown => RecorderError::UnknownRecording { name: name.clone() },
            DeleteError::InUse(purpose) => RecorderError::InUse { name: name.clone(), purpose },
            DeleteError::Io(error) => {
                tracing::error!(%name, %error, "a recording could not be deleted");
                RecorderError::Folder(error)
            }
        })
    }

    /// Returns all files and recordings. Blocks, as it reads the beginning and end of each file.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn list(&self) -> Result<RecordingList, RecorderError> {
        let files = self.0.library.files().map_err(RecorderError::Folder)?;
        let limits = self.0.library.limits();
        let newest = self.lock().clone();
        let feeds = newest.into_iter().map(|(venue, progress)| feed_recording(venue, progress.report())).collect();
        Ok(RecordingList {
            total_bytes: files.iter().map(|file| file.size_bytes).sum(),
            recordings: files.iter().map(|file| self.listed(file)).collect(),
            feeds,
            max_total_bytes: limits.max_total_bytes,
            max_age_days: limits.max_age.as_secs() / 86_400,
        })
    }

    /// Returns true while the venue's feed is recorded.
    pub fn is_recording(&self, venue: &Venue) -> bool {
        self.lock().get(venue).is_some_and(|known| known.report().is_running)
    }

    fn listed(&self, file: &StoredFile) -> FileEntry {
        let path = self.0.library.path(&file.name);
        let (head, footer) = (scan::head(&path), scan::footer(&path));
        let state = match (self.0.library.use_of(&file.name), &footer) {
            (Some(Use::Writing), _) => FileState::Recording,
            (Some(Use::Playing), _) => FileState::Playing,
            (Some(Use::Reading | Use::Testing) | None, Some(_)) => FileState::Complete,
            (Some(Use::Reading | Use::Testing) | None, None) => FileState::CutOff,
        };
        let modified = file.modified.duration_since(SystemTime::UNIX_EPOCH).ok();
        let modified_ms = modified.and_then(|since| i64::try_from(since.as_millis()).ok());
        let begun_ms = head.ts.map(|ts| (ts * 1e3) as i64);
        let (start_ms, end_ms) = match &footer {
            Some(footer) => (footer.first_us.map(|us| us / 1_000).or(begun_ms), footer.last_us.map(|us| us / 1_000)),
            // A recording from elsewhere does not state its end, nor does its last change.
            None => (begun_ms, modified_ms.filter(|_| head.kind.is_some())),
        };
        FileEntry {
            name: file.name.clone(),
            size_bytes: file.size_bytes,
            venue: head.venue,
            symbols: head.symbols,
            kind: head.kind,
            start_ms,
            duration_ms: start_ms.zip(end_ms).map(|(start, end)| (end - start).max(0)),
            n_lost: footer.map_or(0, |footer| footer.n_lost),
            state,
        }
    }

    /// Returns a feed that can be recorded now, and the symbols it follows.
    fn check(&self, venue: &Venue, symbols: &[String]) -> Result<(FeedHandle, Vec<String>), RecorderError> {
        let (feed, followed) = self.feed(venue)?;
        if let Some(symbol) = symbols.iter().find(|symbol| !followed.contains(symbol)) {
            let symbol = symbol.chars().take(MAX_SHOWN).collect();
            return Err(RecorderError::NotFollowed { venue: venue.clone(), symbol, followed });
        }
        if self.is_recording(venue) {
            return Err(RecorderError::AlreadyRecording { venue: venue.clone() });
        }
        Ok((feed, followed))
    }

    /// Returns a feed that can be recorded, and the symbols it follows.
    fn feed(&self, venue: &Venue) -> Result<(FeedHandle, Vec<String>), RecorderError> {
        if venue.replayed().is_some() {
            return Err(RecorderError::IsReplay { venue: venue.clone() });
        }
        let feed = self.0.feeds.of_venue(venue).ok_or_else(|| {
            let venue = venue.as_str().chars().take(MAX_SHOWN).collect();
            RecorderError::NoFeed { venue }
        })?;
        let has_frames =
            registry::info(venue.as_str()).is_ok_and(|info| info.capabilities.websocket || info.capabilities.rest);
        if !has_frames {
            return Err(RecorderError::NothingReceived { venue: venue.clone() });
        }
        let ids = self.0.feeds.directory().ids();
        let followed = ids.iter().filter(|id| id.venue() == venue).map(|id| id.symbol().to_owned()).collect();
        Ok((feed, followed))
    }

    fn stem(&self, venue: &Venue, kind: &str) -> String {
        recording_file::stem(venue.as_str(), self.0.clock.now().wall, kind)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<Venue, Arc<Progress>>> {
        self.0.newest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Recordings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Recordings").finish_non_exhaustive()
    }
}

fn feed_recording(venue: Venue, report: Report) -> FeedRecording {
    let Report { files, n_entries, n_lost, size_bytes, is_running, failure } = report;
    let files = files.iter().map(ToString::to_string).collect();
    FeedRecording { venue, files, n_entries, n_lost, size_bytes, is_running, failure }
}

/// Writes a window to a file; blocks.
fn save(window: Window, target: Box<dyn Target>, header: Header) -> Report {
    let begin = window.begin;
    let entries = window.entries.into_iter().map(Item::Entry);
    let items = std::iter::once(Item::Part(window.prelude)).chain(entries);
    writer::write_all(target, header, begin, items)
}

/// Ends that wait for a reader.
const MAX_ENDS: usize = 64;
/// The wait for a writer that has to pack and write a full queue.
const STOP_STEPS: u32 = 100;
const STOP_STEP: Duration = Duration::from_millis(50);
/// Characters of a caller's text shown in a refusal.
const MAX_SHOWN: usize = 64;
