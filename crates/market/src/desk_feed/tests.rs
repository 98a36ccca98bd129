//! Full queues, losses and recovery from them, step by step; `tests/desk_feed.rs` has the properties.

use std::{cell::RefCell, rc::Rc};

use model::desk_feed::DeskBook;

use super::*;
use crate::testing::{event, id, level, trade};

/// A queue in the test's own hands; nobody reads it any more once only the feed holds it.
#[derive(Clone, Debug, Default)]
struct Shared(Rc<RefCell<DeskQueue>>);

impl DeskSink for Shared {
    fn with_queue(&mut self, push: impl FnOnce(&mut DeskQueue)) -> bool {
        push(&mut self.0.borrow_mut());
        Rc::strong_count(&self.0) > 1
    }
}

/// A feed of one instrument with its book, and a reader that applies what it drains.
struct Rig {
    desk: DeskFeeds<Shared>,
    books: Books,
    queue: Shared,
    book: DeskBook,
    n_trades: u64,
}

impl Rig {
    fn new() -> Self {
        let (queue, books) = (Shared::default(), Books::from([(id(), TrackedBook::default())]));
        let mut rig = Self { desk: DeskFeeds::default(), books, queue, book: DeskBook::default(), n_trades: 0 };
        rig.desk.subscribe(id(), rig.queue.clone(), &rig.books);
        rig
    }

    /// One that has drained a live book with one level a side.
    fn live() -> Self {
        let mut rig = Self::new();
        rig.snapshot(BookState::Live);
        rig.drain();
        rig
    }

    fn event(&mut self, kind: MarketEventKind) {
        self.desk.apply(&event(0, Some(0), kind));
    }

    fn trades(&mut self, n_trades: u64) {
        for _ in 0..n_trades {
            self.n_trades += 1;
            self.event(MarketEventKind::Trade(trade(self.n_trades, "10", "1")));
        }
        self.desk.batch_end(&self.books);
    }

    fn snapshot(&mut self, state: BookState) {
        let tracked = self.books.get_mut(&id()).unwrap();
        tracked.state = state;
        tracked.book.apply_snapshot(&[level("9", "1")], &[level("11", "1")]);
        self.event(MarketEventKind::Book(BookUpdate::Snapshot { state, n_bids: 1, n_asks: 1 }));
        self.desk.batch_end(&self.books);
    }

    fn bid(&mut self, price: &str, quantity: &str) {
        let tracked = self.books.get_mut(&id()).unwrap();
        let bids = vec![level(price, quantity)];
        tracked.book.apply_delta(&bids, &[]);
        let (state, asks) = (tracked.state, Vec::new());
        self.event(MarketEventKind::Book(BookUpdate::Delta { state, bids, asks }));
        self.desk.batch_end(&self.books);
    }

    fn state(&mut self, state: BookState) {
        self.books.get_mut(&id()).unwrap().state = state;
        self.event(MarketEventKind::Book(BookUpdate::State { state }));
        self.desk.batch_end(&self.books);
    }

    fn turn(&mut self) {
        self.desk.turn(&self.books);
    }

    fn drain(&mut self) -> Vec<DeskUpdate> {
        let updates = self.queue.0.borrow_mut().drain();
        updates.iter().for_each(|update| self.book.apply(update));
        updates
    }

    /// Drains the queue and returns short descriptions of its updates.
    fn shown(&mut self) -> Vec<String> {
        self.drain().iter().map(shown).collect()
    }

    fn is_tradable(&self) -> bool {
        self.book.tradable().is_some()
    }
}

fn shown(update: &DeskUpdate) -> String {
    match update {
        DeskUpdate::Trade(trade) => format!("trade {}@{}", trade.trade.id, trade.offset),
        DeskUpdate::BookState(state) => format!("{} {:?}@{}", state.state.as_str(), state.cause, state.offset),
        DeskUpdate::Levels(levels) => {
            format!("levels {}+{}@{}", levels.bids.len(), levels.asks.len(), levels.offset)
        }
        DeskUpdate::Suspect(loss) => format!("lost {}+{}@{}", loss.n_trades, loss.n_states, loss.offset),
        DeskUpdate::Ended => "ended".to_owned(),
    }
}

#[test]
fn every_state_arrives_in_order_and_only_served_books_have_levels() {
    use BookState as S;
    let mut rig = Rig::new();
    rig.state(S::Buffering);
    rig.snapshot(S::Live);
    rig.state(S::Suspect);
    rig.state(S::Resyncing);
    rig.snapshot(S::Live);
    rig.state(S::Unverified);
    rig.state(S::Unverified);
    rig.bid("9", "2");
    assert_eq!(
        rig.shown(),
        [
            "empty Subscribed@0",
            "buffering Judgement@1",
            "live Snapshot@2",
            "suspect Judgement@3",
            "resyncing Judgement@4",
            "live Snapshot@5",
            "unverified Judgement@6",
            "levels 1+1@8",
        ]
    );
    assert!(!rig.is_tradable(), "unverified");
    rig.snapshot(S::Live);
    assert_eq!(rig.shown(), ["live Snapshot@9", "levels 1+1@9"]);
    assert!(rig.is_tradable());
    rig.state(S::Resyncing);
    assert_eq!(rig.shown(), ["resyncing Judgement@10"], "no levels of a book that is not served");
}

