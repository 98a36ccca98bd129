//! Recordings and replays of this page alone, in its workers: without the server, and for nobody else.
//!
//! A recording is saved as a download; a replay reads a file from the reader's disk or from the server's list. Not
//! here: the workers (`live::socket`), what they do (`frontend/worker`).

use std::{cell::RefCell, sync::Arc};

use futures_channel::oneshot;
use js_sys::{Array, ArrayBuffer};
use leptos::prelude::*;
use model::{
    instrument::{Instrument, InstrumentId, Venue},
    sorted::SortedMap,
};
use topics::channels::replay::ReplayReport;
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use web_sys::{BeforeUnloadEvent, Blob, File, HtmlAnchorElement, Url};
use wire::{
    command::{FeedRecording, ReplayControl},
    direct::{
        AccountAnswer, AccountQuestion, AccountRequest, OpenRecording, WorkerCommand, WorkerRecording, WorkerReport,
    },
    message::JsonText,
};

use super::{Recorder, set_if_new};
use crate::live::{
    Live,
    socket::{RecordingRequests, listen},
};

type Then = Box<dyn FnOnce(ReplayReport)>;
/// The instruments of the recording that plays, as it describes them.
type Described = RwSignal<Arc<Vec<Arc<Instrument>>>>;

thread_local! {
    /// The callback for when a recording begins to play.
    static WAITING: RefCell<Option<Then>> = const { RefCell::new(None) };
    /// Questions to the replay's desk that wait for their answer.
    static ASKED: RefCell<Questions> = RefCell::default();
}

/// The answer of a replay's desk: its result, otherwise `code: sentence`.
type Answer = Result<JsonText, String>;

#[derive(Default)]
struct Questions {
    n_asked: u64,
    waiting: SortedMap<u64, oneshot::Sender<Answer>>,
}

/// Returns true while this page plays a recording by itself: the server knows nothing of its account.
pub fn plays() -> bool {
    RecordingRequests::of_page().is_some_and(|recordings| recordings.playing().is_some())
}

/// Asks the desk of the replay of this page; `None` if this page plays none.
pub async fn ask_desk(question: AccountQuestion) -> Option<Answer> {
    let recordings = RecordingRequests::of_page()?;
    let venue = recordings.playing()?;
    let (answer, answered) = oneshot::channel();
    let id = ASKED.with_borrow_mut(|asked| {
        asked.n_asked += 1;
        asked.waiting.insert(asked.n_asked, answer);
        asked.n_asked
    });
    if !tell(&venue, &WorkerCommand::Desk(AccountRequest { id, question })) {
        ASKED.with_borrow_mut(|asked| drop(asked.waiting.remove(&id)));
    }
    // Once the replay has ended nobody will answer.
    Some(answered.await.unwrap_or_else(|_| Err("no_replay: the replay has ended; open the recording again".to_owned())))
}

fn answer(answer: AccountAnswer) {
    let AccountAnswer { id, result, refusal } = answer;
    let Some(waiting) = ASKED.with_borrow_mut(|asked| asked.waiting.remove(&id)) else { return };
    let result = match (result.and_then(|text| JsonText::parse(&text).ok()), refusal) {
        (Some(text), _) => Ok(text),
        (None, Some(refusal)) => Err(format!("{}: {}", refusal.code.as_str(), refusal.message)),
        (None, None) => Err("the answer of the replay's desk cannot be read".to_owned()),
    };
    // Whoever asked may be gone.
    let _gone = waiting.send(result);
}

/// Listens to the workers' messages from now on; called by an owner that lives as long as the page.
pub fn attend(recorder: Recorder, live: Live) {
    let described: Described = RwSignal::default();
    listen(move |venue, said| hear(recorder, described, venue, said));
    let listed = StoredValue::new(Vec::new());
    // Also when the server's list arrives again, without them.
    Effect::new(move |_| {
        live.instruments.track();
        let wanted = if recorder.is_own.get() { described.get() } else { Arc::default() };
        list_instruments(live, listed, &wanted);
    });
    let is_recording = Memo::new(move |_| recorder.own.with(|own| own.values().any(|recording| recording.is_running)));
    let ask = Closure::<dyn FnMut(BeforeUnloadEvent)>::new(|event: BeforeUnloadEvent| event.prevent_default());
    let ask: js_sys::Function = ask.into_js_value().unchecked_into();
    Effect::new(move |_| window().set_onbeforeunload(is_recording.get().then_some(&ask)));
}

