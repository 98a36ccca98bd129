//! Preview of a grid: its levels with their profit after fees, and the capital that it needs.

use model::{
    decimal::{Notional, Price, Quantity, Rate},
    instrument::Instrument,
    trading::{
        account::FeeRates,
        refusal::{DenyCode, Refusal},
    },
};
use serde::Serialize;

use crate::grid::{lines::lines, settings::GridSettings};

/// A grid before it is started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct GridPreview {
    /// Lowest first.
    pub levels: Vec<LevelPreview>,
    /// Value that all levels together buy or sell first, in quote currency.
    pub capital: Notional,
    /// Smallest profit of a level after fees, as a share of what it spends.
    pub least_return: Rate,
    /// Largest.
    pub most_return: Rate,
}

/// A level before the grid is started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LevelPreview {
    /// The lower line.
    pub buy_price: Price,
    /// The upper line.
    pub sell_price: Price,
    /// Base units.
    pub quantity: Quantity,
    /// Fees of both fills as maker.
    pub fees: Notional,
    /// Profit of a round trip after fees.
    pub net_profit: Notional,
    /// The same as a share of what it spends at the lower line.
    pub net_return: Rate,
}

/// Returns what a grid would do.
///
/// A round trip earns `q · sell · (1 − f) − q · buy · (1 + f)`, `f` the venue's maker rate, with the lines on the tick
/// grid.
///
/// # Errors
/// Settings that make no sense, a level too small for the venue, or one whose fees are not below its spacing.
pub fn preview(settings: &GridSettings, instrument: &Instrument, fees: FeeRates) -> Result<GridPreview, Refusal> {
    let lines = lines(settings, instrument)?;
    let mut levels = Vec::with_capacity(lines.len());
    let mut capital = Some(Notional::ZERO);
    for pair in lines.windows(2) {
        let &[buy_price, sell_price] = pair else { continue };
        let quantity = settings.size.quantity(buy_price, instrument)?;
        let level = level(buy_price, sell_price, quantity, fees);
        let level =
            level.ok_or_else(|| Refusal::new(DenyCode::DoesNotFit, "a level's value does not fit a decimal"))?;
        if level.net_profit <= Notional::ZERO {
            let spacing = sell_price.checked_sub(buy_price).unwrap_or_default();
            let message = format!(
                "between {buy_price} and {sell_price} a round trip pays {} in fees and earns {}: use fewer lines or wider \
                 bounds",
                level.fees, level.net_profit
            );
            return Err(Refusal::new(DenyCode::FeesEatSpacing, message).with(level.fees, spacing));
        }
        capital = capital.and_then(|sum| sum.checked_add(buy_price.checked_mul(quantity)?));
        levels.push(level);
    }
    let returns = || levels.iter().map(|level| level.net_return);
    Ok(GridPreview {
        capital: capital
            .ok_or_else(|| Refusal::new(DenyCode::DoesNotFit, "the grid's value does not fit a decimal"))?,
        least_return: returns().min().unwrap_or_default(),
        most_return: returns().max().unwrap_or_default(),
        levels,
    })
}

fn level(buy_price: Price, sell_price: Price, quantity: Quantity, fees: FeeRates) -> Option<LevelPreview> {
    let (bought, sold) = (buy_price.checked_mul(quantity)?, sell_price.checked_mul(quantity)?);
    let fee = |value: Notional| value.share(fees.maker, FEE_DECIMALS);
    let fees = fee(bought)?.checked_add(fee(sold)?)?;
    let net_profit = sold.checked_sub(bought)?.checked_sub(fees)?;
    let net_return = net_profit.ratio(bought, RETURN_DECIMALS)?;
    Some(LevelPreview { buy_price, sell_price, quantity, fees, net_profit, net_return })
}

/// Decimals of a fee, as the broker has them.
const FEE_DECIMALS: u32 = 8;
const RETURN_DECIMALS: u32 = 6;
