//! `GET /api/v1/status`: the state of all streams and connections, as in the topic `status`.

use axum::{Json, extract::State};
use topics::channels::status::StatusData;

use super::{
    api_router::ApiRouter,
    operation::{Needs, Operation, Tag},
};
use crate::feed::handle::Feeds;

/// Returns the route of the state.
pub fn routes() -> ApiRouter {
    ApiRouter::default().operation(
        Operation::get("/api/v1/status", Needs::VIEWER, Tag::Feeds, "State of streams and connections")
            .text("The same as a snapshot of the topic `status`.")
            .answer::<StatusData>("All streams and connections, sorted."),
        show,
    )
}

/// Returns `{"streams":[…],"connections":[…]}`, sorted.
pub async fn show(State(feeds): State<Feeds>) -> Json<StatusData> {
    Json(feeds.status())
}
