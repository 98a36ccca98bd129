//! The best matches of what is typed: exact symbol, exact asset with the most usual quote, prefix, part, slip of the fingers.
//!
//! Distances are those of strsim, which "did you mean" uses already: a subsequence matcher would not find `SOL` in `SLO`.
//! Pure. Not here: the lists ([`super::lists`]).

use std::{cmp::Reverse, collections::BTreeSet};

use strsim::osa_distance;
use venues::catalogue::{Catalogue, CatalogueItem};

use super::spelling::{plain_into, spellings};

/// Search text, prepared for many comparisons.
#[derive(Clone, Debug)]
pub struct Query {
    spellings: Vec<String>,
    /// Nothing was typed at all: everything matches.
    is_empty: bool,
}

impl Query {
    /// Prepares a text.
    pub fn new(typed: &str) -> Self {
        let mut spellings = spellings(typed);
        spellings.retain(|spelling| !spelling.is_empty());
        Self { spellings, is_empty: typed.trim().is_empty() }
    }

    /// Returns true if nothing was typed.
    pub fn is_empty(&self) -> bool {
        self.is_empty
    }
}

/// Rank of a match; the smallest is the best.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rank {
    class: Class,
    distance: usize,
    is_halted: bool,
    /// Position among the usual quote assets.
    quote: usize,
    length: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Class {
    Symbol,
    Base,
    Prefix,
    NamePrefix,
    Part,
    NamePart,
    Near,
}

/// Compares instruments with one query; its texts are used again for each of them.
#[derive(Debug)]
pub struct Matcher<'q> {
    query: &'q Query,
    symbol: String,
    tail: String,
    base: String,
    pair: String,
    word: String,
}

impl<'q> Matcher<'q> {
    /// Creates a matcher.
    pub fn new(query: &'q Query) -> Self {
        let text = String::new;
        Self { query, symbol: text(), tail: text(), base: text(), pair: text(), word: text() }
    }

    /// Returns how well an instrument matches; `None` if it does not.
    pub fn rank(&mut self, listed: &CatalogueItem<'_>) -> Option<Rank> {
        let (class, distance) = if self.query.is_empty { (Class::Symbol, 0) } else { self.nearest(listed)? };
        let quote = USUAL_QUOTES.iter().position(|usual| *usual == listed.quote).unwrap_or(USUAL_QUOTES.len());
        Some(Rank { class, distance, is_halted: !listed.is_trading(), quote, length: listed.symbol.len() })
    }

    fn nearest(&mut self, listed: &CatalogueItem<'_>) -> Option<(Class, usize)> {
        plain_into(listed.symbol, &mut self.symbol);
        plain_into(tail(listed.symbol), &mut self.tail);
        plain_into(listed.base, &mut self.base);
        plain_into(listed.quote, &mut self.word);
        self.pair.clear();
        self.pair.push_str(&self.base);
        self.pair.push_str(&self.word);
        let query = self.query;
        query.spellings.iter().filter_map(|spelling| self.class(spelling, listed.name)).min()
    }

    fn class(&mut self, typed: &str, name: &str) -> Option<(Class, usize)> {
        let Self { symbol, tail, base, pair, word, .. } = self;
        let names = [&*symbol, tail, pair];
        if names.iter().any(|name| *name == typed) {
            return Some((Class::Symbol, 0));
        }
        if base == typed {
            return Some((Class::Base, 0));
        }
        if names.iter().any(|name| name.starts_with(typed)) {
            return Some((Class::Prefix, 0));
        }
        let has_words = typed.len() >= LEAST_OF_NAME;
        let mut nearest_word = usize::MAX;
        if has_words {
            for part in name.split(' ') {
                plain_into(part, word);
                if word.starts_with(typed) {
                    return Some((Class::NamePrefix, 0));
                }
                nearest_word = nearest_word.min(slips(typed, word));
            }
        }
        if typed.len() >= LEAST_OF_PART && names.iter().any(|name| name.contains(typed)) {
            return Some((Class::Part, 0));
        }
        if has_words {
            plain_into(name, word);
            if word.contains(typed) {
                return Some((Class::NamePart, 0));
            }
        }
        let distance = [tail, base, pair].map(|name| slips(typed, name)).into_iter().min()?.min(nearest_word);
        (distance < usize::MAX).then_some((Class::Near, distance))
    }
}

