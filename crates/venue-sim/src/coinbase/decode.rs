//! Decodes recorded frames as far as the oracle needs; numbers keep their original text.

use std::{borrow::Cow, ops::Range, sync::Arc};

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{channel::Channel, encode};
use crate::{
    bars::Print,
    fixed,
    ladder::Row,
    moment,
    recorded::{BookNote, Note, Piece, Tallies, by_symbol},
    recording::{RecordedFrame, Recording},
    venue::Frame,
};

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    channel: Cow<'a, str>,
    #[serde(borrow)]
    timestamp: Cow<'a, str>,
    #[serde(borrow)]
    sequence_num: &'a RawValue,
    #[serde(borrow)]
    events: Vec<Event<'a>>,
}

#[derive(Deserialize)]
struct Event<'a> {
    #[serde(borrow, default)]
    r#type: Cow<'a, str>,
    #[serde(borrow)]
    product_id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    updates: Vec<Update<'a>>,
    #[serde(borrow, default)]
    trades: Vec<&'a RawValue>,
    #[serde(borrow, default)]
    tickers: Vec<&'a RawValue>,
    #[serde(borrow, default)]
    candles: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
struct Update<'a> {
    #[serde(borrow)]
    side: Cow<'a, str>,
    #[serde(borrow)]
    price_level: Cow<'a, str>,
    #[serde(borrow)]
    new_quantity: Cow<'a, str>,
}

#[derive(Deserialize)]
struct TradeEntry<'a> {
    #[serde(borrow)]
    trade_id: Cow<'a, str>,
    #[serde(borrow)]
    price: Cow<'a, str>,
    #[serde(borrow)]
    size: Cow<'a, str>,
    #[serde(borrow)]
    time: Cow<'a, str>,
    #[serde(borrow)]
    side: Cow<'a, str>,
}

#[derive(Deserialize)]
struct CandleEntry<'a> {
    #[serde(borrow)]
    start: Cow<'a, str>,
}

/// Returns the pieces of all frames; acknowledgements, heartbeats and unknown frames give none.
pub(super) fn read(recording: &Recording, tallies: &mut Tallies) -> Vec<Piece> {
    recording.frames.iter().flat_map(|frame| pieces(frame, tallies)).collect()
}

/// An event's content for one product: the product, its entries as text, and the note.
type Part<'a> = (String, Vec<&'a str>, Note);

