//! Commands: what a client may have done, as JSON with one member named after the command, and what comes of it.
//!
//! `{"start_feed":{"venue":"kraken","symbols":["BTC/USD"]}}`. A command is one line of the list: its name, its fields, its
//! result, and the least role it takes. Not here: who carries them out (the server's command router).

use std::fmt;

use model::{
    access::Role,
    alert::command::{AlertCommand, AlertReply},
    instrument::Venue,
    trading::command::{DeskCommand, DeskReply},
};
use serde::{Deserialize, Serialize, de};
use serde_json::value::RawValue;
use topics::channels::replay::ReplayData;

use crate::{
    backtest::{BacktestReport, StartBacktest, StopBacktest},
    message::{JsonText, RefusalCode},
};

/// Makes [`Command`] and [`CommandResult`] from the list.
macro_rules! commands {
    ($($name:literal: $variant:ident($fields:ty) -> $result:ty, $role:ident;)*) => {
        /// A command with its fields.
        #[derive(Clone, Debug, PartialEq, Serialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        pub enum Command {
            $(#[doc = concat!("`", $name, "`.")] #[serde(rename = $name)] $variant($fields)),*
        }

        /// Result of a command that was carried out.
        #[derive(Clone, Debug, PartialEq, Serialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        #[serde(untagged)]
        pub enum CommandResult {
            $(#[doc = concat!("Of `", $name, "`.")] $variant($result),)*
            /// Of a command of the desk.
            Desk(Box<DeskReply>),
            /// Of a command of signals and alerts.
            Alerts(Box<AlertReply>),
        }

        impl Command {
            /// The names of all commands.
            pub const NAMES: [&str; [$($name),*].len()] = [$($name),*];

            /// The least role of each command, in the same order.
            pub const ROLES: [Role; [$($name),*].len()] = [$(Role::$role),*];

            /// Returns its name.
            pub fn name(&self) -> &'static str {
                match self {
                    $(Self::$variant(_) => $name),*
                }
            }

            /// Returns the least role that may give it.
            pub fn role(&self) -> Role {
                match self {
                    $(Self::$variant(_) => Role::$role),*
                }
            }

            /// Reads the result of this command.
            ///
            /// # Errors
            /// Text that is not the result of this command, as a server of another version may give.
            pub fn result(&self, text: &JsonText) -> Result<CommandResult, CommandError> {
                let result = match self {
                    $(Self::$variant(_) => serde_json::from_str(text.as_str()).map(CommandResult::$variant)),*
                };
                result.map_err(|error| CommandError::BadFields { name: self.name(), detail: error.to_string() })
            }

            fn read(name: &str, fields: &str) -> Result<Self, CommandError> {
                $(if name == $name {
                    let fields = serde_json::from_str(fields);
                    return fields
                        .map(Self::$variant)
                        .map_err(|error| CommandError::BadFields { name: $name, detail: error.to_string() });
                })*
                Err(CommandError::Unknown { name: name.chars().take(64).collect() })
            }
        }
    };
}

commands! {
    "start_feed": StartFeed(FollowSymbols) -> FeedSymbols, Admin;
    "stop_feed": StopFeed(FeedSymbols) -> FeedSymbols, Admin;
    "start_recording": StartRecording(FeedSymbols) -> FeedRecording, Admin;
    "stop_recording": StopRecording(OneVenue) -> FeedRecording, Admin;
    "save_last": SaveLast(OneVenue) -> OneRecording, Admin;
    "delete_recording": DeleteRecording(OneRecording) -> OneRecording, Admin;
    "load_replay": LoadReplay(LoadReplay) -> ReplayData, Admin;
    "control_replay": ControlReplay(ReplayControl) -> ReplayData, Admin;
    "start_backtest": StartBacktest(StartBacktest) -> BacktestReport, Trader;
    "stop_backtest": StopBacktest(StopBacktest) -> BacktestReport, Trader;
}

/// A command of any list: the server's own, the desk's, or that of signals and alerts.
///
/// The page gives those of the last two as text, so that only their pages carry code for them.
#[derive(Clone, Debug, PartialEq)]
pub enum AnyCommand {
    /// To feeds, recordings and the replay.
    Server(Command),
    /// To the trading desk.
    Desk(Box<DeskCommand>),
    /// To signals and alerts.
    Alerts(Box<AlertCommand>),
}

impl From<AlertCommand> for AnyCommand {
    fn from(command: AlertCommand) -> Self {
        Self::Alerts(Box::new(command))
    }
}

impl From<Command> for AnyCommand {
    fn from(command: Command) -> Self {
        Self::Server(command)
    }
}

impl From<DeskCommand> for AnyCommand {
    fn from(command: DeskCommand) -> Self {
        Self::Desk(Box::new(command))
    }
}

