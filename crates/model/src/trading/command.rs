//! The fields of the desk's commands and of their results, the same for the stream, for REST and for the page.
//!
//! [`DeskCommand`] is one of them. An account that is absent is the default one.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    decimal::Notional,
    instrument::InstrumentId,
    trading::{
        account::{Account, AccountId, AccountKind, Currency, RiskLimits},
        order::{Amendment, Order, OrderId, OrderRequest},
        strategy::{StopChoice, StrategyEntry, StrategyId},
    },
};

/// Cancels an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct CancelOrder {
    /// Its account; absent: one of the live desk.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<AccountId>,
    /// The order.
    pub order_id: OrderId,
}

/// Changes an open order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct AmendOrder {
    /// Its account; absent: one of the live desk.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<AccountId>,
    /// The order.
    pub order_id: OrderId,
    /// Changes to the order.
    pub amendment: Amendment,
}

/// Cancels all open orders of an account.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct CancelAll {
    /// The account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<AccountId>,
    /// Absent: of all instruments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instrument: Option<InstrumentId>,
}

/// Closes a position at the market.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ClosePosition {
    /// The account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<AccountId>,
    /// Instrument of the position.
    pub instrument: InstrumentId,
    /// True to open the same quantity on the other side.
    #[serde(default)]
    pub reverse: bool,
}

/// Sets all limits of an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SetLimits {
    /// The account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<AccountId>,
    /// The limits; an absent one is lifted.
    pub limits: RiskLimits,
}

/// Lets an account that may only reduce positions open them again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct LiftReduceOnly {
    /// The account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<AccountId>,
}

/// Sets the kill switch: every open order is cancelled and nothing more is accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Kill {
    /// Why, in words.
    #[serde(default)]
    pub reason: String,
    /// True to close all positions at the market, too.
    #[serde(default)]
    pub flatten: bool,
}

/// Lifts the kill switch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct LiftKill {
    /// Why, in words; not empty.
    pub reason: String,
}

/// Result of the kill switch, once it is done.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct KillReport {
    /// True while it is set.
    pub is_on: bool,
    /// False while the disk refuses to write: the switch is set in memory alone and nothing trades, but it and the cancels
    /// go on disk only once there is room, and a restart before that forgets it.
    pub is_on_disk: bool,
    /// Why.
    pub reason: String,
    /// Orders that it cancelled.
    pub n_cancelled: u32,
    /// Orders that are open still: those that close positions.
    pub open_orders: Vec<OrderId>,
    /// Positions that are open still, by account.
    pub open_positions: Vec<(AccountId, InstrumentId)>,
}

/// Starts a strategy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct StartStrategy {
    /// Its name, not used before.
    pub strategy_id: StrategyId,
    /// Kind of the strategy (`grid`).
    pub kind: String,
    /// The account that it trades on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<AccountId>,
    /// Instrument to trade.
    pub instrument: InstrumentId,
    /// Its settings.
    pub settings: serde_json::Value,
}

/// Names a strategy to pause or to go on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct OneStrategy {
    /// Its account; absent: one of the live desk.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<AccountId>,
    /// Its name.
    pub strategy_id: StrategyId,
}

/// Stops a strategy for good.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct StopStrategy {
    /// Its account; absent: one of the live desk.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<AccountId>,
    /// Its name.
    pub strategy_id: StrategyId,
    /// Handling of its orders and position.
    pub choice: StopChoice,
}

/// Opens an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct OpenAccount {
    /// Its name, not used before.
    pub account: AccountId,
    /// Cash or margin.
    pub kind: AccountKind,
    /// The currency of its totals.
    pub currency: Currency,
    /// Starting balances, by currency.
    pub start: BTreeMap<Currency, Notional>,
    /// Of a margin account.
    #[serde(default = "one")]
    pub max_leverage: u32,
    /// The IANA time zone of its days.
    #[serde(default = "utc")]
    pub time_zone: String,
}

fn one() -> u32 {
    1
}

fn utc() -> String {
    "UTC".to_owned()
}

