//! Decodes recorded frames as far as the oracle needs. Reads generic JSON and uses no other code of this project.

use std::{borrow::Cow, collections::BTreeSet, sync::Arc, time::Duration};

use model::time::Timestamp;
use serde::Deserialize;
use serde_json::{Value, value::RawValue};

use super::encode;
use crate::{
    bars::Print,
    fixed,
    ladder::Row,
    recorded::{BookNote, Note, Piece, Tallies},
    recording::{RecordedAnswer, RecordedFrame, Recording},
    venue::Frame,
};

/// The envelope of combined connections.
#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    stream: Cow<'a, str>,
    #[serde(borrow)]
    data: &'a RawValue,
}

/// Returns the pieces of a recording: the books of its REST answers first, then its frames.
pub(super) fn read(recording: &Recording, tallies: &mut Tallies) -> Vec<Piece> {
    let frames = recording.frames.iter().filter_map(|frame| piece(frame, tallies));
    let mut frames: Vec<Piece> = frames.collect();
    // Trades of a symbol count once if they were recorded both individually and aggregated.
    let is_single = |piece: &&Piece| matches!(piece.note, Note::Trades(_)) && piece.frame.stream.ends_with("@trade");
    let single: BTreeSet<String> = frames.iter().filter(is_single).map(|piece| piece.symbol.clone()).collect();
    for piece in &mut frames {
        if piece.frame.stream.ends_with("@aggTrade") && single.contains(&piece.symbol) {
            piece.note = Note::Other;
        }
    }
    recording.answers.iter().filter_map(snapshot).chain(frames).collect()
}

/// Returns the book of a recorded REST answer; it has its own stream, so that the first of a symbol is the initial
/// book.
fn snapshot(answer: &RecordedAnswer) -> Option<Piece> {
    let (path, query) = answer.url.split_once('?')?;
    let symbol = query.split('&').find_map(|pair| pair.strip_prefix("symbol=")).filter(|_| path.ends_with("/depth"))?;
    let body: Value = serde_json::from_str(&answer.body).ok()?;
    let (bids, asks, id) = (rows(body.get("bids")?)?, rows(body.get("asks")?)?, body.get("lastUpdateId")?.as_u64()?);
    Some(Piece {
        at: Duration::ZERO,
        symbol: symbol.to_owned(),
        is_snapshot: true,
        time: None,
        frame: Arc::new(Frame::whole(format!("{symbol}@snapshot").into(), String::new(), None)),
        note: Note::Book(BookNote { bids, asks, depth: usize::MAX, ids: Some((id, id)), checksum: None }),
    })
}

/// Returns the frame as clients get it, and its meaning; `None` for acknowledgements and unknown frames.
fn piece(recorded: &RecordedFrame, tallies: &mut Tallies) -> Option<Piece> {
    let text = &recorded.text;
    let (stream, wrapped, bare) = match serde_json::from_str::<Envelope<'_>>(text) {
        Ok(envelope) => {
            let data = envelope.data.get();
            let start = data.as_ptr().addr() - text.as_ptr().addr();
            (envelope.stream.into_owned(), text.clone(), start..start + data.len())
        }
        Err(_) => {
            let event: Value = serde_json::from_str(text).ok()?;
            let stream = derived_stream(&event, recorded.url.as_deref())?;
            let (head, tail) = encode::envelope(&stream);
            let bare = head.len()..head.len() + text.len();
            (stream, format!("{head}{text}{tail}"), bare)
        }
    };
    let event: Value = serde_json::from_str(wrapped.get(bare.clone())?).ok()?;
    let symbol = event.get("s").and_then(Value::as_str).unwrap_or_default().to_owned();
    let (note, id) = note(&symbol, &event, tallies).unwrap_or((Note::Other, None));
    let frame = Arc::new(Frame::with_part(stream.into(), wrapped, bare, id)?);
    let time = event.get("E").and_then(Value::as_i64).map(Timestamp::from_millis);
    Some(Piece { at: recorded.at, symbol, is_snapshot: false, time, frame, note })
}

