//! Parsing of faults, and the random numbers that decide where they hit.

use serde::de::DeserializeOwned;
use serde_json::Value;

/// The step of splitmix64.
pub(crate) const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

/// Parses JSON, or `kind[:key=value,…]`; the values of `list` are joined by `+`.
///
/// # Errors
/// The error in the text.
pub(crate) fn read<T: DeserializeOwned>(text: &str, list: Option<&str>) -> Result<T, String> {
    let value = if text.trim_start().starts_with('{') {
        serde_json::from_str(text).map_err(|error| error.to_string())?
    } else {
        let (kind, rest) = text.trim().split_once(':').unwrap_or((text.trim(), ""));
        let mut object = serde_json::Map::new();
        object.insert("kind".to_owned(), kind.into());
        for pair in rest.split(',').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').ok_or_else(|| format!("{pair:?} is not key=value"))?;
            // A number or true/false if it parses as one, otherwise text.
            let read = |text: &str| serde_json::from_str::<Value>(text).unwrap_or_else(|_| text.into());
            let value = if list == Some(key) { value.split('+').map(read).collect() } else { read(value) };
            object.insert(key.to_owned(), value);
        }
        Value::Object(object)
    };
    serde_json::from_value(value).map_err(|error| error.to_string())
}

/// One step of splitmix64.
pub(crate) fn mix(value: u64) -> u64 {
    let mut hash = value.wrapping_add(GOLDEN);
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    hash = (hash ^ (hash >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    hash ^ (hash >> 31)
}
