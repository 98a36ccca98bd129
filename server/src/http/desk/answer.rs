//! Rows as an answer: an array of JSON objects, or a table of CSV. The next page's cursor is in the header
//! `next-cursor`; the last page has none.

use axum::{
    Json,
    http::{HeaderName, HeaderValue},
    response::{IntoResponse, Response},
};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use super::{
    super::{
        documents::schemas::Schemas,
        operation::{Content, Shape},
    },
    csv_table::{self, CsvRow},
    request::Form,
};

/// Describes the forms of a list.
pub fn forms<T: JsonSchema>() -> Vec<Content> {
    vec![Content::json(Shape::Type(Schemas::in_millis::<Vec<T>>)), Content::other("text/csv")]
}

/// Returns rows in the form that is wanted.
pub fn rows<T: Serialize + CsvRow>(rows: &[T], next: Option<String>, form: Form) -> Response {
    let mut response = match form {
        Form::Json => json(rows),
        Form::Csv => csv_table::response(rows),
    };
    if let Some(cursor) = next.and_then(|cursor| HeaderValue::try_from(cursor).ok()) {
        response.headers_mut().insert(NEXT_CURSOR, cursor);
    }
    response
}

/// Returns a value as JSON, its times in milliseconds.
pub fn json(value: impl Serialize) -> Response {
    Json(shown(value)).into_response()
}

/// Returns a value as JSON, its times in milliseconds: `created_time` in nanoseconds becomes `created_time_ms`.
pub fn shown(value: impl Serialize) -> Value {
    in_millis(serde_json::to_value(value).unwrap_or_default())
}

fn in_millis(value: Value) -> Value {
    match value {
        Value::Array(values) => values.into_iter().map(in_millis).collect(),
        Value::Object(entries) => Value::Object(entries.into_iter().map(entry_in_millis).collect::<Map<_, _>>()),
        other => other,
    }
}

fn entry_in_millis((name, value): (String, Value)) -> (String, Value) {
    let is_time = is_time(&name);
    match value {
        Value::Null if is_time => (name + "_ms", Value::Null),
        Value::Number(nanos) if is_time => {
            let millis = nanos.as_i64().map(|nanos| nanos.div_euclid(1_000_000));
            (name + "_ms", millis.into())
        }
        other => (name, in_millis(other)),
    }
}

/// Returns true for a name of nanoseconds.
pub fn is_time(name: &str) -> bool {
    name == "time" || name == "since" || name.ends_with("_time")
}

/// The cursor of the next page.
pub const NEXT_CURSOR: HeaderName = HeaderName::from_static("next-cursor");

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn times_are_shown_in_milliseconds() {
        #[track_caller]
        fn check(value: Value, expected: Value) {
            assert_eq!(shown(value), expected);
        }
        check(json!({"time": 1_999_999, "price": "1"}), json!({"time_ms": 1, "price": "1"}));
        check(json!([{"a": {"created_time": -1}}]), json!([{"a": {"created_time_ms": -1}}]));
        check(json!({"event_time": null}), json!({"event_time_ms": null}));
        check(
            json!({"time_ms": 17, "time_in_force": "gtc", "times": 3}),
            json!({"time_ms": 17, "time_in_force": "gtc", "times": 3}),
        );
    }
}
