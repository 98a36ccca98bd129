//! The list of pages: path, title, icon, and the regions that each of them refreshes by itself.
//!
//! A new page is a folder here, one line in [`PAGES`] and one in `shell`.

pub mod live;
pub mod markets;
pub mod quality;
pub mod recordings;
pub mod venues;

use crate::{cadence::Cadence, components::icon::Icon};

/// One page.
#[derive(Clone, Copy, Debug)]
pub struct Page {
    /// Where it is.
    pub path: &'static str,
    /// Its name for a reader.
    pub title: &'static str,
    /// Its sign in the navigation.
    pub icon: Icon,
    /// Its regions, each refreshing by itself.
    pub fragments: &'static [FragmentSpec],
}

/// A region of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FragmentSpec {
    /// Its name in `data-fragment` and in settings.
    pub name: &'static str,
    /// Its group of paces.
    pub cadence: Cadence,
}

/// All pages, in the order of the navigation.
pub const PAGES: &[Page] = &[
    Page { path: "/", title: "Live", icon: Icon::Candles, fragments: live::FRAGMENTS },
    Page { path: "/markets", title: "Markets", icon: Icon::Columns, fragments: markets::FRAGMENTS },
    Page { path: "/venues", title: "Venues", icon: Icon::Plug, fragments: venues::FRAGMENTS },
    Page { path: "/quality", title: "Quality", icon: Icon::Gauge, fragments: quality::FRAGMENTS },
    Page { path: "/recordings", title: "Recordings", icon: Icon::Reel, fragments: recordings::FRAGMENTS },
];

/// What surrounds every page refreshes too.
pub const SHELL_FRAGMENTS: &[FragmentSpec] = &[FragmentSpec { name: "status-bar", cadence: Cadence::Status }];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// The budget of each page: how many regions refresh by themselves.
    const BUDGET: &[(&str, usize)] = &[("/", 5), ("/markets", 1), ("/venues", 1), ("/quality", 2), ("/recordings", 0)];

    #[test]
    fn pages_keep_their_fragment_budget() {
        for page in PAGES {
            let budget = BUDGET.iter().find(|(path, _)| *path == page.path).map(|(_, n_fragments)| *n_fragments);
            assert_eq!(Some(page.fragments.len()), budget, "{}: state the budget of a new page", page.path);
        }
        assert_eq!(SHELL_FRAGMENTS.len(), 1);
    }

    #[test]
    fn names_are_unique() {
        let mut names = BTreeSet::new();
        for spec in PAGES.iter().flat_map(|page| page.fragments).chain(SHELL_FRAGMENTS) {
            assert!(names.insert(spec.name), "{}", spec.name);
        }
        let paths: BTreeSet<&str> = PAGES.iter().map(|page| page.path).collect();
        assert_eq!(paths.len(), PAGES.len());
    }

    /// The list says what the page really has: each declared region stands in the server's rendering, and no other.
    #[cfg(feature = "ssr")]
    #[test]
    fn the_list_matches_the_page() {
        use crate::route::Address;
        use leptos::prelude::*;

        for page in PAGES {
            let owner = Owner::new();
            let html = owner.with(|| {
                provide_context(Address(format!("{}?symbol=demo:AAABBB", page.path)));
                crate::App().to_html()
            });
            let found: BTreeSet<&str> =
                html.split("data-fragment=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
            let declared: BTreeSet<&str> = page.fragments.iter().chain(SHELL_FRAGMENTS).map(|spec| spec.name).collect();
            assert_eq!(found, declared, "{}", page.path);
            // No inline style on the server: a strict content policy would refuse it.
            assert!(!html.contains(" style="), "{html}");
        }
    }
}
