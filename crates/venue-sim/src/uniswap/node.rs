//! A node: JSON-RPC at `/`, one call or a batch, answered in the order of the calls.
//!
//! Source: <https://ethereum.org/en/developers/docs/apis/json-rpc/>. Numbers are hexadecimal without leading zeros,
//! words have 32 bytes, negative ones are two's complement. Not here: the events of the chain ([`super::chain`]).

use serde_json::{Value, json};

use super::chain::{Chain, Pool, Swap, block_time_s, slots_of};

/// Maximum blocks in one query for events.
const MOST_BLOCKS: u64 = 1_000;
/// The first topic of a swap: the Keccak of the event's signature.
const SWAP_TOPIC: &str = "0xc42079f94a6350d7e6235f29174924f928cc2ac818eb64fed8004e115fbcca67";

/// One call, or several.
pub(super) struct Batch(Value);

impl Batch {
    /// Parses a body.
    pub(super) fn read(body: &str) -> Self {
        Self(serde_json::from_str(body).unwrap_or_default())
    }

    fn calls(&self) -> &[Value] {
        self.0.as_array().map_or(std::slice::from_ref(&self.0), Vec::as_slice)
    }

    /// Returns the number of calls.
    pub(super) fn n_calls(&self) -> u32 {
        u32::try_from(self.calls().len()).unwrap_or(u32::MAX)
    }

    /// Returns the first call's method.
    pub(super) fn method(&self) -> &str {
        self.calls().first().and_then(|call| call["method"].as_str()).unwrap_or_default()
    }
}

/// Returns the answer to a body.
pub(super) fn answer(chain: Chain<'_>, body: &str) -> String {
    let batch = Batch::read(body);
    let answers: Vec<Value> = batch.calls().iter().map(|call| answer_call(chain, call)).collect();
    if batch.0.is_array() {
        Value::from(answers).to_string()
    } else {
        answers.first().map(Value::to_string).unwrap_or_default()
    }
}

/// Returns the node's body for a status.
pub(super) fn refusal(status: u16) -> String {
    let (code, message) = if status == 429 { (-32_005, "too many requests") } else { (-32_603, "internal error") };
    json!({ "jsonrpc": "2.0", "id": null, "error": { "code": code, "message": message } }).to_string()
}

