//! The journal of the desk: everything that it must remember, in the order in which it happened.
//!
//! The desk's state is a fold over records; start-up is that fold over a snapshot and what came after. A record is on
//! disk before anybody hears of it. Records are closed and strict: one that is not known is an error, never skipped.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    decimal::{Notional, Price, Quantity},
    instrument::{Instrument, InstrumentId},
    time::Timestamp,
    trading::{
        account::{Account, AccountId, RiskLimits},
        fill::Fill,
        order::{Amendment, Order, OrderId},
        refusal::Refusal,
        strategy::{StrategyEntry, StrategyId},
    },
};

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Record {
    /// An account was opened.
    AccountOpened(Account),
    /// An instrument as it is traded from now on: its steps and currencies.
    InstrumentListed(Box<Instrument>),
    /// An account's limits were set.
    LimitsSet {
        /// The account.
        account: AccountId,
        /// All of its limits.
        limits: RiskLimits,
    },
    /// An order was accepted, as it was then.
    OrderAccepted(Box<Order>),
    /// An order changed.
    OrderChanged {
        /// The order.
        order_id: OrderId,
        /// The time.
        time: Timestamp,
        /// The change.
        change: OrderChange,
    },
    /// An order filled.
    Filled(Box<Fill>),
    /// Price range of an instrument while somebody held it, since the last such record or fill of
    /// it. The excursions of round trips are computed from it.
    PricesSeen {
        /// The instrument.
        instrument: InstrumentId,
        /// The lowest price.
        low: Price,
        /// The highest price.
        high: Price,
        /// Time of the record.
        time: Timestamp,
    },
    /// A day of an account began, or its first equity became known: what daily loss and daily return are measured from.
    DayBegan {
        /// The account.
        account: AccountId,
        /// Begin of the day.
        day_start: Timestamp,
        /// Equity then, in the account's currency.
        equity: Notional,
        /// Time at which the equity was taken.
        time: Timestamp,
    },
    /// The equity of an account at a regular moment, for its curve.
    EquitySampled {
        /// The account.
        account: AccountId,
        /// The time.
        time: Timestamp,
        /// In the account's currency.
        equity: Notional,
    },
    /// An account went to reduce-only, or came back from it.
    ReduceOnly {
        /// The account.
        account: AccountId,
        /// Why; `None`: it may open positions again.
        cause: Option<Refusal>,
        /// The time.
        time: Timestamp,
    },
    /// The kill switch was set or lifted, for all accounts.
    KillSwitch {
        /// True: nothing is accepted.
        is_on: bool,
        /// True if it closes positions, too.
        flatten: bool,
        /// The person and the reason, in words.
        reason: String,
        /// The time.
        time: Timestamp,
    },
    /// A strategy was started or changed its state. Its memory is not in it.
    StrategyChanged(Box<StrategyEntry>),
    /// A strategy remembers something else: parts of its memory by name, `None` for those that it forgets.
    StrategyRemembered {
        /// The strategy.
        strategy_id: StrategyId,
        /// The parts that changed.
        parts: BTreeMap<String, Option<String>>,
    },
    /// The server came back: what the market did in between is not known.
    Restarted {
        /// The time.
        time: Timestamp,
    },
}

/// Change of an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderChange {
    /// It reached the market.
    Opened,
    /// Its entry filled: it waits for its price now, for this quantity.
    Activated {
        /// Base units, growing with the entry's fills.
        quantity: Quantity,
    },
    /// Its stop price was reached.
    Triggered {
        /// The price that reached it.
        price: Price,
        /// Position of the market event.
        offset: u64,
    },
    /// Its trailing stop moved.
    Trailed {
        /// The new stop price.
        stop_price: Price,
    },
    /// Its figures were changed.
    Amended(Amendment),
    /// A cancel is on its way.
    CancelRequested,
    /// It was cancelled.
    Cancelled(Refusal),
    /// Its time passed.
    Expired,
    /// It was refused by the market.
    Rejected(Refusal),
    /// The server was down while it was open.
    Gap,
}
