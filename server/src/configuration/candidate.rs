//! Changes checked before they are made: what they would do, and what cannot be used.

use std::{collections::BTreeMap, fmt};

use schemars::JsonSchema;
use serde::Serialize;

use super::{Configuration, ConfigurationError, Kept, text_of};
use crate::{
    config::{
        Config, ConfigError,
        description::{self, Applies, Description, Kind, SETTINGS, is_locked},
        error::Origin,
        page::Origins,
        setting::{SettingValue, Values, flat, values},
        token::HIDDEN,
    },
    suggest::nearest,
};

/// New values by key; `None` takes back what the page has set.
pub type Changes = BTreeMap<String, Option<SettingValue>>;

/// A change of one setting.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct SettingChange {
    /// The key.
    pub key: String,
    /// The title.
    pub title: &'static str,
    /// The value before; absent if there is none, and for secrets.
    pub before: Option<SettingValue>,
    /// The value then; absent if there is none, and for secrets.
    pub after: Option<SettingValue>,
    /// True if there will be a value, also a secret one.
    pub is_set: bool,
    /// The moment at which it takes effect.
    pub applies: &'static str,
}

/// A setting that cannot be changed so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct SettingFault {
    /// The key.
    pub key: String,
    /// The value as it was given; hidden for secrets.
    pub value: String,
    /// The remedy.
    pub remedy: String,
}

/// The effects of a change.
#[derive(Debug)]
pub struct Candidate {
    /// The settings that get another value.
    pub changes: Vec<SettingChange>,
    /// The settings that cannot be changed so; with one, nothing is.
    pub faults: Vec<SettingFault>,
    /// The configuration then; absent if nothing of it can be used.
    pub(super) accepted: Option<NextConfig>,
}

/// A valid configuration with the text that makes it.
#[derive(Debug)]
pub(super) struct NextConfig {
    pub(super) text: String,
    pub(super) config: Config,
    pub(super) origins: Origins,
}

impl fmt::Display for SettingFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { key, value, remedy } = self;
        if value.is_empty() { write!(f, "{key}: {remedy}") } else { write!(f, "{key} = {value}: {remedy}") }
    }
}

impl fmt::Display for SettingChange {
    /// Shows the change for the audit log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_secret = description::find(&self.key).is_some_and(|found| found.kind == Kind::Secret);
        if is_secret {
            return write!(f, "{}: {}", self.key, if self.is_set { "set" } else { "removed" });
        }
        let shown =
            |value: &Option<SettingValue>| value.as_ref().map_or_else(|| "none".to_owned(), ToString::to_string);
        write!(f, "{}: {} to {}", self.key, shown(&self.before), shown(&self.after))
    }
}

/// Reads the changes that a configuration file would make.
///
/// # Errors
/// It is not TOML, or has something that no setting is.
pub fn changes_of(text: &str) -> Result<Changes, Vec<SettingFault>> {
    let table: toml::Table = text.parse().map_err(|error: toml::de::Error| {
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        let remedy = format!("it is not valid TOML from line {} on", before.matches('\n').count() + 1);
        vec![SettingFault { key: "toml".to_owned(), value: String::new(), remedy }]
    })?;
    let (mut changes, mut faults) = (Changes::new(), Vec::new());
    for (key, value) in flat(&table) {
        match value {
            // The place of a secret in what `truetape config show` prints.
            Some(SettingValue::Text(text)) if text == HIDDEN => {}
            Some(value) => drop(changes.insert(key, Some(value))),
            None => faults.push(SettingFault { key, value: String::new(), remedy: NO_SUCH_VALUE.to_owned() }),
        }
    }
    if faults.is_empty() { Ok(changes) } else { Err(faults) }
}

