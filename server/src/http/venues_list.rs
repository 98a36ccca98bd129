//! `GET /api/v1/venues`: what each venue can do, and what runs of it now.

use axum::{Json, extract::State};
use model::{instrument::Venue, status::FeedMode};
use serde::Serialize;
use venues::registry::{self, Capabilities, VenueInfo};
use wire::data::{ConnectionEntry, StatusData, StreamEntry};

use crate::{feed::handle::Feeds, venue_list};

/// `{"venues":[…]}`, sorted by name.
#[derive(Serialize)]
pub struct VenueRows {
    venues: Vec<VenueRow>,
}

/// One venue.
#[derive(Serialize)]
struct VenueRow {
    name: &'static str,
    title: &'static str,
    capabilities: Capabilities,
    /// `not_needed`, or `missing`: there is no way to give one yet.
    token: &'static str,
    /// What a first start offers.
    first_symbols: Vec<String>,
    is_running: bool,
    /// Followed now.
    symbols: Vec<String>,
    /// How the data comes; absent where the venue does not run.
    #[serde(skip_serializing_if = "Option::is_none")]
    mode: Option<FeedMode>,
    /// How the connections fare; absent where the venue does not run.
    #[serde(skip_serializing_if = "Option::is_none")]
    connection: Option<ConnectionEntry>,
}

/// Lists the venues.
pub async fn list(State(feeds): State<Feeds>) -> Json<VenueRows> {
    let status = feeds.status();
    Json(VenueRows { venues: registry::venues().map(|info| row(info, &status)).collect() })
}

fn row(info: &'static VenueInfo, status: &StatusData) -> VenueRow {
    let venue = Venue::new(info.name);
    let connection = status.connections.iter().find(|entry| entry.venue == venue).cloned();
    let of_venue = |entry: &&StreamEntry| *entry.instrument.venue() == venue;
    let symbol = |entry: &StreamEntry| entry.instrument.symbol().to_owned();
    let first: Vec<String> = registry::first_symbols(info.name).iter().map(|symbol| (*symbol).to_owned()).collect();
    VenueRow {
        name: info.name,
        title: info.title,
        capabilities: info.capabilities,
        token: if info.capabilities.needs_token { "missing" } else { "not_needed" },
        first_symbols: if first.is_empty() { venue_list::default_symbols(info) } else { first },
        is_running: connection.is_some(),
        symbols: status.streams.iter().filter(of_venue).map(symbol).collect(),
        mode: connection.as_ref().map(|entry| entry.mode),
        connection,
    }
}
