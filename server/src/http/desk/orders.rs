//! `POST /api/v1/orders`: places an order, 201; 200 with the first one for a name that was used before.
//! `GET /api/v1/orders?state=open|closed&instrument=…`: a list, newest first. `GET`, `PATCH` and `DELETE
//! /api/v1/orders/{order_id}`: one order. `DELETE /api/v1/orders`: cancels all of an account.
//! `POST /api/v1/orders/preview`: what an order would get; nothing is placed.

use axum::{
    extract::State,
    http::{Method, StatusCode},
    response::{IntoResponse, Response},
};
use desk::{preview::OrderPreview, rows::OrderRow};
use model::trading::{
    account::AccountId,
    command::{AmendOrder, CancelAll, CancelOrder, DeskCommand, DeskReply},
    order::{Amendment, Order, OrderId, OrderRequest},
    refusal::{DenyCode, Refusal},
};

use super::{
    answer, command,
    csv_table::{Cell, CsvRow},
    in_memory, look,
    request::{self, DeskBody},
    unreadable,
};
use crate::{
    commands::CommandRouter,
    desk::handle::DeskHandle,
    http::{
        api_router::ApiRouter,
        commands::CommandSource,
        error::ApiError,
        operation::{Needs, Operation, Shape, Tag, optional},
        parameters::{Parameters, PathParameter},
    },
};

/// Returns the routes of orders.
pub fn routes() -> ApiRouter {
    let describe = |method, path, access, summary| Operation::new(method, path, access, Tag::Desk, summary).refusals();
    let (orders, order) = ("/api/v1/orders", "/api/v1/orders/{order_id}");
    let order_id = || Shape::request::<OrderId>();
    ApiRouter::default()
        .operation(
            describe(Method::GET, orders, Needs::VIEWER, "Orders")
                .query(request::filter_and_page())
                .query([optional("state", "Only open or only ended ones.", Shape::words(&["open", "closed"]))])
                .answer_of(200, "Orders, newest first.", answer::forms::<OrderRow>())
                .header("next-cursor", "The cursor of the next page; the last one has none."),
            list,
        )
        .operation(
            describe(Method::POST, orders, Needs::TRADER, "Place an order")
                .command()
                .body::<OrderRequest>()
                .created::<Order>("The order.")
                .in_millis::<Order>(
                    "The order that was placed with this `client_order_id` before; nothing was placed.",
                ),
            place,
        )
        .operation(
            describe(Method::DELETE, orders, Needs::TRADER, "Cancel all orders of an account")
                .query([request::account(), request::instrument()])
                .command()
                .in_millis::<Vec<Order>>("The orders that were open, as they are now."),
            cancel_all,
        )
        .operation(
            describe(Method::POST, "/api/v1/orders/preview", Needs::VIEWER, "What an order would get")
                .text("Nothing is placed.")
                .body::<OrderRequest>()
                .in_millis::<OrderPreview>("Fills and costs against the book as it is now."),
            preview,
        )
        .operation(
            describe(Method::GET, order, Needs::VIEWER, "An order")
                .path("order_id", "The order.", order_id())
                .query([request::account()])
                .in_millis::<OrderRow>("The order with its place in the queue."),
            show,
        )
        .operation(
            describe(Method::PATCH, order, Needs::TRADER, "Change an order")
                .path("order_id", "The order.", order_id())
                .query([request::account()])
                .command()
                .body::<Amendment>()
                .in_millis::<Order>("The order, as it is now."),
            amend,
        )
        .operation(
            describe(Method::DELETE, order, Needs::TRADER, "Cancel an order")
                .path("order_id", "The order.", order_id())
                .query([request::account()])
                .command()
                .in_millis::<Order>("The order, as it is now."),
            cancel,
        )
}

/// Lists orders.
pub async fn list(State(desk): State<DeskHandle>, parameters: Parameters) -> Result<Response, ApiError> {
    let account = parameters.account(&desk)?;
    let (filter, paging) = (parameters.filter(account.clone())?, parameters.paging()?);
    if account.is_replay() {
        in_memory::check(&paging)?;
        let rows = look(&desk, account, move |desk, account, now| {
            let orders = in_memory::orders(desk, account, &filter, &paging);
            orders.iter().map(|order| desk.order_row(order, now)).collect::<Vec<_>>()
        });
        return Ok(answer::rows(&rows.await?, None, parameters.form()?));
    }
    let page = desk.lists()?.orders(&filter, &paging).await.map_err(unreadable)?;
    let rows = look(&desk, account, move |desk, _, now| {
        page.rows.iter().map(|order| desk.order_row(order, now)).collect::<Vec<_>>()
    });
    Ok(answer::rows(&rows.await?, page.next.map(|cursor| cursor.to_string()), parameters.form()?))
}

