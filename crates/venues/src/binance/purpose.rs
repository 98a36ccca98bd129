//! What REST is asked for. Symbols are positions in the session's list.
//!
//! Not here: the requests themselves ([`super::rest`]), their queue ([`crate::kit::requests`]).

use model::candle::Interval;

use crate::kit::requests;

/// What a request is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// A book's snapshot, for the connection of that epoch.
    Snapshot { symbol: usize, epoch: u32 },
    /// What is known of these symbols; of all where the list is empty.
    Symbols(Vec<usize>),
    /// Whether the venue has newer prints than the connection brought.
    Probe { symbol: usize },
    /// Bars.
    History { symbol: usize, interval: Interval, n_bars: usize },
    /// Figures of 24 hours, instead of the stream.
    DayTicker { symbol: usize },
    /// Single prints, instead of the stream.
    Trades { symbol: usize },
    /// Aggregated prints, instead of the stream.
    AggTrades { symbol: usize },
}

impl requests::Purpose for Purpose {
    /// Books first, then symbols, then what was wished for, then polling.
    fn rank(&self) -> u8 {
        match self {
            Self::Snapshot { .. } => 0,
            Self::Symbols(_) => 1,
            Self::Probe { .. } => 2,
            Self::History { .. } => 3,
            Self::DayTicker { .. } => 4,
            Self::Trades { .. } | Self::AggTrades { .. } => 5,
        }
    }

    fn is_history(&self) -> bool {
        matches!(self, Self::History { .. })
    }
}
