//! A session's connections: as many as the symbols need, watched, restored with back-off, and replaced before the venue
//! cuts them. Shared by all venues.
//!
//! Each shard of symbols has one connection that counts and, during a roll-over, a successor that is opened and
//! subscribed beside it; the elder is closed when data flows on the successor. Not here: what frames mean
//! and what is subscribed (the venues), dropping of items that both connections deliver ([`crate::kit::dedup`]).

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

/// Symbols whose connection is gone: what is known of them is no longer kept up.
pub(crate) type LostSymbols = Vec<usize>;

/// What a venue allows, and how far we go with it.
#[derive(Clone, Debug, Default)]
pub(crate) struct PoolRules {
    /// Whole address of a connection.
    pub(crate) url: String,
    /// Symbols that one connection carries.
    pub(crate) symbols_per_connection: usize,
    /// Connection attempts allowed in any span of this length.
    pub(crate) connects: (usize, Duration),
    /// A connection without a sign of life for this long is given up; the configuration may say otherwise.
    pub(crate) deadline: Duration,
    /// When a connection is replaced, and how much later at random; `None` where the venue does not cut it.
    pub(crate) roll: Option<(Duration, Duration)>,
    /// Wait after the venue refused a handshake or closed with "too many requests".
    pub(crate) refused_wait: Duration,
    /// Between two messages on one connection.
    pub(crate) message_spacing: Duration,
}

/// All connections.
#[derive(Debug)]
pub(crate) struct Pool {
    rules: PoolRules,
    shards: Vec<Shard>,
    jitter: Jitter,
    connects: RateWindow,
    max_attempts: Option<u32>,
    /// Recordings are neither watched nor replaced.
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
    /// The last connection was lost then, and no data has come since.
    dark_since: Option<Monotonic>,
    cause: Option<FeedCause>,
    next_attempt: Option<Timestamp>,
}

