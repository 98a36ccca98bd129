//! Follows what readers name: completed and checked against the venue's list, kept over a restart if they wish.
//!
//! Not here: the feeds themselves (`feed::supervisor`).

use std::collections::BTreeSet;

use model::instrument::{InstrumentId, Venue};
use venues::{catalogue::Catalogue, registry};
use wire::command::{FeedSymbols, FollowSymbols};

use super::{
    kept::Kept,
    lists::{Lists, VenueList},
    spelling,
};
use crate::{
    commands::CommandFailure,
    config::{FeedConfig, feeds::MAX_SYMBOLS},
    feed::{control::ControlError, handle::Feeds, supervisor},
};

/// Follows and keeps instruments. Clones share everything.
#[derive(Clone, Debug)]
pub struct Following {
    feeds: Feeds,
    lists: Lists,
    kept: Kept,
}

/// A followed symbol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Followed {
    /// The instrument.
    pub id: InstrumentId,
    /// True if it is followed again after a restart.
    pub is_kept: bool,
}

impl Following {
    /// Of these parts.
    pub fn new(feeds: Feeds, lists: Lists, kept: Kept) -> Self {
        Self { feeds, lists, kept }
    }

    /// Returns the venues' lists.
    pub fn lists(&self) -> &Lists {
        &self.lists
    }

    /// Returns the symbols of a venue that feeds follow.
    pub fn symbols(&self, venue: &str) -> BTreeSet<String> {
        let ids = self.feeds.directory().ids().into_iter();
        ids.filter(|id| id.venue().as_str() == venue).map(|id| id.symbol().to_owned()).collect()
    }

    /// Returns all followed instruments of the built-in venues, sorted.
    pub async fn all(&self) -> Vec<Followed> {
        let kept = self.kept.all().await;
        let ids = self.feeds.directory().ids().into_iter().filter(|id| registry::info(id.venue().as_str()).is_ok());
        ids.map(|id| Followed { is_kept: kept.contains(&id), id }).collect()
    }

    /// Follows symbols, completed and checked against the venue's list if there is one. Returns all symbols followed then.
    ///
    /// # Errors
    /// Why nothing is followed; or that it is followed, but could not be kept.
    pub async fn start(&self, wanted: FollowSymbols) -> Result<FeedSymbols, CommandFailure> {
        let FollowSymbols { symbols, venue, keep } = wanted;
        let info = registry::info(&venue.trim().to_lowercase()).map_err(ControlError::from)?;
        let checked = supervisor::checked(&symbols).ok().filter(|_| symbols.len() <= MAX_SYMBOLS);
        let symbols = match checked {
            Some(checked) => self.resolve(info.name, checked).await?,
            // The supervisor says why not.
            None => symbols,
        };
        let (id, venue) = (Venue::new(info.name), info.name.to_owned());
        let outcome = match self.feeds.start(FeedSymbols { venue, symbols: symbols.clone() }).await {
            // Keeping what is followed already is not a mistake.
            Err(ControlError::AlreadyRunning { venue, .. }) if keep => {
                let symbols = self.symbols(&venue).into_iter().collect();
                FeedSymbols { symbols, venue }
            }
            outcome => outcome?,
        };
        if keep {
            let symbols = if symbols.is_empty() { &outcome.symbols } else { &symbols };
            self.kept.add(&id, symbols).await.map_err(|source| CommandFailure::NotKept { source })?;
        }
        Ok(outcome)
    }

    /// Stops following symbols and forgets them; without symbols, the whole venue. Returns the symbols still followed.
    ///
    /// # Errors
    /// Why nothing was stopped; or that it was stopped, but could not be forgotten.
    pub async fn stop(&self, unwanted: FeedSymbols) -> Result<FeedSymbols, CommandFailure> {
        let outcome = self.feeds.stop(unwanted.clone()).await?;
        let forgotten = self.kept.forget(&Venue::new(&outcome.venue), &unwanted.symbols).await;
        forgotten.map_err(|source| CommandFailure::NotKept { source })?;
        Ok(outcome)
    }

