//! The contents of the Venues page, as plain values: each venue's state in words, and the symbols that could be
//! started.
//!
//! Not here: the appearance (`row`).

use model::{
    instrument::InstrumentId,
    status::{FeedMode, StreamState},
    time::Timestamp,
};
use topics::channels::status::{Breaker, ConnectionEntry, StatusData};
use wire::limits::MAX_TEXT_BYTES;

use crate::{format, live::venue_list::VenueRow, quality::words::feed_mode};

/// The state of one venue.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct VenueState {
    /// True while the server follows any of its symbols.
    pub is_running: bool,
    /// The best state of its streams; shown by the light.
    pub state: StreamState,
    /// Source and state in words.
    pub words: String,
    /// The fault and the countermeasure; empty if all is well.
    pub trouble: String,
    /// The state of its REST breaker, unless closed.
    pub breaker: String,
    /// The followed symbols, sorted.
    pub symbols: Vec<SymbolState>,
    /// Updates since the feed started, and per second.
    pub updates: String,
}

/// The state of one followed symbol.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SymbolState {
    /// Its instrument.
    pub id: InstrumentId,
    /// Its light.
    pub state: StreamState,
    /// Why it is not live; empty if it is.
    pub cause: String,
}

impl VenueState {
    /// Returns the state of a venue that does not run.
    pub fn stopped() -> Self {
        Self { words: "not running".to_owned(), ..Self::default() }
    }

    /// Builds the state from the server's status. `server_now` is the server's clock.
    pub fn new(venue: &str, status: &StatusData, server_now: Timestamp, is_cut_off: bool) -> Self {
        let Some(connection) = status.connections.iter().find(|entry| entry.venue.as_str() == venue) else {
            return Self::stopped();
        };
        let streams = || status.streams.iter().filter(|entry| entry.instrument.venue().as_str() == venue);
        let best = streams().map(|entry| entry.state).min_by_key(|state| rank(*state)).unwrap_or_default();
        let state = match best {
            _ if !connection.is_connected && connection.cause.is_some() => StreamState::Failed,
            _ if !connection.is_connected => StreamState::Initialising,
            StreamState::Live if is_cut_off => StreamState::Stale,
            state => state,
        };
        let symbol = |entry: &topics::channels::status::StreamEntry| SymbolState {
            id: entry.instrument.clone(),
            state: if is_cut_off && entry.state == StreamState::Live { StreamState::Stale } else { entry.state },
            cause: entry.cause.clone().unwrap_or_default(),
        };
        let updates: u64 = streams().map(|entry| entry.updates).sum();
        let rate: f64 = streams().map(|entry| entry.rate).sum();
        Self {
            is_running: true,
            state,
            words: words(state, feed_mode(connection, streams())),
            trouble: trouble(connection, server_now),
            breaker: breaker(connection, server_now),
            symbols: streams().map(symbol).collect(),
            updates: format!("{} updates • {rate:.1} a second", format::grouped(&updates.to_string())),
        }
    }
}

/// Ranks states: a venue's state is the best of its streams'.
fn rank(state: StreamState) -> u8 {
    match state {
        StreamState::Live => 0,
        StreamState::Stale => 1,
        StreamState::Initialising => 2,
        StreamState::Failed => 3,
    }
}

fn words(state: StreamState, mode: FeedMode) -> String {
    match (state, mode) {
        (StreamState::Live, FeedMode::WebSocket) => "LIVE (WebSocket)".to_owned(),
        (StreamState::Live, FeedMode::RestPolling) => "LIVE (REST polling)".to_owned(),
        (state, _) => state.as_str().to_owned(),
    }
}

fn trouble(connection: &ConnectionEntry, server_now: Timestamp) -> String {
    let Some(cause) = &connection.cause else { return String::new() };
    match connection.next_attempt_ms.map(|at| seconds_to(at, server_now)) {
        Some(0) => format!("{cause}. Trying again now"),
        Some(seconds) => format!("{cause}. Next try in {seconds} s"),
        None => cause.clone(),
    }
}

