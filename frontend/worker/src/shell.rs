//! The shell around a feed or a replay, in the worker: one timer, the sockets, the requests and the page's messages.
//!
//! Messages from the page: a text (a command of `wire::direct`; the first one names the venue to follow or announces a
//! recording), a text with a file, bytes (a message of the stream), a number (how many of our messages it has processed
//! since). Messages to the page: `null` once we are ready, messages of the stream, texts (`wire::direct` again), and
//! files as name and bytes. The page ends us by ending the worker; that closes every socket.

use std::{cell::RefCell, collections::BTreeMap, rc::Rc, time::Duration};

use model::time::{Monotonic, Now, Timestamp};
use recording::player::BUSY_TIME;
use venues::session::{CloseReason, ConnectionId, HttpRequest, Input};
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use wasm_bindgen_futures::spawn_local;
use web_sys::{Blob, DedicatedWorkerGlobalScope, MessageEvent};
use wire::{
    Encoding, Frame, decode_client,
    direct::{DirectVenue, OpenRecording, WorkerCommand, WorkerReport},
    encode_server,
    message::ServerMessage,
};

use crate::{
    feed::{Action, DirectFeed},
    outlet::Reader,
    recording_file::{self, RecordingLines},
    replay::{ReplayFeed, ReplayReply},
    requests::{self, Answer, words},
    socket::Socket,
};

/// Starts listening to the page.
pub(crate) fn start(scope: DedicatedWorkerGlobalScope) {
    let shell = Shell(Rc::new(RefCell::new(State {
        scope: scope.clone(),
        feed: None,
        replay: None,
        venue: String::new(),
        sockets: BTreeMap::new(),
        armed: None,
        on_timer: None,
        n_unread: 0,
        n_requests: 0,
    })));
    let timer = shell.clone();
    shell.0.borrow_mut().on_timer = Some(Closure::new(move || timer.on_timer()));
    let on_message =
        Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| shell.on_message(&event.data()));
    scope.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
    // The worker lives as long as this callback.
    on_message.forget();
    let _gone = scope.post_message(&JsValue::NULL);
}

/// A handle to the worker's only state.
#[derive(Clone)]
pub(crate) struct Shell(Rc<RefCell<State>>);

pub(crate) struct State {
    scope: DedicatedWorkerGlobalScope,
    feed: Option<DirectFeed>,
    replay: Option<Replaying>,
    venue: String,
    sockets: BTreeMap<ConnectionId, Socket>,
    /// The timer that is set, and its time.
    armed: Option<(i32, Monotonic)>,
    on_timer: Option<Closure<dyn FnMut()>>,
    /// Messages the page has not processed yet.
    n_unread: u32,
    n_requests: usize,
}

/// A playing recording, and when it must be called again.
struct Replaying {
    feed: ReplayFeed<RecordingLines>,
    due: Monotonic,
}

impl Shell {
    /// Passes an input to the feed and executes the resulting actions.
    pub(crate) fn input(&self, input: Input<'_>) {
        self.with_feed(|feed, now| feed.input(input, now));
    }

    /// Handles a connection that has closed or could not be opened, and drops its socket.
    pub(crate) fn closed(&self, connection: ConnectionId, reason: CloseReason) {
        let socket = self.0.borrow_mut().sockets.remove(&connection);
        // A connection abandoned meanwhile reports nothing.
        if socket.is_some() {
            self.with_feed(|feed, now| feed.failed(connection, reason, now));
        }
    }

    /// Returns the scope in which timers are set.
    pub(crate) fn scope(&self) -> DedicatedWorkerGlobalScope {
        self.0.borrow().scope.clone()
    }

    fn on_message(&self, data: &JsValue) {
        if let Some(text) = data.as_string() {
            return self.order(&text, None);
        }
        if let Some(parts) = data.dyn_ref::<js_sys::Array>() {
            let text = parts.get(0).as_string().unwrap_or_default();
            return self.order(&text, parts.get(1).dyn_into::<Blob>().ok());
        }
        if let Some(n_taken) = data.as_f64() {
            let mut state = self.0.borrow_mut();
            state.n_unread = state.n_unread.saturating_sub(n_taken as u32);
            return;
        }
        let Some(buffer) = data.dyn_ref::<js_sys::ArrayBuffer>() else { return };
        let bytes = js_sys::Uint8Array::new(buffer).to_vec();
        // The page is ours and of the same build: an unreadable message is ignored.
        if let Ok(message) = decode_client(Frame::Binary(&bytes)) {
            if self.0.borrow().replay.is_some() {
                return self.with_replay(|feed, _| feed.message(message));
            }
            self.with_feed(|feed, now| feed.message(message, now));
        }
    }

