//! A client's commands, carried out one after another while the stream goes on.
//!
//! Not here: the commands' form (`wire::command`), and their effect (`feed::supervisor`).

use futures::future::BoxFuture;
use wire::{
    command::Command,
    message::{Ack, CommandRequest, JsonText, RefusalCode, Refused, ServerMessage},
};

use crate::feed::{
    control::{ControlError, Followed},
    handle::Feeds,
};

/// A command under way; its value is the answer. Dropping it gives up the answer, not the command.
pub type Pending = BoxFuture<'static, ServerMessage>;

/// Begins to carry a command out.
///
/// # Errors
/// The refusal of a command that cannot be read.
pub fn begin(feeds: &Feeds, request: &CommandRequest) -> Result<Pending, Refused> {
    let id = request.id;
    let refused = |code: RefusalCode, message: String| Refused { id: Some(id), code, message };
    let command = Command::parse(&request.command).map_err(|error| refused(error.code(), error.to_string()))?;
    let feeds = feeds.clone();
    Ok(Box::pin(async move {
        let outcome = match command {
            Command::StartFeed(symbols) => feeds.start(symbols).await,
            Command::StopFeed(symbols) => feeds.stop(symbols).await,
        };
        answer(id, outcome)
    }))
}

fn answer(id: u64, outcome: Result<Followed, ControlError>) -> ServerMessage {
    let result = outcome.map_err(|error| (error.code(), error.to_string())).and_then(|followed| {
        let text = serde_json::json!({ "symbols": followed.symbols, "venue": followed.venue }).to_string();
        JsonText::parse(&text).map_err(|error| (RefusalCode::Unavailable, error.to_string()))
    });
    match result {
        Ok(result) => ServerMessage::Ack(Ack { id, result }),
        Err((code, message)) => ServerMessage::Refused(Refused { id: Some(id), code, message }),
    }
}
