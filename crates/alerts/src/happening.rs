//! Inputs besides prices and bars: the trading desk; health of feeds, recordings and the disk.
//!
//! Values that are states (a position, an amount, a connection) are given again at a start: the first one only arms.

use model::{
    alert::condition::{ExecutionEvent, PnlFigure},
    decimal::{Notional, Price, Quantity, SignedQuantity},
    instrument::{InstrumentId, Venue},
    time::Timestamp,
    trading::{
        account::AccountId,
        order::{OrderId, Side},
    },
};

/// Event of the trading desk.
#[derive(Clone, Debug, PartialEq)]
pub enum TradingEvent {
    /// Position of an account in an instrument, as it is now.
    Position {
        /// The account.
        account: AccountId,
        /// The instrument.
        instrument: InstrumentId,
        /// Base units, below zero for a short.
        quantity: SignedQuantity,
    },
    /// A figure of profit and loss now.
    Pnl {
        /// The account.
        account: AccountId,
        /// Of this instrument alone; absent: of the account.
        instrument: Option<InstrumentId>,
        /// The figure.
        figure: PnlFigure,
        /// The amount.
        amount: Notional,
    },
    /// An order changed.
    Order {
        /// The account.
        account: AccountId,
        /// The instrument.
        instrument: InstrumentId,
        /// The order.
        order_id: OrderId,
        /// The kind of change.
        event: ExecutionEvent,
        /// The order in words, or why it was refused (`buy 0.5 at 62,000.00`).
        text: String,
    },
    /// An order filled, wholly or in part.
    Fill {
        /// The account.
        account: AccountId,
        /// The instrument.
        instrument: InstrumentId,
        /// Bought or sold.
        side: Side,
        /// Price of the fill.
        price: Price,
        /// Base units of the fill.
        quantity: Quantity,
    },
}

/// Event of the system.
#[derive(Clone, Debug, PartialEq)]
pub enum HealthEvent {
    /// A venue's connection now.
    Connection {
        /// The venue.
        venue: Venue,
        /// True while it is up.
        is_up: bool,
        /// Why not, in words.
        reason: String,
    },
    /// Data is missing.
    Gap {
        /// The venue.
        venue: Venue,
        /// Of this instrument; absent: of all of the venue's.
        instrument: Option<InstrumentId>,
        /// The missing data, in words.
        what: String,
    },
    /// A recording ended.
    Recording {
        /// The venue.
        venue: Venue,
        /// Why it could not be written on, in words; absent: it was stopped, or reached its limit.
        failure: Option<String>,
    },
    /// Free space on the disk now, in bytes.
    Disk {
        /// The bytes.
        free_bytes: u64,
    },
    /// State of the desk's journal now.
    Journal {
        /// True while it can be written.
        is_writable: bool,
        /// Why it cannot, in words.
        reason: String,
    },
    /// The server logged an error.
    Error {
        /// The error, in words.
        what: String,
    },
}

/// Trust in the data of an instrument.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Trust {
    /// Wholly.
    #[default]
    Good,
    /// It may be wrong or incomplete.
    Suspect {
        /// Why, in words.
        reason: String,
    },
    /// Nothing has come for too long.
    Stale {
        /// Time since which it is stale.
        since: Timestamp,
    },
}

impl Trust {
    /// Returns why nothing is evaluated; `None` where the data is good.
    pub(crate) fn blindness(&self) -> Option<String> {
        match self {
            Self::Good => None,
            Self::Suspect { reason } => Some(reason.clone()),
            Self::Stale { .. } => Some("the feed is stale".to_owned()),
        }
    }
}