    fn order(&self, text: &str, file: Option<Blob>) {
        match serde_json::from_str(text) {
            Ok(WorkerCommand::Follow(plan)) => self.begin(&plan),
            Ok(WorkerCommand::Open(recording)) => self.open(recording, file),
            Ok(order) if self.0.borrow().replay.is_some() => {
                self.with_replay(|feed, now| feed.order(&order, now.monotonic));
            }
            Ok(order) => self.with_feed(|feed, now| feed.order(&order, now)),
            Err(_) => {}
        }
    }

    fn open(&self, recording: OpenRecording, file: Option<Blob>) {
        let shell = self.clone();
        spawn_local(async move {
            let scope = shell.scope();
            let file = match (file, &recording.url) {
                (Some(file), _) => Ok(file),
                (None, Some(url)) => recording_file::fetch(&scope, url).await.map_err(words),
                (None, None) => Err("the file is missing".to_owned()),
            };
            let opened = file.map_err(|error| format!("{} could not be fetched: {error}", recording.name)).and_then(|file| {
                if file.size() > MAX_FILE_BYTES {
                    return Err(format!(
                        "{} has {:.0} MB; this page plays files of up to {:.0} MB: play it with `truetape replay {}`",
                        recording.name,
                        file.size() / 1e6,
                        MAX_FILE_BYTES / 1e6,
                        recording.name
                    ));
                }
                let now = shell.0.borrow().now().monotonic;
                ReplayFeed::open(&recording.name, recording_file::lines(file), now)
            });
            match opened {
                Ok(feed) => {
                    {
                        let mut state = shell.0.borrow_mut();
                        let due = state.now().monotonic;
                        state.replay = Some(Replaying { feed, due });
                    }
                    shell.with_replay(|feed, now| feed.order(&WorkerCommand::Play, now.monotonic));
                }
                Err(failure) => shell.0.borrow().tell(&WorkerReport::Failed(failure)),
            }
        });
    }

    fn begin(&self, plan: &DirectVenue) {
        let mut state = self.0.borrow_mut();
        let now = state.now();
        // Two pages that lost the same venue must not reconnect simultaneously.
        let seed = (js_sys::Math::random() * 9e15) as u64;
        let Ok(feed) = DirectFeed::new(plan, seed, now) else { return };
        (state.feed, state.venue) = (Some(feed), plan.venue.to_string());
        drop(state);
        self.input(Input::Start);
    }

    fn on_timer(&self) {
        let reader = {
            let mut state = self.0.borrow_mut();
            state.armed = None;
            if state.n_unread < MAX_UNREAD { Reader::Ready } else { Reader::Behind }
        };
        if self.0.borrow().replay.is_some() {
            return self.play(reader);
        }
        self.with_feed(|feed, now| feed.on_timer(now, reader));
    }

    fn with_feed(&self, act: impl FnOnce(&mut DirectFeed, Now)) {
        let mut state = self.0.borrow_mut();
        let now = state.now();
        let Some(feed) = &mut state.feed else { return };
        act(feed, now);
        while let Some(wanted) = state.feed.as_mut().and_then(DirectFeed::take_wanted) {
            state.carry_out(self, wanted);
        }
        state.arm();
    }

    /// Continues the recording.
    fn play(&self, reader: Reader) {
        let mut state = self.0.borrow_mut();
        let begun = state.now();
        let performance = state.scope.performance();
        let millis = move || performance.as_ref().map_or(f64::INFINITY, |performance| performance.now());
        let until = millis() + BUSY_TIME.as_secs_f64() * 1e3;
        let Some(replay) = &mut state.replay else { return };
        replay.due = replay.feed.on_timer(begun, reader, || millis() >= until);
        state.tell_all();
        state.arm();
    }

    /// Runs `act`, sends the results at once, and continues the recording soon.
    fn with_replay(&self, act: impl FnOnce(&mut ReplayFeed<RecordingLines>, Now)) {
        let mut state = self.0.borrow_mut();
        let now = state.now();
        let Some(replay) = &mut state.replay else { return };
        act(&mut replay.feed, now);
        replay.due = now.monotonic;
        state.tell_all();
        state.arm();
    }

    fn answered(&self, request: &HttpRequest, result: Result<Answer, String>) {
        self.0.borrow_mut().n_requests -= 1;
        match result {
            Ok(answer) => self.input(Input::Http(request.id, Ok(answer.lend()))),
            Err(detail) => self.with_feed(|feed, now| feed.request_failed(request.id, detail, now)),
        }
    }
}

