//! The source of a product's data: the name under which it comes, and when its book is requested again.
//!
//! A subscription to `AAA-USDC` delivers frames labelled `AAA-USD`. The list of products says so, but it may arrive
//! late or never, and frames do not wait. A label that is not followed can only be an alias's: its name suffices. If
//! both products are followed, names prove nothing (`USDT-USDC` has its own data): the alias is not subscribed until
//! the list has arrived, and then it either shares the other one's data, so that the same changes never come twice, or
//! is subscribed itself.
//!
//! A snapshot has up to 5 MB, so the books of a connection are requested together, and never again before the last
//! request has had its time. Not here: the list ([`super::rest`]), what puts a book in doubt ([`super::book`],
//! [`super::route`]).

use std::{collections::BTreeMap, time::Duration};

use model::{
    event::{BookUpdate, MarketEventKind},
    status::FeedCause,
    time::{Monotonic, Now},
};

use crate::{
    coinbase::{
        FIRST_SNAPSHOT_PATIENCE, SNAPSHOT_PATIENCE, SNAPSHOT_WAIT_MAX, SNAPSHOTS_IN_VAIN,
        protocol::{self, CoinbaseSession},
        rest::CoinbaseProduct,
    },
    session::ConnectionId,
};

/// The source of a product's data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Supply {
    /// Its own subscription.
    #[default]
    Own,
    /// Not known yet: a subscription might deliver a second copy of another followed product's data.
    Undecided,
    /// It shares the data of the product at that position.
    SharedWith(usize),
}

impl Supply {
    /// Returns the product whose subscription brings the data; `own` is the position of this one.
    pub(super) fn carrier(self, own: usize) -> usize {
        match self {
            Self::SharedWith(lead) => lead,
            Self::Own | Self::Undecided => own,
        }
    }
}

/// The state of the request for a book's snapshot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum SnapshotRequest {
    /// None is needed, or its connection is not open.
    #[default]
    None,
    /// It will be made at that time.
    Due(Monotonic),
    /// It was made, and the snapshot is awaited until then.
    Sent(Monotonic),
}

impl SnapshotRequest {
    /// Returns when an action is due.
    pub(super) fn deadline(self) -> Option<Monotonic> {
        match self {
            Self::None => None,
            Self::Due(at) | Self::Sent(at) => Some(at),
        }
    }
}

/// Returns the product whose data may be shared by a product with this name.
pub(super) fn presumed_label(symbol: &str) -> Option<&str> {
    symbol.strip_suffix('C').filter(|label| label.ends_with(LABEL_END))
}

impl CoinbaseSession {
    /// Returns the positions of the products with a frame's label; in a recording a new one is followed from now on.
    pub(super) fn labelled(&mut self, label: &str, now: Now) -> Vec<usize> {
        let (own, aliases) = (self.followed(label), self.protocol.aliases.get(label));
        if own.is_some() || aliases.is_some() {
            let positions = own.into_iter().chain(aliases.into_iter().flatten().copied());
            return positions.filter(|position| !self.symbols[*position].is_unknown).collect();
        }
        if self.is_open_ended {
            return self.named(label, now).into_iter().collect();
        }
        let Some(position) = self.presumed_alias(label) else { return Vec::new() };
        self.add_alias(position, label);
        vec![position]
    }

    /// Handles a frame for a product that is not followed: returns the product of which it may be the alias.
    fn presumed_alias(&self, label: &str) -> Option<usize> {
        let symbol = format!("{label}C");
        let aliased = || self.protocol.aliases.get(symbol.as_str())?.first().copied();
        let position = self.followed(&symbol).or_else(aliased)?;
        label.ends_with(LABEL_END).then_some(position)
    }

