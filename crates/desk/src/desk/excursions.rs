//! The prices that round trips saw: their extremes go to the journal before a position changes and once a minute, so that
//! excursions survive a restart without a record for each trade.

use std::time::Duration;

use model::{decimal::Price, instrument::InstrumentId, time::Timestamp, trading::record::Record};

use crate::desk::Desk;

/// The prices of one instrument since a position in it last changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    low: Price,
    high: Price,
    /// True if the journal does not know them yet.
    is_new: bool,
}

impl Desk {
    /// A trade of an instrument came.
    pub(super) fn see_trade(&mut self, instrument: &InstrumentId, price: Price) {
        if let Some(seen) = self.seen.get_mut(instrument) {
            let (low, high) = (seen.low.min(price), seen.high.max(price));
            let is_new = seen.is_new || (low, high) != (seen.low, seen.high);
            *seen = Seen { low, high, is_new };
        } else if self.is_held(instrument) {
            self.seen.insert(instrument.clone(), Seen { low: price, high: price, is_new: true });
        }
    }

    fn is_held(&self, instrument: &InstrumentId) -> bool {
        let positions = self.state.accounts.values().filter_map(|account| account.ledger.position(instrument));
        positions.into_iter().any(|position| !position.quantity().is_zero())
    }

    /// Journals what an instrument traded at, where that is not known yet.
    pub(super) fn prices_seen(&mut self, instrument: &InstrumentId, time: Timestamp) {
        let Some(seen) = self.seen.get_mut(instrument).filter(|seen| seen.is_new) else { return };
        seen.is_new = false;
        let (low, high) = (seen.low, seen.high);
        self.emit(Record::PricesSeen { instrument: instrument.clone(), low, high, time });
    }

    /// Journals all of them.
    pub(super) fn all_prices_seen(&mut self, now: Timestamp) {
        let instruments: Vec<InstrumentId> = self.seen.keys().cloned().collect();
        for instrument in instruments {
            self.prices_seen(&instrument, now);
        }
    }
}

/// Interval at which extremes are journalled: a server that is killed forgets those of its last minute.
pub(super) const PRICES_EVERY: Duration = Duration::from_secs(60);
