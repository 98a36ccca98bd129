//! Errors of the configuration, each with the key, its source and the remedy.

use std::{fmt, path::PathBuf};

/// The source of a setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A configuration file.
    File(PathBuf),
    /// The file that the Configuration page writes.
    Page(PathBuf),
    /// An environment variable.
    Variable(String),
    /// A command-line flag.
    Flag(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "file {}", path.display()),
            Self::Page(path) => write!(f, "file {} (written by the Configuration page)", path.display()),
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
        /// The file.
        path: PathBuf,
        /// The operating system's error.
        source: std::io::Error,
    },
    /// The file is not valid TOML.
    #[error("configuration file {} is not valid TOML: line {line}, column {column}: {reason}{remedy}", path.display())]
    NotToml {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The column in characters, from 1.
        column: usize,
        /// The parser's reason, without any text of the file: the line may hold a token.
        reason: String,
        /// The remedy besides correcting the line; empty, or a clause.
        remedy: &'static str,
    },
    /// The key does not exist.
    #[error("unknown key {key} in {origin}; {}", remedy(suggestion.as_deref(), known))]
    UnknownKey {
        /// The key with its section (`server.lisen`).
        key: String,
        /// The source of the key.
        origin: Origin,
        /// The known key that is probably meant.
        suggestion: Option<String>,
        /// All known keys of the section.
        known: Vec<String>,
    },
    /// The value cannot be used.
    #[error("{key} = {value} in {origin} cannot be used; {remedy}")]
    Invalid {
        /// The key with its section.
        key: String,
        /// The value as written.
        value: String,
        /// The source of the value.
        origin: Origin,
        /// The remedy.
        remedy: String,
    },
}

fn remedy(suggestion: Option<&str>, known: &[String]) -> String {
    match suggestion {
        Some(suggestion) => format!("did you mean {suggestion}?"),
        None => format!("known here: {}", known.join(", ")),
    }
}

/// Why one setting cannot be used; the loader adds key, value and source.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingError {
    /// The section has no such key; contains the known keys. Empty if a known key has further keys below it.
    #[error("unknown key")]
    UnknownKey(&'static [&'static str]),
    /// The value cannot be used; contains the remedy.
    #[error("{0}")]
    Invalid(String),
}

/// Returns the error for a value that cannot be used.
pub fn invalid(remedy: impl Into<String>) -> SettingError {
    SettingError::Invalid(remedy.into())
}
