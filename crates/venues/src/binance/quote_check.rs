//! The venue's only cross-check of a book: its separate best bid and ask.
//!
//! The venue has no checksum. But after a change with final id `u` the book's top equals the last best bid and ask with
//! an id not above `u`; in recordings 12,958 times of 12,960. Differences are counted, not acted on.

use std::collections::VecDeque;

use model::{event::Quote, proof::TrackedBook};

use crate::binance::KEPT_QUOTES;

/// Best bids and asks that are not older than the book.
#[derive(Clone, Debug, Default)]
pub(super) struct QuoteCheck {
    /// By ascending id; at most one is older than the book's last change.
    quotes: VecDeque<(u64, Quote)>,
}

impl QuoteCheck {
    /// Keeps a quote for a later comparison.
    pub(super) fn keep(&mut self, update_id: u64, quote: Quote) {
        if self.quotes.back().is_some_and(|(known, _)| *known >= update_id) {
            self.quotes.clear();
        }
        if self.quotes.len() >= KEPT_QUOTES {
            self.quotes.pop_front();
        }
        self.quotes.push_back((update_id, quote));
    }

    /// Compares the book after the change that ends with `final_id`; counts nothing if no quote is old enough.
    pub(super) fn compare(&mut self, tracked: &mut TrackedBook, final_id: u64) {
        while self.quotes.get(1).is_some_and(|(update_id, _)| *update_id <= final_id) {
            self.quotes.pop_front();
        }
        let Some((_, quote)) = self.quotes.front().filter(|(update_id, _)| *update_id <= final_id) else { return };
        if tracked.book.quote() == *quote {
            tracked.counters.quote_matches += 1;
        } else {
            tracked.counters.quote_mismatches += 1;
        }
    }

    /// Drops the kept quotes, which do not fit the following data.
    pub(super) fn clear(&mut self) {
        self.quotes.clear();
    }
}

#[cfg(test)]
mod tests {
    use model::{
        decimal::{Price, Quantity},
        event::Level,
    };

    use super::*;

    fn level(price: &str) -> Level {
        Level { price: Price::parse(price).unwrap(), quantity: Quantity::parse("1").unwrap() }
    }

    fn quote(bid: &str, ask: &str) -> Quote {
        Quote { bid: Some(level(bid)), ask: Some(level(ask)) }
    }

    #[test]
    fn the_top_is_compared_with_the_last_quote_of_its_moment() {
        let (mut check, mut tracked) = (QuoteCheck::default(), TrackedBook::default());
        tracked.book.apply_snapshot(&[level("1.0")], &[level("1.1")]);
        let mut counted = |check: &mut QuoteCheck, final_id| {
            check.compare(&mut tracked, final_id);
            (tracked.counters.quote_matches, tracked.counters.quote_mismatches)
        };
        assert_eq!(counted(&mut check, 11), (0, 0));
        check.keep(12, quote("1.0", "1.1"));
        check.keep(13, quote("0.9", "1.1"));
        check.keep(15, quote("1.00", "1.10"));
        assert_eq!(counted(&mut check, 11), (0, 0));
        assert_eq!(counted(&mut check, 12), (1, 0));
        assert_eq!(counted(&mut check, 14), (1, 1));
        assert_eq!(counted(&mut check, 15), (2, 1));
        assert_eq!(counted(&mut check, 99), (3, 1));
    }

    #[test]
    fn an_empty_side_agrees_with_an_empty_side() {
        let (mut check, mut tracked) = (QuoteCheck::default(), TrackedBook::default());
        tracked.book.apply_snapshot(&[level("1.0")], &[]);
        check.keep(1, Quote { bid: Some(level("1.0")), ask: None });
        check.compare(&mut tracked, 1);
        check.keep(2, quote("1.0", "1.1"));
        check.compare(&mut tracked, 2);
        assert_eq!((tracked.counters.quote_matches, tracked.counters.quote_mismatches), (1, 1));
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let mut check = QuoteCheck::default();
        (0..3_000).for_each(|update_id| check.keep(update_id, quote("1", "2")));
        assert_eq!((check.quotes.len(), check.quotes[0].0), (KEPT_QUOTES, 3_000 - KEPT_QUOTES as u64));
        check.keep(7, quote("1", "2"));
        assert_eq!(check.quotes.len(), 1);
    }
}
