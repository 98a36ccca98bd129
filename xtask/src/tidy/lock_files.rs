//! Rule: the lock files name public sources only, and wasm-bindgen has the same version in page and builder.
//!
//! A mirror's address in a lock file makes the build fail for everyone else; two versions of wasm-bindgen make a page
//! that does not load.

use super::{
    Breach,
    source::{SourceFile, Tree},
};

pub(super) const NAME: &str = "lock files";

pub(super) fn check(tree: &Tree) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for file in tree.files() {
        let name = file.path.rsplit('/').next().unwrap_or_default();
        for (idx, line) in file.text.lines().enumerate() {
            let line_text = line.trim();
            let remedy = match name {
                "Cargo.lock" if line_text.starts_with("source = ") && !line_text.contains(CRATES_IO) => {
                    "use the crate from crates.io"
                }
                "package-lock.json" if line_text.starts_with("\"resolved\":") => {
                    "set omit-lockfile-registry-resolved=true in .npmrc and write the lock file again"
                }
                _ => continue,
            };
            breaches.push(breach(file, idx + 1, "names a host".into(), remedy));
        }
    }
    if let Some(lock) = tree.get("Cargo.lock") {
        let (page, builder) = (versions(lock, "wasm-bindgen"), versions(lock, "wasm-bindgen-cli-support"));
        let is_same = page.len() == 1 && builder.len() == 1 && page[0].1 == builder[0].1;
        if !is_same {
            let line = builder.first().or(page.first()).map_or(1, |(line, _)| *line);
            let shown = |list: &[(usize, String)]| list.iter().map(|(_, v)| v.clone()).collect::<Vec<_>>().join(", ");
            let found = format!("wasm-bindgen {}, wasm-bindgen-cli-support {}", shown(&page), shown(&builder));
            breaches.push(breach(lock, line, found, "pin both to one version in the workspace and in xtask"));
        }
    }
    breaches
}

/// Returns line and version of every entry with that name.
fn versions(lock: &SourceFile, name: &str) -> Vec<(usize, String)> {
    let wanted = format!("name = \"{name}\"");
    let lines: Vec<&str> = lock.text.lines().collect();
    let entries = lines.windows(2).enumerate().filter(|(_, pair)| pair[0] == wanted);
    entries
        .map(|(idx, pair)| (idx + 2, pair[1].trim_start_matches("version = ").trim_matches('"').to_owned()))
        .collect()
}

fn breach(file: &SourceFile, line: usize, found: String, remedy: &str) -> Breach {
    Breach { path: file.path.clone(), line, rule: NAME, found, remedy: remedy.into() }
}

const CRATES_IO: &str = "\"registry+https://github.com/rust-lang/crates.io-index\"";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::testing::breaches;

    fn lock(page: &str, builder: &str, source: &str) -> String {
        format!(
            "[[package]]\nname = \"wasm-bindgen\"\nversion = \"{page}\"\nsource = {source}\n\n\
             [[package]]\nname = \"wasm-bindgen-cli-support\"\nversion = \"{builder}\"\nsource = {source}\n"
        )
    }

    #[test]
    fn equal_versions_from_crates_io_pass() {
        assert!(breaches(check, &[("Cargo.lock", &lock("0.2.1", "0.2.1", CRATES_IO))]).is_empty());
        assert!(breaches(check, &[("end2end/package-lock.json", "\"integrity\": \"sha512-x\"")]).is_empty());
    }

    #[test]
    fn different_versions_and_hosts_are_breaches() {
        assert_eq!(breaches(check, &[("Cargo.lock", &lock("0.2.1", "0.2.2", CRATES_IO))]), ["Cargo.lock:8"]);
        let mirrored = lock("0.2.1", "0.2.1", "\"registry+https://mirror.example/index\"");
        assert_eq!(breaches(check, &[("Cargo.lock", &mirrored)]), ["Cargo.lock:4", "Cargo.lock:9"]);
        let npm = "{\n  \"resolved\": \"https://mirror.example/x.tgz\"\n}";
        assert_eq!(breaches(check, &[("end2end/package-lock.json", npm)]), ["end2end/package-lock.json:2"]);
    }
}
