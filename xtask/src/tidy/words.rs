//! Rule: reserved words keep their one meaning, and prose is current English.
//!
//! `Order` is a trading order, `Desk` the trading desk, `Tape` the public trades: a type or a file with one of these
//! words belongs to their crates. Type names are nouns, not participles (`Told`). A few dated words (`anew`) are
//! rejected in comments, texts and documents. Other naming rules are for reviewers, not for a scanner.

use super::{
    Breach,
    source::{SourceFile, Tree},
};

pub(super) const NAME: &str = "words";

pub(super) fn check(tree: &Tree) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for file in tree.files().iter().filter(|file| !file.path.starts_with("xtask/src/tidy/")) {
        for word in &RESERVED {
            if !word.is_at_home(&file.path) {
                breaches.extend(strangers(file, word));
            }
        }
        for (line, name) in declared_types(&file.code) {
            if PARTICIPLES.contains(&name) {
                let found = format!("type `{name}` is a participle");
                breaches.push(breach(file, line, found, "call it by a noun, as in Request or Message"));
            }
        }
        for (idx, line) in file.text.lines().enumerate().filter(|_| is_prose(&file.path)) {
            let words = line.split(|char: char| !char.is_alphabetic());
            for word in words.filter(|word| ARCHAIC.contains(&word.to_lowercase().as_str())) {
                let found = format!("`{word}`");
                breaches.push(breach(file, idx + 1, found, "write again, reopen or is doing"));
            }
        }
    }
    breaches
}

/// A word with one meaning.
struct Reserved {
    word: &'static str,
    /// Names that contain the word with another meaning that everyone knows.
    exempt: &'static [&'static str],
    /// Path prefixes where it is allowed.
    homes: &'static [&'static str],
    remedy: &'static str,
}

impl Reserved {
    fn is_at_home(&self, path: &str) -> bool {
        self.homes.iter().any(|home| path.starts_with(home))
    }
}

/// Returns the types and file names that carry a reserved word outside its crates.
fn strangers(file: &SourceFile, word: &Reserved) -> Vec<Breach> {
    let types = declared_types(&file.code).into_iter().filter(|(_, name)| {
        !word.exempt.contains(name) && words_of(name).iter().any(|part| part.eq_ignore_ascii_case(word.word))
    });
    let mut breaches: Vec<Breach> = types
        .map(|(line, name)| breach(file, line, format!("type `{name}` carries the word {}", word.word), word.remedy))
        .collect();
    let name = file.path.rsplit('/').next().unwrap_or_default();
    let stem = name.split('.').next().unwrap_or_default();
    if file.path.ends_with(".rs") && stem.split('_').any(|part| part.eq_ignore_ascii_case(word.word)) {
        breaches.push(breach(file, 1, format!("file `{name}` carries the word {}", word.word), word.remedy));
    }
    breaches
}

/// Returns name and line of each struct, enum, trait and type alias.
fn declared_types(code: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    for (idx, line) in code.lines().enumerate() {
        let mut words =
            line.split(|char: char| !(char.is_alphanumeric() || char == '_')).filter(|word| !word.is_empty());
        while let Some(word) = words.next() {
            if ["struct", "enum", "trait", "type"].contains(&word)
                && let Some(name) = words.next().filter(|name| name.starts_with(char::is_uppercase))
            {
                found.push((idx + 1, name));
            }
        }
    }
    found
}

/// Splits `TapeRows` into `Tape`, `Rows`.
fn words_of(name: &str) -> Vec<&str> {
    let mut starts: Vec<usize> =
        name.char_indices().filter(|(_, char)| char.is_uppercase()).map(|(at, _)| at).collect();
    starts.push(name.len());
    starts.windows(2).map(|pair| &name[pair[0]..pair[1]]).collect()
}

fn is_prose(path: &str) -> bool {
    [".rs", ".md", ".ts", ".css", ".mjs", ".py"].iter().any(|ending| path.ends_with(ending))
}

fn breach(file: &SourceFile, line: usize, found: String, remedy: &str) -> Breach {
    Breach { path: file.path.clone(), line, rule: NAME, found, remedy: remedy.to_owned() }
}

