//! Orders: placed, shown, changed, cancelled, refused and repeated, by REST and over the stream.

use serde_json::{Value, json};
use topics::topic::Topic;
use wire::{
    Encoding,
    message::{ClientMessage, CommandRequest, JsonText, ServerMessage},
};

use super::rest::{ADA, Folder, Rest, market, resting, serve};
use crate::client::Client;

#[tokio::test]
async fn an_order_over_the_stream_is_acknowledged_and_published() {
    let folder = Folder::new("stream");
    let server = serve(&folder.0).await;
    Rest::of(&server).best().await;
    let mut client = Client::greet(&server, Encoding::Json).await;
    let answer = client.subscribe(1, &["orders:account:paper"]).await;
    assert!(matches!(answer, ServerMessage::Subscribed(_)), "{answer:?}");
    let command = json!({ "place_order": market("s-1", "buy", "10.0") }).to_string();
    let command = JsonText::parse(&command).unwrap();
    client.say(&ClientMessage::Command(CommandRequest { id: 2, key: None, command })).await;
    let answer = client.until(|message| matches!(message, ServerMessage::Ack(_) | ServerMessage::Refused(_))).await;
    let ServerMessage::Ack(ack) = answer else { panic!("{answer:?}") };
    let order: Value = serde_json::from_str(ack.result.as_str()).unwrap();
    assert_eq!((&order["state"], &order["filled"]), (&json!("filled"), &json!("10.0")), "{order}");
    // The row of the channel follows within a lane's turn.
    let topic = Topic::parse("orders:account:paper").unwrap();
    loop {
        if client.state.get(&topic).is_some_and(|data| format!("{data:?}").contains("s-1")) {
            break;
        }
        client.next().await.unwrap();
    }
}

#[tokio::test]
async fn orders_have_their_life_by_rest() {
    let folder = Folder::new("orders");
    let server = serve(&folder.0).await;
    let rest = Rest::of(&server);
    rest.best().await;
    let placed = rest.post("orders", resting("a-1", "100.0")).await.with(201);
    assert_eq!((&placed["order_id"], &placed["state"]), (&json!("1"), &json!("open")));
    assert!(placed["created_time_ms"].is_i64() && placed["type"] == "limit", "{placed}");
    // The same name again is the same order, and nothing is placed.
    assert_eq!(rest.post("orders", resting("a-1", "100.0")).await.with(200)["order_id"], "1");
    rest.post("orders", market("a-1", "buy", "5.0")).await.refused(422, "client_order_id_reused");
    let row = rest.get("orders/1").await.with(200);
    assert_eq!((&row["client_order_id"], &row["average_price"]), (&json!("a-1"), &Value::Null));
    let amended = rest.patch("orders/1", json!({ "quantity": "50.0", "price": "0.1010" })).await.with(200);
    assert_eq!((&amended["quantity"], &amended["price"]), (&json!("50.0"), &json!("0.1010")));
    assert_eq!(rest.get("orders?state=open").await.with(200).as_array().unwrap().len(), 1);
    let cancelled = rest.delete("orders/1").await.with(200);
    assert_eq!(
        (&cancelled["state"], &cancelled["reason"]["code"]),
        (&json!("cancelled"), &json!("cancelled_by_trader"))
    );
    rest.delete("orders/1").await.refused(422, "order_closed");
    rest.patch("orders/1", json!({ "quantity": "50.0" })).await.refused(422, "order_closed");
    // All of an account at once.
    for name in ["a-2", "a-3"] {
        rest.post("orders", resting(name, "100.0")).await.with(201);
    }
    let all = rest.delete(&format!("orders?instrument={ADA}")).await.with(200);
    assert_eq!(all.as_array().unwrap().len(), 2, "{all}");
    assert_eq!(rest.get("orders?state=open").await.with(200), json!([]));
    assert_eq!(rest.get("orders?state=closed&order=asc").await.with(200)[0]["order_id"], "1");
}

