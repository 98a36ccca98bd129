//! The simulated market as a venue session: no connections, no requests, only time.
//!
//! Ten times a second it emits each instrument's trade, best bid and ask, and book change. Candles that are requested
//! as history are computed a few at a time, so that no call takes long, and end with the last emitted trade, so that
//! history and the following trades have neither a gap nor a duplicate. The market's time runs on the monotonic clock
//! and follows the wall clock forward only: a clock set back neither stops the market nor repeats a trade.
//!
//! Over 500 lines: a third of them are its tests.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use model::{
    candle::Interval,
    event::{BookUpdate, CandleHistory, HistoryRequest, MarketEvent, MarketEventKind},
    instrument::{Instrument, InstrumentId, Venue},
    proof::{BookState, Books, TrackedBook},
    status::{FeedCause, FeedHealth, FeedMode},
    time::{Monotonic, Now, Timestamp},
};

use super::{
    candles::CandleWalk,
    market::{DEFAULT_SEED, DemoBook, DemoInstrument, DemoMarket, VENUE, slot_at, slot_time},
};
use crate::session::{Input, Output, Session, SessionConfig, Symbols};

/// After a pause of up to this many slots (5 s) every slot is emitted; after a longer one the market continues with a
/// fresh book. Bounds the events of one call: 50 slots of 20 instruments.
const MAX_CATCH_UP_SLOTS: u64 = 50;
/// Maximum candles of one request for history; bounds its cost.
const MAX_BARS: usize = 1_000;
/// Each instrument's day statistics are emitted once in this many slots (1 s), spread over them.
const DAY_EVERY_SLOTS: u64 = 10;

/// The simulated market's session.
#[derive(Debug)]
pub struct DemoSession {
    venue: Venue,
    market: DemoMarket,
    instruments: Vec<DemoSymbol>,
    listed: Vec<Arc<Instrument>>,
    clock: Option<MarketClock>,
    last_slot: Option<u64>,
    /// Bars requested by instrument and interval, to be sent again after a jump.
    history_requests: BTreeMap<(usize, Interval), usize>,
    /// History under way with the instrument's number, oldest request first.
    walks: VecDeque<(usize, CandleWalk)>,
    outputs: VecDeque<Output>,
    books: Books,
    health: FeedHealth,
}

#[derive(Debug)]
struct DemoSymbol {
    demo: DemoInstrument,
    /// The book in the last emitted slot.
    book: DemoBook,
}

impl DemoSymbol {
    fn id(&self) -> &InstrumentId {
        &self.demo.instrument().id
    }
}

/// The market's time: advances with the monotonic clock, and jumps ahead if the wall clock is ahead.
#[derive(Clone, Copy, Debug)]
struct MarketClock {
    market: Timestamp,
    monotonic: Monotonic,
}

impl MarketClock {
    fn start(now: Now) -> Self {
        Self { market: now.wall, monotonic: now.monotonic }
    }

    fn advance(&mut self, now: Now) {
        let elapsed = now.monotonic.saturating_since(self.monotonic);
        self.market = (self.market + elapsed).max(now.wall);
        self.monotonic = self.monotonic.max(now.monotonic);
    }

    /// Returns the start of the slot after `slot`.
    fn deadline(&self, slot: u64) -> Monotonic {
        self.monotonic + slot_time(slot + 1).saturating_since(self.market)
    }
}

impl DemoSession {
    /// Creates the market that everyone sees ([`DEFAULT_SEED`]). Only the symbols of `config` are used; an empty list
    /// means all.
    pub fn new(config: &SessionConfig) -> Self {
        Self::with_market(config, &DemoMarket::new(DEFAULT_SEED))
    }

