//! What a recorded frame means, as far as the oracle needs it; numbers stay the text of the wire.

use std::{borrow::Cow, ops::Range};

use model::time::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{channel::Channel, encode};
use crate::{bars::Print, clients::SharedFrame, fixed, ladder::Row, moment, venue::Frame};

/// A frame, or the part of one that is about one product.
#[derive(Clone, Debug)]
pub(super) struct Piece {
    pub(super) channel: Channel,
    pub(super) product: String,
    pub(super) is_snapshot: bool,
    pub(super) time: Timestamp,
    pub(super) frame: SharedFrame,
    pub(super) note: Note,
}

/// What it says.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Note {
    Level2 {
        bids: Vec<Row>,
        asks: Vec<Row>,
    },
    /// Newest first, each with its text.
    Trades(Vec<(Print, String)>),
    /// The last one's text.
    Ticker(String),
    /// Start and text of each.
    Candles(Vec<(u64, String)>),
    Other,
}

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
struct Named<'a> {
    #[serde(borrow)]
    product_id: Cow<'a, str>,
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

/// The pieces of a frame; none for acknowledgements, heartbeats and the unknown.
pub(super) fn read(text: &str) -> Vec<Piece> {
    let Ok(envelope) = serde_json::from_str::<Envelope<'_>>(text) else { return Vec::new() };
    let Some(channel) = Channel::of_wire(&envelope.channel).filter(|channel| *channel != Channel::Heartbeats) else {
        return Vec::new();
    };
    let time = moment::parse(&envelope.timestamp).unwrap_or_default();
    let mut pieces: Vec<(String, bool, Note)> = Vec::new();
    for event in &envelope.events {
        pieces.extend(notes(channel, event).unwrap_or_default());
    }
    let number = place(text, envelope.sequence_num.get());
    let is_single = pieces.len() == 1;
    pieces
        .into_iter()
        .map(|(product, is_snapshot, note)| {
            let (stream, id) = (channel.stream(&product), note.id());
            let frame = match Frame::with_part(stream.as_str().into(), text.to_owned(), number.clone(), id) {
                Some(verbatim) if is_single => verbatim.into(),
                _ => encode::frame(stream, channel.wire(), time, &note.events(&product, is_snapshot, time), id),
            };
            Piece { channel, product, is_snapshot, time, frame, note }
        })
        .collect()
}

/// Where `part`, a slice of `text`, lies in it.
fn place(text: &str, part: &str) -> Range<usize> {
    let start = part.as_ptr().addr() - text.as_ptr().addr();
    start..start + part.len()
}

/// What an event says of each product.
fn notes(channel: Channel, event: &Event<'_>) -> Option<Vec<(String, bool, Note)>> {
    let is_snapshot = event.r#type == "snapshot";
    let named = |entries: &[&RawValue]| -> Option<Vec<(String, Vec<String>)>> {
        let mut by_product: Vec<(String, Vec<String>)> = Vec::new();
        for entry in entries {
            let Named { product_id } = serde_json::from_str(entry.get()).ok()?;
            match by_product.iter_mut().find(|(known, _)| *known == product_id) {
                Some((_, own)) => own.push(entry.get().to_owned()),
                None => by_product.push((product_id.into_owned(), vec![entry.get().to_owned()])),
            }
        }
        Some(by_product)
    };
    let each = |entries: &[&RawValue], note: fn(Vec<String>) -> Option<Note>| {
        let products = named(entries)?.into_iter();
        products.map(|(product, texts)| Some((product, is_snapshot, note(texts)?))).collect::<Option<Vec<_>>>()
    };
    match channel {
        Channel::Level2 => {
            let side = |names: &[&str]| -> Vec<Row> {
                let own = event.updates.iter().filter(|update| names.contains(&&*update.side));
                own.map(|update| (update.price_level.to_string(), update.new_quantity.to_string())).collect()
            };
            let note = Note::Level2 { bids: side(&["bid"]), asks: side(&["offer"]) };
            Some(vec![(event.product_id.as_ref()?.to_string(), is_snapshot, note)])
        }
        Channel::MarketTrades => each(&event.trades, |texts| {
            let prints = texts.into_iter().map(|text| Some((print(&text)?, text)));
            prints.collect::<Option<_>>().map(Note::Trades)
        }),
        Channel::Ticker | Channel::TickerBatch => {
            each(&event.tickers, |mut texts| Some(texts.pop().map_or(Note::Other, Note::Ticker)))
        }
        Channel::Candles => each(&event.candles, |texts| {
            let candles = texts.into_iter().map(|text| {
                let start = serde_json::from_str::<CandleEntry<'_>>(&text).ok()?.start.parse().ok()?;
                Some((start, text))
            });
            candles.collect::<Option<_>>().map(Note::Candles)
        }),
        Channel::Status | Channel::Heartbeats => None,
    }
}

