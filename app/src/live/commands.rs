//! The reader's commands to the server, and their results.
//!
//! Not here: their form (`wire::command`), and sending them (`live::link`).

use leptos::prelude::*;
use wire::{command::Command, message::JsonText};

/// The state of a command.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum CommandState {
    /// No command was sent.
    #[default]
    Idle,
    /// The answer has not arrived yet.
    Pending,
    /// The command was carried out.
    Done,
    /// The command was not carried out, or the outcome is unknown; the text gives the reason and a remedy.
    Refused(String),
}

/// A command on its way to the connection, with the signal for its answer.
#[derive(Clone, Debug)]
pub struct PendingCommand {
    /// The command's text as sent.
    pub text: JsonText,
    /// Receives the answer.
    pub state: RwSignal<CommandState>,
}

impl PendingCommand {
    /// Prepares a command; `state` receives its state.
    pub fn new(command: &Command, state: RwSignal<CommandState>) -> Self {
        Self { text: command.to_text(), state }
    }

    /// Delivers the answer. The page that sent the command may be gone by now.
    pub fn answer(self, answer: Result<JsonText, String>) {
        let _gone = self.state.try_set(match answer {
            Ok(_) => CommandState::Done,
            Err(words) => CommandState::Refused(words),
        });
    }
}
