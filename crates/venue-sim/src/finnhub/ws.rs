//! The WebSocket address: a key in the address, one connection a key, one symbol a message, no acknowledgements.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    Router,
    extract::{Query, Request},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::any,
};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::is_key_good;
use crate::{
    connection::{self, Place, Step, Talk},
    desk::Parameters,
    sim::Shared,
    venue::Frame,
};

/// Seconds between the venue's own pings.
const PING_S: u32 = 60;

/// Keys with an open connection.
type Keys = Arc<Mutex<BTreeSet<String>>>;

/// All WebSocket routes.
pub(super) fn routes(shared: Arc<Shared>) -> Router {
    let keys = Keys::default();
    let open = move |Query(parameters): Query<Parameters>, request: Request| {
        let response = open(&shared, &keys, parameters.get("token").cloned().unwrap_or_default(), request);
        async move { response }
    };
    Router::new().route("/", any(open))
}

fn open(shared: &Arc<Shared>, keys: &Keys, key: String, request: Request) -> Response {
    if !is_key_good(&shared.config, &key) {
        return (StatusCode::UNAUTHORIZED, "Invalid API key").into_response();
    }
    let Some(hold) = Hold::new(keys, key) else {
        return (StatusCode::TOO_MANY_REQUESTS, "one connection per key").into_response();
    };
    connection::open(shared, request, move |shared, client| Session { shared, client, n_seconds: 0, _hold: hold })
}

/// A key while its connection is open.
struct Hold {
    keys: Keys,
    key: String,
}

impl Hold {
    fn new(keys: &Keys, key: String) -> Option<Self> {
        let is_new = keys.lock().unwrap_or_else(PoisonError::into_inner).insert(key.clone());
        is_new.then(|| Self { keys: keys.clone(), key })
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.key);
    }
}

struct Session {
    shared: Arc<Shared>,
    client: u64,
    n_seconds: u32,
    _hold: Hold,
}

impl Talk for Session {
    fn request(&mut self, text: &str) -> Vec<Step> {
        let request: Value = serde_json::from_str(text).unwrap_or_default();
        let Some(symbol) = request.get("symbol").and_then(Value::as_str) else { return vec![error("Invalid request")] };
        match request.get("type").and_then(Value::as_str) {
            Some("subscribe") => {
                let followed = self.shared.clients.streams_of(self.client);
                let is_known = followed.iter().any(|stream| **stream == *symbol);
                if !is_known && followed.len() >= self.shared.config.limits.streams {
                    return vec![error("Subscribing to too many symbols")];
                }
                vec![Step::Follow(vec![symbol.to_owned()])]
            }
            Some("unsubscribe") => {
                self.shared.clients.unsubscribe(self.client, &[symbol.to_owned()]);
                Vec::new()
            }
            _ => vec![error("Invalid request")],
        }
    }

    fn tick(&mut self) -> Vec<Step> {
        self.n_seconds += 1;
        let is_due = self.n_seconds.is_multiple_of(PING_S);
        is_due.then(|| Step::Say(r#"{"type":"ping"}"#.into())).into_iter().collect()
    }

    fn text(&mut self, frame: &Frame, _place: Place) -> Option<Utf8Bytes> {
        Some(frame.text.clone())
    }
}

fn error(message: &str) -> Step {
    Step::Say(json!({ "msg": message, "type": "error" }).to_string().into())
}
