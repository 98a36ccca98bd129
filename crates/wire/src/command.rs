//! Commands of clients, as JSON with one field named after the command.
//!
//! `{"start_feed":{"venue":"kraken","symbols":["BTC/USD"]}}`. Not here: who carries them out, and what comes of it
//! (`server`).

use serde::{Deserialize, Serialize};

use crate::message::{JsonText, RefusalCode};

/// A command of a client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// Follow symbols of a venue; symbols followed already continue.
    StartFeed(FeedSymbols),
    /// Stop following symbols of a venue; without symbols, all of the venue.
    StopFeed(FeedSymbols),
}

/// Symbols of one venue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeedSymbols {
    /// The venue's name.
    pub venue: String,
    /// In the venue's own spelling.
    #[serde(default)]
    pub symbols: Vec<String>,
}

/// A command that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// The command is not an object with exactly one field.
    #[error("a command is an object with one member, named after the command")]
    NotOneMember,
    /// No command has that name.
    #[error("unknown command {name:?}; known are {known}", known = KNOWN.join(", "))]
    Unknown {
        /// The name, at most 64 characters of it.
        name: String,
    },
    /// The command's fields are invalid.
    #[error("{name}: {detail}")]
    BadFields {
        /// The command's name.
        name: &'static str,
        /// The JSON reader's message.
        detail: String,
    },
}

impl CommandError {
    /// Returns the code of the refusal.
    pub fn code(&self) -> RefusalCode {
        match self {
            Self::Unknown { .. } => RefusalCode::UnknownCommand,
            Self::NotOneMember | Self::BadFields { .. } => RefusalCode::BadMessage,
        }
    }
}

impl Command {
    /// Parses a command.
    ///
    /// # Errors
    /// The error for the client.
    pub fn parse(text: &JsonText) -> Result<Self, CommandError> {
        let members: serde_json::Map<String, serde_json::Value> =
            serde_json::from_str(text.as_str()).map_err(|_| CommandError::NotOneMember)?;
        let mut members = members.into_iter();
        let (Some((name, fields)), None) = (members.next(), members.next()) else {
            return Err(CommandError::NotOneMember);
        };
        let Some(known) = KNOWN.into_iter().find(|known| *known == name) else {
            return Err(CommandError::Unknown { name: name.chars().take(64).collect() });
        };
        let whole = serde_json::Value::Object(serde_json::Map::from_iter([(name, fields)]));
        serde_json::from_value(whole)
            .map_err(|error| CommandError::BadFields { name: known, detail: error.to_string() })
    }

    /// Returns the command's text as sent.
    pub fn to_text(&self) -> JsonText {
        // Writing to memory cannot fail, and there is no map with non-text keys.
        JsonText(serde_json::to_string(self).unwrap_or_default())
    }
}

const KNOWN: [&str; 2] = ["start_feed", "stop_feed"];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(text: &str) -> Result<Command, CommandError> {
        Command::parse(&JsonText(text.to_owned()))
    }

    #[test]
    fn commands_read_and_show() {
        #[track_caller]
        fn check(text: &str, expected: Command) {
            assert_eq!(parse(text), Ok(expected.clone()));
            assert_eq!(Command::parse(&expected.to_text()), Ok(expected));
        }
        let feed = |symbols: &[&str]| FeedSymbols {
            venue: "kraken".to_owned(),
            symbols: symbols.iter().map(ToString::to_string).collect(),
        };
        let start = r#"{"start_feed":{"venue":"kraken","symbols":["BTC/USD"]}}"#;
        check(start, Command::StartFeed(feed(&["BTC/USD"])));
        assert_eq!(Command::StartFeed(feed(&["BTC/USD"])).to_text().as_str(), start);
        check(r#"{"stop_feed":{"venue":"kraken"}}"#, Command::StopFeed(feed(&[])));
    }

    #[test]
    fn what_cannot_be_read_is_refused_with_a_reason() {
        #[track_caller]
        fn check(text: &str, code: RefusalCode, words: &str) {
            let error = parse(text).unwrap_err();
            assert_eq!(error.code(), code, "{text}");
            assert!(error.to_string().contains(words), "{text}: {error}");
        }
        let one = "an object with one member";
        for text in ["", "null", "[]", "{}", r#""start_feed""#, r#"{"start_feed":{},"stop_feed":{}}"#] {
            check(text, RefusalCode::BadMessage, one);
        }
        check(r#"{"buy":{}}"#, RefusalCode::UnknownCommand, "known are start_feed, stop_feed");
        check(r#"{"start_feed":{}}"#, RefusalCode::BadMessage, "start_feed: missing field `venue`");
        check(r#"{"start_feed":{"venue":1}}"#, RefusalCode::BadMessage, "start_feed: invalid type");
        check(r#"{"stop_feed":{"venue":"x","force":true}}"#, RefusalCode::BadMessage, "unknown field `force`");
        check(r#"{"stop_feed":{"venue":"x","symbols":[null]}}"#, RefusalCode::BadMessage, "stop_feed: invalid type");
    }

    proptest! {
        #[test]
        fn reading_never_panics(text in "\\PC{0,60}") {
            let _result = parse(&text);
        }
    }
}