    /// Creates another market.
    pub fn with_market(config: &SessionConfig, market: &DemoMarket) -> Self {
        let venue = config.venue(VENUE);
        let mut health = FeedHealth { mode: FeedMode::Simulated, ..FeedHealth::default() };
        let is_wanted = |demo: &&DemoInstrument| match &config.symbols {
            Symbols::Listed(symbols) if !symbols.is_empty() => {
                symbols.iter().any(|symbol| symbol == demo.instrument().id.symbol())
            }
            Symbols::Listed(_) | Symbols::FromFrames => true,
        };
        if let Symbols::Listed(symbols) = &config.symbols {
            for symbol in symbols.iter().filter(|symbol| market.find(symbol).is_none()) {
                let cause = FeedCause::UnknownSymbol { symbol: symbol.clone(), suggestion: None };
                health.instrument_causes.insert(InstrumentId::new(&venue, symbol), cause);
            }
        }
        let instruments: Vec<DemoSymbol> = market
            .instruments()
            .iter()
            .filter(is_wanted)
            .map(|demo| DemoSymbol { demo: demo.clone(), book: DemoBook::default() })
            .collect();
        let listed = instruments.iter().map(|one| one.demo.instrument().clone()).collect();
        Self {
            venue,
            market: market.clone(),
            instruments,
            listed,
            clock: None,
            last_slot: None,
            history_requests: BTreeMap::new(),
            walks: VecDeque::new(),
            outputs: VecDeque::new(),
            books: Books::new(),
            health,
        }
    }

    fn start(&mut self, now: Now) {
        if self.clock.is_some() {
            return;
        }
        let clock = MarketClock::start(now);
        self.clock = Some(clock);
        self.health.is_connected = true;
        for instrument in self.listed.clone() {
            self.say(instrument.id.clone(), None, now, MarketEventKind::Instrument(instrument));
        }
        self.jump(slot_at(clock.market), now);
        // Requests may have arrived before the start.
        self.answer_again();
    }

    fn catch_up(&mut self, now: Now) {
        let (Some(clock), Some(last_slot)) = (self.clock.as_mut(), self.last_slot) else { return };
        clock.advance(now);
        let current = slot_at(clock.market);
        if current > last_slot + MAX_CATCH_UP_SLOTS {
            self.health.counters.gaps += 1;
            self.health.counters.resyncs += self.instruments.len() as u64;
            self.jump(current, now);
            self.answer_again();
        } else {
            for slot in last_slot + 1..=current {
                self.say_slot(slot, now);
            }
        }
    }

    /// Continues at `slot` with whole books.
    fn jump(&mut self, slot: u64, now: Now) {
        for number in 0..self.instruments.len() {
            self.say_whole(number, slot, now);
        }
        self.last_slot = Some(slot);
    }

    /// Emits everything about an instrument, with a whole book.
    fn say_whole(&mut self, number: usize, slot: u64, now: Now) {
        let one = &mut self.instruments[number];
        one.book = one.demo.book(slot);
        let id = one.id().clone();
        let tracked = self.books.entry(id.clone()).or_default();
        tracked.book.apply_snapshot(&one.book.bids, &one.book.asks);
        tracked.counters.resyncs += u64::from(tracked.state == BookState::Live);
        let update =
            BookUpdate::Snapshot { state: BookState::Live, n_bids: one.book.bids.len(), n_asks: one.book.asks.len() };
        touch(tracked, slot, now);
        self.health.counters.books += 1;
        self.say(id, Some(slot), now, MarketEventKind::Book(update));
        self.say_prints(number, slot, now);
        self.say_day(number, slot, now);
    }

    /// Follows further instruments from the last emitted slot on.
    fn follow(&mut self, symbols: &[String], now: Now) {
        for symbol in symbols {
            let id = InstrumentId::new(&self.venue, symbol);
            let Some(demo) = self.market.find(symbol).cloned() else {
                let cause = FeedCause::UnknownSymbol { symbol: symbol.clone(), suggestion: None };
                self.health.instrument_causes.insert(id, cause);
                continue;
            };
            if self.instruments.iter().any(|one| *one.id() == id) {
                continue;
            }
            let instrument = demo.instrument().clone();
            self.listed.push(instrument.clone());
            self.instruments.push(DemoSymbol { demo, book: DemoBook::default() });
            if let Some(slot) = self.last_slot {
                self.say(id, None, now, MarketEventKind::Instrument(instrument));
                self.say_whole(self.instruments.len() - 1, slot, now);
            }
        }
    }

