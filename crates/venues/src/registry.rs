//! The list of venues: name, what it can do, how to make its session. One line an entry, alphabetical.
//!
//! Not here: anything about a single venue (its folder).

use serde::Serialize;

use crate::{
    binance, coinbase, demo,
    error::VenueError,
    finnhub,
    kit::{feed_session::FeedSession, protocol::Protocol},
    kraken,
    session::{Session, SessionConfig},
    uniswap,
};

/// All venues.
const VENUES: &[(&VenueInfo, OpenFn)] = &[
    venue::<binance::Binance>(),
    venue::<coinbase::Coinbase>(),
    (&DEMO, |config| Box::new(demo::session::DemoSession::new(config))),
    venue::<finnhub::Finnhub>(),
    venue::<kraken::Kraken>(),
    venue::<uniswap::Uniswap>(),
];

/// A made-up market without any address.
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

/// The entry of a venue that speaks a protocol.
const fn venue<P: Protocol>() -> (&'static VenueInfo, OpenFn) {
    (P::INFO, |config| Box::new(FeedSession::<P>::new(config)))
}

/// A venue as lists and tables show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VenueInfo {
    /// Its name in topics and configuration, lower case.
    pub name: &'static str,
    /// Its name for people.
    pub title: &'static str,
    /// WebSocket address without stream paths; empty where there is none.
    pub default_ws_url: &'static str,
    /// REST address without paths; empty where there is none.
    pub default_rest_url: &'static str,
    /// What it can do.
    pub capabilities: Capabilities,
    /// Header in which REST takes the token; empty where there is none. In the WebSocket address it is `{token}`.
    pub token_header: &'static str,
    /// Every REST path its session may ask for, `*` for one part of a path; a server that passes requests on allows
    /// these and no others.
    pub rest_paths: &'static [&'static str],
    /// Where its history comes from, where that is not the venue itself.
    pub history: Option<HistorySource>,
}

/// A second service that a venue's history comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HistorySource {
    /// What the session asks for instead of a path of the venue; the request goes to the service's own address.
    pub path: &'static str,
    /// Its whole address.
    pub default_url: &'static str,
    /// Header in which it takes the venue's token, which then goes nowhere else.
    pub token_header: &'static str,
    /// Stands before the token there.
    pub token_prefix: &'static str,
    /// Requests it may be asked in a minute; half of them are used.
    pub weight_per_minute: u32,
}

impl VenueInfo {
    /// True for a REST path that the session may ask for.
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

/// What a venue can do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Capabilities {
    /// Data comes by WebSocket.
    pub websocket: bool,
    /// Data comes by REST.
    pub rest: bool,
    /// It has an order book.
    pub book: bool,
    /// It has public prints.
    pub trades: bool,
    /// It has bars.
    pub candles: bool,
    /// It asks for a token.
    pub needs_token: bool,
    /// Bars of the past ask for a token; without one bars are built of trades from the start on.
    pub history_needs_token: bool,
    /// A page may open its WebSocket.
    pub may_be_opened_from_browser: bool,
    /// It is a made-up market.
    pub is_simulated: bool,
}

/// All venues, by name.
pub fn venues() -> impl Iterator<Item = &'static VenueInfo> {
    VENUES.iter().map(|(info, _)| *info)
}

/// Symbols of a venue that most readers look at first, in its own spelling: what a first start offers. Empty where a
/// venue is not in the list.
pub fn first_symbols(name: &str) -> &'static [&'static str] {
    FIRST_SYMBOLS.iter().find(|(venue, _)| *venue == name).map_or(&[], |(_, symbols)| symbols)
}

/// The venue of that name.
///
/// # Errors
/// [`VenueError::UnknownVenue`] with the known name that is most like it.
pub fn info(name: &str) -> Result<&'static VenueInfo, VenueError> {
    find(name).map(|(info, _)| *info)
}

/// A session of the venue of that name; it begins with [`crate::session::Input::Start`].
///
/// # Errors
/// [`VenueError::UnknownVenue`] with the known name that is most like it.
pub fn open(name: &str, config: &SessionConfig) -> Result<Box<dyn Session>, VenueError> {
    find(name).map(|(_, open)| open(config))
}

const FIRST_SYMBOLS: &[(&str, &[&str])] = &[
    ("binance", &["BTCUSDT", "ETHUSDT", "SOLUSDT"]),
    ("coinbase", &["BTC-USD", "ETH-USD", "SOL-USD"]),
    ("finnhub", &["BINANCE:BTCUSDT", "BINANCE:ETHUSDT"]),
    ("kraken", &["BTC/USD", "ETH/USD", "SOL/USD"]),
    // The pool of dollars (USDC) and ether with a fee of 0.05 %.
    ("uniswap", &["0x88e6a0c2ddd26feeb64f039a2c41296fcb3f5640"]),
];

fn find(name: &str) -> Result<&'static (&'static VenueInfo, OpenFn), VenueError> {
    VENUES.iter().find(|(info, _)| info.name == name).ok_or_else(|| {
        let name: String = name.chars().take(64).collect();
        let nearest = venues().min_by_key(|info| distance(&name.to_lowercase(), info.name));
        VenueError::UnknownVenue {
            suggestion: nearest.map_or("", |info| info.name),
            known: venues().map(|info| info.name).collect::<Vec<_>>().join(", "),
            name,
        }
    })
}

/// Letters to insert, remove or replace to get from one name to the other (Levenshtein).
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
