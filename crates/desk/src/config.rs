//! The settings of the desk.

use std::{collections::BTreeMap, sync::Arc};

use broker::BrokerConfig;
use model::{
    decimal::{Notional, Rate},
    trading::{
        account::{AccountId, AccountKind, Currency, FeeRates, RiskLimits},
        command::OpenAccount,
    },
};

use crate::calendar::{Calendar, UtcDays};

/// The settings of the desk.
#[derive(Clone, Debug)]
pub struct DeskConfig {
    /// Settings of the broker, which fills orders.
    pub broker: BrokerConfig,
    /// The account of commands that name none; opened at the first start.
    pub default_account: OpenAccount,
    /// Limits of an account when it is opened.
    pub default_limits: RiskLimits,
    /// Groups of currencies that count 1:1 where no live rate is known.
    pub parity: Vec<Vec<Currency>>,
    /// Time zones.
    pub calendar: Arc<dyn Calendar>,
}

impl Default for DeskConfig {
    fn default() -> Self {
        let account = |text| AccountId::parse(text).expect("invariant: the name is valid");
        let usd = Currency::new("USD");
        let thousandth = Rate::from_mantissa(1, 3).expect("invariant: it fits");
        let fees = FeeRates { maker: thousandth, taker: thousandth };
        Self {
            broker: BrokerConfig { default_fees: fees, ..BrokerConfig::default() },
            default_account: OpenAccount {
                account: account("paper"),
                kind: AccountKind::Margin,
                currency: usd.clone(),
                start: BTreeMap::from([(usd, Notional::from_mantissa(100_000, 0).unwrap_or_default())]),
                max_leverage: 5,
                time_zone: "UTC".to_owned(),
            },
            default_limits: RiskLimits {
                price_collar_bps: Some(500),
                max_open_orders: Some(500),
                max_orders_per_second: Some(100),
                ..RiskLimits::default()
            },
            parity: vec![["USD", "USDT", "USDC"].map(Currency::new).to_vec()],
            calendar: Arc::new(UtcDays),
        }
    }
}
