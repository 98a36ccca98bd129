//! A list that REST answers page by page: loaded when the page opens, on Refresh, and when the choice changes.

use leptos::prelude::*;
use serde::de::DeserializeOwned;

use crate::pages::desk::history::query::{Query, Sorting};

/// A list as far as it is loaded.
#[derive(Debug)]
pub struct Listing<T: Send + Sync + 'static> {
    /// The rows of this page; `None` until the first answer.
    pub rows: RwSignal<Option<Vec<T>>>,
    /// Why the last attempt failed; rows stay.
    pub failure: RwSignal<Option<String>>,
    /// True while an answer is awaited.
    pub is_loading: RwSignal<bool>,
    /// The order.
    pub sorting: RwSignal<Sorting>,
    /// The cursors of this page and the ones before it; the first page has none.
    cursors: RwSignal<Vec<String>>,
    next: RwSignal<Option<String>>,
    /// The number of requests: an answer counts only if it is the newest one's.
    n_requests: StoredValue<u32>,
}

impl<T: Send + Sync> Clone for Listing<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: Send + Sync> Copy for Listing<T> {}

impl<T: Clone + DeserializeOwned + Send + Sync + 'static> Listing<T> {
    /// Returns true if there is an older page.
    pub fn has_next(self) -> bool {
        self.next.with(Option::is_some)
    }

    /// Returns the number of the page, from 1.
    pub fn page(self) -> usize {
        self.cursors.with(Vec::len) + 1
    }

    /// Goes on to the next page.
    pub fn forward(self) {
        if let Some(next) = self.next.get_untracked() {
            self.cursors.update(|cursors| cursors.push(next));
        }
    }

    /// Goes back a page.
    pub fn back(self) {
        self.cursors.update(|cursors| {
            cursors.pop();
        });
    }

    /// Sorts by a column, from the first page.
    pub fn sort(self, column: &'static str) {
        self.cursors.set(Vec::new());
        self.sorting.update(|sorting| *sorting = sorting.by(column));
    }
}

/// Loads a list while the calling component exists; again after each change of the query and of `n_asked`.
pub fn use_listing<T: Clone + DeserializeOwned + Send + Sync + 'static>(
    list: &'static str,
    query: RwSignal<Query>,
    n_asked: RwSignal<u32>,
) -> Listing<T> {
    let listing = Listing {
        rows: RwSignal::new(None),
        failure: RwSignal::new(None),
        is_loading: RwSignal::new(false),
        sorting: RwSignal::new(Sorting::default()),
        cursors: RwSignal::new(Vec::new()),
        next: RwSignal::new(None),
        n_requests: StoredValue::new(0),
    };
    Effect::new(move |known: Option<(Query, u32)>| {
        let wanted = (query.get(), n_asked.get());
        let cursor = listing.cursors.with(|cursors| cursors.last().cloned());
        let address = wanted.0.address(list, listing.sorting.get(), cursor.as_deref());
        if cursor.is_some() && known.is_some_and(|known| known != wanted) {
            // Another choice begins on its first page; this runs again.
            listing.cursors.set(Vec::new());
        } else {
            load(listing, address);
        }
        wanted
    });
    listing
}

/// Why there is no list of a replay that the server knows nothing of.
#[cfg(feature = "browser")]
const ELSEWHERE: &str = "A recording that plays in this page has no such lists; its newest orders and its positions are on \
                         the Positions page. Play it on the server for all of them.";

#[cfg(feature = "browser")]
fn load<T: Clone + DeserializeOwned + Send + Sync + 'static>(listing: Listing<T>, address: String) {
    use crate::{
        live::{recorder::own, rest},
        pages::desk::account::is_replay,
    };

    listing.is_loading.set(true);
    listing.n_requests.update_value(|n_requests| *n_requests += 1);
    let number = listing.n_requests.get_value();
    let is_elsewhere = is_replay() && own::plays();
    leptos::task::spawn_local(async move {
        let answer = match is_elsewhere {
            true => Err(ELSEWHERE.to_owned()),
            false => rest::page::<Vec<T>>(&address).await,
        };
        // The page may be gone, or a newer request under way.
        if listing.n_requests.try_get_value() != Some(number) {
            return;
        }
        let _gone = listing.is_loading.try_set(false);
        match answer {
            Ok((rows, next)) => {
                let _gone = listing.failure.try_set(None);
                let _gone = listing.next.try_set(next);
                let _gone = listing.rows.try_set(Some(rows));
            }
            Err(words) => {
                let _gone = listing.failure.try_set(Some(words));
            }
        }
    });
}

#[cfg(not(feature = "browser"))]
fn load<T: Clone + DeserializeOwned + Send + Sync + 'static>(listing: Listing<T>, _: String) {
    let _ = listing.n_requests;
}

/// The frame of a list: its state, its pages, its CSV.
#[component]
pub fn ListingFrame<T: Clone + DeserializeOwned + Send + Sync + 'static>(
    /// Its name among the page's regions.
    name: &'static str,
    /// Its title.
    title: &'static str,
    /// The list in REST.
    list: &'static str,
    /// The rows.
    listing: Listing<T>,
    /// The filters.
    query: RwSignal<Query>,
    /// The advice where there is nothing.
    empty: &'static str,
    /// The table.
    children: Children,
) -> impl IntoView {
    let state = move || match (listing.is_loading.get(), listing.failure.with(Option::is_some)) {
        (true, _) => "waiting",
        (_, true) => "failed",
        _ => "fresh",
    };
    let note = move || {
        let failure =
            listing.failure.get().map(|words| format!("Could not be loaded: {words} Press Refresh to try again."));
        failure.unwrap_or_else(|| match listing.rows.with(|rows| rows.as_ref().map(Vec::is_empty)) {
            None => "Loading…".to_owned(),
            Some(true) => empty.to_owned(),
            Some(false) => String::new(),
        })
    };
    let csv = move || query.with(|query| query.csv(list, listing.sorting.get()));
    view! {
        <section class="panel" aria-label=title data-fragment=name data-state=state>
            <div class="panel__head">
                <h2 class="panel__title">{title}</h2>
                <a class="panel__controls" href=csv download=format!("{list}.csv") data-testid=format!("{name}-csv")>"CSV"</a>
            </div>
            {children()}
            <p class="desk-note" data-testid=format!("{name}-note") role="status" hidden=move || note().is_empty()>{note}</p>
            <div class="listing__pages" hidden=move || listing.page() == 1 && !listing.has_next()>
                <button class="button" disabled=move || listing.page() == 1 on:click=move |_| listing.back()>"Back"</button>
                <span>"Page "{move || listing.page()}</span>
                <button class="button" data-testid=format!("{name}-next") disabled=move || !listing.has_next() on:click=move |_| listing.forward()>"Next"</button>
            </div>
        </section>
    }
}
