//! The count of `cargo xtask bench bytes`, on a small recording: what the venue sent, and what a reader received for it.

use std::{collections::BTreeMap, io::Write};

use serde_json::Value;
use tempfile::NamedTempFile;
use topics::lane::Lane;

use super::feed::recording;

#[path = "../../benches/bytes/play.rs"]
mod play;
#[path = "../../benches/bytes/raw.rs"]
mod raw;

use play::{PageTopics, play};
use raw::Raw;

fn page(lane: Lane, is_deep: bool) -> PageTopics {
    PageTopics { shown: lane, chart: lane, is_deep }
}

#[test]
fn every_frame_and_every_message_counts() {
    let text = recording(500);
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    let files = [file.path().to_owned()];
    // Each of them reads all messages, and ends with the market as it was published.
    let rows: BTreeMap<&str, _> = [
        ("screen", page(Lane::Screen, false)),
        ("fast", page(Lane::Fast, false)),
        ("deep", page(Lane::Fast, true)),
        ("slow", page(Lane::Slow, false)),
    ]
    .map(|(name, page)| (name, play("binance", &files, page)))
    .into();
    let fast = rows["fast"];
    assert!((1_000_000..1_000_100).contains(&fast.from.as_millis()), "{}", fast.from);
    assert_eq!(fast.until.as_millis(), 1_049_920);
    for (name, row) in &rows {
        assert_eq!(row.from, fast.from, "{name}");
        assert!(0 < row.trades.binary && row.trades.binary < row.trades.json, "{name}: {row:?}");
        assert!(row.trades.json < row.deltas.json && row.deltas.json < row.whole_json, "{name}: {row:?}");
        assert!(0 < row.snapshots.binary && row.snapshots.binary < row.snapshots.json, "{name}: {row:?}");
        assert!(row.trades.binary < row.deltas.binary && row.deltas.binary < row.deltas.json, "{name}: {row:?}");
    }
    // A slower lane sends less; no lane loses a trade, but each message of trades begins with a head.
    assert!(rows["slow"].deltas.binary < fast.deltas.binary && fast.deltas.binary < rows["deep"].deltas.binary);
    assert!(rows["slow"].trades.json < fast.trades.json && fast.trades.json <= rows["screen"].trades.json);

    let entries: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let payload = |entry: &Value| entry["data"].as_str().unwrap().len();
    let frames: Vec<&Value> = entries
        .iter()
        .filter(|entry| entry["t"] == "recv" && entry["ts"].as_f64().unwrap() * 1e6 > fast.from.as_micros() as f64)
        .collect();
    let trades = frames.iter().filter(|entry| entry["data"].as_str().unwrap().contains("@trade"));
    let raw = Raw::read("binance", &files, fast.from);
    assert!(0 < raw.deflated_bytes && raw.deflated_bytes < raw.bytes / 2, "{raw:?}");
    let expected = Raw {
        n_frames: frames.len(),
        bytes: frames.iter().map(|entry| payload(entry)).sum(),
        trade_bytes: trades.map(|entry| payload(entry)).sum(),
        deflated_bytes: raw.deflated_bytes,
        // The first frame lets the session ask for the book, which the recorded answer gives it.
        book_bytes: payload(&entries[0]) + payload(&entries[1]),
    };
    assert_eq!(raw, expected);
}
