//! The trading desk by REST: its routes, and what its resources share.
//!
//! Money and ids are strings, times are `*_ms` numbers, refusals are `{"code","message","limit","value"}` without
//! anything around them. Whoever names no account means the default one. Every change goes the road of all commands.
//! Not here: what the desk does (`crates/desk`), the lists on disk (`store`).
//!
//! # Layout
//! - [`orders`], [`fills`], [`positions`], [`history`], [`accounts`], [`equity`], [`performance`], [`risk`],
//!   [`strategies`]: resources
//! - [`in_memory`]: the lists of a replay's account
//! - [`request`]: bodies, accounts, filters and pages · [`answer`]: rows as JSON or CSV · [`csv_table`]: CSV

pub mod accounts;
pub mod answer;
pub mod csv_table;
pub mod equity;
pub mod fills;
pub mod history;
pub mod in_memory;
pub mod orders;
pub mod performance;
pub mod positions;
pub mod request;
pub mod risk;
pub mod strategies;

use axum::{
    Router,
    routing::{get, post},
};
use desk::{desk::Desk, state::AccountState};
use model::{
    time::Timestamp,
    trading::{
        account::AccountId,
        command::{DeskCommand, DeskReply},
        refusal::{DenyCode, Refusal},
    },
};
use store::error::StoreError;
use wire::command::CommandResult;

use super::{AppState, commands::IdempotencyKey, error::ApiError};
use crate::{
    commands::{Caller, CommandFailure, CommandRouter},
    desk::handle::DeskHandle,
};

/// Returns the desk's routes.
pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/api/v1/accounts", get(accounts::list).post(accounts::open))
        .route("/api/v1/equity", get(equity::list))
        .route("/api/v1/fills", get(fills::list))
        .route("/api/v1/fills/{fill_id}", get(fills::show))
        .route("/api/v1/history", get(history::list))
        .route("/api/v1/orders", get(orders::list).post(orders::place).delete(orders::cancel_all))
        .route("/api/v1/orders/preview", post(orders::preview))
        .route("/api/v1/orders/{order_id}", get(orders::show).patch(orders::amend).delete(orders::cancel))
        .route("/api/v1/performance", get(performance::list))
        .route("/api/v1/positions", get(positions::list))
        .route("/api/v1/positions/close", post(positions::close))
        .route("/api/v1/risk", get(risk::show).put(risk::set))
        .route("/api/v1/risk/kill", post(risk::kill))
        .route("/api/v1/risk/lift", post(risk::lift))
        .route("/api/v1/risk/lift-reduce-only", post(risk::lift_reduce_only))
        .route("/api/v1/strategies", get(strategies::list).post(strategies::start))
        .route("/api/v1/strategies/preview", post(strategies::preview))
        .route("/api/v1/strategies/{strategy_id}/pause", post(strategies::pause))
        .route("/api/v1/strategies/{strategy_id}/resume", post(strategies::resume))
        .route("/api/v1/strategies/{strategy_id}/stop", post(strategies::stop))
}

/// Gives the desk a command.
///
/// # Errors
/// The desk's refusal, or why the command did not reach it.
async fn command(
    router: &CommandRouter,
    IdempotencyKey(key): IdempotencyKey,
    command: DeskCommand,
) -> Result<DeskReply, ApiError> {
    match router.run(Caller::OWNER, key, command).await {
        Ok(CommandResult::Desk(reply)) => Ok(*reply),
        Ok(_) => Err(ApiError::ShuttingDown),
        Err(failure) => match &*failure {
            CommandFailure::Desk(refusal) => Err(refusal.clone().into()),
            _ => Err(failure.into()),
        },
    }
}

/// Looks at one account of the desk.
///
/// # Errors
/// No account has the name, or the desk is not there.
async fn look<T: Send + 'static>(
    desk: &DeskHandle,
    account: AccountId,
    look: impl FnOnce(&Desk, &AccountState, Timestamp) -> T + Send + 'static,
) -> Result<T, ApiError> {
    let name = account.clone();
    let seen = desk.look_of(&name, move |desk, now| {
        let Some(state) = desk.state().accounts.get(&account) else {
            let known: Vec<&str> = desk.state().accounts.keys().map(AccountId::as_str).collect();
            let message = format!("unknown account {account}; known are {}", known.join(", "));
            return Err(Refusal::new(DenyCode::UnknownAccount, message));
        };
        Ok(look(desk, state, now))
    });
    Ok(seen.await??)
}

/// Hides the words of the database from the caller; the log has them.
fn unreadable(error: StoreError) -> ApiError {
    tracing::error!(error = &error as &dyn std::error::Error, "the desk's lists cannot be read");
    Refusal::new(DenyCode::Unavailable, "the desk's lists cannot be read; see the server's log").into()
}
