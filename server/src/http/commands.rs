//! Commands as REST gives them: the key from the header `Idempotency-Key`, the result as the answer's body.
//!
//! Not here: which request is which command (the resources' own files).

use std::convert::Infallible;

use axum::{Json, extract::FromRequestParts, http::request::Parts};
use wire::command::{Command, CommandResult};

use super::error::ApiError;
use crate::commands::{Caller, CommandRouter};

/// The request's idempotency key, where it has one.
pub struct IdempotencyKey(pub Option<String>);

impl<S: Send + Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        let header = parts.headers.get("idempotency-key");
        // What is not text is no key either: the router says so.
        Ok(Self(header.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())))
    }
}

/// Carries a command out and answers with its result.
///
/// # Errors
/// Why it was not carried out.
pub async fn run(
    router: &CommandRouter,
    IdempotencyKey(key): IdempotencyKey,
    command: Command,
) -> Result<Json<CommandResult>, ApiError> {
    Ok(Json(router.run(Caller::OWNER, key, command).await?))
}
