//! Connections: subscriptions with one channel per message, an acknowledgement after the first data, heartbeats, and
//! one numbering for all frames of a connection.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::{channel::Channel, encode, products, rest};
use crate::{
    bars::BarQuery,
    core::Core,
    exchange::{Address, ConnectionId, HttpRequest, Refusal},
    made_up::SECOND_SLOTS,
    moment,
    venue::{Frame, Protocol},
};

/// A client without a subscription is disconnected after this time.
const FIRST_SUBSCRIPTION_S: u64 = 5;
/// Trades in a snapshot.
const SNAPSHOT_TRADES: usize = 50;
/// Candles in a snapshot.
const SNAPSHOT_CANDLES: i64 = 100;
/// Slots between two frames of the batch.
const BATCH_SLOTS: u64 = 5 * SECOND_SLOTS;
/// Fields whose loss or change of type every reader of books and trades must notice.
const REQUIRED_KEYS: &[&str] = &["type", "product_id", "updates", "trades", "tickers", "candles"];

/// The venue.
#[derive(Default)]
pub(super) struct Coinbase(BTreeMap<ConnectionId, Connection>);

#[derive(Default)]
struct Connection {
    /// Products by channel, as requested.
    subscribed: BTreeMap<Channel, Vec<String>>,
    /// Number of the next frame.
    next: u64,
}

impl Protocol for Coinbase {
    fn open(&mut self, _core: &mut Core, connection: ConnectionId, address: &Address) -> Result<(), Refusal> {
        if address.path != "/" {
            return Err((404, "no such address"));
        }
        self.0.insert(connection, Connection::default());
        Ok(())
    }

    fn message(&mut self, core: &mut Core, connection: ConnectionId, text: &str) {
        if let Err(words) = self.subscriptions(core, connection, text) {
            core.say(connection, error(&words));
        }
    }

    fn too_fast(&mut self, core: &mut Core, connection: ConnectionId) {
        core.say(connection, error("rate limit exceeded"));
        core.close(connection, 1008, "rate limit exceeded");
    }

    fn second(&mut self, core: &mut Core, connection: ConnectionId, n_seconds: u64) {
        let Some(own) = self.0.get(&connection) else { return };
        if own.subscribed.contains_key(&Channel::Heartbeats) {
            let clock = moment::show(core.now, 9).replace('T', " ").replace('Z', "");
            let events = json!([{
                "current_time": format!("{clock} +0000 UTC m=+{n_seconds}.000000001"),
                "heartbeat_counter": n_seconds,
            }]);
            let frame = encode::frame("", Channel::Heartbeats.wire(), core.now, &events.to_string(), None);
            core.say_numbered(connection, frame);
        } else if own.subscribed.is_empty() && n_seconds >= FIRST_SUBSCRIPTION_S {
            core.close(connection, 1000, "no subscription");
        }
    }

    fn closed(&mut self, connection: ConnectionId) {
        self.0.remove(&connection);
    }

    fn render(&mut self, connection: ConnectionId, frame: &Frame) -> Utf8Bytes {
        let own = self.0.entry(connection).or_default();
        let number = own.next;
        own.next += 1;
        let head = frame.text.get(..frame.part.start).unwrap_or_default();
        let tail = frame.text.get(frame.part.end..).unwrap_or_default();
        format!("{head}{number}{tail}").into()
    }

    fn update(&mut self, core: &mut Core, stream: &Arc<str>, slot: u64) -> Vec<Frame> {
        let Some((channel, product)) = Channel::of_stream(stream) else { return Vec::new() };
        let frame = events(core, channel, product, slot)
            .map(|(events, id)| encode::frame(stream, channel.wire(), core.market.now(), &events, id));
        frame.into_iter().collect()
    }

    fn answer(&mut self, core: &mut Core, request: &HttpRequest) -> Option<(u16, String)> {
        rest::answer(&*core.market, request)
    }

    fn refusal(&self, _request: &HttpRequest, status: u16) -> String {
        rest::refusal(status)
    }

    fn required_keys(&self) -> &'static [&'static str] {
        REQUIRED_KEYS
    }
}

impl Coinbase {
    fn subscriptions(&mut self, core: &mut Core, connection: ConnectionId, text: &str) -> Result<(), String> {
        let request: Value = serde_json::from_str(text).map_err(|_| "malformed message")?;
        let name = request.get("channel").and_then(Value::as_str).ok_or("channel is missing")?;
        if matches!(name, "user" | "futures_balance_summary") {
            return Err("authentication failure".to_owned());
        }
        let channel = Channel::read(name).ok_or_else(|| format!("channel {name} does not exist"))?;
        let named = request.get("product_ids").and_then(Value::as_array).into_iter().flatten();
        let named: Vec<String> = named.filter_map(|id| id.as_str().map(str::to_owned)).collect();
        match request.get("type").and_then(Value::as_str) {
            Some("subscribe") => self.subscribe(core, connection, channel, named)?,
            Some("unsubscribe") => self.unsubscribe(core, connection, channel, &named),
            _ => return Err("type must be subscribe or unsubscribe".to_owned()),
        }
        // All subscriptions of the connection.
        let own = self.0.entry(connection).or_default();
        let all: BTreeMap<&str, &Vec<String>> =
            own.subscribed.iter().map(|(channel, products)| (channel.name(), products)).collect();
        let events = json!([{ "subscriptions": all }]).to_string();
        core.say_numbered(connection, encode::frame("", "subscriptions", core.market.now(), &events, None));
        Ok(())
    }

