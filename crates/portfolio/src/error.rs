//! The only error type of this crate: a fill that cannot be booked. Refused orders are `model::trading::refusal`.

use model::{
    instrument::InstrumentId,
    trading::{account::AccountId, fill::FillId},
};

/// The reasons why a ledger did not book a fill; it is unchanged then. Each is a fault of the journal or its reader,
/// never a matter of the market: the account must stop trading until somebody has looked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LedgerError {
    /// The fill belongs to another account.
    #[error("fill {fill_id} belongs to account {account}")]
    OtherAccount {
        /// The fill.
        fill_id: FillId,
        /// The account that it names.
        account: AccountId,
    },
    /// The order of the fill's id is not the order that it names.
    #[error("fill {fill_id} names another order than its id")]
    OtherOrder {
        /// The fill.
        fill_id: FillId,
    },
    /// The fill's quantity is zero.
    #[error("fill {fill_id} has no quantity")]
    Empty {
        /// The fill.
        fill_id: FillId,
    },
    /// An earlier fill of the same order never came.
    #[error("fill {fill_id} came, but fill {expected} of that order is missing")]
    Missing {
        /// The fill that came.
        fill_id: FillId,
        /// The number that should have come.
        expected: u32,
    },
    /// The instrument was booked with another base or quote before.
    #[error("{instrument} was booked as {booked}, not as {found}")]
    OtherPair {
        /// The instrument.
        instrument: InstrumentId,
        /// The pair of its earlier fills.
        booked: String,
        /// The pair that came with this one.
        found: String,
    },
    /// A figure needs more than the 28 digits of a decimal.
    #[error("fill {fill_id} does not fit the account's figures")]
    DoesNotFit {
        /// The fill.
        fill_id: FillId,
    },
}
