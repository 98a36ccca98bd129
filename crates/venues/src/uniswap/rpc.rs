//! JSON-RPC batches to a node, and their answers.
//!
//! Source: <https://ethereum.org/en/developers/docs/apis/json-rpc/>. Answers of a batch may come in any order. Not
//! here: their meaning ([`super::answers`]).

use std::{borrow::Cow, collections::BTreeMap};

use serde::Deserialize;
use serde_json::{Value, json, value::RawValue};

use crate::{kit::requests::RestRequest, uniswap::swap::SWAP_TOPIC};

/// Selectors: the first four bytes of the Keccak of the signature.
pub(super) const TOKEN0: &str = "0x0dfe1681";
pub(super) const TOKEN1: &str = "0xd21220a7";
pub(super) const SLOT0: &str = "0x3850c7bd";
pub(super) const DECIMALS: &str = "0x313ce567";
pub(super) const SYMBOL: &str = "0x95d89b41";

/// Calls a contract's function without arguments, at the newest block.
pub(super) fn call(address: &str, selector: &str) -> (&'static str, Value) {
    ("eth_call", json!([{ "to": address, "data": selector }, "latest"]))
}

/// Requests the newest block without its transactions.
pub(super) fn newest_block() -> (&'static str, Value) {
    ("eth_getBlockByNumber", json!(["latest", false]))
}

/// Requests swaps of these pools in these blocks, both ends included.
pub(super) fn swaps(pools: &[String], from: u64, to: u64) -> (&'static str, Value) {
    let filter = json!({
        "address": pools, "topics": [SWAP_TOPIC], "fromBlock": format!("{from:#x}"), "toBlock": format!("{to:#x}"),
    });
    ("eth_getLogs", json!([filter]))
}

/// Creates a batch; its calls are numbered from 0.
pub(super) fn batch(calls: Vec<(&'static str, Value)>) -> RestRequest {
    let weight = u32::try_from(calls.len()).unwrap_or(u32::MAX);
    let calls: Vec<Value> = calls
        .into_iter()
        .enumerate()
        .map(|(id, (method, params))| json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }))
        .collect();
    RestRequest { path: "/".into(), query: Vec::new(), weight, body: Some(Value::from(calls).to_string()) }
}

/// A node's refusal.
#[derive(Debug, Deserialize)]
pub(super) struct RpcError<'a> {
    #[serde(default)]
    code: i64,
    #[serde(borrow, default)]
    message: Cow<'a, str>,
}

impl RpcError<'_> {
    /// Returns true if there were too many requests.
    pub(super) fn is_limit(&self) -> bool {
        self.code == -32_005 || self.code == 429
    }

    /// Returns the text for people, cut to a length that fits a status line.
    pub(super) fn detail(&self) -> String {
        let message: String = self.message.chars().take(200).collect();
        format!("{message} (code {})", self.code)
    }
}

/// Answers by the number of the call.
pub(super) type Answers<'a> = BTreeMap<u64, Result<&'a RawValue, RpcError<'a>>>;

/// Parses a batch's answer; a node that refuses the whole batch answers with one object.
pub(super) fn answers(body: &str) -> Result<Answers<'_>, serde_json::Error> {
    #[derive(Deserialize)]
    struct Answer<'a> {
        #[serde(default)]
        id: Option<u64>,
        #[serde(borrow, default)]
        result: Option<&'a RawValue>,
        #[serde(borrow, default)]
        error: Option<RpcError<'a>>,
    }
    let list: Vec<Answer<'_>> = if body.trim_start().starts_with('[') {
        serde_json::from_str(body)?
    } else {
        vec![serde_json::from_str(body)?]
    };
    let mut answers = Answers::new();
    for answer in list {
        let id = answer.id.unwrap_or(0);
        match (answer.error, answer.result) {
            (Some(error), _) => drop(answers.insert(id, Err(error))),
            (None, Some(result)) => drop(answers.insert(id, Ok(result))),
            (None, None) => {}
        }
    }
    Ok(answers)
}

/// The fields of a block used here.
#[derive(Debug, Deserialize)]
pub(super) struct Block<'a> {
    #[serde(borrow)]
    pub(super) number: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) timestamp: Cow<'a, str>,
}

/// An event of a contract.
///
/// ```json
/// {"address":"0xd1…","topics":["0xc4…","0x…"],"data":"0x…","blockNumber":"0x17","transactionHash":"0x38…","logIndex":"0x6","removed":false}
/// ```
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Log<'a> {
    #[serde(borrow)]
    pub(super) address: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) data: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) topics: Vec<Cow<'a, str>>,
    #[serde(borrow)]
    pub(super) block_number: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) transaction_hash: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) log_index: Cow<'a, str>,
    /// Included by newer nodes.
    #[serde(borrow, default)]
    pub(super) block_timestamp: Option<Cow<'a, str>>,
    /// True if the chain was reorganised: the event did not happen.
    #[serde(default)]
    pub(super) removed: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_is_numbered() {
        let ask = batch(vec![newest_block(), call("0xab", SLOT0), swaps(&["0xab".to_owned()], 16, 255)]);
        assert_eq!((ask.path.as_ref(), ask.weight), ("/", 3));
        let body: Value = serde_json::from_str(ask.body.as_deref().unwrap()).unwrap();
        assert_eq!((&body[1]["id"], &body[1]["params"][0]["data"]), (&json!(1), &json!("0x3850c7bd")));
        assert_eq!(body[2]["params"][0]["fromBlock"], json!("0x10"));
    }

    #[test]
    fn answers_come_in_any_order_or_as_one_error() {
        let body =
            r#"[{"jsonrpc":"2.0","id":1,"result":"0x2"},{"id":0,"error":{"code":-32005,"message":"limit"}},{"id":2}]"#;
        let found = answers(body).unwrap();
        assert_eq!(found[&1].as_ref().unwrap().get(), "\"0x2\"");
        assert!(found[&0].as_ref().unwrap_err().is_limit() && !found.contains_key(&2));
        let whole = answers(r#"{"id":null,"error":{"code":-32600,"message":"no batches"}}"#).unwrap();
        assert_eq!(whole[&0].as_ref().unwrap_err().detail(), "no batches (code -32600)");
        for bad in ["", "5", "[5]", r#"[{"id":"x"}]"#] {
            assert!(answers(bad).is_err(), "{bad}");
        }
    }
}