    /// Forgets symbols without stopping them: they are followed until the next restart. Without symbols, the whole venue.
    ///
    /// # Errors
    /// There is no such venue, or the list cannot be written.
    pub async fn forget(&self, venue: &str, symbols: &[String]) -> Result<(), CommandFailure> {
        let info = registry::info(&venue.trim().to_lowercase()).map_err(ControlError::from)?;
        let forgotten = self.kept.forget(&Venue::new(info.name), symbols).await;
        forgotten.map_err(|source| CommandFailure::NotKept { source })
    }

    /// Follows everything that was kept and is not followed yet. What cannot be followed is logged and stays kept.
    pub async fn resume(&self) {
        let mut by_venue: Vec<(String, Vec<String>)> = Vec::new();
        for id in self.kept.all().await.into_iter().filter(|id| !self.feeds.directory().contains(id)) {
            match by_venue.last_mut().filter(|(venue, _)| venue == id.venue().as_str()) {
                Some((_, symbols)) => symbols.push(id.symbol().to_owned()),
                None => by_venue.push((id.venue().to_string(), vec![id.symbol().to_owned()])),
            }
        }
        for (venue, symbols) in by_venue {
            if let Err(error) = self.feeds.start(FeedSymbols { venue: venue.clone(), symbols }).await {
                tracing::warn!(venue, %error, "kept instruments could not be followed");
            }
        }
    }

    /// Follows what is new in the configuration's list of feeds, and what is gone from it no longer, except instruments that
    /// are kept. Returns why some of it was not done.
    pub async fn change_list(&self, before: &[FeedConfig], after: &[FeedConfig]) -> Vec<ControlError> {
        let mut failures = Vec::new();
        // Before anything stops, so that a feed whose symbols are all replaced goes on.
        for new in missing_in(before, after) {
            match self.feeds.start(new).await {
                Ok(_) | Err(ControlError::AlreadyRunning { .. }) => {}
                Err(error) => failures.push(error),
            }
        }
        let kept = self.kept.all().await;
        for mut gone in missing_in(after, before) {
            let venue = Venue::new(&gone.venue);
            gone.symbols.retain(|symbol| !kept.contains(&InstrumentId::new(&venue, symbol)));
            // Without symbols, the whole venue would stop.
            if gone.symbols.is_empty() {
                continue;
            }
            match self.feeds.stop(gone).await {
                Ok(_) | Err(ControlError::NotRunning { .. }) => {}
                Err(error) => failures.push(error),
            }
        }
        failures
    }

    /// Returns the venue's spellings of symbols.
    async fn resolve(&self, venue: &'static str, symbols: Vec<String>) -> Result<Vec<String>, ControlError> {
        let followed = self.symbols(venue);
        if symbols.iter().all(|symbol| followed.contains(symbol)) {
            return Ok(symbols);
        }
        let is_whole = registry::catalogue(venue).is_ok_and(venues::catalogue::CatalogueSource::is_whole);
        match self.lists.read(Some(venue)).await.pop() {
            Some(VenueList { list: Some(list), .. }) => {
                symbols.into_iter().map(|symbol| resolve(venue, &list, symbol, is_whole, &followed)).collect()
            }
            // The venue cannot be reached: it says itself later what it does not know.
            _ => Ok(symbols),
        }
    }
}

/// Returns the symbols of `all` that `some` does not have, by venue.
fn missing_in(some: &[FeedConfig], all: &[FeedConfig]) -> Vec<FeedSymbols> {
    let has =
        |venue: &str, symbol: &String| some.iter().any(|feed| feed.venue == venue && feed.symbols.contains(symbol));
    let missing = all.iter().map(|FeedConfig { venue, symbols }| FeedSymbols {
        venue: venue.clone(),
        symbols: symbols.iter().filter(|symbol| !has(venue, symbol)).cloned().collect(),
    });
    missing.filter(|feed| !feed.symbols.is_empty()).collect()
}

fn resolve(
    venue: &'static str,
    list: &Catalogue,
    typed: String,
    is_whole: bool,
    followed: &BTreeSet<String>,
) -> Result<String, ControlError> {
    if followed.contains(&typed) {
        return Ok(typed);
    }
    match spelling::resolve(list, &typed) {
        Ok(symbol) => Ok(symbol),
        // The list names the largest ones only.
        Err(_) if !is_whole => Ok(typed),
        Err(nearest) => Err(ControlError::UnknownSymbol {
            venue: registry::info(venue).map_or(venue, |info| info.title),
            symbol: typed,
            did_you_mean: nearest,
        }),
    }
}
