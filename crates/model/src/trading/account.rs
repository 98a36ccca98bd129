//! Paper accounts: what they start with, what they pay, and what they may risk.

use std::{collections::BTreeMap, fmt, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::{
    decimal::{Notional, Rate},
    time::Timestamp,
    trading::checked_text,
};

checked_text! {
    /// An account's name.
    AccountId, |text| (1..=32).contains(&text.len()) && text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_')),
    "^[a-z0-9_-]{1,32}$",
    "1 to 32 of a to z, 0 to 9, - and _"
}

/// A currency's or asset's code (`USDT`), in the venue's own spelling. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct Currency(Arc<str>);

impl Currency {
    /// Returns the currency with that code.
    pub fn new(code: &str) -> Self {
        Self(code.into())
    }

    /// Returns the code.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Kind of account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum AccountKind {
    /// Buys with what it has and sells what it holds: no balance below zero.
    Cash,
    /// Goes long and short on margin, up to its leverage.
    Margin,
}

/// The settings of an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Account {
    /// Its name.
    pub account: AccountId,
    /// Cash or margin.
    pub kind: AccountKind,
    /// The currency of its totals.
    pub currency: Currency,
    /// Opening balances, by currency.
    pub start: BTreeMap<Currency, Notional>,
    /// The largest leverage; 1 for cash accounts.
    pub max_leverage: u32,
    /// The IANA time zone whose midnight begins its day (`Europe/Berlin`); `UTC` by default.
    pub time_zone: String,
    /// Time at which it was opened.
    pub opened_time: Timestamp,
}

/// Fee rates of a venue, as shares of the value; below zero: a rebate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct FeeRates {
    /// Of a fill that rested.
    pub maker: Rate,
    /// Of a fill that crossed the spread.
    pub taker: Rate,
}

/// Risk limits of an account. Absent: no limit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct RiskLimits {
    /// Largest value of one order, in the account's currency.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_order_value: Option<Notional>,
    /// Largest distance of a limit price beyond the best price that it would trade at (the ask for a buy, the bid for a
    /// sell; its stop price while it waits for that), in basis points.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price_collar_bps: Option<u32>,
    /// Largest value of a position, in the account's currency.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_position_value: Option<Notional>,
    /// Largest sum of the values of all positions, long and short.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_gross_exposure: Option<Notional>,
    /// Largest gross exposure as a multiple of the equity, below the account's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_leverage: Option<Rate>,
    /// Most orders open at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_open_orders: Option<u32>,
    /// Most orders and amendments a second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_orders_per_second: Option<u32>,
    /// Largest loss of a day, in the account's currency: then reduce-only until the next day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_daily_loss: Option<Notional>,
    /// Largest drawdown from the highest equity, as a share: then reduce-only until it is reset.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_drawdown: Option<Rate>,
}