    fn unfollow(&mut self, symbols: &[String]) {
        for symbol in symbols {
            let id = InstrumentId::new(&self.venue, symbol);
            self.health.instrument_causes.remove(&id);
            let Some(number) = self.instruments.iter().position(|one| *one.id() == id) else { continue };
            self.instruments.remove(number);
            self.listed.retain(|instrument| instrument.id != id);
            self.books.remove(&id);
            // Later instruments move up by one.
            let moved = |other: usize| (other != number).then(|| other - usize::from(other > number));
            let requests = std::mem::take(&mut self.history_requests).into_iter();
            let kept = requests.filter_map(|((other, interval), n_bars)| Some(((moved(other)?, interval), n_bars)));
            self.history_requests = kept.collect();
            let walks = std::mem::take(&mut self.walks).into_iter();
            self.walks = walks.filter_map(|(other, walk)| Some((moved(other)?, walk))).collect();
        }
    }

    fn say_slot(&mut self, slot: u64, now: Now) {
        for number in 0..self.instruments.len() {
            let one = &mut self.instruments[number];
            let book = one.demo.book(slot);
            let delta = book.since(&one.book);
            one.book = book;
            let id = one.id().clone();
            if !(delta.bids.is_empty() && delta.asks.is_empty()) {
                let tracked = self.books.entry(id.clone()).or_default();
                tracked.book.apply_delta(&delta.bids, &delta.asks);
                touch(tracked, slot, now);
                self.health.counters.books += 1;
                let update = BookUpdate::Delta { state: BookState::Live, bids: delta.bids, asks: delta.asks };
                self.say(id, Some(slot), now, MarketEventKind::Book(update));
            }
            self.say_prints(number, slot, now);
            if (slot + number as u64).is_multiple_of(DAY_EVERY_SLOTS) {
                self.say_day(number, slot, now);
            }
        }
        self.last_slot = Some(slot);
    }

    fn say_prints(&mut self, number: usize, slot: u64, now: Now) {
        let one = &self.instruments[number];
        let (id, quote, trade) = (one.id().clone(), one.demo.quote(slot), one.demo.trade(slot));
        self.health.counters.quotes += 1;
        self.health.counters.trades += 1;
        self.say(id.clone(), Some(slot), now, MarketEventKind::Quote(quote));
        self.say(id, Some(slot), now, MarketEventKind::Trade(trade));
    }

    fn say_day(&mut self, number: usize, slot: u64, now: Now) {
        let one = &self.instruments[number];
        let (id, day) = (one.id().clone(), one.demo.day(slot));
        self.health.counters.others += 1;
        self.say(id, Some(slot), now, MarketEventKind::Day(day));
    }

    fn request_history(&mut self, request: &HistoryRequest, now: Now) {
        let Some(number) = self.instruments.iter().position(|one| *one.id() == request.instrument) else { return };
        let n_bars = request.n_bars.min(MAX_BARS);
        self.history_requests.insert((number, request.interval), n_bars);
        self.walks.retain(|(other, walk)| (*other, walk.interval()) != (number, request.interval));
        self.walks.push_back((number, CandleWalk::new(request.interval, n_bars)));
        self.walk_on(now);
    }

    fn answer_again(&mut self) {
        let requests = self.history_requests.iter();
        self.walks =
            requests.map(|((number, interval), n_bars)| (*number, CandleWalk::new(*interval, *n_bars))).collect();
    }

    /// Computes some candles of the oldest request.
    fn walk_on(&mut self, now: Now) {
        let Some(last_slot) = self.last_slot else { return };
        let Some((number, walk)) = self.walks.front_mut() else { return };
        let (one, interval) = (&self.instruments[*number], walk.interval());
        if let Some(candles) = walk.step(&one.demo, last_slot, bars_at_once(interval)) {
            let id = one.id().clone();
            self.walks.pop_front();
            self.say(id, Some(last_slot), now, MarketEventKind::History(CandleHistory { interval, candles }));
        }
    }

