//! The venues' lists of instruments: fetched when first needed, through each venue's REST budget, and kept.
//!
//! A list is fetched by a task of its own and read on a thread for blocking work, so no feed waits. Not here: what is in
//! an answer (`venues::catalogue`), the search ([`super::search`]).

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use model::time::Monotonic;
use tokio::sync::watch;
use venues::{
    catalogue::{Catalogue, CatalogueNeeds, CatalogueSource},
    registry,
};

use crate::{
    clock::Clock,
    feed::{
        endpoints::{VenueEndpoint, VenueEndpoints},
        http::Answer,
    },
    shutdown::Shutdown,
};

/// The venues' lists. Clones share them.
#[derive(Clone, Debug)]
pub struct Lists(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    endpoints: VenueEndpoints,
    clock: Clock,
    shutdown: Shutdown,
    /// Locked for a look-up only, never across an await.
    slots: Mutex<BTreeMap<&'static str, Slot>>,
    /// Changes when a list has been fetched, or has not.
    n_ended: watch::Sender<u64>,
}

/// One venue's list, and the attempts to fetch it.
#[derive(Clone, Debug, Default)]
struct Slot {
    list: Option<(Arc<Catalogue>, Monotonic)>,
    failure: Option<Failure>,
    n_failures: u32,
    is_loading: bool,
    /// True if the list is short of what has to be configured first.
    is_lacking: bool,
}

#[derive(Clone, Debug)]
struct Failure {
    /// Status or reason, for people.
    detail: String,
    next_try: Monotonic,
}

/// A list as far as it is known.
#[derive(Clone, Debug)]
pub struct VenueList {
    /// The venue's name.
    pub venue: &'static str,
    /// Its instruments; `None` if the list was never loaded.
    pub list: Option<Arc<Catalogue>>,
    /// Why instruments are missing, for people.
    pub missing: Option<String>,
}

/// An attempt that failed.
struct Attempt {
    detail: String,
    wait: Option<Duration>,
}

impl Lists {
    /// Creates the lists without fetching any.
    pub fn new(endpoints: VenueEndpoints, clock: Clock, shutdown: Shutdown) -> Self {
        let (slots, n_ended) = (Mutex::default(), watch::Sender::new(0));
        Self(Arc::new(Inner { endpoints, clock, shutdown, slots, n_ended }))
    }

    /// Returns one venue's list, or all; waits some seconds for those that are being fetched for the first time.
    /// Cancel-safe: fetching goes on.
    pub async fn read(&self, venue: Option<&'static str>) -> Vec<VenueList> {
        let venues: Vec<&'static str> =
            registry::venues().map(|info| info.name).filter(|name| venue.is_none_or(|venue| venue == *name)).collect();
        let mut ended = self.0.n_ended.subscribe();
        venues.iter().for_each(|venue| self.refresh(venue));
        let arrived = async { while self.is_awaited(&venues) && ended.changed().await.is_ok() {} };
        // Whatever has not come by then is named as missing.
        let _late = tokio::time::timeout(FIRST_WAIT, arrived).await;
        venues.into_iter().filter_map(|venue| self.show(venue)).collect()
    }

    /// Starts fetching a list that is missing or old, unless the last failure is recent.
    fn refresh(&self, venue: &'static str) {
        let Some(endpoint) = self.0.endpoints.find(venue) else { return };
        let Ok(source) = registry::catalogue(venue) else { return };
        let now = self.0.clock.now().monotonic;
        let mut slots = self.lock();
        let slot = slots.entry(venue).or_default();
        let is_lacking = lacks(source, &endpoint).is_some();
        let is_young = slot.list.as_ref().is_some_and(|(_, at)| now.saturating_since(*at) < KEPT_FOR);
        let is_fresh = is_young && slot.is_lacking == is_lacking;
        let is_delayed = slot.failure.as_ref().is_some_and(|failure| now < failure.next_try);
        if slot.is_loading || is_fresh || is_delayed {
            return;
        }
        if is_lacking || source.requests().is_empty() {
            (slot.list, slot.is_lacking) = (Some((Arc::new(source.built_in()), now)), is_lacking);
            return;
        }
        slot.is_loading = true;
        drop(slots);
        let lists = self.clone();
        let stopping = self.0.shutdown.stopping.clone();
        self.0.shutdown.tasks.spawn(async move {
            tokio::select! {
                biased;
                () = stopping.cancelled() => {}
                outcome = fetch(source, &endpoint) => lists.settle(venue, outcome),
            }
        });
    }