#[test]
fn levels_conflate_and_trades_do_not() {
    let mut rig = Rig::live();
    rig.bid("9", "2");
    rig.trades(1);
    rig.bid("8", "3");
    rig.trades(1);
    let found = rig.drain();
    assert_eq!(found.iter().map(shown).collect::<Vec<_>>(), ["trade 1@3", "levels 2+1@4", "trade 2@5"]);
    let DeskUpdate::Levels(levels) = &found[1] else { panic!("{found:?}") };
    assert_eq!(levels.bids, [level("9", "2"), level("8", "3")]);
    assert_eq!(rig.shown(), [""; 0]);
}

#[test]
fn at_most_fifty_levels_best_first() {
    let mut rig = Rig::live();
    for price in 100..200 {
        rig.bid(&price.to_string(), "1");
    }
    let found = rig.drain();
    let [DeskUpdate::Levels(levels)] = found.as_slice() else { panic!("{found:?}") };
    let prices: Vec<String> = levels.bids.iter().map(|level| level.price.to_string()).collect();
    assert_eq!(prices, (150..200).rev().map(|price: i32| price.to_string()).collect::<Vec<_>>());
}

#[test]
fn a_flood_is_bounded_counted_and_recovered_from() {
    let mut rig = Rig::live();
    let n_kept = u64::try_from(MAX_TRADES).unwrap();
    rig.trades(10_000);
    rig.bid("9", "7");
    rig.turn();
    {
        let queue = rig.queue.0.borrow();
        assert_eq!((queue.trades.len(), queue.levels.is_none()), (MAX_TRADES, true));
        assert!(queue.trades.capacity() <= 2 * MAX_TRADES);
    }
    let found = rig.shown();
    assert_eq!(found.len(), MAX_TRADES + 1);
    assert_eq!(found[MAX_TRADES], format!("lost {}+0@{}", 10_000 - n_kept, n_kept + 2));
    assert_eq!((rig.book.state(), rig.is_tradable()), (BookState::Suspect, false));
    // A trade alone does not heal it, and the book need not change for it to heal.
    rig.trades(1);
    assert_eq!((rig.drain().len(), rig.is_tradable()), (1, false));
    rig.turn();
    assert_eq!(rig.shown(), ["levels 1+1@10003"]);
    assert!(rig.is_tradable());
    assert_eq!(rig.book.levels().unwrap().bids, [level("9", "7")]);
    rig.turn();
    assert_eq!(rig.shown(), [""; 0], "told once");
}

#[test]
fn levels_from_before_the_loss_is_told_do_not_heal_it() {
    let mut rig = Rig::live();
    rig.bid("9", "2");
    rig.trades(u64::try_from(MAX_TRADES).unwrap() + 1);
    rig.bid("9", "3");
    let found = rig.shown();
    assert_eq!((&*found[0], found.last().unwrap().as_str()), ("levels 1+1@2", "lost 1+0@2051"));
    assert!(!rig.is_tradable());
    // Lost again before it has healed.
    rig.trades(u64::try_from(MAX_TRADES).unwrap() + 5);
    rig.turn();
    assert!(rig.shown().last().unwrap().starts_with("lost 5+0@"));
    assert!(!rig.is_tradable());
    rig.state(BookState::Suspect);
    rig.turn();
    assert_eq!((rig.shown().len(), rig.is_tradable()), (1, false), "no levels while the book is not live");
    rig.snapshot(BookState::Live);
    rig.drain();
    assert!(rig.is_tradable());
}

#[test]
fn of_too_many_states_the_newest_is_kept() {
    let mut rig = Rig::live();
    rig.bid("9", "2");
    for _ in 0..MAX_STATES {
        rig.state(BookState::Suspect);
        rig.state(BookState::Resyncing);
    }
    rig.snapshot(BookState::Live);
    let found = rig.shown();
    assert_eq!(found.len(), MAX_STATES + 2);
    assert_eq!(found.last().unwrap(), "live Snapshot@131");
    assert_eq!(found[MAX_STATES], "lost 0+65@66");
    assert!(!rig.is_tradable());
    rig.turn();
    assert_eq!(rig.shown(), ["levels 1+1@131"]);
    assert!(rig.is_tradable());
}

#[test]
fn a_second_reader_begins_with_the_state_and_the_levels() {
    let mut rig = Rig::live();
    let second = Shared::default();
    rig.desk.subscribe(id(), second.clone(), &rig.books);
    let found: Vec<String> = second.0.borrow_mut().drain().iter().map(shown).collect();
    assert_eq!(found, ["live Subscribed@1", "levels 1+1@1"]);
    rig.trades(1);
    assert_eq!((rig.shown(), second.0.borrow().is_empty()), (vec!["trade 1@2".to_owned()], false));
}

#[test]
fn who_reads_no_more_is_forgotten_and_others_are_told_the_end() {
    let mut rig = Rig::live();
    rig.event(MarketEventKind::Trade(trade(1, "10", "1")));
    rig.desk.end_all();
    assert_eq!(rig.shown(), ["trade 1@2", "ended"]);
    assert!(rig.desk.is_empty() && rig.queue.0.borrow().is_over() && rig.queue.0.borrow().is_empty());
    let mut rig = Rig::live();
    rig.queue = Shared::default();
    rig.turn();
    assert!(rig.desk.is_empty());
}

#[test]
fn a_price_without_a_trade_fills_nobody() {
    let mut rig = Rig::live();
    rig.event(MarketEventKind::Trade(trade(1, "10", "0")));
    rig.trades(1);
    assert_eq!(rig.shown(), ["trade 1@2"]);
}
