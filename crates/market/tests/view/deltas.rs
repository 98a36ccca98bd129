//! A snapshot with all later deltas merged equals a later snapshot, digit by digit, on each channel and lane.

use std::{collections::BTreeMap, time::Duration};

use market::{View, ViewConfig};
use model::{
    candle::{Candle, Interval},
    event::{
        AggressorSide, BookInterest, BookUpdate, CandleHistory, CandleUpdate, DayStatistics, Level, MarketEventKind,
        Quote, TradeId,
    },
    proof::{BookState, Books, TrackedBook},
    status::{FeedCause, FeedHealth},
    time::Timestamp,
};
use proptest::prelude::*;
use topics::{
    channels::{TopicData, book::BookData, ladder::LadderData, quote::QuoteData},
    lane::Lane,
    payload::Merge,
    topic::Topic,
};

use crate::common::{event, id, instrument, level, now_at, price, size, trade, venue_at};

#[derive(Clone, Debug)]
enum Step {
    /// Price, size, milliseconds of delay, numbers skipped.
    Trade(i64, i64, u64, u64),
    /// A trade that came before, or fills a gap: numbers back.
    Again(u64),
    Quote(i64, i64),
    BookSnapshot(Vec<(i64, i64)>, Vec<(i64, i64)>),
    BookDelta(Vec<(i64, i64)>, Vec<(i64, i64)>),
    BookState(BookState),
    Day(i64),
    Instrument(u32),
    History(Interval, usize),
    VenueBar(Interval, bool),
    Health(bool, bool),
    Start(Lane),
    Turn(Lane, bool),
}

fn any_interval() -> impl Strategy<Value = Interval> {
    prop::sample::select(vec![Interval::S1, Interval::M1])
}

fn any_rows() -> impl Strategy<Value = Vec<(i64, i64)>> {
    prop::collection::vec((1_i64..60, prop_oneof![1 => Just(0_i64), 3 => 1_i64..50]), 0..40)
}

fn any_step() -> impl Strategy<Value = (u8, u64, Step)> {
    let state =
        prop::sample::select(vec![BookState::Live, BookState::Suspect, BookState::Resyncing, BookState::Unverified]);
    let lane = || prop::sample::select(Lane::ALL.to_vec());
    let step = prop_oneof![
        12 => (1_i64..1_000, 1_i64..50, 0_u64..5_000, 0_u64..2).prop_map(|(cents, lots, late, skipped)| Step::Trade(cents, lots, late, skipped)),
        2 => (0_u64..5).prop_map(Step::Again),
        4 => (1_i64..50, 1_i64..5).prop_map(|(bid, lots)| Step::Quote(bid, lots)),
        2 => (any_rows(), any_rows()).prop_map(|(bids, asks)| Step::BookSnapshot(bids, asks)),
        8 => (any_rows(), any_rows()).prop_map(|(bids, asks)| Step::BookDelta(bids, asks)),
        2 => state.prop_map(Step::BookState),
        2 => (1_i64..100).prop_map(Step::Day),
        1 => (0_u32..4).prop_map(Step::Instrument),
        1 => (any_interval(), prop_oneof![4 => 1_usize..30, 1 => 480_usize..700]).prop_map(|(interval, n_rows)| Step::History(interval, n_rows)),
        2 => (any_interval(), any::<bool>()).prop_map(|(interval, is_closed)| Step::VenueBar(interval, is_closed)),
        1 => (any::<bool>(), any::<bool>()).prop_map(|(is_connected, has_cause)| Step::Health(is_connected, has_cause)),
        2 => lane().prop_map(Step::Start),
        14 => (lane(), any::<bool>()).prop_map(|(lane, is_joined)| Step::Turn(lane, is_joined)),
    ];
    (0_u8..2, 0_u64..400, step)
}

/// The view with the session's side of it, and for each lane and topic the state a page has merged since it joined.
struct World {
    view: View,
    books: Books,
    health: FeedHealth,
    number: u64,
    now_ms: u64,
    pages: BTreeMap<(Lane, Topic), TopicData>,
}