    fn settle(&self, venue: &'static str, outcome: Result<Catalogue, Attempt>) {
        let now = self.0.clock.now().monotonic;
        let mut slots = self.lock();
        let slot = slots.entry(venue).or_default();
        slot.is_loading = false;
        match outcome {
            Ok(list) => {
                tracing::info!(venue, n_instruments = list.len(), size_bytes = list.size_bytes(), "a list was loaded");
                *slot = Slot { list: Some((Arc::new(list), now)), ..Slot::default() };
            }
            Err(Attempt { detail, wait }) => {
                tracing::warn!(venue, detail, "a list could not be loaded");
                let backoff = FIRST_RETRY.saturating_mul(1 << slot.n_failures.min(8)).min(LAST_RETRY);
                slot.n_failures += 1;
                slot.failure = Some(Failure { detail, next_try: now + wait.unwrap_or_default().max(backoff) });
            }
        }
        drop(slots);
        self.0.n_ended.send_modify(|n_ended| *n_ended += 1);
    }

    fn is_awaited(&self, venues: &[&'static str]) -> bool {
        let slots = self.lock();
        venues.iter().filter_map(|venue| slots.get(venue)).any(|slot| slot.is_loading && slot.list.is_none())
    }

    fn show(&self, venue: &'static str) -> Option<VenueList> {
        let (source, endpoint) = (registry::catalogue(venue).ok()?, self.0.endpoints.find(venue)?);
        let (title, now) = (endpoint.info.title, self.0.clock.now().monotonic);
        let slot = self.lock().get(venue).cloned().unwrap_or_default();
        let missing = match (&slot.list, &slot.failure) {
            (Some(_), _) => lacks(source, &endpoint),
            (None, Some(Failure { detail, next_try })) => {
                let wait_s = next_try.saturating_since(now).as_secs() + 1;
                Some(format!("{title}'s list could not be loaded ({detail}). Next try in {wait_s} s"))
            }
            (None, None) => Some(format!("{title}'s list is being loaded. Search again in a few seconds")),
        };
        Some(VenueList { venue, list: slot.list.map(|(list, _)| list), missing })
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<&'static str, Slot>> {
        self.0.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns what must be configured before the venue can be asked for its list, for people.
fn lacks(source: &CatalogueSource, endpoint: &VenueEndpoint) -> Option<String> {
    let (name, title) = (endpoint.info.name, endpoint.info.title);
    match source.needs() {
        CatalogueNeeds::Token if endpoint.config.token.is_none() => Some(format!(
            "{title}'s list needs a token: set token under [venues.{name}] on the page Configuration, or in truetape.toml and \
             restart the server"
        )),
        CatalogueNeeds::History if !endpoint.has_history() => Some(format!(
            "{title}'s list needs a key of The Graph: set token under [venues.{name}] on the page Configuration, or in truetape.toml \
             and restart the server. Addresses of pools can be followed without it"
        )),
        _ => None,
    }
}

async fn fetch(source: &'static CatalogueSource, endpoint: &VenueEndpoint) -> Result<Catalogue, Attempt> {
    let mut list = source.built_in();
    for request in source.requests() {
        let answer = endpoint.http.clone().get(request).await.result;
        let answer = answer.map_err(|failure| Attempt { detail: failure.detail, wait: None })?;
        if !(200..300).contains(&answer.status()) {
            return Err(Attempt { detail: answer.status().to_string(), wait: answer.lend().retry_after });
        }
        list = read(source, answer, list).await?;
    }
    if list.is_empty() {
        return Err(Attempt { detail: "it is empty".to_owned(), wait: None });
    }
    list.shrink();
    Ok(list)
}

/// Reads an answer of several megabytes without delaying other tasks.
async fn read(source: &'static CatalogueSource, answer: Answer, mut list: Catalogue) -> Result<Catalogue, Attempt> {
    let reading = tokio::task::spawn_blocking(move || source.read(answer.body(), &mut list).map(|()| list));
    let failed = |detail: String| Attempt { detail, wait: None };
    reading.await.map_err(|_| failed("reading it failed".to_owned()))?.map_err(|error| failed(error.to_string()))
}

/// Time for which a list is kept: venues list something new about once a day.
const KEPT_FOR: Duration = Duration::from_secs(6 * 3_600);
/// The longest that a search waits for a list: a list of several megabytes usually takes two.
const FIRST_WAIT: Duration = Duration::from_secs(4);
/// Wait after the first failure, doubled with each further one.
const FIRST_RETRY: Duration = Duration::from_secs(30);
/// The longest wait between two attempts.
const LAST_RETRY: Duration = Duration::from_secs(1_800);
