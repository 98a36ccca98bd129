//! The alert line: a feed in trouble or a gap in the data, on every page; it disappears when resolved.
//!
//! Loaded lazily: before the first data there is nothing to say. Not here: the connection to this page's own server
//! ([`super::banner`]); while that is lost, nothing is known about feeds.

use leptos::prelude::*;
use model::{sorted::sorted_by, time::Now};

use crate::{
    components::icon::{Icon, IconMark},
    format,
    live::{Live, browser, use_live},
    quality::troubles::{Trouble, Troubles},
    route::PageLink,
};

/// All troubles of this page, accessible to every component.
#[derive(Clone, Copy, Debug)]
struct KnownTroubles(RwSignal<Troubles>);

/// Provides the troubles to the whole page. They are found by the line, see [`AlertLine`].
pub fn provide_troubles() {
    provide_context(KnownTroubles(RwSignal::new(Troubles::default())));
}

/// Returns all troubles of this page.
pub fn use_troubles() -> RwSignal<Troubles> {
    use_context::<KnownTroubles>().map_or_else(RwSignal::default, |known| known.0)
}

/// Finds the feeds' troubles from now on.
fn watch_feeds(live: Live, known: RwSignal<Troubles>) {
    Effect::new(move |_| {
        if live.tick().get() == Now::default() {
            return;
        }
        let now = browser::now();
        let next = live.with_model(|model| {
            let status = model.status().filter(|_| !model.is_cut_off(now))?;
            let mut next = known.get_untracked();
            next.observe(status, model.clock.server_time(now)).then_some(next)
        });
        if let Some(next) = next.flatten() {
            known.set(next);
        }
    });
}

/// The content of the line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Alert {
    who: String,
    what: String,
    since: String,
    more: String,
}

/// The line above the status bar, which also watches the feeds. It overlays the page, so that nothing moves when it appears
/// or disappears.
#[component]
pub fn AlertLine() -> impl IntoView {
    let live = use_live();
    let troubles = use_troubles();
    watch_feeds(live, troubles);
    let alert = Memo::new(move |_| {
        // Before the first tick the time is unknown, on the server as in the browser.
        if live.tick().get() == Now::default() {
            return None;
        }
        let is_cut_off = live.with_model(|model| model.is_cut_off(browser::now())).unwrap_or(true);
        troubles.with(|troubles| alert(troubles.lasting(), is_cut_off))
    });
    let dismiss = move |_| {
        if let Some(alert) = alert.get_untracked() {
            troubles.update(|troubles| troubles.dismiss(&alert.what));
        }
    };
    let part = move |of: fn(&Alert) -> &str| {
        move || alert.with(|alert| alert.as_ref().map_or_else(String::new, |alert| of(alert).to_owned()))
    };
    view! {
        <div class="alert-line" data-testid="alert-line" hidden=move || alert.with(Option::is_none)>
            <span class="alert-line__mark" aria-hidden="true">"▲"</span>
            <span class="alert-line__words" role="status" aria-live="polite">
                <strong>{part(|alert| &alert.who)}</strong>
                " "
                {part(|alert| &alert.what)}
            </span>
            <span class="alert-line__since">{part(|alert| &alert.since)}</span>
            <span class="alert-line__more">{part(|alert| &alert.more)}</span>
            <PageLink href="/quality">"Data quality"</PageLink>
            <button
                class="button button--bare"
                data-testid="alert-dismiss"
                aria-label="Dismiss"
                title="Dismiss: it stays on the Quality page"
                on:click=dismiss
            >
                <IconMark icon=Icon::Close/>
            </button>
        </div>
    }
}

