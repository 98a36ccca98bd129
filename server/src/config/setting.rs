//! Any setting's value by its key (`stream.ping_ms`), as the API and the page's file have it.
//!
//! A list of feeds is a list of texts in their short form, `binance=BTCUSDT,ETHUSDT`. Not here: the meaning of the keys
//! ([`super::description`]), and whether a value can be used ([`super::load`]).

use std::{collections::BTreeMap, fmt};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Config;

/// A setting's value.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum SettingValue {
    /// Yes or no.
    Flag(bool),
    /// A whole number.
    Number(u64),
    /// A text; also decimals, which keep their digits.
    Text(String),
    /// A list of texts.
    List(Vec<String>),
}

/// Values by key.
pub type Values = BTreeMap<String, SettingValue>;

impl SettingValue {
    /// Returns the value in the form of a file.
    pub fn to_toml(&self) -> toml::Value {
        match self {
            Self::Flag(flag) => toml::Value::Boolean(*flag),
            // Beyond what a file can have, and beyond every range: the loader refuses it.
            Self::Number(number) => toml::Value::Integer(i64::try_from(*number).unwrap_or(i64::MAX)),
            Self::Text(text) => toml::Value::String(text.clone()),
            Self::List(items) => toml::Value::Array(items.iter().cloned().map(toml::Value::String).collect()),
        }
    }

    /// Reads a value of a file; `None` if no setting has such a one.
    fn of_toml(value: &toml::Value) -> Option<Self> {
        Some(match value {
            toml::Value::Boolean(flag) => Self::Flag(*flag),
            toml::Value::Integer(number) => Self::Number(u64::try_from(*number).ok()?),
            toml::Value::String(text) => Self::Text(text.clone()),
            toml::Value::Array(items) => Self::List(items.iter().map(text_of).collect::<Option<_>>()?),
            _ => return None,
        })
    }
}

impl fmt::Display for SettingValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(flag) => write!(f, "{flag}"),
            Self::Number(number) => write!(f, "{number}"),
            Self::Text(text) => f.write_str(text),
            Self::List(items) => f.write_str(&items.join("; ")),
        }
    }
}

/// Returns an item of a list: a text, or a feed in its long form.
fn text_of(item: &toml::Value) -> Option<String> {
    match item {
        toml::Value::String(text) => Some(text.clone()),
        toml::Value::Table(feed) => {
            let venue = feed.get("venue")?.as_str()?;
            let symbols = feed.get("symbols").map_or(Some(Vec::new()), |symbols| {
                symbols.as_array()?.iter().map(toml::Value::as_str).collect::<Option<Vec<_>>>()
            })?;
            Some(if symbols.is_empty() { venue.to_owned() } else { format!("{venue}={}", symbols.join(",")) })
        }
        _ => None,
    }
}

/// Returns the values of a file by key; `None` for one that no setting has.
pub fn flat(table: &toml::Table) -> BTreeMap<String, Option<SettingValue>> {
    let mut values = BTreeMap::new();
    let mut rest: Vec<(String, &toml::Value)> = table.iter().map(|(key, value)| (key.clone(), value)).collect();
    while let Some((key, value)) = rest.pop() {
        match value {
            toml::Value::Table(below) => {
                rest.extend(below.iter().map(|(name, value)| (format!("{key}.{name}"), value)));
            }
            value => {
                values.insert(key, SettingValue::of_toml(value));
            }
        }
    }
    values
}

/// Returns a file of these values.
pub fn nested(values: &Values) -> toml::Table {
    let mut root = toml::Table::new();
    for (key, value) in values {
        let mut table = &mut root;
        let mut keys = key.split('.').peekable();
        while let Some(name) = keys.next() {
            if keys.peek().is_none() {
                table.insert(name.to_owned(), value.to_toml());
                break;
            }
            let below = table.entry(name).or_insert_with(|| toml::Value::Table(toml::Table::new()));
            let toml::Value::Table(below) = below else { break };
            table = below;
        }
    }
    root
}

/// Returns all values of a configuration, those of each of these venues included. Secrets are hidden.
pub fn values<'a>(config: &Config, venues: impl IntoIterator<Item = &'a str>) -> Values {
    let mut config = config.clone();
    for venue in venues {
        config.venues.entry(venue.to_owned()).or_default();
    }
    let table = toml::Table::try_from(&config).expect("invariant: every setting has a form in TOML");
    flat(&table).into_iter().filter_map(|(key, value)| Some((key, value?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{FeedConfig, VenueConfig, token::Token};

    #[test]
    fn a_file_is_the_same_after_both_ways() {
        let text = "feeds = [\"demo=A,B\"]\n\n[access]\nlogin = \"never\"\n\n[desk.fees.demo]\nmaker = \"0.10\"\n\n[stream]\nping_ms = 5\n\n[tls]\nself_signed = true\n";
        let values = flat(&text.parse().unwrap());
        let values: Values = values.into_iter().map(|(key, value)| (key, value.unwrap())).collect();
        assert_eq!(values["desk.fees.demo.maker"], SettingValue::Text("0.10".to_owned()));
        let table: toml::Table = text.parse().unwrap();
        assert_eq!(nested(&values), table);
        assert_eq!(nested(&values).to_string().parse::<toml::Table>().unwrap(), table);
    }

    #[test]
    fn long_feeds_become_short_and_other_values_nothing() {
        let text =
            "a = 1.5\nb = -1\nc = [1]\n[[feeds]]\nvenue = \"x\"\nsymbols = [\"A\", \"B\"]\n[[feeds]]\nvenue = \"y\"";
        let values = flat(&text.parse().unwrap());
        assert_eq!(values["feeds"], Some(SettingValue::List(vec!["x=A,B".to_owned(), "y".to_owned()])));
        assert_eq!((&values["a"], &values["b"], &values["c"]), (&None, &None, &None));
    }

    #[test]
    fn a_configuration_has_a_value_for_each_key_and_no_secret() {
        let mut config =
            Config { feeds: vec![FeedConfig { venue: "x".into(), symbols: vec!["A".into()] }], ..Config::default() };
        config
            .venues
            .insert("x".to_owned(), VenueConfig { token: Token::new("s3cret").ok(), ..VenueConfig::default() });
        let values = values(&config, ["x", "y"]);
        assert_eq!(values["stream.ping_ms"], SettingValue::Number(25_000));
        assert_eq!(values["venues.y.backoff_min_ms"], SettingValue::Number(500));
        assert_eq!(values["feeds"].to_string(), "x=A");
        assert!(!values.contains_key("venues.x.ws_url"));
        assert!(!format!("{values:?}").contains("s3cret"));
    }
}
