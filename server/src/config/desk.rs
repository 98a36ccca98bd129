//! `[desk]`: the paper-trading desk: its default account, what venues charge, and how orders fill.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use ::desk::config::DeskConfig as Settings;
use broker::BrokerConfig;
use model::{
    decimal::{Notional, Rate},
    instrument::Venue,
    trading::{
        account::{AccountId, AccountKind, Currency, FeeRates},
        command::OpenAccount,
    },
};
use serde::{Deserialize, Deserializer, Serialize, de};

use super::whole::{Milliseconds, Whole};
use crate::desk::calendar::{ZonedDays, is_known};

/// The settings of the desk. The account's are those of its first start; later its own are kept.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct DeskConfig {
    /// False for a server that only watches.
    pub enabled: bool,
    /// The name of the default account; not that of the replay's.
    #[serde(deserialize_with = "read_account")]
    pub account: AccountId,
    /// `margin` or `cash`.
    pub kind: AccountKind,
    /// The currency of its totals, and of what it starts with.
    pub currency: Currency,
    /// Starting balance, in `currency`.
    pub start: Notional,
    /// The largest leverage of a margin account.
    #[serde(with = "Whole::<1, 100>")]
    pub max_leverage: u32,
    /// The IANA time zone whose midnight begins its day.
    #[serde(deserialize_with = "read_zone")]
    pub time_zone: String,
    /// Fee rate of a fill that rested, as a share of its value.
    pub maker_fee: Rate,
    /// Fee rate of a fill that crossed the spread.
    pub taker_fee: Rate,
    /// Other fees, by venue.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub fees: BTreeMap<String, FeeRates>,
    /// Largest distance of a market order's fills from the best price, in basis points.
    #[serde(with = "Whole::<1, 10_000>")]
    pub protection_bps: u32,
    /// The age from which a book fills nothing.
    #[serde(rename = "max_book_age_ms", with = "Milliseconds::<100, 600_000>")]
    pub max_book_age: Duration,
    /// Simulated time of an order on its way to the market.
    #[serde(rename = "entry_latency_ms", with = "Milliseconds::<0, 60_000>")]
    pub entry_latency: Duration,
    /// The same of a cancel.
    #[serde(rename = "cancel_latency_ms", with = "Milliseconds::<0, 60_000>")]
    pub cancel_latency: Duration,
}

impl Default for DeskConfig {
    fn default() -> Self {
        let Settings { broker, default_account, .. } = Settings::default();
        let start = default_account.start.get(&default_account.currency).copied().unwrap_or_default();
        Self {
            enabled: true,
            account: default_account.account,
            kind: default_account.kind,
            currency: default_account.currency,
            start,
            max_leverage: default_account.max_leverage,
            time_zone: default_account.time_zone,
            maker_fee: broker.default_fees.maker,
            taker_fee: broker.default_fees.taker,
            fees: BTreeMap::new(),
            protection_bps: broker.protection_bps,
            max_book_age: broker.max_book_age,
            entry_latency: broker.entry_latency,
            cancel_latency: broker.cancel_latency,
        }
    }
}

impl DeskConfig {
    /// Returns the settings of the desk itself.
    pub fn settings(&self) -> Settings {
        let fees = self.fees.iter().map(|(venue, rates)| (Venue::new(venue), *rates));
        let defaults = Settings::default();
        Settings {
            broker: BrokerConfig {
                entry_latency: self.entry_latency,
                cancel_latency: self.cancel_latency,
                protection_bps: self.protection_bps,
                max_book_age: self.max_book_age,
                fees: fees.collect(),
                default_fees: FeeRates { maker: self.maker_fee, taker: self.taker_fee },
                ..defaults.broker
            },
            default_account: OpenAccount {
                account: self.account.clone(),
                kind: self.kind,
                currency: self.currency.clone(),
                start: BTreeMap::from([(self.currency.clone(), self.start)]),
                max_leverage: self.max_leverage,
                time_zone: self.time_zone.clone(),
            },
            calendar: Arc::new(ZonedDays),
            ..defaults
        }
    }
}

fn read_account<'de, D: Deserializer<'de>>(from: D) -> Result<AccountId, D::Error> {
    let account = AccountId::deserialize(from)?;
    if account.is_replay() {
        let wrong = de::Unexpected::Str(account.as_str());
        return Err(de::Error::invalid_value(wrong, &"choose another name: this one belongs to replays"));
    }
    Ok(account)
}

fn read_zone<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    let zone = String::deserialize(from)?;
    if is_known(&zone) {
        return Ok(zone);
    }
    let wrong = de::Unexpected::Str(&zone);
    Err(de::Error::invalid_value(wrong, &"write an IANA time zone, as in Europe/Berlin or UTC"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_section_reads_as_documented() {
        let text = "account = \"main\"\nkind = \"cash\"\nstart = \"5000.50\"\ntime_zone = \"Europe/Berlin\"\ntaker_fee = \"0.0004\"\n[fees.kraken]\nmaker = \"0.0016\"\ntaker = \"0.0026\"";
        let config: DeskConfig = toml::from_str(text).unwrap();
        let settings = config.settings();
        assert_eq!(settings.default_account.start.values().next(), Notional::parse("5000.50").ok().as_ref());
        assert_eq!(settings.broker.fees_of(&Venue::new("kraken")).taker, Rate::parse("0.0026").unwrap());
        assert_eq!(settings.broker.fees_of(&Venue::new("binance")).taker, Rate::parse("0.0004").unwrap());
        for (bad, words) in [
            ("time_zone = \"Mars\"", "IANA"),
            ("max_leverage = 0", "1 to 100"),
            ("start = 5", "a string with a plain decimal"),
            ("account = \"With Space\"", "AccountId"),
            ("account = \"replay\"", "belongs to replays"),
            ("leverage = 5", "unknown field"),
        ] {
            let error = toml::from_str::<DeskConfig>(bad).unwrap_err().to_string();
            assert!(error.contains(words), "{bad}: {error}");
        }
    }
}