fn breaker(connection: &ConnectionEntry, server_now: Timestamp) -> String {
    match connection.breaker_until_ms.map(|at| seconds_to(at, server_now)) {
        Some(seconds) => format!("REST breaker open; next trial request in {seconds} s"),
        None if connection.breaker == Breaker::HalfOpen => "REST breaker half open; trial request sent".to_owned(),
        None => String::new(),
    }
}

fn seconds_to(at_ms: i64, server_now: Timestamp) -> u64 {
    Timestamp::from_millis(at_ms).saturating_since(server_now).as_secs_f64().ceil() as u64
}

/// Returns popular symbols that are not followed yet.
pub fn offered<'a>(venue: &'a VenueRow, symbols: &[SymbolState]) -> Vec<&'a str> {
    let is_followed = |symbol: &str| symbols.iter().any(|known| known.id.symbol() == symbol);
    venue.first_symbols.iter().map(String::as_str).filter(|symbol| !is_followed(symbol)).take(MAX_OFFERED).collect()
}

/// Returns what a venue offers, and how its data comes: `Trades, book, candles • WebSocket, REST • no token needed`.
pub fn abilities(venue: &VenueRow) -> String {
    let can = &venue.capabilities;
    let candles = if lacks_past(venue) { "live candles only" } else { "candles" };
    let listed = |all: &[(bool, &str)]| {
        let words: Vec<&str> = all.iter().filter(|(has, _)| *has).map(|(_, word)| *word).collect();
        words.join(", ")
    };
    let token = match (can.needs_token, venue.token.as_str()) {
        (false, _) => String::new(),
        (true, "missing") => "needs a token".to_owned(),
        (true, state) => format!("token {}", state.replace('_', " ")),
    };
    let parts = [
        listed(&[(can.trades, "trades"), (can.book, "book"), (can.candles, candles)]),
        listed(&[(can.websocket, "WebSocket"), (can.rest, "REST")]),
        token,
        listed(&[(can.may_be_opened_from_browser, "also directly from the browser")]),
    ];
    format::capitalised(&parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" • "))
}

/// Returns the followed symbols in one line: `400 symbols: 396 live, 3 stale, 1 failed`.
pub fn summary(symbols: &[SymbolState]) -> String {
    let states = [StreamState::Live, StreamState::Stale, StreamState::Initialising, StreamState::Failed];
    let counts = states.iter().filter_map(|state| {
        let n_symbols = symbols.iter().filter(|symbol| symbol.state == *state).count();
        (n_symbols > 0).then(|| format!("{n_symbols} {}", state.as_str()))
    });
    let counts: Vec<String> = counts.collect();
    format!("{} symbols: {}", symbols.len(), counts.join(", "))
}

/// Returns the symbols that contain all words of a filter; those that are not live come first.
pub fn matching(symbols: &[SymbolState], filter: &str) -> Vec<SymbolState> {
    let filter = filter.to_lowercase();
    let has = |symbol: &&SymbolState| {
        let text = format!("{} {}", symbol.id.symbol(), symbol.state.as_str()).to_lowercase();
        filter.split_whitespace().all(|word| text.contains(word))
    };
    let mut found: Vec<SymbolState> = symbols.iter().filter(has).cloned().collect();
    found.sort_by_key(|symbol| symbol.state == StreamState::Live);
    found
}

/// Returns the setting that enables historical candles, if they come from a second service that is not configured;
/// otherwise empty.
pub fn history_note(venue: &VenueRow) -> String {
    if !lacks_past(venue) {
        return String::new();
    }
    format!("No past candles without a key. Set venues.{name}.token, or venues.{name}.history_url", name = venue.name)
}

fn lacks_past(venue: &VenueRow) -> bool {
    venue.history == "missing"
}

