//! Commands of the reader to the server, and how they fare.
//!
//! Not here: their form (`wire::command`), and the way there (`live::link`).

use leptos::prelude::*;
use wire::{command::Command, message::JsonText};

/// The state of a command.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum CommandState {
    /// None was pending.
    #[default]
    Idle,
    /// The answer has not come yet.
    Pending,
    /// It is done.
    Done,
    /// It was not done, or nobody knows; the words say why and what helps.
    Refused(String),
}

/// A command on its way to the connection, with the place for its answer.
#[derive(Clone, Debug)]
pub struct PendingCommand {
    /// As it is sent.
    pub text: JsonText,
    /// Where its answer goes.
    pub state: RwSignal<CommandState>,
}

impl PendingCommand {
    /// Of a command; `state` is receives its state.
    pub fn new(command: &Command, state: RwSignal<CommandState>) -> Self {
        Self { text: command.to_text(), state }
    }

    /// Says what came of it. The page that gave it may be gone by now.
    pub fn answer(self, answer: Result<JsonText, String>) {
        let _gone = self.state.try_set(match answer {
            Ok(_) => CommandState::Done,
            Err(words) => CommandState::Refused(words),
        });
    }
}
