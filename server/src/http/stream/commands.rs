//! Carries out a client's commands while the stream goes on.
//!
//! Not here: the commands' form (`wire::command`), and their execution (the command router).

use futures::future::BoxFuture;
use wire::{
    command::AnyCommand,
    message::{Ack, CommandRequest, Refused, ServerMessage},
};

use crate::{
    access::caller::Caller,
    commands::{CommandRouter, Outcome},
    http::error::with_causes,
};

/// A running command; the future returns the answer. Dropping it gives up the answer, not the command.
pub type Pending = BoxFuture<'static, ServerMessage>;

/// Starts to carry out a command.
///
/// # Errors
/// The refusal of an unreadable command.
pub fn begin(router: &CommandRouter, caller: Caller, request: CommandRequest) -> Result<Pending, Refused> {
    let CommandRequest { id, key, command } = request;
    let command = AnyCommand::parse(&command).map_err(|error| Refused {
        id: Some(id),
        code: error.code(),
        message: error.to_string(),
    })?;
    let router = router.clone();
    Ok(Box::pin(async move { answer(id, router.run(caller, key, command).await) }))
}

fn answer(id: u64, outcome: Outcome) -> ServerMessage {
    match outcome {
        Ok(result) => ServerMessage::Ack(Ack { id, result: result.to_text() }),
        Err(error) => {
            ServerMessage::Refused(Refused { id: Some(id), code: error.code(), message: with_causes(&*error) })
        }
    }
}
