//! The WebSocket address: subscriptions with one acknowledgement a symbol, heartbeats, pings.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{Router, extract::Request, routing::any};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::{Feed, channel::Channel};
use crate::{
    connection::{self, Place, Step, Talk},
    moment,
    player::wall_clock,
    sim::{Said, Shared},
    venue::Frame,
};

/// A connection that never subscribes to anything lives this long.
const IDLE_LIFE: Duration = Duration::from_secs(60);
/// Connection numbers are larger than a signed integer holds, as on the wire.
const FIRST_CONNECTION: u64 = 18_125_794_168_470_749_000;

/// All WebSocket routes.
pub(super) fn routes(shared: Arc<Shared>, feed: Arc<dyn Feed>) -> Router {
    let open = move |request: Request| {
        let feed = feed.clone();
        let response = connection::open(&shared, request, move |_, client| Session {
            feed,
            client,
            subscribed: BTreeMap::new(),
            begun: Instant::now(),
        });
        async move { response }
    };
    Router::new().route("/v2", any(open))
}

struct Session {
    feed: Arc<dyn Feed>,
    client: u64,
    /// Channel by name and symbol: one depth, one interval of each.
    subscribed: BTreeMap<(&'static str, String), Channel>,
    begun: Instant,
}

impl Talk for Session {
    fn greet(&mut self) -> Vec<Step> {
        vec![Step::Say(
            format!(
                concat!(
                    r#"{{"channel":"status","type":"update","data":[{{"version":"2.0.10","system":"online","#,
                    r#""api_version":"v2","connection_id":{},"upcoming_maintenance":[],"emergency":[]}}]}}"#
                ),
                FIRST_CONNECTION + self.client
            )
            .into(),
        )]
    }

    fn request(&mut self, text: &str) -> Vec<Step> {
        let time_in = now();
        let Ok(request) = serde_json::from_str::<Value>(text) else {
            return vec![refusal(&Value::Null, None, None, "Malformed request", &time_in)];
        };
        let (req_id, parameters) = (request.get("req_id").cloned(), request.get("params").unwrap_or(&Value::Null));
        match request.get("method").and_then(Value::as_str) {
            Some("ping") => {
                let mut pong = json!({ "method": "pong", "time_in": time_in, "time_out": now() });
                if let Some(req_id) = req_id {
                    pong["req_id"] = req_id;
                }
                vec![Step::Say(pong.to_string().into())]
            }
            Some(method @ ("subscribe" | "unsubscribe")) => self.subscriptions(method, parameters, req_id, &time_in),
            method => {
                let words = if method.is_some() { "Method not supported" } else { "Method missing" };
                vec![refusal(&json!(method), None, req_id, words, &time_in)]
            }
        }
    }

    fn too_fast(&mut self) -> Vec<Step> {
        vec![refusal(&Value::Null, None, None, "Exceeded msg rate", &now())]
    }

