//! What is kept for one symbol beside its book's levels.
//!
//! Not here: how prints are judged ([`crate::kit::dedup`]), the book's rules ([`super::book`]), events ([`super::session`]).

use std::{collections::BTreeMap, sync::Arc};

use model::{
    candle::{Candle, Interval},
    event::DayStatistics,
    instrument::{Instrument, InstrumentId},
    time::Monotonic,
};

use crate::{
    kit::{dedup::TradeIds, resync_pacing::SnapshotPace},
    kraken::{
        book::KrakenBook,
        limits::{REFUSED_RETRY, SNAPSHOT_PATIENCE},
        subscribe::Channel,
    },
};

/// One symbol.
#[derive(Debug)]
pub(super) struct Stream {
    pub(super) id: InstrumentId,
    pub(super) book: KrakenBook,
    pub(super) instrument: Option<Arc<Instrument>>,
    /// The venue does not know it: nothing is asked for it any more.
    pub(super) is_unknown: bool,
    pub(super) pace: SnapshotPace,
    pub(super) resubscription: Resubscription,
    /// Channels that the venue refused on this connection, and when they were last asked for.
    pub(super) refused: BTreeMap<Channel, Monotonic>,
    pub(super) trade_ids: TradeIds,
    /// Where polling for prints goes on.
    pub(super) polled_to: Option<String>,
    pub(super) day: Option<DayStatistics>,
    /// The newest bar of each length, and whether it was said to be closed.
    pub(super) bars: BTreeMap<Interval, (Candle, bool)>,
}

/// How far the book's subscription is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Resubscription {
    /// Nothing is under way.
    #[default]
    None,
    /// It is to be made again then.
    Due(Monotonic),
    /// It was asked for then, and no snapshot has come yet.
    Asked(Monotonic),
}

impl Stream {
    /// Nothing is known of it yet.
    pub(super) fn new(id: InstrumentId) -> Self {
        Self {
            id,
            book: KrakenBook::default(),
            instrument: None,
            is_unknown: false,
            pace: SnapshotPace::default(),
            resubscription: Resubscription::None,
            refused: BTreeMap::new(),
            trade_ids: TradeIds::default(),
            polled_to: None,
            day: None,
            bars: BTreeMap::new(),
        }
    }

    /// When it is to be looked after although nothing comes.
    pub(super) fn deadline(&self) -> Option<Monotonic> {
        let subscription_at = match self.resubscription {
            Resubscription::None => self.book.deadline(),
            Resubscription::Due(at) => Some(at),
            Resubscription::Asked(at) => Some(at + SNAPSHOT_PATIENCE),
        };
        let retry_at = self.refused.values().map(|asked_at| *asked_at + REFUSED_RETRY);
        retry_at.chain(subscription_at).min()
    }
}
