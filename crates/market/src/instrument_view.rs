//! The state of one instrument, and its topics' lanes.

use std::{collections::BTreeMap, sync::Arc};

use model::{
    candle::Interval,
    event::{BookInterest, BookUpdate, MarketEvent, MarketEventKind, Trade},
    instrument::{Instrument, InstrumentId},
    proof::{Books, TrackedBook},
    status::{FeedHealth, FeedMode},
    time::Now,
};
use topics::{
    channels::{Channel, TopicData, ladder::LadderData, quality::QualityData},
    lane::Lane,
    limits::{BOOK_DEPTH, LADDER_DEPTH},
    topic::Topic,
};

use crate::{
    book_lane::{self, BookLane},
    candles::Candles,
    clock::TurnClock,
    digits::Digits,
    indicators::Indicators,
    ladder,
    lane_state::Lanes,
    latency::{FeedLatency, Latencies},
    quality::{self, MalformedSamples, ProofWatch, QualityLane},
    quote::{QuoteLane, QuoteState},
    seen_trades::{SeenTrades, Sighting},
    stamps::StampCheck,
    status::StreamTracker,
    tape::{Tape, venue_time},
};

/// One instrument.
#[derive(Clone, Debug)]
pub(crate) struct InstrumentView {
    pub(crate) id: InstrumentId,
    pub(crate) instrument: Option<Arc<Instrument>>,
    /// True if it is a stream of the feed: expected, or data has come. False if it was only requested.
    pub(crate) is_known: bool,
    pub(crate) digits: Digits,
    pub(crate) quote: QuoteState,
    seen_trades: SeenTrades,
    pub(crate) tape: Tape,
    pub(crate) candles: Candles,
    pub(crate) tracker: StreamTracker,
    pub(crate) latencies: Latencies,
    proof: ProofWatch,
    /// Trades that arrived after a later one.
    n_late_trades: u64,
    stamps: StampCheck,
    /// Trades whose stamp was beyond reason.
    n_wrong_stamps: u64,
    /// Rises whenever the session's book may have changed.
    book_revision: u64,
    quote_lanes: Lanes<QuoteLane>,
    book_lanes: Lanes<BookLane>,
    /// By size of the groups; those in use.
    ladder_lanes: BTreeMap<u32, Lanes<BookLane>>,
    quality_lanes: Lanes<QualityLane>,
    indicators: Indicators,
}

impl InstrumentView {
    pub(crate) fn new(id: InstrumentId) -> Self {
        Self {
            id,
            instrument: None,
            is_known: false,
            digits: Digits::default(),
            quote: QuoteState::default(),
            seen_trades: SeenTrades::default(),
            tape: Tape::default(),
            candles: Candles::default(),
            tracker: StreamTracker::default(),
            latencies: Latencies::default(),
            proof: ProofWatch::default(),
            n_late_trades: 0,
            stamps: StampCheck::default(),
            n_wrong_stamps: 0,
            book_revision: 0,
            quote_lanes: Lanes::default(),
            book_lanes: Lanes::default(),
            ladder_lanes: BTreeMap::new(),
            quality_lanes: Lanes::default(),
            indicators: Indicators::default(),
        }
    }

    /// Judges an event before it is applied: whether a trade is new. `None` for a trade whose stamp is beyond reason; it
    /// is counted, and applied nowhere.
    pub(crate) fn vet(&mut self, event: &MarketEvent) -> Option<Sighting> {
        let (MarketEventKind::Trade(trade) | MarketEventKind::OffMarketTrade(trade)) = &event.kind else {
            return Some(Sighting::New);
        };
        let sighting = self.seen_trades.note(&trade.id);
        let is_usable = sighting == Sighting::Seen
            || event.event_time.is_none_or(|stamp| self.stamps.judge(stamp, event.receive_time));
        self.n_wrong_stamps += u64::from(!is_usable);
        is_usable.then_some(sighting)
    }

    /// Processes an event with the judgement of [`Self::vet`].
    pub(crate) fn apply(&mut self, event: &MarketEvent, sighting: Sighting) {
        self.is_known = true;
        let is_update = match &event.kind {
            MarketEventKind::Trade(trade) => {
                self.on_trade(trade, sighting, event);
                true
            }
            MarketEventKind::OffMarketTrade(trade) => {
                if sighting != Sighting::Seen {
                    self.candles.on_off_market_trade(trade.size, venue_time(event));
                }
                true
            }
            MarketEventKind::Quote(quote) => {
                self.quote.on_quote(quote, event);
                true
            }
            MarketEventKind::Book(update) => {
                self.book_revision += 1;
                !matches!(update, BookUpdate::State { .. })
            }
            MarketEventKind::Candle(update) => {
                self.candles.on_venue_bar(update);
                true
            }
            MarketEventKind::Day(day) => {
                self.quote.on_day(day, event);
                true
            }
            MarketEventKind::History(history) => {
                self.candles.on_history(history);
                false
            }
            MarketEventKind::Instrument(instrument) => {
                self.on_instrument(instrument);
                false
            }
        };
        if is_update {
            self.tracker.on_update(event.receive_time);
        }
    }