/// Returns an event's meaning, and the venue's number in it.
fn note(symbol: &str, event: &Value, tallies: &mut Tallies) -> Option<(Note, Option<u64>)> {
    let number = |key: &str| event.get(key).and_then(Value::as_u64);
    let text = |key: &str| event.get(key).and_then(Value::as_str).map(str::to_owned);
    match event.get("e").map(Value::as_str) {
        Some(Some("depthUpdate")) => {
            let (ids, bids, asks) = ((number("U")?, number("u")?), rows(event.get("b")?)?, rows(event.get("a")?)?);
            let book = BookNote { bids, asks, depth: usize::MAX, ids: Some(ids), checksum: None };
            Some((Note::Book(book), Some(ids.1)))
        }
        Some(Some(kind @ ("trade" | "aggTrade"))) => {
            let (price, quantity) = (text("p")?, text("q")?);
            let print = Print {
                id: number(if kind == "aggTrade" { "a" } else { "t" })?,
                price: fixed::parse(&price)?,
                quantity: fixed::parse(&quantity)?,
                time_ms: event.get("T")?.as_i64()?,
                is_buyer_maker: event.get("m")?.as_bool()?,
            };
            tallies.see(symbol, &price, &quantity);
            let id = print.id;
            Some((Note::Trades(vec![(print, String::new())]), Some(id)))
        }
        // bookTicker is the only event without a kind and a time.
        None => {
            let (bid, ask) = ((text("b")?, text("B")?), (text("a")?, text("A")?));
            let update_id = number("u")?;
            Some((Note::Top(update_id, bid, ask), Some(update_id)))
        }
        _ => None,
    }
}

/// Returns the rows of a book side; `None` if one is not a pair of texts.
fn rows(side: &Value) -> Option<Vec<Row>> {
    let row = |row: &Value| Some((row.get(0)?.as_str()?.to_owned(), row.get(1)?.as_str()?.to_owned()));
    side.as_array()?.iter().map(row).collect()
}

/// Returns the stream of an event without an envelope; `url` is the connection's address, if known.
fn derived_stream(event: &Value, url: Option<&str>) -> Option<String> {
    // `wss://host/ws/btcusdt@trade`, `wss://host/stream?streams=a/b`.
    let listed = || {
        let url = url.unwrap_or_default();
        url.split_once("streams=").or_else(|| url.split_once("/ws/")).map(|(_, streams)| streams.split('/'))
    };
    let only_one = || {
        let mut streams = listed()?;
        let one = streams.next().filter(|stream| !stream.is_empty())?.to_owned();
        streams.next().is_none().then_some(one)
    };
    let Some(symbol) = event.get("s").and_then(Value::as_str).map(str::to_lowercase) else { return only_one() };
    Some(match event.get("e").map(|kind| kind.as_str().unwrap_or_default()) {
        None => format!("{symbol}@bookTicker"),
        Some("depthUpdate") => {
            let slow = format!("{symbol}@depth");
            let is_slow = listed().is_some_and(|mut streams| streams.any(|stream| stream == slow));
            if is_slow { slow } else { format!("{slow}@100ms") }
        }
        Some("24hrMiniTicker") => format!("{symbol}@miniTicker"),
        Some("24hrTicker") => format!("{symbol}@ticker"),
        Some("kline") => format!("{symbol}@kline_{}", event.get("k")?.get("i")?.as_str()?),
        Some(kind) => format!("{symbol}@{kind}"),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn streams_of_events_without_envelope() {
        let depth = json!({"e":"depthUpdate","s":"AAABBB"});
        for (event, url, expected) in [
            (json!({"e":"trade","s":"AAABBB"}), None, Some("aaabbb@trade")),
            (json!({"u":1,"s":"AAABBB","b":"1","B":"1","a":"2","A":"1"}), None, Some("aaabbb@bookTicker")),
            (json!({"e":"kline","s":"AAABBB","k":{"i":"1m"}}), None, Some("aaabbb@kline_1m")),
            (depth.clone(), None, Some("aaabbb@depth@100ms")),
            (depth.clone(), Some("wss://x/stream?streams=aaabbb@trade/aaabbb@depth"), Some("aaabbb@depth")),
            (depth, Some("wss://x/ws/aaabbb@depth@100ms"), Some("aaabbb@depth@100ms")),
            (json!({"lastUpdateId":1,"bids":[]}), Some("wss://x/ws/aaabbb@depth5"), Some("aaabbb@depth5")),
            (json!({"lastUpdateId":1,"bids":[]}), Some("wss://x/stream?streams=a@depth5/b@depth5"), None),
            (json!({"result":null,"id":1}), None, None),
        ] {
            assert_eq!(derived_stream(&event, url).as_deref(), expected, "{event}");
        }
    }

    #[test]
    fn broken_events_mean_nothing() {
        for event in [
            json!({"e":"trade","s":"A","t":1,"p":"1","q":"x","T":1,"m":true}),
            json!({"e":"depthUpdate","s":"A","U":1,"u":2,"b":[["1"]],"a":[]}),
            json!([1]),
            json!({"s":5}),
        ] {
            assert_eq!(note("A", &event, &mut Tallies::new(false)), None, "{event}");
        }
    }
}