fn topics() -> Vec<Topic> {
    let of = |id| {
        let candles = [Interval::S1, Interval::M1].map(|interval| Topic::candles(interval, &id));
        let ladders = [1, 10].map(|n_ticks| Topic::ladder(n_ticks, &id));
        let others = [Topic::quote(&id), Topic::tape(&id), Topic::book(&id), Topic::quality(&id)];
        let of = |(interval, spec): (Interval, &str)| Topic::indicators(interval, spec, &id);
        let specs = [
            (Interval::S1, "sma(3)"),
            (Interval::M1, "macd(2,3,2)"),
            (Interval::S1, "mom(2)"),
            (Interval::S1, "nonsense"),
        ];
        others.into_iter().chain(candles).chain(ladders).chain(specs.map(of)).collect::<Vec<_>>()
    };
    of(id(0)).into_iter().chain(of(id(1))).chain([Topic::STATUS]).collect()
}

fn levels(rows: &[(i64, i64)], offset: i64) -> Vec<Level> {
    rows.iter().map(|(cents, lots)| level(offset + cents, *lots)).collect()
}

impl World {
    fn new() -> Self {
        Self {
            view: View::new(ViewConfig::default()),
            books: Books::new(),
            health: FeedHealth::default(),
            number: 0,
            now_ms: 0,
            pages: BTreeMap::new(),
        }
    }

    fn apply(&mut self, number: u8, late_ms: u64, kind: MarketEventKind) {
        let stamp = venue_at(self.now_ms.saturating_sub(late_ms));
        self.view.apply(&event(id(number), self.now_ms, Some(stamp), kind));
    }

    fn bar(&self, interval: Interval, n_back: u64, cents: i64) -> Candle {
        let millis = u64::try_from(interval.duration().as_millis()).unwrap() * n_back;
        Candle::of_trade(
            interval.open_time(venue_at(1_000_000_000 + self.now_ms - millis)),
            price(cents),
            size(cents),
            AggressorSide::Buyer,
        )
    }

    fn book_event(&mut self, number: u8, change: impl FnOnce(&mut TrackedBook) -> BookUpdate) {
        let (now, stamp) = (now_at(self.now_ms), venue_at(self.now_ms));
        let tracked = self.books.entry(id(number)).or_default();
        tracked.receive_time = Some(now.wall);
        tracked.event_time = Some(stamp);
        tracked.counters.updates += 1;
        tracked.last_update_id = Some(tracked.counters.updates);
        let update = change(tracked);
        self.apply(number, 0, MarketEventKind::Book(update));
        self.view.note_books(&self.books);
    }

    fn step(&mut self, number: u8, step: Step) {
        match step {
            Step::Trade(cents, lots, late_ms, n_skipped) => {
                self.number += 1 + n_skipped;
                self.apply(number, late_ms, trade(TradeId::Sequence(self.number), cents, lots));
            }
            Step::Again(n_back) => {
                let kind = trade(TradeId::Sequence(self.number.saturating_sub(n_back)), 77, 1);
                self.apply(number, 10 * n_back, kind);
            }
            Step::Quote(bid, lots) => {
                let side =
                    |cents: i64, is_gone: bool| (!is_gone).then(|| Level { price: price(cents), quantity: size(lots) });
                // Sometimes a side is empty.
                let quote = Quote { bid: side(bid, bid % 5 == 0), ask: side(bid + 1, bid % 7 == 0) };
                self.apply(number, 0, MarketEventKind::Quote(quote));
            }
            Step::BookSnapshot(bids, asks) => self.book_event(number, |tracked| {
                tracked.book.apply_snapshot(&levels(&bids, 0), &levels(&asks, 60));
                tracked.state = BookState::Live;
                let (n_bids, n_asks) = (tracked.book.n_bids(), tracked.book.n_asks());
                BookUpdate::Snapshot { state: tracked.state, n_bids, n_asks }
            }),
            Step::BookDelta(bids, asks) => self.book_event(number, |tracked| {
                let (bids, asks) = (levels(&bids, 0), levels(&asks, 60));
                tracked.book.apply_delta(&bids, &asks);
                BookUpdate::Delta { state: tracked.state, bids, asks }
            }),
            Step::BookState(state) => self.book_event(number, |tracked| {
                tracked.state = state;
                BookUpdate::State { state }
            }),
            Step::Day(cents) => {
                let (open, last) = (price(cents), price(cents + 1));
                let day = DayStatistics::published([open, last, open, last], Some(size(cents)));
                self.apply(number, 0, MarketEventKind::Day(day));
            }
            Step::Instrument(n_decimals) => self.apply(number, 0, instrument(id(number), n_decimals)),
            Step::History(interval, n_rows) => {
                let candles = (0..n_rows as u64).map(|n_back| self.bar(interval, n_back, 5)).collect();
                self.apply(number, 0, MarketEventKind::History(CandleHistory { interval, candles }));
            }
            Step::VenueBar(interval, is_closed) => {
                let candle = self.bar(interval, u64::from(is_closed), 7);
                self.apply(number, 0, MarketEventKind::Candle(CandleUpdate { interval, candle, is_closed }));
            }
            Step::Health(is_connected, has_cause) => {
                self.health.is_connected = is_connected;
                self.health.cause = has_cause.then(|| FeedCause::Closed { detail: "1006".into() });
                self.health.counters.reconnects += u64::from(is_connected);
            }
            Step::Start(lane) => topics().iter().for_each(|topic| self.view.start_topic(topic, lane)),
            Step::Turn(lane, is_joined) => self.turn(lane, is_joined),
        }
    }

