//! Books that somebody looks at: their requests come first, then those that were looked at before, then the rest.
//!
//! Not here: who looks at them (`market`), how much of a book is requested (the venues).

use model::{event::BookInterest, instrument::InstrumentId, time::Now};

use super::FeedSession;
use crate::kit::{protocol::Protocol, requests::Urgency};

impl<P: Protocol> FeedSession<P> {
    /// Notes all the books that somebody looks at, sorted by instrument.
    pub(super) fn set_interest(&mut self, books: &[(InstrumentId, BookInterest)], now: Now) {
        for position in 0..self.symbols.len() {
            let symbol = &mut self.symbols[position];
            let found = books.binary_search_by(|(id, _)| id.cmp(&symbol.id)).ok();
            let interest = found.map(|idx| books[idx].1);
            if interest == symbol.interest {
                continue;
            }
            symbol.interest = interest;
            let urgency = if interest.is_some() { Urgency::Now } else { Urgency::Before(now.monotonic) };
            self.requests.set_urgency(position, urgency);
            P::interest_changed(self, position, now);
        }
    }
}