impl State {
    fn now(&self) -> Now {
        let since_start_ms = self.scope.performance().map_or(0.0, |performance| performance.now());
        Now {
            monotonic: Monotonic::from_zero(Duration::from_secs_f64((since_start_ms / 1e3).max(0.0))),
            wall: Timestamp::from_micros((js_sys::Date::now() * 1e3) as i64),
        }
    }

    fn carry_out(&mut self, shell: &Shell, wanted: Action) {
        match wanted {
            Action::Connect { connection, url, after } => {
                self.sockets.insert(connection, Socket::open(shell, &self.scope, connection, url, after));
            }
            Action::Send(connection, frame) => {
                let Some(Err(reason)) = self.sockets.get(&connection).map(|socket| socket.send(&frame)) else { return };
                self.sockets.remove(&connection);
                let now = self.now();
                if let Some(feed) = &mut self.feed {
                    feed.failed(connection, reason, now);
                }
            }
            Action::Close(connection) => drop(self.sockets.remove(&connection)),
            Action::Http(request) => self.request(shell, request),
            Action::Say(message) => self.say(&message),
            Action::Tell(said) => self.tell(&said),
            Action::Save(name, bytes) => self.save(&name, &bytes),
        }
    }

    fn request(&mut self, shell: &Shell, request: HttpRequest) {
        let refusal = if request.body.is_some() {
            Some("requests with a body are not passed on to pages")
        } else if self.n_requests >= MAX_REQUESTS {
            Some("too many requests are waiting")
        } else {
            None
        };
        if let Some(detail) = refusal {
            let now = self.now();
            if let Some(feed) = &mut self.feed {
                feed.request_failed(request.id, detail.to_owned(), now);
            }
            return;
        }
        self.n_requests += 1;
        let (shell, scope, url) = (shell.clone(), self.scope.clone(), requests::address(&self.venue, &request));
        spawn_local(async move {
            let result = requests::fetch(&scope, &url).await.map_err(words);
            shell.answered(&request, result);
        });
    }

    fn say(&mut self, message: &ServerMessage) {
        let bytes = js_sys::Uint8Array::from(encode_server(message, Encoding::Binary).as_slice());
        let buffer = bytes.buffer();
        // Transferred, not copied.
        let said = self.scope.post_message_with_transfer(&buffer, &js_sys::Array::of1(&buffer));
        if said.is_ok() {
            self.n_unread += 1;
        }
    }

    fn tell(&self, said: &WorkerReport) {
        if let Ok(text) = serde_json::to_string(said) {
            let _gone = self.scope.post_message(&JsValue::from_str(&text));
        }
    }

    fn save(&self, name: &str, bytes: &[u8]) {
        let buffer = js_sys::Uint8Array::from(bytes).buffer();
        let parts = js_sys::Array::of2(&JsValue::from_str(name), &buffer);
        let _gone = self.scope.post_message_with_transfer(&parts, &js_sys::Array::of1(&buffer));
    }

    fn tell_all(&mut self) {
        while let Some(told) = self.replay.as_mut().and_then(|replay| replay.feed.take_told()) {
            match told {
                ReplayReply::Say(message) => self.say(&message),
                ReplayReply::Tell(said) => self.tell(&said),
            }
        }
    }

    /// Sets the timer, unless one is set for the same time or earlier.
    fn arm(&mut self) {
        let of_replay = self.replay.as_ref().map(|replay| replay.due);
        let Some(due) = of_replay.or_else(|| self.feed.as_ref().map(DirectFeed::next_due)) else { return };
        if self.armed.is_some_and(|(_, at)| at <= due) {
            return;
        }
        if let Some((timer, _)) = self.armed.take() {
            self.scope.clear_timeout_with_handle(timer);
        }
        let wait = due.saturating_since(self.now().monotonic);
        let Some(callback) = &self.on_timer else { return };
        let millis = i32::try_from(wait.as_millis()).unwrap_or(i32::MAX).saturating_add(1);
        let callback = callback.as_ref().unchecked_ref();
        if let Ok(timer) = self.scope.set_timeout_with_callback_and_timeout_and_arguments_0(callback, millis) {
            self.armed = Some((timer, due));
        }
    }
}

/// Maximum unread messages in the page: two seconds of the fastest lane. Beyond that the feed coalesces instead.
const MAX_UNREAD: u32 = 20;
/// Largest file that is played: it is read once beforehand to determine its duration, which takes several seconds for
/// each 100 MB. Only a piece of it is kept in memory.
const MAX_FILE_BYTES: f64 = 512e6;
/// Concurrent requests; a session's own limits are far lower.
const MAX_REQUESTS: usize = 64;