    fn subscribe(
        &mut self,
        core: &mut Core,
        connection: ConnectionId,
        channel: Channel,
        mut named: Vec<String>,
    ) -> Result<(), String> {
        match channel {
            Channel::Heartbeats => named = vec![channel.name().to_owned()],
            Channel::Status if named.is_empty() => {
                named = core.market.pairs().iter().map(|pair| pair.symbol.clone()).collect();
            }
            _ if named.is_empty() => return Err("product_ids are missing".to_owned()),
            _ => {}
        }
        // The products whose data is shown.
        let mut targets = Vec::new();
        if channel != Channel::Heartbeats {
            for product in &named {
                let target = products::target(&*core.market, product);
                targets.push(target.ok_or_else(|| format!("{product} is not a valid product"))?);
            }
        }
        let own = self.0.entry(connection).or_default().subscribed.entry(channel).or_default();
        own.extend(named);
        own.sort_unstable();
        own.dedup();
        for product in targets {
            let stream = channel.stream(&product);
            let has_others = core.is_wanted(&stream);
            if !core.subscribe(connection, std::slice::from_ref(&stream)) {
                break;
            }
            if let Some(events) = snapshot(core, channel, &product, has_others) {
                let frame = encode::frame(&stream, channel.wire(), core.market.now(), &events, None);
                core.tell(connection, frame);
            }
        }
        Ok(())
    }

    fn unsubscribe(&mut self, core: &mut Core, connection: ConnectionId, channel: Channel, named: &[String]) {
        let subscribed = &mut self.0.entry(connection).or_default().subscribed;
        let own = subscribed.remove(&channel).unwrap_or_default();
        let (gone, left): (Vec<String>, Vec<String>) =
            own.into_iter().partition(|product| named.is_empty() || named.contains(product));
        // Two names may show the same data: the stream stays while one of them is left.
        let target = |product: &String| products::target(&*core.market, product);
        let kept: Vec<String> = left.iter().filter_map(target).collect();
        let gone = gone.iter().filter_map(target).filter(|product| !kept.contains(product));
        let streams: Vec<String> = gone.map(|product| channel.stream(&product)).collect();
        core.unsubscribe(connection, &streams);
        if !left.is_empty() {
            subscribed.insert(channel, left);
        }
    }
}

/// Returns the events of a stream in a slot, with their number for the log of sent frames.
fn events(core: &mut Core, channel: Channel, product: &str, slot: u64) -> Option<(String, Option<u64>)> {
    let Core { market, views, .. } = core;
    match channel {
        Channel::Level2 => {
            let (stream, truth) = (channel.stream(product), market.ladder(product)?);
            let change = views.update(&stream, (&truth, 0), usize::MAX, encode::zero)?;
            Some((encode::level2("update", product, &change.rows, market.now()), Some(slot)))
        }
        Channel::MarketTrades => {
            let print = market.prints(product, 1).pop()?;
            Some((encode::trades("update", product, std::iter::once(&print)), Some(print.id)))
        }
        Channel::Ticker if slot.is_multiple_of(SECOND_SLOTS) => {
            Some((encode::ticker(&**market, "update", market.pair(product)?, channel)?, None))
        }
        Channel::TickerBatch if slot.is_multiple_of(BATCH_SLOTS) => {
            Some((encode::ticker(&**market, "update", market.pair(product)?, channel)?, None))
        }
        Channel::Candles if slot.is_multiple_of(SECOND_SLOTS) => {
            let bars = market.running(product, encode::CANDLE_MS);
            (!bars.is_empty()).then(|| (encode::candles("update", product, &bars), None))
        }
        _ => None,
    }
}

/// Returns the snapshot events of a stream for a new reader, if there are any; `has_others` if the stream already has
/// readers.
fn snapshot(core: &mut Core, channel: Channel, product: &str, has_others: bool) -> Option<String> {
    let Core { market, views, .. } = core;
    let (pair, stream) = (market.pair(product)?, channel.stream(product));
    let recorded = market.recorded_entries(&stream);
    if channel == Channel::Level2 {
        let truth = market.ladder(product)?;
        if recorded.is_some() {
            return Some(encode::level2("snapshot", product, &truth.top(usize::MAX), market.now()));
        }
        let view = views.join(&stream, (&truth, 0), usize::MAX, has_others);
        return Some(encode::level2("snapshot", product, &view.ladder.top(usize::MAX), market.now()));
    }
    if channel == Channel::Status {
        return Some(encode::status("snapshot", std::slice::from_ref(pair)));
    }
    if let (Some(entries), Some(list)) = (recorded, channel.list()) {
        let mut entries = entries;
        if channel == Channel::MarketTrades {
            // Newest first.
            entries.reverse();
        }
        return (!entries.is_empty()).then(|| encode::events("snapshot", list, &entries.join(",")));
    }
    match channel {
        Channel::MarketTrades => {
            let prints = market.prints(product, SNAPSHOT_TRADES);
            (!prints.is_empty()).then(|| encode::trades("snapshot", product, prints.iter().rev()))
        }
        Channel::Candles => {
            let bars = market.bars(product, &BarQuery::newest(encode::CANDLE_MS, SNAPSHOT_CANDLES));
            (!bars.is_empty()).then(|| encode::candles("snapshot", product, &bars))
        }
        Channel::Ticker | Channel::TickerBatch => encode::ticker(&**market, "snapshot", pair, channel),
        _ => None,
    }
}

/// An error has neither channel nor number.
fn error(message: &str) -> String {
    json!({ "type": "error", "message": message }).to_string()
}
