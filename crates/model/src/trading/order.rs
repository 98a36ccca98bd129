//! Orders: what a trader asks for, and how far it has come.
//!
//! Prices are quote per base, quantities base units. What each type and flag means for a fill is in docs/paper-trading.md.
//! An order names either no strategy (a person placed it) or the one that did.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{
    decimal::{Notional, Price, Quantity},
    error::ModelError,
    instrument::InstrumentId,
    time::Timestamp,
    trading::{account::AccountId, checked_text, refusal::Refusal, strategy::StrategyId},
};

mod fold;
mod request;

/// The side of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// Buys the base asset.
    Buy,
    /// Sells it.
    Sell,
}

impl Side {
    /// Returns the other side.
    #[must_use]
    pub fn opposite(self) -> Self {
        match self {
            Self::Buy => Self::Sell,
            Self::Sell => Self::Buy,
        }
    }

    /// Returns `buy` or `sell`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Buy => "buy",
            Self::Sell => "sell",
        }
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An order's number, from 1 in the order of acceptance over all accounts. Text in every outside form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(extend("pattern" = "^[0-9]{1,20}$")))]
pub struct OrderId(#[cfg_attr(feature = "schema", schemars(with = "String"))] pub u64);

impl OrderId {
    /// Parses the decimal text.
    ///
    /// # Errors
    /// The text is not a whole number of 64 bits.
    pub fn parse(text: &str) -> Result<Self, ModelError> {
        let is_plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let number = text.parse().ok().filter(|_| is_plain);
        number.map(Self).ok_or_else(|| ModelError::NotAName {
            kind: "OrderId",
            text: text.chars().take(64).collect(),
            remedy: "a whole number",
        })
    }
}

impl fmt::Display for OrderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for OrderId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for OrderId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

checked_text! {
    /// The name that whoever places an order gives it, unique in its account: the same name is the same order.
    ClientOrderId, |text| (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic()),
    "^[!-~]{1,64}$",
    "1 to 64 printable ASCII characters without blanks"
}

/// Type of an order: when and at what price it trades.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum OrderType {
    /// At once, at the best prices, within the price protection.
    Market,
    /// At its price or better.
    Limit,
    /// A market order once the price reaches `stop_price` from its better side.
    Stop,
    /// A limit order once the price reaches `stop_price`.
    StopLimit,
    /// A market order once the price reaches `stop_price` from its worse side.
    TakeProfit,
    /// A limit order once the price reaches `stop_price` from its worse side.
    TakeProfitLimit,
    /// A stop whose `stop_price` follows the best price at a distance.
    TrailingStop,
}

impl OrderType {
    /// All types, in the order in which a form offers them.
    pub const ALL: [Self; 7] = [
        Self::Market,
        Self::Limit,
        Self::Stop,
        Self::StopLimit,
        Self::TakeProfit,
        Self::TakeProfitLimit,
        Self::TrailingStop,
    ];

    /// Returns the name in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Market => "market",
            Self::Limit => "limit",
            Self::Stop => "stop",
            Self::StopLimit => "stop_limit",
            Self::TakeProfit => "take_profit",
            Self::TakeProfitLimit => "take_profit_limit",
            Self::TrailingStop => "trailing_stop",
        }
    }

    /// True if it has a price of its own.
    pub fn has_price(self) -> bool {
        matches!(self, Self::Limit | Self::StopLimit | Self::TakeProfitLimit)
    }

    /// True if it waits for a price before it trades.
    pub fn is_conditional(self) -> bool {
        !matches!(self, Self::Market | Self::Limit)
    }
}

impl fmt::Display for OrderType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Time in force of an order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum TimeInForce {
    /// Until it is filled or cancelled.
    #[default]
    #[serde(alias = "GTC")]
    Gtc,
    /// Immediate or cancel: what does not fill at once is cancelled.
    #[serde(alias = "IOC")]
    Ioc,
    /// All at once or nothing.
    #[serde(alias = "FOK")]
    Fok,
    /// Until `expire_time_ms`.
    #[serde(alias = "GTD")]
    Gtd,
}

