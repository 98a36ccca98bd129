//! The last trades of an instrument, and how far each lane has published them. Each trade is sent once on each lane.
//!
//! Not here: candles and last prices. Trades are numbered as they arrive. The ring keeps the newest 100, and more while
//! a started lane has not published them; above [`MOST_TRADES`] (the maximum in one item) the oldest are dropped and
//! counted as lost.

use std::collections::VecDeque;

use model::{
    event::{MarketEvent, Trade},
    time::Timestamp,
};
use topics::{
    channels::tape::{TapeData, TapeTrade},
    lane::Lane,
    limits::{MAX_ENTRIES, TAPE_LENGTH},
};

use crate::{digits::Digits, lane_state::Lanes};

/// Maximum trades kept while a lane waits for its turn: ten thousand a second on one instrument.
const MOST_TRADES: usize = MAX_ENTRIES;

/// Trades of one instrument, oldest first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tape {
    ring: VecDeque<TapeTrade>,
    /// Trades pushed so far: the number of the next one.
    n_pushed: u64,
    /// For each lane the number of the next trade to publish.
    sent: Lanes<u64>,
    n_lost: u64,
}

impl Tape {
    pub(crate) fn push(&mut self, trade: &Trade, venue_time: Timestamp, digits: Digits) {
        self.ring.push_back(TapeTrade {
            id: trade.id.clone(),
            price: digits.price(trade.price),
            size: digits.size(trade.size),
            aggressor_side: trade.aggressor_side,
            venue_time_ms: venue_time.as_millis(),
        });
        self.n_pushed += 1;
        self.trim();
    }

    pub(crate) fn start(&mut self, lane: Lane) {
        let n_pushed = self.n_pushed;
        self.sent.start(lane, || n_pushed);
    }

    pub(crate) fn stop(&mut self, lane: Lane) {
        self.sent.stop(lane);
        self.trim();
    }

    /// Returns the trades since this lane's last turn.
    pub(crate) fn turn(&mut self, lane: Lane) -> Option<TapeData> {
        let (first, n_pushed) = (self.first_number(), self.n_pushed);
        let sent = self.sent.get_mut(lane)?;
        let from = (*sent).max(first);
        self.n_lost += from - *sent;
        *sent = n_pushed;
        if from == n_pushed {
            return None;
        }
        let trades = self.numbered(from, n_pushed);
        self.trim();
        Some(TapeData { trades })
    }

    /// Returns the last 100 trades published on this lane.
    pub(crate) fn snapshot(&self, lane: Lane) -> Option<TapeData> {
        let sent = *self.sent.get(lane)?;
        Some(TapeData { trades: self.numbered(sent.saturating_sub(TAPE_LENGTH as u64), sent) })
    }

    /// Returns the newest `limit` trades, oldest first.
    pub(crate) fn newest(&self, limit: usize) -> Vec<TapeTrade> {
        self.numbered(self.n_pushed.saturating_sub(limit.min(TAPE_LENGTH) as u64), self.n_pushed)
    }

    /// Returns the number of trades dropped before every lane had published them.
    pub(crate) fn n_lost(&self) -> u64 {
        self.n_lost
    }

    fn first_number(&self) -> u64 {
        self.n_pushed - self.ring.len() as u64
    }

    /// Returns the trades with numbers in `from..until`, as far as they are still kept.
    fn numbered(&self, from: u64, until: u64) -> Vec<TapeTrade> {
        let first = self.first_number();
        let idx = |number: u64| {
            usize::try_from(number.saturating_sub(first)).map_or(self.ring.len(), |idx| idx.min(self.ring.len()))
        };
        self.ring.range(idx(from)..idx(until)).cloned().collect()
    }

    fn trim(&mut self) {
        // A lane's snapshot reaches 100 back from what it has published.
        let n_unsent = self.sent.started().map(|sent| self.n_pushed - sent).max().unwrap_or(0);
        let n_kept = usize::try_from(n_unsent).unwrap_or(MOST_TRADES).saturating_add(TAPE_LENGTH).min(MOST_TRADES);
        let n_surplus = self.ring.len().saturating_sub(n_kept);
        self.ring.drain(..n_surplus);
    }
}

/// Returns the venue's time of an event, or ours if it has none.
pub(crate) fn venue_time(event: &MarketEvent) -> Timestamp {
    event.event_time.unwrap_or(event.receive_time)
}

#[cfg(test)]
mod tests {
    use model::event::TradeId;

    use super::*;
    use crate::testing::trade;

    fn push(tape: &mut Tape, numbers: std::ops::Range<u64>) {
        numbers.for_each(|number| tape.push(&trade(number, "10", "1"), Timestamp::EPOCH, Digits::default()));
    }

    fn ids(data: &TapeData) -> Vec<u64> {
        let number = |trade: &TapeTrade| match trade.id {
            TradeId::Sequence(number) => number,
            TradeId::Text(_) => unreachable!("made with numbers"),
        };
        data.trades.iter().map(number).collect()
    }

    #[test]
    fn a_slow_lane_gets_every_trade_once() {
        let mut tape = Tape::default();
        push(&mut tape, 0..150);
        assert_eq!(tape.ring.len(), TAPE_LENGTH);
        tape.start(Lane::Slow);
        tape.start(Lane::Fast);
        let mut fast = Vec::new();
        for tenth in 0..10 {
            push(&mut tape, 150 + tenth * 300..450 + tenth * 300);
            fast.extend(ids(&tape.turn(Lane::Fast).unwrap()));
        }
        let slow = ids(&tape.turn(Lane::Slow).unwrap());
        assert_eq!(slow, (150..3_150).collect::<Vec<_>>());
        assert_eq!(fast, slow);
        assert_eq!(tape.turn(Lane::Slow), None);
        assert_eq!((tape.ring.len(), tape.n_lost()), (TAPE_LENGTH, 0));
    }

    #[test]
    fn a_snapshot_ends_where_the_lane_has_published() {
        let mut tape = Tape::default();
        push(&mut tape, 0..120);
        tape.start(Lane::Medium);
        push(&mut tape, 120..500);
        let before = tape.snapshot(Lane::Medium).unwrap();
        assert_eq!(ids(&before), (20..120).collect::<Vec<_>>());
        tape.turn(Lane::Medium);
        assert_eq!(ids(&tape.snapshot(Lane::Medium).unwrap()), (400..500).collect::<Vec<_>>());
        assert_eq!(tape.snapshot(Lane::Fast), None);
        assert_eq!(tape.newest(3).len(), 3);
    }

    #[test]
    fn what_no_item_could_carry_is_counted_as_lost() {
        let mut tape = Tape::default();
        tape.start(Lane::Slow);
        push(&mut tape, 0..MOST_TRADES as u64 + 7);
        assert_eq!(tape.turn(Lane::Slow).unwrap().trades.len(), MOST_TRADES);
        assert_eq!((tape.n_lost(), tape.ring.len()), (7, TAPE_LENGTH));
    }
}