/// Returns the typed symbols: separated by commas or blanks, each once.
pub fn typed(text: &str) -> Vec<String> {
    let mut symbols: Vec<String> = Vec::new();
    for symbol in text.split([',', ' ', '\n', '\t']).map(str::trim).filter(|symbol| !symbol.is_empty()) {
        let symbol: String = symbol.chars().take(MAX_TEXT_BYTES).collect();
        if !symbols.contains(&symbol) {
            symbols.push(symbol);
        }
    }
    symbols
}

/// Returns true if only simulated feeds run: a reader may not know yet that real ones are one click away.
pub fn is_all_simulated(status: &StatusData) -> bool {
    !status.connections.is_empty() && status.connections.iter().all(|entry| entry.mode == FeedMode::Simulated)
}

/// Symbols that are shown beside each other; more are a list that opens.
pub const MAX_CHIPS: usize = 24;
/// Maximum offered at once; the simulated market alone has twenty.
const MAX_OFFERED: usize = 6;

#[cfg(test)]
mod tests {
    use model::instrument::Venue;
    use topics::channels::status::StreamEntry;

    use super::*;
    use crate::live::venue_list::Capabilities;

    fn stream(id: &str, state: StreamState) -> StreamEntry {
        StreamEntry {
            state,
            updates: 700,
            rate: 1.5,
            cause: (state == StreamState::Failed).then(|| "unknown symbol B".to_owned()),
            ..StreamEntry::new(&InstrumentId::parse(id).unwrap(), FeedMode::WebSocket)
        }
    }

    fn connection(is_connected: bool) -> ConnectionEntry {
        let cause = (!is_connected).then(|| "cannot connect: refused".to_owned());
        ConnectionEntry { is_connected, cause, ..ConnectionEntry::new(&Venue::new("one"), FeedMode::WebSocket) }
    }

    fn state(connection: ConnectionEntry, streams: Vec<StreamEntry>) -> VenueState {
        let status = StatusData { connections: vec![connection], streams, ..StatusData::default() };
        VenueState::new("one", &status, Timestamp::from_millis(10_000), false)
    }

    #[test]
    fn a_venue_is_told_in_words() {
        let live =
            state(connection(true), vec![stream("one:A", StreamState::Live), stream("one:B", StreamState::Failed)]);
        assert_eq!((live.state, live.words.as_str()), (StreamState::Live, "LIVE (WebSocket)"));
        assert_eq!(live.updates.replace(format::GROUP, " "), "1 400 updates • 3.0 a second");
        assert_eq!((live.symbols.len(), live.symbols[1].cause.as_str()), (2, "unknown symbol B"));
        let polling = ConnectionEntry { mode: FeedMode::RestPolling, ..connection(true) };
        let polled = StreamEntry { mode: FeedMode::RestPolling, ..stream("one:A", StreamState::Live) };
        assert_eq!(state(polling.clone(), vec![polled.clone()]).words, "LIVE (REST polling)");
        // One of several connections is missing.
        let partly = state(polling, vec![polled, stream("one:B", StreamState::Live)]);
        assert_eq!(partly.words, "LIVE (WebSocket)");
        let other = VenueState::new("two", &StatusData::default(), Timestamp::EPOCH, false);
        assert_eq!((other.is_running, other.words.as_str()), (false, "not running"));
    }

    #[test]
    fn trouble_says_what_happens_next() {
        let failed = ConnectionEntry { next_attempt_ms: Some(12_400), ..connection(false) };
        let failed = state(failed, vec![stream("one:A", StreamState::Live)]);
        assert_eq!(failed.state, StreamState::Failed);
        assert_eq!(failed.trouble, "cannot connect: refused. Next try in 3 s");
        let now = ConnectionEntry { next_attempt_ms: Some(9_000), ..connection(false) };
        assert_eq!(state(now, Vec::new()).trouble, "cannot connect: refused. Trying again now");
        let open = ConnectionEntry { breaker_until_ms: Some(40_000), ..connection(true) };
        assert_eq!(state(open, Vec::new()).breaker, "REST breaker open; next trial request in 30 s");
        let probing = ConnectionEntry { breaker: Breaker::HalfOpen, ..connection(true) };
        assert_eq!(state(probing, Vec::new()).breaker, "REST breaker half open; trial request sent");
    }

