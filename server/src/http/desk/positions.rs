//! `GET /api/v1/positions`: the open positions of an account, by instrument; quantities are signed.
//! `POST /api/v1/positions/close` with `{"instrument","account","reverse"}`: closes one at the market.

use axum::{extract::State, response::Response};
use desk::rows::PositionRow;
use model::trading::{
    command::{ClosePosition, DeskCommand},
    order::Order,
};

use super::{
    answer, command,
    csv_table::{Cell, CsvRow},
    look,
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

/// Returns the routes of positions.
pub fn routes() -> ApiRouter {
    ApiRouter::default()
        .operation(
            Operation::get("/api/v1/positions", Needs::VIEWER, Tag::Desk, "Open positions")
                .text("Quantities are signed: below zero is short.")
                .query([request::account(), request::instrument(), request::format()])
                .answer_of(200, "Positions by instrument.", answer::forms::<PositionRow>())
                .refusals(),
            list,
        )
        .operation(
            Operation::post("/api/v1/positions/close", Needs::TRADER, Tag::Desk, "Close or reverse a position")
                .command()
                .body::<ClosePosition>()
                .in_millis::<Order>("The order that does it.")
                .refusals(),
            close,
        )
}

/// Lists open positions: few enough for one page.
pub async fn list(State(desk): State<DeskHandle>, parameters: Parameters) -> Result<Response, ApiError> {
    let account = parameters.account(&desk)?;
    let wanted = parameters.filter(account.clone())?.instrument;
    let rows = look(&desk, account, move |desk, account, _| {
        let mut rows = desk.positions(account);
        rows.retain(|row| wanted.as_ref().is_none_or(|wanted| row.line.instrument == *wanted));
        rows
    });
    Ok(answer::rows(&rows.await?, None, parameters.form()?))
}

/// Closes or reverses a position. Returns the order that does it.
pub async fn close(
    State(router): State<CommandRouter>,
    source: CommandSource,
    DeskBody(close): DeskBody<ClosePosition>,
) -> Result<Response, ApiError> {
    Ok(answer::json(command(&router, source, DeskCommand::ClosePosition(close)).await?))
}

impl CsvRow for PositionRow {
    const COLUMNS: &'static [&'static str] = &[
        "account",
        "instrument",
        "quantity",
        "average_price",
        "cost",
        "mark",
        "currency",
        "realised_pnl",
        "quote_unrealised_pnl",
        "value",
        "unrealised_pnl",
        "stop_price",
        "target_price",
    ];

    fn cells(&self) -> Vec<Cell> {
        let line = &self.line;
        vec![
            Cell::text(&self.account),
            Cell::text(&line.instrument),
            Cell::number(line.quantity),
            Cell::maybe(line.average_price),
            Cell::number(line.cost),
            Cell::maybe(line.mark),
            Cell::text(&line.currency),
            Cell::number(self.realised_pnl),
            Cell::maybe(line.quote_unrealised_pnl),
            Cell::maybe(line.value),
            Cell::maybe(line.unrealised_pnl),
            Cell::maybe(self.stop_price),
            Cell::maybe(self.target_price),
        ]
    }
}
