//! Commands of signals and alerts, with their state or their answer.

use leptos::prelude::*;
use model::{
    alert::command::{AlertCommand, RuleReply},
    time::Timestamp,
};
use serde::de::DeserializeOwned;
use wire::message::JsonText;

use crate::{
    live::{Live, browser, commands::CommandState},
    pages::desk::actions::code_and_sentence,
};

/// The answer to a command, as far as it is known.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Answer<T> {
    /// Nothing was asked.
    #[default]
    None,
    /// It has not arrived yet.
    Pending,
    /// It was carried out.
    Reply(T),
    /// It was not; the text gives the reason and a remedy.
    Refused(String),
}

impl<T> Answer<T> {
    /// Returns why it was refused, as a sentence.
    pub fn refusal(&self) -> Option<String> {
        match self {
            Self::Refused(words) => Some(code_and_sentence(words).1.to_owned()),
            _ => None,
        }
    }

    /// Returns true while the answer is awaited.
    pub fn is_pending(&self) -> bool {
        matches!(self, Self::Pending)
    }
}

/// Returns the answer to a new alert in words; empty before it was asked for.
pub fn said(answer: &Answer<RuleReply>) -> String {
    match answer {
        Answer::None => String::new(),
        Answer::Pending => "Saving the alert…".to_owned(),
        Answer::Reply(reply) => {
            let warnings = reply.warnings.iter().map(|warning| format!(" Note: {warning}.")).collect::<String>();
            format!("Alert saved: {}.{warnings}", reply.row.sentence)
        }
        Answer::Refused(_) => answer.refusal().unwrap_or_default(),
    }
}

/// Sends a command; `state` receives its state. Browser only.
pub fn send(live: Live, command: AlertCommand, state: RwSignal<CommandState>) {
    send_text(live, JsonText::of(&command), state);
}

/// Sends a command that is written already: secrets are in no value that can be written.
pub fn send_text(live: Live, command: JsonText, state: RwSignal<CommandState>) {
    state.set(CommandState::Pending);
    #[cfg(feature = "browser")]
    leptos::task::spawn_local(async move {
        let outcome = live.send_alert(command).await;
        // The page that gave it may be gone.
        let _gone = state.try_set(match outcome {
            Ok(_) => CommandState::Done,
            Err(words) => CommandState::Refused(words),
        });
    });
    #[cfg(not(feature = "browser"))]
    let _ = (live, command);
}

/// Sends a command; `answer` receives what it returns. Browser only.
pub fn ask<T: DeserializeOwned + Send + Sync + 'static>(
    live: Live,
    command: AlertCommand,
    answer: RwSignal<Answer<T>>,
) {
    answer.set(Answer::Pending);
    #[cfg(feature = "browser")]
    leptos::task::spawn_local(async move {
        let outcome = live.send_alert(JsonText::of(&command)).await;
        let outcome =
            outcome.and_then(|text| serde_json::from_str(text.as_str()).map_err(crate::pages::desk::rows::unreadable));
        // The page that gave it may be gone.
        let _gone = answer.try_set(match outcome {
            Ok(reply) => Answer::Reply(reply),
            Err(words) => Answer::Refused(words),
        });
    });
    #[cfg(not(feature = "browser"))]
    let _ = (live, command);
}

/// Returns the server's time, as far as the page knows it.
pub fn server_now(live: Live) -> Timestamp {
    let now = browser::now();
    live.with_model(|model| model.clock.server_time(now)).unwrap_or(now.wall)
}

/// Returns a name for a new rule or channel.
pub fn fresh_id() -> String {
    browser::fresh_name("a")
}
