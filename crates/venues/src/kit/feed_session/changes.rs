//! Other symbols while a session runs: added to its connections, or dropped from them; the rest goes on.
//!
//! Not here: the messages (the venues), where there is room for a symbol ([`crate::kit::pool`]).

use model::{instrument::InstrumentId, time::Now};

use super::FeedSession;
use crate::{
    kit::protocol::{Protocol, Symbol},
    session::Symbols,
};

impl<P: Protocol> FeedSession<P> {
    /// Returns true if it can follow these symbols, and stop following the others, while the rest goes on.
    pub(super) fn can_change_symbols(&self, added: &[String], dropped: &[String]) -> bool {
        // The data of a symbol that carries another's is still needed.
        let is_carrier = |position: usize| {
            let mut others = self.known_symbols().into_iter().filter(|other| *other != position);
            others.any(|other| P::carrier(self, other) == position)
        };
        self.is_started
            && !self.is_open_ended
            && added.iter().all(|symbol| P::can_add(self, symbol))
            && !dropped.iter().filter_map(|symbol| self.followed(symbol)).any(is_carrier)
    }

    /// Follows further symbols; those followed already go on.
    pub(super) fn add(&mut self, symbols: &[String], now: Now) {
        let new = symbols.iter().filter(|symbol| self.followed(symbol).is_none());
        let mut listed = Symbols::Listed(new.cloned().collect());
        for (symbol, cause) in P::take_unusable(&mut listed) {
            self.out.health.instrument_causes.insert(InstrumentId::new(&self.venue, &symbol), cause);
        }
        let Symbols::Listed(symbols) = listed else { return };
        let positions: Vec<usize> = symbols.iter().map(|symbol| self.follow(symbol)).collect();
        if positions.is_empty() {
            return;
        }
        self.out.symbol_added();
        P::added(self, &positions, now);
        for (connection, members) in self.pool.add(&positions, now, &mut self.out) {
            let messages = P::subscribe_more(self, &members, now);
            self.pool.subscribe_more(connection, &members, messages);
        }
    }

    /// Stops following symbols: their subscriptions end, the connections stay. Their positions stay taken, so that
    /// nothing that is under way is mistaken for another symbol's.
    pub(super) fn drop_symbols(&mut self, symbols: &[String]) {
        for name in symbols {
            let id = InstrumentId::new(&self.venue, name);
            self.out.health.instrument_causes.remove(&id);
            self.out.health.silences.remove(&id);
            let Some(position) = self.by_name.remove(name.as_str()) else { continue };
            if !self.symbols[position].is_unknown {
                let messages = P::unsubscribe(self, position);
                self.pool.tell_carriers(position, &messages);
            }
            P::symbol_unknown(self, position);
            self.dropped.insert(name.as_str().into(), position);
            self.symbols[position] = Symbol { is_unknown: true, ..Symbol::new(id.clone()) };
            self.crossed.remove(&position);
            self.liveness.release(position);
            self.books.remove(&id);
            self.pool.drop_symbol(position, &mut self.out);
        }
        self.instruments = self.symbols.iter().filter_map(|symbol| symbol.instrument.clone()).collect();
    }
}