/// Shows an order with its place in the queue.
pub async fn show(
    State(desk): State<DeskHandle>,
    PathParameter(order_id): PathParameter,
    parameters: Parameters,
) -> Result<Response, ApiError> {
    let order_id = number(&order_id)?;
    let unknown = || unknown(&order_id.to_string());
    if parameters.named_account()?.is_some_and(|account| account.is_replay()) {
        let row = look(&desk, AccountId::replay(), move |desk, _, now| {
            desk.state().order(order_id).map(|order| desk.order_row(order, now))
        });
        return Ok(answer::json(row.await?.ok_or_else(unknown)?));
    }
    let known = desk.lists()?.order(order_id).await.map_err(unreadable)?.ok_or_else(unknown)?;
    let row = desk.look(move |desk, now| desk.order_row(desk.state().order(order_id).unwrap_or(&known), now)).await?;
    Ok(answer::json(row))
}

/// Places an order.
pub async fn place(
    State(router): State<CommandRouter>,
    source: CommandSource,
    DeskBody(request): DeskBody<OrderRequest>,
) -> Result<Response, ApiError> {
    let reply = command(&router, source, DeskCommand::PlaceOrder(Box::new(request))).await?;
    let status = if matches!(reply, DeskReply::Repeated(_)) { StatusCode::OK } else { StatusCode::CREATED };
    Ok((status, answer::json(reply)).into_response())
}

/// Shows what an order would get.
pub async fn preview(
    State(desk): State<DeskHandle>,
    DeskBody(request): DeskBody<OrderRequest>,
) -> Result<Response, ApiError> {
    let (account, instrument) = (request.account.clone(), request.instrument.clone());
    let preview =
        desk.look_at_market(account.as_ref(), &instrument, move |desk, now| desk.preview_order(&request, now));
    Ok(answer::json(preview.await??))
}

/// Changes an order.
pub async fn amend(
    State(router): State<CommandRouter>,
    source: CommandSource,
    PathParameter(order_id): PathParameter,
    parameters: Parameters,
    DeskBody(amendment): DeskBody<Amendment>,
) -> Result<Response, ApiError> {
    let amend = AmendOrder { account: parameters.named_account()?, order_id: number(&order_id)?, amendment };
    Ok(answer::json(command(&router, source, DeskCommand::AmendOrder(amend)).await?))
}

/// Cancels an order.
pub async fn cancel(
    State(router): State<CommandRouter>,
    source: CommandSource,
    PathParameter(order_id): PathParameter,
    parameters: Parameters,
) -> Result<Response, ApiError> {
    let cancel = CancelOrder { account: parameters.named_account()?, order_id: number(&order_id)? };
    Ok(answer::json(command(&router, source, DeskCommand::CancelOrder(cancel)).await?))
}

/// Cancels all orders of an account.
pub async fn cancel_all(
    State(router): State<CommandRouter>,
    State(desk): State<DeskHandle>,
    source: CommandSource,
    parameters: Parameters,
) -> Result<Response, ApiError> {
    let account = parameters.account(&desk)?;
    let instrument = parameters.filter(account.clone())?.instrument;
    let cancel = CancelAll { account: Some(account), instrument };
    Ok(answer::json(command(&router, source, DeskCommand::CancelAll(cancel)).await?))
}

fn number(text: &str) -> Result<OrderId, ApiError> {
    OrderId::parse(text).map_err(|_| unknown(text))
}

fn unknown(text: &str) -> ApiError {
    let text: String = text.chars().take(64).collect();
    Refusal::new(DenyCode::UnknownOrder, format!("no order has the number {text}")).into()
}

impl CsvRow for OrderRow {
    const COLUMNS: &'static [&'static str] = &[
        "order_id",
        "client_order_id",
        "account",
        "instrument",
        "side",
        "type",
        "quantity",
        "price",
        "stop_price",
        "time_in_force",
        "post_only",
        "reduce_only",
        "state",
        "filled",
        "filled_value",
        "average_price",
        "strategy",
        "reason",
        "created_time",
        "updated_time",
    ];

    fn cells(&self) -> Vec<Cell> {
        let order = &self.order;
        vec![
            Cell::number(order.order_id),
            Cell::text(&order.client_order_id),
            Cell::text(&order.account),
            Cell::text(&order.instrument),
            Cell::text(order.side),
            Cell::text(order.kind),
            Cell::number(order.quantity),
            Cell::maybe(order.price),
            Cell::maybe(order.stop_price),
            Cell::text(order.time_in_force.as_str()),
            Cell::text(order.post_only),
            Cell::text(order.reduce_only),
            Cell::text(order.state.as_str()),
            Cell::number(order.filled),
            Cell::number(order.filled_value),
            Cell::maybe(self.average_price),
            order.strategy.as_ref().map_or(Cell::Empty, Cell::text),
            order.reason.as_ref().map_or(Cell::Empty, |reason| Cell::text(reason.code.as_str())),
            Cell::time(order.created_time),
            Cell::time(order.updated_time),
        ]
    }
}
