//! The project's rules that a machine can check. `ARCHITECTURE.md` gives the reasons; this module does the checks.
//!
//! Each rule is a pure function from the [`Tree`] (paths and texts) to its breaches, in its own file, with tests that
//! show it failing. A new rule is one file and one line in [`RULES`]. Not a style linter: clippy and rustfmt do that.
//! The one check that runs the compiler is [`wasm_build`].

mod bans;
mod doc_nouns;
mod headers;
mod http_types;
mod layers;
mod lock_files;
mod machine_paths;
mod page_rooms;
mod pure_rooms;
mod source;
mod sql;
mod venue_names;
mod view_macro;
pub(crate) mod wasm_build;
mod wire_bytes;
mod words;

use std::{fmt, fs, path::Path};

use anyhow::{Context as _, bail};

use crate::{house::House, tidy::source::Tree};

/// Checks the whole tree and prints every breach.
///
/// # Errors
/// A rule is broken, or the tree cannot be read.
pub(crate) fn run(house: &House) -> anyhow::Result<()> {
    let mut sources = Vec::new();
    read(house.root(), "", &mut sources)?;
    let tree = Tree::new(sources);
    let mut breaches: Vec<Breach> = RULES.iter().flat_map(|(_, rule)| rule(&tree)).collect();
    breaches.sort();
    for breach in &breaches {
        eprintln!("{breach}");
    }
    if !breaches.is_empty() {
        bail!("{} breaches of the project's rules", breaches.len());
    }
    eprintln!("tidy: {} rules hold in {} files", RULES.len(), tree.files().len());
    Ok(())
}

/// One place where a rule is broken.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Breach {
    path: String,
    /// From 1.
    line: usize,
    rule: &'static str,
    /// The text found.
    found: String,
    /// Remedy for the breach.
    remedy: String,
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: [{}] {}: {}", self.path, self.line, self.rule, self.found, self.remedy)
    }
}

type Rule = fn(&Tree) -> Vec<Breach>;

/// All rules, alphabetical.
const RULES: [(&str, Rule); 14] = [
    (bans::NAME, bans::check),
    (doc_nouns::NAME, doc_nouns::check),
    (headers::NAME, headers::check),
    (http_types::NAME, http_types::check),
    (layers::NAME, layers::check),
    (lock_files::NAME, lock_files::check),
    (machine_paths::NAME, machine_paths::check),
    (page_rooms::NAME, page_rooms::check),
    (pure_rooms::NAME, pure_rooms::check),
    (sql::NAME, sql::check),
    (venue_names::NAME, venue_names::check),
    (view_macro::NAME, view_macro::check),
    (wire_bytes::NAME, wire_bytes::check),
    (words::NAME, words::check),
];

/// Crates without sockets, files, clocks and tasks; they run in server and page alike. Alphabetical.
const PURE_ROOMS: [&str; 14] = [
    "alerts",
    "backtest",
    "broker",
    "chart",
    "desk",
    "indicators",
    "market",
    "model",
    "portfolio",
    "recording",
    "strategy",
    "topics",
    "venues",
    "wire",
];

fn read(folder: &Path, prefix: &str, sources: &mut Vec<(String, String)>) -> anyhow::Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("read {}", folder.display()))? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = format!("{prefix}{name}");
        if entry.file_type()?.is_dir() {
            if !NOT_OURS.contains(&name.as_str()) {
                read(&entry.path(), &format!("{path}/"), sources)?;
            }
        } else if is_text(&path) {
            // A file may vanish while an editor saves it; one that is not UTF-8 is not a source.
            if let Ok(text) = fs::read_to_string(entry.path()) {
                sources.push((path, text));
            }
        }
    }
    Ok(())
}

fn is_text(path: &str) -> bool {
    let extension = path.rsplit_once('.').map_or("", |(_, extension)| extension);
    TEXT.contains(&extension) || path.starts_with(".ci/")
}

const NOT_OURS: [&str; 5] = [".git", "node_modules", "playwright-report", "target", "test-results"];
const TEXT: [&str; 14] =
    ["css", "html", "js", "json", "lock", "md", "npmrc", "rs", "sh", "sql", "toml", "ts", "yaml", "yml"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_breach_names_file_line_rule_and_remedy() {
        let breach = Breach {
            path: "app/src/lib.rs".into(),
            line: 7,
            rule: "page",
            found: "`#[server]`".into(),
            remedy: "use the API".into(),
        };
        assert_eq!(breach.to_string(), "app/src/lib.rs:7: [page] `#[server]`: use the API");
    }

    #[test]
    fn rules_and_pure_rooms_are_in_order() {
        assert!(RULES.is_sorted_by_key(|(name, _)| *name));
        assert!(PURE_ROOMS.is_sorted());
    }
}

/// Code shared by the tests of the rules.
#[cfg(test)]
mod testing {
    use super::*;

    /// Runs a rule on the files and returns `path:line` of each breach, in order.
    pub(super) fn breaches(rule: Rule, files: &[(&str, &str)]) -> Vec<String> {
        let tree = Tree::new(files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect());
        let mut found: Vec<String> =
            rule(&tree).iter().map(|breach| format!("{}:{}", breach.path, breach.line)).collect();
        found.sort();
        found
    }
}