impl Configuration {
    /// Checks changes by loading the whole configuration with them.
    pub(super) fn candidate(&self, kept: &Kept, changes: Changes) -> Result<Candidate, ConfigurationError> {
        let base = self.0.base.as_ref().ok_or(ConfigurationError::NotKept)?;
        let venues = || self.0.venues.iter().map(String::as_str);
        let current = values(&self.0.newest.borrow(), venues());
        let (mut wanted, mut faults) = (Changes::new(), Vec::new());
        for (key, value) in changes {
            let found = description::find(&key);
            let is_secret = found.is_some_and(|found| found.kind == Kind::Secret);
            if !is_secret && value.is_some() && value.as_ref() == current.get(&key) {
                continue;
            }
            match self.refusal(&key, found, kept.origins.get(&key)) {
                Some(remedy) => faults.push(fault(&key, value.as_ref(), remedy)),
                None => drop(wanted.insert(key, value)),
            }
        }
        // One mistake is found at a time: each is taken out, until the rest can be used.
        let accepted = loop {
            let text = text_of(&merged(&kept.values, &wanted));
            let error = match base.with(&text) {
                Ok((config, origins)) => break Some(NextConfig { text, config, origins }),
                Err(error) => error,
            };
            let (key, remedy) = key_and_remedy(error);
            let at_fault = wanted.keys().find(|wanted| is_about(&key, wanted)).cloned();
            match at_fault.and_then(|key| wanted.remove_entry(&key)) {
                Some((key, value)) => faults.push(fault(&key, value.as_ref(), remedy)),
                // A setting that was not changed contradicts those that were.
                None => {
                    faults.push(SettingFault { key, value: String::new(), remedy });
                    break None;
                }
            }
        };
        let after = accepted.as_ref().map(|accepted| values(&accepted.config, venues()));
        let changes = after.map(|after| differing(&wanted, &current, &after)).unwrap_or_default();
        Ok(Candidate { changes, faults, accepted })
    }

    /// Returns why a setting cannot be changed, whatever its value.
    fn refusal(&self, key: &str, found: Option<&Description>, origin: Option<&Origin>) -> Option<String> {
        let Some(found) = found else {
            let known = SETTINGS.iter().map(|setting| setting.key);
            return Some(match nearest(key, known) {
                Some(known) => format!("there is no such setting; did you mean {known}?"),
                None => "there is no such setting".to_owned(),
            });
        };
        let venues = self.0.venues.iter().map(String::as_str);
        if !description::keys(found, venues).iter().any(|known| known == key) {
            return Some(format!("there is no such venue; write one of {}", self.0.venues.join(", ")));
        }
        if found.applies == Applies::NotHere {
            return Some("change it in the configuration file, the environment or by a flag".to_owned());
        }
        let locked = origin.filter(|origin| is_locked(Some(origin)));
        locked.map(|origin| format!("it is set by the {origin}; change it there"))
    }
}

/// Returns what the page keeps after these changes.
fn merged(kept: &Values, wanted: &Changes) -> Values {
    let mut merged = kept.clone();
    for (key, value) in wanted {
        match value {
            Some(value) => merged.insert(key.clone(), value.clone()),
            None => merged.remove(key),
        };
    }
    merged
}

/// Returns the settings that get another value; secrets whether or not it is another.
fn differing(wanted: &Changes, current: &Values, after: &Values) -> Vec<SettingChange> {
    let changes = wanted.keys().filter_map(|key| {
        let found = description::find(key)?;
        let is_secret = found.kind == Kind::Secret;
        let (before, then) = (current.get(key), after.get(key));
        if !is_secret && before == then {
            return None;
        }
        let shown = |value: Option<&SettingValue>| value.filter(|_| !is_secret).cloned();
        Some(SettingChange {
            key: key.clone(),
            title: found.title,
            before: shown(before),
            after: shown(then),
            is_set: then.is_some(),
            applies: found.applies.as_str(),
        })
    });
    changes.collect()
}

fn key_and_remedy(error: ConfigError) -> (String, String) {
    match error {
        ConfigError::Invalid { key, remedy, .. } => (key, remedy),
        ConfigError::UnknownKey { ref key, .. } => (key.clone(), error.to_string()),
        error => (String::new(), error.to_string()),
    }
}

/// Returns true if an error at `key` is that of a changed setting: itself, a part of it, or a section around it.
fn is_about(key: &str, changed: &str) -> bool {
    let is_below = |key: &str, above: &str| {
        key.strip_prefix(above).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
    };
    is_below(key, changed) || is_below(changed, key)
}

fn fault(key: &str, value: Option<&SettingValue>, remedy: String) -> SettingFault {
    let is_secret = description::find(key).is_none_or(|found| found.kind == Kind::Secret || key.ends_with("_url"));
    let value = match value {
        None => String::new(),
        Some(_) if is_secret => HIDDEN.to_owned(),
        Some(value) => value.to_string().chars().take(MAX_SHOWN).collect(),
    };
    SettingFault { key: key.chars().take(MAX_SHOWN).collect(), value, remedy }
}

const NO_SUCH_VALUE: &str = "write a whole number, a text, true or false, or a list of texts";
/// A value pasted by mistake may be a whole file.
const MAX_SHOWN: usize = 120;
