//! The alert line: a feed in trouble or a gap in the data, on every page; it disappears when resolved.
//!
//! Not here: the connection to this page's own server ([`super::banner`]); while that is lost, nothing is known about
//! feeds.

use leptos::prelude::*;
use model::time::Now;

use crate::{
    format,
    live::{browser, use_live},
    quality::troubles::{Trouble, Troubles},
    route::PageLink,
};

/// All troubles of this page, accessible to every component.
#[derive(Clone, Copy, Debug)]
struct KnownTroubles(RwSignal<Troubles>);

/// Watches the feeds and provides their troubles to the whole page.
pub fn provide_troubles() {
    let live = use_live();
    let known = RwSignal::new(Troubles::default());
    provide_context(KnownTroubles(known));
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

/// Returns all troubles of this page.
pub fn use_troubles() -> Signal<Troubles> {
    use_context::<KnownTroubles>().map_or_else(|| Signal::derive(Troubles::default), |known| known.0.into())
}

/// The content of the line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Alert {
    who: String,
    what: String,
    since: String,
    more: String,
}

/// The line above the status bar. It overlays the page, so that nothing moves when it appears or disappears.
#[component]
pub fn AlertLine() -> impl IntoView {
    let live = use_live();
    let troubles = use_troubles();
    let alert = Memo::new(move |_| {
        // Before the first tick the time is unknown, on the server as in the browser.
        if live.tick().get() == Now::default() {
            return None;
        }
        let is_cut_off = live.with_model(|model| model.is_cut_off(browser::now())).unwrap_or(true);
        troubles.with(|troubles| alert(troubles.lasting(), is_cut_off))
    });
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
        </div>
    }
}

/// Returns the newest lasting trouble, and the number of others.
fn alert<'a>(lasting: impl Iterator<Item = &'a Trouble>, is_cut_off: bool) -> Option<Alert> {
    let mut lasting = lasting.filter(|_| !is_cut_off);
    let newest = lasting.next()?;
    let n_more = lasting.count();
    Some(Alert {
        who: newest.who.clone(),
        what: newest.what.clone(),
        since: format!("since {}", format::time_of_day(newest.since)),
        more: if n_more == 0 { String::new() } else { format!("and {n_more} more") },
    })
}

#[cfg(test)]
mod tests {
    use model::{instrument::Venue, status::FeedMode, time::Timestamp};
    use topics::channels::status::{ConnectionEntry, StatusData};

    use super::*;

    #[test]
    fn the_newest_is_told_and_the_rest_counted() {
        let mut troubles = Troubles::default();
        let connection = |venue: &str| ConnectionEntry {
            cause: Some("connection closed: 1006".to_owned()),
            ..ConnectionEntry::new(&Venue::new(venue), FeedMode::WebSocket)
        };
        let mut status = StatusData { connections: vec![connection("a")], ..StatusData::default() };
        troubles.observe(&status, Timestamp::from_millis(61_000));
        assert_eq!(alert(troubles.lasting(), false).unwrap().more, "");
        status.connections.push(connection("b"));
        troubles.observe(&status, Timestamp::from_millis(62_000));
        let told = alert(troubles.lasting(), false).unwrap();
        assert_eq!((told.who.as_str(), told.since.as_str(), told.more.as_str()), ("b", "since 00:01:02", "and 1 more"));
        assert_eq!(alert(troubles.lasting(), true), None, "without the server nothing is known of feeds");
        assert_eq!(alert(Troubles::default().lasting(), false), None);
    }
}
