//! Back-tests of recordings on the server: what starts and stops one, and how it stands.
//!
//! Not here: the plan's members (`crates/backtest`), which the server reads.

use model::{
    decimal::Notional,
    trading::{account::Currency, refusal::Refusal},
};
use serde::{Deserialize, Serialize};

/// Runs a plan over a recording.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct StartBacktest {
    /// The recording's name, as the list has it.
    pub recording: String,
    /// The plan: strategy, instrument, settings and account.
    pub plan: serde_json::Value,
}

/// Ends the back-test that runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct StopBacktest {}

/// The newest back-test since the server's start.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BacktestReport {
    /// Absent: there was none.
    pub backtest: Option<BacktestStatus>,
}

/// Status of a back-test.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BacktestStatus {
    /// Its number since the server's start.
    pub number: u64,
    /// The recording.
    pub recording: String,
    /// Instrument to trade.
    pub instrument: String,
    /// The kind of strategy.
    pub strategy: String,
    /// State of the back-test.
    pub state: BacktestState,
    /// The recording's clock, milliseconds since the epoch; absent before the first entry.
    pub position_ms: Option<i64>,
    /// Why it failed, for people.
    pub failure: Option<String>,
    /// The results by the conservative and by the optimistic model of the queue, once it is done.
    pub bounds: Vec<BacktestTotals>,
}

/// State of a back-test.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum BacktestState {
    /// It plays the recording.
    Running,
    /// Its results are there.
    Done,
    /// It could not be carried out.
    Failed,
    /// Somebody stopped it.
    Stopped,
}

/// The account at the end of one run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BacktestTotals {
    /// The model of the queue: `conservative` or `optimistic`.
    pub queue: String,
    /// The currency of the amounts.
    pub currency: Currency,
    /// Equity of the account.
    pub equity: Notional,
    /// The same less what it started with; absent where something has no value.
    pub total_pnl: Option<Notional>,
    /// Realised, before fees.
    pub realised_pnl: Notional,
    /// Of the position that is left.
    pub unrealised_pnl: Notional,
    /// Fees.
    pub fees: Notional,
    /// Fills.
    pub n_fills: u64,
    /// Closed round trips of the account.
    pub n_round_trips: u64,
    /// Why the strategy ended before the recording did.
    pub reason: Option<Refusal>,
}
