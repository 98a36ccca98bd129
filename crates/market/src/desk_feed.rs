//! From market events and books to what the trading desk receives, with a bounded queue for each reader.
//!
//! A feed's owner shows [`DeskFeeds`] each event, and lends the books when an input to the session has been worked off
//! ([`DeskFeeds::batch_end`]) and at each turn ([`DeskFeeds::turn`]). Live, the feed task does so; in a replay, the
//! player: the same frames give the same updates. Instruments without a reader cost nothing.
//!
//! A full queue never holds the feed up. Levels conflate: the newest replace those that wait. A trade that finds no
//! room is lost and counted, and of states the newest is kept: the reader gets a [`DeskUpdate::Suspect`] where the first
//! was lost, and no levels after it until it has drained. Then the book's best levels come whole, and with a live book
//! the reader may fill again (`model::desk_feed::DeskBook`). Not here: locks and wake-ups (`server`), what the desk does.
//!
//! Over 500 lines: the queue and the feed that fills it share one rule, and half of the file are its tests.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use model::{
    desk_feed::{DESK_DEPTH, DeskLevels, DeskLoss, DeskState, DeskTrade, DeskUpdate, StateCause},
    event::{BookUpdate, MarketEvent, MarketEventKind},
    instrument::InstrumentId,
    proof::{BookState, Books, TrackedBook},
};

/// One reader's updates of one instrument, until it drains them.
#[derive(Clone, Debug)]
pub struct DeskQueue {
    trades: VecDeque<DeskTrade>,
    states: VecDeque<DeskState>,
    levels: Option<Arc<DeskLevels>>,
    /// The newest state queued, whether drained or not.
    newest_state: Option<BookState>,
    /// What was lost since the last drain.
    loss: Option<DeskLoss>,
    /// True at the start and after a loss: levels are due although the book may not change.
    wants_levels: bool,
    is_ended: bool,
    has_told_end: bool,
}

impl Default for DeskQueue {
    fn default() -> Self {
        Self {
            trades: VecDeque::new(),
            states: VecDeque::new(),
            levels: None,
            newest_state: None,
            loss: None,
            wants_levels: true,
            is_ended: false,
            has_told_end: false,
        }
    }
}

impl DeskQueue {
    /// Takes everything that waits, by offset; levels come after the event they include.
    pub fn drain(&mut self) -> Vec<DeskUpdate> {
        let mut updates: Vec<DeskUpdate> = self.states.drain(..).map(DeskUpdate::BookState).collect();
        updates.extend(self.trades.drain(..).map(DeskUpdate::Trade));
        updates.extend(self.loss.take().map(DeskUpdate::Suspect));
        updates.extend(self.levels.take().map(DeskUpdate::Levels));
        // Stable: of equal offsets the levels stay last.
        updates.sort_by_key(DeskUpdate::offset);
        if self.is_ended && !std::mem::replace(&mut self.has_told_end, true) {
            updates.push(DeskUpdate::Ended);
        }
        updates
    }

    /// True where a drain would give nothing.
    pub fn is_empty(&self) -> bool {
        let has_nothing = self.trades.is_empty() && self.states.is_empty() && self.levels.is_none();
        has_nothing && self.loss.is_none() && (!self.is_ended || self.has_told_end)
    }

    /// True once [`DeskUpdate::Ended`] has been drained.
    pub fn is_over(&self) -> bool {
        self.has_told_end
    }

    /// Nothing follows.
    pub fn end(&mut self) {
        self.is_ended = true;
    }

    fn trade(&mut self, trade: &DeskTrade) {
        if self.trades.len() < MAX_TRADES {
            self.trades.push_back(trade.clone());
        } else {
            self.lose(trade.offset).n_trades += 1;
        }
    }

    fn state(&mut self, state: DeskState) {
        if self.newest_state.replace(state.state) == Some(state.state) {
            return;
        }
        if self.states.len() >= MAX_STATES
            && let Some(lost) = self.states.pop_back()
        {
            self.lose(lost.offset).n_states += 1;
        }
        self.states.push_back(state);
    }

    fn levels(&mut self, levels: &Arc<DeskLevels>) {
        // Levels that came before the loss is told would look like the recovery from it.
        if self.loss.is_none() {
            self.levels = Some(levels.clone());
            self.wants_levels = false;
        }
    }

    fn is_waiting_for_levels(&self) -> bool {
        self.wants_levels && self.loss.is_none()
    }

    fn lose(&mut self, offset: u64) -> &mut DeskLoss {
        let loss = self.loss.get_or_insert(DeskLoss { n_trades: 0, n_states: 0, offset });
        loss.offset = loss.offset.min(offset);
        self.levels.take_if(|levels| levels.offset >= loss.offset);
        self.wants_levels = true;
        loss
    }
}

/// A reader's end of the way from a feed.
pub trait DeskSink {
    /// Lets `push` put something into the reader's queue. False once nobody reads it any more.
    fn with_queue(&mut self, push: impl FnOnce(&mut DeskQueue)) -> bool;
}

/// What one feed sends to its readers.
#[derive(Clone, Debug)]
pub struct DeskFeeds<S> {
    feeds: BTreeMap<InstrumentId, Feed<S>>,
}

