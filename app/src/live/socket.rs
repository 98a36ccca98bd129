//! The shell around the pure parts, in the browser: socket, timers, frames, and page events.
//!
//! A message changes plain structs at once; signals are notified once, in the next animation frame. A hidden page gets
//! no frames: it continues to apply data and paints when it is visible again. The workers of venues in direct mode are
//! driven from here as well (`workers`), because their items change the same model (`apply`).
//!
//! Over 500 lines: one state for socket, timers and frames, which all borrow it.

mod apply;
mod lists;
mod recordings;
mod workers;

use model::sorted::SortedMap;
use std::{cell::RefCell, rc::Rc, time::Duration};

use ::model::{
    instrument::{InstrumentId, Venue},
    time::Monotonic,
};
use futures_channel::oneshot;
use leptos::prelude::*;
use topics::{lane::Lane, topic::Topic};
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use web_sys::{BinaryType, CloseEvent, MessageEvent, WebSocket};
use wire::{
    Encoding, decode_server, encode_client,
    message::{ClientMessage, Epoch, JsonText, ServerMessage},
    names::StreamNames,
};

use crate::live::{
    Live, browser,
    commands::PendingCommand,
    direct::DirectWorker,
    latency::Paint,
    link::{Input, Link, LinkConfig, LinkState, Output},
    model::LiveModel,
    source::{STORAGE_KEY, SourceChoices, SourceRouter},
    traffic::TrafficMeter,
};

/// Connects. Called once, after the page has started.
pub(super) fn start(live: Live) {
    let now = browser::now();
    let seed = (js_sys::Math::random() * 9e15) as u64;
    let driver = Driver {
        live,
        link: Link::new(LinkConfig::default(), seed),
        names: StreamNames::new(),
        socket: None,
        callbacks: None,
        timer: None,
        is_frame_due: false,
        framed_at: now.monotonic,
        slow_tick_at: now.monotonic,
        epoch: None,
        pending: SortedMap::new(),
        next_ticket: 0,
        measured: measured(),
        traffic: TrafficMeter::default(),
        demand: SortedMap::new(),
        forgotten: Vec::new(),
        router: SourceRouter::default(),
        workers: SortedMap::new(),
        is_source_changed: false,
        described: Vec::new(),
        is_list_old: false,
        n_fetches: 0,
    };
    live.sources.set(SourceChoices::parse(&browser::stored(STORAGE_KEY).unwrap_or_default()));
    let driver = Shared(Rc::new(RefCell::new(driver)));
    let callbacks = Callbacks::new(&driver);
    driver.0.borrow_mut().callbacks = Some(callbacks);
    recordings::put(&driver);
    driver.follow_demand();
    driver.follow_sources();
    driver.follow_page();
    driver.give(Input::Start);
}

pub(super) use recordings::{RecordingRequests, listen};

#[derive(Clone)]
struct Shared(Rc<RefCell<Driver>>);

struct Driver {
    live: Live,
    link: Link,
    names: StreamNames,
    socket: Option<Socket>,
    callbacks: Option<Callbacks>,
    timer: Option<Timer>,
    is_frame_due: bool,
    framed_at: Monotonic,
    slow_tick_at: Monotonic,
    epoch: Option<Epoch>,
    /// Commands that wait for their answer, by ticket.
    pending: SortedMap<u64, oneshot::Sender<Result<JsonText, String>>>,
    next_ticket: u64,
    measured: Option<js_sys::Array>,
    traffic: TrafficMeter,
    /// The requested topics, each on its lane.
    demand: SortedMap<Topic, Lane>,
    /// Topics that are not requested any more and whose data still stands in the model.
    forgotten: Vec<Topic>,
    router: SourceRouter,
    workers: SortedMap<Venue, DirectWorker>,
    /// True if a topic switched to another source: subscriptions change.
    is_source_changed: bool,
    /// The instruments that the server follows, and whether it has described them.
    described: Vec<(InstrumentId, bool)>,
    /// True if the server follows other instruments than the list.
    is_list_old: bool,
    n_fetches: u32,
}

