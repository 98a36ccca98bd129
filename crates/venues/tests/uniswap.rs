//! Uniswap's session under virtual time, against a node that the test plays.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests may unwrap")]

mod support;

use model::{
    event::MarketEventKind,
    instrument::InstrumentId,
    status::{FeedCause, FeedMode, Silence},
};
use serde_json::{Value, json};
use support::{Rig, listed};
use venues::session::HttpRequest;

const POOL: &str = "0x00000000000000000000000000000000000000Aa";

/// A node: what it says to each method, by the call's data.
struct Node {
    block: u64,
    logs: Vec<Value>,
}

fn word(hex: &str) -> String {
    format!("{hex:0>64}")
}

fn minus(number: u128) -> String {
    format!("{}{:032x}", "f".repeat(32), u128::MAX - number + 1)
}

fn text_of(ascii: &str) -> String {
    let hex: String = ascii.bytes().map(|byte| format!("{byte:02x}")).collect();
    format!("0x{}{}{hex:0<64}", word("20"), word(&format!("{:x}", ascii.len())))
}

impl Node {
    fn answer(&self, request: &HttpRequest) -> String {
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
    fn swap(&mut self, block: u64, number: u64, usdc: u128, weth: u128) {
        let data = format!("0x{}{}{}{}{}", word(&format!("{usdc:x}")), minus(weth), word("1"), word("1"), word("1"));
        self.logs.push(json!({
            "address": POOL.to_lowercase(), "data": data, "blockNumber": format!("{block:#x}"),
            "topics": ["0xc42079f94a6350d7e6235f29174924f928cc2ac818eb64fed8004e115fbcca67"],
            "transactionHash": "0xAB", "logIndex": format!("{number:#x}"), "removed": false,
        }));
    }

    fn serve(&self, rig: &mut Rig, millis: u64) {
        for _ in 0..millis / 100 {
            for request in rig.requests("/") {
                let body = self.answer(&request);
                rig.answer(request.id, 200, None, &body);
            }
            rig.run(100);
        }
    }
}

fn trades(rig: &Rig) -> Vec<String> {
    let trades = rig.events().into_iter().filter_map(|event| match &event.kind {
        MarketEventKind::Trade(trade) => {
            let price: String = trade.price.to_string().chars().take(7).collect();
            Some(format!("{price} {} {:?} {}", trade.size, trade.aggressor_side, trade.id))
        }
        _ => None,
    });
    trades.collect()
}

#[test]
fn swaps_come_once_with_exact_prices() {
    let mut node = Node { block: 1_000, logs: Vec::new() };
    node.swap(990, 3, 2_000_000_000, 1_000_000_000_000_000_000);
    node.swap(900, 1, 1, 1);
    let mut rig = Rig::of("uniswap", &listed(&[POOL]));
    node.serve(&mut rig, 6_000);
    let one = "2000.00 1.000000000000000000 Buyer 0xab#3";
    assert_eq!(trades(&rig), [one]);
    let instrument = &rig.session.instruments()[0];
    assert_eq!((instrument.base.as_str(), instrument.quote.as_str(), instrument.price_decimals()), ("WETH", "USDC", 4));
    let health = rig.session.health();
    assert_eq!((health.mode, health.is_connected, health.cause.clone()), (FeedMode::RestPolling, true, None));
    node.block = 1_001;
    node.swap(1_001, 7, 1_950_500_000, 1_000_000_000_000_000_000);
    node.serve(&mut rig, 10_000);
    assert_eq!(trades(&rig), [one, "1950.50 1.000000000000000000 Buyer 0xab#7"]);
    node.block = 1_002;
    node.serve(&mut rig, 10_000);
    let id = InstrumentId::parse(&format!("uniswap:{POOL}")).unwrap();
    assert_eq!(rig.session.health().silences[&id], Silence::QuietByVenue);
}

#[test]
fn what_is_no_pool_is_said() {
    let mut rig = Rig::of("uniswap", &listed(&["WETH", POOL]));
    let asked = rig.requests("/");
    rig.answer(asked[0].id, 200, None, r#"[{"id":0,"result":"0x"},{"id":1,"result":"0x"}]"#);
    let health = rig.session.health();
    assert_eq!(health.instrument_causes.len(), 2);
    assert_eq!(health.cause, Some(FeedCause::UnknownSymbol { symbol: POOL.into() }));
    rig.run(60_000);
    assert!(rig.requests("/").is_empty());
}

#[test]
fn limits_refusals_and_rubbish_are_survived() {
    let mut rig = Rig::of("uniswap", &listed(&[POOL]));
    let asked = rig.requests("/");
    rig.answer(asked[0].id, 200, None, r#"{"id":null,"error":{"code":-32005,"message":"daily limit"}}"#);
    assert!(matches!(rig.session.health().cause, Some(FeedCause::RateLimited { .. })));
    rig.run(59_000);
    assert!(rig.requests("/").is_empty(), "nothing goes out inside the limit");
    rig.run(5_000);
    let asked = rig.requests("/");
    rig.answer(asked[0].id, 200, None, r#"[{"id":0,"error":{"code":-32000,"message":"header not found"}}]"#);
    assert_eq!(rig.session.health().cause.as_ref().unwrap().to_string(), "refused: header not found (code -32000)");
    for body in ["", "[]", "5", r#"[{"id":0,"result":7},{"id":1,"result":"0x"}]"#, r#"[{"id":0,"result":"0xzz"}]"#] {
        let request = (0..100).find_map(|_| {
            rig.run(1_000);
            rig.requests("/").pop()
        });
        rig.answer(request.expect("it is asked again").id, 200, None, body);
    }
    assert_eq!(rig.session.health().counters.malformed, 5);
    Node { block: 5, logs: Vec::new() }.serve(&mut rig, 48_000);
    assert_eq!((rig.session.instruments().len(), rig.session.health().cause.clone()), (1, None));
}