    /// Processes a trade. A repeated trade is a sign of life, but does not count again.
    fn on_trade(&mut self, trade: &Trade, sighting: Sighting, event: &MarketEvent) {
        if sighting == Sighting::Seen {
            return;
        }
        self.n_late_trades += u64::from(sighting == Sighting::Late);
        if sighting == Sighting::Restarted {
            self.candles.on_restart();
        }
        self.quote.on_trade(trade, sighting, event);
        self.candles.on_trade(trade, venue_time(event));
        // Some markets only report prices: nothing was traded.
        if !trade.size.is_zero() {
            self.tape.push(trade, venue_time(event), self.digits);
        }
    }

    /// Processes a description. New steps mean new digits: all topics are sent again, except trades, which are sent
    /// once.
    fn on_instrument(&mut self, instrument: &Arc<Instrument>) {
        self.instrument = Some(instrument.clone());
        let digits = Digits::of(instrument);
        if digits != self.digits {
            self.digits = digits;
            self.book_revision += 1;
            self.quote.on_digits();
            self.candles.touch();
        }
    }

    pub(crate) fn is_simulated(&self, mode: FeedMode) -> bool {
        mode == FeedMode::Simulated || self.instrument.as_ref().is_some_and(|instrument| instrument.is_simulated)
    }

    pub(crate) fn start(&mut self, topic: &Topic, lane: Lane) {
        match (topic.channel(), topic.interval()) {
            (Channel::Quote, _) => self.quote_lanes.start(lane, QuoteLane::default),
            (Channel::Tape, _) => self.tape.start(lane),
            (Channel::Book, _) => self.book_lanes.start(lane, BookLane::default),
            (Channel::Ladder, _) => {
                if let Some(n_ticks) = topic.group_ticks() {
                    self.ladder_lanes.entry(n_ticks).or_default().start(lane, BookLane::default);
                }
            }
            (Channel::Candles, Some(interval)) => self.candles.series_mut(interval).start(lane),
            (Channel::Quality, _) => self.quality_lanes.start(lane, QualityLane::default),
            (Channel::Indicators, Some(interval)) => {
                if let Some(text) = topic.indicator() {
                    self.indicators.start(interval, text, lane);
                    self.candles.series_mut(interval).study(self.indicators.are_of(interval));
                }
            }
            // Topics of another owner.
            _ => {}
        }
    }

    pub(crate) fn stop(&mut self, topic: &Topic, lane: Lane) {
        match (topic.channel(), topic.interval()) {
            (Channel::Quote, _) => self.quote_lanes.stop(lane),
            (Channel::Tape, _) => self.tape.stop(lane),
            (Channel::Book, _) => self.book_lanes.stop(lane),
            (Channel::Ladder, _) => {
                if let Some(n_ticks) = topic.group_ticks()
                    && let Some(lanes) = self.ladder_lanes.get_mut(&n_ticks)
                {
                    lanes.stop(lane);
                    if !lanes.is_any_started() {
                        self.ladder_lanes.remove(&n_ticks);
                    }
                }
            }
            (Channel::Candles, Some(interval)) => self.candles.series_mut(interval).stop(lane),
            (Channel::Quality, _) => self.quality_lanes.stop(lane),
            (Channel::Indicators, Some(interval)) => {
                if let Some(text) = topic.indicator() {
                    self.indicators.stop(interval, text, lane);
                    self.candles.series_mut(interval).study(self.indicators.are_of(interval));
                }
            }
            // Topics of another owner.
            _ => {}
        }
    }

    /// Returns how much of the book the started topics show; `None` if none of them shows it.
    pub(crate) fn book_interest(&self) -> Option<BookInterest> {
        if !self.ladder_lanes.is_empty() {
            return Some(BookInterest::Deep);
        }
        (self.book_lanes.is_any_started() || self.indicators.read_book()).then_some(BookInterest::Best)
    }

    /// Returns true if indicators read each state of the book.
    pub(crate) fn reads_book(&self) -> bool {
        self.indicators.read_book()
    }

    /// Notes the book after a change.
    pub(crate) fn note_book(&mut self, book: &TrackedBook) {
        self.indicators.note_book(book);
    }

