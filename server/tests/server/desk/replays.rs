//! A recording traded as a market: its own account, filled with evidence, again after a jump, gone with the replay.

use std::{fs, time::Duration};

use serde_json::{Value, json};
use topics::{channels::TopicData, topic::Topic};
use wire::{
    Encoding,
    message::{ClientMessage, CommandRequest, JsonText, ServerMessage},
};

use super::rest::{ADA, Folder, Rest, market, serve};
use crate::{
    client::{Client, PATIENCE},
    feed::recording,
};

const REPLAYED: &str = "replay-binance:AAABBB";
const FILE: &str = "made.jsonl";

fn order(name: &str, fields: &Value) -> Value {
    let mut body = json!({
        "client_order_id": name, "instrument": REPLAYED, "side": "buy", "type": "market", "quantity": "1.5"
    });
    body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    body
}

/// Puts a recording into the server's folder; returns the file's name.
fn put_recording(folder: &Folder) -> &'static str {
    let info = json!({ "symbols": [{
        "symbol": "AAABBB", "status": "TRADING", "baseAsset": "AAA", "quoteAsset": "USD", "filters": [
            { "filterType": "PRICE_FILTER", "minPrice": "0.01", "maxPrice": "1000", "tickSize": "0.01" },
            { "filterType": "LOT_SIZE", "minQty": "0.1", "maxQty": "9000", "stepSize": "0.1" }
        ]
    }] });
    let url = "https://x.test/api/v3/exchangeInfo?symbols=AAABBB";
    let info = json!({ "t": "http", "ts": 999.0, "url": url, "data": info.to_string() });
    let recordings = folder.0.join("recordings");
    fs::create_dir_all(&recordings).unwrap();
    fs::write(recordings.join(FILE), format!("{info}\n{}", recording(500))).unwrap();
    FILE
}

