//! Commands by REST: the key from the header `Idempotency-Key`, the result as the answer's body.
//!
//! Not here: the command of each request (the resources' own files).

use std::convert::Infallible;

use axum::{Json, extract::FromRequestParts, http::request::Parts};
use wire::command::{Command, CommandResult};

use super::error::ApiError;
use crate::commands::{Caller, CommandRouter};

/// The request's idempotency key, if it has one.
pub struct IdempotencyKey(pub Option<String>);

impl<S: Send + Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        let header = parts.headers.get("idempotency-key");
        // The router rejects a key that is not text.
        Ok(Self(header.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())))
    }
}

/// Carries out a command and returns its result.
///
/// # Errors
/// Why the command was not carried out.
pub async fn run(
    router: &CommandRouter,
    IdempotencyKey(key): IdempotencyKey,
    command: Command,
) -> Result<Json<CommandResult>, ApiError> {
    Ok(Json(router.run(Caller::OWNER, key, command).await?))
}