/// A command: in JSON an object with one member, named after the command.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum DeskCommand {
    /// Places an order, with its bracket if it has one.
    PlaceOrder(Box<OrderRequest>),
    /// Cancels an order.
    CancelOrder(CancelOrder),
    /// Changes an open order.
    AmendOrder(AmendOrder),
    /// Cancels all open orders.
    #[serde(rename = "cancel_all_orders")]
    CancelAll(CancelAll),
    /// Closes a position at the market.
    ClosePosition(ClosePosition),
    /// Sets all limits of an account.
    #[serde(rename = "set_risk_limits")]
    SetLimits(SetLimits),
    /// Lets an account open positions again.
    LiftReduceOnly(LiftReduceOnly),
    /// Sets the kill switch.
    #[serde(rename = "set_kill_switch")]
    Kill(Kill),
    /// Lifts it.
    #[serde(rename = "lift_kill_switch")]
    LiftKill(LiftKill),
    /// Starts a strategy.
    StartStrategy(Box<StartStrategy>),
    /// Pauses one.
    PauseStrategy(OneStrategy),
    /// Lets a paused one go on.
    ResumeStrategy(OneStrategy),
    /// Stops one for good.
    StopStrategy(StopStrategy),
    /// Opens an account.
    OpenAccount(OpenAccount),
}

impl DeskCommand {
    /// The names of all commands.
    pub const NAMES: [&str; 14] = [
        "place_order",
        "cancel_order",
        "amend_order",
        "cancel_all_orders",
        "close_position",
        "set_risk_limits",
        "lift_reduce_only",
        "set_kill_switch",
        "lift_kill_switch",
        "start_strategy",
        "pause_strategy",
        "resume_strategy",
        "stop_strategy",
        "open_account",
    ];

    /// Returns its name.
    pub fn name(&self) -> &'static str {
        let at = match self {
            Self::PlaceOrder(_) => 0,
            Self::CancelOrder(_) => 1,
            Self::AmendOrder(_) => 2,
            Self::CancelAll(_) => 3,
            Self::ClosePosition(_) => 4,
            Self::SetLimits(_) => 5,
            Self::LiftReduceOnly(_) => 6,
            Self::Kill(_) => 7,
            Self::LiftKill(_) => 8,
            Self::StartStrategy(_) => 9,
            Self::PauseStrategy(_) => 10,
            Self::ResumeStrategy(_) => 11,
            Self::StopStrategy(_) => 12,
            Self::OpenAccount(_) => 13,
        };
        Self::NAMES[at]
    }

    /// Returns the instrument that it trades, where it names one.
    pub fn instrument(&self) -> Option<&InstrumentId> {
        match self {
            Self::PlaceOrder(request) => Some(&request.instrument),
            Self::ClosePosition(close) => Some(&close.instrument),
            Self::StartStrategy(start) => Some(&start.instrument),
            _ => None,
        }
    }

    /// Returns the account that it names; [`Self::OpenAccount`] names none that is there.
    pub fn account(&self) -> Option<&AccountId> {
        match self {
            Self::PlaceOrder(request) => request.account.as_ref(),
            Self::CancelOrder(cancel) => cancel.account.as_ref(),
            Self::AmendOrder(amend) => amend.account.as_ref(),
            Self::CancelAll(cancel) => cancel.account.as_ref(),
            Self::ClosePosition(close) => close.account.as_ref(),
            Self::SetLimits(set) => set.account.as_ref(),
            Self::LiftReduceOnly(lift) => lift.account.as_ref(),
            Self::StartStrategy(start) => start.account.as_ref(),
            Self::PauseStrategy(one) | Self::ResumeStrategy(one) => one.account.as_ref(),
            Self::StopStrategy(stop) => stop.account.as_ref(),
            Self::Kill(_) | Self::LiftKill(_) | Self::OpenAccount(_) => None,
        }
    }
}

/// The answer to a command that was carried out.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum DeskReply {
    /// The order, as it is now.
    Order(Box<Order>),
    /// The order of a name that was used before, as it is now: nothing was placed.
    Repeated(Box<Order>),
    /// The orders concerned, as they are now.
    Orders(Vec<Order>),
    /// The strategy.
    Strategy(Box<StrategyEntry>),
    /// The account.
    Account(Box<Account>),
    /// The kill switch.
    Kill(KillReport),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_objects_with_one_member() {
        let text = r#"{"cancel_order":{"order_id":"17"}}"#;
        let command: DeskCommand = serde_json::from_str(text).unwrap();
        assert_eq!(command, DeskCommand::CancelOrder(CancelOrder { account: None, order_id: OrderId(17) }));
        assert_eq!(serde_json::to_string(&command).unwrap(), text);
        // Every name is that of the JSON.
        for name in DeskCommand::NAMES {
            let error = serde_json::from_str::<DeskCommand>(&format!(r#"{{"{name}":1}}"#)).unwrap_err();
            assert!(!error.to_string().contains("unknown variant"), "{name}: {error}");
        }
        let kill = DeskCommand::Kill(Kill { reason: String::new(), flatten: true });
        assert!(serde_json::to_string(&kill).unwrap().contains(kill.name()));
    }
}