    fn turn(&mut self, lane: Lane, is_joined: bool) {
        self.health.counters.frames += 1;
        let deltas = self.view.turn(lane, now_at(self.now_ms), &self.health, &self.books);
        self.view.take_history_requests();
        for (topic, delta) in deltas {
            assert_eq!(topic.channel(), delta.channel());
            if let Some(page) = self.pages.get_mut(&(lane, topic)) {
                page.merge(&delta);
            }
        }
        for topic in topics() {
            let Some(snapshot) = self.view.snapshot(&topic, lane) else { continue };
            self.check_is_current(&topic, &snapshot);
            match self.pages.get_mut(&(lane, topic.clone())) {
                Some(page) => assert_eq!(shown(page), shown(&snapshot), "{topic} on {lane}"),
                None if is_joined => {
                    self.pages.insert((lane, topic), snapshot);
                }
                None => {}
            }
        }
    }
}

impl World {
    /// A turn publishes everything that is current.
    fn check_is_current(&self, topic: &Topic, snapshot: &TopicData) {
        let Some(own) = topic.instrument() else { return };
        match snapshot {
            TopicData::Quote(quote) => {
                let current = self.view.quote(own, &self.books).unwrap_or_default();
                let untimed = QuoteData { venue_time_ms: None, receive_time_us: None, ..current };
                assert_eq!(quote.diff(&untimed), None, "{topic}");
            }
            TopicData::Book(book) => {
                let current = self.view.book(own, 20, &self.books).unwrap_or_default();
                assert_eq!((book.state, &book.bids, &book.asks), (current.state, &current.bids, &current.asks));
            }
            TopicData::Ladder(ladder) if topic.group_ticks() == Some(1) => {
                let current = self.view.book(own, 50, &self.books).unwrap_or_default();
                let shown = &ladder.book;
                assert_eq!((shown.state, &shown.bids, &shown.asks), (current.state, &current.bids, &current.asks));
            }
            TopicData::Tape(tape) => {
                let newest = self.view.trades(own, 100).unwrap_or_default();
                assert!(newest.ends_with(&tape.trades), "what came before the lane was started may be missing");
            }
            TopicData::Candles(candles) => {
                let newest = topic.interval().and_then(|interval| self.view.candles(own, interval, 500));
                assert_eq!(candles.bars, newest.unwrap_or_default());
            }
            // Checked where they are made, or of another owner.
            _ => {}
        }
    }
}

