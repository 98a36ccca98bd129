//! `GET /api/v1/accounts`: every account at a glance. `POST /api/v1/accounts` with
//! `{"account","kind":"cash|margin","currency","start":{"USDT":"1000"},"max_leverage","time_zone"}`: opens one.

use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use model::trading::command::{DeskCommand, OpenAccount};

use super::{answer, command, request::DeskBody};
use crate::{
    commands::CommandRouter,
    desk::handle::DeskHandle,
    http::{commands::IdempotencyKey, error::ApiError},
};

/// Lists accounts by name.
pub async fn list(State(desk): State<DeskHandle>) -> Result<Response, ApiError> {
    let rows = desk
        .look(|desk, _| desk.state().accounts.values().map(|account| desk.account_row(account)).collect::<Vec<_>>());
    Ok(answer::json(rows.await?))
}

/// Opens an account.
pub async fn open(
    State(router): State<CommandRouter>,
    key: IdempotencyKey,
    DeskBody(open): DeskBody<OpenAccount>,
) -> Result<Response, ApiError> {
    let reply = command(&router, key, DeskCommand::OpenAccount(open)).await?;
    Ok((StatusCode::CREATED, answer::json(reply)).into_response())
}