/// Opens a file from the reader's disk; `then` is called once it plays.
pub fn open_file(recorder: Recorder, file: File, then: impl FnOnce(ReplayReport) + 'static) {
    let name = file.name();
    let request = OpenRecording { name: name.clone(), url: None };
    open(recorder, name, request, Some(file), Box::new(then));
}

/// Plays a file of the server's list in this page.
pub fn open_listed(recorder: Recorder, name: &str, then: impl FnOnce(ReplayReport) + 'static) {
    let url = format!("api/v1/recordings/{}", String::from(js_sys::encode_uri_component(name)));
    let request = OpenRecording { name: name.to_owned(), url: Some(url) };
    open(recorder, name.to_owned(), request, None, Box::new(then));
}

fn open(recorder: Recorder, name: String, request: OpenRecording, file: Option<File>, then: Then) {
    let Ok(text) = serde_json::to_string(&WorkerCommand::Open(request)) else { return };
    close(recorder);
    recorder.failure.set(None);
    let first = Array::of2(&JsValue::from_str(&text), &file.map_or(JsValue::NULL, JsValue::from));
    if RecordingRequests::of_page().is_some_and(|recordings| recordings.open(first.into())) {
        WAITING.set(Some(then));
        recorder.opening.set(Some(name));
    } else {
        recorder.failure.set(Some("this browser cannot run workers, which replays need".to_owned()));
    }
}

/// Ends the replay of this page; the server's, if there is one, is shown again.
pub fn close(recorder: Recorder) {
    if let Some(recordings) = RecordingRequests::of_page() {
        recordings.close();
    }
    WAITING.set(None);
    ASKED.with_borrow_mut(|asked| asked.waiting.clear());
    recorder.opening.set(None);
    if recorder.is_own.get_untracked() {
        recorder.is_own.set(false);
        recorder.replay.set(None);
    }
}

/// Sends a command to the replay of this page.
pub(super) fn control(recorder: Recorder, control: ReplayControl) {
    let command = match control {
        ReplayControl::Play => WorkerCommand::Play,
        ReplayControl::Pause => WorkerCommand::Pause,
        ReplayControl::Seek { position_ms } => WorkerCommand::Seek { position_ms },
        ReplayControl::Speed(speed) => WorkerCommand::Speed(speed),
        ReplayControl::Stop => return close(recorder),
    };
    let venue = recorder.replay.with_untracked(|replay| replay.as_ref().map(|replay| replay.venue.clone()));
    if let Some(venue) = venue {
        tell(&venue, &command);
    }
}

/// Records a directly connected venue, stops, or saves its last 30 s.
pub(super) fn record(recorder: Recorder, venue: &Venue, command: &WorkerCommand) {
    recorder.failure.set(None);
    if !tell(venue, command) {
        let words = format!("{venue} is not connected directly yet; try again in a moment");
        recorder.failure.set(Some(words));
    }
}

fn tell(venue: &Venue, command: &WorkerCommand) -> bool {
    let text = serde_json::to_string(command).unwrap_or_default();
    RecordingRequests::of_page().is_some_and(|recordings| recordings.tell(venue, &text))
}

fn hear(recorder: Recorder, described: Described, venue: &Venue, said: &JsValue) {
    if let Some(text) = said.as_string() {
        match serde_json::from_str(&text) {
            Ok(WorkerReport::Replay(replay)) => play(recorder, replay),
            Ok(WorkerReport::Instruments(list)) => described.set(Arc::new(list.into_iter().map(Arc::new).collect())),
            Ok(WorkerReport::Recording(said)) => note(recorder, venue, said),
            Ok(WorkerReport::Desk(given)) => answer(*given),
            Ok(WorkerReport::Failed(words)) => fail(recorder, words),
            Err(_) => {}
        }
    } else if let Some(parts) = said.dyn_ref::<Array>() {
        let name = parts.get(0).as_string().unwrap_or_default();
        if let Ok(bytes) = parts.get(1).dyn_into::<ArrayBuffer>()
            && download(&name, &bytes).is_ok()
        {
            recorder.saved.set(Some(name));
        }
    } else {
        lose(recorder, venue);
    }
}

