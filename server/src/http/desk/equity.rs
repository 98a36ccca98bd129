//! `GET /api/v1/equity`: the equity of an account at regular moments, oldest first, as `[{"time_ms","equity"}]`; filters
//! `from_ms` and `until_ms`. A cursor is the time of the last row.

use axum::{extract::State, response::Response};
use model::time::Timestamp;
use serde::Serialize;

use super::{
    answer,
    csv_table::{Cell, CsvRow},
    look, unreadable,
};
use crate::{
    desk::handle::DeskHandle,
    http::{error::ApiError, parameters::Parameters},
};

/// The equity at one moment.
#[derive(Serialize)]
pub struct EquityRow {
    time: Timestamp,
    equity: String,
}

/// Lists samples.
pub async fn list(State(desk): State<DeskHandle>, parameters: Parameters) -> Result<Response, ApiError> {
    let account = parameters.account(&desk)?;
    look(&desk, account.clone(), |_, _, _| ()).await?;
    let (after, until) = (parameters.millis("cursor")?, parameters.millis("until_ms")?);
    let from = after.max(parameters.millis("from_ms")?).unwrap_or(Timestamp::EPOCH);
    let samples = desk.lists()?.equity(&account, from).await.map_err(unreadable)?;
    let is_wanted = |(time, _): &(Timestamp, String)| {
        after.is_none_or(|after| time.as_millis() > after.as_millis()) && until.is_none_or(|until| *time < until)
    };
    let mut rows: Vec<EquityRow> =
        samples.into_iter().filter(is_wanted).map(|(time, equity)| EquityRow { time, equity }).collect();
    let limit = parameters.limit()? as usize;
    let has_more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| has_more).map(|row| row.time.as_millis().to_string());
    Ok(answer::rows(&rows, next, parameters.form()?))
}

impl CsvRow for EquityRow {
    const COLUMNS: &'static [&'static str] = &["time", "equity"];

    fn cells(&self) -> Vec<Cell> {
        vec![Cell::time(self.time), Cell::number(&self.equity)]
    }
}
