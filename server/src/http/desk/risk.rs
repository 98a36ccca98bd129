//! `GET /api/v1/risk`: the limits of an account and how much of each is used. `PUT /api/v1/risk` with
//! `{"account","limits":{…}}`: sets all of them. `POST /api/v1/risk/kill` with `{"reason","flatten"}`: sets the kill
//! switch and tells what is open still. `POST /api/v1/risk/lift` with `{"reason"}`: lifts it.
//! `POST /api/v1/risk/lift-reduce-only` with `{"account"}`: lets an account open positions again.

use axum::{extract::State, response::Response};
use desk::{rows::RiskRow, state::KillSwitch};
use model::trading::{
    account::AccountId,
    command::{DeskCommand, Kill, LiftKill, LiftReduceOnly, SetLimits},
    refusal::Refusal,
};
use serde::Serialize;

use super::{answer, command, look, request::DeskBody};
use crate::{
    commands::CommandRouter,
    desk::handle::DeskHandle,
    http::{commands::IdempotencyKey, error::ApiError, parameters::Parameters},
};

/// The risk of an account.
#[derive(Serialize)]
pub struct AccountRisk {
    account: AccountId,
    #[serde(flatten)]
    row: RiskRow,
    reduce_only: Option<Refusal>,
    kill: Option<KillSwitch>,
}

/// Shows limits and their use.
pub async fn show(State(desk): State<DeskHandle>, parameters: Parameters) -> Result<Response, ApiError> {
    Ok(answer::json(risk(&desk, parameters.account(&desk)?).await?))
}

/// Sets all limits of an account; an absent one is lifted.
pub async fn set(
    State(router): State<CommandRouter>,
    State(desk): State<DeskHandle>,
    key: IdempotencyKey,
    DeskBody(set): DeskBody<SetLimits>,
) -> Result<Response, ApiError> {
    let account = set.account.clone().unwrap_or_else(|| desk.default_account().clone());
    command(&router, key, DeskCommand::SetLimits(set)).await?;
    Ok(answer::json(risk(&desk, account).await?))
}

/// Sets the kill switch.
pub async fn kill(
    State(router): State<CommandRouter>,
    key: IdempotencyKey,
    DeskBody(kill): DeskBody<Kill>,
) -> Result<Response, ApiError> {
    Ok(answer::json(command(&router, key, DeskCommand::Kill(kill)).await?))
}

/// Lifts the kill switch.
pub async fn lift(
    State(router): State<CommandRouter>,
    key: IdempotencyKey,
    DeskBody(lift): DeskBody<LiftKill>,
) -> Result<Response, ApiError> {
    Ok(answer::json(command(&router, key, DeskCommand::LiftKill(lift)).await?))
}

/// Lets an account open positions again.
pub async fn lift_reduce_only(
    State(router): State<CommandRouter>,
    State(desk): State<DeskHandle>,
    key: IdempotencyKey,
    DeskBody(lift): DeskBody<LiftReduceOnly>,
) -> Result<Response, ApiError> {
    let account = lift.account.clone().unwrap_or_else(|| desk.default_account().clone());
    command(&router, key, DeskCommand::LiftReduceOnly(lift)).await?;
    Ok(answer::json(risk(&desk, account).await?))
}

async fn risk(desk: &DeskHandle, account: AccountId) -> Result<AccountRisk, ApiError> {
    look(desk, account, |desk, account, now| AccountRisk {
        account: account.account.account.clone(),
        row: desk.risk_row(account, now),
        reduce_only: account.standing.reduce_only().cloned(),
        kill: desk.state().kill.clone(),
    })
    .await
}
