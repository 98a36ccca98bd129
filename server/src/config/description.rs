//! The description of every setting: what it means, how it is written, and when a change takes effect.
//!
//! The Configuration page, its API and `docs/configuration.md` are made from it. A venue's settings are described once,
//! with `*` in place of its name. Ranges are those of the sections: a test compares them with what the loader accepts.
//! Not here: the list itself ([`list`]).

mod list;

use super::error::Origin;

pub use list::SETTINGS;

/// The description of a setting.
#[derive(Clone, Copy, Debug)]
pub struct Description {
    /// The key, with `*` for any venue.
    pub key: &'static str,
    /// The title, a few words.
    pub title: &'static str,
    /// One or two sentences for people.
    pub help: &'static str,
    /// The unit of its number; empty without one.
    pub unit: &'static str,
    /// The form of its value.
    pub kind: Kind,
    /// The moment at which a change takes effect.
    pub applies: Applies,
}

/// The form of a setting's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A whole number in a range.
    Number {
        /// The smallest.
        min: u64,
        /// The largest.
        max: u64,
    },
    /// A text; also decimals, addresses and paths.
    Text,
    /// On or off.
    Flag,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A list of texts.
    List,
    /// A text that is never shown.
    Secret,
}

impl Kind {
    /// Returns its word in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Number { .. } => "number",
            Self::Text => "text",
            Self::Flag => "flag",
            Self::Choice(_) => "choice",
            Self::List => "list",
            Self::Secret => "secret",
        }
    }
}

/// The moment at which a change takes effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applies {
    /// At once.
    AtOnce,
    /// For connections that are opened from then on.
    NewConnections,
    /// At once, by starting the feeds concerned again.
    NewFeed,
    /// After a restart of the server.
    Restart,
    /// Never by the page: the setting says where the page's settings are.
    NotHere,
}

impl Applies {
    /// Returns its word in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AtOnce => "at_once",
            Self::NewConnections => "new_connections",
            Self::NewFeed => "new_feed",
            Self::Restart => "restart",
            Self::NotHere => "not_here",
        }
    }

    /// Returns it as words for people.
    pub fn words(self) -> &'static str {
        match self {
            Self::AtOnce => "at once",
            Self::NewConnections => "at once, for new connections",
            Self::NewFeed => "at once; the venue's feed starts again",
            Self::Restart => "after a restart",
            Self::NotHere => "after a restart; not on the page",
        }
    }
}

/// Returns the description of a key, in which `*` stands for any venue's name.
pub fn find(key: &str) -> Option<&'static Description> {
    SETTINGS.iter().find(|description| is_of(description.key, key))
}

/// Returns the keys of a description, one a venue if it is about venues.
pub fn keys<'a>(description: &Description, venues: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    match description.key.contains('*') {
        true => venues.into_iter().map(|venue| description.key.replacen('*', venue, 1)).collect(),
        false => vec![description.key.to_owned()],
    }
}

fn is_of(pattern: &str, key: &str) -> bool {
    let (mut pattern, mut key) = (pattern.split('.'), key.split('.'));
    loop {
        match (pattern.next(), key.next()) {
            (None, None) => return true,
            (Some(part), Some(found)) if part == found || (part == "*" && !found.is_empty()) => {}
            _ => return false,
        }
    }
}

/// Returns true if the page cannot change what this source sets.
pub fn is_locked(origin: Option<&Origin>) -> bool {
    matches!(origin, Some(Origin::Variable(_) | Origin::Flag(_)))
}

#[cfg(test)]
mod tests;
