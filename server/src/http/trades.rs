//! `GET /api/v1/trades?instrument=venue:SYMBOL&limit=100`: the last public trades, oldest first.

use axum::{Json, extract::State};
use model::instrument::InstrumentId;
use schemars::JsonSchema;
use serde::Serialize;
use topics::{channels::tape::TapeData, limits::TAPE_LENGTH};

use super::{
    api_router::ApiRouter,
    error::ApiError,
    error_code::ErrorCode,
    operation::{Needs, Operation, Shape, Tag, optional, required},
    parameters::Parameters,
};
use crate::feed::handle::Feeds;

/// Returns the route of public trades.
pub fn routes() -> ApiRouter {
    ApiRouter::default().operation(
        Operation::get("/api/v1/trades", Needs::VIEWER, Tag::Market, "Public trades")
            .query([
                required("instrument", "The instrument.", Shape::request::<InstrumentId>()),
                optional("limit", "The most trades.", Shape::number(1..=TAPE_LENGTH, Some(TAPE_LENGTH))),
            ])
            .answer::<Trades>("The last trades, oldest first.")
            .errors(&[ErrorCode::UnknownInstrument, ErrorCode::FeedBusy]),
        list,
    )
}

/// `{"instrument":"…","trades":[{"id":…,"price":"…","size":"…","aggressor_side":"buy","venue_time_ms":…},…]}`
#[derive(Serialize, JsonSchema)]
pub struct Trades {
    instrument: InstrumentId,
    #[serde(flatten)]
    data: TapeData,
}

/// Queries the feed.
pub async fn list(State(feeds): State<Feeds>, parameters: Parameters) -> Result<Json<Trades>, ApiError> {
    let instrument = parameters.instrument()?;
    let limit = parameters.number("limit", 1..=TAPE_LENGTH, TAPE_LENGTH)?;
    let data = feeds.find(&instrument)?.trades(instrument.clone(), limit).await?;
    Ok(Json(Trades { instrument, data }))
}
