//! `GET /api/v1/equity`: the equity of an account at regular moments, oldest first, as `[{"time_ms","equity"}]`; filters
//! `from_ms` and `until_ms`; `every_ms` keeps the last of each span of that length. A cursor is the time of the last row.

use std::time::Duration;

use axum::{extract::State, response::Response};
use model::time::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::{
    answer,
    csv_table::{Cell, CsvRow},
    in_memory, look, request, unreadable,
};
use crate::{
    desk::handle::DeskHandle,
    http::{
        api_router::ApiRouter,
        error::ApiError,
        operation::{Needs, Operation, Shape, Tag, optional},
        parameters::Parameters,
    },
};

/// Returns the route of the equity.
pub fn routes() -> ApiRouter {
    ApiRouter::default().operation(
        Operation::get("/api/v1/equity", Needs::VIEWER, Tag::Desk, "Equity over time")
            .query([
                request::account(),
                optional("from_ms", "Not before this moment, in milliseconds since the epoch.", Shape::millis()),
                optional("until_ms", "Before this moment.", Shape::millis()),
                optional("cursor", "The header `next-cursor` of the page before.", Shape::millis()),
                optional(
                    "every_ms",
                    "Keep the last sample of each span of this length; 0: all.",
                    Shape::number(0..=MOST_EVERY_MS, Some(0)),
                ),
                request::limit(),
                request::format(),
            ])
            .answer_of(200, "Samples, oldest first.", answer::forms::<EquityRow>())
            .header("next-cursor", "The cursor of the next page; the last one has none.")
            .refusals(),
        list,
    )
}

/// The equity at one moment.
#[derive(Serialize, JsonSchema)]
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
