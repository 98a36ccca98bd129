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

use super::{api_router::ApiRouter, commands::CommandSource, error::ApiError};
use crate::{
    commands::{CommandFailure, CommandRouter},
    desk::handle::DeskHandle,
};

/// Returns the desk's routes.
pub fn routes() -> ApiRouter {
    ApiRouter::default()
        .merge(accounts::routes())
        .merge(equity::routes())
        .merge(fills::routes())
        .merge(history::routes())
        .merge(orders::routes())
        .merge(performance::routes())
        .merge(positions::routes())
        .merge(risk::routes())
        .merge(strategies::routes())
}

/// Gives the desk a command.
///
/// # Errors
/// The desk's refusal, or why the command did not reach it.
async fn command(
    router: &CommandRouter,
    CommandSource { caller, key }: CommandSource,
    command: DeskCommand,
) -> Result<DeskReply, ApiError> {
    match router.run(caller, key, command).await {
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
