//! The WebSocket addresses: combined and raw connections and their subscriptions.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Router,
    extract::{Path, Query, Request, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::any,
};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Utf8Bytes;

use crate::{
    connection::{self, Place, Step, Talk},
    sim::Shared,
    venue::Frame,
};

/// All WebSocket routes.
pub(super) fn routes(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/stream", any(combined))
        .route("/ws", any(bare))
        .route("/ws/{*streams}", any(bare_named))
        .with_state(shared)
}

async fn combined(
    State(shared): State<Arc<Shared>>,
    Query(query): Query<BTreeMap<String, String>>,
    request: Request,
) -> Response {
    let streams = query.get("streams").map(String::as_str).unwrap_or_default().to_owned();
    open(&shared, request, &streams, Envelope::Combined)
}

async fn bare(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    open(&shared, request, "", Envelope::Bare)
}

async fn bare_named(State(shared): State<Arc<Shared>>, Path(streams): Path<String>, request: Request) -> Response {
    open(&shared, request, &streams, Envelope::Bare)
}

/// Whether events say which stream they came on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Envelope {
    Combined,
    Bare,
}

fn open(shared: &Arc<Shared>, request: Request, streams: &str, envelope: Envelope) -> Response {
    let streams: Vec<String> = streams.split('/').filter(|stream| !stream.is_empty()).map(str::to_owned).collect();
    if streams.len() > shared.config.limits.streams {
        return (StatusCode::BAD_REQUEST, "too many streams").into_response();
    }
    connection::open(shared, request, move |shared, client| Session { shared, client, envelope, named: streams })
}

/// One connection.
struct Session {
    shared: Arc<Shared>,
    client: u64,
    envelope: Envelope,
    /// The streams in the address.
    named: Vec<String>,
}

impl Talk for Session {
    fn greet(&mut self) -> Vec<Step> {
        let named = std::mem::take(&mut self.named);
        if named.is_empty() { Vec::new() } else { vec![Step::Follow(named)] }
    }

    /// Answers first and subscribes then, so that no event of a stream comes before its acknowledgement.
    fn request(&mut self, text: &str) -> Vec<Step> {
        let (answer, subscribed) = match Ask::read(text) {
            Ok(request) => self.carry_out(request),
            Err(refused) => (refused, Vec::new()),
        };
        let mut steps = vec![Step::Say(answer.to_string().into())];
        if !subscribed.is_empty() {
            steps.push(Step::Follow(subscribed));
        }
        steps
    }

    fn text(&mut self, frame: &Frame, _place: Place) -> Option<Utf8Bytes> {
        Some(if self.envelope == Envelope::Combined { frame.text.clone() } else { frame.part() })
    }
}

impl Session {
    /// The answer, and the streams to subscribe to once it is sent.
    fn carry_out(&mut self, request: Ask) -> (Value, Vec<String>) {
        let id = request.id;
        let done = |result: Value, id: Value| (json!({ "result": result, "id": id }), Vec::new());
        match request.method {
            Method::Subscribe(streams) => {
                let mut all = self.shared.clients.streams_of(self.client);
                all.extend(streams.iter().map(|stream| Arc::from(stream.as_str())));
                all.sort_unstable();
                all.dedup();
                if all.len() > self.shared.config.limits.streams {
                    return (error(2, "Invalid request: too many streams on this connection", id), Vec::new());
                }
                (json!({ "result": null, "id": id }), streams)
            }
            Method::Unsubscribe(streams) => {
                self.shared.clients.unsubscribe(self.client, &streams);
                done(Value::Null, id)
            }
            Method::ListSubscriptions => done(json!(self.shared.clients.streams_of(self.client)), id),
            Method::SetCombined(envelope) => {
                self.envelope = envelope;
                done(Value::Null, id)
            }
            Method::GetCombined => done(json!(self.envelope == Envelope::Combined), id),
        }
    }
}

