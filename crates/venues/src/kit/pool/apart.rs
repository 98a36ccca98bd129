//! Connections of their own for single symbols that stay silent beside others.
//!
//! Not here: when a symbol is moved ([`crate::kit::feed_session`]).

use std::time::Duration;

use model::time::Now;

use super::{Pool, Shard};
use crate::{kit::outputs::Outputs, session::ConnectionId};

impl Pool {
    /// Returns the shards that decide the state of the whole feed: failures of a symbol's own connection are its alone,
    /// unless nothing else is left.
    pub(super) fn feed_shards(&self) -> impl Iterator<Item = &Shard> {
        let has_others = self.shards.iter().any(|shard| !shard.is_apart && !shard.members.is_empty());
        self.shards.iter().filter(move |shard| !shard.is_apart || !has_others)
    }

    /// Returns true for a symbol with a connection of its own.
    pub(crate) fn is_apart(&self, symbol: usize) -> bool {
        self.shards.iter().any(|shard| shard.is_apart && shard.members.contains(&symbol))
    }

    /// Returns the other symbols of the same connection.
    pub(crate) fn fellows(&self, symbol: usize) -> impl Iterator<Item = usize> {
        let shard = self.shards.iter().find(|shard| shard.members.contains(&symbol));
        shard.into_iter().flat_map(|shard| &shard.members).copied().filter(move |member| *member != symbol)
    }

    /// Returns true if a further symbol can have a connection of its own.
    pub(crate) fn can_move_apart(&self) -> bool {
        let n_apart = self.shards.iter().filter(|shard| shard.is_apart && !shard.members.is_empty()).count();
        n_apart < self.rules.apart
    }

    /// Opens a connection for one symbol, which leaves that of the others.
    pub(crate) fn move_apart(&mut self, symbol: usize, now: Now, out: &mut Outputs) {
        self.drop_symbol(symbol, out);
        self.has_apart = true;
        self.shards.push(Shard { is_apart: true, ..Shard::new(vec![symbol], &self.apart_backoff) });
        let shard_idx = self.shards.len() - 1;
        let connection = self.open(shard_idx, Duration::ZERO, now, out);
        self.shards[shard_idx].active = Some(connection);
        self.report(out);
    }

    /// Returns false for data of a symbol on a connection that it has left for one of its own: what is still on the way
    /// there belongs to the ended subscription.
    pub(crate) fn may_bring(&self, connection: ConnectionId, symbol: usize) -> bool {
        if !self.has_apart {
            return true;
        }
        let is_it =
            |shard: &Shard| [&shard.active, &shard.successor].into_iter().flatten().any(|own| own.id == connection);
        let mut own = self.shards.iter().filter(|shard| shard.is_apart && shard.members.contains(&symbol));
        own.next().is_none_or(is_it)
    }
}

/// Longest wait before a symbol's own connection is opened again.
pub(crate) const LONGEST_WAIT: Duration = Duration::from_secs(10 * 60);
