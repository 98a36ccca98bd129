//! `GET /api/v1/performance`: the statistics of an account, each with its unit, formula and convention, as
//! `[{"key","label","unit","value","reason","formula","convention"}]`; a figure without a value says why.

use axum::{extract::State, response::Response};

use super::{answer, look};
use crate::{
    desk::handle::DeskHandle,
    http::{error::ApiError, parameters::Parameters},
};

/// Lists the figures in the order in which a page shows them.
pub async fn list(State(desk): State<DeskHandle>, parameters: Parameters) -> Result<Response, ApiError> {
    let account = parameters.account(&desk)?;
    Ok(answer::json(look(&desk, account, |desk, account, now| desk.performance(account, now)).await?))
}
