//! `GET /api/v1/candles?instrument=venue:SYMBOL&interval=1m&limit=500`: the newest bars, oldest first.

use axum::{Json, extract::State};
use model::{candle::Interval, instrument::InstrumentId};
use serde::Serialize;
use topics::{channels::candles::CandlesData, limits::CANDLES_LENGTH};

use super::{error::ApiError, parameters::Parameters};
use crate::feed::handle::Feeds;

/// `{"instrument":"…","interval":"1m","bars":[[open_time_ms,"open","high","low","close","volume"],…],"buy_volumes":["…",…]}`
#[derive(Serialize)]
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
