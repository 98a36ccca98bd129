//! Conditions of alerts: one list that the page's forms, the interface and the engine share.
//!
//! Not here: how a condition is evaluated (`alerts`), and the words of its sentence (`alerts::words`). A new condition is
//! one variant here, one entry of [`kinds`] and one arm of the engine; a test compares the first two.
//!
//! # Layout
//! - [`kinds`]: name, title and fields of each, for forms and documents

pub mod kinds;

use serde::{Deserialize, Serialize};

use crate::{
    alert::{condition::kinds::ConditionKind, rule_id::RuleId, signal::SignalSide},
    candle::Interval,
    decimal::{Notional, Price, Quantity, Rate},
    instrument::Venue,
    trading::account::AccountId,
};

/// One condition. In JSON an object whose `kind` names it.
///
/// It either *happens* (a level is crossed, an order fills) or *holds* (the price is above a level): what holds fires when
/// it begins to, also where it does so from the start; what happens needs a value on the other side first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Condition {
    /// The last price reaches a level from the other side.
    PriceCrosses {
        /// Side from which the level is approached.
        direction: Direction,
        /// The level.
        level: Price,
        /// Distance from the level that re-arms it after it fired; zero: any step.
        #[serde(default)]
        hysteresis: Price,
    },
    /// The last price is at or above a level.
    PriceAbove {
        /// The level.
        level: Price,
        /// Distance below the level at which it ends.
        #[serde(default)]
        hysteresis: Price,
    },
    /// The last price is at or below a level.
    PriceBelow {
        /// The level.
        level: Price,
        /// Distance above the level at which it ends.
        #[serde(default)]
        hysteresis: Price,
    },
    /// The last price and a channel; its edges belong to it.
    Channel {
        /// Event or state of the channel.
        event: ChannelEvent,
        /// Lower edge.
        low: Price,
        /// Upper edge.
        high: Price,
    },
    /// The last price moves over a span of time: up from its lowest, or down from its highest price of the span.
    PriceMove {
        /// Direction of the move.
        direction: Direction,
        /// Size of the move.
        by: MoveSize,
        /// The span, in seconds.
        window_s: u32,
    },
    /// An indicator reaches a level.
    IndicatorLevel {
        /// Length of its bars.
        interval: Interval,
        /// The indicator (`rsi(14)`), or one of its outputs (`macd(12,26,9).signal`).
        spec: String,
        /// Side from which the level is approached.
        direction: Direction,
        /// The level.
        level: f64,
        /// Distance from the level that re-arms it.
        #[serde(default)]
        hysteresis: f64,
        /// On which bars.
        #[serde(default)]
        on: BarTiming,
    },
    /// One indicator crosses another.
    IndicatorCross {
        /// Length of the bars of both.
        interval: Interval,
        /// The indicator that crosses.
        fast: String,
        /// The one that is crossed.
        slow: String,
        /// Direction in which the first crosses the second.
        direction: Direction,
        /// On which bars.
        #[serde(default)]
        on: BarTiming,
    },
    /// A bar's volume is a multiple of the mean of those before.
    VolumeBurst {
        /// Length of the bars.
        interval: Interval,
        /// Bars of the mean.
        n_bars: u32,
        /// The multiple.
        factor: f64,
    },
    /// The spread is wide.
    SpreadAbove {
        /// In basis points of the mid price.
        bps: f64,
    },
    /// A signal appears.
    Signal {
        /// Of this rule; absent: of any.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        signal_rule: Option<RuleId>,
        /// On this side; absent: on any.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        side: Option<SignalSide>,
        /// False: forming ones as well.
        #[serde(default = "yes")]
        confirmed_only: bool,
    },
    /// A position of the desk changes.
    Position {
        /// Event or state of the position.
        event: PositionEvent,
        /// The size in base units, for [`PositionEvent::Above`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        size: Option<Quantity>,
        /// On this account; absent: on any.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        account: Option<AccountId>,
    },
    /// Profit and loss reaches an amount: of the account, or of the rule's instrument where it names one.
    Pnl {
        /// The figure.
        figure: PnlFigure,
        /// Side from which the level is approached.
        direction: Direction,
        /// The amount: in the account's currency, or in the instrument's quote currency.
        level: Notional,
        /// On this account; absent: on any.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        account: Option<AccountId>,
    },
    /// An order of the desk changes.
    Order {
        /// Event of the order.
        event: ExecutionEvent,
        /// On this account; absent: on any.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        account: Option<AccountId>,
    },
    /// The desk is filled.
    Fill {
        /// The least value, in quote currency; absent: any.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        min_value: Option<Notional>,
        /// On this account; absent: on any.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        account: Option<AccountId>,
    },
    /// A venue's connection.
    Connection {
        /// Event of the connection.
        event: ConnectionEvent,
        /// Of this venue; absent: of any.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        venue: Option<Venue>,
    },
    /// Data is missing: a gap in a book's or a tape's sequence.
    DataGap {
        /// Of this venue; absent: of any, or of the rule's instrument.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        venue: Option<Venue>,
    },
    /// The feed of the rule's instrument, or of any, is stale.
    Stale {
        /// For at least this many seconds.
        for_s: u32,
    },
    /// A recording ends.
    Recording {
        /// The way in which it ends.
        event: RecordingEvent,
    },
    /// The disk.
    Disk {
        /// State of the disk.
        event: DiskEvent,
        /// Bytes, for [`DiskEvent::FreeBelow`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        free_bytes: Option<u64>,
    },
    /// Errors pile up.
    RepeatedErrors {
        /// At least this many.
        n: u32,
        /// Within this many seconds.
        window_s: u32,
    },
}

