//! Finds large trades among those that are new since the last look. Plain values: not the sound.

use model::{decimal::Notional, event::AggressorSide, instrument::InstrumentId};

use crate::live::tape_log::TapeLog;

/// Follows the log of one instrument's trades.
#[derive(Debug, Default)]
pub struct PrintWatch {
    /// The instrument, the log of its trades, and the trades seen in it.
    seen: Option<(InstrumentId, u64, u64)>,
}

impl PrintWatch {
    /// Returns the side of the largest new trade of at least `least`, in the quote currency. The first look at a log finds
    /// nothing: those trades are old.
    pub fn look(&mut self, id: &InstrumentId, log: &TapeLog, least: Notional) -> Option<AggressorSide> {
        let seen = self.seen.replace((id.clone(), log.origin(), log.n_seen()));
        let is_same = |(of, origin, last_serial): &(InstrumentId, u64, u64)| {
            of == id && *origin == log.origin() && *last_serial <= log.n_seen()
        };
        let (_, _, last_serial) = seen.filter(is_same)?;
        let new = log.newest_first().take_while(|row| row.serial > last_serial);
        let paid = new.filter_map(|row| Some((row.trade.price.checked_mul(row.trade.size)?, row.trade.aggressor_side)));
        paid.filter(|(paid, _)| *paid >= least).max_by_key(|(paid, _)| *paid).map(|(_, side)| side)
    }
}

#[cfg(test)]
mod tests {
    use model::{
        decimal::{Price, Quantity},
        event::TradeId,
    };
    use topics::channels::tape::TapeTrade;

    use super::*;

    fn trade(id: u64, size: &str, aggressor_side: AggressorSide) -> TapeTrade {
        TapeTrade {
            id: TradeId::Sequence(id),
            price: Price::parse("100").unwrap(),
            size: Quantity::parse(size).unwrap(),
            aggressor_side,
            venue_time_ms: 0,
        }
    }

    #[test]
    fn only_new_trades_that_cost_enough_are_found() {
        let (one, two) = (InstrumentId::parse("a:ONE").unwrap(), InstrumentId::parse("a:TWO").unwrap());
        let least = Notional::parse("1000").unwrap();
        let (mut log, mut watch) = (TapeLog::default(), PrintWatch::default());
        log.extend([trade(1, "50", AggressorSide::Buyer)]);
        assert_eq!(watch.look(&one, &log, least), None, "old");
        log.extend([trade(2, "9.99", AggressorSide::Buyer)]);
        assert_eq!(watch.look(&one, &log, least), None, "small");
        log.extend([trade(3, "10", AggressorSide::Buyer), trade(4, "12", AggressorSide::Seller)]);
        assert_eq!(watch.look(&one, &log, least), Some(AggressorSide::Seller), "the largest");
        assert_eq!(watch.look(&one, &log, least), None, "once");
        log.extend([trade(5, "90", AggressorSide::Buyer)]);
        assert_eq!(watch.look(&two, &log, least), None, "another instrument");
        // A log that began again counts from one.
        let mut again = TapeLog::default();
        again.extend([trade(1, "90", AggressorSide::Buyer)]);
        assert_eq!(watch.look(&two, &again, least), None);
        let mut other = TapeLog::new(7);
        other.extend([trade(1, "90", AggressorSide::Buyer), trade(2, "90", AggressorSide::Buyer)]);
        assert_eq!(watch.look(&two, &other, least), None, "another log");
    }
}
