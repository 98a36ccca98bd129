//! The WebSocket address: subscriptions of one channel a message, an acknowledgement after the first data, heartbeats, and
//! one numbering for everything that a connection gets.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{Router, extract::Request, routing::any};
use model::time::Timestamp;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::{Feed, channel::Channel, encode, products};
use crate::{
    connection::{self, Place, Step, Talk},
    moment,
    player::wall_clock,
    sim::{Said, Shared},
    venue::Frame,
};

/// Whoever has not subscribed by then is disconnected.
const FIRST_SUBSCRIPTION: Duration = Duration::from_secs(5);
/// Frames that a fault holds back; their numbers are forgotten beyond that.
const MAX_TICKETS: usize = 256;

/// All WebSocket routes.
pub(super) fn routes(shared: Arc<Shared>, feed: Arc<dyn Feed>) -> Router {
    let open = move |request: Request| {
        let feed = feed.clone();
        let response = connection::open(&shared, request, move |_, client| Session {
            feed,
            client,
            subscribed: BTreeMap::new(),
            begun: Instant::now(),
            next: 0,
            tickets: BTreeMap::new(),
        });
        async move { response }
    };
    Router::new().route("/", any(open))
}

struct Session {
    feed: Arc<dyn Feed>,
    client: u64,
    /// Products by channel, as they were asked for.
    subscribed: BTreeMap<Channel, Vec<String>>,
    begun: Instant,
    /// Number of the next frame.
    next: u64,
    /// Numbers of frames that come later.
    tickets: BTreeMap<u64, u64>,
}

impl Talk for Session {
    fn request(&mut self, text: &str) -> Vec<Step> {
        let Ok(request) = serde_json::from_str::<Value>(text) else { return vec![error("malformed message")] };
        let kind = request.get("type").and_then(Value::as_str).unwrap_or_default();
        let Some(name) = request.get("channel").and_then(Value::as_str) else {
            return vec![error("channel is missing")];
        };
        if matches!(name, "user" | "futures_balance_summary") {
            return vec![error("authentication failure")];
        }
        let Some(channel) = Channel::read(name) else {
            return vec![error(&format!("channel {name} does not exist"))];
        };
        let named = request.get("product_ids").and_then(Value::as_array).cloned().unwrap_or_default();
        let named: Vec<String> = named.iter().filter_map(|id| id.as_str().map(str::to_owned)).collect();
        match kind {
            "subscribe" => self.subscribe(channel, named),
            "unsubscribe" => self.unsubscribe(channel, &named),
            _ => vec![error("type must be subscribe or unsubscribe")],
        }
    }

    fn too_fast(&mut self) -> Vec<Step> {
        vec![error("rate limit exceeded"), Step::Close(1008, "rate limit exceeded".to_owned())]
    }

    fn tick(&mut self) -> Vec<Step> {
        if self.subscribed.contains_key(&Channel::Heartbeats) {
            let up = self.begun.elapsed();
            let now = wall_clock();
            let clock = moment::show(now, 9).replace('T', " ").replace('Z', "");
            let events = json!([{
                "current_time": format!("{clock} +0000 UTC m=+{}.{:09}", up.as_secs(), up.subsec_nanos()),
                "heartbeat_counter": up.as_secs(),
            }]);
            let frame = encode::frame(String::new(), Channel::Heartbeats.wire(), now, &events.to_string(), None);
            return self.text(&frame, Place::Next).map(Step::Say).into_iter().collect();
        }
        if self.subscribed.is_empty() && self.begun.elapsed() >= FIRST_SUBSCRIPTION {
            return vec![Step::Close(1000, "no subscription".to_owned())];
        }
        Vec::new()
    }

    fn text(&mut self, frame: &Frame, place: Place) -> Option<Utf8Bytes> {
        let number = match place {
            Place::Next => {
                self.next += 1;
                self.next - 1
            }
            Place::Same => self.next.saturating_sub(1),
            Place::Kept(ticket) => self.tickets.remove(&ticket)?,
        };
        let (head, tail) = (frame.text.get(..frame.part.start)?, frame.text.get(frame.part.end..)?);
        Some(format!("{head}{number}{tail}").into())
    }

