//! A server that is stopped and started on the same folder has the same orders, fills, positions and history.

use serde_json::{Value, json};

use super::rest::{Folder, Rest, market, resting, serve, stop};

/// Returns what must be the same afterwards.
async fn kept(rest: &Rest) -> Vec<Value> {
    let mut seen = Vec::new();
    for path in ["orders", "fills", "history", "equity"] {
        seen.push(json!(rest.all(path, 1_000).await));
    }
    let positions = rest.get("positions").await.with(200);
    seen.push(json!([positions[0]["quantity"], positions[0]["average_price"], positions[0]["realised_pnl"]]));
    let accounts = rest.get("accounts").await.with(200);
    seen.push(json!([accounts[0]["cash"][0]["balance"], accounts[0]["fees"], accounts[0]["realised_pnl"]]));
    seen
}

/// Removes what a restart changes, and what depends on the book of now.
fn without_gap(mut orders: Value) -> Value {
    for order in orders.as_array_mut().unwrap() {
        for name in ["has_gap", "updated_time_ms", "ahead", "waiting_for"] {
            order.as_object_mut().unwrap().remove(name);
        }
    }
    orders
}

#[tokio::test]
async fn a_restart_changes_nothing_but_marks_what_was_open() {
    let folder = Folder::new("restart");
    let server = serve(&folder.0).await;
    let rest = Rest::of(&server);
    rest.best().await;
    rest.buy("s-1", "10.0").await;
    rest.post("orders", market("s-2", "sell", "4.0")).await.with(201);
    rest.post("orders", market("s-3", "sell", "16.0")).await.with(201);
    rest.post("orders", resting("s-4", "100.0")).await.with(201);
    let before = kept(&rest).await;
    stop(server).await;

    let server = serve(&folder.0).await;
    let rest = Rest::of(&server);
    rest.best().await;
    let after = kept(&rest).await;
    assert_eq!(without_gap(after[0].clone()), without_gap(before[0].clone()));
    assert_eq!(after[1..3], before[1..3]);
    let samples = (before[3].as_array().unwrap(), after[3].as_array().unwrap());
    assert_eq!(samples.1[..samples.0.len()], samples.0[..]);
    assert_eq!(after[4..], before[4..]);
    assert_eq!((&after[0][0]["client_order_id"], &after[0][0]["has_gap"]), (&json!("s-4"), &json!(true)));
    assert_eq!(after[0][1]["has_gap"], false, "it had ended");
    // Names are remembered, and numbers go on.
    rest.post("orders", resting("s-4", "100.0")).await.with(200);
    assert_eq!(rest.post("orders", resting("s-5", "100.0")).await.with(201)["order_id"], "5");
}
