//! Measures the stream's bytes beside those that the venue sent for the same time, for the recordings in the folder named by
//! `TRUETAPE_CAPTURES`.
//!
//! ```text
//! TRUETAPE_CAPTURES=<folder> cargo xtask bench bytes
//! ```
//!
//! A reader follows each instrument of a recording as the page Live does: quote, book, trades and minute candles. `page` has
//! the page's own lanes (33 ms, candles 100 ms), `100 ms` and `1 s` all topics on one lane (the latter is "data use: low"),
//! `100 ms deep` the ladder's 50 levels a side, too. Turns come at the lanes' periods, as those of a replay; a live feed has the
//! first one after a quiet spell a little earlier. Nothing sleeps; the figures are the same in every run.
//!
//! The topics hold less than the frames: a book's best 20 levels (50), and of quotes and books the state at each turn. Two
//! columns compare the same information: `trades` with the venue's frames of trades alone, of which the stream keeps each
//! one; `whole` is JSON of the same turns with whole states in place of changes. `deflated` is what compression alone makes of
//! the frames. Topics of the server itself, such as `status`, and the frames of the WebSocket are left out on both sides.
#![allow(clippy::unwrap_used, reason = "a failed measurement ends with its reason")]

mod play;
mod raw;

use std::{
    fs::File,
    io::{Read, Write},
    path::{Path, PathBuf},
};

use flate2::read::GzDecoder;
use tempfile::NamedTempFile;
use topics::lane::Lane;

use crate::{
    play::{PageTopics, Traffic, play},
    raw::Raw,
};

/// A recording of the folder.
struct Recording {
    name: &'static str,
    venue: &'static str,
    files: &'static [&'static str],
    /// The venue's description of its instruments and its address, for recordings without one: it gives sizes their digits.
    description: Option<(&'static str, &'static str)>,
}

const RECORDINGS: [Recording; 5] = [
    Recording {
        name: "Binance BTCUSDT",
        venue: "binance",
        files: &[
            "binance/btcusdt_20240808_spot_depth100ms_bookticker_trade.tape.jsonl.gz",
            "binance/btcusdt_20240809_spot_depth100ms_bookticker_trade.tape.jsonl.gz",
        ],
        description: Some(BINANCE),
    },
    Recording {
        name: "Binance, four altcoins",
        venue: "binance",
        files: &["binance/nknusdt_blzeth_lrcbtc_runeeur_20211012_depth_bookticker_kline_aggtrade.tape.jsonl.gz"],
        description: Some(BINANCE),
    },
    Recording {
        name: "Coinbase BTC-USD, ETH-USD",
        venue: "coinbase",
        files: &["coinbase/advanced_btcusd_ethusd_20260809_first14s.tape.jsonl.gz"],
        description: Some((
            "coinbase/advanced_market_products_20260809.json.gz",
            "https://api.coinbase.com/api/v3/brokerage/market/products",
        )),
    },
    // Its frames have the digits of the instruments.
    Recording {
        name: "Kraken BTC/USD",
        venue: "kraken",
        files: &["kraken/v2_btcusd_sample_20260801.tape.jsonl.gz"],
        description: None,
    },
    Recording {
        name: "Kraken ETH/USD",
        venue: "kraken",
        files: &["kraken/v2_ethusd_sample_20260801.tape.jsonl.gz"],
        description: None,
    },
];

const BINANCE: (&str, &str) =
    ("binance/exchangeInfo_com_20211012.json.gz", "https://api.binance.com/api/v3/exchangeInfo");

const PAGES: [(&str, PageTopics); 4] = [
    ("page", PageTopics { shown: Lane::Screen, chart: Lane::Fast, is_deep: false }),
    ("100 ms", PageTopics { shown: Lane::Fast, chart: Lane::Fast, is_deep: false }),
    ("100 ms deep", PageTopics { shown: Lane::Fast, chart: Lane::Fast, is_deep: true }),
    ("1 s", PageTopics { shown: Lane::Slow, chart: Lane::Slow, is_deep: false }),
];

fn main() {
    // `cargo test --benches` passes no `--bench`.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    match std::env::var_os("TRUETAPE_CAPTURES") {
        Some(folder) => RECORDINGS.iter().for_each(|recording| measure(recording, Path::new(&folder))),
        None => println!("bytes is skipped: TRUETAPE_CAPTURES names no folder with recordings"),
    }
}

fn measure(recording: &Recording, folder: &Path) {
    let files: Vec<PathBuf> = recording.files.iter().map(|file| folder.join(file)).collect();
    let description = recording.description.map(|(file, url)| answer(&folder.join(file), url));
    let described: Vec<PathBuf> =
        description.iter().map(|file| file.path().to_owned()).chain(files.iter().cloned()).collect();
    let rows = PAGES.map(|(name, page)| (name, play(recording.venue, &described, page)));
    // When the reader comes does not depend on what it follows.
    let Traffic { from, until, .. } = rows[0].1;
    let raw = Raw::read(recording.venue, &files, from);
    println!(
        "{}: {:.1} s, {} frames of {:.1} kB, deflated {:.1} %; of trades alone {:.1} kB; whole books {:.1} kB",
        recording.name,
        until.saturating_since(from).as_secs_f64(),
        raw.n_frames,
        kilobytes(raw.bytes),
        percent(raw.deflated_bytes, raw.bytes),
        kilobytes(raw.trade_bytes),
        kilobytes(raw.book_bytes),
    );
    println!(
        "{:>12} {:>16} {:>16} {:>16} {:>16} {:>16} {:>16} {:>16}",
        "", "changes json", "binary", "+ first json", "binary", "whole json", "trades json", "binary"
    );
    for (name, traffic) in rows {
        let Traffic { snapshots, deltas, trades, whole_json, .. } = traffic;
        println!(
            "{name:>12} {} {} {} {} {} {} {}",
            share(deltas.json, raw.bytes),
            share(deltas.binary, raw.bytes),
            share(snapshots.json + deltas.json, raw.book_bytes + raw.bytes),
            share(snapshots.binary + deltas.binary, raw.book_bytes + raw.bytes),
            share(whole_json, raw.bytes),
            share(trades.json, raw.trade_bytes),
            share(trades.binary, raw.trade_bytes),
        );
    }
}

/// Returns a recording of one answer, which a gzip file holds.
fn answer(file: &Path, url: &str) -> NamedTempFile {
    let mut body = String::new();
    GzDecoder::new(File::open(file).unwrap()).read_to_string(&mut body).unwrap();
    let mut recording = NamedTempFile::new().unwrap();
    writeln!(recording, "{}", serde_json::json!({ "t": "http", "url": url, "data": body })).unwrap();
    recording
}

/// Returns bytes and their share of the venue's.
fn share(n_bytes: usize, n_raw: usize) -> String {
    format!("{:>7.1} ({:>4.1} %)", kilobytes(n_bytes), percent(n_bytes, n_raw))
}

fn kilobytes(n_bytes: usize) -> f64 {
    n_bytes as f64 / 1e3
}

/// Returns 0 where the venue sent nothing of the kind.
fn percent(n_bytes: usize, n_raw: usize) -> f64 {
    if n_raw == 0 { 0.0 } else { 100.0 * n_bytes as f64 / n_raw as f64 }
}