/// Returns the weightiest lasting trouble, the newest of equals, together with all that have the same cause, and the
/// number of others.
fn alert<'a>(lasting: impl Iterator<Item = &'a Trouble>, is_cut_off: bool) -> Option<Alert> {
    let lasting: Vec<&Trouble> = lasting.filter(|trouble| !is_cut_off && !trouble.is_dismissed).collect();
    let lasting = sorted_by(lasting, |one, other| one.rank().cmp(&other.rank()));
    let first = *lasting.first()?;
    let (alike, others): (Vec<&Trouble>, Vec<&Trouble>) =
        lasting.into_iter().partition(|trouble| trouble.what == first.what);
    let mut who = alike.iter().take(MOST_NAMED).map(|trouble| trouble.who.as_str()).collect::<Vec<_>>().join(", ");
    if let Some(n_more) = alike.len().checked_sub(MOST_NAMED).filter(|n_more| *n_more > 0) {
        who.push_str(&format!(" and {n_more} more"));
    }
    Some(Alert {
        who,
        what: first.what.clone(),
        since: format!("since {}", format::time_of_day(first.since)),
        more: if others.is_empty() { String::new() } else { format!("and {} more", others.len()) },
    })
}

/// Names shown of those with the same cause.
const MOST_NAMED: usize = 3;

#[cfg(test)]
mod tests {
    use model::{
        instrument::{InstrumentId, Venue},
        status::{FeedMode, StreamState},
        time::Timestamp,
    };
    use topics::channels::status::{ConnectionEntry, StatusData, StreamEntry};

    use super::*;

    fn connection(venue: &str, cause: &str) -> ConnectionEntry {
        ConnectionEntry {
            cause: Some(cause.to_owned()),
            ..ConnectionEntry::new(&Venue::new(venue), FeedMode::WebSocket)
        }
    }

    fn failed(id: &str) -> StreamEntry {
        let id = InstrumentId::parse(id).unwrap();
        let (state, cause) = (StreamState::Failed, Some("unknown symbol".to_owned()));
        StreamEntry { state, cause, ..StreamEntry::new(&id, FeedMode::WebSocket) }
    }

    #[track_caller]
    fn check(troubles: &Troubles, expected: Option<(&str, &str, &str)>) {
        let told = alert(troubles.lasting(), false).map(|told| (told.who, told.since, told.more));
        assert_eq!(told, expected.map(|(who, since, more)| (who.to_owned(), since.to_owned(), more.to_owned())));
    }

    #[test]
    fn the_newest_is_told_and_the_rest_counted() {
        let mut troubles = Troubles::default();
        let mut status = StatusData { connections: vec![connection("a", "closed")], ..StatusData::default() };
        troubles.observe(&status, Timestamp::from_millis(61_000));
        check(&troubles, Some(("a", "since 00:01:01", "")));
        status.connections.push(connection("b", "refused"));
        troubles.observe(&status, Timestamp::from_millis(62_000));
        check(&troubles, Some(("b", "since 00:01:02", "and 1 more")));
        assert_eq!(alert(troubles.lasting(), true), None, "without the server nothing is known of feeds");
        check(&Troubles::default(), None);
    }

    #[test]
    fn a_venue_outweighs_symbols_and_equal_causes_are_told_together() {
        let mut troubles = Troubles::default();
        let mut status = StatusData { connections: vec![connection("a", "closed")], ..StatusData::default() };
        troubles.observe(&status, Timestamp::from_millis(1_000));
        status.streams = ["x:1", "x:2", "x:3", "x:4"].map(failed).into();
        troubles.observe(&status, Timestamp::from_millis(2_000));
        check(&troubles, Some(("a", "since 00:00:01", "and 4 more")));
        status.connections.clear();
        troubles.observe(&status, Timestamp::from_millis(3_000));
        check(&troubles, Some(("x:4, x:3, x:2 and 1 more", "since 00:00:02", "")));
    }

    #[test]
    fn what_is_dismissed_is_not_announced_again_until_it_comes_back() {
        let mut troubles = Troubles::default();
        let ill = StatusData { streams: vec![failed("x:1")], ..StatusData::default() };
        troubles.observe(&ill, Timestamp::from_millis(1_000));
        troubles.dismiss("unknown symbol");
        troubles.observe(&ill, Timestamp::from_millis(2_000));
        check(&troubles, None);
        assert_eq!(troubles.lasting().count(), 1, "it lasts");
        troubles.observe(&StatusData::default(), Timestamp::from_millis(3_000));
        troubles.observe(&ill, Timestamp::from_millis(4_000));
        check(&troubles, Some(("x:1", "since 00:00:04", "")));
    }
}