impl TimeInForce {
    /// Returns the name in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Gtc => "gtc",
            Self::Ioc => "ioc",
            Self::Fok => "fok",
            Self::Gtd => "gtd",
        }
    }
}

/// The distance of a trailing stop from the best price.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Trail {
    /// In quote currency.
    Offset(Price),
    /// In basis points (hundredths of a per cent) of the best price, rounded to a tick.
    Bps(u32),
}

/// The price that sets off a conditional order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum TriggerSource {
    /// Public trades.
    #[default]
    Last,
    /// The side that the order would trade against: the best ask for a buy, the best bid for a sell.
    BidAsk,
}

/// Request of a trader for an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct OrderRequest {
    /// Unique in the account.
    pub client_order_id: ClientOrderId,
    /// Absent: the default account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<AccountId>,
    /// Instrument to trade.
    pub instrument: InstrumentId,
    /// Buy or sell.
    pub side: Side,
    /// Type: when and at what price it trades.
    #[serde(rename = "type")]
    pub kind: OrderType,
    /// Base units, a multiple of the lot size.
    pub quantity: Quantity,
    /// Of types with a price; a multiple of the tick size.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<Price>,
    /// Of conditional types; a trailing stop may have it instead of a distance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop_price: Option<Price>,
    /// Of a trailing stop.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trail: Option<Trail>,
    /// Price that triggers a conditional order.
    #[serde(default, skip_serializing_if = "is_default")]
    pub trigger: TriggerSource,
    /// Time in force.
    #[serde(default)]
    pub time_in_force: TimeInForce,
    /// Of `gtd`: milliseconds since the epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expire_time_ms: Option<i64>,
    /// True to be refused rather than take liquidity.
    #[serde(default)]
    pub post_only: bool,
    /// True to never open or enlarge a position.
    #[serde(default)]
    pub reduce_only: bool,
    /// Stop-loss of what this order opens: a stop that comes to life with its fills.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop_loss: Option<Price>,
    /// Take-profit of what this order opens; together with a stop-loss, one cancels the other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub take_profit: Option<Price>,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// State of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum OrderState {
    /// Accepted; on its way for as long as the simulated latency takes.
    PendingNew,
    /// Part of a bracket whose entry has not filled yet.
    Held,
    /// Waiting for its price or in the book.
    Open,
    /// In the book, some of it filled.
    PartiallyFilled,
    /// A cancel is on its way; it may still fill.
    PendingCancel,
    /// All of it filled.
    Filled,
    /// Cancelled by its trader, its bracket, the kill switch, or since the rest could not trade.
    Cancelled,
    /// Its time passed.
    Expired,
    /// Refused after it had been accepted: post-only that would take, fill-or-kill that cannot fill.
    Rejected,
}

impl OrderState {
    /// True while it can still fill.
    pub fn is_open(self) -> bool {
        matches!(self, Self::PendingNew | Self::Held | Self::Open | Self::PartiallyFilled | Self::PendingCancel)
    }

    /// Returns the name in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PendingNew => "pending_new",
            Self::Held => "held",
            Self::Open => "open",
            Self::PartiallyFilled => "partially_filled",
            Self::PendingCancel => "pending_cancel",
            Self::Filled => "filled",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
            Self::Rejected => "rejected",
        }
    }
}

/// The place of an order in a bracket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum BracketLeg {
    /// Its stop-loss.
    StopLoss,
    /// Its take-profit.
    TakeProfit,
}

