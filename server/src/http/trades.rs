//! `GET /api/v1/trades?instrument=venue:SYMBOL&limit=100`: the last public trades, oldest first.

use axum::{Json, extract::State};
use model::instrument::InstrumentId;
use serde::Serialize;
use topics::{channels::tape::TapeData, limits::TAPE_LENGTH};

use super::{error::ApiError, parameters::Parameters};
use crate::feed::handle::Feeds;

/// `{"instrument":"…","trades":[{"id":…,"price":"…","size":"…","aggressor_side":"buy","venue_time_ms":…},…]}`
#[derive(Serialize)]
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