#[tokio::test]
async fn a_preview_places_nothing_and_names_the_refusal() {
    let folder = Folder::new("preview");
    let server = serve(&folder.0).await;
    let rest = Rest::of(&server);
    let (_, ask) = rest.best().await;
    let seen = rest.post("orders/preview", market("p-1", "buy", "10.0")).await.with(200);
    assert_eq!((&seen["filled"], &seen["refusal"]), (&json!("10.0"), &Value::Null), "{seen}");
    assert!(seen["average_price"].is_string() && seen["fee"].is_string(), "{seen}");
    // Orders that the broker would refuse on arrival, once it sees the book. Well above the best ask, which moves.
    let above = format!("{:.4}", ask.to_f64_lossy() * 1.02);
    for (price, changes, code) in [
        (above.as_str(), json!({ "post_only": true }), json!("post_only_would_take")),
        ("0.1000", json!({ "post_only": true }), Value::Null),
        ("0.1000", json!({ "time_in_force": "fok" }), json!("fok_unfillable")),
        ("0.1000", json!({ "time_in_force": "ioc" }), json!("nothing_left_to_take")),
        (above.as_str(), json!({ "time_in_force": "ioc" }), Value::Null),
    ] {
        let mut body = resting("p-1", "100.0");
        body["price"] = json!(price);
        body.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        let seen = rest.post("orders/preview", body).await.with(200);
        assert_eq!(seen["refusal"].get("code").unwrap_or(&Value::Null), &code, "{changes} {seen}");
    }
    rest.put("risk", json!({ "limits": { "max_order_value": "1" } })).await.with(200);
    let seen = rest.post("orders/preview", market("p-1", "buy", "10.0")).await.with(200);
    assert_eq!(seen["refusal"]["code"], "max_order_value", "{seen}");
    assert_eq!(rest.get("orders").await.with(200), json!([]));
}

#[tokio::test]
async fn refusals_have_a_code_a_limit_and_a_value() {
    let folder = Folder::new("refusals");
    let server = serve(&folder.0).await;
    let rest = Rest::of(&server);
    rest.best().await;
    let with = |changes: Value| {
        let mut body = resting("r-1", "100.0");
        body.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        body
    };
    // Unreadable fields are named.
    for (changes, word) in [
        (json!({ "side": "long" }), "side"),
        (json!({ "quantity": 100 }), "quantity"),
        (json!({ "price": "1e3" }), "price"),
        (json!({ "instrument": "ADA" }), "instrument"),
        (json!({ "colour": "red" }), "colour"),
        (json!({ "client_order_id": "" }), "client_order_id"),
    ] {
        let refused = rest.post("orders", with(changes)).await.refused(422, "bad_request");
        assert!(refused["message"].as_str().unwrap().contains(word), "{word}: {refused}");
    }
    for (changes, status, code) in [
        (json!({ "account": "nobody" }), 404, "unknown_account"),
        (json!({ "instrument": "demo:NONE-SIM" }), 422, "unknown_instrument"),
        (json!({ "price": "0.10001" }), 422, "price_off_tick"),
        (json!({ "quantity": "0.05" }), 422, "quantity_off_lot"),
        (json!({ "type": "market" }), 422, "field_not_allowed"),
        (json!({ "price": "0.9" }), 422, "price_collar"),
        (json!({ "quantity": "100000000.0" }), 422, "insufficient_funds"),
    ] {
        let refused = rest.post("orders", with(changes)).await.refused(status, code);
        if ["price_collar", "insufficient_funds"].contains(&code) {
            assert!(refused["limit"].is_string() && refused["value"].is_string(), "{refused}");
        }
    }
    rest.get("orders/77").await.refused(404, "unknown_order");
    rest.get("orders/x").await.refused(404, "unknown_order");
    rest.delete("orders/77").await.refused(404, "unknown_order");
    rest.get("fills/1-1").await.refused(404, "unknown_order");
    rest.get("positions?account=nobody").await.refused(404, "unknown_account");
    rest.post("positions/close", json!({ "instrument": ADA })).await.refused(422, "nothing_to_reduce");
    for path in ["orders?state=half", "fills?limit=0", "fills?limit=1001", "fills?cursor=x", "history?sort=luck"] {
        assert_eq!(rest.get(path).await.with(400)["error"]["code"], "bad_parameter", "{path}");
    }
    assert_eq!(rest.get("orders").await.with(200), json!([]));
}

#[tokio::test]
async fn a_server_without_a_desk_says_so() {
    let server = crate::client::demo_server(|_| {}).await;
    let rest = Rest::of(&server);
    rest.get("orders").await.refused(503, "unavailable");
    rest.post("orders", resting("n-1", "100.0")).await.refused(503, "unavailable");
    rest.post("risk/kill", json!({})).await.refused(503, "unavailable");
}
