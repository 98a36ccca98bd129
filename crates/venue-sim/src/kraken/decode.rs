//! What a recorded frame means, as far as the oracle needs it; numbers stay the text of the wire.

use std::borrow::Cow;

use model::time::Timestamp;
use serde::Deserialize;
use serde_json::{Value, value::RawValue};

use super::{
    channel::{Channel, DEPTHS},
    encode,
};
use crate::{bars::Print, fixed, ladder::Row, moment};

/// A frame, or the part of one that is about one symbol.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Piece {
    pub(super) symbol: String,
    pub(super) is_snapshot: bool,
    /// The text that goes out; verbatim unless the frame was about several symbols.
    pub(super) text: String,
    pub(super) note: Note,
}

/// What it says.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Note {
    Book {
        bids: Vec<Row>,
        asks: Vec<Row>,
        checksum: Option<u32>,
        time: Option<Timestamp>,
    },
    /// Each trade with its text.
    Trades(Vec<(Print, String)>),
    Ticker(String),
    /// Minutes of a bar, then `interval_begin` and text of each.
    Bars(i64, Vec<(String, String)>),
}

impl Piece {
    /// Its stream. A book's depth is that of the recording.
    pub(super) fn channel(&self, depth: usize) -> Channel {
        match &self.note {
            Note::Book { .. } => Channel::Book(depth),
            Note::Trades(_) => Channel::Trade,
            Note::Ticker(_) => Channel::Ticker,
            Note::Bars(minutes, _) => Channel::Ohlc(*minutes),
        }
    }

    /// The venue's time in it, where it has one.
    pub(super) fn time(&self) -> Option<Timestamp> {
        match &self.note {
            Note::Book { time, .. } => *time,
            Note::Trades(trades) => trades.last().map(|(print, _)| Timestamp::from_millis(print.time_ms)),
            Note::Ticker(_) | Note::Bars(..) => None,
        }
    }
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    channel: Cow<'a, str>,
    #[serde(borrow)]
    r#type: Cow<'a, str>,
    #[serde(borrow)]
    data: &'a RawValue,
}

#[derive(Deserialize)]
struct Named<'a> {
    #[serde(borrow)]
    symbol: Cow<'a, str>,
}

#[derive(Deserialize)]
struct BookEntry<'a> {
    #[serde(borrow)]
    bids: Vec<LevelEntry<'a>>,
    #[serde(borrow)]
    asks: Vec<LevelEntry<'a>>,
    checksum: Option<u32>,
    #[serde(borrow)]
    timestamp: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct LevelEntry<'a> {
    #[serde(borrow)]
    price: &'a RawValue,
    #[serde(borrow)]
    qty: &'a RawValue,
}

#[derive(Deserialize)]
struct TradeEntry<'a> {
    #[serde(borrow)]
    side: Cow<'a, str>,
    #[serde(borrow)]
    price: &'a RawValue,
    #[serde(borrow)]
    qty: &'a RawValue,
    trade_id: u64,
    #[serde(borrow)]
    timestamp: Cow<'a, str>,
}

#[derive(Deserialize)]
struct BarEntry<'a> {
    #[serde(borrow)]
    interval_begin: Cow<'a, str>,
    interval: i64,
}

/// The pieces of a frame; none for acknowledgements, heartbeats and the unknown.
pub(super) fn read(text: &str) -> Vec<Piece> {
    let Ok(envelope) = serde_json::from_str::<Envelope<'_>>(text) else { return Vec::new() };
    let Ok(entries) = serde_json::from_str::<Vec<&RawValue>>(envelope.data.get()) else { return Vec::new() };
    let is_snapshot = envelope.r#type == "snapshot";
    let mut by_symbol: Vec<(String, Vec<&str>)> = Vec::new();
    for entry in entries {
        let Ok(Named { symbol }) = serde_json::from_str(entry.get()) else { continue };
        match by_symbol.iter_mut().find(|(known, _)| *known == symbol) {
            Some((_, own)) => own.push(entry.get()),
            None => by_symbol.push((symbol.into_owned(), vec![entry.get()])),
        }
    }
    let is_single = by_symbol.len() == 1;
    by_symbol
        .into_iter()
        .filter_map(|(symbol, entries)| {
            let note = note(&envelope.channel, &entries)?;
            let text = if is_single {
                text.to_owned()
            } else {
                let kind = if is_snapshot { encode::Kind::Snapshot } else { encode::Kind::Update };
                let entries: Vec<String> = entries.iter().map(|&entry| entry.to_owned()).collect();
                encode::frame(&envelope.channel, kind, &entries)
            };
            Some(Piece { symbol, is_snapshot, text, note })
        })
        .collect()
}

