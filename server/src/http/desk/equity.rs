//! `GET /api/v1/equity`: the equity of an account at regular moments, oldest first, as `[{"time_ms","equity"}]`; filters
//! `from_ms` and `until_ms`; `every_ms` keeps the last of each span of that length. A cursor is the time of the last row.

use std::time::Duration;

use axum::{extract::State, response::Response};
use model::time::Timestamp;
use serde::Serialize;

use super::{
    answer,
    csv_table::{Cell, CsvRow},
    in_memory, look, unreadable,
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
    // A cursor counts in milliseconds, and samples are further apart.
    let after = parameters.millis("cursor")?.map(|after| Timestamp::from_millis(after.as_millis() + 1));
    let from = after.max(parameters.millis("from_ms")?).unwrap_or(Timestamp::EPOCH);
    let until = parameters.millis("until_ms")?.unwrap_or(Timestamp::from_nanos(i64::MAX));
    let every = Duration::from_millis(parameters.number("every_ms", 0..=MOST_EVERY_MS, 0)? as u64);
    let limit = parameters.limit()?;
    let samples = if account.is_replay() {
        look(&desk, account, move |_, account, _| in_memory::equity(account, from..until, every, limit + 1)).await?
    } else {
        look(&desk, account.clone(), |_, _, _| ()).await?;
        desk.lists()?.equity(&account, from..until, every, limit + 1).await.map_err(unreadable)?
    };
    let mut rows: Vec<EquityRow> = samples.into_iter().map(|(time, equity)| EquityRow { time, equity }).collect();
    let limit = limit as usize;
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

/// A year.
const MOST_EVERY_MS: usize = 31_536_000_000;
