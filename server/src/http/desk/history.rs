//! `GET /api/v1/history`: closed round trips of an account, newest first; `sort=time|net_pnl|value`, filters
//! `instrument`, `side` (buy: it was long), `from_ms`, `until_ms`.

use axum::{extract::State, response::Response};
use model::{
    decimal::{Notional, Price},
    trading::account::AccountId,
};
use portfolio::round_trip::RoundTrip;
use schemars::JsonSchema;
use serde::Serialize;
use store::error::StoreError;

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

/// Returns the route of round trips.
pub fn routes() -> ApiRouter {
    let sort = optional("sort", "What the order is by.", Shape::words(&["time", "net_pnl", "value"]));
    ApiRouter::default().operation(
        Operation::get("/api/v1/history", Needs::VIEWER, Tag::Desk, "Closed round trips")
            .text("A trip of the side buy was long.")
            .query(request::filter_and_page())
            .query([sort])
            .answer_of(200, "Closed round trips, newest first.", answer::forms::<RoundTripRow>())
            .header("next-cursor", "The cursor of the next page; the last one has none.")
            .refusals(),
        list,
    )
}

/// A round trip with what follows from it.
#[derive(Serialize, JsonSchema)]
pub struct RoundTripRow {
    account: AccountId,
    #[serde(flatten)]
    trip: RoundTrip,
    entry_price: Option<Price>,
    exit_price: Option<Price>,
    net_pnl: Option<Notional>,
    duration_ms: u64,
}

/// Lists closed round trips.
pub async fn list(State(desk): State<DeskHandle>, parameters: Parameters) -> Result<Response, ApiError> {
    let account = parameters.account(&desk)?;
    let (filter, paging) = (parameters.filter(account.clone())?, parameters.paging()?);
    if account.is_replay() {
        in_memory::check(&paging)?;
        let trips =
            look(&desk, account.clone(), move |_, account, _| in_memory::round_trips(account, &filter, &paging));
        let rows: Vec<RoundTripRow> =
            trips.await?.into_iter().map(|trip| RoundTripRow::of(account.clone(), trip)).collect();
        return Ok(answer::rows(&rows, None, parameters.form()?));
    }
    look(&desk, account.clone(), |_, _, _| ()).await?;
    let page = desk.lists()?.round_trips(&filter, &paging).await.map_err(unreadable)?;
    let rows = page.rows.iter().map(|body| RoundTripRow::read(&account, body)).collect::<Result<Vec<_>, _>>()?;
    Ok(answer::rows(&rows, page.next.map(|cursor| cursor.to_string()), parameters.form()?))
}

impl RoundTripRow {
    fn read(account: &AccountId, body: &str) -> Result<Self, ApiError> {
        let bad = |source| unreadable(StoreError::BadRow { table: "round_trips", row: body.to_owned(), source });
        Ok(Self::of(account.clone(), serde_json::from_str(body).map_err(bad)?))
    }

    fn of(account: AccountId, trip: RoundTrip) -> Self {
        Self {
            account,
            entry_price: trip.entry_price(),
            exit_price: trip.exit_price(),
            net_pnl: trip.net_pnl(),
            duration_ms: u64::try_from(trip.duration().as_millis()).unwrap_or(u64::MAX),
            trip,
        }
    }
}

impl CsvRow for RoundTripRow {
    const COLUMNS: &'static [&'static str] = &[
        "account",
        "instrument",
        "side",
        "quantity",
        "entry_price",
        "exit_price",
        "currency",
        "realised_pnl",
        "fees",
        "net_pnl",
        "n_fills",
        "mae",
        "mfe",
        "entry_time",
        "exit_time",
    ];

    fn cells(&self) -> Vec<Cell> {
        let trip = &self.trip;
        vec![
            Cell::text(&self.account),
            Cell::text(&trip.instrument),
            Cell::text(trip.side),
            Cell::number(trip.quantity),
            Cell::maybe(self.entry_price),
            Cell::maybe(self.exit_price),
            Cell::text(&trip.currency),
            Cell::number(trip.realised_pnl),
            Cell::maybe(trip.fees_in_quote),
            Cell::maybe(self.net_pnl),
            Cell::number(trip.n_fills),
            Cell::number(trip.mae),
            Cell::number(trip.mfe),
            Cell::time(trip.entry_time),
            Cell::time(trip.exit_time),
        ]
    }
}
