//! Answers under any prefix that a reverse proxy keeps: `/any/prefix/api/v1/status` is `/api/v1/status`.
//!
//! The longest end of a path that is an address of this server counts; the rest is the prefix, and nothing depends on
//! it: links of the page and addresses of its files are relative, and no answer contains the prefix. A path without such
//! an end stays as it is and is not found. A proxy that strips its prefix sends the short form, so neither way needs a
//! setting. Not here: who may call (`guard`), which sees the short form as everything behind this does.

use app::pages::is_page;
use axum::http::{Request, Uri, uri::PathAndQuery};

/// Returns the request without the prefix of its path.
pub fn without_prefix<B>(mut request: Request<B>) -> Request<B> {
    if let Some(uri) = own_uri(request.uri()) {
        *request.uri_mut() = uri;
    }
    request
}

/// Returns the address without its prefix; `None` if it has none.
fn own_uri(uri: &Uri) -> Option<Uri> {
    let own = own_path(uri.path()).filter(|own| own.len() < uri.path().len())?;
    let own = match uri.query() {
        Some(query) => format!("{own}?{query}"),
        None => own.to_owned(),
    };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::try_from(own).ok()?);
    Uri::from_parts(parts).ok()
}

/// Returns the longest end of a path that is an address of this server.
fn own_path(path: &str) -> Option<&str> {
    let mut rest = path;
    while !is_own(rest) {
        let segment = rest.strip_prefix('/')?;
        let end = segment.find('/')?;
        let (segment, behind) = segment.split_at(end);
        // Clients resolve these before they send a request, so nobody sends them by accident.
        if segment.is_empty() || HOSTILE.iter().any(|part| segment.to_ascii_lowercase().contains(part)) {
            return None;
        }
        rest = behind;
    }
    Some(rest)
}

/// Returns true for an address of this server. A new one outside these is not found under a kept prefix.
fn is_own(path: &str) -> bool {
    let is_file = || path.rfind('/') == Some(0) && path.contains('.');
    is_page(path)
        || ADDRESSES.contains(&path)
        || FOLDERS.iter().any(|folder| path.starts_with(folder))
        // Icons, manifest and scripts of workers are beside the page.
        || is_file()
}

const ADDRESSES: [&str; 5] = ["/healthz", "/login", "/metrics", "/readyz", "/ws"];
const FOLDERS: [&str; 2] = ["/api/", "/assets/"];
/// Parts that no segment of a prefix has: `..` and separators, plain and encoded.
const HOSTILE: [&str; 5] = ["..", "%2e", "%2f", "%5c", "\\"];

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(address: &str, expected: &str) {
        let request = without_prefix(Request::get(address).body(()).unwrap());
        assert_eq!(request.uri(), expected, "{address}");
    }

    #[test]
    fn own_addresses_are_found_at_the_end() {
        for own in [
            "/",
            "/?symbol=demo:A/B",
            "/markets",
            "/ws?format=json",
            "/healthz",
            "/api/v1/status",
            "/api/v1/feeds/demo?x=/ws",
            "/api/v1/nothing",
            "/assets/0123456789abcdef/truetape.js",
            "/favicon.svg",
            "/worker.js?program=0123456789abcdef",
        ] {
            for prefix in ["", "/x", "/any/prefix", "/markets", "/a.b/c-d_e~f", "/caf%C3%A9"] {
                check(&format!("{prefix}{own}"), own);
            }
        }
    }

    #[test]
    fn the_longest_end_counts() {
        check("/api/v1/backtest/ws", "/api/v1/backtest/ws");
        check("/x/api/v1/api/v1/status", "/api/v1/api/v1/status");
        check("/assets/api/v1/status", "/assets/api/v1/status");
    }

    #[test]
    fn other_paths_stay_as_they_are() {
        for path in [
            "/nothing",
            "/nothing/here",
            "/x/marketsx",
            "/x/wsx",
            "/x/healthz/y",
            "/x//markets",
            "//evil.example/markets",
            "/x/../api/v1/status",
            "/x/..;/api/v1/status",
            "/%2E%2e/api/v1/status",
            "/x%2fy/markets",
            "/x%5Cy/markets",
        ] {
            check(path, path);
        }
        let whole = "http://127.0.0.1:3000/x/markets?a=b";
        check(whole, "http://127.0.0.1:3000/markets?a=b");
        let asterisk = without_prefix(Request::options("*").body(()).unwrap());
        assert_eq!(asterisk.uri(), "*");
    }
}
