//! `GET /api/v1/candles?instrument=venue:SYMBOL&interval=1m&limit=500`: the newest bars, oldest first.

use axum::{Json, extract::State};
use model::{candle::Interval, instrument::InstrumentId};
use schemars::JsonSchema;
use serde::Serialize;
use topics::{channels::candles::CandlesData, limits::CANDLES_LENGTH};

use super::{
    api_router::ApiRouter,
    error::ApiError,
    error_code::ErrorCode,
    operation::{Needs, Operation, Shape, Tag, optional, required},
    parameters::Parameters,
};
use crate::feed::handle::Feeds;

/// Returns the route of candles.
pub fn routes() -> ApiRouter {
    ApiRouter::default().operation(
        Operation::get("/api/v1/candles", Needs::VIEWER, Tag::Market, "Candles")
            .text("Waits a few seconds for history that has not arrived yet.")
            .query([
                required("instrument", "The instrument.", Shape::request::<InstrumentId>()),
                optional("interval", "The length of a bar; one minute if absent.", Shape::request::<Interval>()),
                optional("limit", "The most bars.", Shape::number(1..=CANDLES_LENGTH, Some(CANDLES_LENGTH))),
            ])
            .answer::<Candles>("The newest bars, oldest first.")
            .errors(&[ErrorCode::UnknownInstrument, ErrorCode::FeedBusy]),
        list,
    )
}

/// `{"instrument":"…","interval":"1m","bars":[[open_time_ms,"open","high","low","close","volume"],…],"buy_volumes":["…",…]}`
#[derive(Serialize, JsonSchema)]
pub struct Candles {
    instrument: InstrumentId,
    interval: Interval,
    #[serde(flatten)]
    data: CandlesData,
}

/// Queries the feed; waits a few seconds for history that has not arrived yet.
pub async fn list(State(feeds): State<Feeds>, parameters: Parameters) -> Result<Json<Candles>, ApiError> {
    let (instrument, interval) = (parameters.instrument()?, parameters.interval()?);
    let limit = parameters.number("limit", 1..=CANDLES_LENGTH, CANDLES_LENGTH)?;
    let data = feeds.find(&instrument)?.candles(instrument.clone(), interval, limit).await?;
    Ok(Json(Candles { instrument, interval, data }))
}
