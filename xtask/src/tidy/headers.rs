//! Rule: every Rust file starts with a `//!` header, and the header of a file over 500 lines says why it is long.
//!
//! Not a check of the header's other contents.

use super::{Breach, source::Tree};

pub(super) const NAME: &str = "headers";

pub(super) fn check(tree: &Tree) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for file in tree.rust() {
        let header: Vec<&str> = file.text.lines().take_while(|line| line.starts_with("//!")).collect();
        let header = header.join("\n").to_lowercase();
        let mut words = header.split(|letter: char| !letter.is_alphanumeric());
        let says_why = words.any(|word| ["long", "lines"].contains(&word));
        let n_lines = file.text.lines().count();
        let (line, found, remedy) = if header.trim_start_matches(['/', '!']).trim().is_empty() {
            (1, "no header".to_owned(), "start with `//! ` and one sentence of what the file is, then what it is not")
        } else if n_lines > LONGEST && !says_why {
            (LONGEST + 1, format!("{n_lines} lines"), "split it, or say in the header why it is long")
        } else {
            continue;
        };
        breaches.push(Breach { path: file.path.clone(), line, rule: NAME, found, remedy: remedy.into() });
    }
    breaches
}

const LONGEST: usize = 500;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::testing::breaches;

    #[track_caller]
    fn check_file(text: &str, expected: &[&str]) {
        assert_eq!(breaches(check, &[("crates/model/src/a.rs", text)]), expected);
    }

    #[test]
    fn headed_files_pass() {
        check_file("//! What it is.\nfn f() {}", &[]);
        check_file(&format!("//! A table.\n//! Long, because it is one table.\n{}", "x\n".repeat(600)), &[]);
        check_file(&format!("//! What it is.\n{}", "x\n".repeat(499)), &[]);
    }

    #[test]
    fn headless_and_long_files_are_breaches() {
        check_file("use std::fmt;\n//! Too late.", &["crates/model/src/a.rs:1"]);
        check_file("", &["crates/model/src/a.rs:1"]);
        check_file("//!\nfn f() {}", &["crates/model/src/a.rs:1"]);
        check_file(&format!("//! What it is.\n{}", "x\n".repeat(500)), &["crates/model/src/a.rs:501"]);
        check_file(&format!("//! Things that belong here.\n{}", "x\n".repeat(500)), &["crates/model/src/a.rs:501"]);
    }
}
