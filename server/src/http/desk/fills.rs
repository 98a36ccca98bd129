//! `GET /api/v1/fills`: the fills of an account, newest first; filters `instrument`, `side`, `order_id`, `from_ms`,
//! `until_ms`. `GET /api/v1/fills/{fill_id}`: one fill with its evidence, "why did this fill?".

use axum::{extract::State, response::Response};
use model::trading::{
    account::{AccountId, Currency},
    fill::{Fill, FillId, Liquidity},
    order::{OrderId, Side},
    refusal::{DenyCode, Refusal},
};
use model::{
    decimal::{Notional, Price, Quantity},
    instrument::InstrumentId,
};
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
        parameters::{Parameters, PathParameter},
    },
};

/// Returns the routes of fills.
pub fn routes() -> ApiRouter {
    let of_order = optional("order_id", "Only of this order.", Shape::request::<OrderId>());
    ApiRouter::default()
        .operation(
            Operation::get("/api/v1/fills", Needs::VIEWER, Tag::Desk, "Fills")
                .query(request::filter_and_page())
                .query([of_order])
                .answer_of(200, "Fills, newest first.", answer::forms::<FillRow>())
                .header("next-cursor", "The cursor of the next page; the last one has none.")
                .refusals(),
            list,
        )
        .operation(
            Operation::get("/api/v1/fills/{fill_id}", Needs::VIEWER, Tag::Desk, "A fill with its evidence")
                .path("fill_id", "The fill.", Shape::request::<FillId>())
                .query([request::account()])
                .in_millis::<Fill>("The fill, and the market event that it was based on.")
                .refusals(),
            show,
        )
}

/// A fill as a row: without its evidence.
#[derive(Serialize, JsonSchema)]
pub struct FillRow {
    fill_id: FillId,
    order_id: OrderId,
    account: AccountId,
    instrument: InstrumentId,
    side: Side,
    price: Price,
    quantity: Quantity,
    fee: Notional,
    fee_currency: Currency,
    liquidity: Liquidity,
    time_ms: i64,
}

impl From<&Fill> for FillRow {
    fn from(fill: &Fill) -> Self {
        Self {
            fill_id: fill.fill_id,
            order_id: fill.order_id,
            account: fill.account.clone(),
            instrument: fill.instrument.clone(),
            side: fill.side,
            price: fill.price,
            quantity: fill.quantity,
            fee: fill.fee,
            fee_currency: fill.fee_currency.clone(),
            liquidity: fill.liquidity,
            time_ms: fill.time.as_millis(),
        }
    }
}

/// Lists fills.
pub async fn list(State(desk): State<DeskHandle>, parameters: Parameters) -> Result<Response, ApiError> {
    let account = parameters.account(&desk)?;
    let (filter, paging) = (parameters.filter(account.clone())?, parameters.paging()?);
    if account.is_replay() {
        in_memory::check(&paging)?;
        let fills = look(&desk, account, move |_, account, _| in_memory::fills(account, &filter, &paging)).await?;
        let rows: Vec<FillRow> = fills.iter().map(FillRow::from).collect();
        return Ok(answer::rows(&rows, None, parameters.form()?));
    }
    look(&desk, account, |_, _, _| ()).await?;
    let page = desk.lists()?.fills(&filter, &paging).await.map_err(unreadable)?;
    let rows: Vec<FillRow> = page.rows.iter().map(FillRow::from).collect();
    Ok(answer::rows(&rows, page.next.map(|cursor| cursor.to_string()), parameters.form()?))
}

/// Shows a fill with its evidence.
pub async fn show(
    State(desk): State<DeskHandle>,
    PathParameter(fill_id): PathParameter,
    parameters: Parameters,
) -> Result<Response, ApiError> {
    let text: String = fill_id.chars().take(64).collect();
    let unknown = || Refusal::new(DenyCode::UnknownOrder, format!("no fill has the id {text}"));
    let fill_id = FillId::parse(&fill_id).map_err(|_| unknown())?;
    if parameters.named_account()?.is_some_and(|account| account.is_replay()) {
        let fill = look(&desk, AccountId::replay(), move |_, account, _| {
            account.fills.iter().find(|(_, fill)| fill.fill_id == fill_id).map(|(_, fill)| fill.clone())
        });
        return Ok(answer::json(fill.await?.ok_or_else(unknown)?));
    }
    let fill = desk.lists()?.fill(fill_id).await.map_err(unreadable)?.ok_or_else(unknown)?;
    Ok(answer::json(fill))
}

impl CsvRow for FillRow {
    const COLUMNS: &'static [&'static str] = &[
        "fill_id",
        "order_id",
        "account",
        "instrument",
        "side",
        "price",
        "quantity",
        "fee",
        "fee_currency",
        "liquidity",
        "time",
    ];

    fn cells(&self) -> Vec<Cell> {
        vec![
            Cell::text(self.fill_id),
            Cell::number(self.order_id),
            Cell::text(&self.account),
            Cell::text(&self.instrument),
            Cell::text(self.side),
            Cell::number(self.price),
            Cell::number(self.quantity),
            Cell::number(self.fee),
            Cell::text(&self.fee_currency),
            Cell::text(self.liquidity.as_str()),
            Cell::time(model::time::Timestamp::from_millis(self.time_ms)),
        ]
    }
}