#[derive(Clone, Debug)]
struct Feed<S> {
    /// Trades and book events so far.
    offset: u64,
    /// True where the book has changed since the last batch's end.
    is_changed: bool,
    sinks: Vec<S>,
}

impl<S> Default for DeskFeeds<S> {
    fn default() -> Self {
        Self { feeds: BTreeMap::new() }
    }
}

impl<S: DeskSink> DeskFeeds<S> {
    /// True where nobody reads.
    pub fn is_empty(&self) -> bool {
        self.feeds.is_empty()
    }

    /// Begins to send an instrument's updates: its book's state at once, and its levels where the book is served.
    pub fn subscribe(&mut self, instrument: InstrumentId, mut sink: S, books: &Books) {
        let book = books.get(&instrument);
        let feed = self.feeds.entry(instrument).or_insert(Feed { offset: 0, is_changed: false, sinks: Vec::new() });
        let state = DeskState { state: state_of(book), cause: StateCause::Subscribed, offset: feed.offset };
        let levels = levels(book, feed.offset);
        let is_read = sink.with_queue(|queue| {
            queue.state(state);
            levels.iter().for_each(|levels| queue.levels(levels));
        });
        if is_read {
            feed.sinks.push(sink);
        }
    }

    /// Takes in what the venue said: trades and states go out at once.
    pub fn apply(&mut self, event: &MarketEvent) {
        if self.feeds.is_empty() {
            return;
        }
        let Some(feed) = self.feeds.get_mut(&event.instrument) else { return };
        match &event.kind {
            MarketEventKind::Trade(trade) => {
                feed.offset += 1;
                let (event_time, receive_time) = (event.event_time, event.receive_time);
                let trade = DeskTrade { trade: trade.clone(), event_time, receive_time, offset: feed.offset };
                feed.send(|queue| queue.trade(&trade));
            }
            MarketEventKind::Book(update) => {
                feed.offset += 1;
                feed.is_changed = true;
                let (state, cause) = match update {
                    BookUpdate::Snapshot { state, .. } => (*state, StateCause::Snapshot),
                    BookUpdate::Delta { state, .. } => (*state, StateCause::Delta),
                    BookUpdate::State { state } => (*state, StateCause::Judgement),
                };
                feed.send_state(state, cause);
            }
            _ => {}
        }
    }

    /// An input to the session has been worked off: levels of the books that have changed go out.
    pub fn batch_end(&mut self, books: &Books) {
        for (id, feed) in &mut self.feeds {
            if std::mem::take(&mut feed.is_changed) {
                let book = books.get(id);
                // The lent book has the last word, as where a replay chooses between several connections.
                feed.send_state(state_of(book), StateCause::Judgement);
                if let Some(levels) = levels(book, feed.offset) {
                    feed.send(|queue| queue.levels(&levels));
                }
            }
        }
    }

    /// Sends levels to whoever has recovered from a loss while the book did not change, and forgets who reads no more.
    /// Call it at each turn.
    pub fn turn(&mut self, books: &Books) {
        self.feeds.retain(|id, feed| {
            let mut is_wanted = false;
            feed.send(|queue| is_wanted |= queue.is_waiting_for_levels());
            if let Some(levels) = is_wanted.then(|| levels(books.get(id), feed.offset)).flatten() {
                feed.send(|queue| {
                    if queue.is_waiting_for_levels() {
                        queue.levels(&levels);
                    }
                });
            }
            !feed.sinks.is_empty()
        });
    }

    /// Ends every subscription.
    pub fn end_all(&mut self) {
        for mut feed in std::mem::take(&mut self.feeds).into_values() {
            feed.send(DeskQueue::end);
        }
    }
}

impl<S: DeskSink> Feed<S> {
    fn send(&mut self, mut push: impl FnMut(&mut DeskQueue)) {
        self.sinks.retain_mut(|sink| sink.with_queue(&mut push));
    }

    fn send_state(&mut self, state: BookState, cause: StateCause) {
        let state = DeskState { state, cause, offset: self.offset };
        self.send(|queue| queue.state(state));
    }
}

fn state_of(book: Option<&TrackedBook>) -> BookState {
    book.map_or(BookState::Empty, |book| book.state)
}

/// The best levels of a book; `None` where it is not served.
fn levels(book: Option<&TrackedBook>, offset: u64) -> Option<Arc<DeskLevels>> {
    let book = book.filter(|book| book.state.is_served())?;
    Some(Arc::new(DeskLevels {
        bids: book.book.bids().take(DESK_DEPTH).collect(),
        asks: book.book.asks().take(DESK_DEPTH).collect(),
        last_update_id: book.last_update_id,
        event_time: book.event_time,
        receive_time: book.receive_time,
        offset,
    }))
}

/// Trades of one instrument that wait for a reader. The desk drains within milliseconds; the busiest symbols print some
/// hundred trades a second, so this bridges seconds of a stuck desk in about 300 kB.
pub const MAX_TRADES: usize = 2_048;
/// States of one instrument that wait. They change a few times an hour; a book that flaps this often is not to be
/// traded on.
pub const MAX_STATES: usize = 64;

#[cfg(test)]
mod tests {
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

        /// What is drained, short.
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
}