    /// Processes the venue's description of a product, including the name under which its data comes.
    pub(super) fn take_product(&mut self, position: usize, product: &CoinbaseProduct<'_>, now: Now) {
        let (label, supply) = (product.alias.as_ref(), self.symbols[position].state.supply);
        // A recording names the products it contains, and is subscribed already.
        let is_requested = product.product_id == self.symbols[position].name();
        if self.is_open_ended || !is_requested || matches!(supply, Supply::SharedWith(_)) {
            return;
        }
        let is_own = label.is_empty() || label == self.symbols[position].name();
        let lead = self.followed(label).filter(|lead| !is_own && self.symbols[*lead].state.supply == Supply::Own);
        match lead {
            Some(lead) => self.share(position, lead, now),
            None => {
                if !is_own {
                    self.add_alias(position, label);
                }
                if supply == Supply::Undecided {
                    self.symbols[position].state.supply = Supply::Own;
                    self.subscribe_one(position, now);
                }
            }
        }
    }

    /// Assigns frames with this label to the product at `position` too.
    fn add_alias(&mut self, position: usize, label: &str) {
        let positions = self.protocol.aliases.entry(label.into()).or_default();
        if !positions.contains(&position) {
            positions.push(position);
        }
    }

    /// Returns the name in a product's frames: its own, or the one it is an alias of.
    pub(super) fn label_of(&self, position: usize) -> &str {
        let mut aliases = self.protocol.aliases.iter().filter(|(_, positions)| positions.contains(&position));
        aliases.next().map_or_else(|| self.symbols[position].name(), |(label, _)| label.as_ref())
    }

    fn share(&mut self, position: usize, lead: usize, now: Now) {
        let label = self.symbols[lead].name().to_owned();
        self.add_alias(position, &label);
        self.pool.drop_symbol(position, &mut self.out);
        let book = self.symbols[lead].state.book.clone();
        let state = &mut self.symbols[position].state;
        (state.supply, state.snapshot, state.book) = (Supply::SharedWith(lead), SnapshotRequest::None, book);
        self.liveness.release(position);
        let ids = (self.symbols[lead].id.clone(), self.symbols[position].id.clone());
        let Some(tracked) = self.books.get(&ids.0).cloned() else { return };
        if tracked.state.is_served() {
            let (n_bids, n_asks) = (tracked.book.n_bids(), tracked.book.n_asks());
            let update = BookUpdate::Snapshot { state: tracked.state, n_bids, n_asks };
            self.out.event(&ids.1, tracked.event_time, now, MarketEventKind::Book(update));
        }
        self.books.insert(ids.1, tracked);
        self.emit_top(position, now);
    }

    /// Subscribes a product whose connection is already open.
    fn subscribe_one(&mut self, position: usize, now: Now) {
        let Some(connection) = self.pool.carrier(position) else { return };
        for message in protocol::everything(&self.products(&[position])) {
            self.pool.enqueue(connection, message, now, &mut self.out);
        }
        self.await_data(position, now);
    }

    /// Returns the products whose data comes on a connection, including those that share it.
    fn carried(&self, connection: ConnectionId) -> Vec<usize> {
        let carrier = |position: usize| self.pool.carrier(self.symbols[position].state.supply.carrier(position));
        (0..self.symbols.len())
            .filter(|position| self.is_open_ended || carrier(*position) == Some(connection))
            .collect()
    }

    /// Handles missing frames of a connection: each of its books may lack a change.
    pub(super) fn doubt_all(&mut self, connection: ConnectionId, now: Now) {
        for position in self.carried(connection) {
            self.change_book(position, now, |state, tracked| {
                state.book.on_gap(tracked);
                None
            });
        }
    }

    /// Handles an unreadable frame of a connection: the next one's number reveals whether it contained a change.
    pub(super) fn suspend_all(&mut self, connection: ConnectionId, now: Now) {
        for position in self.carried(connection) {
            self.change_book(position, now, |state, tracked| {
                state.book.suspend(tracked);
                None
            });
        }
    }

    /// Handles the case that nothing was missing after all.
    pub(super) fn resume_all(&mut self, connection: ConnectionId, now: Now) {
        for position in self.carried(connection) {
            let symbol = &mut self.symbols[position];
            let Some(tracked) = self.books.get_mut(&symbol.id) else { continue };
            if symbol.state.book.resume(tracked) {
                let (n_bids, n_asks) = (tracked.book.n_bids(), tracked.book.n_asks());
                let update = BookUpdate::Snapshot { state: tracked.state, n_bids, n_asks };
                self.out.event(&symbol.id, tracked.event_time, now, MarketEventKind::Book(update));
            }
        }
    }

