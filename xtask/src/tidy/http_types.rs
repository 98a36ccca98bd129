//! Rule: in `server`, HTTP types and what depends on them are used only under `http/`.
//!
//! Feeds and recordings return errors and values of their own, which `http/` turns into answers; so they are used by
//! the stream, the command line and the desk just as well. `serve.rs` puts all parts together. Tests may use anything.

use super::{
    Breach,
    source::{SourceFile, Tree, lines_with_word, paths_from},
};

pub(super) const NAME: &str = "http types";

pub(super) fn check(tree: &Tree) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for file in tree.rust().filter(|file| is_below_http(&file.path)) {
        for word in CRATES {
            breaches.extend(lines_with_word(&file.live_code, word).into_iter().map(|line| breach(file, line, word)));
        }
        for (line, path) in paths_from(&file.live_code, "crate") {
            let upper = UPPER
                .iter()
                .find(|upper| path.strip_prefix(**upper).is_some_and(|rest| rest.is_empty() || rest.starts_with("::")));
            breaches.extend(upper.map(|upper| breach(file, line, upper)));
        }
    }
    breaches
}

/// The server's files but those that answer HTTP, run commands, or put all parts together.
fn is_below_http(path: &str) -> bool {
    path.strip_prefix("server/src/").is_some_and(|path| {
        !["http/", "cli/"].iter().any(|folder| path.starts_with(folder))
            && !["cli.rs", "http.rs", "lib.rs", "main.rs", "serve.rs"].contains(&path)
    })
}

fn breach(file: &SourceFile, line: usize, found: &str) -> Breach {
    Breach {
        path: file.path.clone(),
        line,
        rule: NAME,
        found: format!("`{found}` below http"),
        remedy: "return an error or value of this folder and let server/src/http turn it into an answer".into(),
    }
}

const CRATES: [&str; 5] = ["axum", "hyper", "hyper_util", "leptos_axum", "tower_http"];
const UPPER: [&str; 3] = ["crate::cli", "crate::http", "crate::serve"];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::testing::breaches;

    #[test]
    fn http_types_under_http_pass() {
        let files = [
            ("server/src/http/error.rs", "use axum::http::StatusCode;"),
            ("server/src/http.rs", "use axum::Router;"),
            ("server/src/serve.rs", "use crate::http::router;"),
            ("server/src/cli/serve.rs", "use crate::serve::Server;"),
            ("server/src/feed/http.rs", "// axum\nuse super::http::Answer; use crate::{feed::http, httpx};"),
            ("server/src/feed/handle.rs", "#[cfg(test)]\nmod tests { use axum::Router; }"),
            ("crates/venue-sim/src/sim.rs", "use axum::Router;"),
        ];
        assert!(breaches(check, &files).is_empty());
    }

    #[test]
    fn http_types_elsewhere_are_breaches() {
        let files = [
            ("server/src/feed/handle.rs", "\nuse axum::http::StatusCode;"),
            ("server/src/recorder/recordings.rs", "use crate::{\n    http::error::ApiError,\n};"),
            ("server/src/recorder/scan.rs", "use crate::cli::decode::tape_file;"),
            ("server/src/notices.rs", "fn f() -> leptos_axum::X {}"),
        ];
        assert_eq!(
            breaches(check, &files),
            [
                "server/src/feed/handle.rs:2",
                "server/src/notices.rs:1",
                "server/src/recorder/recordings.rs:2",
                "server/src/recorder/scan.rs:1",
            ]
        );
    }
}
