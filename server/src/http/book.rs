//! `GET /api/v1/book?instrument=venue:SYMBOL&depth=20`: the book's state and best levels, best first.
//!
//! A book that is not served has its state but no levels, as on the stream.

use axum::{Json, extract::State};
use model::{
    decimal::{Price, Quantity},
    event::Level,
    instrument::InstrumentId,
    proof::BookState,
};
use schemars::JsonSchema;
use serde::Serialize;

use super::{
    api_router::ApiRouter,
    error::ApiError,
    error_code::ErrorCode,
    operation::{Needs, Operation, Shape, Tag, optional, required},
    parameters::Parameters,
};
use crate::feed::handle::Feeds;

/// Returns the route of order books.
pub fn routes() -> ApiRouter {
    ApiRouter::default().operation(
        Operation::get("/api/v1/book", Needs::VIEWER, Tag::Market, "Order book")
            .text("A book that is not served has its state but no levels, as on the stream.")
            .query([
                required("instrument", "The instrument.", Shape::request::<InstrumentId>()),
                optional("depth", "The most levels a side.", Shape::number(1..=MAX_DEPTH, Some(DEFAULT_DEPTH))),
            ])
            .answer::<Book>("The book's state and best levels, best first.")
            .errors(&[ErrorCode::UnknownInstrument, ErrorCode::FeedBusy]),
        show,
    )
}

/// `{"instrument":"…","state":"live","bids":[["price","size"],…],"asks":[…],"last_update_id":…,…}`
#[derive(Serialize, JsonSchema)]
pub struct Book {
    instrument: InstrumentId,
    state: BookState,
    bids: Vec<(Price, Quantity)>,
    asks: Vec<(Price, Quantity)>,
    last_update_id: Option<u64>,
    venue_time_ms: Option<i64>,
    receive_time_us: Option<i64>,
}

/// Queries the feed.
pub async fn show(State(feeds): State<Feeds>, parameters: Parameters) -> Result<Json<Book>, ApiError> {
    let instrument = parameters.instrument()?;
    let depth = parameters.number("depth", 1..=MAX_DEPTH, DEFAULT_DEPTH)?;
    let data = feeds.find(&instrument)?.book(instrument.clone(), depth).await?;
    let pairs = |levels: Vec<Level>| levels.into_iter().map(|level| (level.price, level.quantity)).collect();
    Ok(Json(Book {
        instrument,
        state: data.state,
        bids: pairs(data.bids),
        asks: pairs(data.asks),
        last_update_id: data.last_update_id,
        venue_time_ms: data.venue_time_ms,
        receive_time_us: data.receive_time_us,
    }))
}

const DEFAULT_DEPTH: usize = 20;
/// The maximum depth of venues' own snapshots.
const MAX_DEPTH: usize = 5_000;
