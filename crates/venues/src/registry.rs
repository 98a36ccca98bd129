//! The list of venues: name, capabilities, how to create its session. One line an entry, alphabetical.
//!
//! Not here: anything about a single venue (its folder).

use serde::Serialize;

use crate::{
    binance,
    catalogue::CatalogueSource,
    coinbase, demo,
    error::VenueError,
    finnhub,
    kit::{feed_session::FeedSession, protocol::Protocol},
    kraken,
    session::{Session, SessionConfig},
    uniswap,
};

/// All venues.
const VENUES: &[(&VenueInfo, OpenFn, CatalogueSource)] = &[
    venue::<binance::Binance>(),
    venue::<coinbase::Coinbase>(),
    (&DEMO, |config| Box::new(demo::session::DemoSession::new(config)), demo::catalogue::SOURCE),
    venue::<finnhub::Finnhub>(),
    venue::<kraken::Kraken>(),
    venue::<uniswap::Uniswap>(),
];

/// A simulated market without any address.
const DEMO: VenueInfo = VenueInfo {
    name: demo::market::VENUE,
    title: "Demo",
    default_ws_url: "",
    default_rest_url: "",
    capabilities: Capabilities {
        websocket: false,
        rest: false,
        book: true,
        trades: true,
        candles: true,
        needs_token: false,
        history_needs_token: false,
        may_be_opened_from_browser: true,
        is_simulated: true,
    },
    token_header: "",
    rest_paths: &[],
    history: None,
};

type OpenFn = fn(&SessionConfig) -> Box<dyn Session>;

/// Returns the entry of a venue with a protocol.
const fn venue<P: Protocol>() -> (&'static VenueInfo, OpenFn, CatalogueSource) {
    (P::INFO, |config| Box::new(FeedSession::<P>::new(config)), P::CATALOGUE)
}

/// A venue's description for lists and tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VenueInfo {
    /// Its name in topics and configuration, lower case.
    pub name: &'static str,
    /// Its name for people.
    pub title: &'static str,
    /// WebSocket address without stream paths; empty if there is none.
    pub default_ws_url: &'static str,
    /// REST address without paths; empty if there is none.
    pub default_rest_url: &'static str,
    /// Its capabilities.
    pub capabilities: Capabilities,
    /// Header for the token in REST requests; empty if there is none. In the WebSocket address the token is `{token}`.
    pub token_header: &'static str,
    /// Every REST path that its session may request, `*` for one part of a path; a server that forwards requests allows
    /// only these.
    pub rest_paths: &'static [&'static str],
    /// The source of its history, if that is not the venue itself.
    pub history: Option<HistorySource>,
}

/// A second service that provides a venue's history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HistorySource {
    /// The path that the session requests instead of one of the venue; the request goes to the service's own address.
    pub path: &'static str,
    /// Its whole address.
    pub default_url: &'static str,
    /// Header for the venue's token, which is then sent nowhere else.
    pub token_header: &'static str,
    /// Prefix of the token in that header.
    pub token_prefix: &'static str,
    /// Allowed requests per minute; half of them are used.
    pub weight_per_minute: u32,
}

impl VenueInfo {
    /// Returns true for a REST path that the session may request.
    pub fn allows_path(&self, path: &str) -> bool {
        let is_plain =
            |part: &str| !part.is_empty() && part != "." && part != ".." && !part.contains(['%', '?', '#', '\\']);
        self.rest_paths.iter().any(|pattern| {
            pattern.split('/').count() == path.split('/').count()
                && pattern
                    .split('/')
                    .zip(path.split('/'))
                    .all(|(wanted, part)| wanted == part || (wanted == "*" && is_plain(part)))
        })
    }
}

/// A venue's capabilities.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Capabilities {
    /// Data comes by WebSocket.
    pub websocket: bool,
    /// Data comes by REST.
    pub rest: bool,
    /// It has an order book.
    pub book: bool,
    /// It has public trades.
    pub trades: bool,
    /// It has candles.
    pub candles: bool,
    /// It requires a token.
    pub needs_token: bool,
    /// Historical candles require a token; without one, candles are built from trades starting with the feed.
    pub history_needs_token: bool,
    /// A page may open its WebSocket.
    pub may_be_opened_from_browser: bool,
    /// It is a simulated market.
    pub is_simulated: bool,
}

/// Iterates over all venues, by name.
pub fn venues() -> impl Iterator<Item = &'static VenueInfo> {
    VENUES.iter().map(|(info, ..)| *info)
}

/// Returns the symbols of a venue that most readers look at first, in its own spelling: the suggestions at a first
/// start. Empty for an unlisted venue.
pub fn first_symbols(name: &str) -> &'static [&'static str] {
    FIRST_SYMBOLS.iter().find(|(venue, _)| *venue == name).map_or(&[], |(_, symbols)| symbols)
}

