//! The preview of the form's grid: read from its fields, computed by the strategy's own code.

use model::{
    decimal::{Notional, Price, Quantity},
    instrument::Instrument,
    trading::{
        account::FeeRates,
        strategy::{StopChoice, StrategyId},
    },
};
use strategy::grid::{
    preview::{GridPreview, preview},
    settings::{GridMode, GridSettings, LevelSize, Spacing},
};

use crate::pages::desk::typed;

/// The form's fields as typed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fields {
    /// The strategy's name.
    pub name: String,
    /// Lowest line.
    pub lower: String,
    /// Highest line.
    pub upper: String,
    /// Number of lines.
    pub n_lines: String,
    /// `arithmetic` or `geometric`.
    pub spacing: String,
    /// `long`, `short` or `neutral`.
    pub mode: String,
    /// Size of a level.
    pub size: String,
    /// True if `size` is in quote currency.
    pub is_quote_size: bool,
    /// Begins at this price.
    pub trigger: String,
    /// Ends the grid with a loss.
    pub stop_loss: String,
    /// Ends the grid with a profit.
    pub take_profit: String,
    /// The furthest that the grid may follow the price up.
    pub trail_up: String,
    /// The furthest down.
    pub trail_down: String,
}

impl Fields {
    /// Returns the fields of a grid around `price`: 2 % up and down, ten levels of 100 in quote currency.
    pub fn around(price: Price, instrument: &Instrument) -> Option<Self> {
        let at = |percent: i128| {
            let scale = price.scale().checked_add(2)?;
            let moved = Price::from_mantissa(price.mantissa().checked_mul(percent)?, scale)?;
            let rounded = instrument.round_price(moved, model::decimal::Rounding::NearestEven)?;
            Some(rounded.at_scale(instrument.price_decimals()).to_string())
        };
        Some(Self {
            name: "grid-1".to_owned(),
            lower: at(98)?,
            upper: at(102)?,
            n_lines: "11".to_owned(),
            spacing: "arithmetic".to_owned(),
            mode: "neutral".to_owned(),
            size: "100".to_owned(),
            is_quote_size: true,
            ..Self::default()
        })
    }

    /// Reads the settings.
    ///
    /// # Errors
    /// The first field that cannot be read.
    pub fn settings(&self) -> Result<GridSettings, String> {
        let price = typed::price;
        let optional = |what: &str, text: &str| match text.trim() {
            "" => Ok(None),
            text => price(what, text).map(Some),
        };
        let size_text = typed::plain(&self.size);
        let size = if self.is_quote_size {
            Notional::parse(&size_text).ok().filter(|size| *size > Notional::ZERO).map(LevelSize::Quote)
        } else {
            Quantity::parse(&size_text).ok().filter(|size| !size.is_zero()).map(LevelSize::Base)
        };
        let n_lines = self.n_lines.trim();
        Ok(GridSettings {
            lower: price("Lower bound", &self.lower)?,
            upper: price("Upper bound", &self.upper)?,
            n_lines: n_lines.parse().map_err(|_| format!("Lines: {n_lines:?} is not a whole number"))?,
            spacing: if self.spacing == "geometric" { Spacing::Geometric } else { Spacing::Arithmetic },
            mode: match self.mode.as_str() {
                "long" => GridMode::Long,
                "short" => GridMode::Short,
                _ => GridMode::Neutral,
            },
            size: size.ok_or_else(|| format!("Size: {:?} is not a size above zero", self.size))?,
            trigger_price: optional("Start price", &self.trigger)?,
            stop_loss: optional("Stop-loss", &self.stop_loss)?,
            take_profit: optional("Take-profit", &self.take_profit)?,
            at_exit: StopChoice::Flatten,
            trail_up_to: optional("Trail up to", &self.trail_up)?,
            trail_down_to: optional("Trail down to", &self.trail_down)?,
        })
    }

    /// Reads the strategy's name.
    ///
    /// # Errors
    /// It is not a name.
    pub fn strategy_id(&self) -> Result<StrategyId, String> {
        StrategyId::parse(self.name.trim())
            .map_err(|_| format!("Name: {:?}; use 1 to 32 of a to z, 0 to 9, - and _", self.name))
    }

    /// Returns the preview: the same as the server's.
    ///
    /// # Errors
    /// The server's answer.
    pub fn preview(&self, instrument: &Instrument, fees: FeeRates) -> Result<GridPreview, String> {
        let settings = self.settings()?;
        settings.check().and_then(|()| preview(&settings, instrument, fees)).map_err(|refusal| refusal.message)
    }
}

#[cfg(test)]
mod tests {
    use model::decimal::Rate;

    use super::*;

    fn instrument() -> Instrument {
        serde_json::from_str(
            r#"{"id":"one:A","base":"A","quote":"B","tick_size":"0.01","lot_size":"0.001","min_notional":null,"status":"trading","is_simulated":true}"#,
        )
        .unwrap()
    }

    fn fees(maker: &str) -> FeeRates {
        FeeRates { maker: Rate::parse(maker).unwrap(), taker: Rate::ZERO }
    }

    #[test]
    fn the_first_fields_make_a_grid_and_fees_can_eat_it() {
        let fields = Fields::around(Price::parse("100.00").unwrap(), &instrument()).unwrap();
        assert_eq!((fields.lower.as_str(), fields.upper.as_str()), ("98.00", "102.00"));
        let shown = fields.preview(&instrument(), fees("0.001")).unwrap();
        assert_eq!((shown.levels.len(), shown.levels[0].buy_price.to_string()), (10, "98.00".to_owned()));
        assert!(fields.preview(&instrument(), fees("0.01")).unwrap_err().contains("fees"));
    }

    #[test]
    fn the_first_unreadable_field_is_named() {
        let fields = Fields::around(Price::parse("100.00").unwrap(), &instrument()).unwrap();
        for (change, expected) in [
            (Fields { lower: "x".to_owned(), ..fields.clone() }, "Lower bound"),
            (Fields { n_lines: "2.5".to_owned(), ..fields.clone() }, "Lines"),
            (Fields { size: "0".to_owned(), ..fields.clone() }, "Size"),
            (Fields { stop_loss: "low".to_owned(), ..fields.clone() }, "Stop-loss"),
        ] {
            assert!(change.settings().unwrap_err().starts_with(expected), "{expected}");
        }
        assert!(Fields { name: "My grid".to_owned(), ..fields }.strategy_id().is_err());
    }
}
