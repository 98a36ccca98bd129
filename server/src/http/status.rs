//! `GET /api/v1/status`: how every stream and every venue's connections fare, as the topic `status` says it.

use axum::{Json, extract::State};
use topics::channels::status::StatusData;

use crate::feed::handle::Feeds;

/// `{"streams":[…],"connections":[…]}`, sorted.
pub async fn show(State(feeds): State<Feeds>) -> Json<StatusData> {
    Json(feeds.status())
}
