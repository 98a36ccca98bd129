//! A node and a subgraph over real sockets: their answers about the same swaps agree.

use crate::common::request;
use model::time::Timestamp;
use serde_json::{Value, json};
use venue_sim::{Fault, FaultKind, RunningSim, Sim, SimConfig, Source, StartWhen};

/// A chain that does not advance, three seconds after a full hour.
async fn sim(key: Option<&str>) -> RunningSim {
    let source = Source::Demo { seed: 5, start: Some(Timestamp::from_millis(1_763_668_803_000)) };
    let config = SimConfig::new("uniswap", source);
    let key = key.map(str::to_owned);
    Sim::start(SimConfig { quote: "DAI".into(), start: StartWhen::Resumed, key, ..config }).await.unwrap()
}

fn pool(number: usize) -> String {
    format!("0xb001{number:036x}")
}

async fn call(sim: &RunningSim, method: &str, params: Value) -> Value {
    let body = json!({ "jsonrpc": "2.0", "id": 7, "method": method, "params": params }).to_string();
    request(sim.address, "POST", "/", &body).await.json()
}

async fn ask(sim: &RunningSim, list: &str, fields: &str, from: Value, until: Value) -> Value {
    let query = format!(
        "query($pool:String!){{_meta{{block{{timestamp}}}} rows:{list}(first:1000,where:{{pool:$pool}}){{{fields}}}}}"
    );
    let body = json!({ "query": query, "variables": { "pool": pool(1), "from": from, "until": until } });
    request(sim.address, "POST", "/subgraph", &body.to_string()).await.json()
}

#[tokio::test]
async fn a_node_knows_pools_tokens_and_blocks() {
    let sim = sim(None).await;
    let of = async |to: &str, data: &str| call(&sim, "eth_call", json!([{ "to": to, "data": data }, "latest"])).await;
    let token = async |data: &str| format!("0x{}", &of(&pool(1), data).await["result"].as_str().unwrap()[26..]);
    let (token0, token1) = (token("0x0dfe1681").await, token("0xd21220a7").await);
    for (token, decimals) in [(&token0, "12"), (&token1, "8")] {
        let word = of(token, "0x313ce567").await["result"].as_str().unwrap().to_owned();
        assert_eq!(word, format!("0x{decimals:0>64}"), "token 0 of this pool is the quote");
    }
    assert_eq!(of(&pool(1), "0x3850c7bd").await["result"].as_str().unwrap().len(), 2 + 7 * 64);
    assert_eq!(of("0x00", "0x0dfe1681").await["result"], "0x", "no contract, no answer");
    assert_eq!(of(&pool(1), "0x12345678").await["error"]["message"], "execution reverted");
    // The block of the previous second is not over yet.
    let block = call(&sim, "eth_getBlockByNumber", json!(["latest", false])).await;
    assert_eq!(block["result"]["timestamp"], format!("{:#x}", 1_763_668_800));
    assert_eq!(block["result"]["number"], format!("{:#x}", 1_763_668_800 / 2));
    for (method, params, code) in [
        ("eth_nothing", json!([]), -32_601),
        ("eth_getBlockByNumber", json!(["5"]), -32_602),
        ("eth_getLogs", json!([{ "fromBlock": "0x0", "toBlock": "0x400" }]), -32_000),
    ] {
        assert_eq!(call(&sim, method, params).await["error"]["code"], code, "{method}");
    }
}

#[tokio::test]
async fn swaps_and_bars_agree_and_bars_are_those_of_the_oracle() {
    let sim = sim(None).await;
    let newest = 1_763_668_800_u64 / 2;
    let filter = json!([{ "address": [pool(1)], "fromBlock": format!("{:#x}", newest - 1), "toBlock": "latest" }]);
    let logs = call(&sim, "eth_getLogs", filter).await["result"].as_array().unwrap().clone();
    let fields = "time:timestamp id logIndex amount0 amount1";
    let swaps = ask(&sim, "swaps", fields, json!("1763668798"), json!("1763668801")).await;
    let rows = swaps["data"]["rows"].as_array().unwrap();
    assert_eq!((logs.len(), rows.len()), (40, 40), "two blocks of twenty");
    for (log, row) in logs.iter().rev().zip(rows) {
        let id = format!("{}#{}", log["transactionHash"].as_str().unwrap(), row["logIndex"].as_str().unwrap());
        assert_eq!(row["id"], id);
        // A negative amount is two's complement there, a minus sign here.
        let [amount0, amount1] = ["amount0", "amount1"].map(|key| row[key].as_str().unwrap().starts_with('-'));
        let data = log["data"].as_str().unwrap();
        assert_eq!((&data[2..3] == "f", &data[66..67] == "f"), (amount0, amount1));
        assert!(amount0 != amount1, "one is paid in, one out");
    }
    let fields = "time:periodStartUnix open high low close volumeToken0 volumeToken1";
    let bars = ask(&sim, "poolHourDatas", fields, json!(1_763_658_000), json!(1_763_668_801)).await;
    let found: Vec<Value> = bars["data"]["rows"].as_array().unwrap().iter().rev().cloned().collect();
    let oracle = sim.candles(&pool(1), "60").unwrap()["bars"].as_array().unwrap().clone();
    assert_eq!((found.len(), bars["data"]["_meta"]["block"]["timestamp"].as_i64()), (4, Some(1_763_668_800)));
    for (bar, of_oracle) in found.iter().zip(&oracle[oracle.len() - 4..]) {
        let shown = json!([
            bar["time"].as_i64().unwrap() * 1_000,
            bar["open"],
            bar["high"],
            bar["low"],
            bar["close"],
            bar["volumeToken1"]
        ]);
        assert_eq!(shown, *of_oracle, "the quote is token 0, so prices stand as they are");
    }
    let unknown = ask(&sim, "poolHourDatas", "nothing", json!(0), json!(1_763_668_801)).await;
    assert!(unknown["errors"][0]["message"].as_str().unwrap().contains("no field `nothing`"), "{unknown}");
}

#[tokio::test]
async fn the_subgraph_alone_wants_the_key_and_faults_tell_the_two_apart() {
    let sim = sim(Some("k1")).await;
    let refused = ask(&sim, "swaps", "id", json!(0), json!(0)).await;
    assert_eq!(refused["errors"][0]["message"], "auth error: missing authorization header");
    assert!(call(&sim, "eth_blockNumber", json!([])).await["result"].is_string(), "a node takes everybody");
    sim.fault(Fault { path: Some("eth_getLogs".into()), retry_after_s: Some(3), ..Fault::new(FaultKind::Rest429) });
    assert_eq!(call(&sim, "eth_getLogs", json!([{}])).await["error"]["code"], -32_005);
    assert!(call(&sim, "eth_blockNumber", json!([])).await["result"].is_string());
    sim.fault(Fault { path: Some("/subgraph".into()), code: Some(503), ..Fault::new(FaultKind::RestError) });
    let failed = request(sim.address, "POST", "/subgraph", "{}").await;
    assert_eq!((failed.status, failed.json()["errors"][0]["message"].as_str()), (503, Some("bad indexers")));
}
