//! Connections: a key in the address, one connection per key, one symbol per message, no acknowledgements; and the
//! trades.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::{Value, json};

use super::rest;
use crate::{
    core::Core,
    exchange::{Address, ConnectionId, HttpRequest, Refusal},
    fixed,
    venue::{Frame, Protocol},
};

/// Seconds between the venue's own pings.
const PING_S: u64 = 60;
/// Fields whose loss or change of type every reader of trades must notice.
const REQUIRED_KEYS: &[&str] = &["p", "s", "t", "v"];

/// The venue, with the key of each connection.
#[derive(Default)]
pub(super) struct Finnhub(BTreeMap<ConnectionId, String>);

impl Protocol for Finnhub {
    fn open(&mut self, core: &mut Core, connection: ConnectionId, address: &Address) -> Result<(), Refusal> {
        let key = address.parameters.get("token").map(String::as_str).unwrap_or_default();
        if address.path != "/" {
            return Err((404, "no such address"));
        }
        if !core.is_key_good(key) {
            return Err((401, "Invalid API key"));
        }
        if self.0.values().any(|open| open == key) {
            return Err((429, "one connection per key"));
        }
        self.0.insert(connection, key.to_owned());
        Ok(())
    }

    fn message(&mut self, core: &mut Core, connection: ConnectionId, text: &str) {
        let request: Value = serde_json::from_str(text).unwrap_or_default();
        let symbol = request.get("symbol").and_then(Value::as_str).map(str::to_owned);
        match (request.get("type").and_then(Value::as_str), symbol) {
            (Some("subscribe"), Some(symbol)) => {
                if !core.subscribe(connection, &[symbol]) {
                    core.say(connection, error("Subscribing to too many symbols"));
                }
            }
            (Some("unsubscribe"), Some(symbol)) => core.unsubscribe(connection, &[symbol]),
            _ => core.say(connection, error("Invalid request")),
        }
    }

    fn second(&mut self, core: &mut Core, connection: ConnectionId, n_seconds: u64) {
        if n_seconds.is_multiple_of(PING_S) {
            core.say(connection, r#"{"type":"ping"}"#);
        }
    }

    fn closed(&mut self, connection: ConnectionId) {
        self.0.remove(&connection);
    }

    /// A frame of one trade.
    fn update(&mut self, core: &mut Core, stream: &Arc<str>, _slot: u64) -> Vec<Frame> {
        let Some(print) = core.market.prints(stream, 1).pop() else { return Vec::new() };
        let entry = format!(
            r#"{{"c":null,"p":{},"s":{},"t":{},"v":{}}}"#,
            fixed::shortest(print.price),
            Value::from(&**stream),
            print.time_ms,
            fixed::shortest(print.quantity)
        );
        vec![Frame::whole(stream.clone(), super::frame(&entry), Some(print.id))]
    }

    fn answer(&mut self, core: &mut Core, request: &HttpRequest) -> Option<(u16, String)> {
        rest::answer(core, request)
    }

    fn refusal(&self, _request: &HttpRequest, status: u16) -> String {
        rest::refusal(status)
    }

    fn required_keys(&self) -> &'static [&'static str] {
        REQUIRED_KEYS
    }
}

fn error(message: &str) -> String {
    json!({ "msg": message, "type": "error" }).to_string()
}
