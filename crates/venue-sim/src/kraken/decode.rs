//! Decodes recorded frames as far as the oracle needs; numbers keep their original text.

use std::{borrow::Cow, collections::BTreeMap, sync::Arc};

use model::time::Timestamp;
use serde::Deserialize;
use serde_json::{Value, value::RawValue};

use super::{
    channel::{Channel, DEPTHS},
    encode,
};
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
    r#type: Cow<'a, str>,
    #[serde(borrow)]
    data: &'a RawValue,
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

/// Returns the pieces of all frames; acknowledgements, heartbeats and unknown frames give none.
pub(super) fn read(recording: &Recording, tallies: &mut Tallies) -> Vec<Piece> {
    let mut depths: BTreeMap<String, usize> = BTreeMap::new();
    for (symbol, depth) in recording.frames.iter().filter_map(|frame| acknowledged_depth(&frame.text)) {
        depths.entry(symbol).or_insert(depth);
    }
    recording.frames.iter().flat_map(|frame| pieces(frame, &mut depths, tallies)).collect()
}

/// Returns the pieces of one frame; `depths` are those of the recorded books.
fn pieces(recorded: &RecordedFrame, depths: &mut BTreeMap<String, usize>, tallies: &mut Tallies) -> Vec<Piece> {
    let Ok(envelope) = serde_json::from_str::<Envelope<'_>>(&recorded.text) else { return Vec::new() };
    let Ok(entries) = serde_json::from_str::<Vec<&RawValue>>(envelope.data.get()) else { return Vec::new() };
    let is_snapshot = envelope.r#type == "snapshot";
    let by_symbol = by_symbol(&entries);
    let is_single = by_symbol.len() == 1;
    let piece = |(symbol, entries): (String, Vec<&str>)| {
        let (channel, time, note) = note(&envelope.channel, &symbol, &entries, depths, tallies)?;
        let text = if is_single {
            recorded.text.clone()
        } else {
            encode::frame(&envelope.channel, &envelope.r#type, &entries.join(","))
        };
        let id = match &note {
            Note::Trades(trades) => trades.last().map(|(print, _)| print.id),
            _ => None,
        };
        let frame = Arc::new(Frame::whole(channel.stream(&symbol).into(), text, id));
        Some(Piece { at: recorded.at, symbol, is_snapshot, time, frame, note })
    };
    by_symbol.into_iter().filter_map(piece).collect()
}

fn note(
    channel: &str,
    symbol: &str,
    entries: &[&str],
    depths: &mut BTreeMap<String, usize>,
    tallies: &mut Tallies,
) -> Option<(Channel, Option<Timestamp>, Note)> {
    match channel {
        "book" => {
            // One entry for each symbol; several entries of one symbol are applied in order.
            let (mut bids, mut asks, mut checksum, mut time) = (Vec::new(), Vec::new(), None, None);
            for entry in entries {
                let entry: BookEntry<'_> = serde_json::from_str(entry).ok()?;
                bids.extend(entry.bids.iter().map(row));
                asks.extend(entry.asks.iter().map(row));
                checksum = entry.checksum.or(checksum);
                time = entry.timestamp.and_then(|text| moment::parse(&text)).or(time);
            }
            let n_rows = bids.len().max(asks.len());
            let wide_enough = || DEPTHS.into_iter().find(|depth| *depth >= n_rows).unwrap_or(DEPTHS[4]);
            let depth = *depths.entry(symbol.to_owned()).or_insert_with(wide_enough);
            let note = Note::Book(BookNote { bids, asks, depth, ids: None, checksum });
            Some((Channel::Book(depth), time, note))
        }
        "trade" => {
            let print = |entry: &&str| Some((print(symbol, entry, tallies)?, (*entry).to_owned()));
            let trades: Vec<_> = entries.iter().map(print).collect::<Option<_>>()?;
            let time = trades.last().map(|(print, _)| Timestamp::from_millis(print.time_ms));
            Some((Channel::Trade, time, Note::Trades(trades)))
        }
        "ticker" => Some((Channel::Ticker, None, Note::Entries(vec![(String::new(), (*entries.last()?).to_owned())]))),
        "ohlc" => {
            let bars = entries.iter().map(|text| {
                let entry: BarEntry<'_> = serde_json::from_str(text).ok()?;
                Some((entry.interval, entry.interval_begin.into_owned(), (*text).to_owned()))
            });
            let bars = bars.collect::<Option<Vec<_>>>()?;
            let minutes = bars.first()?.0;
            let entries = bars.into_iter().map(|(_, begin, text)| (begin, text)).collect();
            Some((Channel::Ohlc(minutes), None, Note::Entries(entries)))
        }
        _ => None,
    }
}

fn row(level: &LevelEntry<'_>) -> Row {
    (level.price.get().to_owned(), level.qty.get().to_owned())
}

fn print(symbol: &str, text: &str, tallies: &mut Tallies) -> Option<Print> {
    let entry: TradeEntry<'_> = serde_json::from_str(text).ok()?;
    tallies.see(symbol, entry.price.get(), entry.qty.get());
    Some(Print {
        id: entry.trade_id,
        price: fixed::parse(entry.price.get())?,
        quantity: fixed::parse(entry.qty.get())?,
        time_ms: moment::parse(&entry.timestamp)?.as_millis(),
        is_buyer_maker: entry.side == "sell",
    })
}

/// Returns symbol and depth of a recorded acknowledgement of a book.
fn acknowledged_depth(text: &str) -> Option<(String, usize)> {
    let frame: Value = serde_json::from_str(text).ok()?;
    let result = frame.get("result").filter(|result| result.get("channel").is_some_and(|channel| channel == "book"))?;
    let depth = usize::try_from(result.get("depth")?.as_u64()?).ok().filter(|depth| DEPTHS.contains(depth))?;
    Some((result.get("symbol")?.as_str()?.to_owned(), depth))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ladder::rows;

    fn pieces_of(text: &str) -> Vec<Piece> {
        let line = serde_json::json!({ "t": "recv", "ts": 1.0, "data": text });
        read(&Recording::parse(&line.to_string()), &mut Tallies::new(true))
    }

    #[test]
    fn frames_keep_their_digits() {
        let text = r#"{"channel":"book","data":[{"symbol":"A/B","bids":[{"price":9.10,"qty":0.00000000}],"asks":[],"checksum":7}],"type":"update"}"#;
        let pieces = pieces_of(text);
        assert_eq!((pieces.len(), pieces[0].frame.text.as_str(), pieces[0].is_snapshot), (1, text, false));
        let bids = rows(&[("9.10", "0.00000000")]);
        assert_eq!(
            pieces[0].note,
            Note::Book(BookNote { bids, asks: vec![], depth: 10, ids: None, checksum: Some(7) })
        );
        assert_eq!(&*pieces[0].frame.stream, "book/10/A/B");
    }

    #[test]
    fn frames_about_several_symbols_are_taken_apart() {
        let text =
            r#"{"channel":"ticker","type":"snapshot","data":[{"symbol":"A/B","last":1.50},{"symbol":"C/D","last":2}]}"#;
        let pieces = pieces_of(text);
        let first = r#"{"channel":"ticker","type":"snapshot","data":[{"symbol":"A/B","last":1.50}]}"#;
        assert_eq!(pieces[0].frame.text.as_str(), first);
        let second = r#"{"symbol":"C/D","last":2}"#.to_owned();
        assert_eq!(pieces[1].note, Note::Entries(vec![(String::new(), second)]));
    }

    #[test]
    fn trades_bars_and_the_rest() {
        let trade = r#"{"channel":"trade","type":"update","data":[{"symbol":"A/B","side":"sell","price":2.5,"qty":1.00,"ord_type":"limit","trade_id":9,"timestamp":"1970-01-01T00:00:01.500000Z"}]}"#;
        let Note::Trades(trades) = &pieces_of(trade)[0].note else { panic!() };
        assert_eq!((trades[0].0.id, trades[0].0.time_ms, trades[0].0.is_buyer_maker), (9, 1_500, true));
        let bar = r#"{"channel":"ohlc","type":"update","data":[{"symbol":"A/B","interval":5,"interval_begin":"x"}]}"#;
        assert_eq!(&*pieces_of(bar)[0].frame.stream, "ohlc/5/A/B");
        for other in
            [r#"{"channel":"heartbeat"}"#, "[]", "x", r#"{"channel":"book","type":"update","data":[{"symbol":"A"}]}"#]
        {
            assert!(pieces_of(other).is_empty(), "{other}");
        }
        let ack = r#"{"method":"subscribe","result":{"channel":"book","depth":25,"symbol":"A/B"},"success":true}"#;
        assert_eq!(acknowledged_depth(ack), Some(("A/B".to_owned(), 25)));
    }
}