fn error(code: i32, message: &str, id: Value) -> Value {
    json!({ "code": code, "msg": message, "id": id })
}

/// A client's message.
#[derive(Debug)]
struct Ask {
    method: Method,
    id: Value,
}

#[derive(Debug)]
enum Method {
    Subscribe(Vec<String>),
    Unsubscribe(Vec<String>),
    ListSubscriptions,
    SetCombined(Envelope),
    GetCombined,
}

impl Ask {
    /// The message, or the answer that refuses it.
    fn read(text: &str) -> Result<Self, Value> {
        let value: Value = serde_json::from_str(text)
            .map_err(|json_error| json!({ "code": 3, "msg": format!("Invalid JSON: {json_error}") }))?;
        let id = value.get("id").cloned().unwrap_or(Value::Null);
        let is_valid_id = match &id {
            Value::Null => true,
            Value::Number(number) => number.is_i64(),
            Value::String(text) => text.len() <= 36 && text.bytes().all(|byte| byte.is_ascii_alphanumeric()),
            _ => false,
        };
        if !is_valid_id {
            return Err(error(
                2,
                "Invalid request: request ID must be an integer, a short string or null",
                Value::Null,
            ));
        }
        let refuse = |message: &str| Err(error(2, &format!("Invalid request: {message}"), id.clone()));
        let parameters = value.get("params").and_then(Value::as_array);
        let streams = || {
            let names = parameters?.iter().map(|stream| stream.as_str().map(str::to_owned));
            names.collect::<Option<Vec<String>>>().filter(|names| !names.is_empty())
        };
        let is_about_combined = || parameters.and_then(|list| list.first()).and_then(Value::as_str) == Some("combined");
        let method = match value.get("method").and_then(Value::as_str) {
            Some("SUBSCRIBE") => streams().map(Method::Subscribe),
            Some("UNSUBSCRIBE") => streams().map(Method::Unsubscribe),
            Some("LIST_SUBSCRIPTIONS") => Some(Method::ListSubscriptions),
            Some("SET_PROPERTY") if is_about_combined() => match parameters.and_then(|list| list.get(1)) {
                Some(Value::Bool(true)) => Some(Method::SetCombined(Envelope::Combined)),
                Some(Value::Bool(false)) => Some(Method::SetCombined(Envelope::Bare)),
                _ => return Err(error(1, "Invalid value type: expected Boolean", id)),
            },
            Some("GET_PROPERTY") if is_about_combined() => Some(Method::GetCombined),
            Some("SET_PROPERTY" | "GET_PROPERTY") => return Err(error(0, "Unknown property", id)),
            Some(other) => {
                let known = "`SUBSCRIBE`, `UNSUBSCRIBE`, `LIST_SUBSCRIPTIONS`, `SET_PROPERTY`, `GET_PROPERTY`";
                return refuse(&format!("unknown variant `{other}`, expected one of {known}"));
            }
            None => return refuse("missing field `method`"),
        };
        match method {
            Some(method) => Ok(Self { method, id }),
            None => refuse("params must be a list of stream names"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unusable_messages_get_the_venues_codes() {
        for (text, code) in [
            ("{", 3),
            ("{}", 2),
            (r#"{"method":"JUMP","id":1}"#, 2),
            (r#"{"method":"SUBSCRIBE","params":[],"id":1}"#, 2),
            (r#"{"method":"SUBSCRIBE","params":[5],"id":1}"#, 2),
            (r#"{"method":"SUBSCRIBE","params":["a@trade"],"id":1.5}"#, 2),
            (r#"{"method":"SET_PROPERTY","params":["combined",1],"id":1}"#, 1),
            (r#"{"method":"SET_PROPERTY","params":["other",true],"id":1}"#, 0),
        ] {
            assert_eq!(Ask::read(text).unwrap_err()["code"], code, "{text}");
        }
        assert!(Ask::read(r#"{"method":"SUBSCRIBE","params":["a@trade"],"id":"x1"}"#).is_ok());
    }
}