/// An accepted order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Order {
    /// Its number.
    pub order_id: OrderId,
    /// Its trader's name for it.
    pub client_order_id: ClientOrderId,
    /// The account that pays.
    pub account: AccountId,
    /// Instrument to trade.
    pub instrument: InstrumentId,
    /// Buy or sell.
    pub side: Side,
    /// Type: when and at what price it trades.
    #[serde(rename = "type")]
    pub kind: OrderType,
    /// Base units wanted in all.
    pub quantity: Quantity,
    /// Of types with a price.
    pub price: Option<Price>,
    /// Of conditional types: the price that sets it off; a trailing stop's moves.
    pub stop_price: Option<Price>,
    /// Of a trailing stop; one that was asked for by its stop price has the distance of its acceptance.
    pub trail: Option<Trail>,
    /// Price that triggers it.
    #[serde(default)]
    pub trigger: TriggerSource,
    /// Time in force.
    pub time_in_force: TimeInForce,
    /// Of `gtd`.
    pub expire_time_ms: Option<i64>,
    /// True to be refused rather than take liquidity.
    pub post_only: bool,
    /// True to never open or enlarge a position.
    pub reduce_only: bool,
    /// The entry of the bracket that it belongs to, and its place there.
    pub bracket: Option<(OrderId, BracketLeg)>,
    /// The strategy that placed it; `None`: a person or a program.
    pub strategy: Option<StrategyId>,
    /// State of the order.
    pub state: OrderState,
    /// True once its stop price was reached.
    pub is_triggered: bool,
    /// Base units filled.
    pub filled: Quantity,
    /// Σ price × quantity of its fills.
    pub filled_value: Notional,
    /// Number of its fills.
    pub n_fills: u32,
    /// Time at which it was accepted.
    pub created_time: Timestamp,
    /// Time of its last change.
    pub updated_time: Timestamp,
    /// Why it ended, where it did not fill.
    pub reason: Option<Refusal>,
    /// True if the server was down while it was open: what the market did meanwhile is not known.
    pub has_gap: bool,
}

impl Order {
    /// Returns the base units that are still to fill.
    pub fn leaves(&self) -> Quantity {
        self.quantity.checked_sub(self.filled).unwrap_or_default()
    }

    /// Returns the mean price of its fills, rounded half to even at `decimals`; `None` without any.
    pub fn average_price(&self, decimals: u32) -> Option<Price> {
        self.filled_value.per(self.filled, decimals)
    }

    /// True if it trades as a limit order now: a limit, or a conditional order with a price that was set off.
    pub fn is_limit_now(&self) -> bool {
        self.kind.has_price() && (!self.kind.is_conditional() || self.is_triggered)
    }

    /// True if it waits for its stop price.
    pub fn is_waiting(&self) -> bool {
        self.kind.is_conditional() && !self.is_triggered
    }
}

/// New figures of an open order; what is absent stays. At least one is present.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Amendment {
    /// Base units in all, not below what has filled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quantity: Option<Quantity>,
    /// A new price.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<Price>,
    /// A new stop price.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop_price: Option<Price>,
}

impl Amendment {
    /// True where it asks for nothing.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_read_as_programs_write_them() {
        let text = r#"{"client_order_id":"a-1","instrument":"kraken:BTC/USD","side":"buy","type":"limit","quantity":"0.5","price":"61602.0","time_in_force":"GTC"}"#;
        let request: OrderRequest = serde_json::from_str(text).unwrap();
        assert_eq!((request.account, request.time_in_force, request.kind), (None, TimeInForce::Gtc, OrderType::Limit));
        assert_eq!(request.price, Price::parse("61602.0").ok());
        for bad in [
            text.replace("0.5", "-0.5"),
            text.replace("buy", "long"),
            text.replace("a-1", ""),
            text.replace("a-1", "with blank"),
            text.replace(r#""quantity":"0.5""#, r#""quantity":0.5"#),
            text.replace(r#""side""#, r#""sides""#),
        ] {
            assert!(serde_json::from_str::<OrderRequest>(&bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn order_ids_are_text_outside() {
        assert_eq!(serde_json::to_string(&OrderId(17)).unwrap(), r#""17""#);
        assert_eq!(OrderId::parse("17").ok(), Some(OrderId(17)));
        for bad in ["", "-1", "+1", "1.0", "a", "99999999999999999999"] {
            assert!(OrderId::parse(bad).is_err(), "{bad}");
        }
    }
}