    fn say(&mut self, instrument: InstrumentId, slot: Option<u64>, now: Now, kind: MarketEventKind) {
        let event = MarketEvent { instrument, event_time: slot.map(slot_time), receive_time: now.wall, kind };
        self.outputs.push_back(Output::Event(event));
    }
}

/// Closed candles that take about four milliseconds: the longer they are, the longer highs and lows are searched for.
fn bars_at_once(interval: Interval) -> usize {
    match interval {
        Interval::S1 => 400,
        Interval::M1 | Interval::M5 => 40,
        Interval::M15 | Interval::M30 | Interval::H1 => 24,
        Interval::H4 | Interval::D1 => 12,
    }
}

fn touch(tracked: &mut TrackedBook, slot: u64, now: Now) {
    tracked.state = BookState::Live;
    tracked.last_update_id = Some(slot);
    tracked.event_time = Some(slot_time(slot));
    tracked.receive_time = Some(now.wall);
    tracked.counters.updates += 1;
}

impl Session for DemoSession {
    fn venue(&self) -> &Venue {
        &self.venue
    }

    fn handle(&mut self, input: Input<'_>, now: Now) {
        match input {
            Input::Start => self.start(now),
            Input::Timeout => {
                self.catch_up(now);
                self.walk_on(now);
            }
            Input::HistoryRequest(request) => self.request_history(&request, now),
            Input::Follow(symbols) => self.follow(symbols, now),
            Input::Unfollow(symbols) => self.unfollow(symbols),
            // Nothing was opened or requested.
            Input::Connected(_)
            | Input::Frame(..)
            | Input::Binary(..)
            | Input::Ping(_)
            | Input::Http(..)
            | Input::Closed(..)
            | Input::Interest(_) => {}
        }
    }

    fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    fn deadline(&self) -> Option<Monotonic> {
        let clock = self.clock?;
        // With history under way there is more to do at once.
        Some(if self.walks.is_empty() { clock.deadline(self.last_slot?) } else { clock.monotonic })
    }

    fn can_change(&self, _added: &[String], _dropped: &[String]) -> bool {
        self.clock.is_some()
    }

    fn books(&self) -> &Books {
        &self.books
    }

    fn health(&self) -> &FeedHealth {
        &self.health
    }

    fn instruments(&self) -> &[Arc<Instrument>] {
        &self.listed
    }
}

#[cfg(test)]
mod tests {
    use std::{
        collections::hash_map::DefaultHasher,
        hash::{Hash, Hasher},
        time::Duration,
    };

    use model::{
        book::OrderBook,
        candle::{Candle, CandleBuilder, CandleChange},
        event::Level,
    };

    use super::*;

    const START_MS: i64 = 1_763_668_321_740;

    /// `millis` after the start, on both clocks.
    fn at(millis: i64) -> Now {
        Now {
            monotonic: Monotonic::from_zero(Duration::from_millis(5_000 + millis.cast_unsigned())),
            wall: Timestamp::from_millis(START_MS + millis),
        }
    }

    fn drain(session: &mut DemoSession) -> Vec<MarketEvent> {
        std::iter::from_fn(|| session.poll_output())
            .map(|output| match output {
                Output::Event(event) => event,
                other => panic!("{other:?}"),
            })
            .collect()
    }

    fn started(symbols: &[&str]) -> (DemoSession, Vec<MarketEvent>) {
        let listed = symbols.iter().map(|&symbol| symbol.to_owned()).collect();
        let mut session = DemoSession::new(&SessionConfig { symbols: Symbols::Listed(listed), ..Default::default() });
        session.handle(Input::Start, at(0));
        let events = drain(&mut session);
        (session, events)
    }

