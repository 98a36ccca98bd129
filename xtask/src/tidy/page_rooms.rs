//! Rule: in `app`, only `live/` has I/O and clocks, only `chart/` has canvas code, and there is no `#[server]`.
//!
//! So server and first browser render agree, and data enters through one connection only.

use super::{
    Breach,
    source::{Tree, lines_with_word, paths_from},
};

pub(super) const NAME: &str = "page folders";

pub(super) fn check(tree: &Tree) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for file in tree.rust().filter(|file| file.path.starts_with("app/src/")) {
        for limit in LIMITS.iter().filter(|limit| !limit.is_home(&file.path)) {
            let words = limit.words.iter().flat_map(|word| {
                lines_with_word(&file.live_code, word).into_iter().map(|line| (line, (*word).to_owned()))
            });
            // Only as the browser's type: a name of ours (`FeedMode::WebSocket`) may be the same.
            let types = paths_from(&file.live_code, "web_sys")
                .into_iter()
                .filter(|(_, path)| limit.web_sys.iter().any(|name| path.split("::").nth(1) == Some(*name)));
            breaches.extend(words.chain(types).map(|(line, found)| Breach {
                path: file.path.clone(),
                line,
                rule: NAME,
                found: format!("`{found}`"),
                remedy: limit.remedy.into(),
            }));
        }
    }
    breaches
}

/// Names that are allowed in one place, or in none.
struct Limit {
    /// Words of the code.
    words: &'static [&'static str],
    /// Types of `web_sys`.
    web_sys: &'static [&'static str],
    /// The only place for them: a folder and the file of the same name beside it.
    home: Option<&'static str>,
    remedy: &'static str,
}

impl Limit {
    fn is_home(&self, path: &str) -> bool {
        let rest = self.home.and_then(|home| path.strip_prefix(home));
        rest.is_some_and(|rest| rest.starts_with('/') || rest == ".rs")
    }
}

const LIMITS: [Limit; 4] = [
    Limit {
        words: &["fetch_with_request", "fetch_with_str", "gloo_net"],
        web_sys: &["EventSource", "Request", "RequestInit", "WebSocket", "Worker", "XmlHttpRequest"],
        home: Some("app/src/live"),
        remedy: "I/O belongs in app/src/live: get the data from there",
    },
    Limit {
        words: &["Date::new_0", "Date::now", "Instant::now", "SystemTime::now", ".performance()"],
        web_sys: &["Performance"],
        home: Some("app/src/live"),
        remedy: "only app/src/live reads clocks: take the time as an argument",
    },
    Limit {
        words: &["CanvasRenderingContext2d", "HtmlCanvasElement", "OffscreenCanvas"],
        web_sys: &[],
        home: Some("app/src/chart"),
        remedy: "canvas code belongs in app/src/chart",
    },
    Limit {
        words: &["#[server", "ServerAction"],
        web_sys: &[],
        home: None,
        remedy: "get data from the stream (`wire`) and /api, not from server functions",
    },
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
    fn each_in_its_room_passes() {
        check_file("app/src/live/socket.rs", "gloo_net::websocket; js_sys::Date::now()", &[]);
        check_file("app/src/live.rs", "use web_sys::WebSocket;", &[]);
        check_file("app/src/chart/surface.rs", "CanvasRenderingContext2d", &[]);
        check_file("app/src/pages/home/mod.rs", "view! { <p>\"WebSocket\"</p> } // Date::now", &[]);
        check_file("app/src/pages/live/headline.rs", "FeedMode::WebSocket => \"WebSocket\"", &[]);
        check_file("server/src/feed/mod.rs", "gloo_net", &[]);
    }

    #[test]
    fn strangers_are_breaches() {
        check_file("app/src/pages/home/mod.rs", "\nuse gloo_net::http::Request;", &["app/src/pages/home/mod.rs:2"]);
        check_file("app/src/components/clock.rs", "js_sys::Date::now()", &["app/src/components/clock.rs:1"]);
        check_file("app/src/live/socket.rs", "HtmlCanvasElement", &["app/src/live/socket.rs:1"]);
        check_file("app/src/lively.rs", "use web_sys::{\n    Event,\n    WebSocket,\n};", &["app/src/lively.rs:3"]);
        check_file("app/src/lib.rs", "web_sys::WebSocket::new(url)", &["app/src/lib.rs:1"]);
        check_file("app/src/lib.rs", "#[server(Login)]", &["app/src/lib.rs:1"]);
        check_file("app/src/lib.rs", "#[server]", &["app/src/lib.rs:1"]);
    }
}
