//! A node of the chain as seen by Uniswap's session: one pool, its tokens, blocks and swaps.

#![allow(dead_code, reason = "each test file uses its part")]

use serde_json::{Value, json};
use venues::session::HttpRequest;

use crate::support::Rig;

pub(crate) const POOL: &str = "0x00000000000000000000000000000000000000Aa";

/// A node: its answers to each method, by the call's data.
pub(crate) struct Node {
    pub(crate) block: u64,
    pub(crate) logs: Vec<Value>,
}

fn word(hex: &str) -> String {
    format!("{hex:0>64}")
}

fn minus(number: u128) -> String {
    format!("{}{:032x}", "f".repeat(32), u128::MAX - number + 1)
}

/// A contract's text of at most 32 bytes.
pub(crate) fn text_of(text: &str) -> String {
    let hex: String = text.bytes().map(|byte| format!("{byte:02x}")).collect();
    format!("0x{}{}{hex:0<64}", word("20"), word(&format!("{:x}", text.len())))
}

impl Node {
    pub(crate) fn answer(&self, request: &HttpRequest) -> String {
        let calls: Vec<Value> = serde_json::from_str(request.body.as_deref().unwrap()).unwrap();
        let answers = calls.iter().rev().map(|call| {
            let result = match call["method"].as_str().unwrap() {
                "eth_getBlockByNumber" => {
                    json!({ "number": format!("{:#x}", self.block), "timestamp": "0x66b5f000", "hash": "0x1" })
                }
                "eth_getLogs" => {
                    let bound =
                        |key: &str| u64::from_str_radix(&call["params"][0][key].as_str().unwrap()[2..], 16).unwrap();
                    let blocks = bound("fromBlock")..=bound("toBlock");
                    let block =
                        |log: &Value| u64::from_str_radix(&log["blockNumber"].as_str().unwrap()[2..], 16).unwrap();
                    Value::from(
                        self.logs.iter().filter(|log| blocks.contains(&block(log))).cloned().collect::<Vec<_>>(),
                    )
                }
                _ => {
                    let (to, data) =
                        (call["params"][0]["to"].as_str().unwrap(), call["params"][0]["data"].as_str().unwrap());
                    json!(match (to, data) {
                        (_, "0x0dfe1681") => format!("0x{}", word("c0")),
                        (_, "0xd21220a7") => format!("0x{}", word("c1")),
                        (token, "0x95d89b41") if token.ends_with("c0") => text_of("USDC"),
                        (_, "0x95d89b41") => text_of("WETH"),
                        (token, "0x313ce567") if token.ends_with("c0") => format!("0x{}", word("6")),
                        (_, "0x313ce567") => format!("0x{}", word("12")),
                        // The root of 2022, 1,963.85 dollars, and six more words.
                        _ => format!("0x{}{}", word("582602b4d9a30b7e1e2bb8a4ce40"), word("0").repeat(6)),
                    })
                }
            };
            json!({ "jsonrpc": "2.0", "id": call["id"], "result": result })
        });
        Value::from(answers.collect::<Vec<_>>()).to_string()
    }

    /// The taker pays `usdc` millionths of a dollar and gets `weth` billionths of a billionth.
    pub(crate) fn swap(&mut self, block: u64, number: u64, usdc: u128, weth: u128) {
        let data = format!("0x{}{}{}{}{}", word(&format!("{usdc:x}")), minus(weth), word("1"), word("1"), word("1"));
        self.logs.push(json!({
            "address": POOL.to_lowercase(), "data": data, "blockNumber": format!("{block:#x}"),
            "topics": ["0xc42079f94a6350d7e6235f29174924f928cc2ac818eb64fed8004e115fbcca67"],
            "transactionHash": "0xAB", "logIndex": format!("{number:#x}"), "removed": false,
        }));
    }

    pub(crate) fn serve(&self, rig: &mut Rig, millis: u64) {
        for _ in 0..millis / 100 {
            for request in rig.requests("/") {
                let body = self.answer(&request);
                rig.answer(request.id, 200, None, &body);
            }
            rig.run(100);
        }
    }
}