    fn trades(events: &[MarketEvent]) -> Vec<u64> {
        let id = |event: &MarketEvent| match &event.kind {
            MarketEventKind::Trade(trade) => trade.id.to_string().parse().ok(),
            _ => None,
        };
        events.iter().filter_map(id).collect()
    }

    #[test]
    fn an_empty_list_follows_all_and_unknown_symbols_are_named() {
        let (session, events) = started(&[]);
        assert_eq!((session.instruments().len(), session.books().len()), (20, 20));
        assert!(session.health().is_connected && session.health().mode == FeedMode::Simulated);
        assert_eq!(events.iter().filter(|event| matches!(event.kind, MarketEventKind::Instrument(_))).count(), 20);
        let (session, _) = started(&["ETH-SIM", "ETHUSDT"]);
        assert_eq!(session.instruments().len(), 1);
        let unknown = InstrumentId::new(&Venue::new(VENUE), "ETHUSDT");
        assert!(session.health().instrument_causes.contains_key(&unknown));
    }

    #[test]
    fn every_slot_is_said_once_however_late_the_timer() {
        let (mut session, mut events) = started(&["BTC-SIM"]);
        assert_eq!(session.deadline(), Some(at(60).monotonic));
        for millis in [10, 59, 60, 61, 160, 410, 415, 5_400] {
            session.handle(Input::Timeout, at(millis));
            events.extend(drain(&mut session));
        }
        let first = slot_at(Timestamp::from_millis(START_MS));
        assert_eq!(trades(&events), (first..=first + 54).collect::<Vec<_>>());
        assert_eq!(session.deadline(), Some(at(5_460).monotonic));
        assert!(events.iter().all(|event| event.event_time <= Some(event.receive_time)));
    }

    #[test]
    fn deltas_lead_to_the_book_it_lends() {
        let (mut session, _) = started(&["SOL-SIM"]);
        let mut book = OrderBook::new();
        let id = session.instruments()[0].id.clone();
        let copy = |side: &mut dyn Iterator<Item = Level>| side.collect::<Vec<_>>();
        {
            let own = &session.books()[&id].book;
            book.apply_snapshot(&copy(&mut own.bids()), &copy(&mut own.asks()));
        }
        session.handle(Input::Timeout, at(4_000));
        for event in drain(&mut session) {
            if let MarketEventKind::Book(BookUpdate::Delta { bids, asks, .. }) = event.kind {
                book.apply_delta(&bids, &asks);
                assert!(!book.is_crossed());
            }
        }
        let own = &session.books()[&id];
        assert_eq!(copy(&mut own.book.bids()), copy(&mut book.bids()));
        assert_eq!(copy(&mut own.book.asks()), copy(&mut book.asks()));
        assert_eq!((own.state, own.book.n_bids()), (BookState::Live, 50));
    }

    #[test]
    fn history_and_the_trades_after_it_make_the_same_bars_as_later_history() {
        let (mut session, _) = started(&["XRP-SIM"]);
        let instrument = session.instruments()[0].id.clone();
        for interval in [Interval::S1, Interval::M1, Interval::M30, Interval::H1, Interval::H4, Interval::D1] {
            let request = HistoryRequest { instrument: instrument.clone(), interval, n_bars: 40 };
            let mut bars = history(&mut session, &request);
            assert_eq!(bars.len(), 40);
            let mut builder = CandleBuilder::resume(interval, bars.pop().unwrap());
            let now = session.clock.unwrap().monotonic.since_zero().as_millis() as i64 - 5_000 + 4_700;
            session.handle(Input::Timeout, at(now));
            for event in drain(&mut session) {
                let MarketEventKind::Trade(trade) = event.kind else { continue };
                let change = builder.add(event.event_time.unwrap(), trade.price, trade.size, trade.aggressor_side);
                if let CandleChange::Began { closed: Some(bar) } = change {
                    bars.push(bar);
                }
            }
            bars.extend(builder.forming().copied());
            let later = history(&mut session, &request);
            assert_eq!(later[..], bars[bars.len() - 40..]);
        }
    }