const RESERVED: [Reserved; 3] = [
    Reserved {
        word: "Desk",
        exempt: &[],
        homes: &[
            "app/src/pages/desk/",
            "crates/backtest/src/replay_desk",
            "crates/desk/",
            "crates/market/src/desk_feed",
            "crates/market/tests/desk_feed",
            "crates/model/src/desk_feed",
            "crates/model/src/trading",
            "crates/topics/",
            "server/src/cli/desk",
            "server/src/config/desk",
            "server/src/desk",
            "server/src/feed/desk_feed",
            "server/src/http/desk",
            "server/tests/server/desk",
        ],
        remedy: "only the trading desk is called that; say what this does",
    },
    Reserved {
        word: "Order",
        exempt: &["OrderBook", "SortOrder"],
        homes: &[
            "app/src/pages/desk/",
            "crates/broker/",
            "crates/desk/",
            "crates/model/src/trading",
            "crates/portfolio/",
            "crates/store/",
            "crates/strategy/",
            "crates/topics/",
            "server/src/desk",
            "server/src/http/desk",
            "server/tests/server/desk",
        ],
        remedy: "only a trading order is called that; say Command, Request or Control",
    },
    Reserved {
        word: "Tape",
        exempt: &[],
        homes: &["app/src/live/tape_log.rs", "app/src/pages/live/tape", "crates/market/src/tape.rs", "crates/topics/"],
        remedy: "the tape is the public trades; a file of recorded frames is a recording",
    },
];

/// Participles that were once type names here. Alphabetical.
const PARTICIPLES: [&str; 9] = ["Asked", "Given", "Known", "Listed", "Said", "Settled", "Shelved", "Told", "Wanted"];

/// Dated words. Alphabetical.
const ARCHAIC: [&str; 2] = ["anew", "fares"];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::testing::breaches;

    #[track_caller]
    fn check_file(path: &str, text: &str, expected: &[&str]) {
        assert_eq!(breaches(check, &[(path, text)]), expected, "{path}: {text}");
    }

    #[test]
    fn words_at_home_pass() {
        check_file("crates/broker/src/order.rs", "pub struct Order;", &[]);
        check_file("crates/model/src/trading/order.rs", "pub enum OrderKind {}", &[]);
        check_file("crates/model/src/book.rs", "pub struct OrderBook;", &[]);
        check_file("app/src/pages/markets/choice.rs", "pub enum SortOrder {}", &[]);
        check_file("crates/desk/src/desk.rs", "pub struct Desk;", &[]);
        check_file("server/src/feed/desk_feed.rs", "pub struct DeskFeed;", &[]);
        check_file("app/src/pages/live/tape_rows.rs", "struct TapeRows;", &[]);
        check_file("server/src/lib.rs", "// struct Order\nlet text = \"struct Tape\";\nuse tape::Tape;", &[]);
        check_file("server/src/lib.rs", "struct Deskless; struct Tapestry; struct Reordered;", &[]);
    }

    #[test]
    fn words_elsewhere_are_breaches() {
        check_file("server/src/feed/control.rs", "\npub struct Order {", &["server/src/feed/control.rs:2"]);
        check_file("server/src/feed/control.rs", "pub enum OrderKind {", &["server/src/feed/control.rs:1"]);
        check_file("server/src/recorder/desk.rs", "", &["server/src/recorder/desk.rs:1"]);
        check_file("crates/recording/src/pack.rs", "pub type PackedTape = u8;", &["crates/recording/src/pack.rs:1"]);
        check_file("app/src/live/tape_log_file.rs", "", &["app/src/live/tape_log_file.rs:1"]);
        check_file("server/src/http/venues.rs", "struct Told<T>(T);", &["server/src/http/venues.rs:1"]);
    }

    #[test]
    fn older_prose_is_a_breach() {
        check_file("docs/guide.md", "It begins\nanew.", &["docs/guide.md:2"]);
        check_file(
            "app/src/lib.rs",
            "/// How it fares.\nlet text = \"Anew\";",
            &["app/src/lib.rs:1", "app/src/lib.rs:2"],
        );
        check_file("docs/guide.md", "It renews welfares.", &[]);
    }
}