fn yes() -> bool {
    true
}

impl Condition {
    /// Returns its entry in the list.
    pub fn kind(&self) -> &'static ConditionKind {
        let name = match self {
            Self::PriceCrosses { .. } => "price_crosses",
            Self::PriceAbove { .. } => "price_above",
            Self::PriceBelow { .. } => "price_below",
            Self::Channel { .. } => "channel",
            Self::PriceMove { .. } => "price_move",
            Self::IndicatorLevel { .. } => "indicator_level",
            Self::IndicatorCross { .. } => "indicator_cross",
            Self::VolumeBurst { .. } => "volume_burst",
            Self::SpreadAbove { .. } => "spread_above",
            Self::Signal { .. } => "signal",
            Self::Position { .. } => "position",
            Self::Pnl { .. } => "pnl",
            Self::Order { .. } => "order",
            Self::Fill { .. } => "fill",
            Self::Connection { .. } => "connection",
            Self::DataGap { .. } => "data_gap",
            Self::Stale { .. } => "stale",
            Self::Recording { .. } => "recording",
            Self::Disk { .. } => "disk",
            Self::RepeatedErrors { .. } => "repeated_errors",
        };
        kinds::find(name).expect("invariant: a test compares the two lists")
    }

    /// Returns true for what happens at one moment and holds for none: such a condition cannot have to hold for a time, and
    /// of those that all have to be met, only one may be of this kind.
    pub fn is_momentary(&self) -> bool {
        match self {
            Self::Signal { .. }
            | Self::Order { .. }
            | Self::Fill { .. }
            | Self::DataGap { .. }
            | Self::Recording { .. }
            | Self::RepeatedErrors { .. } => true,
            Self::Position { event, .. } => *event != PositionEvent::Above,
            _ => false,
        }
    }

    /// Returns true for a condition on prices or indicators, which can be looked at on closed bars and on history.
    pub fn is_of_bars(&self) -> bool {
        matches!(
            self,
            Self::PriceCrosses { .. }
                | Self::PriceAbove { .. }
                | Self::PriceBelow { .. }
                | Self::Channel { .. }
                | Self::PriceMove { .. }
                | Self::IndicatorLevel { .. }
                | Self::IndicatorCross { .. }
                | Self::VolumeBurst { .. }
        )
    }
}

/// Direction from which a level is met.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// From below.
    #[default]
    Up,
    /// From above.
    Down,
    /// From either side.
    Either,
}

/// Event or state of a price channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ChannelEvent {
    /// Happens when the price comes in.
    Entering,
    /// Happens when the price leaves.
    Exiting,
    /// Holds while the price is in.
    Inside,
    /// Holds while the price is out.
    Outside,
}

/// The size of a move. In JSON `{"percent":"1.5"}` or `{"absolute":"100"}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum MoveSize {
    /// In percent of the price that it starts from.
    Percent(Rate),
    /// In quote currency.
    Absolute(Price),
}

/// On which bars an indicator is looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum BarTiming {
    /// On closed bars: what fires stays true.
    #[default]
    Close,
    /// On the forming bar as well: what fires may not be true at the bar's close.
    Forming,
}

/// Event or state of a position.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum PositionEvent {
    /// Happens when nothing was held before.
    Opened,
    /// Happens when nothing is held any more.
    Closed,
    /// Holds while at least a size is held, long or short.
    Above,
}

/// A figure of profit and loss.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum PnlFigure {
    /// Of what is held.
    #[default]
    Unrealised,
    /// Of what was closed.
    Realised,
    /// Since the begin of the account's day.
    Day,
    /// Both together, after fees.
    Total,
}

/// Event of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ExecutionEvent {
    /// It is filled completely.
    Filled,
    /// A part of it is filled.
    PartiallyFilled,
    /// It is refused.
    Rejected,
    /// It is cancelled.
    Cancelled,
    /// Its time passed.
    Expired,
}

/// Event of a venue's connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ConnectionEvent {
    /// It is lost.
    Lost,
    /// It is back.
    Back,
}

/// End of a recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum RecordingEvent {
    /// It could not be written.
    Failed,
    /// It was stopped, or it reached its limit.
    Stopped,
}

/// State of the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum DiskEvent {
    /// Holds while less is free than a number of bytes.
    FreeBelow,
    /// Holds while the desk's journal cannot be written.
    JournalFull,
}
