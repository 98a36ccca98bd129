//! The session's connections: as many as the symbols need, watched, restored with back-off, and replaced before the
//! venue cuts them.
//!
//! Each shard of symbols has one connection that counts and, during a roll-over, a successor that is opened and
//! subscribed beside it; the elder is closed when data flows on the successor. Not here: what frames mean
//! ([`super::session`]), dropping of items that both connections deliver ([`super::stream`]).

use std::time::Duration;

use model::{
    status::FeedCause,
    time::{Monotonic, Now, Timestamp},
};

use crate::{
    backoff::{Backoff, Jitter},
    binance::{
        limits::{
            CONNECT_REFUSED_WAIT, CONNECT_WINDOW, CONNECTS_PER_WINDOW, DATA_DEADLINE, ROLL_AFTER, ROLL_JITTER,
            STREAMS_PER_CONNECTION,
        },
        link::{Link, STREAMS_PER_SYMBOL},
        output::Out,
    },
    budget::RateWindow,
    session::{CloseReason, ConnectionId, Output, SessionConfig, Symbols},
};

/// Symbols whose connection is gone: what is known of them is no longer kept up.
pub(super) type Lost = Vec<usize>;

/// All connections.
#[derive(Debug)]
pub(super) struct Pool {
    url: String,
    /// Stream names begin with these, one a symbol.
    stream_names: Vec<String>,
    shards: Vec<Shard>,
    jitter: Jitter,
    connects: RateWindow,
    data_deadline: Duration,
    max_attempts: Option<u32>,
    /// Recordings are neither watched nor replaced.
    is_watched: bool,
    n_connections: u32,
    n_requests: u64,
}

#[derive(Debug)]
struct Shard {
    /// Positions of its symbols.
    members: Vec<usize>,
    active: Option<Link>,
    successor: Option<Link>,
    backoff: Backoff,
    successor_backoff: Backoff,
    has_been_open: bool,
    cause: Option<FeedCause>,
    next_attempt: Option<Timestamp>,
}

impl Pool {
    /// Nothing is opened yet.
    pub(super) fn new(config: &SessionConfig, default_ws_url: &str) -> Self {
        let ws_url = config.ws_url.as_deref().unwrap_or(default_ws_url).trim_end_matches('/');
        let backoff = Backoff::new(config.backoff_min, config.backoff_max);
        let shard = |members| Shard {
            members,
            active: None,
            successor: None,
            backoff: backoff.clone(),
            successor_backoff: backoff.clone(),
            has_been_open: false,
            cause: None,
            next_attempt: None,
        };
        let (stream_names, shards, is_watched) = match &config.symbols {
            Symbols::Listed(symbols) => {
                let positions: Vec<usize> = (0..symbols.len()).collect();
                let shards = positions
                    .chunks(STREAMS_PER_CONNECTION / STREAMS_PER_SYMBOL)
                    .map(|members| shard(members.to_vec()))
                    .collect();
                // An upper-case symbol in a stream's name gives no error and no data.
                (symbols.iter().map(|symbol| symbol.to_lowercase()).collect(), shards, true)
            }
            Symbols::FromFrames => (Vec::new(), vec![shard(Vec::new())], false),
        };
        Self {
            url: format!("{ws_url}/stream"),
            stream_names,
            shards,
            jitter: Jitter::new(config.seed),
            connects: RateWindow::new(CONNECTS_PER_WINDOW, CONNECT_WINDOW),
            data_deadline: config.data_deadline.unwrap_or(DATA_DEADLINE),
            max_attempts: config.max_attempts,
            is_watched,
            n_connections: 0,
            n_requests: 0,
        }
    }

    /// Opens what is needed.
    pub(super) fn start(&mut self, now: Now, out: &mut Out) {
        for shard_idx in 0..self.shards.len() {
            let link = self.open(shard_idx, Duration::ZERO, now, out);
            self.shards[shard_idx].active = Some(link);
        }
        self.report(out);
    }

    /// True for a connection that has not been given up.
    pub(super) fn has(&self, id: ConnectionId) -> bool {
        self.position(id).is_some()
    }

    /// Failures in a row, of the shard with the most.
    pub(super) fn n_failures(&self) -> u32 {
        self.shards.iter().map(|shard| shard.backoff.n_failures()).max().unwrap_or(0)
    }

