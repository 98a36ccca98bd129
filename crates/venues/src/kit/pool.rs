//! A session's connections: as many as the symbols need, watched, restored with back-off, and replaced before the venue
//! cuts them. Shared by all venues.
//!
//! Each shard of symbols has one active connection and, during a roll-over, a successor that is opened and subscribed
//! beside it; the older one is closed when data flows on the successor. Other symbols come and go in [`changes`]; a symbol
//! that stays silent beside others gets a connection of its own in [`apart`]. Not here: the meaning of frames and the subscriptions (the venues), dropping of items that both connections deliver
//! ([`crate::kit::dedup`]).

pub(crate) mod apart;
mod changes;
mod watch;

use std::time::Duration;

use model::{
    status::FeedCause,
    time::{Monotonic, Now, Timestamp},
};

use crate::{
    budget::RateWindow,
    kit::{
        backoff::{Backoff, Jitter},
        connection::{Connection, Subscription, cause_of_end},
        outputs::Outputs,
    },
    session::{CloseReason, ConnectionId, Output, SessionConfig, Symbols},
};

/// Symbols whose connection is gone: their data is no longer updated.
pub(crate) type LostSymbols = Vec<usize>;

/// The venue's limits, and how far we use each.
#[derive(Clone, Debug, Default)]
pub(crate) struct PoolRules {
    /// Whole address of a connection.
    pub(crate) url: String,
    /// Symbols that one connection carries.
    pub(crate) symbols_per_connection: usize,
    /// Connection attempts allowed in any span of this length.
    pub(crate) connects: (usize, Duration),
    /// A connection without a sign of life for this long is closed; the configuration may override it.
    pub(crate) deadline: Duration,
    /// Age at which a connection is replaced, and the random additional delay; `None` if the venue does not cut it.
    pub(crate) roll: Option<(Duration, Duration)>,
    /// Wait after the venue refused a handshake or closed with "too many requests".
    pub(crate) refused_wait: Duration,
    /// Time between two messages on one connection.
    pub(crate) message_spacing: Duration,
    /// Maximum connections for single symbols that stay silent beside others.
    pub(crate) apart: usize,
}

/// All connections.
#[derive(Debug)]
pub(crate) struct Pool {
    rules: PoolRules,
    shards: Vec<Shard>,
    jitter: Jitter,
    backoff: Backoff,
    /// Back-off of a symbol's own connection.
    apart_backoff: Backoff,
    /// True once a symbol had a connection of its own.
    has_apart: bool,
    connects: RateWindow,
    max_attempts: Option<u32>,
    /// Nothing is opened or sent before this: the venue has asked to wait.
    held_until: Option<Monotonic>,
    /// True if connections are watched; recordings are neither watched nor replaced.
    is_watched: bool,
    n_connections: u32,
}

#[derive(Debug)]
struct Shard {
    /// Positions of its symbols.
    members: Vec<usize>,
    active: Option<Connection>,
    successor: Option<Connection>,
    backoff: Backoff,
    successor_backoff: Backoff,
    has_been_open: bool,
    /// True if it is for one symbol that was silent beside others: its failures are that symbol's alone.
    is_apart: bool,
    /// Time at which the last connection was lost, if no data has arrived since.
    dark_since: Option<Monotonic>,
    cause: Option<FeedCause>,
    next_attempt: Option<Timestamp>,
}

impl Shard {
    fn new(members: Vec<usize>, backoff: &Backoff) -> Self {
        Self {
            members,
            active: None,
            successor: None,
            backoff: backoff.clone(),
            successor_backoff: backoff.clone(),
            has_been_open: false,
            is_apart: false,
            dark_since: None,
            cause: None,
            next_attempt: None,
        }
    }
}

impl Pool {
    /// Creates a pool without opening anything.
    pub(crate) fn new(config: &SessionConfig, mut rules: PoolRules) -> Self {
        rules.deadline = config.data_deadline.unwrap_or(rules.deadline);
        let backoff = Backoff::new(config.backoff_min, config.backoff_max);
        let shard = |members| Shard::new(members, &backoff);
        let (shards, is_watched) = match &config.symbols {
            Symbols::Listed(symbols) => {
                let positions: Vec<usize> = (0..symbols.len()).collect();
                let chunks = positions.chunks(rules.symbols_per_connection.max(1));
                (chunks.map(|members| shard(members.to_vec())).collect(), true)
            }
            Symbols::FromFrames => (vec![shard(Vec::new())], false),
        };
        Self {
            shards,
            jitter: Jitter::new(config.seed),
            backoff,
            apart_backoff: Backoff::new(config.backoff_min, apart::LONGEST_WAIT),
            has_apart: false,
            connects: RateWindow::new(rules.connects.0, rules.connects.1),
            rules,
            max_attempts: config.max_attempts,
            held_until: None,
            is_watched,
            n_connections: 0,
        }
    }

