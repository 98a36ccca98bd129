//! `GET /api/v1/instruments`: the followed instruments that their venues have described, with their step sizes.
//! `GET /api/v1/instruments?q=text[&venue=name][&limit=20]`: a search among all instruments that the venues offer.
//!
//! Not here: the search itself (`catalogue::search`), following what was found (`feeds`).

use std::{collections::BTreeSet, sync::Arc};

use axum::{Json, extract::State};
use model::instrument::Instrument;
use schemars::JsonSchema;
use serde::Serialize;
use venues::{catalogue::Catalogue, registry};

use super::{
    api_router::ApiRouter,
    error::ApiError,
    error_code::ErrorCode,
    operation::{Needs, Operation, Shape, Tag, optional},
    parameters::Parameters,
};
use crate::{
    catalogue::{
        following::Following,
        lists::VenueList,
        search::{self, Query, VenueInstruments},
    },
    feed::handle::Feeds,
};

/// Returns the route of instruments.
pub fn routes() -> ApiRouter {
    ApiRouter::default().operation(
        Operation::get("/api/v1/instruments", Needs::VIEWER, Tag::Market, "Instruments")
            .text(
                "Without `q`: the followed instruments that their venues have described, with their step sizes. With it: a \
                 search among all instruments that the venues offer.",
            )
            .query([
                optional("q", "The text to search for.", Shape::text(MOST_TYPED)),
                optional("venue", "Search this venue alone.", Shape::text(MOST_TYPED)),
                optional("limit", "The most matches of a search.", Shape::number(1..=MOST_FOUND, Some(FOUND))),
            ])
            .answer::<InstrumentAnswer>("The instruments, sorted by venue and symbol; or the matches, best first.")
            .errors(&[ErrorCode::UnknownVenue]),
        list,
    )
}

/// A list or the result of a search.
#[derive(Serialize, JsonSchema)]
#[serde(untagged)]
pub enum InstrumentAnswer {
    /// The followed instruments.
    Followed(Instruments),
    /// The result of a search.
    Found(Found),
}

/// `{"instruments":[…]}`, sorted by venue and symbol.
#[derive(Serialize, JsonSchema)]
pub struct Instruments {
    instruments: Vec<Described>,
}

/// An instrument with the numbers of decimals that follow from its step sizes.
#[derive(Serialize, JsonSchema)]
struct Described {
    #[serde(flatten)]
    instrument: Arc<Instrument>,
    price_decimals: u32,
    size_decimals: u32,
}

/// `{"matches":[…],"missing":[…],"is_complete":true}`, best match first.
#[derive(Serialize, JsonSchema)]
pub struct Found {
    matches: Vec<FoundInstrument>,
    missing: Vec<Missing>,
    is_complete: bool,
}

#[derive(Serialize, JsonSchema)]
struct FoundInstrument {
    venue: &'static str,
    symbol: String,
    base: String,
    quote: String,
    name: Option<String>,
    is_followed: bool,
    is_trading: bool,
    status: Option<String>,
}

#[derive(Serialize, JsonSchema)]
struct Missing {
    venue: &'static str,
    reason: String,
}

/// Lists the followed instruments, or searches all.
pub async fn list(
    State(feeds): State<Feeds>,
    State(following): State<Following>,
    parameters: Parameters,
) -> Result<Json<InstrumentAnswer>, ApiError> {
    let limit = parameters.number("limit", 1..=MOST_FOUND, FOUND)?;
    let venue = parameters.text("venue").map(known_venue).transpose()?;
    Ok(Json(match parameters.text("q") {
        None => InstrumentAnswer::Followed(followed(&feeds)),
        Some(typed) => InstrumentAnswer::Found(found(&following, typed, venue, limit).await?),
    }))
}

fn followed(feeds: &Feeds) -> Instruments {
    let describe = |instrument: Arc<Instrument>| Described {
        price_decimals: instrument.price_decimals(),
        size_decimals: instrument.size_decimals(),
        instrument,
    };
    Instruments { instruments: feeds.directory().instruments().into_iter().map(describe).collect() }
}

fn known_venue(name: &str) -> Result<&'static str, ApiError> {
    registry::info(name).map(|info| info.name).map_err(|_| ApiError::UnknownVenue {
        venue: name.chars().take(MOST_TYPED).collect(),
        available: registry::venues().map(|info| info.name).collect::<Vec<_>>().join(", "),
    })
}

async fn found(
    following: &Following,
    typed: &str,
    venue: Option<&'static str>,
    limit: usize,
) -> Result<Found, ApiError> {
    if typed.chars().count() > MOST_TYPED {
        return Err(ApiError::BadParameter {
            parameter: "q",
            remedy: format!("write at most {MOST_TYPED} characters"),
        });
    }
    let lists = following.lists().read(venue).await;
    let missing: Vec<Missing> =
        lists.iter().filter_map(|list| Some(Missing { venue: list.venue, reason: list.missing.clone()? })).collect();
    let with_followed = |list: VenueList| (following.symbols(list.venue), list);
    let lists: Vec<(BTreeSet<String>, VenueList)> = lists.into_iter().map(with_followed).collect();
    let query = Query::new(typed);
    // Some ten milliseconds with tens of thousands of instruments: too long for a thread that serves others.
    let searching = tokio::task::spawn_blocking(move || matches(&lists, &query, limit));
    let matches = searching.await.map_err(|_| ApiError::ShuttingDown)?;
    Ok(Found { matches, is_complete: missing.is_empty(), missing })
}

fn matches(lists: &[(BTreeSet<String>, VenueList)], query: &Query, limit: usize) -> Vec<FoundInstrument> {
    let unknown = Catalogue::default();
    let venues: Vec<VenueInstruments<'_>> = lists
        .iter()
        .map(|(followed, VenueList { venue, list, .. })| VenueInstruments {
            venue,
            list: list.as_deref().unwrap_or(&unknown),
            followed,
        })
        .collect();
    let some = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    let show = |found: search::Match<'_>| FoundInstrument {
        venue: found.venue,
        symbol: found.listed.symbol.to_owned(),
        base: found.listed.base.to_owned(),
        quote: found.listed.quote.to_owned(),
        name: some(found.listed.name),
        is_followed: found.is_followed,
        is_trading: found.listed.is_trading(),
        status: some(found.listed.status),
    };
    search::search(&venues, query, limit).into_iter().map(show).collect()
}

/// Longest text of a search.
const MOST_TYPED: usize = 64;
/// Matches in an answer, unless a number is given.
const FOUND: usize = 20;
/// Most matches in an answer.
const MOST_FOUND: usize = 50;