fn play(recorder: Recorder, replay: ReplayReport) {
    if let Some(recordings) = RecordingRequests::of_page() {
        recordings.claim(&replay.venue);
    }
    recorder.is_own.set(true);
    set_if_new(recorder.opening, None);
    set_if_new(recorder.replay, Some(replay.clone()));
    if let Some(then) = WAITING.take() {
        then(replay);
    }
}

fn note(recorder: Recorder, venue: &Venue, said: WorkerRecording) {
    let WorkerRecording { n_entries, size_bytes, is_running, failure } = said;
    if let Some(recordings) = RecordingRequests::of_page() {
        recordings.keep(venue, is_running);
    }
    let recording = FeedRecording {
        venue: venue.clone(),
        files: Vec::new(),
        n_entries,
        n_lost: 0,
        size_bytes,
        is_running,
        failure,
    };
    recorder.own.update(|own| drop(own.insert(venue.clone(), recording)));
}

/// Reports a command that failed; a recording that could not be opened is closed.
fn fail(recorder: Recorder, words: String) {
    if recorder.opening.with_untracked(Option::is_some) {
        close(recorder);
    }
    recorder.failure.set(Some(words));
}

/// Handles a worker that has stopped: its replay or recording is lost.
fn lose(recorder: Recorder, venue: &Venue) {
    let plays = recorder.replay.with_untracked(|replay| replay.as_ref().is_some_and(|replay| replay.venue == *venue));
    if recorder.opening.with_untracked(Option::is_some) || (plays && recorder.is_own.get_untracked()) {
        close(recorder);
        recorder.failure.set(Some("the replay stopped working; open the recording again".to_owned()));
    }
    let lost = recorder.own.with_untracked(|own| own.get(venue).filter(|recording| recording.is_running).cloned());
    if let Some(recording) = lost {
        let failure = Some("the direct connection stopped working, and its recording is lost".to_owned());
        recorder.own.update(|own| {
            own.insert(venue.clone(), FeedRecording { is_running: false, failure, ..recording });
        });
    }
}

/// Tells the browser to save a file.
fn download(name: &str, bytes: &ArrayBuffer) -> Result<(), JsValue> {
    let blob = Blob::new_with_buffer_source_sequence(&Array::of1(bytes))?;
    let url = Url::create_object_url_with_blob(&blob)?;
    let link: HtmlAnchorElement = document().create_element("a")?.unchecked_into();
    link.set_href(&url);
    link.set_download(name);
    link.click();
    set_timeout(
        move || {
            let _gone = Url::revoke_object_url(&url);
        },
        TAKEN_AFTER,
    );
    Ok(())
}

/// Lists the instruments of the current replay, and removes those of earlier ones.
fn list_instruments(live: Live, listed: StoredValue<Vec<InstrumentId>>, wanted: &[Arc<Instrument>]) {
    let ids: Vec<InstrumentId> = wanted.iter().map(|own| own.id.clone()).collect();
    let earlier = listed.try_update_value(|listed| std::mem::replace(listed, ids.clone())).unwrap_or_default();
    let known = live.instruments.with_untracked(|list| list.known.clone());
    let is_served = |instrument: &&Arc<Instrument>| !ids.contains(&instrument.id) && !earlier.contains(&instrument.id);
    let next: Vec<Arc<Instrument>> = known.iter().filter(is_served).chain(wanted).cloned().collect();
    if next != *known {
        live.instruments.update(|list| list.known = Arc::new(next));
    }
}

/// The browser has saved the file by then.
const TAKEN_AFTER: std::time::Duration = std::time::Duration::from_secs(60);
