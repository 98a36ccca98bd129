//! The JSON form: the same messages as text, for programs other than the page.
//!
//! Money is strings with the instrument's digits. Batches are combined from items encoded before, and items are written
//! directly from their structs; only commands, results and the reading side use `serde_json::Value`.

use crate::error::WireError;

pub(crate) mod client;
pub(crate) mod server;

/// Checks that `text` is one JSON value, not nested deeper than whoever reads it accepts. Builds nothing: the code that
/// builds values would be a large part of this crate in the page.
pub(crate) fn check(text: &str) -> Result<(), WireError> {
    if nesting(text) > MAX_NESTING {
        return Err(WireError::Json { detail: format!("nested deeper than {MAX_NESTING}") });
    }
    serde_json::from_str::<serde::de::IgnoredAny>(text).map(drop).map_err(to_error)
}

/// Returns how deep brackets outside of strings are nested, at most.
fn nesting(text: &str) -> usize {
    let (mut depth, mut deepest, mut is_string, mut is_escaped) = (0_usize, 0, false, false);
    for byte in text.bytes() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_string => is_escaped = true,
            b'"' => is_string = !is_string,
            b'[' | b'{' if !is_string => depth += 1,
            b']' | b'}' if !is_string => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

/// `serde_json` reads values nested 127 deep.
const MAX_NESTING: usize = 127;

pub(crate) fn to_error(error: serde_json::Error) -> WireError {
    WireError::Json { detail: error.to_string() }
}

/// Returns `{"type":"kind",…}` with the fields of `body`, which has at least one.
pub(crate) fn tagged(kind: &str, body: &impl serde::Serialize) -> Vec<u8> {
    // Writing to memory cannot fail, and no body has a map with non-text keys.
    let body = serde_json::to_vec(body).unwrap_or_default();
    [format!(r#"{{"type":"{kind}","#).as_bytes(), body.get(1..).unwrap_or(b"}")].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_one_value_that_others_can_read() {
        for text in ["1", " {} ", r#"{"a":[1,"x\"]\\"]}"#, "null", r#""[[[""#] {
            let is_readable = serde_json::from_str::<serde_json::Value>(text).is_ok();
            assert_eq!((check(text).is_ok(), is_readable), (true, true), "{text}");
        }
        for text in ["", "{", "1 2", r#"{"a"}"#, r#"{"a":}"#, "[1,]", "nul", r#""\x""#, "{]", "\u{7f}"] {
            assert!(check(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_deepest_text_is_the_one_that_can_be_read() {
        for depth in [1, 126, 127, 128, 200_000] {
            let text = "[".repeat(depth) + &"]".repeat(depth);
            let is_readable = serde_json::from_str::<serde_json::Value>(&text).is_ok();
            assert_eq!(check(&text).is_ok(), is_readable, "{depth}");
        }
        // Brackets within strings are none.
        assert!(check(&format!(r#"["{}"]"#, "[".repeat(300))).is_ok());
    }
}
