//! Recordings and the replay, as reported by the server: fetched by REST, since they change by commands and not by
//! data.
//!
//! While a replay is loaded, its position is fetched twice a second; the list is fetched while it is displayed.
//! Recordings and replays of this page alone are in [`own`]. Not here: the replayed data, which comes over the stream
//! like any other.

#[cfg(feature = "browser")]
pub mod own;

use leptos::prelude::*;
use model::{instrument::Venue, sorted::SortedMap};
use serde::{Deserialize, Serialize};
#[cfg(feature = "browser")]
use topics::channels::replay::ReplayData;
use topics::channels::replay::ReplayReport;
use wire::direct::WorkerCommand;

use crate::live::Live;

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

/// A feed's newest recording.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct FeedRecording {
    /// The feed.
    pub venue: Venue,
    /// Entries written.
    pub n_entries: u64,
    /// Entries lost because the disk was too slow.
    pub n_lost: u64,
    /// File size.
    pub size_bytes: u64,
    /// True until it has ended.
    pub is_running: bool,
    /// Why it ended by itself.
    pub failure: Option<String>,
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

/// What the replay is told to do, in the words of the server.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ReplayCommand {
    /// Play these files.
    Load {
        /// File names from the list.
        files: Vec<String>,
    },
    /// Continue.
    Play,
    /// Pause.
    Pause,
    /// Go to another position.
    Seek {
        /// Milliseconds since the epoch.
        position_ms: i64,
    },
    /// Play at this multiple of the recorded speed.
    Speed(f64),
    /// End the replay.
    Stop,
}

/// An action on recordings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecordingAction {
    /// Record a feed.
    Start(Venue),
    /// Stop recording a feed.
    Stop(Venue),
    /// Save the last 30 s of a feed.
    SaveLast(Venue),
    /// Delete a file.
    Delete(String),
}

/// A handle to recordings and replay; the same for the whole page and cheap to copy.
#[derive(Clone, Copy, Debug)]
pub struct Recorder {
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
            match rest::get::<Recordings>("api/v1/recordings").await {
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

    /// Tells the replay what to do; `then` is called with how it stands afterwards.
    pub fn control(self, command: ReplayCommand, then: impl FnOnce(Option<ReplayReport>) + 'static) {
        #[cfg(feature = "browser")]
        if self.is_own.get_untracked() && !matches!(command, ReplayCommand::Load { .. }) {
            own::control(self, &command);
            return then(self.replay.get_untracked());
        }
        #[cfg(feature = "browser")]
        leptos::task::spawn_local(async move {
            match rest::post::<ReplayData>("api/v1/replay", &command).await {
                Ok(answer) => {
                    if self.is_own.get_untracked() {
                        own::close(self);
                    }
                    self.failure.set(None);
                    set_if_new(self.replay, answer.replay.clone());
                    then(answer.replay);
                }
                Err(message) => self.failure.set(Some(message)),
            }
        });
        #[cfg(not(feature = "browser"))]
        let _ = (command, then);
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

    /// Carries out an action on recordings and fetches the list again.
    pub fn act(self, action: RecordingAction) {
        #[cfg(feature = "browser")]
        leptos::task::spawn_local(async move {
            match rest::act(&action).await {
                Ok(name) => {
                    self.failure.set(None);
                    if matches!(action, RecordingAction::SaveLast(_)) {
                        self.saved.set(name);
                    }
                }
                Err(message) => self.failure.set(Some(message)),
            }
            self.reload();
        });
        #[cfg(not(feature = "browser"))]
        let _ = action;
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
pub fn provide_recorder() {
    let (list, replay, failure, saved) =
        (RwSignal::new(None), RwSignal::new(None), RwSignal::new(None), RwSignal::new(None));
    let (is_own, opening, own) = (RwSignal::new(false), RwSignal::new(None), RwSignal::new(SortedMap::new()));
    provide_context(Recorder { list, replay, failure, saved, is_own, opening, own });
}

/// Returns the recordings and the replay of this page.
pub fn use_recorder() -> Recorder {
    use_context().unwrap_or_else(|| {
        provide_recorder();
        expect_context()
    })
}

#[cfg(feature = "browser")]
mod rest {
    use serde::{Deserialize, Serialize, de::DeserializeOwned};
    use serde_json::json;

    use super::RecordingAction;

    #[derive(Deserialize)]
    struct Named {
        name: Option<String>,
    }

    #[derive(Deserialize)]
    struct Refusal {
        error: Words,
    }

    #[derive(Deserialize)]
    struct Words {
        message: String,
    }

    pub(super) async fn get<T: DeserializeOwned>(path: &str) -> Result<T, String> {
        read(gloo_net::http::Request::get(path).send().await).await
    }

    pub(super) async fn post<T: DeserializeOwned>(path: &str, body: &impl Serialize) -> Result<T, String> {
        let request = gloo_net::http::Request::post(path).json(body).map_err(|error| error.to_string())?;
        read(request.send().await).await
    }

    /// Returns the file's name, if the answer has one.
    pub(super) async fn act(action: &RecordingAction) -> Result<Option<String>, String> {
        let named: Named = match action {
            RecordingAction::Start(venue) => post("api/v1/recordings/start", &json!({ "venue": venue })).await?,
            RecordingAction::Stop(venue) => post("api/v1/recordings/stop", &json!({ "venue": venue })).await?,
            RecordingAction::SaveLast(venue) => post("api/v1/recordings/save-last", &json!({ "venue": venue })).await?,
            RecordingAction::Delete(name) => {
                let name = String::from(js_sys::encode_uri_component(name));
                read(gloo_net::http::Request::delete(&format!("api/v1/recordings/{name}")).send().await).await?
            }
        };
        Ok(named.name)
    }

    async fn read<T: DeserializeOwned>(answer: Result<gloo_net::http::Response, gloo_net::Error>) -> Result<T, String> {
        let answer = answer.map_err(|error| format!("the server does not answer: {error}"))?;
        let text = answer.text().await.map_err(|error| error.to_string())?;
        if answer.ok() {
            return serde_json::from_str(&text).map_err(|error| error.to_string());
        }
        Err(match serde_json::from_str::<Refusal>(&text) {
            Ok(refusal) => refusal.error.message,
            Err(_) => format!("the server answered {}", answer.status()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_in_the_servers_words() {
        for (command, expected) in [
            (ReplayCommand::Load { files: vec!["a.jsonl".into()] }, r#"{"load":{"files":["a.jsonl"]}}"#),
            (ReplayCommand::Play, r#""play""#),
            (ReplayCommand::Seek { position_ms: 5 }, r#"{"seek":{"position_ms":5}}"#),
            (ReplayCommand::Speed(0.5), r#"{"speed":0.5}"#),
            (ReplayCommand::Stop, r#""stop""#),
        ] {
            assert_eq!(serde_json::to_string(&command).unwrap(), expected);
        }
    }
}
