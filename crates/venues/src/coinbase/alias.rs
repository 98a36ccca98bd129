//! Products whose data comes under another name: who subscribes `AAA-USDC` gets frames labelled `AAA-USD`.
//!
//! The list of products says so, but it may come late or never, and frames do not wait. A label that nobody follows can
//! only be an alias's: it is believed by its name. Where both products are followed, names prove nothing (`USDT-USDC` has
//! data of its own): the alias is not subscribed until the list has spoken, and then either shares what the other one gets,
//! so that the same changes never come twice, or is subscribed itself. Not here: the list ([`super::instrument`]).

use model::{
    event::{BookUpdate, MarketEventKind},
    time::Now,
};

use crate::coinbase::{
    instrument::CoinbaseProduct,
    session::CoinbaseSession,
    stream::{SnapshotWish, Supply},
    subscribe,
};

/// The product whose data a product of this name may come with, going by the name.
pub(super) fn presumed_label(symbol: &str) -> Option<&str> {
    symbol.strip_suffix('C').filter(|label| label.ends_with(LABEL_END))
}

impl CoinbaseSession {
    /// A frame names a product that nobody follows: the position of the one that this may be an alias's data for.
    pub(super) fn presumed_alias(&self, label: &str) -> Option<usize> {
        let symbol = format!("{label}C");
        let position = *self.by_label.get(symbol.as_str())?.first()?;
        label.ends_with(LABEL_END).then_some(position)
    }

    /// The venue says what a product is, and under which name its data comes.
    pub(super) fn product(&mut self, position: usize, product: &CoinbaseProduct<'_>, now: Now) {
        let (label, supply) = (product.alias.as_ref(), self.streams[position].supply);
        // A recording names what it brings, and is subscribed already.
        let is_asked_for = product.product_id == self.streams[position].id.symbol();
        if self.is_open_ended || !is_asked_for || matches!(supply, Supply::SharedWith(_)) {
            return;
        }
        let is_own = label.is_empty() || label == self.streams[position].id.symbol();
        match self.followed(label).filter(|lead| !is_own && self.streams[*lead].supply == Supply::Own) {
            Some(lead) => self.share(position, lead, now),
            None => {
                if !is_own {
                    self.label(position, label);
                }
                if supply == Supply::Undecided {
                    self.streams[position].supply = Supply::Own;
                    self.subscribe_one(position, now);
                }
            }
        }
    }

    /// Frames with this label are about the product at `position` too.
    pub(super) fn label(&mut self, position: usize, label: &str) {
        let positions = self.by_label.entry(label.into()).or_default();
        if !positions.contains(&position) {
            positions.push(position);
        }
    }

    fn share(&mut self, position: usize, lead: usize, now: Now) {
        let label = self.streams[lead].id.symbol().to_owned();
        self.label(position, &label);
        self.pool.drop_symbol(position, &mut self.out);
        let book = self.streams[lead].book.clone();
        let stream = &mut self.streams[position];
        (stream.supply, stream.snapshot, stream.book) = (Supply::SharedWith(lead), SnapshotWish::None, book);
        self.liveness.release(position);
        let ids = (self.streams[lead].id.clone(), self.streams[position].id.clone());
        let Some(tracked) = self.books.get(&ids.0).cloned() else { return };
        if tracked.state.is_served() {
            let (n_bids, n_asks) = (tracked.book.n_bids(), tracked.book.n_asks());
            let update = BookUpdate::Snapshot { state: tracked.state, n_bids, n_asks };
            self.out.event(&ids.1, tracked.event_time, now, MarketEventKind::Book(update));
        }
        self.books.insert(ids.1, tracked);
        self.tell_top(position, now);
    }

    /// Subscribes a product whose connection is open already.
    fn subscribe_one(&mut self, position: usize, now: Now) {
        let Some(connection) = self.pool.carrier(position) else { return };
        let products = [(position, self.streams[position].id.symbol())];
        for message in subscribe::everything(&products) {
            self.pool.enqueue(connection, message, now, &mut self.out);
        }
        self.await_data(position, now);
    }

    /// The venue does not know a product: nothing more is asked for it.
    pub(super) fn mark_unknown(&mut self, position: usize) {
        // A recording proves that it was known.
        if self.is_open_ended {
            return;
        }
        let stream = &mut self.streams[position];
        (stream.is_unknown, stream.snapshot) = (true, SnapshotWish::None);
        self.liveness.release(position);
        self.pool.drop_symbol(position, &mut self.out);
        let is_last = self.streams.iter().all(|stream| stream.is_unknown);
        self.out.symbol_unknown(&self.streams[position].id, is_last);
    }
}

/// Aliases' data comes in dollars.
const LABEL_END: &str = "-USD";
