//! A recording that begins midway with snapshot frames of the books reaches the same books as the whole recording.
//!
//! With generated frames of each venue, and with recordings in the folder named by `TRUETAPE_CAPTURES`; without it
//! those tests report that they are skipped.

use std::{borrow::Cow, fmt::Write as _, fs::File, io::Read, path::PathBuf};

use flate2::read::GzDecoder;
use model::{
    proof::{BookState, TrackedBook},
    recording_entry::{EntryKind, RecordingEntry},
    time::Timestamp,
};
use venues::{
    replay::Replay,
    session::{Input, SnapshotFrame},
};

use crate::kraken_support::{Side, small_book};
use crate::support::{Rig, listed};

/// More levels than any book here has.
const WHOLE: usize = 100_000;

/// Plays `frames` once as a whole and once from the middle, after snapshot frames of the books made there; returns how
/// many books were compared.
#[track_caller]
fn check(venue: &str, symbols: &[&str], frames: &[Cow<'_, str>]) -> usize {
    let (before, after) = frames.split_at(frames.len() / 2);
    let mut rig = Rig::of(venue, &listed(symbols));
    let connection = rig.wanted_connection();
    rig.input(Input::Connected(connection));
    before.iter().for_each(|frame| rig.input(Input::Frame(connection, frame)));
    let snapshots = rig.session.snapshot_frames(WHOLE);
    assert!(!snapshots.is_empty(), "{venue}: no snapshot frame");

    let whole = replay(venue, frames.iter().map(|frame| entry(frame, false)));
    let snapshot_entries = snapshots.iter().map(|snapshot| match snapshot {
        SnapshotFrame::Frame(carrier, text) => {
            assert_eq!(*carrier, connection);
            entry(text, true)
        }
        SnapshotFrame::Answer { .. } => panic!("{venue} makes frames"),
    });
    let from_middle = replay(venue, snapshot_entries.chain(after.iter().map(|frame| entry(frame, false))));

    let (whole, from_middle) = (whole.summary(), from_middle.summary());
    assert_eq!(from_middle.counters.gaps, 0);
    assert_eq!(whole.books.keys().collect::<Vec<_>>(), from_middle.books.keys().collect::<Vec<_>>());
    for (id, book) in &whole.books {
        let other = from_middle.books[id];
        assert_eq!((book.state, other.state), (BookState::Live, BookState::Live), "{id}");
        assert_eq!(text(book), text(other), "{id}");
        assert_eq!(other.counters.checksums_bad, 0);
    }
    whole.books.len()
}

fn text(tracked: &TrackedBook) -> String {
    let mut text = format!("{:?} {:?}", tracked.last_update_id, tracked.event_time.map(Timestamp::as_millis));
    for (side, levels) in [("bid", tracked.book.bids().collect::<Vec<_>>()), ("ask", tracked.book.asks().collect())] {
        levels.iter().for_each(|level| write!(text, "\n{side} {} {}", level.price, level.quantity).unwrap());
    }
    text
}

fn entry(text: &str, is_prelude: bool) -> RecordingEntry<'_> {
    let data = Some(Cow::Borrowed(text));
    RecordingEntry { t: EntryKind::Recv, ts: None, conn: None, url: None, data, request: None, is_prelude }
}

fn replay<'a>(venue: &str, entries: impl Iterator<Item = RecordingEntry<'a>>) -> Replay {
    let mut replay = Replay::new(venue).unwrap();
    entries.for_each(|entry| replay.feed(&entry, |_| {}));
    replay
}

#[test]
fn a_kraken_book_goes_on_at_the_depth_subscribed() {
    let mut venue = small_book();
    let ack = r#"{"method":"subscribe","result":{"channel":"book","depth":10,"snapshot":true,"symbol":"A/B"},"success":true}"#;
    let mut frames = vec![ack.to_owned(), venue.snapshot("A/B")];
    // Each new best row pushes one beyond the depth: a book that keeps it shows it again when the book gets thin.
    for price in 1_001..1_009 {
        venue.set(Side::Bid, price, 70_000_000);
        frames.push(venue.update("A/B"));
    }
    for price in 1_001..1_003 {
        venue.set(Side::Bid, price, 0);
        frames.push(venue.update("A/B"));
    }
    let frames: Vec<Cow<'_, str>> = frames.iter().map(Cow::from).collect();
    assert_eq!(check("kraken", &["A/B"], &frames), 1);
}

#[test]
fn coinbase_books_go_on_under_the_number_of_the_last_frame() {
    let frame = |number: u64, kind: &str, product: &str, rows: &[(&str, &str, &str)]| {
        let rows: Vec<String> = rows
            .iter()
            .map(|(side, price, quantity)| {
                format!(
                    r#"{{"side":"{side}","event_time":"2026-01-02T03:04:05.170Z","price_level":"{price}","new_quantity":"{quantity}"}}"#
                )
            })
            .collect();
        Cow::from(format!(
            r#"{{"channel":"l2_data","timestamp":"2026-01-02T03:04:05.2Z","sequence_num":{number},"events":[{{"type":"{kind}","product_id":"{product}","updates":[{}]}}]}}"#,
            rows.join(",")
        ))
    };
    let frames = [
        frame(4, "snapshot", "AAA-USD", &[("bid", "1.50", "2"), ("bid", "1.40", "7.10"), ("offer", "1.60", "3")]),
        frame(5, "snapshot", "BBB-USD", &[("bid", "9", "1"), ("offer", "10", "0.5")]),
        frame(6, "update", "AAA-USD", &[("bid", "1.50", "0"), ("offer", "1.55", "1")]),
        frame(7, "update", "BBB-USD", &[("bid", "9.5", "1")]),
        frame(8, "update", "AAA-USD", &[("bid", "1.45", "1")]),
        frame(9, "update", "BBB-USD", &[("offer", "10", "0"), ("offer", "11", "2")]),
    ];
    assert_eq!(check("coinbase", &["AAA-USD", "BBB-USD"], &frames), 2);
}

#[test]
fn recorded_books_go_on_from_their_snapshot_frames() {
    let Some(folder) = std::env::var_os("TRUETAPE_CAPTURES").map(PathBuf::from) else {
        eprintln!("skipped: TRUETAPE_CAPTURES names no folder with recordings");
        return;
    };
    for (venue, symbols, file) in RECORDINGS {
        let mut lines = String::new();
        GzDecoder::new(File::open(folder.join(file)).unwrap()).read_to_string(&mut lines).unwrap();
        let entries = lines.lines().filter(|line| !line.is_empty()).map(|line| RecordingEntry::parse(line).unwrap());
        let frames: Vec<Cow<'_, str>> =
            entries.filter(|entry| entry.t == EntryKind::Recv).filter_map(|entry| entry.data).collect();
        assert_eq!(check(venue, symbols, &frames), symbols.len(), "{file}");
    }
}

/// Recordings of a single connection: venue, followed symbols, file.
const RECORDINGS: [(&str, &[&str], &str); 3] = [
    ("kraken", &["BTC/USD"], "kraken/v2_btcusd_sample_20260801.tape.jsonl.gz"),
    ("kraken", &["ETH/USD"], "kraken/v2_ethusd_sample_20260801.tape.jsonl.gz"),
    ("coinbase", &["BTC-USD", "ETH-USD"], "coinbase/advanced_btcusd_ethusd_20260809_first14s.tape.jsonl.gz"),
];