    /// Appends the changes of each started topic of the lane.
    pub(crate) fn turn(&mut self, turn: &Turn<'_>, feed: &mut FeedLatency, out: &mut Vec<(Topic, TopicData)>) {
        let Turn { lane, now, turns, health, books, samples } = *turn;
        let (id, digits) = (&self.id, self.digits);
        let book = books.get(id);
        if let Some(book) = book {
            self.proof.observe(book, health.is_connected, now);
        }
        let seen = (book, self.book_revision);
        if let Some(delta) = self.quote_lanes.get_mut(lane).and_then(|own| own.turn(&self.quote, seen, digits, now)) {
            feed.published(&mut self.latencies, delta.receive_time_us, turns, now);
            out.push((Topic::quote(id), TopicData::Quote(delta)));
        }
        if let Some(delta) = self.tape.turn(lane) {
            out.push((Topic::tape(id), TopicData::Tape(delta)));
        }
        let levels = |book: &TrackedBook| book_lane::current(book, BOOK_DEPTH, digits);
        let own = self.book_lanes.get_mut(lane);
        if let Some(delta) = own.and_then(|own| own.turn(seen, BOOK_DEPTH, levels, now)) {
            feed.published(&mut self.latencies, delta.receive_time_us, turns, now);
            out.push((Topic::book(id), TopicData::Book(delta)));
        }
        for (n_ticks, lanes) in &mut self.ladder_lanes {
            let groups = |book: &TrackedBook| ladder::current(book, *n_ticks, self.instrument.as_deref(), digits);
            if let Some(book) = lanes.get_mut(lane).and_then(|own| own.turn(seen, LADDER_DEPTH, groups, now)) {
                feed.published(&mut self.latencies, book.receive_time_us, turns, now);
                out.push((Topic::ladder(*n_ticks, id), TopicData::Ladder(LadderData { book })));
            }
        }
        for interval in Interval::ALL {
            if let Some(delta) = self.candles.series_mut(interval).turn(lane, digits) {
                out.push((Topic::candles(interval, id), TopicData::Candles(delta)));
            }
        }
        self.indicators.turn(lane, &self.candles, id, out);
        if let Some(own) = self.quality_lanes.get_mut(lane) {
            let stream = (&self.proof, [self.n_late_trades, self.n_wrong_stamps], &self.latencies);
            let current = || quality::current(book, health, stream, (samples, feed));
            let state = book.map(|book| book.state).unwrap_or_default();
            if let Some(delta) = own.turn(state, current, now) {
                out.push((Topic::quality(id), TopicData::Quality(Box::new(delta))));
            }
        }
    }

    /// Returns the counters of the instrument's book and of its feed, with their details.
    pub(crate) fn quality(
        &self,
        health: &FeedHealth,
        books: &Books,
        feed: (&MalformedSamples, &FeedLatency),
    ) -> QualityData {
        quality::current(
            books.get(&self.id),
            health,
            (&self.proof, [self.n_late_trades, self.n_wrong_stamps], &self.latencies),
            feed,
        )
    }

    /// Returns the state published on the lane for a topic; `None` if the topic is not started.
    pub(crate) fn snapshot(&self, topic: &Topic, lane: Lane) -> Option<TopicData> {
        match (topic.channel(), topic.interval()) {
            (Channel::Quote, _) => self.quote_lanes.get(lane).map(|own| TopicData::Quote(own.snapshot())),
            (Channel::Tape, _) => self.tape.snapshot(lane).map(TopicData::Tape),
            (Channel::Book, _) => self.book_lanes.get(lane).map(|own| TopicData::Book(own.snapshot())),
            (Channel::Ladder, _) => {
                let own = self.ladder_lanes.get(&topic.group_ticks()?)?.get(lane)?;
                Some(TopicData::Ladder(LadderData { book: own.snapshot() }))
            }
            (Channel::Candles, interval) => {
                self.candles.series(interval?).snapshot(lane, self.digits).map(TopicData::Candles)
            }
            (Channel::Indicators, interval) => self.indicators.snapshot(interval?, topic.indicator()?, lane),
            (Channel::Quality, _) => {
                self.quality_lanes.get(lane).map(|own| TopicData::Quality(Box::new(own.snapshot())))
            }
            _ => None,
        }
    }
}

/// One lane's turn, common to all instruments.
#[derive(Clone, Copy)]
pub(crate) struct Turn<'a> {
    pub(crate) lane: Lane,
    pub(crate) now: Now,
    pub(crate) turns: TurnClock,
    pub(crate) health: &'a FeedHealth,
    pub(crate) books: &'a Books,
    pub(crate) samples: &'a MalformedSamples,
}
