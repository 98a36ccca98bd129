//! Plan of a back-test: a strategy, an account, and instrument terms that the recording lacks.

use std::sync::Arc;

use desk::config::DeskConfig;
use model::{
    decimal::{Notional, Price, Quantity},
    instrument::{Instrument, InstrumentId, InstrumentStatus},
    trading::{
        account::{AccountKind, Currency, FeeRates},
        command::StartStrategy,
        strategy::StrategyId,
    },
};
use serde::{Deserialize, Serialize};

/// A plan, as its file has it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// The kind of strategy (`grid`).
    pub strategy: String,
    /// Instrument to trade.
    pub instrument: InstrumentId,
    /// Its settings.
    pub settings: serde_json::Value,
    /// Currency of the account; absent: that of the instrument.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<Currency>,
    /// Starting balance, in the account's currency.
    #[serde(default = "hundred_thousand")]
    pub start: Notional,
    /// Cash or margin.
    #[serde(default = "margin")]
    pub kind: AccountKind,
    /// Of a margin account.
    #[serde(default = "five")]
    pub max_leverage: u32,
    /// Fee rates of the venue; absent: 0.1 %.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fees: Option<FeeRates>,
    /// The instrument's terms, for recordings that do not tell them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terms: Option<PlanTerms>,
}

/// Terms of an instrument.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanTerms {
    /// The asset that is bought and sold.
    pub base: String,
    /// The currency it is priced in.
    pub quote: String,
    /// Price step.
    pub tick_size: Price,
    /// Quantity step.
    pub lot_size: Quantity,
}

fn hundred_thousand() -> Notional {
    Notional::from_mantissa(100_000, 0).unwrap_or_default()
}

fn margin() -> AccountKind {
    AccountKind::Margin
}

fn five() -> u32 {
    5
}

impl Plan {
    /// Returns the terms as an instrument.
    pub(crate) fn listed(&self) -> Option<Arc<Instrument>> {
        let terms = self.terms.as_ref()?;
        Some(Arc::new(Instrument {
            id: self.instrument.clone(),
            base: terms.base.clone(),
            quote: terms.quote.clone(),
            tick_size: terms.tick_size,
            lot_size: terms.lot_size,
            min_notional: None,
            status: InstrumentStatus::Trading,
            is_simulated: false,
        }))
    }

    /// Returns the desk's settings for an instrument.
    pub(crate) fn desk(&self, instrument: &Instrument) -> DeskConfig {
        let mut config = DeskConfig::default();
        if let Some(fees) = self.fees {
            config.broker.default_fees = fees;
        }
        let currency = self.currency.clone().unwrap_or_else(|| Currency::new(&instrument.quote));
        let account = &mut config.default_account;
        account.kind = self.kind;
        account.start = [(currency.clone(), self.start)].into();
        account.currency = currency;
        account.max_leverage = self.max_leverage;
        config
    }

    /// Returns the command that starts the strategy.
    pub(crate) fn start(&self) -> StartStrategy {
        StartStrategy {
            strategy_id: StrategyId::parse(NAME).expect("invariant: the name is valid"),
            kind: self.strategy.clone(),
            account: None,
            instrument: self.instrument.clone(),
            settings: self.settings.clone(),
        }
    }
}

/// The strategy's name in a back-test.
pub(crate) const NAME: &str = "backtest";
