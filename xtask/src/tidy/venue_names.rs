//! Rule: a venue is named only in its own folder, in the list beside it, in its folder of the simulator and in the
//! default configuration.
//!
//! So a new venue is one folder and one line. Comments and tests may name any; `demo` is ours and exempt.

use super::{Breach, source::Tree};

pub(super) const NAME: &str = "venue names";

pub(super) fn check(tree: &Tree) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for file in tree.rust().filter(|file| !file.path.starts_with("xtask/src/tidy/")) {
        for venue in VENUES.iter().filter(|venue| !may_name(&file.path, venue)) {
            for (idx, line) in file.live_code_and_strings.lines().enumerate() {
                // No English word contains one of these, so parts of names (`KrakenTrade`, `kraken_url`) count too.
                if line.to_lowercase().contains(venue) {
                    breaches.push(Breach {
                        path: file.path.clone(),
                        line: idx + 1,
                        rule: NAME,
                        found: format!("names the venue {venue}"),
                        remedy: format!(
                            "move it to crates/venues/src/{venue}/, or take the venue as data from the list there"
                        ),
                    });
                }
            }
        }
    }
    breaches
}

fn may_name(path: &str, venue: &str) -> bool {
    let in_own_room = ["crates/venues/src/", "crates/venue-sim/src/"].iter().any(|room| {
        let rest = path.strip_prefix(room).and_then(|rest| rest.strip_prefix(venue));
        rest.is_some_and(|rest| rest.starts_with('/') || rest == ".rs")
    });
    in_own_room || LISTS.contains(&path) || path.starts_with("server/src/config/")
}

/// Alphabetical.
const VENUES: [&str; 5] = ["binance", "coinbase", "finnhub", "kraken", "uniswap"];
/// Files that may list all venues.
const LISTS: [&str; 7] = [
    "crates/venue-sim/src/lib.rs",
    "crates/venue-sim/src/main.rs",
    "crates/venue-sim/src/registry.rs",
    "crates/venue-sim/src/venue.rs",
    "crates/venues/src/lib.rs",
    "crates/venues/src/registry.rs",
    "server/src/config.rs",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::testing::breaches;

    #[track_caller]
    fn check_file(path: &str, text: &str, expected: &[&str]) {
        assert_eq!(breaches(check, &[(path, text)]), expected, "{path}: {text}");
    }

    #[test]
    fn a_venue_at_home_passes() {
        check_file("crates/venues/src/kraken/mod.rs", "struct KrakenTrade;", &[]);
        check_file("crates/venues/src/kraken.rs", "struct KrakenTrade;", &[]);
        check_file("crates/venue-sim/src/kraken/mod.rs", "\"kraken\"", &[]);
        check_file("crates/venues/src/lib.rs", "mod binance; mod kraken;", &[]);
        check_file("server/src/config/feeds.rs", "\"binance\"", &[]);
        check_file("app/src/lib.rs", "// as kraken does\n\"demo\"\n#[cfg(test)]\nmod tests { \"kraken\" }", &[]);
        check_file("server/tests/feeds.rs", "\"kraken\"", &[]);
        check_file("fuzz/src/venue.rs", "\"kraken\"", &[]);
    }

    #[test]
    fn a_venue_abroad_is_a_breach() {
        check_file("app/src/pages/home/mod.rs", "\n\"kraken:BTC/USD\"", &["app/src/pages/home/mod.rs:2"]);
        check_file("crates/venues/src/binance/mod.rs", "\"coinbase\"", &["crates/venues/src/binance/mod.rs:1"]);
        check_file("server/src/feed/mod.rs", "if name == \"Binance\"", &["server/src/feed/mod.rs:1"]);
        check_file("crates/market/src/lib.rs", "use venues::KrakenTrade;", &["crates/market/src/lib.rs:1"]);
        check_file("crates/venues/src/krakens.rs", "kraken", &["crates/venues/src/krakens.rs:1"]);
    }
}
