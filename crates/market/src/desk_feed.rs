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
    /// Losses since the last drain.
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

/// The desk updates of one feed, for all readers.
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

    /// Returns the instruments that somebody reads, by name.
    pub fn instruments(&self) -> impl Iterator<Item = &InstrumentId> + Clone {
        self.feeds.keys()
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
            // A price without a trade: nobody could have been filled in it.
            MarketEventKind::Trade(trade) if trade.size.is_zero() => {}
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

    /// Ends the subscriptions of an instrument that the feed no longer follows.
    pub fn end(&mut self, instrument: &InstrumentId) {
        if let Some(mut feed) = self.feeds.remove(instrument) {
            feed.send(DeskQueue::end);
        }
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
mod tests;
