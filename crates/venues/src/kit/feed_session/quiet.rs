//! Symbols that may be quiet: silence that is asked about, excused, or explained by the venue's own limits.

use std::time::Duration;

use model::{instrument::InstrumentStatus, status::FeedCause, time::Now};

use super::FeedSession;
use crate::{
    budget::stated_wait,
    kit::{protocol::Protocol, requests::Task},
};

impl<P: Protocol> FeedSession<P> {
    /// Notes what the venue limits about a symbol, for people; `None` if nothing.
    pub(crate) fn restrict(&mut self, symbol: &str, detail: Option<String>) {
        let Some(position) = self.followed(symbol) else { return };
        let (id, restrictions) = (&self.symbols[position].id, &mut self.out.health.restrictions);
        match detail {
            Some(detail) => drop(restrictions.insert(id.clone(), FeedCause::Restricted { detail })),
            None => restrictions.retain(|known, cause| known != id || !matches!(cause, FeedCause::Restricted { .. })),
        }
    }

    /// Returns true if nothing need come of a symbol: the venue does not trade it, or has no newer trade itself. The latter
    /// proves little about a book that changed all the time before: only where data has always been rare.
    fn is_excused(&self, position: usize, is_thin: bool) -> bool {
        let symbol = &self.symbols[position];
        let is_halted = || symbol.instrument.as_ref().is_some_and(|known| known.status == InstrumentStatus::Halted);
        symbol.is_unknown || (is_thin && self.liveness.is_quiet_by_venue(position)) || is_halted()
    }

    /// Keeps connections on which only heartbeats arrive while there is nothing else to send.
    pub(super) fn excuse_silence(&mut self, now: Now) {
        for (connection, members, is_thin) in self.pool.silent_but_pinged(now.monotonic) {
            if members.iter().all(|position| self.is_excused(*position, is_thin)) {
                self.pool.alive(connection, now.monotonic);
            }
        }
    }

    /// Keeps to the wait that a venue states in a message, if it states one.
    pub(crate) fn keep_stated_wait(&mut self, message: &str, now: Now) {
        if let Some(wait) = stated_wait(message, now.wall) {
            self.pool.hold(wait, now, &mut self.out);
        }
    }

    /// Requests the descriptions of quiet and of restricted symbols again, for their status: it changes without notice.
    fn ask_descriptions(&mut self, now: Now) {
        if now.monotonic < self.descriptions_at {
            return;
        }
        self.descriptions_at = now.monotonic + DESCRIPTION_SPACING;
        let is_in_doubt = |position: &usize| {
            let id = &self.symbols[*position].id;
            self.liveness.is_quiet_by_venue(*position) || self.out.health.restrictions.contains_key(id)
        };
        let positions: Vec<usize> = self.known_symbols().into_iter().filter(is_in_doubt).collect();
        for purpose in P::descriptions(&positions) {
            self.requests.push(Task::new(purpose), now.monotonic);
        }
    }

    /// Looks for silent symbols, and asks the venue about one, and about what it limits.
    pub(super) fn look_for_silence(&mut self, now: Now) {
        let symbols = &self.symbols;
        let id = |position: usize| symbols.get(position).map(|symbol| &symbol.id);
        let silent = self.liveness.look(id, now.monotonic, &mut self.out.health.silences);
        if let Some(purpose) = silent.and_then(P::probe) {
            self.requests.push(Task::new(purpose), now.monotonic);
        }
        self.ask_descriptions(now);
    }
}

/// Time between two requests for the status of symbols.
const DESCRIPTION_SPACING: Duration = Duration::from_secs(120);