    /// True where a handshake was refused for good reasons of the venue's: trying again soon will not help.
    pub(super) fn is_blocked(&self) -> bool {
        let is_block = |cause: &FeedCause| matches!(cause, FeedCause::RegionBlocked | FeedCause::Refused { .. });
        self.shards.iter().any(|shard| shard.cause.as_ref().is_some_and(is_block))
    }

    /// A connection is open: its subscriptions are due.
    pub(super) fn connected(&mut self, id: ConnectionId, now: Now, out: &mut Out) {
        let Some((shard_idx, _)) = self.position(id) else { return };
        let roll_at = now.monotonic + ROLL_AFTER + self.jitter.up_to(ROLL_JITTER);
        let shard = &mut self.shards[shard_idx];
        let (members, names) = (&shard.members, &self.stream_names);
        let Some(link) = [&mut shard.active, &mut shard.successor].into_iter().flatten().find(|link| link.id == id)
        else {
            return;
        };
        if link.is_open() {
            return;
        }
        link.opened(members, names, self.is_watched.then_some(roll_at), now.monotonic);
        if std::mem::replace(&mut shard.has_been_open, true) {
            out.health.counters.reconnects += 1;
        }
        shard.next_attempt = None;
        self.report(out);
        self.send_due(now, out);
    }

    /// A connection is gone.
    pub(super) fn closed(&mut self, id: ConnectionId, reason: &CloseReason, now: Now, out: &mut Out) -> Lost {
        let Some((shard_idx, role)) = self.position(id) else { return Lost::new() };
        let is_leaving = self.link(shard_idx, role).is_some_and(|link| link.is_leaving);
        let (cause, least_wait) = cause_of(reason, is_leaving, now);
        let lost = self.give_up(shard_idx, role, cause, least_wait, now, out);
        self.report(out);
        lost
    }

    /// A data frame came, about the symbol at `symbol` where it is one of ours.
    pub(super) fn data(&mut self, id: ConnectionId, symbol: Option<usize>, now: Now, out: &mut Out) {
        let Some((shard_idx, role)) = self.position(id) else { return };
        let Some(link) = self.link(shard_idx, role) else { return };
        let is_first = link.data(symbol, now.monotonic);
        match role {
            Role::Active if is_first => {
                let shard = &mut self.shards[shard_idx];
                shard.backoff.reset();
                shard.cause = None;
                self.report(out);
            }
            Role::Active => {}
            Role::Successor => self.try_switch(shard_idx, now, out),
        }
    }

    /// A request was taken; returns the symbols it was about.
    pub(super) fn accepted(&mut self, id: ConnectionId, request: u64, now: Now, out: &mut Out) -> Vec<usize> {
        let Some((shard_idx, role)) = self.position(id) else { return Vec::new() };
        let members = self.link(shard_idx, role).map_or_else(Vec::new, |link| link.accepted(request, now.monotonic));
        if role == Role::Successor {
            self.try_switch(shard_idx, now, out);
        }
        members
    }

    /// A request was refused; returns the symbols it was about, all of the connection where the venue does not say.
    pub(super) fn refused(&mut self, id: ConnectionId, request: Option<u64>, now: Monotonic) -> Vec<usize> {
        let Some((shard_idx, role)) = self.position(id) else { return Vec::new() };
        match request {
            Some(request) => self.link(shard_idx, role).map_or_else(Vec::new, |link| link.accepted(request, now)),
            None => self.shards[shard_idx].members.clone(),
        }
    }

