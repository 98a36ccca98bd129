//! Clients' messages: a method, its parameters, and a number for the answer.

use serde_json::{Value, json};

/// Wrapping of events: with the name of their stream, or bare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Envelope {
    Combined,
    Bare,
}

/// A client's message.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) method: Method,
    pub(super) id: Value,
}

/// The method of a message.
#[derive(Debug)]
pub(super) enum Method {
    Subscribe(Vec<String>),
    Unsubscribe(Vec<String>),
    ListSubscriptions,
    SetEnvelope(Envelope),
    GetEnvelope,
}

impl Request {
    /// Parses a message, or returns the answer that refuses it.
    pub(super) fn read(text: &str) -> Result<Self, Value> {
        let value: Value = serde_json::from_str(text)
            .map_err(|json_error| json!({ "code": 3, "msg": format!("Invalid JSON: {json_error}") }))?;
        let id = value.get("id").cloned().unwrap_or(Value::Null);
        let is_valid_id = match &id {
            Value::Null => true,
            Value::Number(number) => number.is_i64(),
            Value::String(text) => text.len() <= 36 && text.bytes().all(|byte| byte.is_ascii_alphanumeric()),
            _ => false,
        };
        if !is_valid_id {
            return Err(error(
                2,
                "Invalid request: request ID must be an integer, a short string or null",
                Value::Null,
            ));
        }
        let refuse = |message: &str| Err(error(2, &format!("Invalid request: {message}"), id.clone()));
        let parameters = value.get("params").and_then(Value::as_array);
        let streams = || {
            let names = parameters?.iter().map(|stream| stream.as_str().map(str::to_owned));
            names.collect::<Option<Vec<String>>>().filter(|names| !names.is_empty())
        };
        let is_about_combined = || parameters.and_then(|list| list.first()).and_then(Value::as_str) == Some("combined");
        let method = match value.get("method").and_then(Value::as_str) {
            Some("SUBSCRIBE") => streams().map(Method::Subscribe),
            Some("UNSUBSCRIBE") => streams().map(Method::Unsubscribe),
            Some("LIST_SUBSCRIPTIONS") => Some(Method::ListSubscriptions),
            Some("SET_PROPERTY") if is_about_combined() => match parameters.and_then(|list| list.get(1)) {
                Some(Value::Bool(true)) => Some(Method::SetEnvelope(Envelope::Combined)),
                Some(Value::Bool(false)) => Some(Method::SetEnvelope(Envelope::Bare)),
                _ => return Err(error(1, "Invalid value type: expected Boolean", id)),
            },
            Some("GET_PROPERTY") if is_about_combined() => Some(Method::GetEnvelope),
            Some("SET_PROPERTY" | "GET_PROPERTY") => return Err(error(0, "Unknown property", id)),
            Some(other) => {
                let known = "`SUBSCRIBE`, `UNSUBSCRIBE`, `LIST_SUBSCRIPTIONS`, `SET_PROPERTY`, `GET_PROPERTY`";
                return refuse(&format!("unknown variant `{other}`, expected one of {known}"));
            }
            None => return refuse("missing field `method`"),
        };
        match method {
            Some(method) => Ok(Self { method, id }),
            None => refuse("params must be a list of stream names"),
        }
    }
}

/// An answer that refuses a message.
pub(super) fn error(code: i32, message: &str, id: Value) -> Value {
    json!({ "code": code, "msg": message, "id": id })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unusable_messages_get_the_venues_codes() {
        for (text, code) in [
            ("{", 3),
            ("{}", 2),
            (r#"{"method":"JUMP","id":1}"#, 2),
            (r#"{"method":"SUBSCRIBE","params":[],"id":1}"#, 2),
            (r#"{"method":"SUBSCRIBE","params":[5],"id":1}"#, 2),
            (r#"{"method":"SUBSCRIBE","params":["a@trade"],"id":1.5}"#, 2),
            (r#"{"method":"SET_PROPERTY","params":["combined",1],"id":1}"#, 1),
            (r#"{"method":"SET_PROPERTY","params":["other",true],"id":1}"#, 0),
        ] {
            assert_eq!(Request::read(text).unwrap_err()["code"], code, "{text}");
        }
        assert!(Request::read(r#"{"method":"SUBSCRIBE","params":["a@trade"],"id":"x1"}"#).is_ok());
    }
}
