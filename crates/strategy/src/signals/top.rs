//! The top of a book as rules read it.

/// The best levels of a book that can be trusted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Top<'a> {
    /// Best bid.
    pub bid: f64,
    /// Best ask.
    pub ask: f64,
    /// Base units on the bid levels, best first; rules read at most 50.
    pub bid_sizes: &'a [f64],
    /// Base units on the ask levels, best first; rules read at most 50.
    pub ask_sizes: &'a [f64],
}

impl Top<'_> {
    /// Returns the spread in basis points of the mid; not a number while there is no price.
    pub(crate) fn spread_bps(&self) -> f64 {
        (self.ask - self.bid) / ((self.ask + self.bid) / 2.0) * 10_000.0
    }

    /// Returns the bids' share less the asks' share of the size on this many levels; not a number while they are empty.
    pub(crate) fn imbalance(&self, n_levels: usize) -> f64 {
        let sum = |sizes: &[f64]| sizes.iter().take(n_levels).sum::<f64>();
        let (bids, asks) = (sum(self.bid_sizes), sum(self.ask_sizes));
        (bids - asks) / (bids + asks)
    }
}
