//! The followed feeds: which symbols are followed after a restart, too.
//!
//! Not here: following and stopping them (`pages::venues`).

use leptos::prelude::*;
use serde::Deserialize;
use serde_json::json;

use super::requests::Settings;
use crate::route::PageLink;

/// A followed symbol.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize)]
struct Symbol {
    symbol: String,
    is_kept: bool,
}

/// A venue's followed symbols.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize)]
struct Feed {
    venue: String,
    symbols: Vec<Symbol>,
}

#[cfg(feature = "browser")]
#[derive(Deserialize)]
struct Feeds {
    feeds: Vec<Feed>,
}

type FeedList = RwSignal<Option<Vec<Feed>>>;

/// The panel.
#[component]
pub fn FeedsPanel(
    /// The page's state.
    settings: Settings,
) -> impl IntoView {
    let feeds: FeedList = RwSignal::new(None);
    Effect::new(move |_| load(feeds));
    let is_empty = move || feeds.with(|feeds| feeds.as_ref().is_some_and(Vec::is_empty));
    view! {
        <section class="panel" aria-label="FeedList now" data-testid="kept-feeds">
            <div class="panel__head">
                <h2 class="panel__title">"FeedList now"</h2>
                <PageLink href="/venues">"Follow and stop: Venues"</PageLink>
            </div>
            <p class="desk-note">
                "Ticked symbols are followed again after a restart, beside those of the setting "<code>"feeds"</code>"."
            </p>
            <p class="desk-note" hidden=move || !is_empty()>"Nothing is followed. Follow symbols on the page Venues."</p>
            <ul class="kept-feeds">
                <For
                    each=move || feeds.get().unwrap_or_default()
                    key=Clone::clone
                    children=move |feed| view! { <FeedRow settings feeds feed/> }
                />
            </ul>
        </section>
    }
}

#[component]
fn FeedRow(
    /// The page's state.
    settings: Settings,
    /// All feeds.
    feeds: FeedList,
    /// The feed.
    feed: Feed,
) -> impl IntoView {
    let Feed { venue, symbols } = feed;
    let name = venue.clone();
    let symbol = move |Symbol { symbol, is_kept }: Symbol| {
        let (venue, own) = (venue.clone(), symbol.clone());
        view! {
            <li>
                <label class="tick">
                    <input
                        type="checkbox"
                        data-testid="keep"
                        data-symbol=format!("{venue}:{symbol}")
                        checked=is_kept
                        on:change=move |_| keep(settings, feeds, venue.clone(), own.clone(), !is_kept)
                    />
                    <span>{symbol}</span>
                </label>
            </li>
        }
    };
    view! {
        <li class="kept-feeds__feed">
            <strong>{name}</strong>
            <ul class="kept-feeds__symbols">{symbols.into_iter().map(symbol).collect_view()}</ul>
        </li>
    }
}

fn load(feeds: FeedList) {
    #[cfg(feature = "browser")]
    leptos::task::spawn_local(async move {
        if let Ok(answer) = crate::live::rest::get::<Feeds>("api/v1/feeds").await {
            let _gone = feeds.try_set(Some(answer.feeds));
        }
    });
    #[cfg(not(feature = "browser"))]
    let _ = feeds;
}

/// Keeps a symbol, or forgets it; it stays followed either way.
fn keep(settings: Settings, feeds: FeedList, venue: String, symbol: String, is_wanted: bool) {
    #[cfg(feature = "browser")]
    leptos::task::spawn_local(async move {
        use crate::{live::rest, pages::account::state::Note};
        let answer = match is_wanted {
            true => {
                let body = json!({ "venue": venue, "symbols": [symbol], "keep": true });
                rest::post_json::<serde_json::Value>("api/v1/feeds", &body).await
            }
            false => {
                let symbols = js_sys::encode_uri_component(&symbol);
                rest::delete(&format!("api/v1/feeds/{venue}/kept?symbols={symbols}")).await
            }
        };
        let note = match answer {
            Ok(_) if is_wanted => Note { words: format!("{symbol} is followed after a restart, too."), is_bad: false },
            Ok(_) => Note { words: format!("{symbol} is followed until the next restart."), is_bad: false },
            Err(words) => {
                // The tick shows what is: the list is built again.
                let _gone = feeds.try_set(None);
                Note { words, is_bad: true }
            }
        };
        let _gone = settings.note.try_set(note);
        load(feeds);
    });
    #[cfg(not(feature = "browser"))]
    let _ = (settings, feeds, json!([venue, symbol, is_wanted]));
}
