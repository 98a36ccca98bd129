//! Report of a back-test.

use desk::performance::FigureRow;
use model::{
    decimal::Notional,
    trading::{account::Currency, fill::Fill, refusal::Refusal, strategy::StrategyReport},
};
use portfolio::round_trip::RoundTrip;
use serde::Serialize;

/// One run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RunReport {
    /// The model of the queue: `conservative` or `optimistic`.
    pub queue: &'static str,
    /// The account at the end.
    pub totals: Totals,
    /// Why the strategy ended before the recording did.
    pub reason: Option<Refusal>,
    /// Report of the strategy.
    pub strategy: StrategyReport,
    /// The account's statistics.
    pub statistics: Vec<FigureRow>,
    /// Closed round trips, oldest first.
    pub round_trips: Vec<RoundTrip>,
    /// All fills, oldest first.
    pub fills: Vec<Fill>,
    /// Equity over time, milliseconds since the epoch.
    pub equity: Vec<(i64, Notional)>,
}

/// The account at the end of a run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Totals {
    /// The currency of the totals.
    pub currency: Currency,
    /// Equity of the account.
    pub equity: Notional,
    /// Less what it started with.
    pub total_pnl: Option<Notional>,
    /// Realised, before fees.
    pub realised_pnl: Notional,
    /// Unrealised.
    pub unrealised_pnl: Notional,
    /// Fees.
    pub fees: Notional,
    /// Fills.
    pub n_fills: u64,
    /// Closed round trips.
    pub n_round_trips: u64,
    /// Trades, levels and states that the desk saw.
    pub n_market_events: u64,
    /// Records that the desk made.
    pub n_records: u64,
    /// Time of the last entry, milliseconds since the epoch.
    pub end_ms: i64,
}