fn note(channel: &str, entries: &[&str]) -> Option<Note> {
    match channel {
        "book" => {
            // One entry a symbol; several are one after the other.
            let (mut bids, mut asks, mut checksum, mut time) = (Vec::new(), Vec::new(), None, None);
            for entry in entries {
                let entry: BookEntry<'_> = serde_json::from_str(entry).ok()?;
                bids.extend(entry.bids.iter().map(row));
                asks.extend(entry.asks.iter().map(row));
                checksum = entry.checksum.or(checksum);
                time = entry.timestamp.and_then(|text| moment::parse(&text)).or(time);
            }
            Some(Note::Book { bids, asks, checksum, time })
        }
        "trade" => entries
            .iter()
            .map(|entry| Some((print(entry)?, (*entry).to_owned())))
            .collect::<Option<_>>()
            .map(Note::Trades),
        "ticker" => entries.last().map(|entry| Note::Ticker((*entry).to_owned())),
        "ohlc" => {
            let bars = entries.iter().map(|text| {
                let entry: BarEntry<'_> = serde_json::from_str(text).ok()?;
                Some((entry.interval, entry.interval_begin.into_owned(), (*text).to_owned()))
            });
            let bars = bars.collect::<Option<Vec<_>>>()?;
            let minutes = bars.first()?.0;
            Some(Note::Bars(minutes, bars.into_iter().map(|(_, begin, text)| (begin, text)).collect()))
        }
        _ => None,
    }
}

fn row(level: &LevelEntry<'_>) -> Row {
    (level.price.get().to_owned(), level.qty.get().to_owned())
}

fn print(text: &str) -> Option<Print> {
    let entry: TradeEntry<'_> = serde_json::from_str(text).ok()?;
    Some(Print {
        id: entry.trade_id,
        price: fixed::parse(entry.price.get())?,
        quantity: fixed::parse(entry.qty.get())?,
        time_ms: moment::parse(&entry.timestamp)?.as_millis(),
        is_buyer_maker: entry.side == "sell",
    })
}

/// Symbol and depth of a recorded acknowledgement of a book.
pub(super) fn acknowledged_depth(text: &str) -> Option<(String, usize)> {
    let frame: Value = serde_json::from_str(text).ok()?;
    let result = frame.get("result").filter(|result| result.get("channel").is_some_and(|channel| channel == "book"))?;
    let depth = usize::try_from(result.get("depth")?.as_u64()?).ok().filter(|depth| DEPTHS.contains(depth))?;
    Some((result.get("symbol")?.as_str()?.to_owned(), depth))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ladder::rows;

    #[test]
    fn frames_keep_their_digits() {
        let text = r#"{"channel":"book","data":[{"symbol":"A/B","bids":[{"price":9.10,"qty":0.00000000}],"asks":[],"checksum":7}],"type":"update"}"#;
        let pieces = read(text);
        assert_eq!((pieces.len(), pieces[0].text.as_str(), pieces[0].is_snapshot), (1, text, false));
        let expected =
            Note::Book { bids: rows(&[("9.10", "0.00000000")]), asks: vec![], checksum: Some(7), time: None };
        assert_eq!(pieces[0].note, expected);
        assert_eq!(pieces[0].channel(25), Channel::Book(25));
    }

    #[test]
    fn frames_about_several_symbols_are_taken_apart() {
        let text =
            r#"{"channel":"ticker","type":"snapshot","data":[{"symbol":"A/B","last":1.50},{"symbol":"C/D","last":2}]}"#;
        let pieces = read(text);
        assert_eq!(pieces[0].text, r#"{"channel":"ticker","type":"snapshot","data":[{"symbol":"A/B","last":1.50}]}"#);
        assert_eq!(pieces[1].note, Note::Ticker(r#"{"symbol":"C/D","last":2}"#.to_owned()));
    }

    #[test]
    fn trades_bars_and_the_rest() {
        let trade = r#"{"channel":"trade","type":"update","data":[{"symbol":"A/B","side":"sell","price":2.5,"qty":1.00,"ord_type":"limit","trade_id":9,"timestamp":"1970-01-01T00:00:01.500000Z"}]}"#;
        let Note::Trades(trades) = &read(trade)[0].note else { panic!() };
        assert_eq!((trades[0].0.id, trades[0].0.time_ms, trades[0].0.is_buyer_maker), (9, 1_500, true));
        let bar = r#"{"channel":"ohlc","type":"update","data":[{"symbol":"A/B","interval":5,"interval_begin":"x"}]}"#;
        assert_eq!(read(bar)[0].channel(10), Channel::Ohlc(5));
        for other in
            [r#"{"channel":"heartbeat"}"#, "[]", "x", r#"{"channel":"book","type":"update","data":[{"symbol":"A"}]}"#]
        {
            assert_eq!(read(other), [], "{other}");
        }
        let ack = r#"{"method":"subscribe","result":{"channel":"book","depth":25,"symbol":"A/B"},"success":true}"#;
        assert_eq!(acknowledged_depth(ack), Some(("A/B".to_owned(), 25)));
    }
}
