//! The list of pages: path, title, icon, and the regions that refresh by themselves.
//!
//! A new page is a folder here with its `FRAGMENTS` and its component, a `mod` line, and a line in [`PAGES`].

pub mod account;
pub mod alerts;
pub mod configuration;
pub mod desk;
pub mod live;
pub mod markets;
pub mod quality;
pub mod recordings;
pub mod system;
pub mod venues;

use leptos::prelude::*;

use self::desk::{dashboard, grid, history, positions, risk};
use crate::{cadence::Cadence, components::icon::Icon};

/// One page.
#[derive(Clone, Copy, Debug)]
pub struct Page {
    /// Its path.
    pub path: &'static str,
    /// Its displayed title.
    pub title: &'static str,
    /// Its icon in the navigation.
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

/// Creates the list of pages (path, title, icon, component, number of regions that refresh by themselves), and
/// separately the functions that show them: code that reads the list must not reach the pages whose code is loaded
/// lazily.
macro_rules! pages {
    (
        ($first_path:literal, $first_title:literal, $first_icon:ident, $first:ident::$first_view:ident, $first_budget:literal),
        $(($path:literal, $title:literal, $icon:ident, $page:ident::$view:ident, $budget:literal),)*
    ) => {
        /// All pages, in the order of the navigation; the first is part of the first load.
        pub const PAGES: &[Page] = &[
            Page { path: $first_path, title: $first_title, icon: Icon::$first_icon, fragments: $first::FRAGMENTS },
            $(Page { path: $path, title: $title, icon: Icon::$icon, fragments: $page::FRAGMENTS },)*
        ];

        /// The budget of each page: the number of regions that refresh by themselves.
        #[cfg(test)]
        const BUDGET: &[(&str, usize)] = &[($first_path, $first_budget), $(($path, $budget),)*];

        /// Shows the first page.
        pub fn first_page() -> AnyView {
            $first::$first_view().into_any()
        }

        /// Shows one of the other pages; `None` if there is none at `path`. Called from `parts` alone.
        pub fn lazy_page(path: &str) -> Option<AnyView> {
            match path {
                $($path => Some($page::$view().into_any()),)*
                _ => None,
            }
        }
    };
}

pages! {
    ("/", "Live", Candles, live::LivePage, 8),
    ("/markets", "Markets", Columns, markets::MarketsPage, 1),
    ("/dashboard", "Dashboard", Tiles, dashboard::DashboardPage, 4),
    ("/positions", "Positions", Scales, positions::PositionsPage, 2),
    ("/history", "History", Clock, history::HistoryPage, 2),
    ("/grid", "Grid", Grid, grid::GridPage, 2),
    ("/risk", "Risk", Shield, risk::RiskPage, 3),
    ("/alerts", "Alerts", Bell, alerts::AlertsPage, 3),
    ("/venues", "Venues", Plug, venues::VenuesPage, 1),
    ("/quality", "Quality", Gauge, quality::QualityPage, 2),
    ("/recordings", "Recordings", Reel, recordings::RecordingsPage, 0),
    ("/system", "System", Pulse, system::SystemPage, 0),
    ("/configuration", "Config", Switches, configuration::ConfigurationPage, 0),
    ("/account", "Account", Person, account::AccountPage, 0),
}

/// Returns true if there is a page at `path`.
pub fn is_page(path: &str) -> bool {
    PAGES.iter().any(|page| page.path == path)
}

/// The regions of the frame around every page.
pub const SHELL_FRAGMENTS: &[FragmentSpec] = &[FragmentSpec { name: "status-bar", cadence: Cadence::Status }];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

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

    /// The list matches the pages: each declared region is in the server's rendering, and no other.
    #[cfg(feature = "ssr")]
    #[test]
    fn the_list_matches_the_page() {
        use crate::route::Address;

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
            // No inline style on the server: a strict content policy would block it.
            assert!(!html.contains(" style="), "{html}");
        }
    }
}
