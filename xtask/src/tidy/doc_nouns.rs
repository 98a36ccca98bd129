//! Rule: a doc comment begins with its noun, or with a verb in the third person.
//!
//! Checks the first word of each paragraph of `///` and `//!`: it opens no indirect question (`What the feed said`) and
//! stands in for no noun (`That of the order`). Not the rest of the text, and not comments for the next line.

use super::{Breach, source::Tree};

pub(super) const NAME: &str = "doc nouns";

pub(super) fn check(tree: &Tree) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for file in tree.rust() {
        let mut is_inside = false;
        for (idx, line) in file.text.lines().enumerate() {
            let text = doc_text(line);
            let word = text.split(|letter: char| !letter.is_alphanumeric()).next().unwrap_or_default();
            if !is_inside && CLAUSES.contains(&word) {
                breaches.push(Breach {
                    path: file.path.clone(),
                    line: idx + 1,
                    rule: NAME,
                    found: format!("a doc comment begins with `{word}`"),
                    remedy: "begin with the noun, or with Returns or True if".into(),
                });
            }
            // The line after a heading (`# Errors`) begins a paragraph, too.
            is_inside = !text.is_empty() && !text.starts_with('#');
        }
    }
    breaches
}

/// Returns the text of a line that is a doc comment; empty for any other line.
fn doc_text(line: &str) -> &str {
    let line = line.trim_start();
    line.strip_prefix("///").or_else(|| line.strip_prefix("//!")).unwrap_or_default().trim()
}

/// Words that begin a clause, alphabetical. `Why` is idiomatic before the variants of an error.
const CLAUSES: [&str; 8] = ["How", "That", "What", "When", "Where", "Whether", "Which", "Who"];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::testing::breaches;

    #[track_caller]
    fn check_file(text: &str, expected: &[&str]) {
        assert_eq!(breaches(check, &[("crates/model/src/a.rs", text)]), expected, "{text}");
    }

    #[test]
    fn nouns_and_verbs_pass() {
        check_file("//! State of a feed.\n//!\n//! Not here: what it says.", &[]);
        check_file("/// Returns what was read.\n///\n/// # Errors\n/// The text is no number.\nfn f() {}", &[]);
        check_file("/// True if it is open.\n/// Time since then.", &[]);
        check_file("/// Whatever comes is kept.\n/// Whose turn it is.", &[]);
        check_file("/// Reads the next frame, so that the caller knows\n/// When it came.", &[]);
        check_file("// What comes is dropped.\nlet text = \"/// What\"; //// What", &[]);
    }

    #[test]
    fn clauses_are_breaches() {
        check_file("//! What the feed said.", &["crates/model/src/a.rs:1"]);
        check_file("/// Time.\nat: u64,\n    /// Whether it is open.", &["crates/model/src/a.rs:3"]);
        check_file("/// Waits.\n///\n/// # Errors\n/// How long to wait.", &["crates/model/src/a.rs:4"]);
        check_file("/// One.\n///\n/// When. That is all.", &["crates/model/src/a.rs:3"]);
        check_file("///Which one.\n", &["crates/model/src/a.rs:1"]);
    }

    #[test]
    fn clauses_are_in_order() {
        assert!(CLAUSES.is_sorted());
    }
}
