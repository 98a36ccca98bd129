//! The WebSocket addresses: combined and raw connections, subscriptions, pings, and the venue's limits.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{
    Router,
    extract::{Path, Query, Request, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::any,
};
use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::time::{Instant, interval_at, sleep, sleep_until, timeout};
use tokio_tungstenite::tungstenite::{
    self, Message, Utf8Bytes,
    protocol::{
        CloseFrame,
        frame::{
            Frame as RawFrame,
            coding::{CloseCode, Data, OpCode},
        },
    },
};

use crate::{
    fault::FaultMode,
    outlet::{ClientEnd, Ending, Outgoing},
    player::wall_clock,
    sim::Stage,
    socket::{self, Socket},
};

/// Frames written before the socket is flushed.
const BATCH_FRAMES: usize = 64;
/// How often a stalled connection looks whether the stall is over.
const STALL_CHECK: Duration = Duration::from_millis(20);
/// How long the other side may take to answer a close frame.
const CLOSE_DEADLINE: Duration = Duration::from_secs(1);
/// Window of the limit on connection attempts.
const CONNECT_WINDOW: Duration = Duration::from_secs(300);
/// A century: a sleep that never ends.
const NEVER: Duration = Duration::from_secs(100 * 365 * 86_400);

struct Face {
    stage: Arc<Stage>,
    /// Recent connection attempts, oldest first.
    attempts: Mutex<VecDeque<Instant>>,
}

/// All WebSocket routes.
pub(super) fn routes(stage: Arc<Stage>) -> Router {
    Router::new()
        .route("/stream", any(combined))
        .route("/ws", any(bare))
        .route("/ws/{*streams}", any(bare_named))
        .with_state(Arc::new(Face { stage, attempts: Mutex::default() }))
}

async fn combined(
    State(face): State<Arc<Face>>,
    Query(query): Query<BTreeMap<String, String>>,
    request: Request,
) -> Response {
    let streams = query.get("streams").map(String::as_str).unwrap_or_default().to_owned();
    open(&face, request, &streams, Envelope::Combined)
}

async fn bare(State(face): State<Arc<Face>>, request: Request) -> Response {
    open(&face, request, "", Envelope::Bare)
}

async fn bare_named(State(face): State<Arc<Face>>, Path(streams): Path<String>, request: Request) -> Response {
    open(&face, request, &streams, Envelope::Bare)
}

/// Whether events say which stream they came on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Envelope {
    Combined,
    Bare,
}

fn open(face: &Face, request: Request, streams: &str, envelope: Envelope) -> Response {
    let stage = &face.stage;
    if let Some(status) = stage.faults().refuse_handshake(Instant::now()) {
        return StatusCode::from_u16(status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE).into_response();
    }
    if !face.may_connect() {
        return (StatusCode::TOO_MANY_REQUESTS, "too many connection attempts").into_response();
    }
    let streams: Vec<String> = streams.split('/').filter(|stream| !stream.is_empty()).map(str::to_owned).collect();
    if streams.len() > stage.config.limits.streams {
        return (StatusCode::BAD_REQUEST, "too many streams").into_response();
    }
    let serving = stage.clone();
    socket::upgrade(stage, request, move |socket| async move {
        let end = serving.outlet.connect();
        Session { stage: serving, socket, end, envelope, received: VecDeque::new() }.run(streams).await;
    })
}

impl Face {
    fn may_connect(&self) -> bool {
        let Some(limit) = self.stage.config.limits.connects_per_5_min else { return true };
        let mut attempts = self.attempts.lock().unwrap_or_else(PoisonError::into_inner);
        while attempts.front().is_some_and(|attempt| attempt.elapsed() >= CONNECT_WINDOW) {
            attempts.pop_front();
        }
        attempts.push_back(Instant::now());
        attempts.len() <= limit
    }
}

/// One connection.
struct Session {
    stage: Arc<Stage>,
    socket: Socket,
    end: ClientEnd,
    envelope: Envelope,
    /// When the client's last messages came, within a second.
    received: VecDeque<Instant>,
}

/// Why a connection is over.
enum Over {
    /// With a close frame.
    Close(u16, String),
    /// Without a word.
    Abrupt,
}

type Step = Result<(), Over>;

impl Session {
    async fn run(mut self, streams: Vec<String>) {
        if !streams.is_empty() {
            self.subscribe(&streams);
        }
        if let Err(Over::Close(code, reason)) = self.serve().await {
            let frame = CloseFrame { code: CloseCode::from(code), reason: reason.into() };
            let farewell = async {
                if self.socket.close(Some(frame)).await.is_ok() {
                    // Read on, or the close frame may be lost to a reset.
                    while self.socket.next().await.is_some_and(|message| message.is_ok()) {}
                }
            };
            let _ = timeout(CLOSE_DEADLINE, farewell).await;
        }
    }

