//! The venue's separate best bid and ask as a witness against a side of the book that stands still.
//!
//! The checksum proves each change, but a side that no longer changes at all looks like a quiet one. A quote that names
//! another best price, after which that side does not move for some seconds, contradicts it. A quote older than the side's
//! last change says nothing, so a feed of quotes that stops never accuses a book. Not here: what follows ([`super::book`]).

use model::{book::OrderBook, decimal::Price, event::Quote, time::Monotonic};

/// Since when quotes have named another best price than a side that does not move.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct QuoteCheck {
    bids_doubted_since: Option<Monotonic>,
    asks_doubted_since: Option<Monotonic>,
}

impl QuoteCheck {
    /// A quote came while the book was followed.
    pub(super) fn on_quote(&mut self, book: &OrderBook, quote: &Quote, now: Monotonic) {
        let look = |since: &mut Option<Monotonic>, best: Option<Price>, quoted: Price| {
            if best == Some(quoted) {
                *since = None;
            } else {
                since.get_or_insert(now);
            }
        };
        look(&mut self.bids_doubted_since, book.best_bid().map(|level| level.price), quote.bid);
        look(&mut self.asks_doubted_since, book.best_ask().map(|level| level.price), quote.ask);
    }

    /// The book changed on these sides: each of them moves.
    pub(super) fn on_change(&mut self, has_bids: bool, has_asks: bool) {
        if has_bids {
            self.bids_doubted_since = None;
        }
        if has_asks {
            self.asks_doubted_since = None;
        }
    }

    /// Since when a side has been contradicted, the older one of two.
    pub(super) fn doubted_since(&self) -> Option<Monotonic> {
        [self.bids_doubted_since, self.asks_doubted_since].into_iter().flatten().min()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use model::{decimal::Quantity, event::Level};

    use super::*;

    fn at(millis: u64) -> Monotonic {
        Monotonic::from_zero(Duration::from_millis(millis))
    }

    fn level(price: &str) -> Level {
        Level { price: Price::parse(price).unwrap(), quantity: Quantity::parse("1").unwrap() }
    }

    fn quote(bid: &str, ask: &str) -> Quote {
        let (bid, ask) = (level(bid), level(ask));
        Quote { bid: bid.price, bid_size: bid.quantity, ask: ask.price, ask_size: ask.quantity }
    }

    #[test]
    fn a_side_is_doubted_until_it_moves_or_agrees() {
        let (mut check, mut book) = (QuoteCheck::default(), OrderBook::new());
        book.apply_snapshot(&[level("1.0")], &[level("1.1")]);
        check.on_quote(&book, &quote("1.00", "1.1"), at(0));
        assert_eq!(check.doubted_since(), None);
        check.on_quote(&book, &quote("1.0", "1.2"), at(100));
        check.on_quote(&book, &quote("0.9", "1.3"), at(200));
        assert_eq!(check.doubted_since(), Some(at(100)));
        check.on_change(true, false);
        assert_eq!(check.doubted_since(), Some(at(100)));
        check.on_change(false, true);
        assert_eq!(check.doubted_since(), None);
        check.on_quote(&book, &quote("0.9", "1.1"), at(300));
        check.on_quote(&book, &quote("1.0", "1.1"), at(400));
        assert_eq!(check.doubted_since(), None);
    }
}
