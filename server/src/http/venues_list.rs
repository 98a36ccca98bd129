//! `GET /api/v1/venues`: each venue's capabilities and the state of its feed.
//!
//! The answer says whether a venue's token is configured, but never contains the token.

use axum::{Json, extract::State};
use model::{instrument::Venue, status::FeedMode};
use schemars::JsonSchema;
use serde::Serialize;
use topics::channels::status::{ConnectionEntry, StatusData, StreamEntry};
use venues::registry::{self, Capabilities};

use super::{
    api_router::ApiRouter,
    operation::{Needs, Operation, Tag},
    venues::RestProxy,
};
use crate::{
    feed::{endpoints::VenueEndpoint, handle::Feeds},
    venue_list,
};

/// Returns the route of venues.
pub fn routes() -> ApiRouter {
    ApiRouter::default().operation(
        Operation::get("/api/v1/venues", Needs::VIEWER, Tag::Feeds, "Venues")
            .answer::<VenueRows>("Each venue's capabilities and the state of its feed, by name."),
        list,
    )
}

/// `{"venues":[…]}`, sorted by name.
#[derive(Serialize, JsonSchema)]
pub struct VenueRows {
    venues: Vec<VenueRow>,
}

/// One venue.
#[derive(Serialize, JsonSchema)]
struct VenueRow {
    name: &'static str,
    title: &'static str,
    capabilities: Capabilities,
    /// `not_needed`, `configured`, or `missing`.
    token: &'static str,
    /// The source of historical bars: `own`, or a second service that is `configured` or `missing`.
    history: &'static str,
    /// The symbols offered at a first start.
    first_symbols: Vec<String>,
    is_running: bool,
    /// The symbols followed now.
    symbols: Vec<String>,
    /// The delivery mode; absent if the venue's feed does not run.
    #[serde(skip_serializing_if = "Option::is_none")]
    mode: Option<FeedMode>,
    /// The state of the connections; absent if the venue's feed does not run.
    #[serde(skip_serializing_if = "Option::is_none")]
    connection: Option<ConnectionEntry>,
}

/// Lists the venues.
pub async fn list(State(feeds): State<Feeds>, State(endpoints): State<RestProxy>) -> Json<VenueRows> {
    let status = feeds.status();
    let rows = registry::venues().filter_map(|info| Some(row(endpoints.find(info.name)?.as_ref(), &status)));
    Json(VenueRows { venues: rows.collect() })
}

fn row(endpoint: &VenueEndpoint, status: &StatusData) -> VenueRow {
    let info = endpoint.info;
    let venue = Venue::new(info.name);
    let connection = status.connections.iter().find(|entry| entry.venue == venue).cloned();
    let of_venue = |entry: &&StreamEntry| *entry.instrument.venue() == venue;
    let symbol = |entry: &StreamEntry| entry.instrument.symbol().to_owned();
    let first: Vec<String> = registry::first_symbols(info.name).iter().map(|symbol| (*symbol).to_owned()).collect();
    VenueRow {
        name: info.name,
        title: info.title,
        capabilities: info.capabilities,
        token: match info.capabilities.needs_token {
            false => "not_needed",
            true if endpoint.config.token.is_some() => "configured",
            true => "missing",
        },
        history: match info.history {
            None => "own",
            Some(_) if endpoint.has_history() => "configured",
            Some(_) => "missing",
        },
        first_symbols: if first.is_empty() { venue_list::default_symbols(info) } else { first },
        is_running: connection.is_some(),
        symbols: status.streams.iter().filter(of_venue).map(symbol).collect(),
        mode: connection.as_ref().map(|entry| entry.mode),
        connection,
    }
}
