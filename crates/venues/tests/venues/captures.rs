//! Recordings of the real venue, replayed and compared with books computed from them independently.
//!
//! They are in the folder named by `TRUETAPE_CAPTURES`; without it these tests report that they are skipped.

use std::{
    fs::File,
    hash::{DefaultHasher, Hash, Hasher},
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
};

use flate2::read::GzDecoder;
use model::{
    book::OrderBook,
    event::{BookUpdate, Level, MarketEvent, MarketEventKind},
    instrument::InstrumentId,
    proof::BookState,
    recording_entry::RecordingEntry,
};
use serde::Deserialize;
use serde_json::Value;
use venues::replay::Replay;

const BTCUSDT: [&str; 2] = [
    "binance/btcusdt_20240808_spot_depth100ms_bookticker_trade.tape.jsonl.gz",
    "binance/btcusdt_20240809_spot_depth100ms_bookticker_trade.tape.jsonl.gz",
];
const ALTCOINS: &str = "binance/nknusdt_blzeth_lrcbtc_runeeur_20211012_depth_bookticker_kline_aggtrade.tape.jsonl.gz";

fn captures() -> Option<PathBuf> {
    let folder = std::env::var_os("TRUETAPE_CAPTURES").map(PathBuf::from);
    if folder.is_none() {
        eprintln!("skipped: TRUETAPE_CAPTURES names no folder with recordings");
    }
    folder
}

fn lines(path: &Path) -> impl Iterator<Item = String> {
    let file = File::open(path).unwrap();
    let plain: Box<dyn Read> = if path.extension().is_some_and(|ending| ending == "gz") {
        Box::new(GzDecoder::new(file))
    } else {
        Box::new(file)
    };
    BufReader::new(plain).lines().map(|line| line.unwrap())
}

fn replay(folder: &Path, files: &[&str], mut on_event: impl FnMut(&MarketEvent)) -> Replay {
    let mut replay = Replay::new("binance").unwrap();
    for file in files {
        for line in lines(&folder.join(file)) {
            replay.feed(&RecordingEntry::parse(&line).unwrap(), &mut on_event);
        }
    }
    replay
}

/// A book of the comparison; unknown fields are about the way it was computed.
#[derive(Deserialize)]
struct Expected {
    events_applied: u64,
    gaps: u64,
    #[serde(rename = "top_matches_bookTicker")]
    n_matches: u64,
    #[serde(rename = "top_mismatches")]
    n_mismatches: u64,
    #[serde(rename = "trades", default)]
    n_trades: Option<u64>,
    #[serde(rename = "bookTickers", default)]
    n_quotes: Option<u64>,
    #[serde(rename = "final")]
    book: ExpectedBook,
}

#[derive(Deserialize)]
struct ExpectedBook {
    #[serde(rename = "lastUpdateId")]
    last_update_id: u64,
    #[serde(rename = "nbids")]
    n_bids: usize,
    #[serde(rename = "nasks")]
    n_asks: usize,
    bids: Vec<(String, String)>,
    asks: Vec<(String, String)>,
}

fn rows(levels: impl Iterator<Item = Level>) -> Vec<(String, String)> {
    levels.take(20).map(|level| (level.price.to_string(), level.quantity.to_string())).collect()
}

fn check_books(replay: &Replay, expected: &Path) -> Vec<Expected> {
    let expected: Value = serde_json::from_reader(File::open(expected).unwrap()).unwrap();
    let summary = replay.summary();
    let mut all = Vec::new();
    for (symbol, expected) in expected.as_object().unwrap() {
        let expected: Expected = serde_json::from_value(expected.clone()).unwrap();
        let tracked = summary.books[&InstrumentId::parse(&format!("binance:{symbol}")).unwrap()];
        assert_eq!(tracked.state, BookState::Live, "{symbol}");
        assert_eq!(tracked.last_update_id, Some(expected.book.last_update_id), "{symbol}");
        let book: &OrderBook = &tracked.book;
        assert_eq!((book.n_bids(), book.n_asks()), (expected.book.n_bids, expected.book.n_asks), "{symbol}");
        assert_eq!(rows(book.bids()), expected.book.bids, "{symbol}");
        assert_eq!(rows(book.asks()), expected.book.asks, "{symbol}");
        let counters = tracked.counters;
        assert_eq!(counters.updates, expected.events_applied, "{symbol}");
        assert_eq!(counters.gaps, expected.gaps, "{symbol}");
        assert_eq!(
            (counters.quote_matches, counters.quote_mismatches),
            (expected.n_matches, expected.n_mismatches),
            "{symbol}"
        );
        assert_eq!((counters.duplicates, counters.resyncs, counters.crossed), (0, 0, 0), "{symbol}");
        all.push(expected);
    }
    assert_eq!(summary.books.len(), all.len());
    let counters = summary.counters;
    assert_eq!((counters.malformed, counters.unknown, counters.gaps), (0, 0, 0));
    assert_eq!((counters.duplicates, counters.out_of_order, counters.resyncs, counters.reconnects), (0, 0, 0, 0));
    all
}

