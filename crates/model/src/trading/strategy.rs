//! Strategies as the desk keeps them. Settings and state are JSON that only the strategy reads.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    decimal::{Notional, Price, Quantity, SignedQuantity},
    instrument::InstrumentId,
    time::Timestamp,
    trading::{account::AccountId, checked_text, refusal::Refusal},
};

checked_text! {
    /// A strategy's name, unique on the desk.
    StrategyId, |text| (1..=32).contains(&text.len()) && text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_')),
    "^[a-z0-9_-]{1,32}$",
    "1 to 32 of a to z, 0 to 9, - and _"
}

/// State of a strategy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum StrategyState {
    /// Waiting for its trigger price.
    Waiting,
    /// Trading.
    Running,
    /// Places nothing; its orders stay.
    Paused,
    /// Stopped by a person.
    Stopped,
    /// Stopped by itself: its stop-loss, its take-profit, or a fault.
    Ended,
}

impl StrategyState {
    /// Returns the name in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Stopped => "stopped",
            Self::Ended => "ended",
        }
    }
}

/// Handling of a stopped strategy's orders and position.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum StopChoice {
    /// Its orders are cancelled, its position stays.
    Cancel,
    /// Orders and position stay, as if a person had placed them.
    Keep,
    /// Its orders are cancelled and its position is closed at the market.
    Flatten,
}

/// A strategy as the desk keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct StrategyEntry {
    /// Its name.
    pub strategy_id: StrategyId,
    /// The kind of strategy (`grid`).
    pub kind: String,
    /// The account that it trades on.
    pub account: AccountId,
    /// Instrument that it trades.
    pub instrument: InstrumentId,
    /// Its settings, as JSON.
    pub settings: String,
    /// State of the strategy.
    pub state: StrategyState,
    /// Its memory: JSON by the name of the part. A change is journalled part by part.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub memory: BTreeMap<String, String>,
    /// Why it ended.
    pub reason: Option<Refusal>,
    /// Time of its start.
    pub started_time: Timestamp,
}

/// Report of a strategy.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct StrategyReport {
    /// Profit of closed round trips after fees, in quote currency.
    pub realised_pnl: Notional,
    /// Profit of what it holds at the last price, after the fees paid for it; `None` while there is no price.
    pub floating_pnl: Option<Notional>,
    /// Fees so far.
    pub fees: Notional,
    /// Closed round trips.
    pub n_round_trips: u64,
    /// Position, in base units; below zero: short.
    pub position: SignedQuantity,
    /// Levels that should have an order and have none.
    pub n_missing: u32,
    /// Its levels, lowest first; empty for strategies without.
    pub levels: Vec<LevelReport>,
}

impl StrategyReport {
    /// Returns realised and floating profit together; `None` while there is no price or it does not fit.
    pub fn total_pnl(&self) -> Option<Notional> {
        self.realised_pnl.checked_add(self.floating_pnl?)
    }
}

/// One level of a grid: buy at one line, sell at the next one above.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LevelReport {
    /// The lower line.
    pub buy_price: Price,
    /// The upper line.
    pub sell_price: Price,
    /// Base units it trades.
    pub quantity: Quantity,
    /// State of the level.
    pub state: LevelState,
    /// Base units it holds now, or has sold short.
    pub held: Quantity,
    /// Time since which it has been in its state.
    pub since: Timestamp,
    /// Closed round trips.
    pub n_round_trips: u64,
    /// Their profit after fees.
    pub realised_pnl: Notional,
    /// Why its last order was refused or ended without a fill.
    pub last_reason: Option<String>,
}

/// State of a level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum LevelState {
    /// No order: the price is on the wrong side, or the grid is not running.
    Waiting,
    /// Its entry is open.
    Entry,
    /// Its exit is open.
    Exit,
}
