//! Connections: combined and raw, their subscriptions, and the frames of each stream.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::{
    eight, encode,
    request::{Envelope, Method, Request, error},
    rest,
    stream::{self, Kind, interval_ms},
};
use crate::{
    bars::Bar,
    core::Core,
    exchange::{Address, ConnectionId, HttpRequest, Refusal},
    ladder::Row,
    venue::{Frame, Protocol},
};

/// Fields whose loss or change of type every reader of depth, bookTicker, trade, aggTrade or kline events must notice.
const REQUIRED_KEYS: &[&str] = &["U", "u", "b", "a", "p", "q", "k"];

/// The venue, and the envelope of events on each connection.
#[derive(Default)]
pub(super) struct Binance(BTreeMap<ConnectionId, Envelope>);

impl Protocol for Binance {
    fn open(&mut self, core: &mut Core, connection: ConnectionId, address: &Address) -> Result<(), Refusal> {
        let (streams, envelope) = match address.path.as_str() {
            "/stream" => (address.parameters.get("streams").map_or("", String::as_str), Envelope::Combined),
            path => match path.strip_prefix("/ws") {
                Some(streams) if streams.is_empty() || streams.starts_with('/') => (streams, Envelope::Bare),
                _ => return Err((404, "no such address")),
            },
        };
        let streams: Vec<String> = streams.split('/').filter(|name| !name.is_empty()).map(str::to_owned).collect();
        if !streams.is_empty() && !follow(core, connection, &streams) {
            return Err((400, "too many streams"));
        }
        self.0.insert(connection, envelope);
        Ok(())
    }

    /// Answers first and subscribes afterwards, so that no event of a stream comes before its acknowledgement.
    fn message(&mut self, core: &mut Core, connection: ConnectionId, text: &str) {
        let answer = match Request::read(text) {
            Ok(request) => self.carry_out(core, connection, request),
            Err(refused) => refused,
        };
        core.say(connection, answer.to_string());
    }

    fn closed(&mut self, connection: ConnectionId) {
        self.0.remove(&connection);
    }

    fn render(&mut self, connection: ConnectionId, frame: &Frame) -> Utf8Bytes {
        if self.0.get(&connection) == Some(&Envelope::Bare) { frame.part() } else { frame.text.clone() }
    }

    fn sort(&self, streams: &mut [Arc<str>]) {
        streams.sort_by_cached_key(|name| stream::read(name));
    }

    fn update(&mut self, core: &mut Core, name: &Arc<str>, slot: u64) -> Vec<Frame> {
        let Some((symbol, kind)) = stream::read(name).filter(|(_, kind)| slot.is_multiple_of(kind.every())) else {
            return Vec::new();
        };
        let frame = |(event, id): (Value, Option<u64>)| {
            let ((head, tail), event) = (encode::envelope(name), event.to_string());
            let bare = head.len()..head.len() + event.len();
            Frame::with_part(name.clone(), format!("{head}{event}{tail}"), bare, id)
        };
        events(core, name, &symbol, &kind).into_iter().filter_map(frame).collect()
    }

    fn answer(&mut self, core: &mut Core, request: &HttpRequest) -> Option<(u16, String)> {
        rest::answer(&*core.market, request)
    }

    fn refusal(&self, _request: &HttpRequest, status: u16) -> String {
        rest::refusal(status)
    }

    fn weight(&self, request: &HttpRequest) -> u32 {
        rest::weight(request)
    }

    fn weight_headers(&self) -> &'static [&'static str] {
        &["x-mbx-used-weight-1m", "x-mbx-used-weight"]
    }

    fn required_keys(&self) -> &'static [&'static str] {
        REQUIRED_KEYS
    }

    fn interval_ms(&self, name: &str) -> Option<i64> {
        interval_ms(name)
    }

    fn shown(&self, value: i128) -> String {
        eight(value)
    }
}

impl Binance {
    /// Executes the request; returns the answer.
    fn carry_out(&mut self, core: &mut Core, connection: ConnectionId, request: Request) -> Value {
        let id = request.id;
        let result = match request.method {
            Method::Subscribe(streams) => {
                if !follow(core, connection, &streams) {
                    return error(2, "Invalid request: too many streams on this connection", id);
                }
                Value::Null
            }
            Method::Unsubscribe(streams) => {
                core.unsubscribe(connection, &streams);
                Value::Null
            }
            Method::ListSubscriptions => json!(core.streams_of(connection)),
            Method::SetEnvelope(envelope) => {
                self.0.insert(connection, envelope);
                Value::Null
            }
            Method::GetEnvelope => json!(self.0.get(&connection) == Some(&Envelope::Combined)),
        };
        json!({ "result": result, "id": id })
    }
}

/// Subscribes a connection to streams; book changes continue from the current book.
fn follow(core: &mut Core, connection: ConnectionId, streams: &[String]) -> bool {
    let new: Vec<&String> = streams.iter().filter(|name| !core.is_wanted(name)).collect();
    for name in new {
        let Core { market, views, .. } = core;
        if let Some((symbol, Kind::Depth(_))) = stream::read(name)
            && let Some(truth) = market.ladder(&symbol)
        {
            views.join(name, (&truth, market.update_id(&symbol)), usize::MAX, false);
        }
    }
    core.subscribe(connection, streams)
}

/// Returns the events of one stream after a step of the market, oldest first, each with the venue's number.
fn events(core: &mut Core, name: &str, symbol: &str, kind: &Kind) -> Vec<(Value, Option<u64>)> {
    let Core { market, views, .. } = core;
    let (event_ms, update_id) = (market.now().as_millis(), market.update_id(symbol));
    let best = || -> Option<(Row, Row)> {
        let ladder = market.ladder(symbol)?;
        Some((ladder.bids().next()?.clone(), ladder.asks().next()?.clone()))
    };
    let last = || market.prints(symbol, 1).pop();
    let event = match kind {
        Kind::Trade => last().map(|print| (encode::trade(symbol, event_ms, &print), Some(print.id))),
        Kind::AggregateTrade => last().map(|print| (encode::aggregate_trade(symbol, event_ms, &print), Some(print.id))),
        Kind::BookTicker => {
            best().map(|(bid, ask)| (encode::book_ticker(symbol, update_id, &bid, &ask), Some(update_id)))
        }
        Kind::Depth(_) => market.ladder(symbol).and_then(|truth| {
            let change = views.update(name, (&truth, update_id), usize::MAX, encode::zero)?;
            let ids = (change.before + 1, update_id);
            Some((encode::depth_update(symbol, event_ms, ids, &change.rows), Some(update_id)))
        }),
        Kind::Partial(depth, _) => Some((encode::depth(update_id, &market.top(symbol, *depth)), Some(update_id))),
        Kind::Kline(interval, length_ms) => {
            let Some(last) = last() else { return Vec::new() };
            let bars = market.running(symbol, *length_ms);
            let kline = |bar: &Bar| {
                // The bar that has just ended is sent once more, as closed, before the current one.
                let last_id = if last.time_ms < bar.open_ms + length_ms { last.id } else { last.id.saturating_sub(1) };
                (encode::kline(symbol, interval, *length_ms, event_ms, bar, last_id), None)
            };
            return bars.iter().map(kline).collect();
        }
        Kind::MiniTicker => market.day(symbol).map(|day| (encode::mini_ticker(symbol, event_ms, &day), None)),
        Kind::Ticker => market
            .day(symbol)
            .zip(last())
            .zip(best())
            .map(|((day, last), (bid, ask))| (encode::ticker(symbol, event_ms, &day, &last, &bid, &ask), None)),
    };
    event.into_iter().collect()
}
