//! Recordings and the replay, as reported by the server.
//!
//! The replay comes as a topic; the list of recordings is fetched by REST while it is displayed. Commands go over the
//! stream.
//! Recordings and replays of this page alone are in [`own`]. Not here: the replayed data, which comes over the stream
//! like any other.

#[cfg(feature = "browser")]
pub mod own;

use leptos::prelude::*;
use model::{instrument::Venue, sorted::SortedMap};
use serde::Deserialize;
use topics::channels::replay::ReplayReport;
use wire::{
    command::{Command, CommandResult, FeedRecording, LoadReplay, ReplayControl},
    direct::WorkerCommand,
};

use crate::live::{Live, use_live};

/// A file in the server's list.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct RecordingFile {
    /// Its name.
    pub name: String,
    /// Its compressed size.
    pub size_bytes: u64,
    /// The venue, if the file names it.
    pub venue: Option<String>,
    /// The symbols followed, if the file names them.
    pub symbols: Vec<String>,
    /// Its beginning, milliseconds since the epoch.
    pub start_ms: Option<i64>,
    /// Its duration.
    pub duration_ms: Option<i64>,
    /// Entries lost while it was written.
    pub n_lost: u64,
    /// `recording`, `playing`, `complete` or `cut_off`.
    pub state: String,
}

/// All recordings.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Recordings {
    /// The files, newest name first.
    pub recordings: Vec<RecordingFile>,
    /// Newest recording of each feed since the server's start.
    pub feeds: Vec<FeedRecording>,
    /// Size of all files.
    pub total_bytes: u64,
    /// Above this size the oldest files are deleted.
    pub max_total_bytes: u64,
    /// Files older than this are deleted.
    pub max_age_days: u64,
}

/// A handle to recordings and replay; the same for the whole page and cheap to copy.
#[derive(Clone, Copy, Debug)]
pub struct Recorder {
    live: Live,
    list: RwSignal<Option<Recordings>>,
    replay: RwSignal<Option<ReplayReport>>,
    failure: RwSignal<Option<String>>,
    saved: RwSignal<Option<String>>,
    /// True if the replay plays in this page.
    is_own: RwSignal<bool>,
    /// The file that is being opened in this page.
    opening: RwSignal<Option<String>>,
    /// Recordings of this page, running or ended.
    own: RwSignal<SortedMap<Venue, FeedRecording>>,
}

impl Recorder {
    /// Returns the list; `None` until it has arrived.
    pub fn list(self) -> Signal<Option<Recordings>> {
        self.list.into()
    }

    /// The replay; `None` where nothing is loaded, or nothing is known yet.
    pub fn replay(self) -> Signal<Option<ReplayReport>> {
        self.replay.into()
    }

    /// Returns true if the replay plays in this page, for nobody else.
    pub fn is_own(self) -> Signal<bool> {
        self.is_own.into()
    }

    /// Returns the file that is being opened in this page.
    pub fn opening(self) -> Signal<Option<String>> {
        self.opening.into()
    }

    /// Returns this page's newest recording of each venue.
    pub fn own(self) -> Signal<SortedMap<Venue, FeedRecording>> {
        self.own.into()
    }

    /// Returns why the last command failed.
    pub fn failure(self) -> RwSignal<Option<String>> {
        self.failure
    }

    /// Returns the file that was saved last.
    pub fn saved(self) -> RwSignal<Option<String>> {
        self.saved
    }

    /// Fetches the list.
    pub fn reload(self) {
        #[cfg(feature = "browser")]
        leptos::task::spawn_local(async move {
            match crate::live::rest::get::<Recordings>("api/v1/recordings").await {
                Ok(list) => set_if_new(self.list, Some(list)),
                Err(message) => self.failure.set(Some(message)),
            }
        });
    }

    /// Shows the server's replay, as its topic has it, unless one plays in this page.
    pub fn show(self, replay: &Option<ReplayReport>) {
        if !self.is_own.get_untracked() && self.replay.with_untracked(|known| known != replay) {
            self.replay.set(replay.clone());
        }
    }

    /// Controls the replay, in this page or on the server.
    pub fn control(self, control: ReplayControl) {
        self.control_then(control, || {});
    }

