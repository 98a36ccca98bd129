//! The reader's commands to the server, and their results.
//!
//! Not here: their form (`wire::command`), and sending them (`live::link`).

use futures_channel::oneshot;
use leptos::prelude::*;
use wire::{
    command::{Command, CommandResult},
    message::JsonText,
};

#[cfg(feature = "browser")]
use {
    crate::live::recorder::own,
    model::trading::{command::DeskCommand, desk_choice::DeskChoice},
    wire::direct::AccountQuestion,
};

use crate::live::{Live, link::Repeat};

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

/// A command on its way to the connection, with the way back for its answer.
#[derive(Debug)]
pub struct PendingCommand {
    /// The command's text as sent.
    pub text: JsonText,
    /// Whom it may be sent to again.
    pub repeat: Repeat,
    /// Receives the answer; whoever gave the command may be gone by then.
    pub answer: oneshot::Sender<Result<JsonText, String>>,
}

impl Live {
    /// Sends a command and waits for its result. Browser only.
    ///
    /// # Errors
    /// The reason and a remedy, for people: the command was refused, or its outcome is unknown.
    pub async fn send(self, command: Command) -> Result<CommandResult, String> {
        let text = self.send_again(command.to_text(), Repeat::SameServer).await?;
        command.result(&text).map_err(|error| error.to_string())
    }

    /// Sends a command of the desk and waits for its result, as text: to the replay of this page if it is for that,
    /// otherwise to the server. Browser only.
    ///
    /// If the connection is lost before the answer, the command is sent again to the server that had it, which does
    /// nothing twice; after half a minute, or to another server, it is not, and the outcome is unknown. An order carries a
    /// name of its own, by which the server's journal knows it: it is sent again to a server that has restarted as well.
    ///
    /// # Errors
    /// As for [`Self::send`], with the desk's code first: `code: sentence`.
    #[cfg(feature = "browser")]
    pub async fn send_desk(self, command: DeskCommand) -> Result<JsonText, String> {
        let text = serde_json::to_string(&command).ok().and_then(|text| JsonText::parse(&text).ok());
        let text = text.ok_or_else(|| "bad_request: the command cannot be written".to_owned())?;
        let repeat = match &command {
            DeskCommand::PlaceOrder(_) => Repeat::AnyServer,
            _ => Repeat::SameServer,
        };
        if command.desk() == Ok(DeskChoice::Replay)
            && let Some(answer) = own::ask_desk(AccountQuestion::Command(Box::new(command))).await
        {
            return answer;
        }
        self.send_again(text, repeat).await
    }

    /// Sends a command of signals and alerts and waits for its result, as text. Browser only.
    ///
    /// # Errors
    /// As for [`Self::send`], with the code first: `code: sentence`.
    #[cfg(feature = "browser")]
    pub async fn send_alert(self, command: JsonText) -> Result<JsonText, String> {
        self.send_again(command, Repeat::SameServer).await
    }

    async fn send_again(self, text: JsonText, repeat: Repeat) -> Result<JsonText, String> {
        let (answer, answered) = oneshot::channel();
        self.pending.update(|pending| pending.push(PendingCommand { text, repeat, answer }));
        answered.await.map_err(|_| "the page is closing".to_owned())?
    }

    /// Sends a command; `state` receives its state. Browser only.
    pub fn command(self, command: Command, state: RwSignal<CommandState>) {
        state.set(CommandState::Pending);
        #[cfg(feature = "browser")]
        leptos::task::spawn_local(async move {
            let outcome = self.send(command).await;
            // The page that gave it may be gone.
            let _gone = state.try_set(match outcome {
                Ok(_) => CommandState::Done,
                Err(words) => CommandState::Refused(words),
            });
        });
        #[cfg(not(feature = "browser"))]
        let _ = command;
    }
}
