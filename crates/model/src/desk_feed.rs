//! The trading desk's updates of one instrument: every trade and book state, and the newest best levels.
//!
//! A desk that fills orders against a live book must never act on what it has not seen. So the feed promises:
//! - every trade and every change of the book's state arrives, in the venue's order;
//! - levels conflate: only the newest [`DESK_DEPTH`] rows a side are kept for a slow reader;
//! - where a trade or a state was lost all the same, because the reader did not drain a full queue, the reader gets
//!   [`DeskUpdate::Suspect`], and nothing may fill until levels come again from a live book.
//!
//! [`DeskBook`] is that rule as a type: whoever applies the updates to it in order asks [`DeskBook::tradable`] and
//! needs to know no more. Quantities are base units, prices quote per base, with the wire's digits. Not here: making
//! updates of events and queueing them (`market::desk_feed`), the task that reads them (`server`).

use std::sync::Arc;

use crate::{
    event::{Level, Trade},
    proof::BookState,
    time::Timestamp,
};

/// Rows a side in [`DeskLevels`].
pub const DESK_DEPTH: usize = 50;

/// One thing the desk learns about one instrument.
///
/// Offsets count the instrument's trades and book events from the subscription of its first reader on, from 1. They
/// rise from update to update; a jump is a levels update that a newer one has replaced, or follows a
/// [`DeskUpdate::Suspect`]. An offset tells what a fill was based on, and whether a trade came before or after levels.
#[derive(Clone, Debug, PartialEq)]
pub enum DeskUpdate {
    /// A public trade.
    Trade(DeskTrade),
    /// The book's state changed, or this is the state at the start of the subscription.
    BookState(DeskState),
    /// The newest levels of a book that is served: live, or unverified and not to be traded on.
    Levels(Arc<DeskLevels>),
    /// Something was lost here: nothing may fill until [`DeskUpdate::Levels`] of a live book come.
    Suspect(DeskLoss),
    /// The feed has ended or jumped to another moment: nothing follows. A new subscription starts with a state.
    Ended,
}

impl DeskUpdate {
    /// Position of the last event that it tells of; `None` where nothing follows.
    pub fn offset(&self) -> Option<u64> {
        match self {
            Self::Trade(trade) => Some(trade.offset),
            Self::BookState(state) => Some(state.offset),
            Self::Levels(levels) => Some(levels.offset),
            Self::Suspect(loss) => Some(loss.offset),
            Self::Ended => None,
        }
    }
}

/// A public trade with its evidence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeskTrade {
    /// The trade, with the venue's id.
    pub trade: Trade,
    /// The venue's clock, where the message carries it.
    pub event_time: Option<Timestamp>,
    /// Our clock when the frame came.
    pub receive_time: Timestamp,
    /// Position among the instrument's trades and book events.
    pub offset: u64,
}

/// A state of the book.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeskState {
    /// The new state.
    pub state: BookState,
    /// Cause of the change.
    pub cause: StateCause,
    /// Position among the instrument's trades and book events.
    pub offset: u64,
}

/// Cause of a book's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StateCause {
    /// Nothing did: it is the state at the start of the subscription.
    Subscribed,
    /// The whole book was replaced.
    Snapshot,
    /// Levels changed.
    Delta,
    /// The session's judgement: a gap was found, a fresh snapshot requested, a connection lost.
    Judgement,
}

/// The best levels of a book at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeskLevels {
    /// Best first, at most [`DESK_DEPTH`] rows, prices strictly falling.
    pub bids: Vec<Level>,
    /// Best first, at most [`DESK_DEPTH`] rows, prices strictly rising.
    pub asks: Vec<Level>,
    /// The venue's sequence number of the last change, where it has one.
    pub last_update_id: Option<u64>,
    /// Venue time of the last change, where the venue says.
    pub event_time: Option<Timestamp>,
    /// Receive time of the last change.
    pub receive_time: Option<Timestamp>,
    /// Position of the last of the instrument's trades and book events that came before.
    pub offset: u64,
}

/// Losses of a reader that did not drain its queue in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeskLoss {
    /// Trades that will not come, since the last report.
    pub n_trades: u64,
    /// States between the last one told and the next one, since the last report.
    pub n_states: u64,
    /// Position of the first event that was lost.
    pub offset: u64,
}