/// Sends the replay a control and waits until it has come to where that leads.
async fn control(rest: &Rest, body: Value) -> Value {
    rest.post("replay", body).await.with(200);
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        let replay = rest.get("replay").await.with(200)["replay"].clone();
        if replay["state"] != "seeking" {
            return replay;
        }
        assert!(tokio::time::Instant::now() < deadline, "{replay}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_replay_is_traded_with_an_account_of_its_own() {
    let folder = Folder::new("replays");
    let server = serve(&folder.0).await;
    let rest = Rest::of(&server);
    rest.post("orders", order("early", &json!({}))).await.refused(422, "no_replay");
    rest.get("positions?account=replay").await.refused(422, "no_replay");
    let name = put_recording(&folder);
    let replay = control(&rest, json!({ "load": { "files": [name], "venue": "binance", "is_paused": true } })).await;
    let (start, end) = (replay["start_ms"].as_i64().unwrap(), replay["end_ms"].as_i64().unwrap());
    let late = (start + end) / 2;
    control(&rest, json!({ "seek": { "position_ms": late } })).await;

    // By the stream, and seen on its topics.
    let mut client = Client::greet(&server, Encoding::Json).await;
    let orders = Topic::parse("orders:account:replay").unwrap();
    let subscribed = client.subscribe(1, &["orders:account:replay"]).await;
    assert!(matches!(subscribed, ServerMessage::Subscribed(_)), "{subscribed:?}");
    let command = json!({ "place_order": order("a", &json!({})) }).to_string();
    let command = JsonText::parse(&command).unwrap();
    client.say(&ClientMessage::Command(CommandRequest { id: 2, key: None, command })).await;
    let answer = client.until(|message| matches!(message, ServerMessage::Ack(_) | ServerMessage::Refused(_))).await;
    let ServerMessage::Ack(ack) = answer else { panic!("{answer:?}") };
    let placed: Value = serde_json::from_str(ack.result.as_str()).unwrap();
    assert_eq!((&placed["account"], &placed["order_id"]), (&json!("replay"), &json!("1")), "{placed}");
    let has_order = |client: &Client| match client.state.get(&orders) {
        Some(TopicData::Orders(rows)) => rows.rows.contains_key("1"),
        _ => false,
    };
    while !has_order(&client) {
        client.next().await.unwrap();
    }

    // By REST: filled at the recorded time, with evidence.
    let filled = rest.get("orders/1?account=replay").await.with(200);
    assert_eq!((&filled["state"], &filled["filled"]), (&json!("filled"), &json!("1.5")), "{filled}");
    let fills = rest.get("fills?account=replay").await.with(200);
    let time = fills[0]["time_ms"].as_i64().unwrap();
    assert!((time - late).abs() <= 1, "{fills} at {late}");
    let fill = rest.get("fills/1-1?account=replay").await.with(200);
    assert!(fill["evidence"].is_object(), "{fill}");
    let preview = rest.post("orders/preview", order("p", &json!({ "account": "replay" }))).await.with(200);
    assert_eq!((&preview["filled"], &preview["refusal"]), (&json!("1.50"), &Value::Null), "{preview}");
    let resting = json!({ "type": "limit", "price": "99.00" });
    rest.post("orders", order("b", &resting)).await.with(201);
    rest.patch("orders/2?account=replay", json!({ "quantity": "3.0" })).await.with(200);
    let open = rest.get("orders?account=replay&state=open").await.with(200);
    assert_eq!((open.as_array().unwrap().len(), &open[0]["quantity"]), (1, &json!("3.0")), "{open}");
    let held = rest.get("positions?account=replay").await.with(200);
    assert_eq!((&held[0]["instrument"], &held[0]["quantity"]), (&json!(REPLAYED), &json!("1.5")), "{held}");
    for list in ["history", "equity", "risk", "performance", "strategies"] {
        rest.get(&format!("{list}?account=replay")).await.with(200);
    }
    rest.get("orders?account=replay&cursor=1").await.with(400);

    // Nothing of it is the live account's, and nothing of that is the replay's.
    for list in ["orders", "fills", "positions"] {
        assert_eq!(rest.get(list).await.with(200), json!([]), "{list}");
    }
    rest.post("orders", order("c", &json!({ "account": "paper" }))).await.refused(422, "wrong_account");
    let mut live = market("d", "buy", "20.0");
    live["account"] = json!("replay");
    rest.post("orders", live).await.refused(422, "wrong_account");
    let open = json!({ "account": "replay", "kind": "cash", "currency": "USD", "start": { "USD": "1" } });
    rest.post("accounts", open).await.refused(422, "wrong_account");
    rest.delete("orders/2").await.refused(404, "unknown_order");
    let names = |accounts: Value| -> Vec<String> {
        accounts.as_array().unwrap().iter().map(|row| row["account"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(rest.get("accounts").await.with(200)), ["paper", "replay"]);

    // Pausing, playing and another speed change nothing; a jump begins the account again.
    control(&rest, json!({ "speed": 2.0 })).await;
    control(&rest, json!("play")).await;
    control(&rest, json!("pause")).await;
    assert_eq!(rest.get("fills?account=replay").await.with(200), fills);
    control(&rest, json!({ "seek": { "position_ms": late - 100 } })).await;
    for list in ["orders", "fills", "positions"] {
        assert_eq!(rest.get(&format!("{list}?account=replay")).await.with(200), json!([]), "{list}");
    }
    while has_order(&client) {
        client.next().await.unwrap();
    }
    let again = rest.post("orders", order("a", &json!({}))).await.with(201);
    assert_eq!((&again["order_id"], &again["state"]), (&json!("1"), &json!("filled")), "{again}");

    // It ends with the replay; the live account goes on.
    rest.post("replay", json!("stop")).await.with(200);
    rest.post("orders", order("e", &json!({}))).await.refused(422, "no_replay");
    assert_eq!(names(rest.get("accounts").await.with(200)), ["paper"]);
    assert!(matches!(client.subscribe(3, &["trades:account:replay"]).await, ServerMessage::Refused(_)));
    assert_eq!(rest.buy("live", "20.0").await["instrument"], ADA);
}

#[tokio::test]
async fn the_same_orders_at_the_same_recorded_time_fill_the_same() {
    let folder = Folder::new("replays-twice");
    let server = serve(&folder.0).await;
    let rest = Rest::of(&server);
    let name = put_recording(&folder);
    let mut seen = Vec::new();
    for speed in [20.0, 100.0] {
        let load = json!({ "load": { "files": [name], "venue": "binance", "is_paused": true, "speed": speed } });
        let replay = control(&rest, load).await;
        let start = replay["start_ms"].as_i64().unwrap();
        control(&rest, json!({ "seek": { "position_ms": start + 21_000 } })).await;
        rest.post("orders", order("a", &json!({}))).await.with(201);
        rest.post("orders", order("b", &json!({ "side": "sell", "quantity": "2.5" }))).await.with(201);
        control(&rest, json!("play")).await;
        let deadline = tokio::time::Instant::now() + PATIENCE;
        while rest.get("replay").await.with(200)["replay"]["state"] != "ended" {
            assert!(tokio::time::Instant::now() < deadline);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let lists = ["fills", "orders", "positions", "history", "equity", "performance"];
        let mut shown = Vec::new();
        for list in lists {
            shown.push(rest.get(&format!("{list}?account=replay")).await.with(200));
        }
        seen.push(shown);
    }
    assert!(seen[0][0].as_array().is_some_and(|fills| fills.len() > 1), "{}", seen[0][0]);
    assert_eq!(seen[0], seen[1]);
}
