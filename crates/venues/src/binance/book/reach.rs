//! Reach of a snapshot, and the reach that it must have.
//!
//! Not here: the time of a further snapshot ([`super::super::protocol`]).

use std::time::Duration;

use model::{
    book::OrderBook,
    decimal::Price,
    event::{BookInterest, Level},
};

use super::Snapshot;

/// Depth for which a book is kept, and the pace of its snapshots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Attention {
    /// Levels a side requested in a snapshot: a tenth as many cost a tenth of the weight.
    pub(crate) n_levels: u32,
    /// Best levels that a snapshot must cover, however the price moves.
    n_covered: usize,
    /// Time between two snapshots of a book that is live.
    pub(super) spacing: Duration,
}

impl Attention {
    /// Returns what a book is kept for if that much of it is looked at.
    pub(crate) fn of(interest: Option<BookInterest>) -> Self {
        match interest {
            None => Self { n_levels: 100, n_covered: 5, spacing: Duration::from_secs(300) },
            Some(BookInterest::Best) => Self { n_levels: 100, n_covered: 50, spacing: Duration::from_secs(5) },
            Some(BookInterest::Deep) => Self { n_levels: 1_000, n_covered: 50, spacing: Duration::from_secs(5) },
        }
    }
}

impl Default for Attention {
    fn default() -> Self {
        Self::of(None)
    }
}

/// Reach of the last snapshot: beyond it, levels that have not changed since are missing.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Reach {
    /// Levels a side that were requested.
    n_asked: u32,
    /// The worst bid in it; `None` if it had all.
    bid: Option<Price>,
    /// The worst ask in it.
    ask: Option<Price>,
}

impl Reach {
    pub(super) fn of(snapshot: Snapshot<'_>) -> Self {
        let n_asked = usize::try_from(snapshot.n_asked).unwrap_or(usize::MAX);
        let worst = |side: &[Level]| side.last().filter(|_| side.len() >= n_asked).map(|level| level.price);
        Self { n_asked: snapshot.n_asked, bid: worst(snapshot.levels.0), ask: worst(snapshot.levels.1) }
    }

    /// Returns true if a snapshot with more levels would bring any.
    pub(super) fn is_short(&self, attention: Attention) -> bool {
        self.n_asked < attention.n_levels && (self.bid.is_some() || self.ask.is_some())
    }

    /// Returns true if the best levels are all within it.
    pub(super) fn covers(&self, book: &OrderBook, attention: Attention) -> bool {
        let last = attention.n_covered - 1;
        let is_bid_covered =
            self.bid.is_none_or(|reach| book.bids().nth(last).is_some_and(|level| level.price >= reach));
        let is_ask_covered =
            self.ask.is_none_or(|reach| book.asks().nth(last).is_some_and(|level| level.price <= reach));
        is_bid_covered && is_ask_covered
    }
}