    async fn serve(&mut self) -> Step {
        let stage = self.stage.clone();
        let limits = stage.config.limits;
        let begun = Instant::now();
        let end_of_life = begun + limits.lifetime.unwrap_or(NEVER);
        let mut ping = interval_at(begun + limits.ping_every, limits.ping_every);
        let mut pong_due: Option<Instant> = None;
        let mut batch = Vec::with_capacity(BATCH_FRAMES);
        let mut faults_changed = stage.faults_changed.subscribe();
        loop {
            let stall = stage.faults().stall(self.end.id, Instant::now());
            if stall.is_some_and(|mode| mode != FaultMode::Pings) {
                while self.end.frames.try_recv().is_ok() {}
                tokio::select! {
                    biased;
                    _ = self.end.ending.changed() => return Err(self.ending()),
                    _ = faults_changed.changed() => continue,
                    () = sleep(STALL_CHECK) => continue,
                }
            }
            tokio::select! {
                biased;
                _ = self.end.ending.changed() => return Err(self.ending()),
                _ = faults_changed.changed() => {}
                message = self.socket.next() => {
                    let Some(Ok(message)) = message else { return Err(Over::Abrupt) };
                    if matches!(message, Message::Pong(_)) {
                        pong_due = None;
                    }
                    self.receive(message).await?;
                }
                n_frames = self.end.frames.recv_many(&mut batch, BATCH_FRAMES) => {
                    if n_frames == 0 {
                        return Err(Over::Abrupt);
                    }
                    timeout(limits.write_deadline, self.write(&mut batch)).await.unwrap_or(Err(Over::Abrupt))?;
                }
                _ = ping.tick() => {
                    pong_due = pong_due.or(Some(Instant::now() + limits.pong_within));
                    let payload = wall_clock().as_millis().to_string();
                    self.send(Message::Ping(payload.into_bytes().into())).await?;
                }
                () = sleep_until(pong_due.unwrap_or(end_of_life)) => {
                    return Err(match pong_due {
                        Some(_) => Over::Close(1008, "Pong timeout".to_owned()),
                        None => Over::Close(1001, "24 hours are over".to_owned()),
                    });
                }
                () = sleep_until(end_of_life) => return Err(Over::Close(1001, "24 hours are over".to_owned())),
            }
        }
    }

    fn ending(&self) -> Over {
        match self.end.ending.borrow().clone() {
            Some(Ending { code: Some(code), reason }) => Over::Close(code, reason),
            _ => Over::Abrupt,
        }
    }

    /// Writes what is queued. A stall that began meanwhile takes effect with the next batch.
    async fn write(&mut self, batch: &mut Vec<Outgoing>) -> Step {
        for outgoing in batch.drain(..) {
            let is_combined = self.envelope == Envelope::Combined;
            let (frame, message) = match outgoing {
                Outgoing::Frame(frame) => {
                    let text: &Utf8Bytes = if is_combined { &frame.wrapped } else { &frame.bare };
                    let message = Message::Text(text.clone());
                    (frame, message)
                }
                Outgoing::Broken { frame, wrapped, bare } => {
                    let payload = if is_combined { wrapped } else { bare };
                    (frame, Message::Frame(RawFrame::message(payload, OpCode::Data(Data::Text), true)))
                }
            };
            if let Some(stamps) = &self.stage.stamps {
                stamps.push(self.end.id, &frame.stream, frame.id, wall_clock().as_micros());
            }
            self.socket.feed(message).await.map_err(abrupt)?;
            self.stage.n_frames_sent.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        }
        self.socket.flush().await.map_err(abrupt)
    }

    async fn send(&mut self, message: Message) -> Step {
        match timeout(self.stage.config.limits.write_deadline, self.socket.send(message)).await {
            Ok(result) => result.map_err(abrupt),
            Err(_) => Err(Over::Abrupt),
        }
    }

    async fn receive(&mut self, message: Message) -> Step {
        if let Some(limit) = self.stage.config.limits.messages_per_s {
            let now = Instant::now();
            self.received.push_back(now);
            while self.received.front().is_some_and(|&then| now - then >= Duration::from_secs(1)) {
                self.received.pop_front();
            }
            if self.received.len() > limit {
                return Err(Over::Close(1008, "Too many requests".to_owned()));
            }
        }
        match message {
            Message::Text(text) => self.request(&text).await,
            Message::Binary(bytes) => match std::str::from_utf8(&bytes) {
                Ok(text) => self.request(text).await,
                Err(_) => Err(Over::Close(1007, "Invalid payload".to_owned())),
            },
            Message::Close(_) => Err(Over::Abrupt),
            // Pings are answered by the library with the next write or read.
            _ => Ok(()),
        }
    }

    /// Answers first and subscribes then, so that no event of a stream comes before its acknowledgement.
    async fn request(&mut self, text: &str) -> Step {
        let request = Ask::read(text);
        let (answer, subscribed) = match request {
            Ok(request) => self.carry_out(request),
            Err(refused) => (refused, Vec::new()),
        };
        self.send(Message::Text(answer.to_string().into())).await?;
        if !subscribed.is_empty() {
            self.subscribe(&subscribed);
        }
        Ok(())
    }

    /// The answer, and the streams to subscribe to once it is sent.
    fn carry_out(&mut self, request: Ask) -> (Value, Vec<String>) {
        let id = request.id;
        let done = |result: Value, id: Value| (json!({ "result": result, "id": id }), Vec::new());
        match request.method {
            Method::Subscribe(streams) => {
                let mut all = self.stage.outlet.streams_of(self.end.id);
                all.extend(streams.iter().map(|stream| Arc::from(stream.as_str())));
                all.sort_unstable();
                all.dedup();
                if all.len() > self.stage.config.limits.streams {
                    return (error(2, "Invalid request: too many streams on this connection", id), Vec::new());
                }
                (json!({ "result": null, "id": id }), streams)
            }
            Method::Unsubscribe(streams) => {
                self.stage.outlet.unsubscribe(self.end.id, &streams);
                done(Value::Null, id)
            }
            Method::ListSubscriptions => done(json!(self.stage.outlet.streams_of(self.end.id)), id),
            Method::SetCombined(envelope) => {
                self.envelope = envelope;
                done(Value::Null, id)
            }
            Method::GetCombined => done(json!(self.envelope == Envelope::Combined), id),
        }
    }

    fn subscribe(&self, streams: &[String]) {
        if self.stage.outlet.subscribe(self.end.id, streams, self.stage.config.limits.streams) {
            self.stage.timeline.subscriber_came();
        }
    }
}

fn abrupt(error: tungstenite::Error) -> Over {
    tracing::debug!(%error, "a client is gone");
    Over::Abrupt
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
