//! The trading desk's updates, compared with the events and books themselves: from a feed connected to a simulated
//! venue, from a replay, and from recordings of real venues.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    rc::Rc,
    sync::{Arc, Mutex},
};

use market::desk_feed::{DeskFeeds, DeskQueue, DeskSink};
use model::{
    desk_feed::{DESK_DEPTH, DeskBook, DeskState, DeskTrade, DeskUpdate},
    event::{BookUpdate, Level, MarketEvent, MarketEventKind, Trade},
    instrument::{InstrumentId, Venue},
    proof::{BookState, Books},
    recording_entry::RecordingEntry,
};
use recording::player::Control;
use server::{
    feed::{desk_feed::DeskReader, driver::EventObserver, error::FeedError},
    recorder::{recording_file::RecordingFile, replays::Load},
    serve::Server,
};
use topics::channels::replay::PlayState;
use venue_sim::{Fault, FaultKind, Sim, SimConfig, Source, Speed};
use venues::{replay::Replay, session::Session};
use wire::command::FeedSymbols;

use crate::{
    client::PATIENCE,
    feed::{config_for, demo_sim, recording},
};

/// The updates received by a reader of one instrument.
#[derive(Default)]
struct Reading {
    book: DeskBook,
    trades: Vec<DeskTrade>,
    states: Vec<DeskState>,
    n_levels: usize,
    has_ended: bool,
}

impl Reading {
    fn apply(&mut self, updates: &[DeskUpdate]) {
        for update in updates {
            self.book.apply(update);
            match update {
                DeskUpdate::Trade(trade) => self.trades.push(trade.clone()),
                DeskUpdate::BookState(state) => self.states.push(*state),
                DeskUpdate::Levels(_) => self.n_levels += 1,
                DeskUpdate::Suspect(loss) => panic!("lost {loss:?}"),
                DeskUpdate::Ended => self.has_ended = true,
            }
        }
    }

    /// Reads on until `is_done`.
    async fn until(&mut self, reader: &mut DeskReader, is_done: impl Fn(&Self) -> bool) {
        while !is_done(self) {
            let updates = tokio::time::timeout(PATIENCE, reader.recv()).await.expect("updates come");
            updates.expect("the feed goes on").iter().for_each(|(_, updates)| self.apply(updates));
        }
    }

    fn states(&self) -> Vec<BookState> {
        self.states.iter().map(|state| state.state).collect()
    }

    fn plain_trades(&self) -> Vec<Trade> {
        self.trades.iter().map(|trade| trade.trade.clone()).collect()
    }
}

fn id(text: &str) -> InstrumentId {
    InstrumentId::parse(text).unwrap()
}

fn top(books: &Books, id: &InstrumentId) -> (Vec<Level>, Vec<Level>) {
    let book = &books[id].book;
    (book.bids().take(DESK_DEPTH).collect(), book.asks().take(DESK_DEPTH).collect())
}

/// Trades and states as an observer of the feed's events sees them.
#[derive(Default)]
struct Seen {
    trades: Vec<Trade>,
    states: Vec<BookState>,
}

impl Seen {
    fn note(&mut self, event: &MarketEvent) {
        match &event.kind {
            MarketEventKind::Trade(trade) => self.trades.push(trade.clone()),
            MarketEventKind::Book(
                BookUpdate::Snapshot { state, .. } | BookUpdate::Delta { state, .. } | BookUpdate::State { state },
            ) if self.states.last() != Some(state) => self.states.push(*state),
            _ => {}
        }
    }
}

