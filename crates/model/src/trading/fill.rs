//! Fills: executions of orders, each with the evidence of the market that it was based on.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{
    decimal::{Notional, Price, Quantity},
    error::ModelError,
    event::AggressorSide,
    instrument::InstrumentId,
    time::Timestamp,
    trading::{
        account::{AccountId, Currency},
        order::{OrderId, Side},
    },
};

/// The identity of a fill: its order and its number there, from 1. The same events give the same ids. Text outside:
/// `17-1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FillId {
    /// The order.
    pub order_id: OrderId,
    /// Its number among the order's fills, from 1.
    pub number: u32,
}

impl FillId {
    /// Parses `order-number`.
    ///
    /// # Errors
    /// The text has another form.
    pub fn parse(text: &str) -> Result<Self, ModelError> {
        let wrong = || ModelError::NotAName {
            kind: "FillId",
            text: text.chars().take(64).collect(),
            remedy: "an order's number, a dash and the fill's number",
        };
        let (order_id, number) = text.split_once('-').ok_or_else(wrong)?;
        let number = number.parse().map_err(|_| wrong())?;
        Ok(Self { order_id: OrderId::parse(order_id)?, number })
    }
}

impl fmt::Display for FillId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.order_id, self.number)
    }
}

impl Serialize for FillId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for FillId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

/// Liquidity role of a fill.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Liquidity {
    /// It rested in the book.
    Maker,
    /// It crossed the spread.
    Taker,
}

impl Liquidity {
    /// Returns `maker` or `taker`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Maker => "maker",
            Self::Taker => "taker",
        }
    }
}

/// An execution.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Fill {
    /// Its identity.
    pub fill_id: FillId,
    /// The order.
    pub order_id: OrderId,
    /// The account that pays.
    pub account: AccountId,
    /// Instrument traded.
    pub instrument: InstrumentId,
    /// Bought or sold.
    pub side: Side,
    /// Quote per base.
    pub price: Price,
    /// Base units.
    pub quantity: Quantity,
    /// Fee that the venue would charge, in `fee_currency`; below zero: a rebate.
    pub fee: Notional,
    /// The currency of the fee.
    pub fee_currency: Currency,
    /// Maker or taker.
    pub liquidity: Liquidity,
    /// Our clock, or the recording's.
    pub time: Timestamp,
    /// Evidence for the fill.
    pub evidence: Evidence,
}

impl Fill {
    /// Returns price × quantity; `None` if it does not fit.
    pub fn value(&self) -> Option<Notional> {
        self.price.checked_mul(self.quantity)
    }
}

/// Evidence for a fill: "why did this fill?".
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Evidence {
    /// Position among the instrument's trades and book events (`model::desk_feed`).
    pub offset: u64,
    /// The venue's clock, where it says.
    pub event_time: Option<Timestamp>,
    /// Our clock when the frame came.
    pub receive_time: Option<Timestamp>,
    /// The market event.
    pub cause: FillCause,
}

/// The market event that filled an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum FillCause {
    /// It took a level of the live book.
    Level {
        /// The venue's number of the book's last change, where it has one.
        last_update_id: Option<u64>,
        /// The level's price.
        price: Price,
        /// The size displayed there.
        displayed: Quantity,
        /// Quantity of it taken before by own orders and newer prints.
        taken_before: Quantity,
    },
    /// It rested, and a trade at its price went past everything ahead of it.
    Trade {
        /// The venue's id of the trade.
        trade_id: String,
        /// The trade's size.
        size: Quantity,
        /// The side that crossed the spread.
        aggressor_side: AggressorSide,
        /// Base units ahead of it before the trade.
        queue_before: Quantity,
        /// Base units ahead of it after.
        queue_after: Quantity,
    },
    /// It rested, and a trade went through its price.
    TradeThrough {
        /// The venue's id of the trade.
        trade_id: String,
        /// The trade's price.
        price: Price,
        /// The trade's size.
        size: Quantity,
        /// Base units ahead of it before the trade.
        queue_before: Quantity,
    },
    /// It rested, and the other side of the live book came to its price or beyond.
    BookThrough {
        /// The venue's number of the book's last change, where it has one.
        last_update_id: Option<u64>,
        /// The level that came.
        price: Price,
        /// The size displayed there.
        displayed: Quantity,
        /// Quantity of it taken before by own orders.
        taken_before: Quantity,
        /// Base units ahead of it before.
        queue_before: Quantity,
    },
    /// The desk closed a position that could no longer be carried (liquidation), at the mark price.
    Liquidation {
        /// The mark price.
        price: Price,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fill_ids_read_as_they_show() {
        let id = FillId { order_id: OrderId(17), number: 2 };
        assert_eq!(FillId::parse(&id.to_string()).ok(), Some(id));
        for bad in ["", "17", "17-", "-1", "17-x", "a-1", "17-1-1"] {
            assert!(FillId::parse(bad).is_err(), "{bad}");
        }
    }
}
