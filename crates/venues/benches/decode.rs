//! Measures a frame from text to events with the book kept, compared with only parsing it into a tree of values.
//!
//! Frames are generated in realistic shape and size; with `TRUETAPE_CAPTURES` set, recorded frames are measured too.
//! Compare only figures of the same run.

use std::{hint::black_box, io::Read, path::Path, time::Duration};

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use model::{
    book::OrderBook,
    decimal::{Price, Quantity},
    event::Level,
    recording_entry::RecordingEntry,
    time::{Monotonic, Now, Timestamp},
};
use venues::{
    kit::backoff::Jitter,
    registry,
    replay::Replay,
    session::{ConnectionId, HttpAnswer, Input, Output, Session, SessionConfig, Symbols},
};

/// Frames of one run.
const N_FRAMES: u64 = 2_000;

fn now(frame_idx: u64) -> Now {
    let since = Duration::from_millis(frame_idx);
    Now { monotonic: Monotonic::from_zero(since), wall: Timestamp::from_millis(1_750_000_000_000) + since }
}

/// Returns a session with a live book of a thousand rows a side, as after its first snapshot.
fn live_session() -> (Box<dyn Session>, ConnectionId) {
    let config = SessionConfig { symbols: Symbols::Listed(vec!["BTCUSDT".into()]), ..SessionConfig::default() };
    let mut session = registry::open("binance", &config).expect("binance is a venue");
    session.handle(Input::Start, now(0));
    let connection = ConnectionId(1);
    session.handle(Input::Connected(connection), now(0));
    session.handle(Input::Frame(connection, &depth(1, &mut Jitter::new(1))), now(0));
    let side = |sign: i64| {
        let rows: Vec<String> =
            (0..1_000_i64).map(|idx| format!("[\"{}.00000000\",\"1.50000000\"]", 60_000 + sign * (idx + 1))).collect();
        rows.join(",")
    };
    let body = format!(r#"{{"lastUpdateId":1,"bids":[{}],"asks":[{}]}}"#, side(-1), side(1));
    while let Some(output) = session.poll_output() {
        if let Output::Http(request) = output
            && request.path.ends_with("/depth")
        {
            let answer = HttpAnswer { status: 200, retry_after: None, used_weight: None, body: &body };
            session.handle(Input::Http(request.id, Ok(answer)), now(0));
        }
    }
    (session, connection)
}

/// A change of twenty rows a side, most of them near the best.
fn depth(update_id: u64, random: &mut Jitter) -> String {
    let mut side = |sign: i64| {
        let rows: Vec<String> = (0..20)
            .map(|_| {
                let distance = 1 + i64::try_from(random.next_u64() % 40 * (random.next_u64() % 10)).unwrap_or(0);
                let quantity = if random.next_u64().is_multiple_of(3) { 0 } else { random.next_u64() % 900_000_000 };
                let (whole, rest) = (quantity / 100_000_000, quantity % 100_000_000);
                format!("[\"{}.00000000\",\"{whole}.{rest:08}\"]", 60_000 + sign * distance)
            })
            .collect();
        rows.join(",")
    };
    let (bids, asks) = (side(-1), side(1));
    format!(
        r#"{{"stream":"btcusdt@depth@100ms","data":{{"e":"depthUpdate","E":1750000000000,"s":"BTCUSDT","U":{update_id},"u":{update_id},"b":[{bids}],"a":[{asks}]}}}}"#
    )
}

fn best(update_id: u64) -> String {
    format!(
        r#"{{"stream":"btcusdt@bookTicker","data":{{"u":{update_id},"s":"BTCUSDT","b":"59999.00000000","B":"3.78826000","a":"60001.00000000","A":"1.54698000"}}}}"#
    )
}

fn trade(number: u64) -> String {
    format!(
        r#"{{"stream":"btcusdt@trade","data":{{"e":"trade","E":1750000000343,"s":"BTCUSDT","t":{number},"p":"60000.00000000","q":"0.02000000","T":1750000000342,"m":true,"M":true}}}}"#
    )
}

fn run(session: &mut Box<dyn Session>, connection: ConnectionId, frames: &[String]) -> u64 {
    let mut n_events = 0;
    for (frame_idx, frame) in frames.iter().enumerate() {
        session.handle(Input::Frame(connection, frame), now(frame_idx as u64));
        while let Some(output) = session.poll_output() {
            n_events += u64::from(matches!(black_box(output), Output::Event(_)));
        }
    }
    n_events
}

/// A Kraken session with a live book of a hundred rows a side, and changes of it with their checksums.
struct Kraken {
    book: OrderBook,
    random: Jitter,
}

impl Kraken {
    fn new() -> Self {
        let mut book = OrderBook::new();
        let side = |sign: i64| (1..=100_i64).map(|idx| row(600_000 + sign * idx, 150_000_000)).collect::<Vec<_>>();
        book.apply_snapshot(&side(-1), &side(1));
        Self { book, random: Jitter::new(7) }
    }

    fn live_session() -> (Box<dyn Session>, ConnectionId) {
        let config = SessionConfig { symbols: Symbols::Listed(vec!["BTC/USD".into()]), ..SessionConfig::default() };
        let mut session = registry::open("kraken", &config).expect("kraken is a venue");
        session.handle(Input::Start, now(0));
        let connection = ConnectionId(1);
        session.handle(Input::Connected(connection), now(0));
        let venue = Self::new();
        let (bids, asks): (Vec<Level>, Vec<Level>) = (venue.book.bids().collect(), venue.book.asks().collect());
        session.handle(Input::Frame(connection, &venue.frame("snapshot", &bids, &asks)), now(0));
        while session.poll_output().is_some() {}
        (session, connection)
    }

    fn frame(&self, kind: &str, bids: &[Level], asks: &[Level]) -> String {
        let rows = |rows: &[Level]| {
            let rows: Vec<String> =
                rows.iter().map(|row| format!(r#"{{"price":{},"qty":{}}}"#, row.price, row.quantity)).collect();
            rows.join(",")
        };
        let best = self.book.asks().take(10).chain(self.book.bids().take(10));
        let text: String = best.map(|row| format!("{}{}", row.price.mantissa(), row.quantity.mantissa())).collect();
        let mut checksum = u32::MAX;
        for byte in text.bytes() {
            checksum ^= u32::from(byte);
            for _ in 0..8 {
                checksum = if checksum & 1 == 1 { (checksum >> 1) ^ 0xedb8_8320 } else { checksum >> 1 };
            }
        }
        format!(
            r#"{{"channel":"book","type":"{kind}","data":[{{"symbol":"BTC/USD","bids":[{}],"asks":[{}],"checksum":{},"timestamp":"2026-08-02T03:35:51.660084Z"}}]}}"#,
            rows(bids),
            rows(asks),
            !checksum
        )
    }

    /// Changes two rows of a side near the best, like most recorded frames.
    fn change(&mut self) -> String {
        let sign = if self.random.next_u64().is_multiple_of(2) { -1 } else { 1 };
        let rows: Vec<Level> = (0..2)
            .map(|_| {
                let distance = 1 + i64::try_from(self.random.next_u64() % 90).unwrap_or(0);
                row(600_000 + sign * distance, 1 + i64::try_from(self.random.next_u64() % 900_000_000).unwrap_or(0))
            })
            .collect();
        let (bids, asks) = if sign < 0 { (rows, Vec::new()) } else { (Vec::new(), rows) };
        self.book.apply_delta(&bids, &asks);
        self.frame("update", &bids, &asks)
    }

    fn trade(number: u64) -> String {
        format!(
            r#"{{"channel":"trade","type":"update","data":[{{"symbol":"BTC/USD","side":"buy","price":83744.3,"qty":0.00044780,"ord_type":"limit","trade_id":{number},"timestamp":"2026-09-25T17:48:26.844359Z"}}]}}"#
        )
    }

    fn ticker(number: u64) -> String {
        format!(
            r#"{{"channel":"ticker","type":"update","data":[{{"symbol":"BTC/USD","bid":83744.2,"bid_qty":0.{number:08},"ask":83744.3,"ask_qty":0.00044780,"last":83744.3,"volume":3156.84782110,"vwap":84174.6,"low":83163.6,"high":85247.4,"change":-429.3,"change_pct":-0.51,"trades":135262,"timestamp":"2026-09-25T17:48:26.844359Z"}}]}}"#
        )
    }
}

fn row(tenths: i64, lots: i64) -> Level {
    Level {
        price: Price::from_mantissa(i128::from(tenths), 1).expect("fits"),
        quantity: Quantity::from_mantissa(i128::from(lots), 8).expect("fits"),
    }
}

/// Measures frames that each give at least one event, on sessions created by `open`.
fn compare(
    criterion: &mut Criterion,
    kind: &str,
    n_elements: u64,
    frames: &[String],
    open: fn() -> (Box<dyn Session>, ConnectionId),
) {
    let mut group = criterion.benchmark_group(kind);
    group.throughput(Throughput::Elements(n_elements)).sample_size(40);
    group.bench_function("session", |bencher| {
        bencher.iter_batched_ref(
            open,
            |(session, connection)| assert!(run(session, *connection, frames) >= frames.len() as u64),
            BatchSize::LargeInput,
        );
    });
    group.bench_function("serde_json::Value", |bencher| {
        bencher.iter(|| {
            for frame in frames {
                black_box(serde_json::from_str::<serde_json::Value>(frame).expect("made up as JSON"));
            }
        });
    });
    group.finish();
}

fn made_up(criterion: &mut Criterion) {
    let mut random = Jitter::new(7);
    let mut measure = |kind, frames: Vec<String>| compare(criterion, kind, frames.len() as u64, &frames, live_session);
    measure("depth", (2..N_FRAMES).map(|id| depth(id, &mut random)).collect());
    measure("bookTicker", (2..N_FRAMES).map(best).collect());
    measure("trade", (2..N_FRAMES).map(trade).collect());
}

/// Levels of a whole Coinbase book, as many as in the longest recorded one.
const COINBASE_LEVELS: usize = 46_000;

/// A session on Coinbase with a live book of a thousand rows a side; the next frame of its connection is number 1.
fn live_coinbase_session() -> (Box<dyn Session>, ConnectionId) {
    let config = SessionConfig { symbols: Symbols::Listed(vec!["BTC-USD".into()]), ..SessionConfig::default() };
    let mut session = registry::open("coinbase", &config).expect("coinbase is a venue");
    session.handle(Input::Start, now(0));
    let connection = ConnectionId(1);
    session.handle(Input::Connected(connection), now(0));
    session.handle(Input::Frame(connection, &coinbase_snapshot(0, 2_000)), now(0));
    while session.poll_output().is_some() {}
    (session, connection)
}

fn coinbase_frame(channel: &str, number: u64, event: &str) -> String {
    format!(
        r#"{{"channel":"{channel}","timestamp":"2026-08-09T21:05:48.483587501Z","sequence_num":{number},"events":[{event}]}}"#
    )
}

fn coinbase_level(side: &str, price: u64, quantity: u64) -> String {
    let (whole, rest) = (quantity / 100_000_000, quantity % 100_000_000);
    format!(
        r#"{{"side":"{side}","event_time":"2026-08-09T21:05:48.170326Z","price_level":"{}.{:02}","new_quantity":"{whole}.{rest:08}"}}"#,
        price / 100,
        price % 100
    )
}

/// The whole book: bids from the best down, then asks from the best up, in the venue's order.
fn coinbase_snapshot(number: u64, n_levels: usize) -> String {
    let half = n_levels as u64 / 2;
    let bids = (1..=half).map(|step| coinbase_level("bid", 6_000_000 - step * 3, step * 1_234_567));
    let asks = (1..=half).map(|step| coinbase_level("offer", 6_000_000 + step * 3, step * 1_234_567));
    let rows: Vec<String> = bids.chain(asks).collect();
    let event = format!(r#"{{"type":"snapshot","product_id":"BTC-USD","updates":[{}]}}"#, rows.join(","));
    coinbase_frame("l2_data", number, &event)
}

/// Eight changed rows, the average of recorded changes.
fn coinbase_update(number: u64, random: &mut Jitter) -> String {
    let rows: Vec<String> = (0..8)
        .map(|_| {
            let distance = 3 * (1 + random.next_u64() % 40 * (random.next_u64() % 10));
            let quantity = if random.next_u64().is_multiple_of(3) { 0 } else { random.next_u64() % 900_000_000 };
            if random.next_u64().is_multiple_of(2) {
                coinbase_level("bid", 6_000_000 - distance, quantity)
            } else {
                coinbase_level("offer", 6_000_000 + distance, quantity)
            }
        })
        .collect();
    let event = format!(r#"{{"type":"update","product_id":"BTC-USD","updates":[{}]}}"#, rows.join(","));
    coinbase_frame("l2_data", number, &event)
}

fn coinbase_trade(number: u64) -> String {
    let event = format!(
        r#"{{"type":"update","trades":[{{"product_id":"BTC-USD","trade_id":"{number}","price":"60000.01","size":"0.01034361","time":"2026-08-09T21:05:48.167634Z","side":"SELL"}}]}}"#
    );
    coinbase_frame("market_trades", number, &event)
}

fn coinbase_ticker(number: u64) -> String {
    let event = r#"{"type":"update","tickers":[{"type":"ticker","product_id":"BTC-USD","price":"60000.01","volume_24_h":"2867.54532609","low_24_h":"59675.22","high_24_h":"60252.99","low_52_w":"57717.55","high_52_w":"126296","price_percent_chg_24_h":"0.09601107287722","best_bid":"59999.97","best_ask":"60000.03","best_bid_quantity":"0.01234567","best_ask_quantity":"0.01234567"}]}"#;
    coinbase_frame("ticker", number, event)
}

fn made_up_coinbase(criterion: &mut Criterion) {
    let mut random = Jitter::new(7);
    let mut measure =
        |kind, frames: Vec<String>| compare(criterion, kind, frames.len() as u64, &frames, live_coinbase_session);
    measure("coinbase update", (1..N_FRAMES).map(|number| coinbase_update(number, &mut random)).collect());
    measure("coinbase trade", (1..N_FRAMES).map(coinbase_trade).collect());
    measure("coinbase ticker", (1..N_FRAMES).map(coinbase_ticker).collect());
    // Each element is a level here.
    let snapshot = [coinbase_snapshot(1, COINBASE_LEVELS)];
    compare(criterion, "coinbase snapshot", COINBASE_LEVELS as u64, &snapshot, live_coinbase_session);
}

/// Kraken's kinds of frames.
fn made_up_kraken(criterion: &mut Criterion) {
    let mut venue = Kraken::new();
    let mut measure =
        |kind, frames: Vec<String>| compare(criterion, kind, frames.len() as u64, &frames, Kraken::live_session);
    measure("kraken book", (0..N_FRAMES).map(|_| venue.change()).collect());
    measure("kraken trade", (1..N_FRAMES).map(Kraken::trade).collect());
    measure("kraken ticker", (1..N_FRAMES).map(Kraken::ticker).collect());
}

fn recorded(criterion: &mut Criterion) {
    let Some(folder) = std::env::var_os("TRUETAPE_CAPTURES") else {
        eprintln!("recorded frames are skipped: TRUETAPE_CAPTURES names no folder");
        return;
    };
    for (kind, venue, path, n_least) in [
        ("recorded", "binance", "binance/btcusdt_20240808_spot_depth100ms_bookticker_trade.tape.jsonl.gz", 40_000),
        ("recorded kraken", "kraken", "kraken/v2_btcusd_sample_20260801.tape.jsonl.gz", 2_000),
    ] {
        let file = std::fs::File::open(Path::new(&folder).join(path)).expect("the recording is there");
        let mut text = String::new();
        flate2::read::GzDecoder::new(file).read_to_string(&mut text).expect("the recording is readable");
        replayed(criterion, kind, venue, &text, n_least);
    }
}

fn replayed(criterion: &mut Criterion, kind: &str, venue: &str, text: &str, n_least: u64) {
    let entries: Vec<RecordingEntry<'_>> = text.lines().filter_map(|line| RecordingEntry::parse(line).ok()).collect();
    let mut group = criterion.benchmark_group(kind);
    group.throughput(Throughput::Elements(entries.len() as u64)).sample_size(10);
    group.bench_function("session", |bencher| {
        bencher.iter(|| {
            let mut replay = Replay::new(venue).expect("a venue of the list");
            let mut n_events = 0_u64;
            entries.iter().for_each(|entry| replay.feed(entry, |_| n_events += 1));
            assert!(n_events > n_least);
        });
    });
    group.bench_function("serde_json::Value", |bencher| {
        bencher.iter(|| {
            for frame in entries.iter().filter_map(|entry| entry.data.as_deref()) {
                black_box(serde_json::from_str::<serde_json::Value>(frame).expect("recorded JSON"));
            }
        });
    });
    group.finish();
}

criterion_group!(benches, made_up, made_up_coinbase, made_up_kraken, recorded);
criterion_main!(benches);
