//! A recording's market as a desk sees it: the feeds of its instruments and its clock, entry by entry.
//!
//! Between two entries only the desk's own deadlines happen (an order arrives or expires, equity is looked at), each at its
//! own time, so the result does not depend on how often anybody looks. Not here: reading a recording, the desk.

use std::{cell::RefCell, collections::BTreeMap, rc::Rc};

use desk::desk::Desk;
use market::desk_feed::{DeskFeeds, DeskQueue, DeskSink};
use model::{event::MarketEvent, instrument::InstrumentId, proof::Books, time::Timestamp};

/// The feeds of the instruments that a desk follows in a recording.
#[derive(Debug, Default)]
pub struct RecordedMarket {
    feeds: DeskFeeds<Reader>,
    queues: BTreeMap<InstrumentId, Reader>,
    now: Timestamp,
}

/// The desk's queue of one instrument, which is drained after each entry.
#[derive(Clone, Debug, Default)]
struct Reader(Rc<RefCell<DeskQueue>>);

impl DeskSink for Reader {
    fn with_queue(&mut self, push: impl FnOnce(&mut DeskQueue)) -> bool {
        push(&mut self.0.borrow_mut());
        true
    }
}

impl RecordedMarket {
    /// Creates the market at a time, without instruments.
    pub fn new(now: Timestamp) -> Self {
        Self { now, ..Self::default() }
    }

    /// Follows an instrument from now on: its book's state at once, and its levels where the book is served.
    pub fn follow(&mut self, instrument: &InstrumentId, books: &Books) {
        let reader = self.queues.entry(instrument.clone()).or_default().clone();
        self.feeds.subscribe(instrument.clone(), reader, books);
    }

    /// Returns true if the instrument is followed.
    pub fn is_followed(&self, instrument: &InstrumentId) -> bool {
        self.queues.contains_key(instrument)
    }

    /// Takes an event of the current entry in.
    pub fn event(&mut self, event: &MarketEvent) {
        self.feeds.apply(event);
    }

    /// Ends the current entry.
    pub fn entry_end(&mut self, books: &Books) {
        self.feeds.batch_end(books);
    }

    /// Gives the desk what the entries up to `now` brought, after its own deadlines before that; returns how many updates
    /// there were. The clock never goes back.
    pub fn bring(&mut self, desk: &mut Desk, now: Timestamp) -> usize {
        self.pass_deadlines(desk, |deadline| deadline < now);
        self.now = self.now.max(now);
        let mut n_updates = 0;
        for (instrument, reader) in &self.queues {
            let updates = reader.0.borrow_mut().drain();
            updates.iter().for_each(|update| desk.update(instrument, update, self.now));
            n_updates += updates.len();
        }
        if desk.deadline() <= self.now {
            desk.advance(self.now);
        }
        n_updates
    }

    /// Lets time pass up to `now` while the recording has nothing.
    pub fn pass(&mut self, desk: &mut Desk, now: Timestamp) {
        self.pass_deadlines(desk, |deadline| deadline <= now);
        self.now = self.now.max(now);
    }

    /// Returns the recording's clock.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    fn pass_deadlines(&mut self, desk: &mut Desk, is_due: impl Fn(Timestamp) -> bool) {
        for _ in 0..MAX_DEADLINES {
            let deadline = desk.deadline();
            if !is_due(deadline) {
                return;
            }
            self.now = self.now.max(deadline);
            desk.advance(self.now);
        }
    }
}

/// Deadlines that are passed one by one: more than a day of looks at the equity. A recording with a longer gap has nothing
/// in it that a desk could miss.
const MAX_DEADLINES: usize = 100_000;
