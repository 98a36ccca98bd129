//! Watching of connections: silence, pings, waits that the venue has asked for, roll-overs.

use std::time::Duration;

use model::{
    status::FeedCause,
    time::{Monotonic, Now},
};

use super::{LostSymbols, Pool, Role};
use crate::{
    budget::LONGEST_WAIT,
    kit::{connection::Connection, outputs::Outputs},
    session::{ConnectionId, Output},
};

impl Pool {
    /// Notes a WebSocket ping or pong.
    pub(crate) fn pinged(&mut self, id: ConnectionId, now: Monotonic) {
        let Some((shard_idx, role)) = self.position(id) else { return };
        if let Some(connection) = self.connection(shard_idx, role) {
            connection.pinged_at = Some(now);
        }
    }

    /// Returns the open connections that are about to be closed as silent although pings arrive, with their symbols, and
    /// whether data has always been rare there.
    pub(crate) fn silent_but_pinged(&self, now: Monotonic) -> Vec<(ConnectionId, Vec<usize>, bool)> {
        let deadline = self.rules.deadline;
        let is_recent = |at: Monotonic| now.saturating_since(at) < deadline;
        let active = self.shards.iter().filter_map(|shard| Some((shard.active.as_ref()?, &shard.members)));
        let silent = active.filter(|(connection, _)| {
            connection.is_open() && !is_recent(connection.alive_at) && connection.pinged_at.is_some_and(is_recent)
        });
        silent.map(|(connection, members)| (connection.id, members.clone(), connection.is_thin(now))).collect()
    }

    /// Opens and sends nothing for as long as the venue has asked to wait.
    pub(crate) fn hold(&mut self, wait: Duration, now: Now, out: &mut Outputs) {
        if self.is_watched {
            let until = now.monotonic + wait.min(LONGEST_WAIT);
            self.held_until = Some(self.held_until.map_or(until, |known| known.max(until)));
            out.health.held_until = self.held_until.map(|until| now.wall + until.saturating_since(now.monotonic));
        }
    }

    /// Closes silent connections, begins and ends roll-overs.
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

    /// Returns when [`Self::timeout`] or [`Self::send_due`] is due.
    pub(crate) fn deadline(&self) -> Option<Monotonic> {
        let connections = self.shards.iter().flat_map(|shard| {
            let roll_at =
                shard.active.as_ref().filter(|_| shard.successor.is_none()).and_then(|connection| connection.roll_at);
            let switch_at = shard.successor.as_ref().and_then(Connection::quiet_at);
            let watched = [&shard.active, &shard.successor].into_iter().flatten();
            let silent_at = watched.clone().map(|connection| connection.alive_at + self.rules.deadline);
            let held_until = self.held_until.unwrap_or_default();
            let send_at = watched.filter_map(Connection::send_at).map(move |at| at.max(held_until));
            silent_at.filter(|_| self.is_watched).chain(send_at).chain(roll_at).chain(switch_at)
        });
        connections.min()
    }
}