    /// Creates a pool that never opens a connection: for a venue without any.
    pub(crate) fn none() -> Self {
        Self::new(&SessionConfig::default(), PoolRules::default())
    }

    /// Opens the necessary connections.
    pub(crate) fn start(&mut self, now: Now, out: &mut Outputs) {
        for shard_idx in 0..self.shards.len() {
            let connection = self.open(shard_idx, Duration::ZERO, now, out);
            self.shards[shard_idx].active = Some(connection);
        }
        self.report(out);
    }

    /// Returns true for a connection that has not been abandoned.
    pub(crate) fn has(&self, id: ConnectionId) -> bool {
        self.position(id).is_some()
    }

    /// Returns from when REST must replace connections, if at all: after several consecutive failures, if the venue
    /// refused a handshake for a good reason, or if no data has arrived for a while since a connection was lost.
    pub(crate) fn polling_from(&self) -> Option<Monotonic> {
        let is_block = |cause: &FeedCause| matches!(cause, FeedCause::RegionBlocked | FeedCause::Refused { .. });
        let of_shard = |shard: &Shard| {
            let is_hopeless =
                shard.backoff.n_failures() >= FAILURES_TO_POLL || shard.cause.as_ref().is_some_and(is_block);
            if is_hopeless { Some(Monotonic::ZERO) } else { shard.dark_since.map(|since| since + DARK_TO_POLL) }
        };
        self.feed_shards().filter_map(of_shard).min().filter(|_| self.is_watched)
    }

    /// Returns true if the connection of a symbol delivers data.
    pub(crate) fn delivers(&self, symbol: usize) -> bool {
        let has_data = |shard: &Shard| shard.active.as_ref().is_some_and(Connection::has_data);
        self.feed_shards().any(|shard| shard.members.contains(&symbol) && has_data(shard))
    }

    /// Returns the symbols to subscribe on a connection that is about to count as open; `None` if it is already open,
    /// or not one of ours.
    pub(crate) fn members_to_subscribe(&self, id: ConnectionId) -> Option<Vec<usize>> {
        let shard = &self.shards[self.position(id)?.0];
        let mut connections = [&shard.active, &shard.successor].into_iter().flatten();
        let connection = connections.find(|connection| connection.id == id)?;
        (!connection.is_open()).then(|| shard.members.clone())
    }

    /// Notes that a connection is open and queues the messages that subscribe to its `members`.
    pub(crate) fn connected(
        &mut self,
        id: ConnectionId,
        members: &[usize],
        messages: Vec<Subscription>,
        now: Now,
        out: &mut Outputs,
    ) {
        let Some((shard_idx, _)) = self.position(id) else { return };
        let roll = self.rules.roll.filter(|_| self.is_watched);
        let roll_at = roll.map(|(after, jitter)| now.monotonic + after + self.jitter.up_to(jitter));
        let shard = &mut self.shards[shard_idx];
        let Some(connection) =
            [&mut shard.active, &mut shard.successor].into_iter().flatten().find(|connection| connection.id == id)
        else {
            return;
        };
        if connection.is_open() {
            return;
        }
        connection.opened(members, messages, roll_at, now.monotonic);
        if std::mem::replace(&mut shard.has_been_open, true) {
            out.health.counters.reconnects += 1;
        }
        shard.next_attempt = None;
        self.report(out);
        self.send_due(now, out);
    }

    /// Queues a further request on a connection. A lost connection requests everything again when it returns.
    pub(crate) fn enqueue(&mut self, id: ConnectionId, message: Subscription, now: Now, out: &mut Outputs) {
        let Some((shard_idx, role)) = self.position(id) else { return };
        if let Some(connection) = self.connection(shard_idx, role).filter(|connection| connection.is_open()) {
            connection.enqueue(message);
            self.send_due(now, out);
        }
    }

    /// Returns the active connection for a symbol, if it is open.
    pub(crate) fn carrier(&self, symbol: usize) -> Option<ConnectionId> {
        let shard = self.shards.iter().find(|shard| shard.members.contains(&symbol))?;
        shard.active.as_ref().filter(|connection| connection.is_open()).map(|connection| connection.id)
    }

    /// Closes the active connection for a symbol although it looks alive, and opens another after `least_wait`.
    pub(crate) fn abandon(
        &mut self,
        symbol: usize,
        cause: FeedCause,
        least_wait: Duration,
        now: Now,
        out: &mut Outputs,
    ) -> LostSymbols {
        let Some(id) = self.carrier(symbol) else { return LostSymbols::new() };
        let Some((shard_idx, role)) = self.position(id) else { return LostSymbols::new() };
        out.queue.push_back(Output::Close(id));
        let lost = self.give_up(shard_idx, role, cause, least_wait, now, out);
        self.report(out);
        lost
    }

