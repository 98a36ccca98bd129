//! Connections: subscriptions with one acknowledgement per symbol, heartbeats, pings, and the frames of each channel.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::{Value, json};

use super::{
    channel::{Channel, INTERVALS},
    checksum::checksum,
    encode::{self, SNAPSHOT, UPDATE},
    rest,
};
use crate::{
    bars::{Bar, BarQuery},
    core::Core,
    exchange::{Address, ConnectionId, HttpRequest, Refusal},
    fixed,
    ladder::{Ladder, Row},
    made_up::SECOND_SLOTS,
    market::{Market, Pair, Played, PlayedKind},
    moment,
    venue::{Frame, Protocol},
};

/// A connection without a subscription is closed after this time.
const IDLE_LIFE_S: u64 = 60;
/// Connection numbers exceed a signed integer, as on the real venue.
const FIRST_CONNECTION: u64 = 18_125_794_168_470_749_000;
/// Trades in a snapshot.
const SNAPSHOT_TRADES: usize = 50;
/// Bars in a snapshot.
const SNAPSHOT_BARS: i64 = 60;
/// Fields whose loss or change of type every reader of books, trades, tickers and bars must notice.
const REQUIRED_KEYS: &[&str] = &["symbol", "bids", "asks", "checksum", "price", "qty", "last", "open", "close"];

/// The venue. Channels of a connection by name and symbol: one depth, one interval of each.
#[derive(Default)]
pub(super) struct Kraken(BTreeMap<ConnectionId, Subscribed>);

type Subscribed = BTreeMap<(&'static str, String), Channel>;

/// A client's request, and its arrival time.
struct Request<'a> {
    method: Option<&'a str>,
    parameters: &'a Value,
    req_id: Option<&'a Value>,
    time_in: String,
}

impl Protocol for Kraken {
    fn open(&mut self, core: &mut Core, connection: ConnectionId, address: &Address) -> Result<(), Refusal> {
        if address.path != "/v2" {
            return Err((404, "no such address"));
        }
        self.0.insert(connection, Subscribed::new());
        let status = format!(
            concat!(
                r#"{{"channel":"status","type":"update","data":[{{"version":"2.0.10","system":"online","#,
                r#""api_version":"v2","connection_id":{},"upcoming_maintenance":[],"emergency":[]}}]}}"#
            ),
            FIRST_CONNECTION + connection
        );
        core.say(connection, status);
        Ok(())
    }

    fn message(&mut self, core: &mut Core, connection: ConnectionId, text: &str) {
        let time_in = moment::show(core.now, 6);
        let Ok(request) = serde_json::from_str::<Value>(text) else {
            let request = Request { method: None, parameters: &Value::Null, req_id: None, time_in };
            return core.say(connection, request.refusal(None, "Malformed request"));
        };
        let request = Request {
            method: request.get("method").and_then(Value::as_str),
            parameters: request.get("params").unwrap_or(&Value::Null),
            req_id: request.get("req_id"),
            time_in,
        };
        match request.method {
            Some("ping") => core.say(connection, request.body(json!({ "method": "pong" }))),
            Some("subscribe" | "unsubscribe") => self.subscriptions(core, connection, &request),
            Some(_) => core.say(connection, request.refusal(None, "Method not supported")),
            None => core.say(connection, request.refusal(None, "Method missing")),
        }
    }

    fn too_fast(&mut self, core: &mut Core, connection: ConnectionId) {
        let time_in = moment::show(core.now, 6);
        let request = Request { method: None, parameters: &Value::Null, req_id: None, time_in };
        core.say(connection, request.refusal(None, "Exceeded msg rate"));
    }