    /// As [`Self::control`]; `then` is called once the replay has done it.
    pub fn control_then(self, control: ReplayControl, then: impl FnOnce() + 'static) {
        #[cfg(feature = "browser")]
        if self.is_own.get_untracked() {
            own::control(self, control);
            return then();
        }
        self.give(Command::ControlReplay(control), move |result| {
            if let CommandResult::ControlReplay(data) = result {
                self.show(&data.replay);
                then();
            }
        });
    }

    /// Plays a file of the list on the server; `then` is called once it is loaded.
    pub fn load(self, name: String, then: impl FnOnce(ReplayReport) + 'static) {
        self.give(Command::LoadReplay(LoadReplay::new(vec![name])), move |result| {
            let CommandResult::LoadReplay(data) = result else { return };
            #[cfg(feature = "browser")]
            if self.is_own.get_untracked() {
                own::close(self);
            }
            self.show(&data.replay);
            if let Some(replay) = data.replay {
                then(replay);
            }
        });
    }

    /// Plays a file of the list in this page; `then` is called once it plays.
    pub fn open_listed(self, name: &str, then: impl FnOnce(ReplayReport) + 'static) {
        #[cfg(feature = "browser")]
        own::open_listed(self, name, then);
        #[cfg(not(feature = "browser"))]
        let _ = (name, then);
    }

    /// Plays the file that the reader has chosen in `field`; `then` is called once it plays.
    pub fn open_chosen(self, field: &web_sys::HtmlInputElement, then: impl FnOnce(ReplayReport) + 'static) {
        #[cfg(feature = "browser")]
        if let Some(file) = field.files().and_then(|files| files.get(0)) {
            own::open_file(self, file, then);
            // The same file may be chosen again.
            field.set_value("");
        }
        #[cfg(not(feature = "browser"))]
        let _ = (field, then);
    }

    /// Tells the worker of a directly connected venue to record, to stop, or to save its last 30 s.
    pub fn act_here(self, venue: &Venue, command: &WorkerCommand) {
        #[cfg(feature = "browser")]
        own::record(self, venue, command);
        #[cfg(not(feature = "browser"))]
        let _ = (venue, command);
    }

    /// Listens to this page's workers' messages about recordings and replays; called by an owner that lives as long as
    /// the page.
    pub fn attend(self, live: Live) {
        #[cfg(feature = "browser")]
        own::attend(self, live);
        #[cfg(not(feature = "browser"))]
        let _ = live;
    }

    /// Carries out a command on recordings and fetches the list again.
    pub fn act(self, command: Command) {
        self.give(command, move |result| {
            if let CommandResult::SaveLast(file) = result {
                self.saved.set(Some(file.name));
            }
            self.reload();
        });
    }

    fn give(self, command: Command, then: impl FnOnce(CommandResult) + 'static) {
        #[cfg(feature = "browser")]
        leptos::task::spawn_local(async move {
            match self.live.send(command).await {
                Ok(result) => {
                    self.failure.set(None);
                    then(result);
                }
                Err(message) => self.failure.set(Some(message)),
            }
        });
        #[cfg(not(feature = "browser"))]
        let _ = (self.live, command, then);
    }
}

/// Notifies only if the value changed.
#[cfg(feature = "browser")]
fn set_if_new<T: PartialEq + Send + Sync + 'static>(signal: RwSignal<T>, next: T) {
    if signal.try_with_untracked(|known| *known != next) == Some(true) {
        signal.set(next);
    }
}

/// Provides recordings and replay to the whole page.
pub fn provide_recorder(live: Live) {
    let (list, replay, failure, saved) =
        (RwSignal::new(None), RwSignal::new(None), RwSignal::new(None), RwSignal::new(None));
    let (is_own, opening, own) = (RwSignal::new(false), RwSignal::new(None), RwSignal::new(SortedMap::new()));
    provide_context(Recorder { live, list, replay, failure, saved, is_own, opening, own });
}

/// Returns the recordings and the replay of this page.
pub fn use_recorder() -> Recorder {
    use_context().unwrap_or_else(|| {
        provide_recorder(use_live());
        expect_context()
    })
}
