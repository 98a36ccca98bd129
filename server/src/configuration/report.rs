//! All settings as the page shows them.

use schemars::JsonSchema;
use serde::Serialize;

use crate::config::{
    description::{Applies, Description, Kind, is_locked},
    error::Origin,
    setting::SettingValue,
};

/// All settings.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Report {
    /// The name of these settings; a change sends it, so that it changes no others.
    pub revision: String,
    /// False for a server that keeps no settings: nothing can be changed.
    pub is_kept: bool,
    /// The file of what the page has changed.
    pub path: Option<String>,
    /// The settings, in the order of the page.
    pub settings: Vec<Setting>,
}

/// A setting.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Setting {
    /// The key, as in the configuration file.
    pub key: String,
    /// The title.
    pub title: &'static str,
    /// One or two sentences about it.
    pub help: &'static str,
    /// The unit; empty without one.
    pub unit: &'static str,
    /// The form: `number`, `text`, `flag`, `choice`, `list` or `secret`.
    pub kind: &'static str,
    /// The smallest number.
    pub min: Option<u64>,
    /// The largest number.
    pub max: Option<u64>,
    /// The words of a choice.
    pub choices: &'static [&'static str],
    /// The effect of a change: `at_once`, `new_connections`, `new_feed` for settings with which the venue's feed starts
    /// again, `restart`, or `not_here` for what the page cannot change.
    pub applies: &'static str,
    /// The value; absent if there is none, and for secrets.
    pub value: Option<SettingValue>,
    /// The value without any source.
    pub default: Option<SettingValue>,
    /// The value that a reset gives: that of the file, or the default.
    pub below: Option<SettingValue>,
    /// True if there is a value, also a secret one.
    pub is_set: bool,
    /// The source: `default`, `file`, `page`, `environment` or `flag`.
    pub source: &'static str,
    /// The file, variable or flag.
    pub set_by: Option<String>,
    /// True if the page cannot change it.
    pub is_locked: bool,
    /// True if a change waits for a restart.
    pub is_pending: bool,
    /// The value until the restart, while one waits.
    pub running: Option<SettingValue>,
}

/// The parts that differ from server to server.
pub struct Parts<'a> {
    /// The source.
    pub origin: Option<&'a Origin>,
    /// The newest value.
    pub value: Option<SettingValue>,
    /// The default.
    pub default: Option<SettingValue>,
    /// The value without the page.
    pub below: Option<SettingValue>,
    /// The value at the start.
    pub running: Option<SettingValue>,
    /// True if the value has changed since the start.
    pub is_pending: bool,
}

impl Setting {
    /// Returns a setting with its description.
    pub fn new(description: &'static Description, key: String, parts: Parts<'_>) -> Self {
        let Parts { origin, value, default, below, running, is_pending } = parts;
        let (min, max) = match description.kind {
            Kind::Number { min, max } => (Some(min), Some(max)),
            _ => (None, None),
        };
        let is_pending = is_pending && description.applies == Applies::Restart;
        let is_secret = description.kind == Kind::Secret;
        let shown = |value: Option<SettingValue>| value.filter(|_| !is_secret);
        let (source, set_by) = source(origin);
        Self {
            key,
            title: description.title,
            help: description.help,
            unit: description.unit,
            kind: description.kind.as_str(),
            min,
            max,
            choices: if let Kind::Choice(words) = description.kind { words } else { &[] },
            applies: description.applies.as_str(),
            is_set: value.is_some(),
            value: shown(value),
            default: shown(default),
            below: shown(below),
            source,
            set_by,
            is_locked: is_locked(origin) || description.applies == Applies::NotHere,
            is_pending,
            running: shown(running).filter(|_| is_pending),
        }
    }
}

fn source(origin: Option<&Origin>) -> (&'static str, Option<String>) {
    match origin {
        None => ("default", None),
        Some(Origin::File(path)) => ("file", Some(path.display().to_string())),
        Some(Origin::Page(path)) => ("page", Some(path.display().to_string())),
        Some(Origin::Variable(name)) => ("environment", Some(name.clone())),
        Some(Origin::Flag(flag)) => ("flag", Some((*flag).to_owned())),
    }
}
