//! Removes what must not be in a recording: logins in addresses, tokens in queries and in frames that we send.
//!
//! Frames and answers from a venue are public data and stay verbatim; frames that we send may contain a key.

use std::{borrow::Cow, fmt::Write as _};

use serde_json::Value;

/// Returns the address without login and fragment, and with the values of secret parameters replaced; empty if the text
/// is not an address, since nothing in it is worth the risk.
pub fn address(url: &str) -> String {
    let url = url.split('#').next().unwrap_or_default();
    let Some((scheme, rest)) = url.split_once("://") else { return String::new() };
    let end = rest.find(['/', '\\', '?']).unwrap_or(rest.len());
    let (authority, rest) = rest.split_at(end);
    let host = authority.rsplit('@').next().unwrap_or_default();
    let is_word = |text: &str| !text.is_empty() && text.chars().all(|char| char.is_ascii_alphanumeric() || char == '+');
    if !is_word(scheme) || !is_host(host) {
        return String::new();
    }
    let (path, query) = rest.split_once('?').map_or((rest, None), |(path, query)| (path, Some(query)));
    let mut clean = format!("{scheme}://{host}{path}");
    for (idx, pair) in query.into_iter().flat_map(|query| query.split('&')).enumerate() {
        clean.push(if idx == 0 { '?' } else { '&' });
        match pair.split_once('=') {
            Some((name, _)) if is_telling(&unescape(name)) => clean.extend([name, "=", REMOVED]),
            _ => clean.push_str(pair),
        }
    }
    clean
}

/// Returns true for a name or number, with an optional port. Anything else may be the rest of a login that was cut
/// apart.
fn is_host(host: &str) -> bool {
    let (name, port) = match host.rfind(':').filter(|_| !host.ends_with(']')) {
        Some(at) => (&host[..at], &host[at + 1..]),
        None => (host, "0"),
    };
    let is_name = |char: char| char.is_ascii_alphanumeric() || matches!(char, '.' | '-' | '_' | '[' | ']' | ':');
    !name.is_empty() && name.chars().all(is_name) && port.chars().all(|char| char.is_ascii_digit())
}

/// Escapes a parameter's name or value for use in an address.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => escaped.push(char::from(byte)),
            _ => {
                // Writing to a string cannot fail.
                let _infallible = write!(escaped, "%{byte:02X}");
            }
        }
    }
    escaped
}

fn unescape(text: &str) -> String {
    let mut plain = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((byte, after)) = rest.split_first() {
        let hex = after.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        let escaped = hex.filter(|_| *byte == b'%').and_then(|hex| u8::from_str_radix(hex, 16).ok());
        plain.push(escaped.unwrap_or(*byte));
        rest = if escaped.is_some() { &after[2..] } else { after };
    }
    String::from_utf8_lossy(&plain).into_owned()
}

/// Returns a frame that we send, with the values of secret fields replaced; verbatim if it has none.
pub fn sent(frame: &str) -> Cow<'_, str> {
    let lower = frame.to_ascii_lowercase();
    if !WORDS.iter().any(|word| lower.contains(word)) {
        return Cow::Borrowed(frame);
    }
    match serde_json::from_str::<Value>(frame) {
        Ok(mut value) => {
            if remove(&mut value) {
                Cow::Owned(value.to_string())
            } else {
                Cow::Borrowed(frame)
            }
        }
        // Text that names a secret and cannot be parsed is left out entirely.
        Err(_) => Cow::Borrowed(REMOVED),
    }
}

/// Returns whether there was anything to remove.
fn remove(value: &mut Value) -> bool {
    match value {
        Value::Object(members) => members.iter_mut().fold(false, |is_found, (key, member)| {
            let is_here = is_telling(key);
            if is_here {
                *member = REMOVED.into();
            }
            is_here || remove(member) || is_found
        }),
        // All of them, not only up to the first that has one.
        Value::Array(items) => items.iter_mut().filter_map(|item| remove(item).then_some(())).count() > 0,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

fn is_telling(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    WORDS.iter().any(|word| name.contains(word))
}

/// Names of parameters and fields that contain one of these words carry a secret.
const WORDS: &[&str] = &["token", "key", "secret", "sign", "auth", "pass", "jwt", "credential", "session"];
const REMOVED: &str = "removed";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_lose_their_secrets_and_nothing_else() {
        for (url, expected) in [
            ("wss://x.test/ws?streams=a@trade/b@depth", "wss://x.test/ws?streams=a@trade/b@depth"),
            ("wss://x.test/?token=canary", "wss://x.test/?token=removed"),
            (
                "https://x.test/a?symbol=A%2FB&apiKey=canary&X-Signature=canary",
                "https://x.test/a?symbol=A%2FB&apiKey=removed&X-Signature=removed",
            ),
            ("https://me:canary@x.test/a#canary", "https://x.test/a"),
            ("wss://canary@x.test/a", "wss://x.test/a"),
            ("wss://x.test:9443/ws?api%4Bey=canary&b=1&c", "wss://x.test:9443/ws?api%4Bey=removed&b=1&c"),
            ("https://[::1]:80/a", "https://[::1]:80/a"),
            ("canary", ""),
            // A login that contains a slash: the text before the slash is not a host.
            ("https://me:canary/x@x.test/a", ""),
            ("https:\\\\me:canary@x.test/a", ""),
            ("https://x y@canary z/a", ""),
            ("://canary", ""),
        ] {
            assert_eq!(address(url), expected, "{url}");
        }
    }

    #[test]
    fn escaping_can_be_undone() {
        for (text, expected) in [("A/B", "A%2FB"), ("a b&c=ä", "a%20b%26c%3D%C3%A4"), ("", "")] {
            assert_eq!(escape(text), expected);
            assert_eq!(unescape(expected), text);
        }
        assert_eq!(unescape("%4g%%41%"), "%4g%A%");
    }

    #[test]
    fn sent_frames_lose_their_secrets_and_nothing_else() {
        for (frame, expected) in [
            (r#"{"method":"SUBSCRIBE", "params":["a"]}"#, r#"{"method":"SUBSCRIBE", "params":["a"]}"#),
            (r#"{"a":[{"api_key":"canary"}],"b":1}"#, r#"{"a":[{"api_key":"removed"}],"b":1}"#),
            (r#"{"jwt":{"deep":"canary"}}"#, r#"{"jwt":"removed"}"#),
            (r#"{"b":"a token", "a":1}"#, r#"{"b":"a token", "a":1}"#),
            ("token canary", "removed"),
        ] {
            assert_eq!(sent(frame), expected, "{frame}");
        }
    }
}
