//! The shell around the feed, in the worker: one timer, the sockets, the requests and the page's messages.
//!
//! What the page says: a text (how the venue is followed; once, first), bytes (a message of the stream), a number (how many
//! of our messages it has taken in since). What we say: `null` once we can be spoken to, then messages of the stream. The
//! page ends us by ending the worker; that closes every socket.

use std::{cell::RefCell, collections::BTreeMap, rc::Rc, time::Duration};

use model::time::{Monotonic, Now, Timestamp};
use venues::session::{CloseReason, ConnectionId, HttpAnswer, HttpRequest, Input};
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{AbortSignal, DedicatedWorkerGlobalScope, MessageEvent, RequestInit, Response};
use wire::{Encoding, Frame, decode_client, direct::DirectVenue, encode_server, message::ServerMessage};

use crate::{
    feed::{DirectFeed, Reader, Wanted},
    socket::Socket,
};

/// Begins to listen to the page.
pub(crate) fn start(scope: DedicatedWorkerGlobalScope) {
    let shell = Shell(Rc::new(RefCell::new(State {
        scope: scope.clone(),
        feed: None,
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

/// A handle on the worker's only state.
#[derive(Clone)]
pub(crate) struct Shell(Rc<RefCell<State>>);

pub(crate) struct State {
    scope: DedicatedWorkerGlobalScope,
    feed: Option<DirectFeed>,
    venue: String,
    sockets: BTreeMap<ConnectionId, Socket>,
    /// The timer that is set, and for when.
    armed: Option<(i32, Monotonic)>,
    on_timer: Option<Closure<dyn FnMut()>>,
    /// Messages the page has not taken in yet.
    n_unread: u32,
    n_requests: usize,
}

impl Shell {
    /// Hands an input to the feed and does what comes of it.
    pub(crate) fn input(&self, input: Input<'_>) {
        self.with_feed(|feed, now| feed.input(input, now));
    }

    /// A connection is gone, or could not be opened: its socket with it.
    pub(crate) fn closed(&self, connection: ConnectionId, reason: CloseReason) {
        let socket = self.0.borrow_mut().sockets.remove(&connection);
        // One that was given up meanwhile says nothing any more.
        if socket.is_some() {
            self.with_feed(|feed, now| feed.failed(connection, reason, now));
        }
    }

    /// Where timers are set.
    pub(crate) fn scope(&self) -> DedicatedWorkerGlobalScope {
        self.0.borrow().scope.clone()
    }

    fn on_message(&self, data: &JsValue) {
        if let Some(text) = data.as_string() {
            return self.begin(&text);
        }
        if let Some(n_taken) = data.as_f64() {
            let mut state = self.0.borrow_mut();
            state.n_unread = state.n_unread.saturating_sub(n_taken as u32);
            return;
        }
        let Some(buffer) = data.dyn_ref::<js_sys::ArrayBuffer>() else { return };
        let bytes = js_sys::Uint8Array::new(buffer).to_vec();
        // The page is ours and of the same build: what cannot be read was not said.
        if let Ok(message) = decode_client(Frame::Binary(&bytes)) {
            self.with_feed(|feed, now| feed.message(message, now));
        }
    }

    fn begin(&self, plan: &str) {
        let Ok(plan) = serde_json::from_str::<DirectVenue>(plan) else { return };
        let mut state = self.0.borrow_mut();
        let now = state.now();
        // Two pages that lost the same venue must not come back together.
        let seed = (js_sys::Math::random() * 9e15) as u64;
        let Ok(feed) = DirectFeed::new(&plan, seed, now) else { return };
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

    fn carry_out(&mut self, shell: &Shell, wanted: Wanted) {
        match wanted {
            Wanted::Connect { connection, url, after } => {
                self.sockets.insert(connection, Socket::open(shell, &self.scope, connection, url, after));
            }
            Wanted::Send(connection, frame) => {
                let Some(Err(reason)) = self.sockets.get(&connection).map(|socket| socket.send(&frame)) else { return };
                self.sockets.remove(&connection);
                let now = self.now();
                if let Some(feed) = &mut self.feed {
                    feed.failed(connection, reason, now);
                }
            }
            Wanted::Close(connection) => drop(self.sockets.remove(&connection)),
            Wanted::Http(request) => self.request(shell, request),
            Wanted::Say(message) => self.say(&message),
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
        let (shell, scope, url) = (shell.clone(), self.scope.clone(), address(&self.venue, &request));
        spawn_local(async move {
            let result = fetch(&scope, &url).await.map_err(words);
            shell.answered(&request, result);
        });
    }

    fn say(&mut self, message: &ServerMessage) {
        let bytes = js_sys::Uint8Array::from(encode_server(message, Encoding::Binary).as_slice());
        let buffer = bytes.buffer();
        // Handed over, not copied.
        let said = self.scope.post_message_with_transfer(&buffer, &js_sys::Array::of1(&buffer));
        if said.is_ok() {
            self.n_unread += 1;
        }
    }

    /// Sets the timer, unless one is set that comes no later.
    fn arm(&mut self) {
        let Some(due) = self.feed.as_ref().map(DirectFeed::next_due) else { return };
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

/// A REST answer that owns its body.
struct Answer {
    status: u16,
    retry_after: Option<Duration>,
    used_weight: Option<u32>,
    body: String,
}

impl Answer {
    fn lend(&self) -> HttpAnswer<'_> {
        HttpAnswer {
            status: self.status,
            retry_after: self.retry_after,
            used_weight: self.used_weight,
            body: &self.body,
        }
    }
}

/// The server's pass-through; relative to the worker's own address, so that it holds under any folder.
fn address(venue: &str, request: &HttpRequest) -> String {
    let escaped = |text: &str| String::from(js_sys::encode_uri_component(text));
    let mut url =
        format!("api/v1/venues/{}/rest?path={}&weight={}", escaped(venue), escaped(&request.path), request.weight);
    for (name, value) in &request.query {
        url.push_str(&format!("&{}={}", escaped(name), escaped(value)));
    }
    url
}

async fn fetch(scope: &DedicatedWorkerGlobalScope, url: &str) -> Result<Answer, JsValue> {
    let settings = RequestInit::new();
    settings.set_signal(Some(&AbortSignal::timeout_with_u32(REQUEST_TIME_MS)));
    let answer = JsFuture::from(scope.fetch_with_str_and_init(url, &settings)).await?.dyn_into::<Response>()?;
    let header = |name: &str| answer.headers().get(name).ok().flatten()?.trim().parse::<u64>().ok();
    let (retry_after, used_weight) = (header("retry-after"), header("x-used-weight"));
    let body = JsFuture::from(answer.text()?).await?.as_string().unwrap_or_default();
    Ok(Answer {
        status: answer.status(),
        retry_after: retry_after.map(Duration::from_secs),
        used_weight: used_weight.and_then(|weight| u32::try_from(weight).ok()),
        body,
    })
}

fn words(error: JsValue) -> String {
    let said = error.dyn_ref::<js_sys::Error>().map(|error| String::from(error.message()));
    said.unwrap_or_else(|| "the server could not be asked".to_owned())
}

/// Messages that may lie unread in the page: two seconds of the fastest lane. Past it the feed gathers instead.
const MAX_UNREAD: u32 = 20;
/// Requests under way; a session paces itself far below.
const MAX_REQUESTS: usize = 64;
/// Longer than the server gives the venue, so that its words come through.
const REQUEST_TIME_MS: u32 = 20_000;
