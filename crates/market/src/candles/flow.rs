//! Detects gaps between the trades of an instrument.
//!
//! Numbered trades reveal gaps by their numbers. If ids are opaque, a reconnect counts as a gap.

use model::{event::TradeId, time::Timestamp};

/// The relation of a trade to the earlier ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Continuity {
    /// Nothing is known to be missing before it.
    Whole,
    /// Trades may be missing between the trade at that time (`None`: since the beginning) and this one.
    After(Option<Timestamp>),
}

/// The newest trade, and whether the stream broke after it.
#[derive(Clone, Debug, Default)]
pub(super) struct TradeFlow {
    newest: Option<(Timestamp, Option<u64>)>,
    is_broken: bool,
}

impl TradeFlow {
    pub(super) fn on_trade(&mut self, time: Timestamp, id: &TradeId) -> Continuity {
        let number = match id {
            TradeId::Sequence(number) => Some(*number),
            TradeId::Text(_) => None,
        };
        let Some((newest_time, newest_number)) = self.newest else {
            self.newest = Some((time, number));
            return Continuity::After(None);
        };
        let is_whole = match (newest_number, number) {
            // A late trade: its place was noted as a gap when its successor came.
            (Some(newest), Some(number)) if number <= newest => return Continuity::Whole,
            (Some(newest), Some(number)) => newest + 1 == number,
            _ => !self.is_broken,
        };
        self.newest = Some((newest_time.max(time), number));
        self.is_broken = false;
        if is_whole { Continuity::Whole } else { Continuity::After(Some(newest_time)) }
    }

    /// Notes a reconnect: without numbers, the next trade may come after a gap.
    pub(super) fn on_reconnect(&mut self) {
        self.is_broken = true;
    }

    /// Returns true if numbers reveal every gap, so that a reconnect causes no doubt.
    pub(super) fn is_numbered(&self) -> bool {
        matches!(self.newest, Some((_, Some(_))))
    }

    /// Returns the venue's time of the newest trade.
    pub(super) fn newest_time(&self) -> Option<Timestamp> {
        self.newest.map(|(time, _)| time)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    #[test]
    fn numbers_tell_gaps() {
        let mut flow = TradeFlow::default();
        let mut on = |millis: i64, number: u64| flow.on_trade(at(millis), &TradeId::Sequence(number));
        assert_eq!(on(10, 5), Continuity::After(None));
        assert_eq!(on(20, 6), Continuity::Whole);
        assert_eq!(on(30, 9), Continuity::After(Some(at(20))));
        assert_eq!(on(25, 8), Continuity::Whole, "late, its gap is known");
        assert_eq!(on(40, 10), Continuity::Whole);
        assert_eq!(flow.newest_time(), Some(at(40)));
        flow.on_reconnect();
        assert_eq!(flow.on_trade(at(50), &TradeId::Sequence(11)), Continuity::Whole, "numbers prove it");
    }

    #[test]
    fn without_numbers_a_reconnect_is_a_gap() {
        let mut flow = TradeFlow::default();
        let id = TradeId::Text("".into());
        assert_eq!(flow.on_trade(at(10), &id), Continuity::After(None));
        assert_eq!(flow.on_trade(at(20), &id), Continuity::Whole);
        flow.on_reconnect();
        assert_eq!(flow.on_trade(at(30), &id), Continuity::After(Some(at(20))));
        assert_eq!(flow.on_trade(at(40), &id), Continuity::Whole);
        assert!(!flow.is_numbered());
    }
}
