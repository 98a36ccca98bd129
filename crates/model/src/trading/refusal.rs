//! Refusals of the desk: a stable code, a sentence, and limit and value where there are any.

use serde::{Deserialize, Serialize};

/// A refusal, the same in REST, on the stream, on the page and in the journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[error("{message}")]
pub struct Refusal {
    /// The stable code.
    pub code: DenyCode,
    /// Sentence for people: what happened, to what, and what to do.
    pub message: String,
    /// The limit, with its unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<String>,
    /// The value that broke it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

impl Refusal {
    /// Refuses without a limit.
    pub fn new(code: DenyCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), limit: None, value: None }
    }

    /// Names the limit and the value.
    #[must_use]
    pub fn with(self, limit: impl ToString, value: impl ToString) -> Self {
        Self { limit: Some(limit.to_string()), value: Some(value.to_string()), ..self }
    }
}

macro_rules! deny_codes {
    ($($(#[$meta:meta])* $name:ident = $text:literal,)*) => {
        /// The stable codes.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        pub enum DenyCode {
            $($(#[$meta])* #[serde(rename = $text)] $name,)*
        }

        impl DenyCode {
            /// All codes.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// Returns the code.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }
        }
    };
}

deny_codes! {
    /// The request cannot be read.
    BadRequest = "bad_request",
    /// No account has this name.
    UnknownAccount = "unknown_account",
    /// The account `replay` and a live instrument, or the other way round.
    WrongAccount = "wrong_account",
    /// No recording plays.
    NoReplay = "no_replay",
    /// No venue that is followed has the instrument.
    UnknownInstrument = "unknown_instrument",
    /// No order has this number.
    UnknownOrder = "unknown_order",
    /// No strategy has this name.
    UnknownStrategy = "unknown_strategy",
    /// The order has ended.
    OrderClosed = "order_closed",
    /// The name was used for another order.
    ClientOrderIdReused = "client_order_id_reused",
    /// The quantity is zero or below the smallest one.
    QuantityBelowMinimum = "quantity_below_minimum",
    /// The quantity is no multiple of the lot size.
    QuantityOffLot = "quantity_off_lot",
    /// A price is no multiple of the tick size.
    PriceOffTick = "price_off_tick",
    /// The type needs a price.
    PriceMissing = "price_missing",
    /// The type takes no such field.
    FieldNotAllowed = "field_not_allowed",
    /// A price is not above zero.
    PriceNotPositive = "price_not_positive",
    /// The value is below the venue's smallest one.
    ValueBelowMinimum = "value_below_minimum",
    /// The stop price has been reached already.
    StopAlreadyReached = "stop_already_reached",
    /// Stop-loss and take-profit are on the wrong side of the entry.
    BracketOnWrongSide = "bracket_on_wrong_side",
    /// The time of expiry has passed, or is missing.
    ExpireTimePast = "expire_time_past",
    /// The instrument does not trade now.
    InstrumentHalted = "instrument_halted",
    /// The account's free balance is too small.
    InsufficientFunds = "insufficient_funds",
    /// The order's value is above its limit.
    MaxOrderValue = "max_order_value",
    /// The price is too far from the market.
    PriceCollar = "price_collar",
    /// The position would be too large.
    MaxPositionValue = "max_position_value",
    /// The sum of all positions would be too large.
    MaxGrossExposure = "max_gross_exposure",
    /// The leverage would be too high.
    MaxLeverage = "max_leverage",
    /// Too many orders are open.
    MaxOpenOrders = "max_open_orders",
    /// Too many orders a second.
    OrderRate = "order_rate",
    /// The day's loss is too large: only orders that reduce positions are accepted.
    DailyLoss = "daily_loss",
    /// The drawdown is too large: only orders that reduce positions are accepted.
    Drawdown = "drawdown",
    /// A price that a check needs is not known.
    NoPrice = "no_price",
    /// The order would open or enlarge a position.
    WouldIncrease = "would_increase",
    /// The post-only order would take liquidity.
    PostOnlyWouldTake = "post_only_would_take",
    /// The fill-or-kill order cannot fill at once.
    FokUnfillable = "fok_unfillable",
    /// Nothing more of an immediate-or-cancel or market order can fill now.
    NothingLeftToTake = "nothing_left_to_take",
    /// The rest of a market order would fill beyond its price protection.
    PriceProtection = "price_protection",
    /// The book is not live, too old or crossed.
    BookNotTradable = "book_not_tradable",
    /// The other leg of the bracket filled.
    OtherLegFilled = "other_leg_filled",
    /// The entry of the bracket ended.
    EntryEnded = "entry_ended",
    /// There is no position left to reduce.
    NothingToReduce = "nothing_to_reduce",
    /// Its trader cancelled it.
    CancelledByTrader = "cancelled_by_trader",
    /// Its strategy cancelled it.
    CancelledByStrategy = "cancelled_by_strategy",
    /// The kill switch is on.
    KillSwitch = "kill_switch",
    /// The order's time passed.
    Expired = "expired",
    /// The account was liquidated.
    Liquidated = "liquidated",
    /// A figure does not fit a decimal.
    DoesNotFit = "does_not_fit",
    /// The strategy's settings make no sense.
    BadStrategy = "bad_strategy",
    /// Fees eat the spacing of the grid.
    FeesEatSpacing = "fees_eat_spacing",
    /// The strategy's stop-loss was reached.
    StopLossReached = "stop_loss_reached",
    /// The strategy's take-profit was reached.
    TakeProfitReached = "take_profit_reached",
    /// The strategy is not in a state for that.
    StrategyState = "strategy_state",
    /// No rule of alerts or signals has this name.
    UnknownRule = "unknown_rule",
    /// A rule makes no sense.
    BadRule = "bad_rule",
    /// Another rule looks for the same.
    DuplicateRule = "duplicate_rule",
    /// There are too many rules.
    TooManyRules = "too_many_rules",
    /// The journal cannot be written.
    StorageFull = "storage_full",
    /// The desk is starting or stopping.
    Unavailable = "unavailable",
}