impl Pool {
    /// Nothing is opened yet.
    pub(crate) fn new(config: &SessionConfig, mut rules: PoolRules) -> Self {
        rules.deadline = config.data_deadline.unwrap_or(rules.deadline);
        let backoff = Backoff::new(config.backoff_min, config.backoff_max);
        let shard = |members| Shard {
            members,
            active: None,
            successor: None,
            backoff: backoff.clone(),
            successor_backoff: backoff.clone(),
            has_been_open: false,
            dark_since: None,
            cause: None,
            next_attempt: None,
        };
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
            connects: RateWindow::new(rules.connects.0, rules.connects.1),
            rules,
            max_attempts: config.max_attempts,
            is_watched,
            n_connections: 0,
        }
    }

    /// Never opens a connection: for a venue without any.
    pub(crate) fn none() -> Self {
        Self::new(&SessionConfig::default(), PoolRules::default())
    }

    /// Opens what is needed.
    pub(crate) fn start(&mut self, now: Now, out: &mut Outputs) {
        for shard_idx in 0..self.shards.len() {
            let connection = self.open(shard_idx, Duration::ZERO, now, out);
            self.shards[shard_idx].active = Some(connection);
        }
        self.report(out);
    }

    /// True for a connection that has not been given up.
    pub(crate) fn has(&self, id: ConnectionId) -> bool {
        self.position(id).is_some()
    }

    /// From when on REST has to stand in, where it has to at all: after some failures in a row, where a handshake was
    /// refused for good reasons of the venue's, or where nothing has come for a while since a connection was lost.
    pub(crate) fn polling_from(&self) -> Option<Monotonic> {
        let is_block = |cause: &FeedCause| matches!(cause, FeedCause::RegionBlocked | FeedCause::Refused { .. });
        let of_shard = |shard: &Shard| {
            let is_hopeless =
                shard.backoff.n_failures() >= FAILURES_TO_POLL || shard.cause.as_ref().is_some_and(is_block);
            if is_hopeless { Some(Monotonic::ZERO) } else { shard.dark_since.map(|since| since + DARK_TO_POLL) }
        };
        self.shards.iter().filter_map(of_shard).min().filter(|_| self.is_watched)
    }

    /// Returns the symbols to subscribe on a connection that is about to count as open; `None` where it is open
    /// already, or not one of ours.
    pub(crate) fn members_to_subscribe(&self, id: ConnectionId) -> Option<Vec<usize>> {
        let shard = &self.shards[self.position(id)?.0];
        let mut connections = [&shard.active, &shard.successor].into_iter().flatten();
        let connection = connections.find(|connection| connection.id == id)?;
        (!connection.is_open()).then(|| shard.members.clone())
    }

    /// A connection is open: the messages that subscribe to its `members` go out.
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

    /// Asks for something more on a connection. A connection that is gone asks for everything again when it is back.
    pub(crate) fn enqueue(&mut self, id: ConnectionId, message: Subscription, now: Now, out: &mut Outputs) {
        let Some((shard_idx, role)) = self.position(id) else { return };
        if let Some(connection) = self.connection(shard_idx, role).filter(|connection| connection.is_open()) {
            connection.enqueue(message);
            self.send_due(now, out);
        }
    }

    /// The connection that counts for a symbol, where it is open.
    pub(crate) fn carrier(&self, symbol: usize) -> Option<ConnectionId> {
        let shard = self.shards.iter().find(|shard| shard.members.contains(&symbol))?;
        shard.active.as_ref().filter(|connection| connection.is_open()).map(|connection| connection.id)
    }

    /// Gives up the connection that counts for a symbol although it looks alive, and opens another.
    pub(crate) fn abandon(&mut self, symbol: usize, cause: FeedCause, now: Now, out: &mut Outputs) -> LostSymbols {
        let Some(id) = self.carrier(symbol) else { return LostSymbols::new() };
        let Some((shard_idx, role)) = self.position(id) else { return LostSymbols::new() };
        out.queue.push_back(Output::Close(id));
        let lost = self.give_up(shard_idx, role, cause, Duration::ZERO, now, out);
        self.report(out);
        lost
    }

    /// A connection is gone. Of a recording it carried all `n_symbols` there are.
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
        let lost = self.give_up(shard_idx, role, cause, least_wait, now, out);
        self.report(out);
        if self.is_watched { lost } else { (0..n_symbols).collect() }
    }

    /// A frame came that proves the transport alive, and no more: a heartbeat.
    pub(crate) fn alive(&mut self, id: ConnectionId, now: Monotonic) {
        let Some((shard_idx, role)) = self.position(id) else { return };
        if let Some(connection) = self.connection(shard_idx, role) {
            connection.alive(now);
        }
    }

    /// A data frame came, about the symbol at `symbol` where it is one of ours.
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

    /// A request was taken; returns the symbols it was about.
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

    /// A request was taken or refused as far as one of its symbols goes.
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

    /// A request was refused; returns the symbols it was about, all of the connection where the venue does not say.
    pub(crate) fn refused(&mut self, id: ConnectionId, request: Option<u64>, now: Monotonic) -> Vec<usize> {
        let Some((shard_idx, role)) = self.position(id) else { return Vec::new() };
        match request {
            Some(request) => {
                self.connection(shard_idx, role).map_or_else(Vec::new, |connection| connection.accepted(request, now))
            }
            None => self.shards[shard_idx].members.clone(),
        }
    }

    /// The venue announced that it will close this connection.
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

    /// The venue does not know a symbol: it is not subscribed again, and a shard of such symbols is closed.
    pub(crate) fn drop_symbol(&mut self, symbol: usize, out: &mut Outputs) {
        for shard in &mut self.shards {
            shard.members.retain(|member| *member != symbol);
            for connection in [&mut shard.active, &mut shard.successor].into_iter().flatten() {
                connection.drop_symbol(symbol);
            }
            if shard.members.is_empty() && self.is_watched {
                let connections = [shard.active.take(), shard.successor.take()];
                out.queue.extend(connections.into_iter().flatten().map(|connection| Output::Close(connection.id)));
                shard.dark_since = None;
                shard.cause = None;
                shard.next_attempt = None;
            }
        }
        self.report(out);
    }

    /// Sends subscriptions that are due.
    pub(crate) fn send_due(&mut self, now: Now, out: &mut Outputs) {
        let connections = self.shards.iter_mut().flat_map(|shard| [&mut shard.active, &mut shard.successor]).flatten();
        for connection in connections {
            if let Some(text) = connection.next_message(now.monotonic) {
                out.queue.push_back(Output::Send(connection.id, text));
            }
        }
    }

    /// Gives up silent connections, begins and ends roll-overs.
    pub(crate) fn timeout(&mut self, now: Now, out: &mut Outputs) -> LostSymbols {
        let mut lost = LostSymbols::new();
        if !self.is_watched {
            return lost;
        }
        for shard_idx in 0..self.shards.len() {
            for role in [Role::Active, Role::Successor] {
                let deadline = self.rules.deadline;
                let Some(connection) = self.connection(shard_idx, role) else { continue };
                let silent = now.monotonic.saturating_since(connection.alive_at);
                if silent < deadline || now.monotonic < connection.alive_at {
                    continue;
                }
                let cause = if connection.is_open() {
                    FeedCause::Silent { silent_ms: u64::try_from(silent.as_millis()).unwrap_or(u64::MAX) }
                } else {
                    FeedCause::CannotConnect { detail: format!("no answer for {} s", deadline.as_secs()) }
                };
                // A half-open connection may never answer a close: it is abandoned.
                out.queue.push_back(Output::Close(connection.id));
                lost.extend(self.give_up(shard_idx, role, cause, Duration::ZERO, now, out));
            }
            let shard = &self.shards[shard_idx];
            let is_roll_due =
                shard.active.as_ref().and_then(|connection| connection.roll_at).is_some_and(|at| at <= now.monotonic);
            if is_roll_due && shard.successor.is_none() {
                self.succeed(shard_idx, Duration::ZERO, now, out);
            }
            self.try_switch(shard_idx, now, out);
        }
        self.report(out);
        lost
    }

    /// When [`Self::timeout`] or [`Self::send_due`] is wanted.
    pub(crate) fn deadline(&self) -> Option<Monotonic> {
        let connections = self.shards.iter().flat_map(|shard| {
            let roll_at =
                shard.active.as_ref().filter(|_| shard.successor.is_none()).and_then(|connection| connection.roll_at);
            let switch_at = shard.successor.as_ref().and_then(Connection::quiet_at);
            let watched = [&shard.active, &shard.successor].into_iter().flatten();
            let silent_at = watched.clone().map(|connection| connection.alive_at + self.rules.deadline);
            let send_at = watched.filter_map(Connection::send_at);
            silent_at.filter(|_| self.is_watched).chain(send_at).chain(roll_at).chain(switch_at)
        });
        connections.min()
    }

    /// The active connection or the successor is gone or given up.
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
        // While the elder delivers, nobody waits for an attempt.
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
        let due = self.connects.book(now.monotonic + wait);
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
        out.health.next_attempt = self.shards.iter().filter_map(|shard| shard.next_attempt).min();
        out.set_transport_cause(self.shards.iter().find_map(|shard| shard.cause.clone()));
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Active,
    Successor,
}

/// Failures in a row to connect after which REST is polled as well.
const FAILURES_TO_POLL: u32 = 3;
/// REST is polled as well where a connection was lost and no data has come for this long: most come back sooner.
const DARK_TO_POLL: Duration = Duration::from_secs(2);
