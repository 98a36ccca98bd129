//! What is wrong with a configuration, said so that it can be put right: the key, where it stands, and the remedy.

use std::{fmt, path::PathBuf};

/// Where a setting comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A configuration file.
    File(PathBuf),
    /// An environment variable.
    Variable(String),
    /// A command-line flag.
    Flag(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "file {}", path.display()),
            Self::Variable(name) => write!(f, "variable {name}"),
            Self::Flag(flag) => write!(f, "flag {flag}"),
        }
    }
}

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read configuration file {}", path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// The system's words.
        source: std::io::Error,
    },
    /// The file is no TOML.
    #[error("configuration file {} is not valid TOML", path.display())]
    NotToml {
        /// Which file.
        path: PathBuf,
        /// Line, column and reason.
        source: toml::de::Error,
    },
    /// A key that does not exist.
    #[error("unknown key {key} in {origin}; {}", remedy(suggestion.as_deref(), known))]
    UnknownKey {
        /// The key with its section (`server.lisen`).
        key: String,
        /// Where it stands.
        origin: Origin,
        /// The known key it is probably meant to be.
        suggestion: Option<String>,
        /// Every key that may stand there.
        known: Vec<String>,
    },
    /// A value that cannot be used.
    #[error("{key} = {value} in {origin} cannot be used; {remedy}")]
    Invalid {
        /// The key with its section.
        key: String,
        /// The value as it came.
        value: String,
        /// Where it stands.
        origin: Origin,
        /// What to write instead.
        remedy: String,
    },
}

fn remedy(suggestion: Option<&str>, known: &[String]) -> String {
    match suggestion {
        Some(suggestion) => format!("did you mean {suggestion}?"),
        None => format!("known here: {}", known.join(", ")),
    }
}

/// Why one setting cannot be used; key, value and origin are added by whoever knows them.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingError {
    /// No such key in this section; the keys there are. Empty where a known key has further keys below it.
    #[error("unknown key")]
    UnknownKey(&'static [&'static str]),
    /// The value cannot be used; what to write instead.
    #[error("{0}")]
    Invalid(String),
}

/// Shorthand for a value that cannot be used.
pub fn invalid(remedy: impl Into<String>) -> SettingError {
    SettingError::Invalid(remedy.into())
}
