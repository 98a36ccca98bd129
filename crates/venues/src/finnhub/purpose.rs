//! What REST is asked for. Symbols are positions in the session's list.
//!
//! Not here: the requests themselves ([`super::rest`]), their queue ([`crate::kit::requests`]).

use model::candle::Interval;

use crate::kit::requests;

/// What a request is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// The day's figures at the start, or instead of the stream.
    Quote { symbol: usize },
    /// Whether the venue has newer prints than the connection brought.
    Probe { symbol: usize },
    /// Bars.
    History { symbol: usize, interval: Interval, n_bars: usize },
}

impl requests::Purpose for Purpose {
    fn rank(&self) -> u8 {
        match self {
            Self::Quote { .. } => 0,
            Self::Probe { .. } => 1,
            Self::History { .. } => 2,
        }
    }

    fn is_history(&self) -> bool {
        matches!(self, Self::History { .. })
    }
}
