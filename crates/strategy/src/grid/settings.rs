//! The settings of a grid.

use model::{
    decimal::{Notional, Price, Quantity, Rounding},
    instrument::Instrument,
    trading::{
        refusal::{DenyCode, Refusal},
        strategy::StopChoice,
    },
};
use serde::{Deserialize, Serialize};

/// Settings that a trader chooses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct GridSettings {
    /// Lowest line.
    pub lower: Price,
    /// Highest line.
    pub upper: Price,
    /// Lines, both ends included: one more than levels.
    pub n_lines: u32,
    /// Equal differences or equal ratios.
    #[serde(default)]
    pub spacing: Spacing,
    /// Direction in which levels open.
    #[serde(default)]
    pub mode: GridMode,
    /// Size of each level.
    pub size: LevelSize,
    /// Begins when the price reaches it; absent: at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trigger_price: Option<Price>,
    /// Ends the grid, below `lower` or above `upper`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop_loss: Option<Price>,
    /// Ends the grid, below `lower` or above `upper`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub take_profit: Option<Price>,
    /// Handling of orders and position when a stop-loss or take-profit ends the grid.
    #[serde(default = "flatten")]
    pub at_exit: StopChoice,
    /// The grid follows the price upwards, up to this highest line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trail_up_to: Option<Price>,
    /// The grid follows the price downwards, down to this lowest line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trail_down_to: Option<Price>,
}

fn flatten() -> StopChoice {
    StopChoice::Flatten
}

/// The distances of lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Spacing {
    /// Equal differences.
    #[default]
    Arithmetic,
    /// Equal ratios.
    Geometric,
}

/// Direction in which levels open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum GridMode {
    /// All buy first.
    #[default]
    Long,
    /// All sell first.
    Short,
    /// Below the price they buy first, above it they sell first.
    Neutral,
}

/// Size of each level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum LevelSize {
    /// Base units.
    Base(Quantity),
    /// Quote currency, spent at the level's lower line; rounded down to a lot.
    Quote(Notional),
}

impl LevelSize {
    /// Returns the base units of a level that buys at `price`, rounded down to a lot.
    ///
    /// # Errors
    /// Less than one lot, or less than the venue's smallest value.
    pub fn quantity(self, price: Price, instrument: &Instrument) -> Result<Quantity, Refusal> {
        let wanted = match self {
            Self::Base(quantity) => Some(quantity),
            Self::Quote(value) => value.bought_at(price, instrument.lot_size),
        };
        let quantity = wanted.and_then(|quantity| instrument.round_quantity(quantity, Rounding::Down));
        let quantity = quantity.filter(|quantity| !quantity.is_zero()).ok_or_else(|| {
            let message = format!("a level at {price} would trade less than one lot of {}", instrument.base);
            Refusal::new(DenyCode::QuantityBelowMinimum, message).with(instrument.lot_size, wanted.unwrap_or_default())
        })?;
        let value = price.checked_mul(quantity).unwrap_or_default();
        match instrument.min_notional.filter(|smallest| value < *smallest) {
            None => Ok(quantity),
            Some(smallest) => {
                let message = format!(
                    "a level at {price} would trade {value} {quote}; the venue's smallest order is {smallest} {quote}",
                    quote = instrument.quote
                );
                Err(Refusal::new(DenyCode::ValueBelowMinimum, message).with(smallest, value))
            }
        }
    }
}

impl GridSettings {
    /// Checks what does not depend on the instrument.
    ///
    /// # Errors
    /// The first setting that makes no sense.
    pub fn check(&self) -> Result<(), Refusal> {
        let refuse = |message: String| Err(Refusal::new(DenyCode::BadStrategy, message));
        if self.lower <= Price::ZERO || self.upper <= self.lower {
            return refuse(format!("the bounds {} and {} must be above zero, lower first", self.lower, self.upper));
        }
        if !(2..=MAX_LINES).contains(&self.n_lines) {
            return refuse(format!("{} lines; a grid has 2 to {MAX_LINES}", self.n_lines));
        }
        for (what, bound) in [("stop-loss", self.stop_loss), ("take-profit", self.take_profit)] {
            if let Some(bound) = bound
                && (self.lower..=self.upper).contains(&bound)
            {
                return refuse(format!("the {what} {bound} is inside the bounds {} and {}", self.lower, self.upper));
            }
        }
        let is_below = |bound: Option<Price>| bound.map(|bound| bound < self.lower);
        if is_below(self.stop_loss).is_some() && is_below(self.stop_loss) == is_below(self.take_profit) {
            return refuse("stop-loss and take-profit are on the same side of the grid".to_owned());
        }
        let wrong_side = match self.mode {
            GridMode::Long => is_below(self.stop_loss) == Some(false),
            GridMode::Short => is_below(self.stop_loss) == Some(true),
            GridMode::Neutral => false,
        };
        if wrong_side {
            return refuse("the stop-loss is on the side where this grid earns".to_owned());
        }
        if self.trail_up_to.is_some_and(|bound| bound <= self.upper) {
            return refuse(format!("the upper end of trailing is not above {}", self.upper));
        }
        if self.trail_down_to.is_some_and(|bound| bound >= self.lower || bound <= Price::ZERO) {
            return refuse(format!("the lower end of trailing is not between 0 and {}", self.lower));
        }
        Ok(())
    }
}

/// Most lines: each level has an order.
pub const MAX_LINES: u32 = 201;
