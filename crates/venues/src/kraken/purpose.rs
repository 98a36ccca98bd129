//! What REST is asked for. Symbols are positions in the session's list.
//!
//! Not here: the requests themselves ([`super::rest`]), their queue ([`crate::kit::requests`]).

use model::candle::Interval;

use crate::kit::requests;

/// What a request is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// What is known of all symbols.
    Symbols,
    /// Whether the venue has newer prints than the connection brought.
    Probe { symbol: usize },
    /// Bars.
    History { symbol: usize, interval: Interval, n_bars: usize },
    /// Best bid and ask, instead of the stream.
    Ticker { symbol: usize },
    /// Prints, instead of the stream.
    Trades { symbol: usize },
}

impl requests::Purpose for Purpose {
    /// Symbols first, then what is in doubt, then what was wished for, then polling.
    fn rank(&self) -> u8 {
        match self {
            Self::Symbols => 0,
            Self::Probe { .. } => 1,
            Self::History { .. } => 2,
            Self::Ticker { .. } => 3,
            Self::Trades { .. } => 4,
        }
    }

    fn is_history(&self) -> bool {
        matches!(self, Self::History { .. })
    }
}