#[tokio::test]
async fn a_live_feed_sends_every_trade_and_state_and_the_newest_levels() {
    let sim = demo_sim().await;
    let seen = Arc::new(Mutex::new(Seen::default()));
    let observer = {
        let seen = seen.clone();
        move |event: &MarketEvent| seen.lock().unwrap().note(event)
    };
    let mut observer = Some(Box::new(observer) as EventObserver);
    let server = Server::start_observed(config_for(&sim, "ADASIM"), move |_| observer.take()).await.unwrap();
    let symbol = id("binance:ADASIM");
    let mut reader = server.feeds().subscribe_desk(std::slice::from_ref(&symbol)).unwrap();
    let mut reading = Reading::default();
    reading.until(&mut reader, |reading| reading.book.tradable().is_some() && reading.trades.len() >= 5).await;
    // The line breaks, and frames go missing: the book leaves and comes back.
    for fault in [FaultKind::Close, FaultKind::Drop] {
        let n_states = reading.states.len();
        sim.fault(Fault { probability: Some(0.2), ..Fault::new(fault) });
        reading.until(&mut reader, |reading| reading.states.len() > n_states).await;
        sim.fault(Fault::new(FaultKind::None));
        reading.until(&mut reader, |reading| reading.book.tradable().is_some()).await;
    }
    let n_trades = reading.trades.len();
    reading.until(&mut reader, |reading| reading.trades.len() > n_trades + 2 && reading.n_levels > 10).await;
    let levels = reading.book.tradable().unwrap();
    assert!(levels.bids.len() > 5 && levels.bids.len() <= DESK_DEPTH, "{levels:?}");
    assert!(levels.bids.windows(2).all(|pair| pair[0].price > pair[1].price), "{levels:?}");
    assert!(levels.asks.windows(2).all(|pair| pair[0].price < pair[1].price), "{levels:?}");
    assert!(levels.last_update_id.is_some() && levels.receive_time.is_some(), "{levels:?}");
    let offsets: Vec<u64> = reading.trades.iter().map(|trade| trade.offset).collect();
    assert!(offsets.is_sorted_by(|left, right| left < right), "{offsets:?}");
    // The subscription may have begun after the first events; from then on there is everything, in order.
    let seen = seen.lock().unwrap();
    let trades = reading.plain_trades();
    let begin = seen.trades.iter().position(|trade| trade.id == trades[0].id).unwrap();
    assert_eq!(seen.trades[begin..begin + trades.len()], trades);
    let states = reading.states();
    assert!(states.iter().filter(|state| **state == BookState::Live).count() >= 3, "{states:?}");
    assert!(seen.states.windows(states.len() - 1).any(|window| *window == states[1..]), "{states:?} {:?}", seen.states);
}

#[tokio::test]
async fn a_subscription_ends_with_its_feed_and_can_begin_again() {
    let sim = demo_sim().await;
    let server = Server::start(config_for(&sim, "ADASIM")).await.unwrap();
    let symbol = id("binance:ADASIM");
    let feeds = server.feeds();
    let unknown = feeds.subscribe_desk(&[id("binance:ADASIN")]).map(drop);
    assert!(matches!(unknown, Err(FeedError::UnknownInstrument { .. })), "{unknown:?}");
    let mut reader = feeds.subscribe_desk(std::slice::from_ref(&symbol)).unwrap();
    let mut reading = Reading::default();
    reading.until(&mut reader, |reading| reading.book.tradable().is_some()).await;
    // A further symbol changes nothing for those that are followed.
    let more = FeedSymbols { venue: "binance".into(), symbols: vec!["XRPSIM".into()] };
    feeds.start(more.clone()).await.unwrap();
    let n_trades = reading.trades.len();
    reading.until(&mut reader, |reading| reading.trades.len() > n_trades + 2).await;
    assert!(!reading.has_ended && reading.book.tradable().is_some());
    let same = FeedSymbols { venue: "binance".into(), symbols: vec!["ADASIM".into()] };
    feeds.stop(same.clone()).await.unwrap();
    feeds.start(same).await.unwrap();
    reading.until(&mut reader, |reading| reading.has_ended).await;
    assert_eq!(reading.book.tradable(), None);
    assert!(reader.recv().await.is_none(), "nothing is followed");
    reader.follow(feeds, std::slice::from_ref(&symbol)).unwrap();
    reader.follow(feeds, &[symbol.clone(), id("binance:XRPSIM")]).unwrap();
    let mut by_symbol: BTreeMap<InstrumentId, Reading> = BTreeMap::new();
    while by_symbol.values().filter(|reading| reading.book.tradable().is_some()).count() < 2 {
        for (id, updates) in tokio::time::timeout(PATIENCE, reader.recv()).await.unwrap().unwrap() {
            by_symbol.entry(id).or_default().apply(&updates);
        }
    }
    reader.leave(&symbol);
    let stop = FeedSymbols { symbols: Vec::new(), ..more };
    feeds.stop(stop).await.unwrap();
    let mut rest = BTreeSet::new();
    while let Some(updates) = reader.recv().await {
        rest.extend(updates.into_iter().map(|(id, _)| id));
    }
    assert_eq!(rest.into_iter().collect::<Vec<_>>(), [id("binance:XRPSIM")]);
}