#[test]
fn btcusdt_over_both_parts() {
    let Some(folder) = captures() else { return };
    let replay = replay(&folder, &BTCUSDT, |_| {});
    let expected = check_books(&replay, &folder.join("expected/binance_btcusdt_after_both_parts.json"));
    let counters = replay.summary().counters;
    assert_eq!(Some(counters.trades), expected[0].n_trades);
    assert_eq!(Some(counters.quotes), expected[0].n_quotes);
    assert_eq!(counters.frames, 41_248 + 58_325);
}

#[test]
fn four_altcoins_with_snapshots_before_their_changes() {
    let Some(folder) = captures() else { return };
    let mut kinds = [0_u32; 4];
    let replay = replay(&folder, &[ALTCOINS], |event| match &event.kind {
        MarketEventKind::Trade(_) => kinds[0] += 1,
        MarketEventKind::Quote(_) => kinds[1] += 1,
        MarketEventKind::Candle(_) => kinds[2] += 1,
        _ => kinds[3] += 1,
    });
    check_books(
        &replay,
        &folder.join("expected/binance_nknusdt_blzeth_lrcbtc_runeeur_20211012_depth_bookticker_kline_aggtrade.json"),
    );
    // Aggregated trades replace single ones here: no single ones were recorded.
    assert_eq!((kinds[0], kinds[2]), (2, 2));
    assert_eq!(replay.summary().n_unused_answers, 0);
}

#[test]
fn single_frames_and_an_answer_nobody_asked_for() {
    let Some(folder) = captures() else { return };
    let mut days = Vec::new();
    let replay = replay(&folder, &["binance/ticker_miniticker_klines_btcusdt.tape.jsonl"], |event| {
        if let MarketEventKind::Day(day) = &event.kind {
            days.push(day.last.unwrap().to_string());
        }
    });
    assert_eq!(days, ["68004.12000000", "102492.27000000"]);
    let summary = replay.summary();
    assert_eq!((summary.n_unused_answers, summary.counters.malformed, summary.counters.unknown), (1, 0, 0));
}

#[test]
fn a_recorded_list_of_symbols_describes_instruments() {
    let Some(folder) = captures() else { return };
    let mut body = String::new();
    GzDecoder::new(File::open(folder.join("binance/exchangeInfo_com_20211012.json.gz")).unwrap())
        .read_to_string(&mut body)
        .unwrap();
    let mut replay = Replay::new("binance").unwrap();
    let mut shown = Vec::new();
    let mut feed = |replay: &mut Replay, line: &str| {
        replay.feed(&RecordingEntry::parse(line).unwrap(), |event| {
            if let MarketEventKind::Instrument(instrument) = &event.kind {
                shown.push((instrument.id.to_string(), instrument.price_decimals(), instrument.size_decimals()));
            }
        });
    };
    feed(&mut replay, r#"{"t":"connect","ts":1,"url":"wss://x/ws"}"#);
    let quote = |symbol: &str| {
        let frame = format!(r#"{{"u":1,"s":"{symbol}","b":"1","B":"1","a":"2","A":"1"}}"#);
        serde_json::json!({"t": "recv", "data": frame}).to_string()
    };
    feed(&mut replay, &quote("BTCUSDT"));
    let url = "https://api.binance.com/api/v3/exchangeInfo";
    feed(&mut replay, &serde_json::json!({"t": "http", "url": url, "data": body}).to_string());
    feed(&mut replay, &quote("LRCBTC"));
    assert_eq!(shown, [("binance:BTCUSDT".into(), 2, 5), ("binance:LRCBTC".into(), 8, 0)]);
}

#[test]
fn the_same_recording_gives_the_same_events() {
    let Some(folder) = captures() else { return };
    let mut replays = [Replay::new("binance").unwrap(), Replay::new("binance").unwrap()];
    let mut hashes = [DefaultHasher::new(), DefaultHasher::new()];
    let mut n_events = 0_u64;
    for line in lines(&folder.join(BTCUSDT[0])) {
        let entry = RecordingEntry::parse(&line).unwrap();
        for (replay, hash) in replays.iter_mut().zip(&mut hashes) {
            replay.feed(&entry, |event| {
                n_events += 1;
                hash_of(event, hash);
            });
        }
    }
    let [first, second] = hashes.map(|hash| hash.finish());
    assert_eq!(first, second);
    assert!(n_events > 80_000, "{n_events}");
}

fn hash_of(event: &MarketEvent, hash: &mut impl Hasher) {
    (event.instrument.to_string(), event.event_time, event.receive_time).hash(hash);
    match &event.kind {
        MarketEventKind::Trade(trade) => (&trade.id, trade.price, trade.size, trade.aggressor_side).hash(hash),
        MarketEventKind::Quote(quote) => {
            for level in [quote.bid, quote.ask] {
                level.map(|level| (level.price, level.quantity)).hash(hash);
            }
        }
        MarketEventKind::Book(BookUpdate::Delta { state, bids, asks }) => {
            state.hash(hash);
            for level in bids.iter().chain(asks) {
                (level.price, level.quantity).hash(hash);
            }
        }
        other => format!("{other:?}").hash(hash),
    }
}
