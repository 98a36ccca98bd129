//! Other symbols on the connections of a pool: added where there is room, told, dropped.
//!
//! Not here: the messages (the venues).

use std::time::Duration;

use model::time::Now;

use super::{Pool, Shard};
use crate::{
    kit::{connection::Subscription, outputs::Outputs},
    session::{ConnectionId, Output},
};

impl Pool {
    /// Adds symbols: to connections with room for them, otherwise to new ones. Returns the open connections that must
    /// subscribe to further symbols, with these symbols.
    pub(crate) fn add(&mut self, symbols: &[usize], now: Now, out: &mut Outputs) -> Vec<(ConnectionId, Vec<usize>)> {
        let (mut left, mut to_subscribe) = (symbols, Vec::new());
        for shard in self.shards.iter_mut().filter(|shard| shard.active.is_some() && !shard.is_apart) {
            let n_free = self.rules.symbols_per_connection.saturating_sub(shard.members.len());
            let (taken, rest) = left.split_at(n_free.min(left.len()));
            left = rest;
            shard.members.extend(taken);
            let connections = [&shard.active, &shard.successor].into_iter().flatten();
            let open = connections.filter(|connection| connection.is_open() && !taken.is_empty());
            to_subscribe.extend(open.map(|connection| (connection.id, taken.to_vec())));
        }
        let has_connections = !self.rules.url.is_empty();
        for members in left.chunks(self.rules.symbols_per_connection.max(1)).filter(|_| has_connections) {
            self.shards.push(Shard::new(members.to_vec(), &self.backoff));
            let shard_idx = self.shards.len() - 1;
            let connection = self.open(shard_idx, Duration::ZERO, now, out);
            self.shards[shard_idx].active = Some(connection);
        }
        self.report(out);
        to_subscribe
    }

    /// Queues the messages that subscribe to further symbols of an open connection.
    pub(crate) fn subscribe_more(&mut self, id: ConnectionId, members: &[usize], messages: Vec<Subscription>) {
        let Some((shard_idx, role)) = self.position(id) else { return };
        if let Some(connection) = self.connection(shard_idx, role) {
            connection.more(members, messages);
        }
    }

    /// Queues messages on each open connection that carries a symbol.
    pub(crate) fn tell_carriers(&mut self, symbol: usize, messages: &[Subscription]) {
        let shards = self.shards.iter_mut().filter(|shard| shard.members.contains(&symbol));
        let connections = shards.flat_map(|shard| [&mut shard.active, &mut shard.successor]).flatten();
        for connection in connections.filter(|connection| connection.is_open()) {
            messages.iter().for_each(|message| connection.enqueue(message.clone()));
        }
    }

    /// Notes an unknown symbol: it is not subscribed again, and a shard of only such symbols is closed.
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
}
