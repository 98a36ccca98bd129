//! Breaks a frame's text on purpose: truncated, invalid UTF-8, a field of another type, a field missing.

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Bytes;

use crate::fault::FaultMode;

/// Returns a frame's text broken in the given mode; `choice` selects the field, `required` lists fields a reader must
/// check.
pub(crate) fn broken(text: &str, mode: FaultMode, choice: u64, required: &[&str]) -> Bytes {
    let middle = text.len() / 2;
    let cut = || Bytes::copy_from_slice(text.as_bytes().get(..middle).unwrap_or_default());
    if mode == FaultMode::Utf8 {
        let mut bytes = text.as_bytes().to_vec();
        if let Some(byte) = bytes.get_mut(middle) {
            *byte = 0xFF;
        }
        return bytes.into();
    }
    let Ok(mut value) = serde_json::from_str::<Value>(text) else { return cut() };
    if mode == FaultMode::Json || !damage(&mut value, mode, choice, required) {
        return cut();
    }
    value.to_string().into()
}

/// Removes one required field or changes its type; false if there is none.
fn damage(value: &mut Value, mode: FaultMode, choice: u64, required: &[&str]) -> bool {
    let Some(object) = innermost(value).and_then(Value::as_object_mut) else { return false };
    let present: Vec<&str> = required.iter().copied().filter(|&key| object.contains_key(key)).collect();
    let Some(&key) = present.get(usize::try_from(choice % present.len().max(1) as u64).unwrap_or(0)) else {
        return false;
    };
    if mode == FaultMode::Field {
        object.remove(key);
    } else {
        object.insert(key.to_owned(), json!({ "not": "this" }));
    }
    true
}

/// Returns the object that carries the event: inside `data` or `events`, the first if it is a list.
fn innermost(value: &mut Value) -> Option<&mut Value> {
    let key = ["data", "events"].into_iter().find(|key| value.get(key).is_some());
    let inner = match key {
        Some(key) => value.get_mut(key)?,
        None => value,
    };
    if inner.is_array() { inner.get_mut(0) } else { Some(inner) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_of_breaking_breaks() {
        let required = ["U", "u", "b"];
        for text in [
            r#"{"stream":"a@depth","data":{"e":"depthUpdate","U":1,"u":2,"b":[],"a":[]}}"#,
            r#"{"channel":"book","data":[{"U":1,"u":2,"b":[]}]}"#,
        ] {
            let read = |bytes: &Bytes| serde_json::from_slice::<Value>(bytes);
            for number in 0..6 {
                assert!(read(&broken(text, FaultMode::Json, number, &required)).is_err());
                assert!(std::str::from_utf8(&broken(text, FaultMode::Utf8, number, &required)).is_err());
                let data = |mode| {
                    let mut whole = read(&broken(text, mode, number, &required)).unwrap();
                    innermost(&mut whole).unwrap().clone()
                };
                let n_objects = |value: &Value| required.iter().filter(|key| value[**key].is_object()).count();
                let n_left = |value: &Value| required.iter().filter(|key| value.get(**key).is_some()).count();
                assert_eq!((n_objects(&data(FaultMode::Type)), n_left(&data(FaultMode::Field))), (1, 2));
            }
        }
        let read = |bytes: &Bytes| serde_json::from_slice::<Value>(bytes);
        assert!(read(&broken("[1,2,3]", FaultMode::Type, 0, &required)).is_err());
    }
}