/// Callbacks that the browser calls repeatedly. Created once: a closure for each call would be freed only at the
/// browser's next garbage collection, and the page's memory never shrinks below its peak.
struct Callbacks {
    on_frame: Closure<dyn FnMut()>,
    on_painted: Closure<dyn FnMut()>,
    on_timeout: Closure<dyn FnMut()>,
}

/// A running timer. A timer that fires before anything is due is harmless, so it is not reset for every later deadline.
#[derive(Clone, Copy)]
struct Timer {
    rings: Monotonic,
    handle: i32,
}

/// An open socket with the callbacks it needs; dropping it disconnects them and closes the socket without waiting.
struct Socket {
    socket: WebSocket,
    _on_open: Closure<dyn FnMut()>,
    _on_message: Closure<dyn FnMut(MessageEvent)>,
    _on_close: Closure<dyn FnMut(CloseEvent)>,
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.socket.set_onopen(None);
        self.socket.set_onmessage(None);
        self.socket.set_onclose(None);
        let _closing = self.socket.close();
    }
}

impl Shared {
    /// Passes an input to the link and executes its outputs.
    fn give(&self, input: Input) {
        let now = browser::now();
        let Ok(mut driver) = self.0.try_borrow_mut() else { return };
        let driver = &mut *driver;
        driver.link.handle(input, now);
        for output in driver.link.take_outputs() {
            match output {
                Output::Open => driver.socket = Socket::open(self.clone()),
                Output::Close => driver.socket = None,
                Output::Send(message) => driver.send(&message),
                other => driver.apply(other),
            }
        }
        driver.settle();
        if std::mem::take(&mut driver.is_list_old) {
            driver.fetch_lists(self);
        }
        if std::mem::take(&mut driver.is_source_changed) {
            self.reroute_soon();
        }
    }

    fn follow_demand(&self) {
        let shared = self.clone();
        let (demand, retry, pending) = {
            let driver = self.0.borrow();
            (driver.live.demand, driver.live.retry, driver.live.pending)
        };
        Effect::new(move |_| {
            shared.set_demand(demand.with(|demand| demand.lanes()));
        });
        let shared = self.clone();
        Effect::new(move |_| {
            if retry.get() > 0 {
                shared.give(Input::Retry);
            }
        });
        let shared = self.clone();
        Effect::new(move |_| {
            pending.track();
            for pending in pending.try_update_untracked(std::mem::take).unwrap_or_default() {
                let Some(command) = shared.note(pending) else { continue };
                shared.give(command);
            }
        });
    }

    /// Keeps a command until its answer arrives.
    fn note(&self, pending: PendingCommand) -> Option<Input> {
        let mut driver = self.0.try_borrow_mut().ok()?;
        driver.next_ticket += 1;
        let ticket = driver.next_ticket;
        driver.pending.insert(ticket, pending.answer);
        Some(Input::Command { ticket, command: pending.text, repeat: pending.repeat })
    }