/// The result of a call; otherwise code and message.
type Outcome = Result<Value, (i64, &'static str)>;

const WRONG: (i64, &str) = (-32_602, "invalid params");

fn answer_call(chain: Chain<'_>, call: &Value) -> Value {
    let params = &call["params"];
    let outcome = match call["method"].as_str() {
        Some("eth_blockNumber") => Ok(hex(chain.newest_block())),
        Some("eth_getBlockByNumber") => block(chain, &params[0]),
        Some("eth_getLogs") => logs(chain, &params[0]),
        Some("eth_call") => contract(chain, &params[0]),
        Some(_) => Err((-32_601, "the method does not exist")),
        None => Err((-32_600, "invalid request")),
    };
    match outcome {
        Ok(result) => json!({ "jsonrpc": "2.0", "id": call["id"], "result": result }),
        Err((code, message)) => {
            json!({ "jsonrpc": "2.0", "id": call["id"], "error": { "code": code, "message": message } })
        }
    }
}

fn block_number(chain: Chain<'_>, text: &Value) -> Result<u64, (i64, &'static str)> {
    match text.as_str() {
        Some("latest") => Ok(chain.newest_block()),
        Some(text) => text.strip_prefix("0x").and_then(|digits| u64::from_str_radix(digits, 16).ok()).ok_or(WRONG),
        None => Err(WRONG),
    }
}

/// A block; null for a block that does not exist.
fn block(chain: Chain<'_>, number: &Value) -> Outcome {
    let number = block_number(chain, number)?;
    if number > chain.newest_block() {
        return Ok(Value::Null);
    }
    let time_s = u64::try_from(block_time_s(number)).unwrap_or_default();
    Ok(json!({ "number": hex(number), "timestamp": hex(time_s), "hash": hash(number), "transactions": [] }))
}

fn logs(chain: Chain<'_>, filter: &Value) -> Outcome {
    let newest = chain.newest_block();
    let (from, to) = (block_number(chain, &filter["fromBlock"])?, block_number(chain, &filter["toBlock"])?.min(newest));
    if to.saturating_sub(from) >= MOST_BLOCKS {
        return Err((-32_000, "block range is too wide"));
    }
    let one = std::slice::from_ref(&filter["address"]);
    let addresses = filter["address"].as_array().map_or(one, Vec::as_slice);
    let pools: Vec<(&str, Pool<'_>)> =
        addresses.iter().filter_map(|address| Some((address.as_str()?, chain.pool(address.as_str()?)?))).collect();
    if filter["topics"][0].as_str().is_some_and(|topic| !topic.eq_ignore_ascii_case(SWAP_TOPIC)) {
        return Ok(json!([]));
    }
    let slots = (from..=to).flat_map(slots_of);
    Ok(slots.flat_map(|slot| pools.iter().map(move |(address, pool)| log(address, &pool.swap(slot)))).collect())
}

/// Calls a function of a contract; empty if there is no contract.
fn contract(chain: Chain<'_>, call: &Value) -> Outcome {
    let (to, data) = (call["to"].as_str().ok_or(WRONG)?, call["data"].as_str().ok_or(WRONG)?);
    let reverted = (-32_000, "execution reverted");
    let words = if let Some(pool) = chain.pool(to) {
        let [token0, token1] = pool.tokens();
        let address = |token: &str| format!("{:0>64}", token.trim_start_matches("0x"));
        match data {
            "0x0dfe1681" => address(&token0),
            "0xd21220a7" => address(&token1),
            // The root, and six words that no client reads.
            "0x3850c7bd" => word(pool.root(chain.last_slot()).cast_signed()) + &"0".repeat(6 * 64),
            _ => return Err(reverted),
        }
    } else if let Some(token) = chain.token(to) {
        match data {
            "0x313ce567" => word(token.decimals.into()),
            "0x95d89b41" => text(token.symbol),
            _ => return Err(reverted),
        }
    } else {
        String::new()
    };
    Ok(format!("0x{words}").into())
}

fn log(address: &str, swap: &Swap) -> Value {
    // Liquidity and tick: no client reads them.
    let data = [swap.amount0, swap.amount1, swap.root.cast_signed(), 1, 0].map(word).concat();
    let nobody = format!("0x{}", word(0));
    json!({
        "address": address.to_lowercase(),
        "topics": [SWAP_TOPIC, nobody, nobody],
        "data": format!("0x{data}"),
        "blockNumber": hex(swap.block),
        "blockHash": hash(swap.block),
        "transactionHash": swap.hash,
        "transactionIndex": hex(swap.log),
        "logIndex": hex(swap.log),
        "removed": false,
    })
}

fn hex(number: u64) -> Value {
    format!("{number:#x}").into()
}

fn hash(block: u64) -> String {
    format!("0xb10c{block:060x}")
}

/// Encodes 32 bytes.
fn word(number: i128) -> String {
    let sign = if number < 0 { "f" } else { "0" };
    format!("{}{number:032x}", sign.repeat(32))
}

/// Encodes a text as a contract returns it: its offset, its length, its bytes.
fn text(ascii: &str) -> String {
    let bytes: String = ascii.bytes().take(32).map(|byte| format!("{byte:02x}")).collect();
    let length = i128::try_from(bytes.len() / 2).unwrap_or(0);
    format!("{}{}{bytes:0<64}", word(32), word(length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_have_32_bytes() {
        for (number, tail) in [(0, "00"), (255, "ff"), (-1, "ff"), (-256, "00")] {
            let word = word(number);
            assert_eq!((word.len(), &word[62..], word.starts_with('f')), (64, tail, number < 0), "{number}");
        }
        let text = text("WETH");
        assert_eq!((text.len(), &text[62..64], &text[126..136]), (192, "20", "0457455448"));
    }
}