/// Returns the slips of the fingers between two words; the largest number if there are too many to have been slips.
fn slips(typed: &str, name: &str) -> usize {
    let most = match typed.len() {
        0..LEAST_OF_NAME => return usize::MAX,
        LEAST_OF_NAME..6 => 1,
        _ => 2,
    };
    // Cheap, and true of nearly all names.
    if typed.len().abs_diff(name.len()) > most || name.is_empty() {
        return usize::MAX;
    }
    let distance = osa_distance(typed, name);
    if distance <= most { distance } else { usize::MAX }
}

/// Returns the symbol without the exchange that some begin with: `BINANCE:BTCUSDT`.
pub fn tail(symbol: &str) -> &str {
    symbol.split_once(':').map_or(symbol, |(_, tail)| tail)
}

/// One venue's list in a search.
#[derive(Clone, Debug)]
pub struct VenueInstruments<'a> {
    /// The venue's name.
    pub venue: &'static str,
    /// All its instruments.
    pub list: &'a Catalogue,
    /// The followed symbols, in the list or not.
    pub followed: &'a BTreeSet<String>,
}

/// An instrument that matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Match<'a> {
    /// The venue's name.
    pub venue: &'static str,
    /// The instrument.
    pub listed: CatalogueItem<'a>,
    /// True if a feed follows it.
    pub is_followed: bool,
}

/// Returns the best matches, best first, at most `limit`. Without a query: followed ones first, then by venue.
pub fn search<'a>(venues: &[VenueInstruments<'a>], query: &Query, limit: usize) -> Vec<Match<'a>> {
    let mut matcher = Matcher::new(query);
    let mut ranked = Vec::new();
    for (venue_idx, VenueInstruments { venue, list, followed }) in venues.iter().enumerate() {
        let mut unlisted: BTreeSet<&str> = followed.iter().map(String::as_str).collect();
        for listed in list.iter() {
            let is_followed = unlisted.remove(listed.symbol);
            ranked.extend(matcher.rank(&listed).map(|rank| (rank, Match { venue, listed, is_followed }, venue_idx)));
        }
        for symbol in unlisted {
            let listed = CatalogueItem { symbol, ..CatalogueItem::default() };
            ranked.extend(
                matcher.rank(&listed).map(|rank| (rank, Match { venue, listed, is_followed: true }, venue_idx)),
            );
        }
    }
    if query.is_empty {
        ranked.sort_by_key(|(rank, found, venue_idx)| {
            (Reverse(found.is_followed), *venue_idx, rank.is_halted, rank.quote, found.listed.symbol)
        });
    } else {
        ranked.sort_by_key(|(rank, found, venue_idx)| {
            (*rank, Reverse(found.is_followed), *venue_idx, found.listed.symbol)
        });
    }
    ranked.into_iter().take(limit).map(|(_, found, _)| found).collect()
}

/// Returns the symbols of a list nearest to a query, best first.
pub fn nearest(list: &Catalogue, query: &Query, limit: usize) -> Vec<String> {
    if query.is_empty {
        return Vec::new();
    }
    let followed = BTreeSet::new();
    let found = search(&[VenueInstruments { venue: "", list, followed: &followed }], query, limit);
    found.into_iter().map(|found| found.listed.symbol.to_owned()).collect()
}

/// Quote assets, the most usual first.
const USUAL_QUOTES: [&str; 5] = ["USDT", "USD", "USDC", "EUR", "BTC"];
/// Letters before names for people, and slips of the fingers, are looked at.
const LEAST_OF_NAME: usize = 3;
/// Letters before parts of symbols are looked at.
const LEAST_OF_PART: usize = 2;