/// Returns every digit; for a book that is not served only state and times, as its levels are the page's own memory.
fn shown(data: &TopicData) -> String {
    match data {
        TopicData::Book(book) | TopicData::Ladder(LadderData { book }) if !book.state.is_served() => {
            format!("{:?}", BookData { bids: Vec::new(), asks: Vec::new(), ..book.clone() })
        }
        other => format!("{other:?}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases / 4))]

    #[test]
    fn snapshot_and_deltas_are_the_later_snapshot(steps in prop::collection::vec(any_step(), 1..150)) {
        let mut world = World::new();
        for (number, gap_ms, step) in steps {
            world.now_ms += gap_ms;
            world.step(number, step);
        }
        for lane in Lane::ALL {
            world.turn(lane, false);
        }
    }
}

#[test]
fn topics_that_nobody_started_have_no_data() {
    let mut view = View::new(ViewConfig::default());
    view.apply(&event(id(0), 0, None, trade(TradeId::Sequence(1), 100, 1)));
    let turn = |view: &mut View| view.turn(Lane::Fast, now_at(0), &FeedHealth::default(), &Books::new());
    assert_eq!(turn(&mut view), []);
    view.start_topic(&Topic::quote(&id(0)), Lane::Fast);
    view.start_topic(&Topic::SYSTEM, Lane::Fast);
    assert_eq!(turn(&mut view).len(), 1);
    assert!(view.snapshot(&Topic::quote(&id(0)), Lane::Slow).is_none());
    view.stop_topic(&Topic::quote(&id(0)), Lane::Fast);
    assert!(view.snapshot(&Topic::quote(&id(0)), Lane::Fast).is_none());
    assert!(view.snapshot(&Topic::SYSTEM, Lane::Fast).is_none());
}

#[test]
fn a_trade_counts_once_however_often_it_comes() {
    let mut view = View::new(ViewConfig::default());
    for number in [1_u64, 2, 3, 2, 3, 4, 1, 4, 6, 5, 5] {
        let millis = number * 1_000;
        view.apply(&event(id(0), millis, Some(venue_at(millis)), trade(TradeId::Sequence(number), 100, 1)));
    }
    let ids: Vec<String> = view.trades(&id(0), 100).unwrap().iter().map(|trade| trade.id.to_string()).collect();
    assert_eq!(ids, ["1", "2", "3", "4", "6", "5"]);
    assert_eq!(view.candles(&id(0), Interval::M1, 5).unwrap()[0].volume, size(6));
    assert_eq!(view.statuses(now_at(7_000), &FeedHealth::default())[0].updates, 11, "each is a sign of life");
}

/// Some markets only report prices: they move the last price and the bars, and are no rows of the tape.
#[test]
fn a_price_without_a_trade_moves_price_and_bar_only() {
    let mut view = View::new(ViewConfig::default());
    for (number, cents, lots) in [(1, 100, 5), (2, 120, 0), (3, 110, 0)] {
        let millis = number * 1_000;
        view.apply(&event(id(0), millis, Some(venue_at(millis)), trade(TradeId::Sequence(number), cents, lots)));
    }
    let bar = view.candles(&id(0), Interval::M1, 5).unwrap()[0];
    assert_eq!((bar.high, bar.close, bar.volume), (price(120), price(110), size(5)));
    assert_eq!(view.quote(&id(0), &Books::new()).unwrap().last, Some(price(110)));
    assert_eq!(view.trades(&id(0), 100).unwrap().len(), 1);
}

/// A trade away from the market counts as volume; its price is no last price, no high and no row of the tape.
#[test]
fn a_trade_away_from_the_market_is_volume_only() {
    let mut view = View::new(ViewConfig::default());
    let mut feed = |number: u64, cents, lots, is_off_market: bool| {
        let kind = match trade(TradeId::Sequence(number), cents, lots) {
            MarketEventKind::Trade(trade) if is_off_market => MarketEventKind::OffMarketTrade(trade),
            kind => kind,
        };
        view.apply(&event(id(0), number * 1_000, Some(venue_at(number * 1_000)), kind));
    };
    feed(1, 10_940, 5, false);
    feed(2, 11_462, 100, true);
    feed(2, 11_462, 100, true);
    let bars = view.candles(&id(0), Interval::M1, 5).unwrap();
    assert_eq!((bars[0].high, bars[0].close, bars[0].volume), (price(10_940), price(10_940), size(105)));
    assert_eq!(view.quote(&id(0), &Books::new()).unwrap().last, Some(price(10_940)));
    assert_eq!(view.trades(&id(0), 100).unwrap().len(), 1);
}

/// Stamps beyond reason make no bar, no last price and no offset of the venue's clock; they are counted.
#[test]
fn wrong_stamps_are_counted_and_change_nothing() {
    let mut view = View::new(ViewConfig::default());
    view.start_topic(&Topic::quality(&id(0)), Lane::Fast);
    let year = Duration::from_secs(365 * 86_400);
    let back = |years: u32| Timestamp::from_millis(venue_at(0).as_millis() - i64::from(years) * 365 * 86_400_000);
    let stamps = [venue_at(1_000), venue_at(0) + year * 30, venue_at(0) + year * 250, back(54), venue_at(5_000)];
    for (number, stamp) in (1_u64..).zip(stamps) {
        let cents = 100 + i64::try_from(number).unwrap();
        view.apply(&event(id(0), number * 1_000, Some(stamp), trade(TradeId::Sequence(number), cents, 1)));
    }
    for interval in Interval::ALL {
        let bars = view.candles(&id(0), interval, 500).unwrap();
        assert_eq!(bars.last().unwrap().close, price(105), "{interval}");
        assert!(bars.iter().all(|bar| bar.open_time <= venue_at(5_000) && bar.open_time > back(1)), "{interval}");
    }
    assert_eq!(view.quote(&id(0), &Books::new()).unwrap().last, Some(price(105)));
    view.turn(Lane::Fast, now_at(6_000), &FeedHealth::default(), &Books::new());
    let Some(TopicData::Quality(quality)) = view.snapshot(&Topic::quality(&id(0)), Lane::Fast) else { panic!("none") };
    assert_eq!(quality.proof.wrong_stamps, Some(3));
    assert!(quality.venue_clock.is_none_or(|clock| clock.fastest_us.abs() < 60_000_000), "{:?}", quality.venue_clock);
}

#[test]
fn a_stream_shows_before_its_first_data_and_a_question_makes_no_stream() {
    let mut view = View::new(ViewConfig::default());
    view.expect(&id(0));
    view.start_topic(&Topic::quote(&id(1)), Lane::Fast);
    let mut health = FeedHealth::default();
    health.instrument_causes.insert(id(2), FeedCause::UnknownSymbol { symbol: "S2".into(), suggestion: None });
    let entries = view.statuses(now_at(0), &health);
    let words: Vec<(String, &str)> =
        entries.iter().map(|entry| (entry.instrument.to_string(), entry.state.as_str())).collect();
    assert_eq!(words, [("demo:S0".to_owned(), "initialising"), ("demo:S2".to_owned(), "failed")]);
    assert!(view.candles(&id(1), Interval::M1, 5).is_none());
    assert_eq!(view.take_history_requests().len(), 1, "minutes of the expected one");
}

#[test]
fn the_books_that_are_looked_at_are_told_when_they_change() {
    let mut view = View::new(ViewConfig::default());
    assert_eq!(view.take_interest(), None);
    view.start_topic(&Topic::quote(&id(1)), Lane::Fast);
    assert_eq!(view.take_interest(), None, "not a book");
    view.start_topic(&Topic::book(&id(1)), Lane::Fast);
    view.start_topic(&Topic::book(&id(1)), Lane::Slow);
    view.start_topic(&Topic::ladder(10, &id(0)), Lane::Fast);
    view.start_topic(&Topic::book(&id(0)), Lane::Fast);
    let (best, deep) = (BookInterest::Best, BookInterest::Deep);
    assert_eq!(view.take_interest(), Some(vec![(id(0), deep), (id(1), best)]));
    assert_eq!(view.take_interest(), None);
    view.stop_topic(&Topic::ladder(10, &id(0)), Lane::Fast);
    view.stop_topic(&Topic::book(&id(1)), Lane::Fast);
    assert_eq!(view.take_interest(), Some(vec![(id(0), best), (id(1), best)]));
    view.stop_topic(&Topic::book(&id(1)), Lane::Slow);
    assert_eq!(view.take_interest(), Some(vec![(id(0), best)]));
    // The desk reads a book that nobody looks at, and more of one that somebody does.
    view.set_traded([id(0), id(1)].iter());
    assert_eq!(view.take_interest(), Some(vec![(id(0), deep), (id(1), deep)]));
    view.set_traded([id(0), id(1)].iter());
    assert_eq!(view.take_interest(), None);
    view.set_traded([id(1)].iter());
    assert_eq!(view.take_interest(), Some(vec![(id(0), best), (id(1), deep)]));
}