    fn second(&mut self, core: &mut Core, connection: ConnectionId, n_seconds: u64) {
        if self.0.get(&connection).is_some_and(|subscribed| !subscribed.is_empty()) {
            core.say(connection, r#"{"channel":"heartbeat"}"#);
        } else if n_seconds >= IDLE_LIFE_S {
            core.close(connection, 1000, "no subscription");
        }
    }

    fn closed(&mut self, connection: ConnectionId) {
        self.0.remove(&connection);
    }

    fn update(&mut self, core: &mut Core, stream: &Arc<str>, slot: u64) -> Vec<Frame> {
        let Some((channel, symbol)) = Channel::of_stream(stream) else { return Vec::new() };
        let is_second = slot.is_multiple_of(SECOND_SLOTS);
        let (text, id) = match channel {
            Channel::Book(depth) => (book_update(core, stream, symbol, depth), Some(slot)),
            Channel::Trade => {
                let Some(pair) = core.market.pair(symbol) else { return Vec::new() };
                let print = core.market.prints(symbol, 1).pop();
                (
                    print.as_ref().map(|print| encode::frame("trade", UPDATE, &encode::trade(pair, print))),
                    print.map(|print| print.id),
                )
            }
            Channel::Ticker if is_second => (ticker(&*core.market, UPDATE, symbol), None),
            Channel::Ohlc(minutes) if is_second => (running(&*core.market, symbol, minutes), None),
            _ => (None, None),
        };
        text.map(|text| Frame::whole(stream.clone(), text, id)).into_iter().collect()
    }

    /// Readers of the recorded depth get the recorded frames; readers of other depths get updates derived from the same
    /// book, and readers of bars that were not recorded get bars of the recorded trades.
    fn play(&mut self, core: &mut Core, played: &Played) {
        if played.kind == PlayedKind::UnknownBook {
            return;
        }
        core.tell_readers(played.frame.clone());
        let symbol = &played.symbol;
        for stream in core.wanted() {
            if core.market.recorded_entries(&stream).is_some() {
                continue;
            }
            let text = match (played.kind, Channel::of_stream(&stream)) {
                (PlayedKind::BookSnapshot, Some((channel @ Channel::Book(_), own))) if own == symbol => {
                    snapshot(core, channel, symbol, false)
                }
                (PlayedKind::BookUpdate, Some((Channel::Book(depth), own))) if own == symbol => {
                    book_update(core, &stream, symbol, depth)
                }
                (PlayedKind::Trades, Some((Channel::Ohlc(minutes), own)))
                    if own == symbol && INTERVALS.contains(&minutes) =>
                {
                    running(&*core.market, symbol, minutes)
                }
                _ => None,
            };
            if let Some(text) = text {
                core.tell_readers(Arc::new(Frame::whole(stream, text, None)));
            }
        }
    }

    fn answer(&mut self, core: &mut Core, request: &HttpRequest) -> Option<(u16, String)> {
        rest::answer(&*core.market, request)
    }

    fn refusal(&self, _request: &HttpRequest, status: u16) -> String {
        rest::refusal(status)
    }

    /// Every answer of this venue has status 200.
    fn limit_status(&self) -> u16 {
        200
    }

    fn required_keys(&self) -> &'static [&'static str] {
        REQUIRED_KEYS
    }

    fn book_details(&self, ladder: &Ladder) -> Option<(&'static str, Value)> {
        Some(("checksum", checksum(ladder).into()))
    }
}

impl Kraken {
    fn subscriptions(&mut self, core: &mut Core, connection: ConnectionId, request: &Request<'_>) {
        let named = symbols(request.parameters).filter(|symbols| !symbols.is_empty());
        let channel = match Channel::read(request.parameters) {
            Ok(Channel::Book(depth)) => Channel::Book(depth.min(core.limits.book_rows)),
            Ok(channel) => channel,
            Err(words) => {
                // One refusal for each symbol, like acknowledgements.
                match named {
                    None => core.say(connection, request.refusal(None, &words)),
                    Some(named) => {
                        named.iter().for_each(|symbol| core.say(connection, request.refusal(Some(symbol), &words)));
                    }
                }
                return;
            }
        };
        match named {
            _ if channel == Channel::Instrument => self.one(core, connection, request, channel, None),
            None => core.say(connection, request.refusal(None, "Symbol(s) missing")),
            Some(named) => {
                named.iter().for_each(|symbol| self.one(core, connection, request, channel, Some(symbol)));
            }
        }
    }

    /// Acknowledges one symbol and carries out the request for it.
    fn one(
        &mut self,
        core: &mut Core,
        connection: ConnectionId,
        request: &Request<'_>,
        channel: Channel,
        symbol: Option<&str>,
    ) {
        if let Some(symbol) = symbol
            && core.market.pair(symbol).is_none()
        {
            let words = format!("Currency pair not supported {symbol}");
            return core.say(connection, request.refusal(Some(symbol), &words));
        }
        let subscribed = self.0.entry(connection).or_default();
        let key = (channel.name(), symbol.unwrap_or_default().to_owned());
        let before = subscribed.remove(&key).map(|before| before.stream(&key.1));
        core.unsubscribe(connection, before.as_slice());
        let with_snapshot =
            request.parameters.get("snapshot").and_then(Value::as_bool).unwrap_or(channel.has_snapshot());
        let mut result = channel.result(symbol, request.parameters, with_snapshot);
        if request.method == Some("unsubscribe") {
            if before.is_none() {
                return core.say(connection, request.refusal(symbol, "Subscription Not Found"));
            }
            result.as_object_mut().map(|fields| fields.remove("snapshot"));
            return core.say(connection, request.acknowledgement(&result));
        }
        let stream = channel.stream(&key.1);
        let has_others = core.is_wanted(&stream);
        if !core.subscribe(connection, std::slice::from_ref(&stream)) {
            return;
        }
        core.say(connection, request.acknowledgement(&result));
        if with_snapshot && let Some(text) = snapshot(core, channel, &key.1, has_others) {
            core.tell(connection, Frame::whole(stream.into(), text, None));
        }
        subscribed.insert(key, channel);
    }
}