impl AnyCommand {
    /// Parses a command.
    ///
    /// # Errors
    /// The error to report to the client.
    pub fn parse(text: &JsonText) -> Result<Self, CommandError> {
        let OneMember { name, fields } = serde_json::from_str(text.as_str()).map_err(|_| CommandError::NotOneMember)?;
        let bad = |known, error: serde_json::Error| CommandError::BadFields { name: known, detail: error.to_string() };
        if let Some(known) = DeskCommand::NAMES.into_iter().find(|known| *known == name) {
            return serde_json::from_str(text.as_str()).map(Self::Desk).map_err(|error| bad(known, error));
        }
        if let Some(known) = AlertCommand::NAMES.into_iter().find(|known| *known == name) {
            return serde_json::from_str(text.as_str()).map(Self::Alerts).map_err(|error| bad(known, error));
        }
        Command::read(&name, fields.get()).map(Self::Server).map_err(|error| match error {
            CommandError::Unknown { name } => CommandError::UnknownOfAll { name },
            error => error,
        })
    }

    /// All commands with the least role of each, by name.
    pub fn roles() -> Vec<(&'static str, Role)> {
        let own = Command::NAMES.into_iter().zip(Command::ROLES);
        let desk = DeskCommand::NAMES.into_iter().map(|name| (name, Role::Trader));
        let alerts = AlertCommand::NAMES.into_iter().map(|name| (name, role_of_alerts(name)));
        let mut roles: Vec<_> = own.chain(desk).chain(alerts).collect();
        roles.sort_unstable();
        roles
    }

    /// Returns its name.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Server(command) => command.name(),
            Self::Desk(command) => command.name(),
            Self::Alerts(command) => command.name(),
        }
    }

    /// Returns the least role that may give it.
    pub fn role(&self) -> Role {
        match self {
            Self::Server(command) => command.role(),
            Self::Desk(_) => Role::Trader,
            Self::Alerts(command) => role_of_alerts(command.name()),
        }
    }
}

fn role_of_alerts(name: &str) -> Role {
    if AlertCommand::CHANNEL_NAMES.contains(&name) { Role::Admin } else { Role::Trader }
}

/// Symbols of one venue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct FeedSymbols {
    /// In the venue's own spelling.
    #[serde(default)]
    pub symbols: Vec<String>,
    /// The venue's name.
    pub venue: String,
}

/// Symbols of one venue to follow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct FollowSymbols {
    /// In any spelling that means one of the venue's.
    #[serde(default)]
    pub symbols: Vec<String>,
    /// The venue's name.
    pub venue: String,
    /// True to follow them again after a restart of the server.
    #[serde(default, skip_serializing_if = "is_false")]
    pub keep: bool,
}

impl From<FeedSymbols> for FollowSymbols {
    /// Follows them until the server restarts.
    fn from(FeedSymbols { symbols, venue }: FeedSymbols) -> Self {
        Self { symbols, venue, keep: false }
    }
}

/// One venue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct OneVenue {
    /// The venue's name.
    pub venue: String,
}

/// One recording.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct OneRecording {
    /// The file's name, as the list has it.
    pub name: String,
}

/// The newest recording of a feed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FeedRecording {
    /// The feed.
    pub venue: Venue,
    /// Its files so far, oldest first; those deleted since included.
    pub files: Vec<String>,
    /// Entries written.
    pub n_entries: u64,
    /// Entries lost because the disk was too slow.
    pub n_lost: u64,
    /// Packed size of all its files.
    pub size_bytes: u64,
    /// True until it has ended.
    pub is_running: bool,
    /// Why it ended by itself, for people.
    pub failure: Option<String>,
}

/// The recordings to play instead.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct LoadReplay {
    /// Names of recordings, each continuing the one before.
    pub files: Vec<String>,
    /// The venue of the recording; absent: the one that the first file names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub venue: Option<String>,
    /// Start time, milliseconds since the epoch; absent: the beginning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_ms: Option<i64>,
    /// Multiple of the recorded speed.
    #[serde(default = "recorded_speed")]
    pub speed: f64,
    /// True where it is paused at first.
    #[serde(default)]
    pub is_paused: bool,
}

impl LoadReplay {
    /// Plays these files from their beginning at the recorded speed.
    pub fn new(files: Vec<String>) -> Self {
        Self { files, venue: None, at_ms: None, speed: recorded_speed(), is_paused: false }
    }
}

/// A control of the replay.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ReplayControl {
    /// Plays on, or from the beginning if the replay has ended.
    Play,
    /// Pauses.
    Pause,
    /// Jumps to another time.
    Seek {
        /// Milliseconds since the epoch.
        position_ms: i64,
    },
    /// Plays at a multiple of the recorded speed.
    Speed(f64),
    /// Ends the replay.
    Stop,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_false(value: &bool) -> bool {
    !value
}

fn recorded_speed() -> f64 {
    1.0
}

