//! Recordings of the real venue, replayed and compared with books computed from them independently.
//!
//! They are in the folder named by `TRUETAPE_CAPTURES`; without it these tests report that they are skipped.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
};

use flate2::read::GzDecoder;
use model::{
    event::{AggressorSide, Level, MarketEvent, MarketEventKind},
    instrument::InstrumentId,
    proof::BookState,
    recording_entry::RecordingEntry,
};
use serde::Deserialize;
use venues::replay::Replay;

const ADVANCED: &str = "coinbase/advanced_btcusd_ethusd_20260809_first14s.tape.jsonl.gz";

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

fn replay(path: &Path, mut on_event: impl FnMut(&MarketEvent)) -> Replay {
    let mut replay = Replay::new("coinbase").unwrap();
    for line in lines(path) {
        replay.feed(&RecordingEntry::parse(&line).unwrap(), &mut on_event);
    }
    replay
}

#[derive(Deserialize)]
struct Expected {
    gaps: u64,
    counts: BTreeMap<String, u64>,
    crossed: u64,
    ticker_match: BTreeMap<String, u64>,
    #[serde(rename = "final")]
    books: BTreeMap<String, ExpectedBook>,
}

#[derive(Deserialize)]
struct ExpectedBook {
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

#[test]
fn books_equal_those_computed_by_other_means() {
    let Some(folder) = captures() else { return };
    let file = File::open(folder.join("expected/coinbase_advanced_btcusd_ethusd_20260809_first14s.json")).unwrap();
    let expected: Expected = serde_json::from_reader(file).unwrap();
    let mut kinds = BTreeMap::<&str, u64>::new();
    let replay = replay(&folder.join(ADVANCED), |event| {
        let kind = match &event.kind {
            MarketEventKind::Trade(_) => "trade",
            MarketEventKind::Day(_) => "day",
            MarketEventKind::History(_) => "history",
            MarketEventKind::Candle(_) => "candle",
            _ => return,
        };
        *kinds.entry(kind).or_default() += 1;
    });
    let summary = replay.summary();
    assert_eq!(summary.books.len(), expected.books.len());
    let (mut n_updates, mut n_crossed) = (0, 0);
    for (symbol, expected_book) in &expected.books {
        let tracked = summary.books[&InstrumentId::parse(&format!("coinbase:{symbol}")).unwrap()];
        assert_eq!(tracked.state, BookState::Live, "{symbol}");
        assert_eq!(
            (tracked.book.n_bids(), tracked.book.n_asks()),
            (expected_book.n_bids, expected_book.n_asks),
            "{symbol}"
        );
        assert_eq!(rows(tracked.book.bids()), expected_book.bids, "{symbol}");
        assert_eq!(rows(tracked.book.asks()), expected_book.asks, "{symbol}");
        let counters = tracked.counters;
        let compared = |is_match: &str| {
            expected.ticker_match.get(&format!("('{symbol}', {is_match})")).copied().unwrap_or_default()
        };
        assert_eq!(
            (counters.quote_matches, counters.quote_mismatches),
            (compared("True"), compared("False")),
            "{symbol}"
        );
        n_updates += counters.updates;
        n_crossed += counters.crossed;
    }
    let count = |kind: &str| expected.counts[kind];
    assert_eq!((n_updates, n_crossed), (count("('l2_data', 'update')"), expected.crossed));
    let counters = summary.counters;
    assert_eq!((counters.malformed, counters.unknown, counters.gaps), (0, 0, expected.gaps));
    assert_eq!((counters.duplicates, counters.out_of_order, counters.resyncs), (0, 0, 0));
    assert_eq!(counters.frames, expected.counts.values().sum::<u64>());
    let n_days = count("('ticker', 'snapshot')") + count("('ticker', 'update')");
    assert_eq!((kinds["day"], kinds["history"], kinds["candle"]), (n_days, 2, 2));
    assert_eq!(counters.trades, kinds["trade"]);
}

/// Counted by an independent parsing of the frames: a buyer pays the ask, a seller gets the bid.
#[test]
fn buyers_pay_the_ask() {
    let Some(folder) = captures() else { return };
    let (mut best, mut found) = (BTreeMap::new(), BTreeMap::<(bool, bool), u32>::new());
    let mut last_ids = BTreeMap::new();
    replay(&folder.join(ADVANCED), |event| match &event.kind {
        MarketEventKind::Quote(quote) => drop(best.insert(event.instrument.clone(), *quote)),
        MarketEventKind::Trade(trade) => {
            if let Some(last) = last_ids.insert(event.instrument.clone(), trade.id.clone()) {
                assert!(last < trade.id, "{last} {}", trade.id);
            }
            let Some(quote) = best.get(&event.instrument) else { return };
            let is_at = |side: Option<Level>| side.is_some_and(|level| level.price == trade.price);
            if is_at(quote.ask) || is_at(quote.bid) {
                let is_buyer = trade.aggressor_side == AggressorSide::Buyer;
                *found.entry((is_buyer, is_at(quote.ask))).or_default() += 1;
            }
        }
        _ => {}
    });
    let count = |keys: [(bool, bool); 2]| keys.iter().filter_map(|key| found.get(key)).sum::<u32>();
    // Some trades arrive a moment after the book has moved on.
    let (n_right, n_wrong) = (count([(true, true), (false, false)]), count([(true, false), (false, true)]));
    assert!(n_right > 20 && n_wrong * 4 < n_right, "{found:?}");
}

#[test]
fn frames_of_the_older_feed_are_unknown_not_malformed() {
    let Some(folder) = captures() else { return };
    let misc = replay(&folder.join("coinbase/misc_2026.tape.jsonl"), |_| {});
    let counters = misc.summary().counters;
    assert_eq!((counters.frames, counters.malformed, counters.unknown), (9, 0, 8));
    let exchange =
        replay(&folder.join("coinbase/exchange_7products_20210417_level2_ticker_matches.tape.jsonl.gz"), |_| {});
    let counters = exchange.summary().counters;
    assert_eq!((counters.frames, counters.malformed, counters.unknown), (7_016, 0, 7_016));
}

#[test]
fn recorded_products_describe_instruments() {
    let Some(folder) = captures() else { return };
    let mut body = String::new();
    let file = File::open(folder.join("coinbase/advanced_market_products_20260809.json.gz")).unwrap();
    GzDecoder::new(file).read_to_string(&mut body).unwrap();
    let mut replay = Replay::new("coinbase").unwrap();
    let mut shown = Vec::new();
    let url = "https://api.coinbase.com/api/v3/brokerage/market/products";
    let list = serde_json::json!({"t": "http", "url": url, "data": body}).to_string();
    let mut described = |line: &str| {
        replay.feed(&RecordingEntry::parse(line).unwrap(), |event| {
            if let MarketEventKind::Instrument(instrument) = &event.kind {
                shown.push((instrument.id.to_string(), instrument.price_decimals(), instrument.size_decimals()));
            }
        });
    };
    described(r#"{"t":"connect","ts":1,"url":"wss://x"}"#);
    described(&list);
    for symbol in ["BTC-USD", "SHIB-USD"] {
        let frame = format!(
            r#"{{"channel":"l2_data","timestamp":"2026-08-09T21:05:48Z","sequence_num":0,"events":[{{"type":"snapshot","product_id":"{symbol}","updates":[]}}]}}"#
        );
        described(&serde_json::json!({"t": "recv", "data": frame.replace(":0,", if symbol == "BTC-USD" { ":0," } else { ":1," })}).to_string());
    }
    let names: Vec<&str> = shown.iter().map(|(name, _, _)| name.as_str()).collect();
    assert_eq!(names, ["coinbase:BTC-USD", "coinbase:SHIB-USD"]);
    assert_eq!((shown[0].1, shown[0].2), (2, 8));
}
