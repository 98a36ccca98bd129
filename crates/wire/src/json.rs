//! The JSON form: the same messages as text, for programs other than the page.
//!
//! Money is strings with the instrument's digits. Batches are combined from items encoded before, and items are written
//! directly from their structs; only commands, results and the reading side use `serde_json::Value`.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, SeqAccess, Visitor},
};

use crate::error::WireError;

pub(crate) mod client;
pub(crate) mod server;

/// Checks that `text` is one JSON value that can be read as one: not nested too deep, and without numbers that are too large.
/// Builds nothing: the code that builds values would be a large part of this crate in the page.
pub(crate) fn check(text: &str) -> Result<(), WireError> {
    serde_json::from_str::<Checked>(text).map(drop).map_err(to_error)
}

/// A value that was read and dropped.
struct Checked;

impl<'de> Deserialize<'de> for Checked {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Not `IgnoredAny`: that skips what it does not read, numbers without a value and any depth among it.
        deserializer.deserialize_any(CheckedVisitor)
    }
}

struct CheckedVisitor;

impl<'de> Visitor<'de> for CheckedVisitor {
    type Value = Checked;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, _value: bool) -> Result<Checked, E> {
        Ok(Checked)
    }

    fn visit_i64<E>(self, _value: i64) -> Result<Checked, E> {
        Ok(Checked)
    }

    fn visit_u64<E>(self, _value: u64) -> Result<Checked, E> {
        Ok(Checked)
    }

    fn visit_f64<E>(self, _value: f64) -> Result<Checked, E> {
        Ok(Checked)
    }

    fn visit_str<E>(self, _value: &str) -> Result<Checked, E> {
        Ok(Checked)
    }

    fn visit_unit<E>(self) -> Result<Checked, E> {
        Ok(Checked)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<Checked, A::Error> {
        while values.next_element::<Checked>()?.is_some() {}
        Ok(Checked)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Checked, A::Error> {
        while entries.next_entry::<Checked, Checked>()?.is_some() {}
        Ok(Checked)
    }
}

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
        for text in ["1", "-2", "2.5", "true", " {} ", r#"{"a":[1,"x\"]\\"]}"#, "null", r#""[[[""#] {
            let is_readable = serde_json::from_str::<serde_json::Value>(text).is_ok();
            assert_eq!((check(text).is_ok(), is_readable), (true, true), "{text}");
        }
        for text in ["", "{", "1 2", r#"{"a"}"#, r#"{"a":}"#, "[1,]", "nul", r#""\x""#, "{]", "\u{7f}", "1e400"] {
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