    /// The venue announced that it will close this connection.
    pub(super) fn leaving(&mut self, id: ConnectionId, now: Now, out: &mut Out) {
        let Some((shard_idx, role)) = self.position(id) else { return };
        if let Some(link) = self.link(shard_idx, role) {
            link.is_leaving = true;
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
    pub(super) fn drop_symbol(&mut self, symbol: usize, out: &mut Out) {
        for shard in &mut self.shards {
            shard.members.retain(|member| *member != symbol);
            for link in [&mut shard.active, &mut shard.successor].into_iter().flatten() {
                link.drop_symbol(symbol);
            }
            if shard.members.is_empty() && self.is_watched {
                let links = [shard.active.take(), shard.successor.take()];
                out.queue.extend(links.into_iter().flatten().map(|link| Output::Close(link.id)));
                shard.cause = None;
                shard.next_attempt = None;
            }
        }
        self.report(out);
    }

    /// Sends subscriptions that are due.
    pub(super) fn send_due(&mut self, now: Now, out: &mut Out) {
        let links = self.shards.iter_mut().flat_map(|shard| [&mut shard.active, &mut shard.successor]).flatten();
        for link in links {
            if let Some(text) = link.next_message(&mut self.n_requests, now.monotonic) {
                out.queue.push_back(Output::Send(link.id, text));
            }
        }
    }

    /// Gives up silent connections, begins and ends roll-overs.
    pub(super) fn timeout(&mut self, now: Now, out: &mut Out) -> Lost {
        let mut lost = Lost::new();
        if !self.is_watched {
            return lost;
        }
        for shard_idx in 0..self.shards.len() {
            for role in [Role::Active, Role::Successor] {
                let deadline = self.data_deadline;
                let Some(link) = self.link(shard_idx, role) else { continue };
                let silent = now.monotonic.saturating_since(link.alive_at);
                if silent < deadline || now.monotonic < link.alive_at {
                    continue;
                }
                let cause = if link.is_open() {
                    FeedCause::Silent { silent_ms: u64::try_from(silent.as_millis()).unwrap_or(u64::MAX) }
                } else {
                    FeedCause::CannotConnect { detail: format!("no answer for {} s", deadline.as_secs()) }
                };
                // A half-open connection may never answer a close: it is abandoned.
                out.queue.push_back(Output::Close(link.id));
                lost.extend(self.give_up(shard_idx, role, cause, Duration::ZERO, now, out));
            }
            let shard = &self.shards[shard_idx];
            let is_roll_due = shard.active.as_ref().and_then(|link| link.roll_at).is_some_and(|at| at <= now.monotonic);
            if is_roll_due && shard.successor.is_none() {
                self.succeed(shard_idx, Duration::ZERO, now, out);
            }
            self.try_switch(shard_idx, now, out);
        }
        self.report(out);
        lost
    }

    /// When [`Self::timeout`] or [`Self::send_due`] is wanted.
    pub(super) fn deadline(&self) -> Option<Monotonic> {
        let links = self.shards.iter().flat_map(|shard| {
            let roll_at = shard.active.as_ref().filter(|_| shard.successor.is_none()).and_then(|link| link.roll_at);
            let switch_at = shard.successor.as_ref().and_then(Link::quiet_at);
            let watched = [&shard.active, &shard.successor].into_iter().flatten();
            let silent_at = watched.clone().map(|link| link.alive_at + self.data_deadline);
            let send_at = watched.filter_map(Link::send_at);
            silent_at.filter(|_| self.is_watched).chain(send_at).chain(roll_at).chain(switch_at)
        });
        links.min()
    }

    /// The active connection or the successor is gone or given up.
    fn give_up(
        &mut self,
        shard_idx: usize,
        role: Role,
        cause: FeedCause,
        least_wait: Duration,
        now: Now,
        out: &mut Out,
    ) -> Lost {
        let shard = &mut self.shards[shard_idx];
        if role == Role::Successor {
            shard.successor = None;
            let wait = shard.successor_backoff.fail(&mut self.jitter).max(least_wait);
            self.succeed(shard_idx, wait, now, out);
            return Lost::new();
        }
        shard.active = shard.successor.take();
        if shard.active.as_ref().is_some_and(Link::is_established) {
            // It has been delivering everything: sequence numbers prove whether something is missing.
            shard.successor_backoff.reset();
            return Lost::new();
        }
        shard.cause = Some(cause).filter(|_| !shard.active.as_ref().is_some_and(Link::has_data));
        let lost = shard.members.clone();
        if shard.active.is_none() {
            let wait = shard.backoff.fail(&mut self.jitter).max(least_wait);
            shard.next_attempt = None;
            if self.max_attempts.is_none_or(|most| shard.backoff.n_failures() < most) {
                let link = self.open(shard_idx, wait, now, out);
                self.shards[shard_idx].active = Some(link);
            }
        }
        lost
    }

    fn succeed(&mut self, shard_idx: usize, wait: Duration, now: Now, out: &mut Out) {
        let next_attempt = self.shards[shard_idx].next_attempt;
        let link = self.open(shard_idx, wait, now, out);
        let shard = &mut self.shards[shard_idx];
        shard.successor = Some(link);
        // While the elder delivers, nobody waits for an attempt.
        shard.next_attempt = next_attempt;
    }

    fn try_switch(&mut self, shard_idx: usize, now: Now, out: &mut Out) {
        let shard = &mut self.shards[shard_idx];
        let Some(successor) = shard.successor.take_if(|link| link.can_take_over(now.monotonic)) else { return };
        if let Some(elder) = shard.active.replace(successor) {
            out.queue.push_back(Output::Close(elder.id));
        }
        shard.backoff.reset();
        shard.successor_backoff.reset();
        shard.cause = None;
        self.report(out);
    }

    fn open(&mut self, shard_idx: usize, wait: Duration, now: Now, out: &mut Out) -> Link {
        let due = self.connects.book(now.monotonic + wait);
        let after = due.saturating_since(now.monotonic);
        self.n_connections += 1;
        let id = ConnectionId(self.n_connections);
        self.shards[shard_idx].next_attempt = Some(now.wall + after);
        out.queue.push_back(Output::Connect { connection: id, url: self.url.clone(), after });
        Link::new(id, due)
    }

    fn position(&self, id: ConnectionId) -> Option<(usize, Role)> {
        self.shards.iter().enumerate().find_map(|(shard_idx, shard)| {
            let is_it = |link: &Option<Link>| link.as_ref().is_some_and(|link| link.id == id);
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

    fn link(&mut self, shard_idx: usize, role: Role) -> Option<&mut Link> {
        let shard = self.shards.get_mut(shard_idx)?;
        match role {
            Role::Active => shard.active.as_mut(),
            Role::Successor => shard.successor.as_mut(),
        }
    }

    fn report(&self, out: &mut Out) {
        let mut links = self.shards.iter().flat_map(|shard| [&shard.active, &shard.successor]).flatten();
        out.set_open_link(links.any(Link::is_open));
        out.health.next_attempt = self.shards.iter().filter_map(|shard| shard.next_attempt).min();
        out.set_transport_cause(self.shards.iter().find_map(|shard| shard.cause.clone()));
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Active,
    Successor,
}

/// Why it ended, in words that help, and how long to stay away at least.
fn cause_of(reason: &CloseReason, is_leaving: bool, now: Now) -> (FeedCause, Duration) {
    let limited = |wait| (FeedCause::RateLimited { until: now.wall + wait }, wait);
    match reason {
        CloseReason::CannotConnect { status: Some(451), .. } => (FeedCause::RegionBlocked, CONNECT_REFUSED_WAIT),
        CloseReason::CannotConnect { status: Some(403), detail } => {
            (FeedCause::Refused { detail: format!("status 403: {detail}") }, CONNECT_REFUSED_WAIT)
        }
        CloseReason::CannotConnect { status: Some(429), .. } => limited(CONNECT_REFUSED_WAIT),
        CloseReason::CannotConnect { status: Some(418), .. } => limited(CONNECT_REFUSED_WAIT * 2),
        CloseReason::CannotConnect { status: Some(status), detail } => {
            (FeedCause::CannotConnect { detail: format!("status {status}: {detail}") }, Duration::ZERO)
        }
        CloseReason::CannotConnect { status: None, detail } => {
            (FeedCause::CannotConnect { detail: detail.clone() }, Duration::ZERO)
        }
        CloseReason::Ended { code: Some(1008), detail } if detail.to_lowercase().contains("too many") => {
            limited(CONNECT_REFUSED_WAIT)
        }
        CloseReason::Ended { .. } if is_leaving => {
            (FeedCause::Maintenance { detail: "announced by the venue".to_owned() }, Duration::ZERO)
        }
        CloseReason::Ended { code: Some(code), detail } => {
            (FeedCause::Closed { detail: format!("{code} {detail}").trim_end().to_owned() }, Duration::ZERO)
        }
        CloseReason::Ended { code: None, detail } => (FeedCause::Closed { detail: detail.clone() }, Duration::ZERO),
    }
}
