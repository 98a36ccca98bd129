//! `GET /api/v1/status`: the state of all streams and connections, as in the topic `status`.

use axum::{Json, extract::State};
use topics::channels::status::StatusData;

use crate::feed::handle::Feeds;

/// Returns `{"streams":[…],"connections":[…]}`, sorted.
pub async fn show(State(feeds): State<Feeds>) -> Json<StatusData> {
    Json(feeds.status())
}
