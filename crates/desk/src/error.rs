//! The only error type of this crate: a journal that contradicts itself. Refusals of commands are
//! [`Refusal`](model::trading::refusal::Refusal)s.

use model::{
    error::ModelError,
    trading::{account::AccountId, order::OrderId, strategy::StrategyId},
};
use portfolio::error::LedgerError;

/// Why a record cannot follow the state before it.
#[derive(Debug, thiserror::Error)]
pub enum DeskError {
    /// A record names an account that was never opened.
    #[error("a record names the account {0}, which was never opened")]
    NoAccount(AccountId),
    /// A record names an order that is not open.
    #[error("a record names order {0}, which is not open")]
    NoOrder(OrderId),
    /// A record names a strategy that was never started.
    #[error("a record names the strategy {0}, which was never started")]
    NoStrategy(StrategyId),
    /// A fill of an instrument that was never listed.
    #[error("a fill of order {0} is of an instrument that was never listed")]
    NoInstrument(OrderId),
    /// A fill contradicts its order.
    #[error(transparent)]
    Order(#[from] ModelError),
    /// A fill contradicts the account's ledger.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// A snapshot knows of more closed round trips than the list of them.
    #[error("round trips of the account {0} are missing in their list")]
    RoundTripsMissing(AccountId),
    /// A snapshot cannot be read.
    #[error("the snapshot of the desk cannot be read")]
    Snapshot(#[from] serde_json::Error),
}