    fn follow_page(&self) {
        let on = |name: &'static str, input: fn() -> Input| {
            let shared = self.clone();
            // The page lives as long as its one connection: these listeners are never removed.
            let _listener = window_event_listener_untyped(name, move |_| {
                shared.give(input());
                shared.want_frame();
            });
        };
        on("online", || Input::Online);
        on("offline", || Input::Offline);
        on("pageshow", || Input::Probe);
        on("focus", || Input::Timeout);
        let shared = self.clone();
        let on_visibility = Closure::<dyn FnMut()>::new(move || {
            let is_hidden = browser::is_hidden();
            shared.discard_latency();
            if !is_hidden {
                // Painted at once, not in the next frame: one requested before the page was hidden may never come.
                shared.frame();
                shared.give(Input::Probe);
            }
        });
        let listener = on_visibility.as_ref().unchecked_ref();
        let _refused = document().add_event_listener_with_callback("visibilitychange", listener);
        on_visibility.forget();
        let shared = self.clone();
        let _interval = set_interval_with_handle(move || shared.want_frame_for_ages(), AGE_TICK);
    }

    fn discard_latency(&self) {
        if let Ok(driver) = self.0.try_borrow() {
            driver.live.model.try_update_value(|model| model.latency.discard());
        }
    }

    /// Requests a frame, unless one is already requested or the page is hidden.
    fn want_frame(&self) {
        if let Ok(mut driver) = self.0.try_borrow_mut() {
            driver.want_frame();
        }
    }

    /// Requests a frame if there has been none lately: each frame advances the ages.
    fn want_frame_for_ages(&self) {
        if let Ok(mut driver) = self.0.try_borrow_mut()
            && browser::now().monotonic.saturating_since(driver.framed_at) >= AGE_TICK / 2
        {
            driver.want_frame();
        }
    }

    fn frame(&self) {
        let now = browser::now();
        let live = {
            let Ok(mut driver) = self.0.try_borrow_mut() else { return };
            driver.is_frame_due = false;
            driver.framed_at = now.monotonic;
            driver.tell_link();
            driver.live
        };
        live.tick.set(now);
        // After this frame's paint: effects have run as microtasks, layout and paint follow the callback.
        if let Ok(driver) = self.0.try_borrow()
            && let Some(callbacks) = &driver.callbacks
        {
            let _handle = call_after(&callbacks.on_painted, Duration::ZERO);
        }
    }

    fn painted(&self) {
        let now = browser::now();
        let Ok(driver) = self.0.try_borrow() else { return };
        let painted = driver.live.model.try_update_value(|model| {
            let ahead_ms = model.clock.server_ahead_ms();
            model.latency.painted(now, ahead_ms).to_vec()
        });
        let Some(painted) = painted else { return };
        if let Some(ring) = &driver.measured {
            painted.iter().for_each(|paint| push_measured(ring, paint));
            count_frame(ring);
        }
    }
}

impl Driver {
    /// Drops the data of topics that nobody requests any more. One that the page still requests has switched to the
    /// other source, and stays.
    fn forget(&mut self) {
        let topics = std::mem::take(&mut self.forgotten);
        let is_gone = |topic: &&Topic| !self.demand.contains_key(*topic);
        if !topics.is_empty() {
            let forget = |model: &mut LiveModel| topics.iter().filter(is_gone).for_each(|topic| model.forget(topic));
            self.live.model.try_update_value(forget);
        }
    }

    fn apply(&mut self, output: Output) {
        let now = browser::now();
        let live = self.live;
        match output {
            Output::Updates(updates) => {
                self.forget();
                self.apply_server(updates, now);
            }
            Output::Forget(topics) => {
                self.forgotten.extend(topics);
                // While the server is away, the last known values are all there is.
                if live.link.with_untracked(|link| *link == LinkState::Connected) {
                    self.forget();
                }
            }
            Output::Refused { topics, message } => {
                live.model.try_update_value(|model| topics.iter().for_each(|topic| model.refuse(topic, &message)));
            }
            Output::ClockSample { sent, server_time_ms } => {
                live.model.try_update_value(|model| model.clock.add(sent, now, server_time_ms));
            }
            Output::Answered { ticket, answer } => {
                if let Some(waiting) = self.pending.remove(&ticket) {
                    let _gone = waiting.send(answer);
                }
            }
            Output::Recovered(recovery) => live.recovery.set(Some((recovery, now.monotonic))),
            Output::Open | Output::Close | Output::Send(_) => {}
        }
    }

