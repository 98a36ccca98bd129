//! `GET /api/v1/direct`: the followed venues, whether a page may connect to them by itself, and how.
//!
//! Not here: the proxy to their REST ([`super::venues`]).

use std::collections::BTreeMap;

use axum::{Json, extract::State};
use model::instrument::{InstrumentId, Venue};
use recording::secrets;
use wire::direct::{DirectVenue, DirectVenues, MAX_DIRECT_SYMBOLS};

use super::{
    api_router::ApiRouter,
    operation::{Needs, Operation, Tag},
    venues::RestProxy,
};
use crate::feed::{endpoints::VenueEndpoint, handle::Feeds};

/// Returns the route of direct mode.
pub fn routes() -> ApiRouter {
    ApiRouter::default().operation(
        Operation::get("/api/v1/direct", Needs::VIEWER, Tag::Feeds, "Venues for direct mode")
            .text("For pages that connect to the venues by themselves.")
            .answer::<DirectVenues>("The followed venues, sorted."),
        list,
    )
}

/// Returns `{"venues":[…]}`, sorted; venues that are not followed are absent.
pub async fn list(State(feeds): State<Feeds>, State(endpoints): State<RestProxy>) -> Json<DirectVenues> {
    let mut followed: BTreeMap<Venue, Vec<InstrumentId>> = BTreeMap::new();
    for id in feeds.directory().ids() {
        followed.entry(id.venue().clone()).or_default().push(id);
    }
    let venues =
        followed.iter().filter_map(|(venue, ids)| Some(entry(venue, ids, endpoints.find(venue.as_str())?.as_ref())));
    Json(DirectVenues { venues: venues.collect() })
}

/// Returns a venue's entry for pages, with the symbols of `ids`.
pub fn entry(venue: &Venue, ids: &[InstrumentId], endpoint: &VenueEndpoint) -> DirectVenue {
    let millis = |span: std::time::Duration| u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
    let refusal = endpoint.refusal();
    DirectVenue {
        venue: venue.clone(),
        title: endpoint.info.title.to_owned(),
        refusal: refusal.map(str::to_owned),
        // Pages that may not connect do not need the address.
        ws_url: if refusal.is_none() { endpoint.ws_url().to_owned() } else { String::new() },
        rest_url: endpoint.http.base().filter(|_| refusal.is_none()).map(secrets::address).unwrap_or_default(),
        symbols: ids.iter().take(MAX_DIRECT_SYMBOLS).map(|id| id.symbol().to_owned()).collect(),
        stale_after_ms: millis(endpoint.config.stale_after),
        data_deadline_ms: endpoint.config.data_deadline.map(millis),
        poll_ms: endpoint.config.poll_every.map(millis),
        backoff_min_ms: millis(endpoint.config.backoff_min),
        backoff_max_ms: millis(endpoint.config.backoff_max),
        max_attempts: endpoint.config.max_attempts,
    }
}