    /// Notes a closed connection. In a recording it carried all `n_symbols` symbols.
    pub(crate) fn closed(
        &mut self,
        id: ConnectionId,
        reason: &CloseReason,
        n_symbols: usize,
        now: Now,
        out: &mut Outputs,
    ) -> LostSymbols {
        let Some((shard_idx, role)) = self.position(id) else { return LostSymbols::new() };
        let is_leaving = self.connection(shard_idx, role).is_some_and(|connection| connection.is_leaving);
        let (cause, least_wait) = cause_of_end(reason, is_leaving, self.rules.refused_wait, now);
        if let Some(wait) = reason.stated_wait(now.wall) {
            self.hold(wait, now, out);
        }
        let lost = self.give_up(shard_idx, role, cause, least_wait, now, out);
        self.report(out);
        if self.is_watched { lost } else { (0..n_symbols).collect() }
    }

    /// Notes a frame that only proves that the transport is alive: a heartbeat.
    pub(crate) fn alive(&mut self, id: ConnectionId, now: Monotonic) {
        let Some((shard_idx, role)) = self.position(id) else { return };
        if let Some(connection) = self.connection(shard_idx, role) {
            connection.alive(now);
        }
    }

    /// Notes a data frame, about the symbol at `symbol` if it is one of ours.
    pub(crate) fn data(&mut self, id: ConnectionId, symbol: Option<usize>, now: Now, out: &mut Outputs) {
        let Some((shard_idx, role)) = self.position(id) else { return };
        let Some(connection) = self.connection(shard_idx, role) else { return };
        let is_first = connection.data(symbol, now.monotonic);
        match role {
            Role::Active if is_first => {
                let shard = &mut self.shards[shard_idx];
                shard.backoff.reset();
                shard.dark_since = None;
                shard.cause = None;
                self.report(out);
            }
            Role::Active => {}
            Role::Successor => self.try_switch(shard_idx, now, out),
        }
    }

    /// Notes an accepted request; returns its symbols.
    pub(crate) fn accepted(&mut self, id: ConnectionId, request: u64, now: Now, out: &mut Outputs) -> Vec<usize> {
        let Some((shard_idx, role)) = self.position(id) else { return Vec::new() };
        let members = self
            .connection(shard_idx, role)
            .map_or_else(Vec::new, |connection| connection.accepted(request, now.monotonic));
        if role == Role::Successor {
            self.try_switch(shard_idx, now, out);
        }
        members
    }

    /// Notes that a request was accepted or refused for one of its symbols.
    pub(crate) fn answered_symbol(
        &mut self,
        id: ConnectionId,
        request: u64,
        symbol: usize,
        now: Now,
        out: &mut Outputs,
    ) {
        let Some((shard_idx, role)) = self.position(id) else { return };
        if let Some(connection) = self.connection(shard_idx, role) {
            connection.accepted_symbol(request, symbol, now.monotonic);
        }
        if role == Role::Successor {
            self.try_switch(shard_idx, now, out);
        }
    }

    /// Notes a refused request; returns its symbols, or all of the connection if the venue does not name the request.
    pub(crate) fn refused(&mut self, id: ConnectionId, request: Option<u64>, now: Monotonic) -> Vec<usize> {
        let Some((shard_idx, role)) = self.position(id) else { return Vec::new() };
        match request {
            Some(request) => {
                self.connection(shard_idx, role).map_or_else(Vec::new, |connection| connection.accepted(request, now))
            }
            None => self.shards[shard_idx].members.clone(),
        }
    }

    /// Notes that the venue will close this connection.
    pub(crate) fn leaving(&mut self, id: ConnectionId, now: Now, out: &mut Outputs) {
        let Some((shard_idx, role)) = self.position(id) else { return };
        if let Some(connection) = self.connection(shard_idx, role) {
            connection.is_leaving = true;
        }
        match role {
            Role::Active if self.shards[shard_idx].successor.is_none() => {
                self.succeed(shard_idx, Duration::ZERO, now, out);
            }
            Role::Active => {}
            Role::Successor => {
                out.queue.push_back(Output::Close(id));
                let wait = self.shards[shard_idx].successor_backoff.fail(&mut self.jitter);
                self.succeed(shard_idx, wait, now, out);
            }
        }
        self.report(out);
    }

    /// Sends subscriptions that are due.
    pub(crate) fn send_due(&mut self, now: Now, out: &mut Outputs) {
        if self.held_until.is_some_and(|until| now.monotonic < until) {
            return;
        }
        let connections = self.shards.iter_mut().flat_map(|shard| [&mut shard.active, &mut shard.successor]).flatten();
        for connection in connections {
            if let Some(text) = connection.next_message(now.monotonic) {
                out.queue.push_back(Output::Send(connection.id, text));
            }
        }
    }