    fn miss(&mut self, ticket: Option<u64>) {
        if let Some(ticket) = ticket {
            self.tickets.insert(ticket, self.next);
            if self.tickets.len() > MAX_TICKETS {
                self.tickets.pop_first();
            }
        }
        self.next += 1;
    }
}

impl Session {
    fn subscribe(&mut self, channel: Channel, mut named: Vec<String>) -> Vec<Step> {
        match channel {
            Channel::Heartbeats => named = vec![channel.name().to_owned()],
            Channel::Status if named.is_empty() => {
                named = self.feed.pairs().into_iter().map(|pair| pair.symbol).collect();
            }
            _ if named.is_empty() => return vec![error("product_ids are missing")],
            _ => {}
        }
        // What is asked for, and whose data it shows.
        let mut targets = Vec::new();
        if channel != Channel::Heartbeats {
            for asked in &named {
                match products::target(&*self.feed, asked) {
                    Some(target) => targets.push(target),
                    None => return vec![error(&format!("{asked} is not a valid product"))],
                }
            }
        }
        let own = self.subscribed.entry(channel).or_default();
        own.extend(named);
        own.sort_unstable();
        own.dedup();
        let (feed, client, acknowledged) = (self.feed.clone(), self.client, self.acknowledgement());
        let join = move |shared: &Shared| {
            let mut said = Vec::new();
            for product in targets {
                let stream = channel.stream(&product);
                let has_others = shared.clients.is_wanted(&stream);
                if !shared.clients.subscribe(client, std::slice::from_ref(&stream), shared.config.limits.streams) {
                    return said;
                }
                shared.timeline.subscriber_came();
                if let Some(events) = feed.snapshot(channel, &product, has_others) {
                    said.push(Said::Data(encode::frame(stream, channel.wire(), feed.now(), &events, None)));
                }
            }
            said.push(answered(feed.now(), &acknowledged));
            said
        };
        vec![Step::Ask(Box::new(join))]
    }

    fn unsubscribe(&mut self, channel: Channel, named: &[String]) -> Vec<Step> {
        let own = self.subscribed.entry(channel).or_default();
        let gone: Vec<String> =
            own.iter().filter(|product| named.is_empty() || named.contains(product)).cloned().collect();
        own.retain(|product| !gone.contains(product));
        if own.is_empty() {
            self.subscribed.remove(&channel);
        }
        // Two names may show the same data: it stays while one of them is left.
        let left: Vec<String> = self.subscribed.get(&channel).cloned().unwrap_or_default();
        let target = |product: &String| products::target(&*self.feed, product);
        let kept: Vec<String> = left.iter().filter_map(target).collect();
        let streams: Vec<String> = gone
            .iter()
            .filter_map(target)
            .filter(|product| !kept.contains(product))
            .map(|product| channel.stream(&product))
            .collect();
        let (feed, client, acknowledged) = (self.feed.clone(), self.client, self.acknowledgement());
        vec![Step::Ask(Box::new(move |shared: &Shared| {
            shared.clients.unsubscribe(client, &streams);
            vec![answered(feed.now(), &acknowledged)]
        }))]
    }

    /// All subscriptions of the connection, as `events`.
    fn acknowledgement(&self) -> String {
        let all: BTreeMap<&str, &Vec<String>> =
            self.subscribed.iter().map(|(channel, products)| (channel.name(), products)).collect();
        json!([{ "subscriptions": all }]).to_string()
    }
}

/// An acknowledgement in its place among the frames.
fn answered(now: Timestamp, events: &str) -> Said {
    Said::Answer(encode::frame(String::new(), "subscriptions", now, events, None))
}

/// Has neither channel nor number.
fn error(message: &str) -> Step {
    Step::Say(json!({ "type": "error", "message": message }).to_string().into())
}
