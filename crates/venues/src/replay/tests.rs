//! Preludes, several connections, cuts, times.

use model::{candle::Interval, proof::BookState};

use super::*;

fn entry<'a>(t: EntryKind, conn: Option<&'a str>, data: Option<&'a str>) -> RecordingEntry<'a> {
    let text = |text: Option<&'a str>| text.map(Into::into);
    RecordingEntry { t, ts: None, conn: text(conn), url: None, data: text(data), request: None, is_prelude: false }
}

#[test]
fn a_recorded_cut_is_a_cut_announced_or_not() {
    let shutdown = r#"{"e":"serverShutdown","E":1}"#;
    for (announcement, says_connect) in [(None, true), (Some(shutdown), true), (None, false)] {
        let mut replay = Replay::new("binance").unwrap();
        let mut n_events = 0;
        let mut feed = |t, data: Option<&str>| {
            let entry = entry(t, None, data);
            replay.feed(&entry, |_| n_events += 1);
        };
        let quote = |number: u32| format!(r#"{{"u":{number},"s":"A","b":"1","B":"1","a":"2","A":"1"}}"#);
        feed(EntryKind::Recv, Some(&quote(1)));
        if announcement.is_some() {
            feed(EntryKind::Recv, announcement);
        }
        feed(EntryKind::Close, None);
        feed(EntryKind::Close, None);
        if says_connect {
            feed(EntryKind::Connect, None);
        }
        feed(EntryKind::Recv, Some(&quote(2)));
        feed(EntryKind::Send, Some("{}"));
        assert_eq!((replay.summary().counters.quotes, replay.summary().counters.reconnects), (2, 1));
        assert_eq!(n_events, 2, "{announcement:?} {says_connect}");
    }
}

#[test]
fn unknown_venues_are_refused() {
    assert!(Replay::new("nowhere").is_err());
}

const DEPTH: &str = r#"{"lastUpdateId":10,"bids":[["1.50","2"]],"asks":[["1.60","3"]]}"#;

fn depth(first: u64, last: u64) -> String {
    format!(
        r#"{{"stream":"a@depth","data":{{"e":"depthUpdate","E":2000,"s":"A","U":{first},"u":{last},"b":[["1.51","{last}"]],"a":[]}}}}"#
    )
}

fn answer(url: &'static str, is_prelude: bool) -> RecordingEntry<'static> {
    RecordingEntry { url: Some(url.into()), is_prelude, ..entry(EntryKind::Http, None, Some(DEPTH)) }
}

#[test]
fn a_prelude_counts_at_the_beginning_only() {
    let url = "https://x.test/api/v3/depth?symbol=A";
    let mut replay = Replay::new("binance").unwrap();
    replay.feed(&entry(EntryKind::Header, None, None), |_| {});
    replay.feed(&answer(url, true), |_| {});
    let frame = depth(11, 12);
    replay.feed(&entry(EntryKind::Recv, None, Some(&frame)), |_| {});
    let id = InstrumentId::parse("binance:A").unwrap();
    assert_eq!(replay.books()[&id].state, BookState::Live);
    replay.feed(&entry(EntryKind::Header, None, None), |_| {});
    replay.feed(&answer(url, true), |_| {});
    assert_eq!(replay.summary().n_unused_answers, 0, "passed over where the recording goes on");
    replay.feed(&answer(url, false), |_| {});
    assert_eq!(replay.summary().n_unused_answers, 1);
}

#[test]
fn a_second_connection_gets_the_book_that_the_first_one_had() {
    let name = Venue::new("binance").as_replay();
    let mut replay = Replay::under("binance", &name).unwrap();
    let id = InstrumentId::new(&name, "A");
    replay.feed(&answer("https://x.test/api/v3/depth?symbol=A", false), |_| {});
    for (conn, first, last) in [(None, 11, 12), (Some("2"), 11, 12), (None, 13, 13), (Some("2"), 13, 13)] {
        let frame = depth(first, last);
        replay.feed(&entry(EntryKind::Recv, conn, Some(&frame)), |_| {});
        replay.settle();
        assert_eq!(replay.books()[&id].last_update_id, Some(last), "{conn:?}");
    }
    replay.feed(&entry(EntryKind::Close, None, None), |_| {});
    let frame = depth(14, 14);
    replay.feed(&entry(EntryKind::Recv, Some("2"), Some(&frame)), |_| {});
    replay.settle();
    let book = &replay.books()[&id];
    assert_eq!((book.state, book.last_update_id, book.counters.gaps), (BookState::Live, Some(14), 0));
    assert!(replay.health().is_connected && replay.health().cause.is_none());
}

#[test]
fn a_book_that_no_event_has_told_of_is_lent_all_the_same() {
    let mut replay = Replay::new("binance").unwrap();
    for (conn, symbol) in [("1", "A"), ("2", "B"), ("2", "C")] {
        let quote = QUOTE.replace(r#""A","#, &format!(r#""{symbol}","#));
        replay.feed(&entry(EntryKind::Recv, Some(conn), Some(&quote)), |_| {});
        replay.settle();
        assert!(replay.books().keys().eq(replay.summary().books.into_keys()), "{symbol}");
    }
    assert_eq!(replay.books().len(), 3);
}

#[test]
fn times_that_step_back_do_not_make_the_recording_longer() {
    let mut replay = Replay::new("binance").unwrap();
    for seconds in [100.0, 101.0, 100.5, 101.0, 102.0] {
        replay.feed(&RecordingEntry { ts: Some(seconds), ..entry(EntryKind::Send, None, Some("{}")) }, |_| {});
    }
    assert_eq!(replay.now().monotonic, Monotonic::from_zero(Duration::from_secs(2)));
}

/// Bars of whole minutes since the epoch, as Binance answers.
fn bars(minutes: std::ops::Range<u64>) -> String {
    let row = |minute: u64| {
        format!(r#"[{},"1","1","1","1","1",{},"1",1,"1","1","0"]"#, minute * 60_000, minute * 60_000 + 59_999)
    };
    format!("[{}]", minutes.map(row).collect::<Vec<_>>().join(","))
}

const KLINES: &str = "https://x.test/api/v3/klines?symbol=A&interval=1m&limit=500";
const QUOTE: &str = r#"{"u":1,"s":"A","b":"1","B":"1","a":"2","A":"1"}"#;

fn request() -> HistoryRequest {
    HistoryRequest { instrument: InstrumentId::parse("binance:A").unwrap(), interval: Interval::M1, n_bars: 500 }
}

#[test]
fn a_request_for_history_waits_until_a_frame_names_its_instrument() {
    let mut replay = Replay::new("binance").unwrap();
    let mut n_bars = Vec::new();
    let mut note = |event: &MarketEvent| {
        if let MarketEventKind::History(history) = &event.kind {
            n_bars.push(history.candles.len());
        }
    };
    replay.request_history(&request(), &mut note);
    let answered = bars(100..110);
    let url = Some(KLINES.into());
    replay.feed(&RecordingEntry { url, ..entry(EntryKind::Http, None, Some(&answered)) }, &mut note);
    let other = QUOTE.replace(r#""A","#, r#""B","#);
    for quote in [&other, &other, QUOTE, QUOTE] {
        replay.feed(&entry(EntryKind::Recv, None, Some(quote)), &mut note);
    }
    assert_eq!(n_bars, [10], "asked once, and answered by what the recording had before");
}

#[test]
fn the_longest_answer_comes_first_and_later_ones_mend_it() {
    let (long, short) = (bars(100..110), bars(120..122));
    let mut replay = Replay::new("binance").unwrap();
    let mut feed = |t, url: Option<&'static str>, data: &str| {
        let url = url.map(Into::into);
        replay.feed(&RecordingEntry { url, ..entry(t, None, Some(data)) }, |_| {});
    };
    feed(EntryKind::Http, Some(KLINES), &long);
    feed(EntryKind::Http, Some("https://x.test/api/v3/klines?symbol=A&interval=1m&limit=5"), &short);
    feed(EntryKind::Recv, None, QUOTE);
    let mut n_bars = Vec::new();
    for _ in 0..3 {
        replay.request_history(&request(), |event| {
            if let MarketEventKind::History(history) = &event.kind {
                n_bars.push(history.candles.len());
            }
        });
    }
    assert_eq!(n_bars, [10, 2], "and each of them once");
}

/// Descriptions that were requested in several lists, as where one symbol of a list was unknown.
#[test]
fn every_instrument_is_described_however_it_was_asked_for() {
    let info = |symbols: &[&str]| {
        let row = |symbol: &&str| {
            format!(
                r#"{{"symbol":"{symbol}","status":"TRADING","baseAsset":"{symbol}","quoteAsset":"X","filters":[{{"filterType":"PRICE_FILTER","tickSize":"0.01"}},{{"filterType":"LOT_SIZE","stepSize":"0.1"}}]}}"#
            )
        };
        let rows: Vec<String> = symbols.iter().map(row).collect();
        format!(r#"{{"rateLimits":[],"symbols":[{}]}}"#, rows.join(","))
    };
    let lists: [&[&str]; 3] = [&["A"], &["B", "C"], &["D"]];
    for is_described_first in [true, false] {
        let mut replay = Replay::new("binance").unwrap();
        let describe = |replay: &mut Replay| {
            for list in lists {
                let url =
                    format!("https://x.test/api/v3/exchangeInfo?symbols={}", serde_json::to_string(list).unwrap());
                let body = info(list);
                replay.feed(
                    &RecordingEntry { url: Some(url.into()), ..entry(EntryKind::Http, None, Some(&body)) },
                    |_| {},
                );
            }
        };
        if is_described_first {
            describe(&mut replay);
        }
        for symbol in ["A", "B", "C", "D"] {
            let quote = format!(r#"{{"u":1,"s":"{symbol}","b":"1","B":"1","a":"2","A":"1"}}"#);
            replay.feed(&entry(EntryKind::Recv, None, Some(&quote)), |_| {});
        }
        if !is_described_first {
            describe(&mut replay);
        }
        let described: Vec<String> = replay.summary().instruments.keys().map(|id| id.symbol().to_owned()).collect();
        assert_eq!(described, ["A", "B", "C", "D"], "{is_described_first}");
    }
}