/// A command or a result that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// The command is not an object with exactly one field.
    #[error("a command is an object with one member, named after the command")]
    NotOneMember,
    /// No command has this name.
    #[error("unknown command {name:?}; known are {}", Command::NAMES.join(", "))]
    Unknown {
        /// The name, at most its first 64 characters.
        name: String,
    },
    /// No command of either list has this name.
    #[error("unknown command {name:?}; known are {}, {}", Command::NAMES.join(", "), DeskCommand::NAMES.join(", "))]
    UnknownOfAll {
        /// The name, at most its first 64 characters.
        name: String,
    },
    /// The command's fields are invalid.
    #[error("{name}: {detail}")]
    BadFields {
        /// The command.
        name: &'static str,
        /// The reason.
        detail: String,
    },
}

impl CommandError {
    /// Returns the code of the refusal.
    pub fn code(&self) -> RefusalCode {
        match self {
            Self::Unknown { .. } | Self::UnknownOfAll { .. } => RefusalCode::UnknownCommand,
            Self::NotOneMember | Self::BadFields { .. } => RefusalCode::BadMessage,
        }
    }
}

impl Command {
    /// Parses a command.
    ///
    /// # Errors
    /// The error to report to the client.
    pub fn parse(text: &JsonText) -> Result<Self, CommandError> {
        let OneMember { name, fields } = serde_json::from_str(text.as_str()).map_err(|_| CommandError::NotOneMember)?;
        Self::read(&name, fields.get())
    }

    /// Returns its JSON.
    pub fn to_text(&self) -> JsonText {
        JsonText::of(self)
    }
}

impl CommandResult {
    /// Returns its JSON.
    pub fn to_text(&self) -> JsonText {
        JsonText::of(self)
    }
}

/// An object with exactly one member, whose value is not read yet.
struct OneMember {
    name: String,
    fields: Box<RawValue>,
}

impl<'de> Deserialize<'de> for OneMember {
    fn deserialize<D: de::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> de::Visitor<'de> for Visitor {
            type Value = OneMember;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object with one member")
            }

            fn visit_map<A: de::MapAccess<'de>>(self, mut members: A) -> Result<OneMember, A::Error> {
                let first = members.next_entry()?;
                match (first, members.next_key::<String>()?) {
                    (Some((name, fields)), None) => Ok(OneMember { name, fields }),
                    _ => Err(de::Error::custom("not one member")),
                }
            }
        }
        deserializer.deserialize_map(Visitor)
    }
}

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
            symbols: symbols.iter().map(ToString::to_string).collect(),
            venue: "kraken".to_owned(),
        };
        let start = r#"{"start_feed":{"symbols":["BTC/USD"],"venue":"kraken"}}"#;
        let follow = |keep| FollowSymbols { keep, ..feed(&["BTC/USD"]).into() };
        check(start, Command::StartFeed(follow(false)));
        assert_eq!(Command::StartFeed(follow(false)).to_text().as_str(), start);
        let keep = r#"{"start_feed":{"symbols":["BTC/USD"],"venue":"kraken","keep":true}}"#;
        check(keep, Command::StartFeed(follow(true)));
        check(r#"{"stop_feed":{"venue":"kraken"}}"#, Command::StopFeed(feed(&[])));
        check(r#"{"load_replay":{"files":["a"]}}"#, Command::LoadReplay(LoadReplay::new(vec!["a".to_owned()])));
        check(r#"{"control_replay":"play"}"#, Command::ControlReplay(ReplayControl::Play));
        check(
            r#"{"control_replay":{"seek":{"position_ms":5}}}"#,
            Command::ControlReplay(ReplayControl::Seek { position_ms: 5 }),
        );
        check(r#"{"control_replay":{"speed":0.5}}"#, Command::ControlReplay(ReplayControl::Speed(0.5)));
    }

    #[test]
    fn invalid_commands_are_refused_with_a_reason() {
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
        check(r#"{"buy":{}}"#, RefusalCode::UnknownCommand, "known are start_feed, stop_feed, start_recording");
        check(r#"{"start_feed":{}}"#, RefusalCode::BadMessage, "start_feed: missing field `venue`");
        check(r#"{"start_feed":{"venue":1}}"#, RefusalCode::BadMessage, "start_feed: invalid type");
        check(r#"{"stop_feed":{"venue":"x","force":true}}"#, RefusalCode::BadMessage, "unknown field `force`");
        check(r#"{"stop_feed":{"venue":"x","symbols":[null]}}"#, RefusalCode::BadMessage, "stop_feed: invalid type");
        check(r#"{"control_replay":"rewind"}"#, RefusalCode::BadMessage, "control_replay: unknown variant `rewind`");
    }

    #[test]
    fn a_result_reads_as_that_of_its_command() {
        let symbols = FeedSymbols { symbols: vec!["A".to_owned()], venue: "demo".to_owned() };
        let command = Command::StopFeed(symbols.clone());
        let result = CommandResult::StopFeed(symbols);
        assert_eq!(command.result(&result.to_text()), Ok(result.clone()));
        let other = Command::DeleteRecording(OneRecording { name: "a".to_owned() });
        assert!(other.result(&result.to_text()).is_err());
    }

    proptest! {
        #[test]
        fn reading_never_panics(text in "\\PC{0,60}") {
            let _result = parse(&text);
        }
    }
}