    /// Asks for history and lets the session compute it, without any time passing.
    fn history(session: &mut DemoSession, request: &HistoryRequest) -> Vec<Candle> {
        let millis = session.clock.unwrap().monotonic.since_zero().as_millis() as i64 - 5_000;
        session.handle(Input::HistoryRequest(request.clone()), at(millis));
        loop {
            let events = drain(session);
            if let [MarketEvent { kind: MarketEventKind::History(history), .. }] = events.as_slice() {
                return history.candles.clone();
            }
            assert!(events.is_empty(), "{events:?}");
            assert!(session.deadline().unwrap() <= at(millis).monotonic, "due at once");
            session.handle(Input::Timeout, at(millis));
        }
    }

    #[test]
    fn long_history_is_computed_a_little_at_a_time_while_the_market_goes_on() {
        let (mut session, _) = started(&["BTC-SIM", "SHIB-SIM"]);
        for instrument in [0, 1].map(|number| session.instruments()[number].id.clone()) {
            let request = HistoryRequest { instrument, interval: Interval::D1, n_bars: 60 };
            session.handle(Input::HistoryRequest(request), at(0));
        }
        let (mut n_steps, mut n_histories, mut events) = (0, 0, Vec::new());
        while n_histories < 2 {
            n_steps += 1;
            session.handle(Input::Timeout, at(100 * n_steps));
            let new = drain(&mut session);
            n_histories += new.iter().filter(|event| matches!(event.kind, MarketEventKind::History(_))).count();
            events.extend(new);
            assert_eq!(trades(&events).len() as i64, 2 * n_steps, "after {n_steps} steps");
        }
        // Sixty days take five steps; the requests themselves were two of the ten.
        assert_eq!(n_steps, 8);
    }

    #[test]
    fn a_long_pause_jumps_to_a_fresh_book_and_repairs_history() {
        let (mut session, _) = started(&["BTC-SIM"]);
        let instrument = session.instruments()[0].id.clone();
        session.handle(Input::HistoryRequest(HistoryRequest { instrument, interval: Interval::M1, n_bars: 5 }), at(20));
        drain(&mut session);
        session.handle(Input::Timeout, at(600_000));
        let events = drain(&mut session);
        assert!(matches!(events[0].kind, MarketEventKind::Book(BookUpdate::Snapshot { .. })));
        assert!(events.iter().any(|event| matches!(event.kind, MarketEventKind::History(_))));
        assert_eq!(trades(&events).len(), 1);
        assert_eq!(session.health().counters.gaps, 1);
    }

    #[test]
    fn a_clock_stepped_back_neither_stops_nor_repeats() {
        let (mut session, mut events) = started(&["BTC-SIM"]);
        for millis in [100, 200, 300] {
            let mut now = at(millis);
            now.wall = Timestamp::from_millis(START_MS - 600_000 + millis);
            session.handle(Input::Timeout, now);
            events.extend(drain(&mut session));
        }
        let first = slot_at(Timestamp::from_millis(START_MS));
        assert_eq!(trades(&events), (first..=first + 3).collect::<Vec<_>>());
    }

    #[test]
    fn the_same_calls_give_the_same_events() {
        let run = || {
            let (mut session, mut events) = started(&[]);
            session.handle(Input::Timeout, at(1_000));
            events.extend(drain(&mut session));
            let mut hasher = DefaultHasher::new();
            format!("{events:?}").hash(&mut hasher);
            hasher.finish()
        };
        assert_eq!(run(), run());
    }

    #[test]
    fn spurious_calls_do_nothing() {
        let mut session = DemoSession::new(&SessionConfig::default());
        session.handle(Input::Timeout, at(0));
        assert!(session.poll_output().is_none() && session.deadline().is_none());
        session.handle(Input::Start, at(0));
        drain(&mut session);
        session.handle(Input::Start, at(5));
        session.handle(Input::Binary(crate::session::ConnectionId(1), b"x"), at(6));
        session.handle(Input::Timeout, at(7));
        assert!(session.poll_output().is_none());
    }
}