/// A reader in the same thread as the feed.
#[derive(Clone, Default)]
struct Shared(Rc<RefCell<DeskQueue>>);

impl DeskSink for Shared {
    fn with_queue(&mut self, push: impl FnOnce(&mut DeskQueue)) -> bool {
        push(&mut self.0.borrow_mut());
        true
    }
}

/// Plays entries through the venue's session and the desk's side of the feed; reads each instrument from its first
/// event on, after every `rhythm` entries.
fn play<'a>(venue: &str, name: &Venue, lines: impl Iterator<Item = &'a str>, rhythm: usize) -> Played {
    let mut replay = Replay::under(venue, name).unwrap();
    let mut desk: DeskFeeds<Shared> = DeskFeeds::default();
    let mut queues: BTreeMap<InstrumentId, (Shared, Reading)> = BTreeMap::new();
    let mut seen: BTreeMap<InstrumentId, Seen> = BTreeMap::new();
    for (idx, line) in lines.enumerate() {
        let Ok(entry) = RecordingEntry::parse(line) else { continue };
        replay.feed(&entry, |event| {
            if !queues.contains_key(&event.instrument) {
                let queue = Shared::default();
                desk.subscribe(event.instrument.clone(), queue.clone(), &Books::new());
                queues.insert(event.instrument.clone(), (queue, Reading::default()));
            }
            seen.entry(event.instrument.clone()).or_default().note(event);
            desk.apply(event);
        });
        replay.settle();
        desk.batch_end(Session::books(&replay));
        if idx % rhythm == 0 {
            queues.values_mut().for_each(|(queue, reading)| reading.apply(&queue.0.borrow_mut().drain()));
        }
    }
    let readings = queues.into_iter().map(|(id, (queue, mut reading))| {
        reading.apply(&queue.0.borrow_mut().drain());
        (id, reading)
    });
    Played { readings: readings.collect(), seen, replay }
}

struct Played {
    readings: BTreeMap<InstrumentId, Reading>,
    seen: BTreeMap<InstrumentId, Seen>,
    replay: Replay,
}