    fn send(&self, message: &ClientMessage) {
        // A socket that closes takes nothing, and the browser would report each attempt. Its close event follows, as it does
        // if sending fails.
        if let Some(socket) = self.socket.as_ref().filter(|socket| socket.socket.ready_state() == WebSocket::OPEN) {
            let _failed = socket.socket.send_with_u8_array(&encode_client(message, Encoding::Binary));
        }
    }

    /// After each input: updates the model's connection state, sets the timer again, requests a frame.
    fn settle(&mut self) {
        let now = browser::now();
        self.set_timer(now.monotonic);
        self.tick_slowly();
        self.want_frame();
    }

    fn set_timer(&mut self, now: Monotonic) {
        let Some(deadline) = self.link.deadline() else { return };
        if self.timer.is_some_and(|timer| timer.rings <= deadline) {
            return;
        }
        if let Some(timer) = self.timer.take() {
            window().clear_timeout_with_handle(timer.handle);
        }
        let Some(callbacks) = &self.callbacks else { return };
        let wait = deadline.saturating_since(now) + Duration::from_millis(1);
        self.timer = call_after(&callbacks.on_timeout, wait).map(|handle| Timer { rings: deadline, handle });
    }

    fn tick_slowly(&mut self) {
        let now = browser::now();
        if now.monotonic.saturating_since(self.slow_tick_at) < SLOW_TICK {
            return;
        }
        self.slow_tick_at = now.monotonic;
        self.tell_link();
        self.live.slow_tick.set(now);
        let summary = self.live.model.try_update_value(|model| {
            model.latency.stages.turn(now.monotonic);
            model.latency.summary(model.clock.server_ahead_ms())
        });
        self.live.latency.set(summary.flatten());
        self.live.traffic.set(self.traffic.per_minute(now.monotonic));
    }

    fn tell_link(&self) {
        let (state, heard) = (self.link.state(), self.link.last_heard());
        let now = browser::now();
        self.live.model.try_update_value(|model| model.set_link(state.clone(), heard, now));
        if self.live.link.with_untracked(|known| *known != state) {
            self.live.link.set(state);
        }
    }

    fn want_frame(&mut self) {
        if self.is_frame_due || browser::is_hidden() {
            return;
        }
        if let Some(callbacks) = &self.callbacks {
            let on_frame = callbacks.on_frame.as_ref().unchecked_ref();
            self.is_frame_due = window().request_animation_frame(on_frame).is_ok();
        }
    }

    fn on_bytes(&mut self, shared: &Shared, bytes: &[u8]) -> Option<ServerMessage> {
        self.traffic.add(bytes.len(), browser::now().monotonic);
        let message = decode_server(bytes, &self.names).ok()?;
        self.names.learn(&message);
        if let ServerMessage::Welcome(welcome) = &message
            && self.epoch.as_ref() != Some(&welcome.epoch)
        {
            if self.epoch.replace(welcome.epoch.clone()).is_some() {
                browser::reload_if_asked();
            }
            self.fetch_lists(shared);
        }
        Some(message)
    }
}

impl Callbacks {
    fn new(shared: &Shared) -> Self {
        let (framed, painted, rung) = (shared.clone(), shared.clone(), shared.clone());
        Self {
            on_frame: Closure::new(move || framed.frame()),
            on_painted: Closure::new(move || painted.painted()),
            on_timeout: Closure::new(move || {
                if let Ok(mut driver) = rung.0.try_borrow_mut() {
                    driver.timer = None;
                }
                rung.give(Input::Timeout);
            }),
        }
    }
}

/// Lets the browser call `callback` once, after `wait`.
fn call_after(callback: &Closure<dyn FnMut()>, wait: Duration) -> Option<i32> {
    let millis = i32::try_from(wait.as_millis()).unwrap_or(i32::MAX);
    let callback = callback.as_ref().unchecked_ref();
    window().set_timeout_with_callback_and_timeout_and_arguments_0(callback, millis).ok()
}

