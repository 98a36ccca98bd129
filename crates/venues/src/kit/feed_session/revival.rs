//! Dead subscriptions: one that delivers nothing although the venue has newer data is made again alone, then moved to a
//! connection of its own, which is opened again ever more rarely. The other symbols of the connection go on.
//!
//! Only if none of them delivers either is the connection at fault, and is replaced. Not here: how a dead subscription is
//! found ([`crate::kit::liveness`]).

use std::time::Duration;

use model::{
    status::FeedCause,
    time::{Now, Timestamp},
};

use super::FeedSession;
use crate::kit::{pool::apart, protocol::Protocol};

impl<P: Protocol> FeedSession<P> {
    /// Processes the time of a symbol's newest trade: one that should have arrived but did not proves that a
    /// subscription is dead although it was acknowledged.
    pub(crate) fn probed(&mut self, position: usize, newest: Option<Timestamp>, now: Now) {
        let Some(death) = self.liveness.probed(position, newest, now.monotonic) else { return };
        let silent_ms = u64::try_from(death.silent_for.as_millis()).unwrap_or(u64::MAX);
        let cause = FeedCause::AcknowledgedSilent { silent_ms };
        let carrier = P::carrier(self, position);
        if self.pool.is_apart(carrier) {
            return self.abandon(carrier, cause, apart_wait(death.n_in_a_row), now);
        }
        if !self.has_fine_fellow(carrier, now) {
            return self.abandon(carrier, cause, Duration::ZERO, now);
        }
        if death.n_in_a_row == 1 || !self.move_apart(carrier, now) {
            self.subscribe_again(carrier, now);
        }
    }

    /// Handles a subscription that does not recover although it was made again: a symbol beside others that deliver moves
    /// to a connection of its own, otherwise the connection is replaced. Returns false if neither is possible.
    pub(crate) fn give_up_subscription(&mut self, position: usize, cause: FeedCause, now: Now) -> bool {
        let carrier = P::carrier(self, position);
        let n_in_a_row = self.liveness.count_death(carrier, now.monotonic);
        if self.pool.is_apart(carrier) {
            self.abandon(carrier, cause, apart_wait(n_in_a_row), now);
        } else if self.has_fine_fellow(carrier, now) {
            return self.move_apart(carrier, now);
        } else {
            self.abandon(carrier, cause, Duration::ZERO, now);
        }
        true
    }

    /// Returns true if another symbol proves that the connection of this one is alive.
    fn has_fine_fellow(&self, position: usize, now: Now) -> bool {
        let fellows = self.pool.fellows(position).filter(|fellow| !self.symbols[*fellow].is_unknown);
        self.liveness.prove_alive(fellows, now.monotonic)
    }

    /// Closes the connection that carries a symbol, although it looks alive; the next is opened after `least_wait`.
    fn abandon(&mut self, position: usize, cause: FeedCause, least_wait: Duration, now: Now) {
        let lost = self.pool.abandon(position, cause, least_wait, now, &mut self.out);
        self.lose(lost, now);
    }

    /// Ends a symbol's subscriptions and makes them again on the same connection.
    fn subscribe_again(&mut self, position: usize, now: Now) {
        let Some(connection) = self.pool.carrier(position) else { return };
        let end = P::unsubscribe(self, position);
        self.pool.subscribe_more(connection, &[], end);
        self.lose(vec![position], now);
        let again = P::subscribe_more(self, &[position], now);
        self.pool.subscribe_more(connection, &[position], again);
    }

    /// Moves a symbol to a connection of its own; returns false if there are too many of those.
    fn move_apart(&mut self, position: usize, now: Now) -> bool {
        if !self.pool.can_move_apart() {
            return false;
        }
        let end = P::unsubscribe(self, position);
        self.pool.tell_carriers(position, &end);
        self.pool.move_apart(position, now, &mut self.out);
        self.lose(vec![position], now);
        true
    }
}

/// Returns the wait before a symbol's own connection is opened again after it was silent too.
fn apart_wait(n_in_a_row: u32) -> Duration {
    APART_WAIT.saturating_mul(1 << n_in_a_row.saturating_sub(3).min(16)).min(apart::LONGEST_WAIT)
}

/// The first such wait; doubles.
const APART_WAIT: Duration = Duration::from_secs(30);