    fn tick(&mut self) -> Vec<Step> {
        if !self.subscribed.is_empty() {
            return vec![Step::Say(r#"{"channel":"heartbeat"}"#.into())];
        }
        if self.begun.elapsed() >= IDLE_LIFE {
            return vec![Step::Close(1000, "no subscription".to_owned())];
        }
        Vec::new()
    }

    fn text(&mut self, frame: &Frame, _place: Place) -> Option<Utf8Bytes> {
        Some(frame.text.clone())
    }
}

impl Session {
    fn subscriptions(&mut self, method: &str, parameters: &Value, req_id: Option<Value>, time_in: &str) -> Vec<Step> {
        let name = json!(method);
        let channel = match Channel::read(parameters) {
            Ok(channel) => channel,
            Err(words) => {
                // One refusal a symbol, as acknowledgements are.
                let refuse = |symbol| refusal(&name, symbol, req_id.clone(), &words, time_in);
                let named = symbols(parameters).unwrap_or_default();
                return if named.is_empty() {
                    vec![refuse(None)]
                } else {
                    named.iter().map(|symbol| refuse(Some(symbol))).collect()
                };
            }
        };
        if channel == Channel::Instrument {
            return self.one(method, channel, None, parameters, req_id, time_in);
        }
        let Some(symbols) = symbols(parameters).filter(|symbols| !symbols.is_empty()) else {
            return vec![refusal(&name, None, req_id, "Symbol(s) missing", time_in)];
        };
        let each =
            symbols.iter().map(|symbol| self.one(method, channel, Some(symbol), parameters, req_id.clone(), time_in));
        each.collect::<Vec<_>>().into_iter().flatten().collect()
    }

    /// One symbol's acknowledgement and what follows from it.
    fn one(
        &mut self,
        method: &str,
        channel: Channel,
        symbol: Option<&str>,
        parameters: &Value,
        req_id: Option<Value>,
        time_in: &str,
    ) -> Vec<Step> {
        let refuse = |words: &str| vec![refusal(&json!(method), symbol, req_id.clone(), words, time_in)];
        if let Some(symbol) = symbol
            && self.feed.pair(symbol).is_none()
        {
            return refuse(&format!("Currency pair not supported {symbol}"));
        }
        let key = (channel.name(), symbol.unwrap_or_default().to_owned());
        let before = self.subscribed.remove(&key).map(|before| before.stream(&key.1));
        if method == "unsubscribe" {
            let Some(before) = before else { return refuse("Subscription Not Found") };
            let mut result = channel.result(symbol, parameters, false);
            result.as_object_mut().map(|fields| fields.remove("snapshot"));
            let (client, acknowledged) = (self.client, acknowledgement(method, result, req_id, time_in));
            let leave = move |shared: &Shared| {
                shared.clients.unsubscribe(client, &[before]);
                vec![answered(acknowledged)]
            };
            return vec![Step::Ask(Box::new(leave))];
        }
        let with_snapshot = parameters.get("snapshot").and_then(Value::as_bool).unwrap_or(channel.has_snapshot());
        let acknowledged = acknowledgement(method, channel.result(symbol, parameters, with_snapshot), req_id, time_in);
        self.subscribed.insert(key.clone(), channel);
        let (feed, client, symbol) = (self.feed.clone(), self.client, key.1);
        let join = move |shared: &Shared| {
            let stream = channel.stream(&symbol);
            shared.clients.unsubscribe(client, before.as_slice());
            let has_others = shared.clients.is_wanted(&stream);
            if !shared.clients.subscribe(client, std::slice::from_ref(&stream), shared.config.limits.streams) {
                return Vec::new();
            }
            shared.timeline.subscriber_came();
            let snapshot = with_snapshot.then(|| feed.snapshot(channel, &symbol, has_others)).flatten();
            let snapshot = snapshot.map(|text| Said::Data(Arc::new(Frame::whole(stream.into(), text, None))));
            std::iter::once(answered(acknowledged)).chain(snapshot).collect()
        };
        vec![Step::Ask(Box::new(join))]
    }
}

/// An answer in its place among the frames.
fn answered(text: String) -> Said {
    Said::Answer(Arc::new(Frame::whole("".into(), text, None)))
}

fn symbols(parameters: &Value) -> Option<Vec<String>> {
    parameters.get("symbol")?.as_array()?.iter().map(|symbol| symbol.as_str().map(str::to_owned)).collect()
}

fn acknowledgement(method: &str, result: Value, req_id: Option<Value>, time_in: &str) -> String {
    let mut body =
        json!({ "method": method, "result": result, "success": true, "time_in": time_in, "time_out": now() });
    if let Some(req_id) = req_id {
        body["req_id"] = req_id;
    }
    body.to_string()
}

fn refusal(method: &Value, symbol: Option<&str>, req_id: Option<Value>, words: &str, time_in: &str) -> Step {
    let mut body = json!({ "error": words, "success": false, "time_in": time_in, "time_out": now() });
    if !method.is_null() {
        body["method"] = method.clone();
    }
    if let Some(symbol) = symbol {
        body["symbol"] = symbol.into();
    }
    if let Some(req_id) = req_id {
        body["req_id"] = req_id;
    }
    Step::Say(body.to_string().into())
}

fn now() -> String {
    moment::show(wall_clock(), 6)
}
