//! Decodes recorded frames: each frame as it was, or split if it was about several symbols.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{
    bars::Print,
    fixed,
    recorded::{Note, Piece, Tallies, by_symbol},
    recording::{RecordedFrame, Recording},
    venue::Frame,
};

#[derive(Deserialize)]
struct Trades<'a> {
    #[serde(borrow)]
    data: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
struct Figures<'a> {
    #[serde(borrow)]
    p: &'a RawValue,
    #[serde(borrow)]
    v: &'a RawValue,
    t: i64,
}

/// Returns one piece for each frame and symbol; none for pings and errors.
pub(super) fn read(recording: &Recording, tallies: &mut Tallies) -> Vec<Piece> {
    recording.frames.iter().flat_map(|frame| pieces(frame, tallies)).collect()
}

fn pieces(recorded: &RecordedFrame, tallies: &mut Tallies) -> Vec<Piece> {
    let Ok(Trades { data }) = serde_json::from_str(&recorded.text) else { return Vec::new() };
    let by_symbol = by_symbol(&data);
    let is_single = by_symbol.len() == 1;
    let piece = |(symbol, entries): (String, Vec<&str>)| {
        let text = if is_single { recorded.text.clone() } else { super::frame(&entries.join(",")) };
        let trades = entries.iter().filter_map(|entry| Some((print(&symbol, entry, tallies)?, String::new())));
        let note = Note::Trades(trades.collect());
        let frame = Arc::new(Frame::whole(symbol.as_str().into(), text, None));
        Piece { at: recorded.at, symbol, is_snapshot: false, time: None, frame, note }
    };
    by_symbol.into_iter().map(piece).collect()
}

/// Parses a trade; the venue gives it neither number nor side.
fn print(symbol: &str, entry: &str, tallies: &mut Tallies) -> Option<Print> {
    let Figures { p, v, t } = serde_json::from_str(entry).ok()?;
    tallies.see(symbol, p.get(), v.get());
    let (price, quantity) = (fixed::parse(p.get())?, fixed::parse(v.get())?);
    Some(Print { id: 0, price, quantity, time_ms: t, is_buyer_maker: false })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str) -> Vec<(String, String)> {
        let line = serde_json::json!({ "t": "recv", "ts": 1.0, "data": text });
        let pieces = read(&Recording::parse(&line.to_string()), &mut Tallies::new(false));
        pieces.iter().map(|piece| (piece.symbol.clone(), piece.frame.text.to_string())).collect()
    }

    #[test]
    fn frames_are_taken_apart_by_symbol() {
        let single =
            r#"{"data":[{"c":null,"p":1.50,"s":"A:B","t":1,"v":2},{"p":1,"s":"A:B","t":1,"v":2}],"type":"trade"}"#;
        assert_eq!(texts(single)[0].1, single);
        let mixed = r#"{"data":[{"p":1.50,"s":"A:B","t":1,"v":2},{"p":1,"s":"C","t":1,"v":2}],"type":"trade"}"#;
        let part = |entry: &str| format!(r#"{{"data":[{entry}],"type":"trade"}}"#);
        assert_eq!(
            texts(mixed),
            [
                ("A:B".to_owned(), part(r#"{"p":1.50,"s":"A:B","t":1,"v":2}"#)),
                ("C".to_owned(), part(r#"{"p":1,"s":"C","t":1,"v":2}"#)),
            ]
        );
        assert!(texts(r#"{"type":"ping"}"#).is_empty());
    }
}
