//! `GET /api/v1/instruments`: the followed instruments that their venues have described, with their step sizes.

use std::sync::Arc;

use axum::{Json, extract::State};
use model::instrument::Instrument;
use serde::Serialize;

use crate::feed::handle::Feeds;

/// `{"instruments":[…]}`, sorted by venue and symbol.
#[derive(Serialize)]
pub struct Instruments {
    instruments: Vec<Described>,
}

/// An instrument with the numbers of decimals that follow from its step sizes.
#[derive(Serialize)]
struct Described {
    #[serde(flatten)]
    instrument: Arc<Instrument>,
    price_decimals: u32,
    size_decimals: u32,
}

/// Lists the instruments.
pub async fn list(State(feeds): State<Feeds>) -> Json<Instruments> {
    let describe = |instrument: Arc<Instrument>| Described {
        price_decimals: instrument.price_decimals(),
        size_decimals: instrument.size_decimals(),
        instrument,
    };
    Json(Instruments { instruments: feeds.directory().instruments().into_iter().map(describe).collect() })
}
