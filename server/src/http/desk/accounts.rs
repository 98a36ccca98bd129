//! `GET /api/v1/accounts`: every account at a glance. `POST /api/v1/accounts` with
//! `{"account","kind":"cash|margin","currency","start":{"USDT":"1000"},"max_leverage","time_zone"}`: opens one.

use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use desk::{desk::Desk, rows::AccountRow};
use model::{
    time::Timestamp,
    trading::{
        account::Account,
        command::{DeskCommand, OpenAccount},
        desk_choice::DeskChoice,
    },
};

use super::{answer, command, request::DeskBody};
use crate::{
    commands::CommandRouter,
    desk::handle::DeskHandle,
    http::{
        api_router::ApiRouter,
        commands::CommandSource,
        error::ApiError,
        operation::{Needs, Operation, Tag},
    },
};

/// Returns the routes of accounts.
pub fn routes() -> ApiRouter {
    ApiRouter::default()
        .operation(
            Operation::get("/api/v1/accounts", Needs::VIEWER, Tag::Desk, "Accounts")
                .in_millis::<Vec<AccountRow>>("Every account at a glance, by name; that of the replay last.")
                .refusals(),
            list,
        )
        .operation(
            Operation::post("/api/v1/accounts", Needs::TRADER, Tag::Desk, "Open an account")
                .command()
                .body::<OpenAccount>()
                .created::<Account>("The account.")
                .refusals(),
            open,
        )
}

/// Lists accounts by name, and that of the replay last.
pub async fn list(State(desk): State<DeskHandle>) -> Result<Response, ApiError> {
    let rows = |desk: &Desk, _: Timestamp| -> Vec<AccountRow> {
        desk.state().accounts.values().map(|account| desk.account_row(account)).collect()
    };
    let mut all = desk.look_at(DeskChoice::Live, rows).await?;
    // There is none while no recording plays.
    all.extend(desk.look_at(DeskChoice::Replay, rows).await.unwrap_or_default());
    Ok(answer::json(all))
}

/// Opens an account.
pub async fn open(
    State(router): State<CommandRouter>,
    source: CommandSource,
    DeskBody(open): DeskBody<OpenAccount>,
) -> Result<Response, ApiError> {
    let reply = command(&router, source, DeskCommand::OpenAccount(open)).await?;
    Ok((StatusCode::CREATED, answer::json(reply)).into_response())
}
