//! `decode` on a recording written by hand: every figure of the summary, plain and packed, and nothing bad enough to fail.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};
use server::{cli::decode::Decoder, recorder::recording_file::RecordingFile};
use venues::replay::Replay;

/// Two books' worth of trouble in a dozen lines. The answer stands before the connection, as recorders leave it.
const RECORDING: &str = concat!(
    r#"{"t":"header","note":"written by hand"}"#,
    "\n",
    r#"{"t":"http","ts":1.0,"url":"https://x.test/api/v3/depth?symbol=AAABBB&limit=1000","data":"{\"lastUpdateId\":10,\"bids\":[[\"1.50\",\"2.0\"],[\"1.40\",\"1\"]],\"asks\":[[\"1.60\",\"3.0\"],[\"1.70\",\"4\"]]}"}"#,
    "\n",
    "this line is no JSON\n",
    "\n",
    r#"{"t":"recv","ts":2.0,"data":"{\"stream\":\"aaabbb@depth@100ms\",\"data\":{\"e\":\"depthUpdate\",\"E\":2000,\"s\":\"AAABBB\",\"U\":11,\"u\":12,\"b\":[[\"1.50\",\"5.00\"]],\"a\":[]}}"}"#,
    "\n",
    r#"{"t":"recv","ts":2.1,"data":"{\"stream\":\"aaabbb@bookTicker\",\"data\":{\"u\":13,\"s\":\"AAABBB\",\"b\":\"1.50\",\"B\":\"5.00\",\"a\":\"1.60\",\"A\":\"1.0\"}}"}"#,
    "\n",
    r#"{"t":"recv","ts":2.2,"data":"{\"stream\":\"aaabbb@depth@100ms\",\"data\":{\"e\":\"depthUpdate\",\"E\":2200,\"s\":\"AAABBB\",\"U\":13,\"u\":14,\"b\":[[\"1.40\",\"0.0\"]],\"a\":[[\"1.60\",\"1.0\"]]}}"}"#,
    "\n",
    r#"{"t":"recv","data":"{\"stream\":\"aaabbb@trade\",\"data\":{\"e\":\"trade\",\"E\":2300,\"s\":\"AAABBB\",\"t\":7,\"p\":\"1.60\",\"q\":\"0.50\",\"T\":2299,\"m\":false,\"M\":true}}"}"#,
    "\n",
    r#"{"t":"recv","ts":2.4,"data":"{\"stream\":\"aaabbb@trade\",\"data\":{\"e\":\"trade\",\"E\":2400,\"s\":\"AAABBB\",\"t\":8,\"p\":\"1.50\",\"q\":\"0.25\",\"T\":2399,\"m\":true,\"M\":true}}"}"#,
    "\n",
    r#"{"t":"recv","ts":2.5,"data":"{"}"#,
    "\n",
    r#"{"t":"recv","ts":2.6,"data":"{\"stream\":\"aaabbb@news\",\"data\":{\"e\":\"news\",\"E\":1,\"s\":\"AAABBB\"}}"}"#,
    "\n",
);

/// A folder of this test's own, gone when it ends.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("truetape-{}-{name}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, bytes).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _leftover = fs::remove_dir_all(&self.0);
    }
}

fn decode(files: &[&Path]) -> (Vec<Value>, Value) {
    decode_of("binance", files)
}

fn decode_of(venue: &str, files: &[&Path]) -> (Vec<Value>, Value) {
    let mut out = Vec::new();
    let mut decoder = Decoder::new(Replay::new(venue).unwrap(), &mut out, true);
    files.iter().for_each(|path| decoder.file(RecordingFile::open(path).unwrap()).unwrap());
    decoder.finish().unwrap();
    let mut lines: Vec<Value> =
        String::from_utf8(out).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let summary = lines.pop().unwrap();
    (lines, summary)
}