    /// Handles the loss or closing of the active connection or the successor.
    fn give_up(
        &mut self,
        shard_idx: usize,
        role: Role,
        cause: FeedCause,
        least_wait: Duration,
        now: Now,
        out: &mut Outputs,
    ) -> LostSymbols {
        let shard = &mut self.shards[shard_idx];
        if role == Role::Successor {
            shard.successor = None;
            let wait = shard.successor_backoff.fail(&mut self.jitter).max(least_wait);
            self.succeed(shard_idx, wait, now, out);
            return LostSymbols::new();
        }
        shard.active = shard.successor.take();
        if shard.active.as_ref().is_some_and(Connection::is_established) {
            // It has been delivering everything: sequence numbers prove whether something is missing.
            shard.successor_backoff.reset();
            return LostSymbols::new();
        }
        let has_data = shard.active.as_ref().is_some_and(Connection::has_data);
        shard.cause = Some(cause).filter(|_| !has_data);
        shard.dark_since = shard.dark_since.or(Some(now.monotonic)).filter(|_| !has_data);
        let lost = shard.members.clone();
        if shard.active.is_none() {
            let wait = shard.backoff.fail(&mut self.jitter).max(least_wait);
            shard.next_attempt = None;
            if self.max_attempts.is_none_or(|most| shard.backoff.n_failures() < most) {
                let connection = self.open(shard_idx, wait, now, out);
                self.shards[shard_idx].active = Some(connection);
            }
        }
        lost
    }

    fn succeed(&mut self, shard_idx: usize, wait: Duration, now: Now, out: &mut Outputs) {
        let next_attempt = self.shards[shard_idx].next_attempt;
        let connection = self.open(shard_idx, wait, now, out);
        let shard = &mut self.shards[shard_idx];
        shard.successor = Some(connection);
        // While the older one delivers, no attempt is urgent.
        shard.next_attempt = next_attempt;
    }

    fn try_switch(&mut self, shard_idx: usize, now: Now, out: &mut Outputs) {
        let shard = &mut self.shards[shard_idx];
        let Some(successor) = shard.successor.take_if(|connection| connection.can_take_over(now.monotonic)) else {
            return;
        };
        if let Some(elder) = shard.active.replace(successor) {
            out.queue.push_back(Output::Close(elder.id));
        }
        shard.backoff.reset();
        shard.successor_backoff.reset();
        shard.dark_since = None;
        shard.cause = None;
        self.report(out);
    }

    fn open(&mut self, shard_idx: usize, wait: Duration, now: Now, out: &mut Outputs) -> Connection {
        let due = self.connects.book((now.monotonic + wait).max(self.held_until.unwrap_or_default()));
        let after = due.saturating_since(now.monotonic);
        self.n_connections += 1;
        let id = ConnectionId(self.n_connections);
        self.shards[shard_idx].next_attempt = Some(now.wall + after);
        out.queue.push_back(Output::Connect { connection: id, url: self.rules.url.clone(), after });
        Connection::new(id, due, self.rules.message_spacing)
    }

    fn position(&self, id: ConnectionId) -> Option<(usize, Role)> {
        self.shards.iter().enumerate().find_map(|(shard_idx, shard)| {
            let is_it =
                |connection: &Option<Connection>| connection.as_ref().is_some_and(|connection| connection.id == id);
            let role = if is_it(&shard.active) {
                Role::Active
            } else if is_it(&shard.successor) {
                Role::Successor
            } else {
                return None;
            };
            Some((shard_idx, role))
        })
    }

    fn connection(&mut self, shard_idx: usize, role: Role) -> Option<&mut Connection> {
        let shard = self.shards.get_mut(shard_idx)?;
        match role {
            Role::Active => shard.active.as_mut(),
            Role::Successor => shard.successor.as_mut(),
        }
    }

    fn report(&self, out: &mut Outputs) {
        let connections = self.shards.iter().flat_map(|shard| [&shard.active, &shard.successor]).flatten();
        out.set_open_connections(connections.filter(|connection| connection.is_open()).count());
        out.health.next_attempt = self.feed_shards().filter_map(|shard| shard.next_attempt).min();
        out.set_transport_cause(self.feed_shards().find_map(|shard| shard.cause.clone()));
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Active,
    Successor,
}

/// Consecutive failures to connect after which REST is polled as well.
const FAILURES_TO_POLL: u32 = 3;
/// REST is polled as well if a connection was lost and no data has arrived for this long: most return sooner.
const DARK_TO_POLL: Duration = Duration::from_secs(2);
