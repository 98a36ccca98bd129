//! Rule: no path of a particular machine, in any text file.
//!
//! Paths that are the same on all machines of a kind (`/usr/bin/chromium`) are allowed.

use super::{Breach, source::Tree};

pub(super) const NAME: &str = "machine paths";

pub(super) fn check(tree: &Tree) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for file in tree.files().iter().filter(|file| !file.path.starts_with("xtask/src/tidy/")) {
        for (idx, line) in file.text.lines().enumerate() {
            if let Some(found) = STARTS.iter().find(|start| has_path(line, start)) {
                breaches.push(Breach {
                    path: file.path.clone(),
                    line: idx + 1,
                    rule: NAME,
                    found: format!("a path below `{found}`"),
                    remedy: "make it relative to the working tree, or an argument".into(),
                });
            }
        }
    }
    breaches
}

/// Returns true if `start` begins a path: the text before it is not part of a longer path or an address.
fn has_path(line: &str, start: &str) -> bool {
    line.match_indices(start).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let is_inside = before.is_some_and(|c| c.is_alphanumeric() || ".-_~/}$".contains(c));
        let goes_on = line[at + start.len()..].starts_with(|c: char| c.is_alphanumeric() || c == '.' || c == '_');
        !is_inside && goes_on
    })
}

const STARTS: [&str; 5] = ["/Users/", "/home/", "/root/", "/srv/", "C:\\"];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::testing::breaches;

    #[test]
    fn general_paths_pass() {
        let text =
            "/usr/bin/chromium\nhttps://a.example/home/x\n$HOME/.cache\n../shared/tapes\n`/home/…`\ncrates/root/x";
        assert!(breaches(check, &[("README.md", text)]).is_empty());
    }

    #[test]
    fn paths_of_a_machine_are_breaches() {
        let text = "cd /home/user/truetape\nx = \"/srv/build\"\n(/root/.cargo)\n";
        assert_eq!(breaches(check, &[("a.toml", text)]), ["a.toml:1", "a.toml:2", "a.toml:3"]);
    }
}
