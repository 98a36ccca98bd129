//! Whoever applies desk updates knows what a reader of the events and books would, at any rhythm of draining.

#![allow(clippy::unwrap_used, reason = "tests may unwrap")]

use std::{cell::RefCell, collections::BTreeMap, rc::Rc};

use market::desk_feed::{DeskFeeds, DeskQueue, DeskSink, MAX_STATES, MAX_TRADES};
use model::{
    decimal::{Price, Quantity},
    desk_feed::{DESK_DEPTH, DeskBook, DeskUpdate},
    event::{AggressorSide, BookUpdate, Level, MarketEvent, MarketEventKind, Trade, TradeId},
    instrument::InstrumentId,
    proof::{BookState, Books, TrackedBook},
    time::Timestamp,
};
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Step {
    Trades(u16),
    Delta(Vec<Level>, Vec<Level>),
    Snapshot(BookState, Vec<Level>, Vec<Level>),
    State(BookState),
    BatchEnd,
    Turn,
    Drain,
}

fn any_state() -> impl Strategy<Value = BookState> {
    prop_oneof![
        1 => Just(BookState::Empty),
        1 => Just(BookState::Buffering),
        3 => Just(BookState::Live),
        1 => Just(BookState::Suspect),
        1 => Just(BookState::Resyncing),
        1 => Just(BookState::Unverified),
    ]
}

fn any_levels(n_max: usize) -> impl Strategy<Value = Vec<Level>> {
    let level = (1_i128..200, 0_i128..4).prop_map(|(price, quantity)| Level {
        price: Price::from_mantissa(price, 1).unwrap(),
        quantity: Quantity::from_mantissa(quantity, 2).unwrap(),
    });
    prop::collection::vec(level, 0..n_max)
}

fn any_steps(trades: std::ops::Range<u16>, n_steps: usize) -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => trades.prop_map(Step::Trades),
        4 => (any_levels(8), any_levels(8)).prop_map(|(bids, asks)| Step::Delta(bids, asks)),
        1 => (any_state(), any_levels(120), any_levels(120))
            .prop_map(|(state, bids, asks)| Step::Snapshot(state, bids, asks)),
        2 => any_state().prop_map(Step::State),
        6 => Just(Step::BatchEnd),
        1 => Just(Step::Turn),
        3 => Just(Step::Drain),
    ];
    prop::collection::vec(step, 1..n_steps)
}

#[derive(Clone, Default)]
struct Shared(Rc<RefCell<DeskQueue>>);

impl DeskSink for Shared {
    fn with_queue(&mut self, push: impl FnOnce(&mut DeskQueue)) -> bool {
        push(&mut self.0.borrow_mut());
        true
    }
}

/// Best levels a side.
type Top = (Vec<Level>, Vec<Level>);

/// The feed's side, and what a reader of events and books saw.
struct Truth {
    desk: DeskFeeds<Shared>,
    books: Books,
    id: InstrumentId,
    offset: u64,
    trades: Vec<(u64, u64)>,
    states: Vec<BookState>,
    /// The book's best levels after each event.
    tops: BTreeMap<u64, Top>,
}

impl Truth {
    fn new(queue: &Shared) -> Self {
        let id = InstrumentId::parse("demo:AAABBB").unwrap();
        let books = Books::from([(id.clone(), TrackedBook::default())]);
        let mut desk = DeskFeeds::default();
        desk.subscribe(id.clone(), queue.clone(), &books);
        let (trades, states, tops) = (Vec::new(), vec![BookState::Empty], BTreeMap::new());
        Self { desk, books, id, offset: 0, trades, states, tops }
    }

    fn book(&mut self) -> &mut TrackedBook {
        self.books.get_mut(&self.id).unwrap()
    }

    fn event(&mut self, kind: MarketEventKind) {
        self.offset += 1;
        let top = self.top();
        self.tops.insert(self.offset, top);
        let event_time = Some(Timestamp::from_millis(1));
        let event =
            MarketEvent { instrument: self.id.clone(), event_time, receive_time: Timestamp::from_millis(2), kind };
        self.desk.apply(&event);
    }

    fn top(&self) -> Top {
        let book = &self.books[&self.id].book;
        (book.bids().take(DESK_DEPTH).collect(), book.asks().take(DESK_DEPTH).collect())
    }

    fn state(&mut self, state: BookState, update: BookUpdate) {
        self.book().state = state;
        if self.states.last() != Some(&state) {
            self.states.push(state);
        }
        self.event(MarketEventKind::Book(update));
    }