    /// Notes that a snapshot is needed, unless one is on its way.
    pub(super) fn want_snapshot(&mut self, position: usize, now: Now) {
        let carrier = self.symbols[position].state.supply.carrier(position);
        if self.is_open_ended || !self.is_subscribed(carrier) {
            return;
        }
        let state = &mut self.symbols[carrier].state;
        if state.snapshot == SnapshotRequest::None {
            state.snapshot = SnapshotRequest::Due(state.pace.earliest(now.monotonic));
        }
    }

    /// Notes that a product was subscribed: its data is expected, and first of all its book.
    pub(super) fn await_data(&mut self, position: usize, now: Now) {
        let state = &mut self.symbols[position].state;
        (state.snapshot, state.has_data) = (SnapshotRequest::Sent(now.monotonic + FIRST_SNAPSHOT_PATIENCE), false);
        state.n_in_vain = 0;
        state.pace.asked(now.monotonic);
        self.liveness.expect(position, now);
    }

    /// Requests the snapshots that are due, those of a connection together.
    pub(super) fn request_snapshots(&mut self, now: Now) {
        let is_due = |request| matches!(request, SnapshotRequest::Due(at) if at <= now.monotonic);
        let mut due: BTreeMap<ConnectionId, Vec<usize>> = BTreeMap::new();
        for position in 0..self.symbols.len() {
            if !is_due(self.symbols[position].state.snapshot) {
                continue;
            }
            match self.pool.carrier(position) {
                Some(connection) => due.entry(connection).or_default().push(position),
                // When a connection opens again, everything is sent again.
                None => self.symbols[position].state.snapshot = SnapshotRequest::None,
            }
        }
        for (connection, positions) in due {
            for message in protocol::books_again(&self.products(&positions)) {
                self.pool.enqueue(connection, message, now, &mut self.out);
            }
            for position in positions {
                let state = &mut self.symbols[position].state;
                state.snapshot = SnapshotRequest::Sent(now.monotonic + SNAPSHOT_PATIENCE);
                state.pace.asked(now.monotonic);
                for sharing in 0..self.symbols.len() {
                    if sharing == position || self.symbols[sharing].state.supply == Supply::SharedWith(position) {
                        self.change_book(sharing, now, |state, tracked| {
                            state.book.asked(tracked);
                            None
                        });
                    }
                }
            }
        }
    }

    /// While whole books are on their way, each a frame of megabytes, no other data may arrive: that is not silence
    /// yet.
    pub(super) fn excuse_snapshots(&mut self, now: Now) {
        for position in 0..self.symbols.len() {
            if let SnapshotRequest::Sent(until) = self.symbols[position].state.snapshot
                && now.monotonic < until
                && let Some(connection) = self.pool.carrier(position)
            {
                self.pool.alive(connection, now.monotonic);
            }
        }
    }

    /// Handles snapshots that did not arrive.
    pub(super) fn look_after_snapshots(&mut self, now: Now) {
        for position in 0..self.symbols.len() {
            let state = &mut self.symbols[position].state;
            let SnapshotRequest::Sent(until) = state.snapshot else { continue };
            if now.monotonic < until {
                continue;
            }
            state.n_in_vain += 1;
            if state.has_data && state.book.has_had_snapshot() && state.n_in_vain >= SNAPSHOTS_IN_VAIN {
                state.snapshot = SnapshotRequest::None;
                let silent_ms = u64::try_from(SNAPSHOT_PATIENCE.as_millis()).unwrap_or(u64::MAX);
                if self.give_up_subscription(position, FeedCause::Silent { silent_ms }, now) {
                    continue;
                }
            }
            // Perhaps it has no book: others on its connection must not suffer for that.
            let state = &mut self.symbols[position].state;
            let doublings = state.n_in_vain.saturating_sub(1).min(16);
            let wait = if doublings == 0 { Duration::ZERO } else { SNAPSHOT_PATIENCE * (1 << doublings) };
            state.snapshot = SnapshotRequest::Due(now.monotonic + wait.min(SNAPSHOT_WAIT_MAX));
        }
    }
}

/// The data of aliases is priced in dollars.
const LABEL_END: &str = "-USD";
