//! The JSON form: the same messages as text, for programs other than the page.
//!
//! Money is strings with the instrument's digits. Batches are combined from items encoded before, and items are written
//! directly from their structs; only commands, results and the reading side use `serde_json::Value`.

use crate::error::WireError;

pub(crate) mod client;
pub(crate) mod server;

/// Checks that `text` is one JSON value.
pub(crate) fn check(text: &str) -> Result<(), WireError> {
    serde_json::from_str::<serde_json::Value>(text).map(drop).map_err(to_error)
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
