//! The JSON form: the same messages as text, for programs other than the page.
//!
//! Money is strings with the instrument's digits. Batches are put together from items encoded before, and items are
//! written straight from their structs; only commands, results and the reading side go through `serde_json::Value`.

use serde::Serializer;

use crate::error::WireError;

pub(crate) mod bars;
pub(crate) mod client;
pub(crate) mod levels;
pub(crate) mod server;
pub(crate) mod trade_id;

/// Whether `text` is one JSON value.
pub(crate) fn check(text: &str) -> Result<(), WireError> {
    serde_json::from_str::<serde_json::Value>(text).map(drop).map_err(to_error)
}

pub(crate) fn to_error(error: serde_json::Error) -> WireError {
    WireError::Json { detail: error.to_string() }
}

/// `{"type":"kind",…}` with the fields of `body`, which has at least one.
pub(crate) fn tagged(kind: &str, body: &impl serde::Serialize) -> Vec<u8> {
    // Writing to memory cannot fail, and no body has a map with keys that are no text.
    let body = serde_json::to_vec(body).unwrap_or_default();
    [format!(r#"{{"type":"{kind}","#).as_bytes(), body.get(1..).unwrap_or(b"}")].concat()
}

/// A rate as the binary form carries it: with one decimal, never negative, never NaN.
pub(crate) fn one_decimal<S: Serializer>(rate: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(f64::from((rate * 10.0).round() as u32) / 10.0)
}
