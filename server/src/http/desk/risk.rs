//! `GET /api/v1/risk`: the limits of an account and how much of each is used. `PUT /api/v1/risk` with
//! `{"account","limits":{…}}`: sets all of them. `POST /api/v1/risk/kill` with `{"reason","flatten"}`: sets the kill
//! switch and tells what is open still. `POST /api/v1/risk/lift` with `{"reason"}`: lifts it.
//! `POST /api/v1/risk/lift-reduce-only` with `{"account"}`: lets an account open positions again.

use axum::{extract::State, http::Method, response::Response};
use desk::{rows::RiskRow, state::KillSwitch};
use model::trading::{
    account::AccountId,
    command::{DeskCommand, Kill, KillReport, LiftKill, LiftReduceOnly, SetLimits},
    refusal::Refusal,
};
use schemars::JsonSchema;
use serde::Serialize;

use super::{
    answer, command, look,
    request::{self, DeskBody},
};
use crate::{
    commands::CommandRouter,
    desk::handle::DeskHandle,
    http::{
        api_router::ApiRouter,
        commands::CommandSource,
        error::ApiError,
        operation::{Needs, Operation, Tag},
        parameters::Parameters,
    },
};

/// Returns the routes of risk.
pub fn routes() -> ApiRouter {
    let describe = |method, path, access, summary| Operation::new(method, path, access, Tag::Risk, summary).refusals();
    let post = |path, summary| describe(Method::POST, path, Needs::TRADER, summary).command();
    ApiRouter::default()
        .operation(
            describe(Method::GET, "/api/v1/risk", Needs::VIEWER, "Limits and their use")
                .query([request::account()])
                .in_millis::<AccountRisk>("The limits that are set, and how much of each is used."),
            show,
        )
        .operation(
            describe(Method::PUT, "/api/v1/risk", Needs::TRADER, "Set all limits")
                .text("An absent limit is lifted.")
                .command()
                .body::<SetLimits>()
                .in_millis::<AccountRisk>("The limits then."),
            set,
        )
        .operation(
            post("/api/v1/risk/kill", "Set the kill switch")
                .text("Every open order is cancelled and nothing more is accepted.")
                .body::<Kill>()
                .in_millis::<KillReport>("What is open still."),
            kill,
        )
        .operation(
            post("/api/v1/risk/lift", "Lift the kill switch")
                .body::<LiftKill>()
                .in_millis::<KillReport>("The switch then."),
            lift,
        )
        .operation(
            post("/api/v1/risk/lift-reduce-only", "Let an account open positions again")
                .body::<LiftReduceOnly>()
                .in_millis::<AccountRisk>("The limits and their use."),
            lift_reduce_only,
        )
}

/// The risk of an account.
#[derive(Serialize, JsonSchema)]
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
    source: CommandSource,
    DeskBody(set): DeskBody<SetLimits>,
) -> Result<Response, ApiError> {
    let account = set.account.clone().unwrap_or_else(|| desk.default_account().clone());
    command(&router, source, DeskCommand::SetLimits(set)).await?;
    Ok(answer::json(risk(&desk, account).await?))
}

/// Sets the kill switch.
pub async fn kill(
    State(router): State<CommandRouter>,
    source: CommandSource,
    DeskBody(kill): DeskBody<Kill>,
) -> Result<Response, ApiError> {
    Ok(answer::json(command(&router, source, DeskCommand::Kill(kill)).await?))
}

/// Lifts the kill switch.
pub async fn lift(
    State(router): State<CommandRouter>,
    source: CommandSource,
    DeskBody(lift): DeskBody<LiftKill>,
) -> Result<Response, ApiError> {
    Ok(answer::json(command(&router, source, DeskCommand::LiftKill(lift)).await?))
}

/// Lets an account open positions again.
pub async fn lift_reduce_only(
    State(router): State<CommandRouter>,
    State(desk): State<DeskHandle>,
    source: CommandSource,
    DeskBody(lift): DeskBody<LiftReduceOnly>,
) -> Result<Response, ApiError> {
    let account = lift.account.clone().unwrap_or_else(|| desk.default_account().clone());
    command(&router, source, DeskCommand::LiftReduceOnly(lift)).await?;
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
