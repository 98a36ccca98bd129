//! Rule: the pure crates have no sockets, files, clocks, threads or tasks, and no collections in random order.
//!
//! So the same code runs in server and page and replays exactly. Tests and benches may use anything.

use super::{
    Breach, PURE_ROOMS, layers,
    source::{SourceFile, Tree, lines_with_word, paths_from, room_of},
};

pub(super) const NAME: &str = "pure crates";

pub(super) fn check(tree: &Tree) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for file in tree.rust() {
        if !room_of(&file.path).is_some_and(|room| PURE_ROOMS.contains(&room)) {
            continue;
        }
        for word in WORDS {
            breaches.extend(lines_with_word(&file.live_code, word).into_iter().map(|line| breach(file, line, word)));
        }
        for word in UNORDERED {
            let remedy = "use a BTreeMap or BTreeSet: a replay must iterate in the same order each time";
            let lines = lines_with_word(&file.live_code, word).into_iter();
            breaches.extend(lines.map(|line| Breach { remedy: remedy.into(), ..breach(file, line, word) }));
        }
        for (line, path) in paths_from(&file.live_code, "std") {
            let module = MODULES.iter().find(|module| {
                path.strip_prefix(**module).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
            });
            breaches.extend(module.map(|module| breach(file, line, module)));
        }
    }
    for (folder, manifest) in tree.manifests() {
        let is_pure = folder.strip_prefix("crates/").is_some_and(|room| PURE_ROOMS.contains(&room));
        let Some(parsed) = manifest.text.parse::<toml::Table>().ok().filter(|_| is_pure) else { continue };
        for dependency in layers::dependencies(&parsed).iter().filter(|dependency| !dependency.is_for_tests) {
            if CRATES.contains(&dependency.name.as_str()) || dependency.name.starts_with("tokio-") {
                breaches.push(breach(manifest, layers::line_of(&manifest.text, &dependency.name), &dependency.name));
            }
        }
    }
    breaches
}

fn breach(file: &SourceFile, line: usize, found: &str) -> Breach {
    Breach {
        path: file.path.clone(),
        line,
        rule: NAME,
        found: format!("`{found}` in a pure crate"),
        remedy: "let the shell (server, app/src/live, store) do it and hand the result or the time in".into(),
    }
}

const WORDS: [&str; 4] = ["Instant::now", "SystemTime::now", "reqwest", "tokio"];
const UNORDERED: [&str; 2] = ["HashMap", "HashSet"];
const MODULES: [&str; 6] = ["std::env", "std::fs", "std::net", "std::os", "std::process", "std::thread"];
const CRATES: [&str; 9] = ["async-std", "axum", "gloo-net", "hyper", "mio", "reqwest", "smol", "sqlx", "tokio"];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::testing::breaches;

    #[track_caller]
    fn check_file(path: &str, text: &str, expected: &[&str]) {
        assert_eq!(breaches(check, &[(path, text)]), expected, "{path}: {text}");
    }

    #[test]
    fn pure_code_passes() {
        check_file(
            "crates/model/src/time.rs",
            "use std::{fmt, time::Duration};\n// tokio's std::fs\nlet x = \"tokio\";",
            &[],
        );
        check_file(
            "crates/model/src/time.rs",
            "#[cfg(test)]\nmod tests { use std::fs; fn f() { Instant::now(); } }",
            &[],
        );
        check_file("crates/model/benches/book.rs", "use std::fs;", &[]);
        check_file("crates/model/Cargo.toml", "[dependencies]\nserde = \"1\"\n[dev-dependencies]\ntokio = \"1\"", &[]);
        check_file("crates/hub/src/lib.rs", "use tokio::sync::mpsc;", &[]);
        check_file("server/src/main.rs", "use std::fs;", &[]);
    }

    #[test]
    fn shells_in_pure_code_are_breaches() {
        check_file("crates/venues/src/lib.rs", "\nuse tokio::net::TcpStream;", &["crates/venues/src/lib.rs:2"]);
        check_file("crates/chart/src/lib.rs", "use std::{\n  fmt,\n  fs::File,\n};", &["crates/chart/src/lib.rs:3"]);
        check_file("crates/wire/src/lib.rs", "let now = std::time::Instant::now();", &["crates/wire/src/lib.rs:1"]);
        check_file("crates/market/src/lib.rs", "SystemTime::now()", &["crates/market/src/lib.rs:1"]);
        check_file(
            "crates/venues/src/kit/dedup.rs",
            "use std::collections::HashMap;",
            &["crates/venues/src/kit/dedup.rs:1"],
        );
        check_file("crates/broker/src/lib.rs", "std::thread::spawn(f)", &["crates/broker/src/lib.rs:1"]);
        check_file(
            "crates/model/Cargo.toml",
            "[dependencies]\ntokio-util.workspace = true",
            &["crates/model/Cargo.toml:2"],
        );
    }
}