#[test]
fn every_figure_of_the_summary() {
    let folder = Folder::new("summary");
    let (events, summary) = decode(&[&folder.file("a.jsonl", RECORDING.as_bytes())]);
    let expected = json!({
        "kind": "summary", "venue": "binance", "frames": 7,
        "events": {"trade": 2, "quote": 1, "book": 2},
        "malformed": 2, "unknown": 1, "gaps": 0, "duplicates": 0, "out_of_order": 0, "resyncs": 0,
        "checksums": {"ok": 0, "bad": 0},
        "quote_check": {"match": 1, "mismatch": 0},
        "books": {"AAABBB": {
            "state": "live", "n_bids": 1, "n_asks": 2,
            "bids": [["1.50", "5.00"]], "asks": [["1.60", "1.0"], ["1.70", "4"]],
            "gaps": 0, "checksums": {"ok": 0, "bad": 0}, "quote_check": {"match": 1, "mismatch": 0},
            "last_update_id": 14,
        }},
    });
    let mut found = summary.clone();
    // Changes of state are counted apart; how many there are is the session's matter.
    found["events"].as_object_mut().unwrap().remove("book_state");
    assert_eq!(found, expected);
    let trade = events.iter().find(|event| event["kind"] == "trade").unwrap();
    assert_eq!(
        *trade,
        json!({
            "kind": "trade", "venue": "binance", "symbol": "AAABBB", "event_time_ms": 2299, "receive_time_us": 2_200_000,
            "id": 7, "price": "1.60", "size": "0.50", "aggressor_side": "buy",
        })
    );
    let sides: Vec<&Value> = events.iter().filter_map(|event| event.get("aggressor_side")).collect();
    assert_eq!(sides, ["buy", "sell"]);
    let quote = events.iter().find(|event| event["kind"] == "quote").unwrap();
    assert_eq!((&quote["bid"], &quote["ask_size"]), (&json!("1.50"), &json!("1.0")));
}

#[test]
fn what_the_venue_restricts_is_said() {
    let folder = Folder::new("restricted");
    let status = |system: &str| {
        let data = json!({"channel": "status", "type": "update", "data": [{"system": system, "api_version": "v2"}]});
        format!("{}\n", json!({"t": "recv", "ts": 1.1, "data": data.to_string()}))
    };
    let connect = "{\"t\":\"connect\",\"ts\":1.0,\"url\":\"wss://venue\"}\n";
    let cause = |name: &str, lines: &str| {
        let file = folder.file(name, format!("{connect}{lines}").as_bytes());
        decode_of("kraken", &[&file]).1["cause"].clone()
    };
    assert_eq!(cause("a.jsonl", &status("cancel_only")), "the venue takes no new orders: orders can only be cancelled");
    assert_eq!(cause("b.jsonl", &status("maintenance")), "venue maintenance: announced by the venue");
    let back = [status("post_only"), status("online")].concat();
    assert_eq!(cause("c.jsonl", &back), Value::Null);
    let closed = format!("{}{}", status("online"), "{\"t\":\"close\",\"ts\":1.2}\n");
    assert_eq!(cause("d.jsonl", &closed), Value::Null, "the recording's end is no fault of the venue");
}

#[test]
fn packed_and_split_recordings_say_the_same() {
    let folder = Folder::new("packed");
    let plain = decode(&[&folder.file("a.jsonl", RECORDING.as_bytes())]);
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(RECORDING.as_bytes()).unwrap();
    assert_eq!(decode(&[&folder.file("b", &gzip.finish().unwrap())]), plain);
    assert_eq!(decode(&[&folder.file("c", &zstd::encode_all(RECORDING.as_bytes(), 1).unwrap())]), plain);
    let half = RECORDING.match_indices('\n').nth(5).unwrap().0 + 1;
    let (first, second) = RECORDING.split_at(half);
    assert_eq!(decode(&[&folder.file("d", first.as_bytes()), &folder.file("e", second.as_bytes())]), plain);
}

#[test]
fn nothing_is_bad_enough_to_fail() {
    let folder = Folder::new("bad");
    let packed = zstd::encode_all(RECORDING.as_bytes(), 1).unwrap();
    for (bytes, n_malformed) in [
        (&b""[..], 0),
        (&b"\n\n \n"[..], 0),
        (&b"\xff\xfe\x00\n{}\n[]\nnull\n{\"t\":\"recv\",\"ts\":\"x\"}"[..], 5),
        (&b"\x1f\x8b and then no gzip"[..], 1),
        (&packed[..packed.len() / 2], 1),
    ] {
        let (_, summary) = decode(&[&folder.file("x", bytes)]);
        assert_eq!(summary["malformed"], n_malformed, "{:?}", String::from_utf8_lossy(bytes));
    }
}
