//! The page's side of a venue's worker: its requests and messages.
//!
//! It uses the stream's own messages. The program behind it (`frontend/worker`) is fetched when the first worker is
//! made, so a page that is never switched to direct never loads it. Dropping a [`DirectWorker`] ends the worker, and
//! with it all of its sockets. Not here: which topics come from which source (`live::source`).

use model::sorted::SortedMap;
use topics::{
    lane::Lane,
    topic::{Topic, TopicPattern},
};
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use web_sys::{Event, MessageEvent, Worker, WorkerOptions, WorkerType};
use wire::{
    Encoding, decode_server, encode_client,
    message::{ClientMessage, ServerMessage, Subscribe, Unsubscribe, Update},
    names::StreamNames,
};

use crate::live::browser;

/// A message of a worker to its owner.
pub(super) enum WorkerMessage {
    /// Items, in order.
    Updates(Vec<Update>),
    /// About recordings or a replay.
    Other(JsValue),
    /// A message that concerns only this side.
    Nothing,
}

/// A venue's worker.
pub(super) struct DirectWorker {
    worker: Worker,
    /// The first message, sent once the worker is ready.
    first: JsValue,
    names: StreamNames,
    /// True once the worker can receive messages.
    is_ready: bool,
    wants: SortedMap<Topic, Lane>,
    subscribed: SortedMap<Topic, Lane>,
    _on_message: Closure<dyn FnMut(MessageEvent)>,
    _on_error: Closure<dyn FnMut(Event)>,
}

impl Drop for DirectWorker {
    fn drop(&mut self) {
        self.worker.set_onmessage(None);
        self.worker.set_onerror(None);
        self.worker.terminate();
    }
}

impl DirectWorker {
    /// Starts a worker with `first` as its first message; `None` if the browser cannot. `on_message` must call
    /// [`Self::hear`], `on_error` must discard the worker.
    pub(super) fn start(
        first: JsValue,
        on_message: impl FnMut(MessageEvent) + 'static,
        mut on_error: impl FnMut(&str) + 'static,
    ) -> Option<Self> {
        let options = WorkerOptions::new();
        options.set_type(WorkerType::Module);
        // The program of this page's own build: after an update there is another one.
        let program = browser::root_data("worker").unwrap_or_default();
        let worker = Worker::new_with_options(&format!("worker.js?program={program}"), &options).ok()?;
        let on_message = Closure::<dyn FnMut(MessageEvent)>::new(on_message);
        let on_error = Closure::<dyn FnMut(Event)>::new(move |event: Event| {
            event.prevent_default();
            // If the script itself cannot be loaded, the event has no text.
            let words = js_sys::Reflect::get(&event, &JsValue::from_str("message")).ok();
            on_error(&words.and_then(|words| words.as_string()).unwrap_or_else(|| "it could not be loaded".to_owned()));
        });
        worker.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        worker.set_onerror(Some(on_error.as_ref().unchecked_ref()));
        Some(Self {
            worker,
            first,
            names: StreamNames::new(),
            is_ready: false,
            wants: SortedMap::new(),
            subscribed: SortedMap::new(),
            _on_message: on_message,
            _on_error: on_error,
        })
    }

    /// Sets the requested topics, each on its lane, replacing earlier ones.
    pub(super) fn want(&mut self, topics: SortedMap<Topic, Lane>) {
        if self.wants != topics {
            self.wants = topics;
            self.settle();
        }
    }

    /// Processes a message from the worker.
    pub(super) fn hear(&mut self, data: &JsValue) -> WorkerMessage {
        let Some(buffer) = data.dyn_ref::<js_sys::ArrayBuffer>() else {
            if !data.is_null() {
                return WorkerMessage::Other(data.clone());
            }
            // The worker has loaded its program.
            self.is_ready = true;
            self.post(&self.first);
            self.settle();
            return WorkerMessage::Nothing;
        };
        let bytes = js_sys::Uint8Array::new(buffer).to_vec();
        // Each message is acknowledged, however many are unread: above a limit the worker waits for us.
        self.post(&JsValue::from_f64(1.0));
        let Ok(message) = decode_server(&bytes, &self.names) else { return WorkerMessage::Nothing };
        self.names.learn(&message);
        match message {
            ServerMessage::Batch(batch) => {
                WorkerMessage::Updates(batch.items.into_iter().map(|item| item.update).collect())
            }
            _ => WorkerMessage::Nothing,
        }
    }

    /// Updates the subscriptions to match the requested topics.
    fn settle(&mut self) {
        if !self.is_ready {
            return;
        }
        let pattern = |(topic, _): (&Topic, &Lane)| TopicPattern::from(topic.clone());
        let gone = self.subscribed.iter().filter(|(topic, _)| !self.wants.contains_key(*topic));
        let gone: Vec<TopicPattern> = gone.map(pattern).collect();
        if !gone.is_empty() {
            self.say(&ClientMessage::Unsubscribe(Unsubscribe { id: 0, topics: gone }));
        }
        for lane in Lane::ALL {
            let is_new =
                |(topic, wanted): &(&Topic, &Lane)| **wanted == lane && self.subscribed.get(*topic) != Some(&lane);
            let new: Vec<TopicPattern> = self.wants.iter().filter(is_new).map(pattern).collect();
            // As many as a message may name; a page requests far fewer of one venue.
            for part in new.chunks(MAX_TOPICS) {
                let request = Subscribe { id: 0, topics: part.to_vec(), lane_ms: Some(lane.ms()) };
                self.say(&ClientMessage::Subscribe(request));
            }
        }
        self.subscribed.clone_from(&self.wants);
    }

    fn say(&self, message: &ClientMessage) {
        let bytes = encode_client(message, Encoding::Binary);
        self.post(&js_sys::Uint8Array::from(bytes.as_slice()).buffer());
    }

    /// Sends a message; messages before the worker is ready are lost.
    pub(super) fn post(&self, data: &JsValue) {
        // Sending fails only for values that cannot be copied.
        let _refused = self.worker.post_message(data);
    }
}

/// Topics in one request: the maximum in a message.
const MAX_TOPICS: usize = 200;
