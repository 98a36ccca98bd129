//! Strategies by REST: previewed, started, paused, resumed, stopped, and going on after a restart.

use std::time::Duration;

use model::decimal::{Price, Rounding};
use serde_json::{Value, json};

use super::rest::{ADA, Folder, Rest, serve, stop};

/// A grid around the best prices.
fn grid(name: &str, (bid, ask): (Price, Price)) -> Value {
    let tick = Price::parse("0.0001").unwrap();
    let mid = bid.mid(ask).unwrap().round_to(tick, Rounding::Down).unwrap();
    let span = Price::parse("0.0200").unwrap();
    json!({
        "strategy_id": name, "kind": "grid", "instrument": ADA,
        "settings": {
            "lower": mid.checked_sub(span).unwrap(), "upper": mid.checked_add(span).unwrap(), "n_lines": 5,
            "size": { "base": "20.0" }
        }
    })
}

#[tokio::test]
async fn a_grid_is_previewed_started_and_goes_on_after_a_restart() {
    let folder = Folder::new("grid");
    let server = serve(&folder.0).await;
    let rest = Rest::of(&server);
    let body = grid("g-1", rest.best().await);
    let preview = rest.post("strategies/preview", body.clone()).await.with(200);
    assert_eq!(preview["levels"].as_array().unwrap().len(), 4, "{preview}");
    let mut dense = body.clone();
    dense["settings"]["n_lines"] = json!(150);
    rest.post("strategies/preview", dense.clone()).await.refused(422, "fees_eat_spacing");
    rest.post("strategies", dense).await.refused(422, "fees_eat_spacing");
    let started = rest.post("strategies", body.clone()).await.with(201);
    assert_eq!((&started["state"], &started["settings"]["n_lines"]), (&json!("running"), &json!(5)), "{started}");
    rest.post("strategies", body).await.refused(422, "bad_strategy");
    let before = rest.get("strategies").await.with(200);
    assert_eq!(before[0]["levels"].as_array().unwrap().len(), 4, "{before}");
    let orders = rest.get("orders?state=open&order=asc").await.with(200);
    assert!(!orders.as_array().unwrap().is_empty() && orders[0]["strategy"] == "g-1", "{orders}");
    stop(server).await;

    let server = serve(&folder.0).await;
    let rest = Rest::of(&server);
    rest.best().await;
    let after = rest.get("strategies").await.with(200);
    assert_eq!((&after[0]["strategy_id"], &after[0]["state"]), (&json!("g-1"), &json!("running")));
    let lines = |rows: &Value| -> Vec<Value> {
        rows[0]["levels"].as_array().unwrap().iter().map(|level| level["buy_price"].clone()).collect()
    };
    assert_eq!(lines(&after), lines(&before));
    assert_eq!(rest.post("strategies/g-1/pause", json!({})).await.with(200)["state"], "paused");
    assert_eq!(rest.get("orders?state=open").await.with(200), json!([]), "a pause cancels");
    assert_eq!(rest.post("strategies/g-1/resume", json!({})).await.with(200)["state"], "running");
    // Its orders come with the next prices.
    tokio::time::timeout(Duration::from_secs(5), async {
        while rest.get("orders?state=open").await.with(200) == json!([]) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await
    .unwrap();
    rest.post("strategies/g-1/stop", json!({ "choice": "sell" })).await.refused(422, "bad_request");
    assert_eq!(rest.post("strategies/g-1/stop", json!({ "choice": "flatten" })).await.with(200)["state"], "stopped");
    rest.post("strategies/g-1/resume", json!({})).await.refused(422, "strategy_state");
    rest.post("strategies/none/pause", json!({})).await.refused(404, "unknown_strategy");
}
