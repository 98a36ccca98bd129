//! What REST is asked for. Symbols are positions in the session's list.
//!
//! Not here: the requests themselves ([`super::rest`]), their queue ([`crate::kit::requests`]).

use model::{candle::Interval, time::Timestamp};

use crate::kit::requests;

/// What a request is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// What is known of a product: its steps, and whether its data comes under another name.
    Product { symbol: usize },
    /// All products there are: for recordings that hold the list.
    Products,
    /// Whether the venue has newer prints than the connection brought.
    Probe { symbol: usize },
    /// A page of bars that open at `until` or before, back to `from`; further pages follow.
    History { symbol: usize, interval: Interval, from: Timestamp, until: Timestamp },
    /// Figures of 24 hours, instead of the stream.
    Day { symbol: usize },
    /// Best bid and ask, instead of the stream.
    BestPrices { symbol: usize },
    /// Prints, instead of the stream.
    Trades { symbol: usize },
}

impl requests::Purpose for Purpose {
    /// Products first, then doubts, then what was wished for, then polling.
    fn rank(&self) -> u8 {
        match self {
            Self::Product { .. } | Self::Products => 0,
            Self::Probe { .. } => 1,
            Self::History { .. } => 2,
            Self::BestPrices { .. } => 3,
            Self::Trades { .. } => 4,
            Self::Day { .. } => 5,
        }
    }

    fn is_history(&self) -> bool {
        matches!(self, Self::History { .. })
    }
}