/// One instrument as its updates have it, and whether anything may fill on it.
///
/// After a loss it recovers in this order: the reader drains, which delivers [`DeskUpdate::Suspect`]; the feed sends
/// the book's best levels whole; the book is live then. Levels sent before the loss was delivered do not count.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DeskBook {
    state: BookState,
    levels: Option<Arc<DeskLevels>>,
    loss: Option<DeskLoss>,
}

impl DeskBook {
    /// Takes an update in. Updates must come in order and without omission.
    pub fn apply(&mut self, update: &DeskUpdate) {
        match update {
            DeskUpdate::Trade(_) => {}
            DeskUpdate::BookState(state) => {
                self.state = state.state;
                // Levels of another state prove nothing about this one; those that do follow at once.
                self.levels = None;
            }
            DeskUpdate::Levels(levels) => {
                self.levels = Some(levels.clone());
                if self.state == BookState::Live {
                    self.loss = None;
                }
            }
            DeskUpdate::Suspect(loss) => {
                self.levels = None;
                self.loss = Some(*loss);
            }
            DeskUpdate::Ended => *self = Self::default(),
        }
    }

    /// Returns the levels to fill against; `None` unless the book is live, its levels are current, and nothing is lost.
    pub fn tradable(&self) -> Option<&DeskLevels> {
        self.levels.as_deref().filter(|_| self.state == BookState::Live && self.loss.is_none())
    }

    /// Returns the state as the desk has to take it: suspect after a loss, the book's own otherwise.
    pub fn state(&self) -> BookState {
        if self.loss.is_some() { BookState::Suspect } else { self.state }
    }

    /// Returns the newest levels, whether tradable or not.
    pub fn levels(&self) -> Option<&DeskLevels> {
        self.levels.as_deref()
    }

    /// Returns the loss that has not been recovered from.
    pub fn loss(&self) -> Option<DeskLoss> {
        self.loss
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(state: BookState) -> DeskUpdate {
        DeskUpdate::BookState(DeskState { state, cause: StateCause::Judgement, offset: 1 })
    }

    fn levels() -> DeskUpdate {
        let (bids, asks) = (Vec::new(), Vec::new());
        DeskUpdate::Levels(Arc::new(DeskLevels {
            bids,
            asks,
            last_update_id: None,
            event_time: None,
            receive_time: None,
            offset: 1,
        }))
    }

    fn suspect() -> DeskUpdate {
        DeskUpdate::Suspect(DeskLoss { n_trades: 1, n_states: 0, offset: 1 })
    }

    #[track_caller]
    fn check(updates: &[DeskUpdate], expected: BookState, is_tradable: bool) {
        let mut book = DeskBook::default();
        updates.iter().for_each(|update| book.apply(update));
        assert_eq!((book.state(), book.tradable().is_some()), (expected, is_tradable), "{updates:?}");
    }

    #[test]
    fn only_a_live_book_with_current_levels_and_no_loss_is_tradable() {
        use BookState as S;
        check(&[], S::Empty, false);
        check(&[state(S::Live)], S::Live, false);
        check(&[levels()], S::Empty, false);
        check(&[state(S::Live), levels()], S::Live, true);
        check(&[state(S::Unverified), levels()], S::Unverified, false);
        for bad in [S::Empty, S::Buffering, S::Suspect, S::Resyncing, S::Unverified] {
            check(&[state(S::Live), levels(), state(bad)], bad, false);
            check(&[state(S::Live), levels(), state(bad), state(S::Live)], S::Live, false);
            check(&[state(S::Live), levels(), state(bad), state(S::Live), levels()], S::Live, true);
        }
        check(&[state(S::Live), levels(), suspect()], S::Suspect, false);
        check(&[state(S::Live), levels(), suspect(), levels()], S::Live, true);
        check(&[state(S::Live), levels(), suspect(), state(S::Live)], S::Suspect, false);
        check(&[state(S::Live), levels(), suspect(), state(S::Unverified), levels()], S::Suspect, false);
        check(
            &[state(S::Live), levels(), suspect(), state(S::Unverified), levels(), state(S::Live)],
            S::Suspect,
            false,
        );
        check(&[state(S::Live), levels(), DeskUpdate::Ended], S::Empty, false);
    }
}
