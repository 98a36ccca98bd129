//! Commands by REST: who gives it, the key from the header `Idempotency-Key`, the result as the answer's body.
//!
//! Not here: the command of each request (the resources' own files).

use axum::{Json, extract::FromRequestParts, http::request::Parts};
use wire::command::{Command, CommandResult};

use super::error::ApiError;
use crate::{access::caller::Caller, commands::CommandRouter};

/// The source of a command by REST, and the key that makes a repetition harmless.
pub struct CommandSource {
    /// The caller.
    pub caller: Caller,
    /// The idempotency key, if the request has one.
    pub key: Option<String>,
}

impl<S: Send + Sync> FromRequestParts<S> for CommandSource {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let caller = Caller::from_request_parts(parts, state).await?;
        let header = parts.headers.get("idempotency-key");
        // The router rejects a key that is not text.
        Ok(Self { caller, key: header.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()) })
    }
}

/// Carries out a command and returns its result.
///
/// # Errors
/// Why the command was not carried out.
pub async fn run(
    router: &CommandRouter,
    CommandSource { caller, key }: CommandSource,
    command: Command,
) -> Result<Json<CommandResult>, ApiError> {
    Ok(Json(router.run(caller, key, command).await?))
}