impl Request<'_> {
    /// Returns an answer with the fields common to all answers.
    fn body(&self, mut body: Value) -> String {
        (body["time_in"], body["time_out"]) = (self.time_in.as_str().into(), self.time_in.as_str().into());
        if let Some(req_id) = self.req_id {
            body["req_id"] = req_id.clone();
        }
        body.to_string()
    }

    fn acknowledgement(&self, result: &Value) -> String {
        self.body(json!({ "method": self.method, "result": result, "success": true }))
    }

    fn refusal(&self, symbol: Option<&str>, words: &str) -> String {
        let mut body = json!({ "error": words, "success": false });
        for (key, value) in [("method", self.method), ("symbol", symbol)] {
            if let Some(value) = value {
                body[key] = value.into();
            }
        }
        self.body(body)
    }
}

fn symbols(parameters: &Value) -> Option<Vec<String>> {
    parameters.get("symbol")?.as_array()?.iter().map(|symbol| symbol.as_str().map(str::to_owned)).collect()
}

/// Returns the snapshot frame of a stream for a new reader, if there is one; `has_others` if the stream already has
/// readers.
fn snapshot(core: &mut Core, channel: Channel, symbol: &str, has_others: bool) -> Option<String> {
    let Core { market, views, .. } = core;
    if channel == Channel::Instrument {
        return Some(encode::instruments(market.pairs()));
    }
    let stream = channel.stream(symbol);
    if let Channel::Book(depth) = channel {
        let (truth, time) = (market.ladder(symbol)?, moment::show(market.now(), 6));
        if market.recorded_entries(&stream).is_some() {
            return Some(encode::book(SNAPSHOT, symbol, &truth.top(depth), &truth, &time));
        }
        let view = &views.join(&stream, (&truth, 0), depth, has_others).ladder;
        return Some(encode::book(SNAPSHOT, symbol, &view.top(depth), view, &time));
    }
    let pair = market.pair(symbol)?;
    let recorded = market.recorded_entries(&stream).map(|entries| entries.join(","));
    let entries = match channel {
        _ if recorded.is_some() => recorded?,
        Channel::Trade => joined(&market.prints(symbol, SNAPSHOT_TRADES), |print| encode::trade(pair, print)),
        Channel::Ohlc(minutes) => {
            bars(pair, minutes, &market.bars(symbol, &BarQuery::newest(minutes * 60_000, SNAPSHOT_BARS)))
        }
        _ => return ticker(&**market, SNAPSHOT, symbol),
    };
    if entries.is_empty() {
        return None;
    }
    Some(match channel {
        Channel::Ohlc(_) => encode::ohlc_frame(SNAPSHOT, market.now(), &entries),
        other => encode::frame(other.name(), SNAPSHOT, &entries),
    })
}

fn joined<T>(items: &[T], entry: impl Fn(&T) -> String) -> String {
    items.iter().map(entry).collect::<Vec<_>>().join(",")
}

fn bars(pair: &Pair, minutes: i64, bars: &[Bar]) -> String {
    joined(bars, |bar| encode::bar(pair, minutes, bar))
}

fn ticker(market: &dyn Market, kind: &str, symbol: &str) -> Option<String> {
    Some(encode::frame("ticker", kind, &encode::ticker(market, market.pair(symbol)?)?))
}

/// Returns the frame of the forming bar.
fn running(market: &dyn Market, symbol: &str, minutes: i64) -> Option<String> {
    let entries = bars(market.pair(symbol)?, minutes, &market.running(symbol, minutes * 60_000));
    (!entries.is_empty()).then(|| encode::ohlc_frame(UPDATE, market.now(), &entries))
}

/// Returns the frame that brings readers of a depth to the true book; `None` if they have it already.
fn book_update(core: &mut Core, stream: &str, symbol: &str, depth: usize) -> Option<String> {
    let Core { market, views, .. } = core;
    let truth = market.ladder(symbol)?;
    let change = views.update(stream, (&truth, 0), depth, encode::zero)?;
    let rows = (repeated(change.rows.0), repeated(change.rows.1));
    Some(encode::book(UPDATE, symbol, &rows, &change.view.ladder, &moment::show(market.now(), 6)))
}

/// Returns the same rows, some preceded by a duplicate with another quantity: the venue does that, and the last one
/// counts.
fn repeated(rows: Vec<Row>) -> Vec<Row> {
    let twice = |row: Row| {
        let decimals = fixed::decimals_shown(&row.1);
        let lots = fixed::parse(&row.1).map_or(0, |quantity| quantity / fixed::step(decimals));
        let first = (lots > 0 && lots % REPEATED_ONE_IN == 0)
            .then(|| (row.0.clone(), fixed::show((lots + 1) * fixed::step(decimals), decimals)));
        first.into_iter().chain([row])
    };
    rows.into_iter().flat_map(twice).collect()
}

/// One row in this many, by its quantity in lots, is duplicated.
const REPEATED_ONE_IN: i128 = 7;