#[tokio::test]
async fn a_replay_sends_what_the_live_feed_sends() {
    let text = recording(500);
    let name = Venue::new("binance").as_replay();
    let mut played = play("binance", &name, text.lines(), 1);
    let symbol = InstrumentId::new(&name, "AAABBB");
    let expected = played.readings.remove(&symbol).unwrap();
    assert_eq!((expected.trades.len(), expected.book.tradable().is_some()), (500, true));

    // Played by the server, from a file.
    let folder = std::env::temp_dir().join(format!("truetape-desk-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let path = folder.join("a.jsonl");
    fs::write(&path, &text).unwrap();
    let server = Server::start(crate::client::demo_config()).await.unwrap();
    let load = Load { paths: vec![path], venue: Some("binance".into()), at: None, speed: 100.0, is_paused: true };
    server.replays().load_files(load).await.unwrap();
    let mut reader = server.feeds().subscribe_desk(std::slice::from_ref(&symbol)).unwrap();
    let mut reading = Reading::default();
    reading.until(&mut reader, |reading| !reading.states.is_empty()).await;
    server.replays().control(Control::Play).unwrap();
    let n_offsets = expected.book.levels().unwrap().offset;
    reading
        .until(&mut reader, |reading| {
            reading.trades.len() == 500 && reading.book.levels().is_some_and(|levels| levels.offset == n_offsets)
        })
        .await;
    assert_eq!(reading.trades, expected.trades);
    assert_eq!(reading.states(), expected.states());
    assert_eq!(reading.book, expected.book);
    // A jump is no market: it ends the subscription.
    server.replays().control(Control::Seek(model::time::Timestamp::from_millis(1_010_000))).unwrap();
    reading.until(&mut reader, |reading| reading.has_ended).await;
    while server.replays().report().unwrap().state == PlayState::Seeking {
        tokio::task::yield_now().await;
    }
    fs::remove_dir_all(&folder).unwrap();

    // Spoken by the simulator, over a socket.
    let sim = SimConfig { speed: Speed::Max, ..SimConfig::new("binance", Source::Text(text)) };
    let sim = Sim::start(sim).await.unwrap();
    let server = Server::start(config_for(&sim, "AAABBB")).await.unwrap();
    let mut reader = server.feeds().subscribe_desk(&[id("binance:AAABBB")]).unwrap();
    let mut live = Reading::default();
    let last = &expected.trades.last().unwrap().trade;
    let levels = |reading: &Reading| reading.book.levels().map(|levels| (levels.bids.clone(), levels.asks.clone()));
    live.until(&mut reader, |live| {
        live.trades.last().is_some_and(|trade| trade.trade == *last) && levels(live) == levels(&expected)
    })
    .await;
    // The subscription may have begun after the first frames.
    let (live, expected) = (live.plain_trades(), expected.plain_trades());
    assert!(expected.ends_with(&live), "{} of {}", live.len(), expected.len());
}

fn captures() -> Option<PathBuf> {
    let folder = std::env::var_os("TRUETAPE_CAPTURES").map(PathBuf::from);
    if folder.is_none() {
        eprintln!("skipped: TRUETAPE_CAPTURES names no folder with recordings");
    }
    folder
}

fn lines_of(path: &Path) -> Vec<String> {
    let mut file = RecordingFile::open(path).unwrap();
    let mut lines = Vec::new();
    while let Some(line) = file.next_line().unwrap() {
        lines.push(String::from_utf8(line.to_vec()).unwrap());
    }
    lines
}

#[test]
fn real_venues_come_through_whole() {
    let Some(folder) = captures() else { return };
    for (venue, file, is_book_live, has_trades) in [
        ("binance", "binance/btcusdt_20240808_spot_depth100ms_bookticker_trade.tape.jsonl.gz", true, true),
        (
            "binance",
            "binance/nknusdt_blzeth_lrcbtc_runeeur_20211012_depth_bookticker_kline_aggtrade.tape.jsonl.gz",
            true,
            true,
        ),
        ("kraken", "kraken/v2_btcusd_sample_20260801.tape.jsonl.gz", true, false),
        ("kraken", "kraken/v1_10pairs_20210417_trade.tape.jsonl.gz", false, false),
        ("coinbase", "coinbase/advanced_btcusd_ethusd_20260809_first14s.tape.jsonl.gz", true, true),
    ] {
        let lines = lines_of(&folder.join(file));
        let mut counted = Replay::new(venue).unwrap();
        let mut n_trades: BTreeMap<InstrumentId, usize> = BTreeMap::new();
        for entry in lines.iter().filter_map(|line| RecordingEntry::parse(line).ok()) {
            counted.feed(&entry, |event| {
                if matches!(event.kind, MarketEventKind::Trade(_)) {
                    *n_trades.entry(event.instrument.clone()).or_default() += 1;
                }
            });
        }
        for rhythm in [1, 97] {
            let played = play(venue, &Venue::new(venue), lines.iter().map(String::as_str), rhythm);
            let mut n_live = 0;
            for (id, reading) in &played.readings {
                assert_eq!(reading.trades.len(), n_trades.get(id).copied().unwrap_or_default(), "{id}");
                assert_eq!(reading.plain_trades(), played.seen[id].trades, "{id}");
                let books = Session::books(&played.replay);
                if let Some(book) = books.get(id).filter(|book| book.state.is_served()) {
                    let levels = reading.book.levels().unwrap();
                    assert_eq!((levels.bids.clone(), levels.asks.clone()), top(books, id), "{id}");
                    assert_eq!(levels.last_update_id, book.last_update_id, "{id}");
                    n_live += usize::from(reading.book.tradable().is_some());
                }
            }
            assert_eq!(n_live > 0, is_book_live, "{file}");
        }
        assert_eq!(n_trades.values().sum::<usize>() > 0, has_trades, "{file}");
    }
}