fn print(text: &str) -> Option<Print> {
    let entry: TradeEntry<'_> = serde_json::from_str(text).ok()?;
    Some(Print {
        id: entry.trade_id.parse().ok()?,
        price: fixed::parse(&entry.price)?,
        quantity: fixed::parse(&entry.size)?,
        time_ms: moment::parse(&entry.time)?.as_millis(),
        // The side is the maker's.
        is_buyer_maker: entry.side == "BUY",
    })
}

impl Note {
    fn id(&self) -> Option<u64> {
        match self {
            Self::Trades(trades) => trades.first().map(|(print, _)| print.id),
            _ => None,
        }
    }

    /// The `events` that say the same of one product.
    pub(super) fn events(&self, product: &str, is_snapshot: bool, time: Timestamp) -> String {
        let kind = if is_snapshot { "snapshot" } else { "update" };
        let list = |name: &str, texts: Vec<&str>| format!(r#"[{{"type":"{kind}","{name}":[{}]}}]"#, texts.join(","));
        match self {
            Self::Level2 { bids, asks } => encode::level2(kind, product, &(bids.clone(), asks.clone()), time),
            Self::Trades(trades) => list("trades", trades.iter().map(|(_, text)| text.as_str()).collect()),
            Self::Ticker(text) => list("tickers", vec![text]),
            Self::Candles(candles) => list("candles", candles.iter().map(|(_, text)| text.as_str()).collect()),
            Self::Other => "[]".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ladder::rows;

    #[test]
    fn a_frame_is_kept_verbatim_but_for_its_number() {
        let text = r#"{"channel":"l2_data","timestamp":"2026-08-09T21:05:48.5Z","sequence_num":1234,"events":[{"type":"update","product_id":"A-B","updates":[{"side":"bid","event_time":"x","price_level":"9.10","new_quantity":"0"},{"side":"offer","event_time":"x","price_level":"10","new_quantity":"1.5"},{"side":"ask","event_time":"x","price_level":"11","new_quantity":"1"}]}]}"#;
        let pieces = read(text);
        let piece = &pieces[0];
        assert_eq!((piece.frame.text.as_str(), &piece.frame.text[piece.frame.part.clone()]), (text, "1234"));
        assert_eq!(piece.note, Note::Level2 { bids: rows(&[("9.10", "0")]), asks: rows(&[("10", "1.5")]) });
        assert_eq!((&*piece.frame.stream, piece.is_snapshot), ("level2/A-B", false));
    }

    #[test]
    fn frames_about_several_products_are_taken_apart() {
        let text = r#"{"channel":"market_trades","timestamp":"2026-08-09T21:05:48Z","sequence_num":5,"events":[{"type":"snapshot","trades":[{"trade_id":"2","product_id":"A-B","price":"1.5","size":"2","time":"2026-08-09T21:05:42.5Z","side":"SELL"},{"trade_id":"7","product_id":"C-D","price":"1","size":"1","time":"2026-08-09T21:05:41Z","side":"BUY"}]}]}"#;
        let pieces = read(text);
        assert_eq!(pieces.iter().map(|piece| piece.product.as_str()).collect::<Vec<_>>(), ["A-B", "C-D"]);
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
            assert!(read(text).is_empty(), "{text}");
        }
    }
}
