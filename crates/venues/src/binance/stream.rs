//! What is kept for one symbol beside its book.
//!
//! Not here: how items are judged ([`crate::kit::dedup`]), the book's rules ([`super::book`]), events ([`super::session`]).

use std::{collections::BTreeMap, sync::Arc};

use model::{
    candle::Interval,
    instrument::{Instrument, InstrumentId},
};

use crate::{
    binance::book::BinanceBook,
    kit::{
        dedup::{RisingIds, TradeIds},
        resync_pacing::SnapshotPace,
    },
};

/// One symbol.
#[derive(Debug)]
pub(super) struct Stream {
    pub(super) id: InstrumentId,
    pub(super) book: BinanceBook,
    pub(super) instrument: Option<Arc<Instrument>>,
    /// The venue does not know it: nothing is asked for it any more.
    pub(super) is_unknown: bool,
    /// Rises with each lost connection: snapshots asked for before that are worthless.
    pub(super) epoch: u32,
    /// A snapshot of this epoch is queued or under way.
    pub(super) is_snapshot_coming: bool,
    pub(super) pace: SnapshotPace,
    /// Single prints come, so aggregated ones would count twice.
    pub(super) has_single_prints: bool,
    pub(super) trade_ids: TradeIds,
    pub(super) aggregate_ids: TradeIds,
    pub(super) quote_ids: RisingIds,
    pub(super) day_times: RisingIds,
    pub(super) ticker_times: RisingIds,
    pub(super) bar_times: BTreeMap<Interval, RisingIds>,
}

impl Stream {
    /// Nothing is known of it yet.
    pub(super) fn new(id: InstrumentId) -> Self {
        Self {
            id,
            book: BinanceBook::default(),
            instrument: None,
            is_unknown: false,
            epoch: 0,
            is_snapshot_coming: false,
            pace: SnapshotPace::default(),
            has_single_prints: false,
            trade_ids: TradeIds::default(),
            aggregate_ids: TradeIds::default(),
            quote_ids: RisingIds::default(),
            day_times: RisingIds::default(),
            ticker_times: RisingIds::default(),
            bar_times: BTreeMap::new(),
        }
    }
}