fn pieces(recorded: &RecordedFrame, tallies: &mut Tallies) -> Vec<Piece> {
    let text = &recorded.text;
    let Ok(envelope) = serde_json::from_str::<Envelope<'_>>(text) else { return Vec::new() };
    let Some(channel) = Channel::of_wire(&envelope.channel).filter(|channel| *channel != Channel::Heartbeats) else {
        return Vec::new();
    };
    let time = moment::parse(&envelope.timestamp).unwrap_or_default();
    let mut found: Vec<(&str, Part<'_>)> = Vec::new();
    for event in &envelope.events {
        let parts = parts(channel, event, tallies).unwrap_or_default();
        found.extend(parts.into_iter().map(|part| (&*event.r#type, part)));
    }
    let number = place(text, envelope.sequence_num.get());
    let is_single = found.len() == 1;
    let piece = |(kind, (symbol, entries, note)): (&str, Part<'_>)| {
        let id = match &note {
            Note::Trades(trades) => trades.last().map(|(print, _)| print.id),
            _ => None,
        };
        let stream = channel.stream(&symbol);
        let alone = || match &note {
            Note::Book(book) => encode::level2(kind, &symbol, &(book.bids.clone(), book.asks.clone()), time),
            _ => encode::events(kind, channel.list().unwrap_or_default(), &entries.join(",")),
        };
        let verbatim = Frame::with_part(stream.as_str().into(), text.clone(), number.clone(), id);
        let frame = verbatim
            .filter(|_| is_single)
            .unwrap_or_else(|| encode::frame(&stream, channel.wire(), time, &alone(), id));
        Piece {
            at: recorded.at,
            is_snapshot: kind == "snapshot",
            symbol,
            time: Some(time),
            frame: Arc::new(frame),
            note,
        }
    };
    found.into_iter().map(piece).collect()
}

/// Returns the range of `part`, a slice of `text`, within it.
fn place(text: &str, part: &str) -> Range<usize> {
    let start = part.as_ptr().addr() - text.as_ptr().addr();
    start..start + part.len()
}

/// Returns an event's content for each product.
fn parts<'a>(channel: Channel, event: &Event<'a>, tallies: &mut Tallies) -> Option<Vec<Part<'a>>> {
    if channel == Channel::Level2 {
        let side = |names: &[&str]| -> Vec<Row> {
            let own = event.updates.iter().filter(|update| names.contains(&&*update.side));
            own.map(|update| (update.price_level.to_string(), update.new_quantity.to_string())).collect()
        };
        let product = event.product_id.as_ref()?.to_string();
        let (bids, asks) = (side(&["bid"]), side(&["offer"]));
        let note = Note::Book(BookNote { bids, asks, depth: usize::MAX, ids: None, checksum: None });
        return Some(vec![(product, Vec::new(), note)]);
    }
    let entries = match channel {
        Channel::MarketTrades => &event.trades,
        Channel::Candles => &event.candles,
        Channel::Ticker | Channel::TickerBatch => &event.tickers,
        _ => return None,
    };
    let part = |(product, texts): (String, Vec<&'a str>)| {
        let note = match channel {
            // Recorded newest first.
            Channel::MarketTrades => {
                let trades = texts.iter().rev().map(|text| Some((print(&product, text, tallies)?, (*text).to_owned())));
                Note::Trades(trades.collect::<Option<_>>()?)
            }
            Channel::Candles => {
                let candles = texts.iter().map(|text| {
                    let start: u64 = serde_json::from_str::<CandleEntry<'_>>(text).ok()?.start.parse().ok()?;
                    Some((format!("{start:020}"), (*text).to_owned()))
                });
                Note::Entries(candles.collect::<Option<_>>()?)
            }
            _ => Note::Entries(texts.last().map(|text| (String::new(), (*text).to_owned())).into_iter().collect()),
        };
        Some((product, texts, note))
    };
    by_symbol(entries).into_iter().map(part).collect()
}

fn print(product: &str, text: &str, tallies: &mut Tallies) -> Option<Print> {
    let entry: TradeEntry<'_> = serde_json::from_str(text).ok()?;
    tallies.see(product, &entry.price, &entry.size);
    Some(Print {
        id: entry.trade_id.parse().ok()?,
        price: fixed::parse(&entry.price)?,
        quantity: fixed::parse(&entry.size)?,
        time_ms: moment::parse(&entry.time)?.as_millis(),
        // The venue reports the maker's side.
        is_buyer_maker: entry.side == "BUY",
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ladder::rows;

    fn pieces_of(text: &str) -> Vec<Piece> {
        let line = serde_json::json!({ "t": "recv", "ts": 1.0, "data": text });
        read(&Recording::parse(&line.to_string()), &mut Tallies::new(false))
    }

    #[test]
    fn a_frame_is_kept_verbatim_but_for_its_number() {
        let text = r#"{"channel":"l2_data","timestamp":"2026-08-09T21:05:48.5Z","sequence_num":1234,"events":[{"type":"update","product_id":"A-B","updates":[{"side":"bid","event_time":"x","price_level":"9.10","new_quantity":"0"},{"side":"offer","event_time":"x","price_level":"10","new_quantity":"1.5"},{"side":"ask","event_time":"x","price_level":"11","new_quantity":"1"}]}]}"#;
        let pieces = pieces_of(text);
        let piece = &pieces[0];
        assert_eq!((piece.frame.text.as_str(), &piece.frame.text[piece.frame.part.clone()]), (text, "1234"));
        let Note::Book(book) = &piece.note else { panic!() };
        assert_eq!((&book.bids, &book.asks), (&rows(&[("9.10", "0")]), &rows(&[("10", "1.5")])));
        assert_eq!((&*piece.frame.stream, piece.is_snapshot), ("level2/A-B", false));
    }

    #[test]
    fn frames_about_several_products_are_taken_apart() {
        let text = r#"{"channel":"market_trades","timestamp":"2026-08-09T21:05:48Z","sequence_num":5,"events":[{"type":"snapshot","trades":[{"trade_id":"2","product_id":"A-B","price":"1.5","size":"2","time":"2026-08-09T21:05:42.5Z","side":"SELL"},{"trade_id":"7","product_id":"C-D","price":"1","size":"1","time":"2026-08-09T21:05:41Z","side":"BUY"}]}]}"#;
        let pieces = pieces_of(text);
        assert_eq!(pieces.iter().map(|piece| piece.symbol.as_str()).collect::<Vec<_>>(), ["A-B", "C-D"]);
        let Note::Trades(trades) = &pieces[0].note else { panic!() };
        assert_eq!((trades[0].0.id, trades[0].0.is_buyer_maker), (2, false));
        let alone: serde_json::Value = serde_json::from_str(&pieces[1].frame.text).unwrap();
        assert_eq!(alone["events"][0]["trades"][0]["trade_id"], "7");
        assert_eq!(alone["events"][0]["trades"].as_array().unwrap().len(), 1);
    }

    #[test]
    fn the_rest_says_nothing() {
        for text in [
            "x",
            r#"{"type":"error","message":"x"}"#,
            r#"{"channel":"subscriptions","timestamp":"x","sequence_num":1,"events":[{"subscriptions":{}}]}"#,
            r#"{"channel":"heartbeats","timestamp":"x","sequence_num":1,"events":[{"heartbeat_counter":1}]}"#,
            r#"{"channel":"candles","timestamp":"x","sequence_num":1,"events":[{"candles":[{"product_id":"A-B"}]}]}"#,
        ] {
            assert!(pieces_of(text).is_empty(), "{text}");
        }
    }
}
