//! The last candles of one interval, and the changes a chart has not seen yet.

use std::collections::VecDeque;

use model::{candle::Candle, sorted::SortedSet, time::Timestamp};
use topics::{channels::candles::CandlesData, payload::Merge};

/// The update for a chart that has seen an earlier revision.
#[derive(Clone, Debug, PartialEq)]
pub enum ChartChange {
    /// Replace all candles with these, oldest first.
    Replace(Vec<Candle>),
    /// Insert these candles: each is new, or replaces the one with its open time.
    Upsert(Vec<Candle>),
}

/// Candles, oldest first, with a bounded log of changes.
#[derive(Clone, Debug, Default)]
pub struct CandleLog {
    data: CandlesData,
    changes: VecDeque<(u64, Timestamp)>,
    replaced_at: u64,
    revision: u64,
}

impl CandleLog {
    /// Creates an empty log whose revisions begin after `origin`.
    pub fn new(origin: u64) -> Self {
        Self { revision: origin, ..Self::default() }
    }

    /// Replaces all candles.
    pub fn replace(&mut self, data: CandlesData) {
        self.revision += 1;
        self.replaced_at = self.revision;
        self.changes.clear();
        self.data = data;
    }

    /// Inserts new and changed candles.
    pub fn merge(&mut self, delta: CandlesData) {
        self.revision += 1;
        for bar in &delta.bars {
            self.changes.push_back((self.revision, bar.open_time));
        }
        while self.changes.len() > MAX_CHANGES
            && let Some((revision, _)) = self.changes.pop_front()
        {
            // The log no longer has all changes for a chart at an earlier revision.
            self.replaced_at = self.replaced_at.max(revision);
        }
        self.data.merge(&delta);
    }

    /// Returns all candles, oldest first.
    pub fn bars(&self) -> &[Candle] {
        &self.data.bars
    }

    /// Returns the revision, which rises at each change.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// Returns the changes after revision `seen`.
    pub fn changes_since(&self, seen: u64) -> ChartChange {
        if seen < self.replaced_at {
            return ChartChange::Replace(self.data.bars.clone());
        }
        let times: SortedSet<Timestamp> =
            self.changes.iter().filter(|(revision, _)| *revision > seen).map(|(_, time)| *time).collect();
        let bar_at = |time: &Timestamp| {
            let bar_idx = self.data.bars.binary_search_by_key(time, |bar| bar.open_time).ok()?;
            self.data.bars.get(bar_idx).copied()
        };
        ChartChange::Upsert(times.iter().filter_map(bar_at).collect())
    }
}

/// Changes kept: a chart that samples every few seconds still gets single candles, not the whole series.
const MAX_CHANGES: usize = 256;

#[cfg(test)]
mod tests {
    use model::{
        decimal::{Price, Quantity},
        event::AggressorSide,
    };

    use super::*;

    fn bar(minute: i64, close: &str) -> Candle {
        Candle::of_trade(
            Timestamp::from_millis(minute * 60_000),
            Price::parse(close).unwrap(),
            Quantity::parse("1").unwrap(),
            AggressorSide::Buyer,
        )
    }

    fn data(bars: &[Candle]) -> CandlesData {
        CandlesData { bars: bars.to_vec() }
    }

    #[test]
    fn a_chart_learns_just_what_it_has_not_seen() {
        let mut log = CandleLog::default();
        log.replace(data(&[bar(1, "1"), bar(2, "2")]));
        assert_eq!(log.changes_since(0), ChartChange::Replace(vec![bar(1, "1"), bar(2, "2")]));
        let seen = log.revision();
        log.merge(data(&[bar(2, "3")]));
        log.merge(data(&[bar(2, "4"), bar(3, "5")]));
        assert_eq!(log.changes_since(seen), ChartChange::Upsert(vec![bar(2, "4"), bar(3, "5")]));
        assert_eq!(log.changes_since(log.revision()), ChartChange::Upsert(vec![]));
        log.replace(data(&[bar(9, "9")]));
        assert_eq!(log.changes_since(seen), ChartChange::Replace(vec![bar(9, "9")]));
    }

    #[test]
    fn a_chart_of_an_earlier_log_begins_again() {
        let mut log = CandleLog::default();
        log.replace(data(&[bar(1, "1")]));
        let seen = log.revision();
        let mut later = CandleLog::new(seen);
        later.replace(data(&[bar(7, "1")]));
        assert_eq!(later.changes_since(seen), ChartChange::Replace(vec![bar(7, "1")]));
    }

    #[test]
    fn a_chart_that_slept_too_long_begins_again() {
        let mut log = CandleLog::default();
        log.replace(data(&[bar(0, "1")]));
        let seen = log.revision();
        for minute in 1..=i64::try_from(MAX_CHANGES).unwrap() {
            log.merge(data(&[bar(minute, "1")]));
        }
        assert!(matches!(log.changes_since(seen), ChartChange::Upsert(bars) if bars.len() == MAX_CHANGES));
        log.merge(data(&[bar(1_000, "1")]));
        assert!(matches!(log.changes_since(seen), ChartChange::Replace(_)));
    }
}