impl Socket {
    fn open(shared: Shared) -> Option<Self> {
        let Ok(socket) = WebSocket::new(&stream_url()) else {
            // Refused before any event: tell the link once it can be borrowed again.
            set_timeout(move || shared.give(Input::Closed { code: 1006, reason: String::new() }), Duration::ZERO);
            return None;
        };
        socket.set_binary_type(BinaryType::Arraybuffer);
        let opened = shared.clone();
        let on_open = Closure::<dyn FnMut()>::new(move || opened.give(Input::Opened));
        let heard = shared.clone();
        let on_message = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
            let Ok(buffer) = event.data().dyn_into::<js_sys::ArrayBuffer>() else { return };
            let bytes = js_sys::Uint8Array::new(&buffer).to_vec();
            let message = heard.0.try_borrow_mut().ok().and_then(|mut driver| driver.on_bytes(&heard, &bytes));
            match message {
                Some(message) => heard.give(Input::Message(message)),
                None => leptos::logging::warn!("a message of {} bytes could not be read", bytes.len()),
            }
        });
        let on_close = Closure::<dyn FnMut(CloseEvent)>::new(move |event: CloseEvent| {
            shared.give(Input::Closed { code: event.code(), reason: event.reason() });
        });
        socket.set_onopen(Some(on_open.as_ref().unchecked_ref()));
        socket.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        socket.set_onclose(Some(on_close.as_ref().unchecked_ref()));
        Some(Self { socket, _on_open: on_open, _on_message: on_message, _on_close: on_close })
    }
}

/// Returns the address of the stream on the page's server.
fn stream_url() -> String {
    let base = document().base_uri().ok().flatten().unwrap_or_default();
    let stream = web_sys::Url::new_with_base("ws", &base).ok();
    // Only the newest browsers read `http:` as `ws:` here.
    stream.map_or_else(String::new, |stream| stream.href().replacen("http", "ws", 1))
}

/// Returns the ring that measuring tests read, if the address requests it.
fn measured() -> Option<js_sys::Array> {
    let query = window().location().search().unwrap_or_default();
    if !query.trim_start_matches('?').split('&').any(|part| part == "measure=1") {
        return None;
    }
    let ring = js_sys::Array::new();
    let _refused = js_sys::Reflect::set(&window(), &JsValue::from_str("__truetape_latency"), &ring);
    Some(ring)
}

/// Counts a painted frame: the ring carries the count as `frames`.
fn count_frame(ring: &js_sys::Array) {
    let name = JsValue::from_str("frames");
    let n_frames = js_sys::Reflect::get(ring, &name).ok().and_then(|count| count.as_f64()).unwrap_or(0.0);
    let _refused = js_sys::Reflect::set(ring, &name, &JsValue::from_f64(n_frames + 1.0));
}

fn push_measured(ring: &js_sys::Array, paint: &Paint) {
    let entry = js_sys::Object::new();
    let set = |name: &str, value: Option<f64>| {
        let value = value.map_or(JsValue::NULL, JsValue::from_f64);
        let _refused = js_sys::Reflect::set(&entry, &JsValue::from_str(name), &value);
    };
    set("venue_time_ms", paint.venue_time_ms.map(|time| time as f64));
    set("receive_time_us", paint.receive_time_us.map(|time| time as f64));
    set("publish_time_us", Some(paint.publish_time_us as f64));
    set("browser_receive_ms", Some(paint.browser_receive_ms));
    set("paint_ms", Some(paint.paint_ms));
    ring.push(&entry);
    if ring.length() > MAX_MEASURED {
        ring.shift();
    }
}

/// Ages are shown in tenths of a second; four updates a second keep them accurate at no noticeable cost.
const AGE_TICK: Duration = Duration::from_millis(250);

/// For the title and the latency figures.
const SLOW_TICK: Duration = Duration::from_secs(1);

/// Paints kept for measuring tests.
const MAX_MEASURED: u32 = 2_000;
