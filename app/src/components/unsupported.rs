//! States what a venue does not provide, where the data would be: no region waits for data that never arrives.
//!
//! Not here: each venue's features, which the server's list of venues names. Until that list has arrived, every feature
//! is assumed.

use leptos::prelude::*;
use model::instrument::Venue;

use crate::{
    live::{
        use_live,
        venue_list::{Capabilities, VenueList},
    },
    selection::Selection,
};

/// A feature that a venue may provide, each with its place on the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Feature {
    /// The order book.
    Book,
    /// Public trades.
    Trades,
    /// Candles.
    Bars,
}

impl Feature {
    fn is_given(self, by: Capabilities) -> bool {
        match self {
            Self::Book => by.book,
            Self::Trades => by.trades,
            Self::Bars => by.candles,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Book => "an order book",
            Self::Trades => "trades",
            Self::Bars => "candles",
        }
    }
}

/// A missing feature, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsupported {
    /// The venue and the missing feature.
    pub what: String,
    /// The data shown instead; empty if the venue provides none.
    pub instead: String,
}

/// Returns the text for a feature missing at the shown instrument's venue; `None` if it is provided or that is not
/// known yet.
pub fn use_unsupported(selection: Selection, feature: Feature) -> Memo<Option<Unsupported>> {
    let live = use_live();
    Memo::new(move |_| {
        selection.id.with(|id| live.venues().with(|venues| unsupported(venues, id.as_ref()?.venue(), feature)))
    })
}

/// A panel's head and the text, in place of the missing data.
#[component]
pub fn UnsupportedNote(
    /// The panel's name.
    title: &'static str,
    /// The text.
    unsupported: Memo<Option<Unsupported>>,
) -> impl IntoView {
    let text = move |of: fn(&Unsupported) -> &str| {
        move || {
            unsupported.with(|unsupported| {
                unsupported.as_ref().map_or_else(String::new, |unsupported| of(unsupported).to_owned())
            })
        }
    };
    view! {
        <div class="panel__head">
            <h2 class="panel__title">{title}</h2>
        </div>
        <div class="unsupported" data-testid="unsupported">
            <p class="unsupported__what">{text(|unsupported| &unsupported.what)}</p>
            <p>{text(|unsupported| &unsupported.instead)}</p>
        </div>
    }
}

fn unsupported(venues: &VenueList, venue: &Venue, feature: Feature) -> Option<Unsupported> {
    let row = venues.find(venue)?;
    let by = row.capabilities;
    if feature.is_given(by) {
        return None;
    }
    let bars = match (by.candles, by.trades) {
        (true, _) => Some("candles in the chart"),
        (false, true) => Some("candles built from them in the chart, starting with the feed"),
        (false, false) => None,
    };
    let book = by.book.then_some("the order book");
    let shown: Vec<&str> = [book, by.trades.then_some("trades in the tape"), bars].into_iter().flatten().collect();
    Some(Unsupported {
        what: format!("{} does not provide {}.", row.title, feature.name()),
        instead: if shown.is_empty() { String::new() } else { format!("Shown instead: {}.", shown.join(", ")) },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn venues(capabilities: &str) -> VenueList {
        let row = format!(
            r#"{{"venues":[{{"name":"one","title":"One","capabilities":{{"websocket":true,"rest":true,{capabilities},
            "needs_token":false,"may_be_opened_from_browser":false,"is_simulated":false}},"token":"not_needed","first_symbols":[]}}]}}"#
        );
        VenueList::parse(&row).unwrap()
    }

    #[test]
    fn says_what_is_missing_and_what_is_shown_instead() {
        #[track_caller]
        fn check(capabilities: &str, feature: Feature, expected: &str) {
            let found = unsupported(&venues(capabilities), &Venue::new("one"), feature);
            let words =
                found.map(|unsupported| format!("{} {}", unsupported.what, unsupported.instead)).unwrap_or_default();
            assert_eq!(words.trim(), expected);
        }
        let all = r#""book":true,"trades":true,"candles":true"#;
        for feature in [Feature::Book, Feature::Trades, Feature::Bars] {
            check(all, feature, "");
        }
        let bookless = r#""book":false,"trades":true,"candles":true"#;
        check(
            bookless,
            Feature::Book,
            "One does not provide an order book. Shown instead: trades in the tape, candles in the chart.",
        );
        check(bookless, Feature::Trades, "");
        let trades_alone = r#""book":false,"trades":true,"candles":false"#;
        let made = "Shown instead: trades in the tape, candles built from them in the chart, starting with the feed.";
        check(trades_alone, Feature::Book, &format!("One does not provide an order book. {made}"));
        check(trades_alone, Feature::Bars, &format!("One does not provide candles. {made}"));
        let book_alone = r#""book":true,"trades":false,"candles":false"#;
        check(book_alone, Feature::Trades, "One does not provide trades. Shown instead: the order book.");
        check(r#""book":false,"trades":false,"candles":false"#, Feature::Bars, "One does not provide candles.");
    }

    #[test]
    fn a_recording_gives_what_its_venue_gives_and_strangers_may_give_all() {
        let bookless = venues(r#""book":false,"trades":true,"candles":true"#);
        assert!(unsupported(&bookless, &Venue::new("one").as_replay(), Feature::Book).is_some());
        assert_eq!(unsupported(&bookless, &Venue::new("two"), Feature::Book), None);
        assert_eq!(unsupported(&VenueList::default(), &Venue::new("one"), Feature::Book), None);
    }

    /// The panels state it: no region waits, and no control exists for missing data.
    #[cfg(feature = "ssr")]
    #[test]
    fn a_panel_without_data_is_words() {
        use model::instrument::InstrumentId;

        use crate::{
            live::Live,
            pages::live::{book::BookPanel, tape::TapePanel},
        };

        let rendered = |capabilities: &str| {
            let venues = venues(capabilities);
            Owner::new().with(|| {
                provide_context(Live::knowing(venues));
                let id = Memo::new(|_| InstrumentId::parse("one:A").ok());
                let selection = Selection { id, instrument: Memo::new(|_| None), unreadable: Memo::new(|_| None) };
                [view! { <BookPanel selection/> }.to_html(), view! { <TapePanel selection/> }.to_html()]
            })
        };
        let [book, tape] = rendered(r#""book":false,"trades":true,"candles":true"#);
        assert!(book.contains("One does not provide an order book."), "{book}");
        assert!(!book.contains("data-fragment"), "{book}");
        assert!(tape.contains("data-fragment=\"tape\"") && !tape.contains("unsupported"), "{tape}");
        let [book, tape] = rendered(r#""book":true,"trades":false,"candles":true"#);
        assert!(book.contains("data-fragment=\"book\"") && !book.contains("unsupported"), "{book}");
        assert!(tape.contains("One does not provide trades.") && !tape.contains("data-fragment"), "{tape}");
    }
}
