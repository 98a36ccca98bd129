//! `GET /api/v1/performance`: the statistics of an account, each with its unit, formula and convention, as
//! `[{"key","label","unit","value","reason","formula","convention"}]`; a figure without a value says why.

use axum::{extract::State, response::Response};
use desk::performance::FigureRow;

use super::{answer, look, request};
use crate::{
    desk::handle::DeskHandle,
    http::{
        api_router::ApiRouter,
        error::ApiError,
        operation::{Needs, Operation, Tag},
        parameters::Parameters,
    },
};

/// Returns the route of the statistics.
pub fn routes() -> ApiRouter {
    ApiRouter::default().operation(
        Operation::get("/api/v1/performance", Needs::VIEWER, Tag::Desk, "Statistics of an account")
            .query([request::account()])
            .in_millis::<Vec<FigureRow>>("The figures, in the order in which a page shows them.")
            .refusals(),
        list,
    )
}

/// Lists the figures in the order in which a page shows them.
pub async fn list(State(desk): State<DeskHandle>, parameters: Parameters) -> Result<Response, ApiError> {
    let account = parameters.account(&desk)?;
    Ok(answer::json(look(&desk, account, |desk, account, now| desk.performance(account, now)).await?))
}
