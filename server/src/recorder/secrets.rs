//! What must not stand in a recording: logins in addresses, tokens in queries and in frames that we send.
//!
//! Frames and answers that come from a venue are public data and stay verbatim; what we send may carry a key.

use std::borrow::Cow;

use serde_json::Value;

/// The address without login, and with the values of telling parameters replaced.
pub fn address(url: &str) -> String {
    let Ok(mut url) = reqwest::Url::parse(url) else {
        // Not an address at all: nothing of it is worth the risk.
        return String::new();
    };
    // An address that cannot carry a login has none to remove.
    let _cannot_have_one = (url.set_username(""), url.set_password(None));
    if url.query_pairs().any(|(key, _)| is_telling(&key)) {
        let pairs: Vec<(String, String)> = url
            .query_pairs()
            .map(|(key, value)| {
                let value = if is_telling(&key) { REMOVED.to_owned() } else { value.into_owned() };
                (key.into_owned(), value)
            })
            .collect();
        url.query_pairs_mut().clear().extend_pairs(pairs);
    }
    url.set_fragment(None);
    url.into()
}

/// A frame that we send, with the values of telling members replaced; verbatim where it has none.
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
        // Text that names a secret and cannot be looked into is left out whole.
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

/// Names of parameters and members with one of these in them carry a secret.
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
            ("canary", ""),
        ] {
            assert_eq!(address(url), expected, "{url}");
        }
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