    #[test]
    fn typed_symbols_are_told_apart() {
        #[track_caller]
        fn check(text: &str, expected: &[&str]) {
            assert_eq!(typed(text), expected, "{text:?}");
        }
        check("BTCUSDT", &["BTCUSDT"]);
        check(" BTC/USD, ETH/USD  BTC/USD,", &["BTC/USD", "ETH/USD"]);
        check("BINANCE:BTCUSDT", &["BINANCE:BTCUSDT"]);
        check(" , ", &[]);
    }

    fn venue(token: &str, history: &str) -> VenueRow {
        VenueRow {
            name: "one".into(),
            title: "One".into(),
            capabilities: Default::default(),
            token: token.into(),
            history: history.into(),
            first_symbols: vec!["A".into(), "B".into()],
        }
    }

    #[test]
    fn abilities_are_words() {
        let can =
            Capabilities { websocket: true, rest: true, trades: true, book: true, candles: true, ..Default::default() };
        let of = |capabilities, token, history| abilities(&VenueRow { capabilities, ..venue(token, history) });
        assert_eq!(of(can, "not_needed", "own"), "Trades, book, candles • WebSocket, REST");
        assert_eq!(of(can, "not_needed", "missing"), "Trades, book, live candles only • WebSocket, REST");
        let strict = Capabilities { needs_token: true, may_be_opened_from_browser: true, ..Default::default() };
        assert_eq!(of(strict, "missing", "own"), "Needs a token • also directly from the browser");
        assert_eq!(of(strict, "configured", "own"), "Token configured • also directly from the browser");
        assert_eq!(of(Capabilities::default(), "not_needed", ""), "");
    }

    #[test]
    fn candles_say_what_they_need() {
        for (history, is_missing) in [("own", false), ("configured", false), ("missing", true), ("", false)] {
            let note = history_note(&venue("missing", history));
            assert_eq!(!note.is_empty(), is_missing, "{history}");
            let names_both = ["venues.one.token", "venues.one.history_url"].iter().all(|part| note.contains(part));
            assert_eq!(names_both, is_missing, "{history}");
        }
    }

    #[test]
    fn many_symbols_are_a_count_and_a_filter() {
        let symbol = |name: &str, state| SymbolState {
            id: InstrumentId::parse(&format!("one:{name}")).unwrap(),
            state,
            cause: String::new(),
        };
        let symbols = [
            symbol("ADA-USD", StreamState::Live),
            symbol("BTC-USD", StreamState::Failed),
            symbol("BTC-EUR", StreamState::Live),
        ];
        assert_eq!(summary(&symbols), "3 symbols: 2 live, 1 failed");
        let found = |filter: &str| {
            let found: Vec<String> = matching(&symbols, filter).iter().map(|one| one.id.symbol().to_owned()).collect();
            found.join(" ")
        };
        assert_eq!(found(""), "BTC-USD ADA-USD BTC-EUR", "trouble comes first");
        assert_eq!(found("btc"), "BTC-USD BTC-EUR");
        assert_eq!(found(" live btc "), "BTC-EUR");
        assert_eq!(found("sol"), "");
    }

    #[test]
    fn what_is_followed_is_not_offered() {
        let venue = venue("not_needed", "own");
        let live = state(connection(true), vec![stream("one:A", StreamState::Live)]);
        assert_eq!(offered(&venue, &live.symbols), ["B"]);
        assert_eq!(offered(&venue, &[]), ["A", "B"]);
    }

    #[test]
    fn only_made_up_feeds() {
        let of = |sources: &[FeedMode]| StatusData {
            connections: sources.iter().map(|mode| ConnectionEntry { mode: *mode, ..connection(true) }).collect(),
            ..StatusData::default()
        };
        assert!(is_all_simulated(&of(&[FeedMode::Simulated])));
        assert!(!is_all_simulated(&of(&[FeedMode::Simulated, FeedMode::WebSocket])));
        assert!(!is_all_simulated(&of(&[])));
    }
}