    /// Every step but a drain.
    fn step(&mut self, step: Step) {
        match step {
            Step::Trades(n_trades) => {
                for _ in 0..n_trades {
                    let number = self.trades.len() as u64;
                    self.trades.push((self.offset + 1, number));
                    self.event(MarketEventKind::Trade(Trade {
                        id: TradeId::Sequence(number),
                        price: Price::from_mantissa(100, 1).unwrap(),
                        size: Quantity::from_mantissa(1, 0).unwrap(),
                        aggressor_side: AggressorSide::Buyer,
                    }));
                }
            }
            Step::Delta(bids, asks) => {
                let book = self.book();
                book.book.apply_delta(&bids, &asks);
                let state = book.state;
                self.state(state, BookUpdate::Delta { state, bids, asks });
            }
            Step::Snapshot(state, bids, asks) => {
                let book = &mut self.book().book;
                book.apply_snapshot(&bids, &asks);
                let (n_bids, n_asks) = (book.n_bids(), book.n_asks());
                self.state(state, BookUpdate::Snapshot { state, n_bids, n_asks });
            }
            Step::State(state) => self.state(state, BookUpdate::State { state }),
            Step::BatchEnd => self.desk.batch_end(&self.books),
            Step::Turn => self.desk.turn(&self.books),
            Step::Drain => {}
        }
    }
}

/// A reader, and what it was given.
#[derive(Default)]
struct Reader {
    book: DeskBook,
    trades: Vec<(u64, u64)>,
    states: Vec<BookState>,
    n_lost_trades: u64,
    n_lost_states: u64,
    last_offset: u64,
}

impl Reader {
    fn drain(&mut self, queue: &Shared, truth: &Truth) {
        let updates = queue.0.borrow_mut().drain();
        assert!(updates.len() <= MAX_TRADES + MAX_STATES + 2, "{} updates waited", updates.len());
        for update in &updates {
            self.book.apply(update);
            let offset = update.offset().unwrap();
            assert!(offset >= self.last_offset, "{offset} after {}", self.last_offset);
            self.last_offset = offset;
            match update {
                DeskUpdate::Trade(trade) => {
                    let TradeId::Sequence(number) = trade.trade.id else { panic!("{trade:?}") };
                    self.trades.push((trade.offset, number));
                }
                DeskUpdate::BookState(state) => self.states.push(state.state),
                DeskUpdate::Levels(levels) => {
                    let (bids, asks) = truth.tops.get(&levels.offset).cloned().unwrap_or_default();
                    assert_eq!((&levels.bids, &levels.asks), (&bids, &asks), "levels at {offset}");
                }
                DeskUpdate::Suspect(loss) => {
                    self.n_lost_trades += loss.n_trades;
                    self.n_lost_states += loss.n_states;
                }
                DeskUpdate::Ended => panic!("it has not ended"),
            }
            if let Some(levels) = self.book.tradable() {
                let n_before = truth.trades.iter().filter(|(at, _)| *at <= levels.offset).count() as u64;
                let n_known = self.trades.iter().filter(|(at, _)| *at <= levels.offset).count() as u64;
                assert_eq!(n_known + self.n_lost_trades, n_before, "fills on levels at {} with a hole", levels.offset);
            }
        }
    }
}

/// Plays the steps, then heals: drains, gives what is due, drains again.
fn play(steps: Vec<Step>) -> (Truth, Reader) {
    let queue = Shared::default();
    let (mut truth, mut reader) = (Truth::new(&queue), Reader::default());
    for step in steps {
        if matches!(step, Step::Drain) {
            reader.drain(&queue, &truth);
        }
        truth.step(step);
    }
    for _ in 0..2 {
        truth.step(Step::BatchEnd);
        truth.step(Step::Turn);
        reader.drain(&queue, &truth);
    }
    (truth, reader)
}

fn check_end(truth: &Truth, reader: &Reader) {
    let book = &truth.books[&truth.id];
    if book.state.is_served() {
        let levels = reader.book.levels().unwrap();
        assert_eq!((levels.bids.clone(), levels.asks.clone()), truth.top());
    }
    if book.state != BookState::Unverified || reader.book.loss().is_none() {
        assert_eq!(reader.book.tradable().is_some(), book.state == BookState::Live);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn a_reader_that_keeps_up_misses_nothing(steps in any_steps(0..10, 60)) {
        let (truth, reader) = play(steps);
        prop_assert_eq!(&reader.trades, &truth.trades);
        prop_assert_eq!(&reader.states, &truth.states);
        prop_assert_eq!((reader.n_lost_trades, reader.n_lost_states), (0, 0));
        prop_assert_eq!(reader.book.state(), truth.books[&truth.id].state);
        check_end(&truth, &reader);
    }

    #[test]
    fn a_reader_that_does_not_is_told_what_it_misses(steps in any_steps(0..1_500, 40)) {
        let (truth, reader) = play(steps);
        prop_assert_eq!(reader.trades.len() as u64 + reader.n_lost_trades, truth.trades.len() as u64);
        prop_assert!(reader.trades.iter().all(|known| truth.trades.binary_search(known).is_ok()));
        check_end(&truth, &reader);
    }

    #[test]
    fn a_book_that_flaps_keeps_its_newest_state(states in prop::collection::vec(any_state(), 0..400)) {
        let (truth, reader) = play(states.into_iter().map(Step::State).collect());
        prop_assert_eq!(reader.states.len() as u64 + reader.n_lost_states, truth.states.len() as u64);
        prop_assert_eq!(reader.states.last(), truth.states.last());
        check_end(&truth, &reader);
    }
}
