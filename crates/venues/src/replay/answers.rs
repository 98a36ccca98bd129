//! REST answers of a recording, and the requests they fit.

use std::collections::BTreeSet;

use crate::session::HttpRequest;

/// A recorded answer.
pub(super) struct Answer {
    pub(super) path: String,
    pub(super) query: Vec<(String, String)>,
    /// The body of the request, if it had one.
    pub(super) request: Option<String>,
    pub(super) body: String,
}

impl Answer {
    /// Returns true for the same path (a proxy may add its own prefix), the same body, and no parameter that both name
    /// with different values, except limits, lists of symbols and times.
    pub(super) fn is_for(&self, request: &HttpRequest) -> bool {
        let is_free = |key: &str| FREE_KEYS.contains(&key);
        let given = |key: &str| self.query.iter().find(|(known, _)| known == key).map(|(_, value)| value.as_str());
        self.path.ends_with(request.path.as_ref())
            && self.request.as_ref().is_none_or(|body| request.body.as_ref() == Some(body))
            && request.query.iter().filter(|(key, _)| !is_free(key)).all(|(key, value)| given(key) == Some(value))
    }

    /// Returns true if both answer a question about the same things, whatever the amounts and times. Descriptions may have
    /// been requested for several lists of symbols, of which each answer has its own.
    pub(super) fn is_about_the_same(&self, other: &Self) -> bool {
        let subject = |answer: &Self| {
            let is_subject = |(key, _): &&(String, String)| key == "symbols" || !FREE_KEYS.contains(&key.as_str());
            answer.query.iter().filter(is_subject).cloned().collect::<BTreeSet<_>>()
        };
        self.request == other.request && subject(self) == subject(other)
    }

    /// Returns the number of rows requested, if stated; 0 otherwise.
    pub(super) fn limit(&self) -> u32 {
        let limit = self.query.iter().find(|(key, _)| key == "limit");
        limit.and_then(|(_, value)| value.parse().ok()).unwrap_or_default()
    }
}

/// Parameters in which a request may differ from the recorded one: amounts and times.
const FREE_KEYS: [&str; 8] = ["end", "endTime", "from", "limit", "start", "startTime", "symbols", "to"];

/// Returns path and query of an address, escapes resolved.
pub(super) fn split_url(url: &str) -> Option<(String, Vec<(String, String)>)> {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let path_and_query = &rest[rest.find('/')?..];
    let (path, query) = path_and_query.split_once('?').unwrap_or((path_and_query, ""));
    let query = query.split('#').next().unwrap_or_default();
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    Some((path.to_owned(), pairs.map(|(key, value)| (unescape(key), unescape(value))).collect()))
}

fn unescape(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut plain = Vec::with_capacity(bytes.len());
    let mut idx = 0;
    while let Some(byte) = bytes.get(idx) {
        let escaped =
            text.get(idx + 1..idx + 3).filter(|_| *byte == b'%').and_then(|hex| u8::from_str_radix(hex, 16).ok());
        plain.push(escaped.unwrap_or(*byte));
        idx += if escaped.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&plain).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::RequestId;

    #[test]
    fn addresses_are_split_and_unescaped() {
        #[track_caller]
        fn check(url: &str, path: &str, query: &[(&str, &str)]) {
            let (found_path, found) = split_url(url).unwrap();
            let found: Vec<(&str, &str)> = found.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
            assert_eq!((found_path.as_str(), found.as_slice()), (path, query), "{url}");
        }
        check(
            "https://host.test/a/b?x=1&y=%5B%22A%22%5D&z=%zz&bad",
            "/a/b",
            &[("x", "1"), ("y", "[\"A\"]"), ("z", "%zz")],
        );
        check("https://host.test/a#part", "/a#part", &[]);
        check("/a?x=%", "/a", &[("x", "%")]);
        check("/a?x=%E2%82", "/a", &[("x", "\u{fffd}")]);
        assert!(split_url("https://host.test").is_none());
    }

    #[test]
    fn answers_fit_path_and_symbol_whatever_the_limit_and_the_times() {
        #[track_caller]
        fn check(url: &str, is_match: bool) {
            let (path, query) = split_url(url).unwrap();
            let answer = Answer { path, query, request: None, body: String::new() };
            let query =
                [("symbol", "A"), ("limit", "1000"), ("start", "60"), ("end", "120"), ("from", "1"), ("to", "2")];
            let query = query.map(|(key, value)| (key, value.to_owned())).into();
            let request = HttpRequest { id: RequestId(1), path: "/depth".into(), query, weight: 1, body: None };
            assert_eq!(answer.is_for(&request), is_match, "{url}");
        }
        check("https://host.test/depth?symbol=A&limit=5", true);
        check("https://host.test/depth?symbol=A", true);
        check("https://host.test/depth?symbol=A&start=0&end=60&from=3&to=4", true);
        check("https://host.test/depth?symbol=B&limit=1000", false);
        check("https://host.test/depth", false);
        check("https://host.test/other?symbol=A", false);
        check("https://host.test/proxy/depth?symbol=A", true);
    }
}