/// Returns the venue with that name.
///
/// # Errors
/// [`VenueError::UnknownVenue`] with the most similar known name.
pub fn info(name: &str) -> Result<&'static VenueInfo, VenueError> {
    find(name).map(|(info, ..)| *info)
}

/// Creates a session of the venue with that name; it begins with [`crate::session::Input::Start`].
///
/// # Errors
/// [`VenueError::UnknownVenue`] with the most similar known name.
pub fn open(name: &str, config: &SessionConfig) -> Result<Box<dyn Session>, VenueError> {
    find(name).map(|(_, open, _)| open(config))
}

/// Returns the source of a venue's list of instruments.
///
/// # Errors
/// [`VenueError::UnknownVenue`] with the most similar known name.
pub fn catalogue(name: &str) -> Result<&'static CatalogueSource, VenueError> {
    find(name).map(|(_, _, source)| source)
}

const FIRST_SYMBOLS: &[(&str, &[&str])] = &[
    ("binance", &["BTCUSDT", "ETHUSDT", "SOLUSDT"]),
    ("coinbase", &["BTC-USD", "ETH-USD", "SOL-USD"]),
    ("finnhub", &["BINANCE:BTCUSDT", "BINANCE:ETHUSDT"]),
    ("kraken", &["BTC/USD", "ETH/USD", "SOL/USD"]),
    // The pool of dollars (USDC) and ether with a fee of 0.05 %.
    ("uniswap", &["0x88e6a0c2ddd26feeb64f039a2c41296fcb3f5640"]),
];

fn find(name: &str) -> Result<&'static (&'static VenueInfo, OpenFn, CatalogueSource), VenueError> {
    VENUES.iter().find(|(info, ..)| info.name == name).ok_or_else(|| {
        let name: String = name.chars().take(64).collect();
        let nearest = venues().min_by_key(|info| distance(&name.to_lowercase(), info.name));
        VenueError::UnknownVenue {
            suggestion: nearest.map_or("", |info| info.name),
            known: venues().map(|info| info.name).collect::<Vec<_>>().join(", "),
            name,
        }
    })
}

/// Returns the letters to insert, remove or replace to turn one name into the other (Levenshtein).
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (left_idx, left) in left.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], left_idx + 1);
        for (right_idx, right) in right.iter().enumerate() {
            let replaced = diagonal + usize::from(left != *right);
            diagonal = row[right_idx + 1];
            row[right_idx + 1] = replaced.min(diagonal + 1).min(row[right_idx] + 1);
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_alphabetical_lower_case_and_open() {
        let names: Vec<&str> = venues().map(|info| info.name).collect();
        assert!(names.is_sorted() && names.iter().all(|name| *name == name.to_lowercase()), "{names:?}");
        for name in names {
            let session = open(name, &SessionConfig::default()).unwrap();
            assert_eq!((session.venue().as_str(), info(name).unwrap().name), (name, name));
        }
    }

    #[test]
    fn a_first_start_offers_symbols_of_each_real_venue() {
        for info in venues().filter(|info| !info.capabilities.is_simulated && !info.capabilities.needs_token) {
            assert!(!first_symbols(info.name).is_empty(), "{}: add it to FIRST_SYMBOLS", info.name);
        }
        assert!(first_symbols("none").is_empty());
    }

    #[test]
    fn an_unknown_name_is_answered_with_the_nearest() {
        for (asked, suggestion) in [("binence", "binance"), ("Binance", "binance"), ("BINANCE.US", "binance")] {
            match open(asked, &SessionConfig::default()).map(|_| ()) {
                Err(VenueError::UnknownVenue { suggestion: found, known, .. }) => {
                    assert_eq!(found, suggestion, "{asked}");
                    assert!(known.contains(suggestion));
                }
                Ok(()) => panic!("{asked} is no venue"),
            }
        }
    }

    #[test]
    fn only_listed_paths_are_allowed() {
        let info = VenueInfo { rest_paths: &["/api/v3/depth", "/market/*/candles"], ..DEMO };
        for (path, expected) in [
            ("/api/v3/depth", true),
            ("/api/v3/depth/", false),
            ("/api/v3", false),
            ("/market/BTC-USD/candles", true),
            ("/market//candles", false),
            ("/market/../candles", false),
            ("/market/a/b/candles", false),
            ("/market/a%2f/candles", false),
            ("", false),
        ] {
            assert_eq!(info.allows_path(path), expected, "{path}");
        }
    }

    #[test]
    fn distances() {
        for (left, right, expected) in [("", "abc", 3), ("abc", "abc", 0), ("kraken", "karken", 2), ("demo", "dmo", 1)]
        {
            assert_eq!(distance(left, right), expected, "{left} {right}");
        }
    }
}
