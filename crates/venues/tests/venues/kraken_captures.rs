//! Recordings of the real venue, replayed and compared with books computed from them independently.
//!
//! They are in the folder named by `TRUETAPE_CAPTURES`; without it these tests report that they are skipped.

use std::{
    fs::File,
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
};

use flate2::read::GzDecoder;
use model::{
    event::{Level, MarketEvent, MarketEventKind},
    instrument::InstrumentId,
    proof::BookState,
    recording_entry::RecordingEntry,
    status::FeedCause,
};
use serde::Deserialize;
use serde_json::{Value, json};
use venues::replay::Replay;

fn captures() -> Option<PathBuf> {
    let folder = std::env::var_os("TRUETAPE_CAPTURES").map(PathBuf::from);
    if folder.is_none() {
        eprintln!("skipped: TRUETAPE_CAPTURES names no folder with recordings");
    }
    folder
}

fn text(path: &Path) -> String {
    let file = File::open(path).unwrap();
    let mut text = String::new();
    if path.extension().is_some_and(|ending| ending == "gz") {
        GzDecoder::new(file).read_to_string(&mut text).unwrap();
    } else {
        BufReader::new(file).read_to_string(&mut text).unwrap();
    }
    text
}

fn replay(path: &Path, mut on_event: impl FnMut(&MarketEvent)) -> Replay {
    let mut replay = Replay::new("kraken").unwrap();
    for line in text(path).as_bytes().lines().map(|line| line.unwrap()).filter(|line| !line.is_empty()) {
        replay.feed(&RecordingEntry::parse(&line).unwrap(), &mut on_event);
    }
    replay
}

fn id(symbol: &str) -> InstrumentId {
    InstrumentId::parse(&format!("kraken:{symbol}")).unwrap()
}

/// A book of the comparison; unknown fields are about other ways to compute it.
#[derive(Deserialize)]
struct Expected {
    subscribed_depth: usize,
    crc_ok: u64,
    crc_bad: u64,
    #[serde(rename = "final")]
    books: std::collections::BTreeMap<String, ExpectedBook>,
}

#[derive(Deserialize)]
struct ExpectedBook {
    bids: Vec<(String, String)>,
    asks: Vec<(String, String)>,
}

fn rows(levels: impl Iterator<Item = Level>) -> Vec<(String, String)> {
    levels.take(10).map(|level| (level.price.to_string(), level.quantity.to_string())).collect()
}

#[track_caller]
fn check_book(name: &str, n_frames: u64) {
    let Some(folder) = captures() else { return };
    let replay = replay(&folder.join(format!("kraken/{name}.tape.jsonl.gz")), |_| {});
    let expected: Expected = serde_json::from_str(&text(&folder.join(format!("expected/kraken_{name}.json")))).unwrap();
    let summary = replay.summary();
    assert_eq!(summary.books.len(), expected.books.len());
    for (symbol, expected_book) in &expected.books {
        let tracked = summary.books[&id(symbol)];
        assert_eq!(tracked.state, BookState::Live);
        assert_eq!(rows(tracked.book.bids()), expected_book.bids);
        assert_eq!(rows(tracked.book.asks()), expected_book.asks);
        let depths = (tracked.book.n_bids(), tracked.book.n_asks());
        assert_eq!(depths, (expected.subscribed_depth, expected.subscribed_depth));
        let counters = tracked.counters;
        assert_eq!((counters.checksums_ok, counters.checksums_bad), (expected.crc_ok, expected.crc_bad));
        assert_eq!((counters.resyncs, counters.crossed), (0, 0));
        assert!(tracked.last_checksum.unwrap().agrees());
    }
    let counters = summary.counters;
    assert_eq!((counters.frames, counters.malformed, counters.unknown), (n_frames, 0, 0));
    assert_eq!((counters.gaps, counters.duplicates, counters.out_of_order, counters.resyncs), (0, 0, 0, 0));
    assert_eq!(counters.books, expected.crc_ok);
}

#[test]
fn btcusd_at_depth_25() {
    check_book("v2_btcusd_sample_20260801", 2_104);
}

#[test]
fn ethusd_at_depth_25() {
    check_book("v2_ethusd_sample_20260801", 1_170);
}

/// Returns an event of a recording as short words.
fn told(event: &MarketEvent) -> String {
    let symbol = event.instrument.symbol();
    match &event.kind {
        MarketEventKind::Trade(trade) => {
            format!("{symbol} trade {} {} {} {:?}", trade.id, trade.price, trade.size, trade.aggressor_side)
        }
        MarketEventKind::Quote(quote) => {
            let shown = |side: Option<Level>| {
                side.map_or_else(|| "-".to_owned(), |level| format!("{} {}", level.price, level.quantity))
            };
            format!("{symbol} quote {} / {}", shown(quote.bid), shown(quote.ask))
        }
        MarketEventKind::Day(day) => {
            format!("{symbol} day {} {} {}", day.open.unwrap(), day.last.unwrap(), day.volume.unwrap())
        }
        MarketEventKind::Candle(update) => {
            format!("{symbol} {} {} {}", update.interval, update.candle.open_time, update.is_closed)
        }
        other => format!("{symbol} {other:?}"),
    }
}