#[cfg(test)]
mod tests {
    use super::*;

    fn list(rows: &[&str]) -> Catalogue {
        let mut list = Catalogue::default();
        for row in rows {
            let parts: Vec<&str> = row.split('|').collect();
            let part = |idx: usize| parts.get(idx).copied().unwrap_or_default();
            list.push(CatalogueItem { symbol: part(0), base: part(1), quote: part(2), name: part(3), status: part(4) });
        }
        list
    }

    #[test]
    fn the_best_match_comes_first() {
        let binance = list(&[
            "ETHBTC|ETH|BTC",
            "BTCEUR|BTC|EUR",
            "BTCUSDC|BTC|USDC",
            "BTCUSDT|BTC|USDT",
            "BTTUSDT|BTT|USDT||BREAK",
            "WBTCUSDT|WBTC|USDT",
            "SOLUSDT|SOL|USDT",
            "SOLOUSDT|SOLO|USDT",
            "DOGEUSDT|DOGE|USDT",
            "１２３USDT|１２３|USDT",
        ]);
        let kraken = list(&["BTC/USD|BTC|USD", "SOL/USD|SOL|USD", "DOGE/USD|DOGE|USD"]);
        let finnhub = list(&[
            "AAPL|AAPL|USD|APPLE INC",
            "BINANCE:BTCUSDT|BTC|USDT|Binance BTCUSDT",
            "MSFT|MSFT|USD|MICROSOFT CORP",
        ]);
        let (some, none) = (BTreeSet::from(["SOL/USD".to_owned(), "NEW/USD".to_owned()]), BTreeSet::new());
        let venues = [
            VenueInstruments { venue: "binance", list: &binance, followed: &none },
            VenueInstruments { venue: "finnhub", list: &finnhub, followed: &none },
            VenueInstruments { venue: "kraken", list: &kraken, followed: &some },
        ];
        let check = |typed: &str, expected: &[&str]| {
            let found = search(&venues, &Query::new(typed), 4);
            let found: Vec<&str> = found.iter().map(|found| found.listed.symbol).take(expected.len().max(1)).collect();
            assert_eq!(found, expected, "{typed}");
        };
        check("BTCUSDT", &["BTCUSDT", "BINANCE:BTCUSDT", "WBTCUSDT"]);
        check("btc/usdt", &["BTCUSDT", "BINANCE:BTCUSDT"]);
        check("btc", &["BTCUSDT", "BINANCE:BTCUSDT", "BTC/USD", "BTCUSDC"]);
        check("xbt", &["BTCUSDT", "BINANCE:BTCUSDT", "BTC/USD"]);
        check("XBT/USD", &["BTC/USD"]);
        check("btcusd", &["BTC/USD", "BTCUSDT"]);
        check("sol", &["SOLUSDT", "SOL/USD", "SOLOUSDT"]);
        check("solu", &["SOLUSDT", "SOL/USD"]);
        check("slo", &["SOLUSDT", "SOLOUSDT", "SOL/USD"]);
        check("SOLUDST", &["SOLUSDT"]);
        check("bt", &["BTCUSDT", "BINANCE:BTCUSDT", "BTC/USD", "BTCUSDC"]);
        check("btt", &["BTTUSDT"]);
        check("apple", &["AAPL"]);
        check("appel", &["AAPL"]);
        check("microsoft", &["MSFT"]);
        check("soft", &["MSFT"]);
        check("aapl", &["AAPL"]);
        check("dogecoin", &[]);
        check("xdg", &["DOGEUSDT", "DOGE/USD"]);
        check("new/usd", &["NEW/USD"]);
        check("１２３", &["１２３USDT"]);
        check("💥", &[]);
        check("zzzzzz", &[]);
        check("", &["SOL/USD", "NEW/USD", "BTCUSDT", "DOGEUSDT"]);
        check("  ", &["SOL/USD", "NEW/USD"]);
        check(&"x".repeat(64), &[]);
    }
}