#[test]
fn single_frames_refusals_and_answers_nobody_asked_for() {
    let Some(folder) = captures() else { return };
    let mut events = Vec::new();
    let replay =
        replay(&folder.join("kraken/v2_misc_btcusd_usdtusd_202609.tape.jsonl"), |event| events.push(told(event)));
    assert_eq!(
        events,
        [
            "BTC/USD quote 83744.2 0.56251979 / 83744.3 0.00044780",
            "BTC/USD day 84173.6 83744.3 3156.84782110",
            "BTC/USD trade 109116693 83744.3 0.00044780 Buyer",
            "BTC/USD 1m 2026-09-25T17:48:00.000Z false",
            "USDT/USD quote 0.99980 44620.68691883 / 0.99981 1087605.70466858",
            "USDT/USD day 0.99976 0.99981 270638277.50461281",
        ]
    );
    let summary = replay.summary();
    assert_eq!((summary.counters.frames, summary.counters.malformed, summary.counters.unknown), (11, 0, 0));
    assert_eq!(summary.n_unused_answers, 3);
    let causes = &replay.sessions().next().unwrap().health().instrument_causes;
    let unknown = |symbol: &str| (id(symbol), FeedCause::UnknownSymbol { symbol: symbol.to_owned(), suggestion: None });
    assert_eq!(*causes, [unknown("NOPE/USD"), unknown("XBT/USD")].into());
}

#[test]
fn bars_with_holes() {
    let Some(folder) = captures() else { return };
    let mut events = Vec::new();
    let replay = replay(&folder.join("kraken/v2_ohlc_btcusdt_20260910.tape.jsonl"), |event| events.push(told(event)));
    // Nothing was traded in the minutes 36, 37 and 42, and no candles are invented for them. The last one is closed
    // too: the frame was sent 43 seconds after its end.
    let expected =
        [32, 33, 34, 35, 38, 39, 40, 41, 43].map(|minute| format!("BTC/USDT 1m 2026-09-10T17:{minute}:00.000Z true"));
    assert_eq!(events, expected);
    let counters = replay.summary().counters;
    // The update was taken before the snapshot.
    assert_eq!((counters.malformed, counters.unknown, counters.out_of_order), (0, 0, 1));
}

#[test]
fn the_documented_checksum() {
    #[derive(Deserialize)]
    struct Example {
        bids_best_first: Vec<(String, String)>,
        asks_best_first: Vec<(String, String)>,
        crc32: u32,
    }
    let Some(folder) = captures() else { return };
    let example: Example =
        serde_json::from_str(&text(&folder.join("reference/kraken_v2_crc32_worked_example.json"))).unwrap();
    let rows = |rows: &[(String, String)]| {
        let rows: Vec<String> = rows.iter().map(|(price, qty)| format!(r#"{{"price":{price},"qty":{qty}}}"#)).collect();
        rows.join(",")
    };
    let (bids, asks) = (rows(&example.bids_best_first), rows(&example.asks_best_first));
    let frame = format!(
        r#"{{"channel":"book","type":"snapshot","data":[{{"symbol":"A/B","bids":[{bids}],"asks":[{asks}],"checksum":{}}}]}}"#,
        example.crc32
    );
    let mut replay = Replay::new("kraken").unwrap();
    let line = json!({"t": "recv", "data": frame}).to_string();
    replay.feed(&RecordingEntry::parse(&line).unwrap(), |_| {});
    let summary = replay.summary();
    let tracked = summary.books[&id("A/B")];
    assert_eq!((tracked.state, tracked.counters.checksums_ok), (BookState::Live, 1));
}

#[test]
fn a_recorded_list_of_pairs_describes_instruments() {
    let Some(folder) = captures() else { return };
    let mut shown = Vec::new();
    let mut replay = Replay::new("kraken").unwrap();
    let mut feed = |replay: &mut Replay, line: &Value| {
        replay.feed(&RecordingEntry::parse(&line.to_string()).unwrap(), |event| {
            if let MarketEventKind::Instrument(instrument) = &event.kind {
                shown.push((instrument.id.to_string(), instrument.price_decimals(), instrument.size_decimals()));
            }
        });
    };
    let frame = |symbol: &str| {
        let frame = format!(
            r#"{{"channel":"book","type":"snapshot","data":[{{"symbol":"{symbol}","bids":[],"asks":[],"checksum":0}}]}}"#
        );
        json!({"t": "recv", "data": frame})
    };
    feed(&mut replay, &frame("BTC/USD"));
    let url = "https://api.kraken.com/0/public/AssetPairs";
    let body = text(&folder.join("kraken/rest_AssetPairs_20210417.json.gz"));
    feed(&mut replay, &json!({"t": "http", "url": url, "data": body}));
    feed(&mut replay, &frame("DOGE/USDT"));
    let trimmed = text(&folder.join("kraken/rest_http_asset_pairs_nautilus.json"));
    feed(&mut replay, &frame("NONE/SUCH"));
    feed(&mut replay, &json!({"t": "http", "url": url, "data": trimmed}));
    feed(&mut replay, &frame("BTC/USDT"));
    assert_eq!(
        shown,
        [
            ("kraken:BTC/USD".to_owned(), 1, 8),
            ("kraken:DOGE/USDT".to_owned(), 5, 8),
            ("kraken:BTC/USDT".to_owned(), 1, 8)
        ]
    );
    assert_eq!(replay.summary().counters.malformed, 0);
}
