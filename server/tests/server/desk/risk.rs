//! Risk: limits, their use, and the kill switch, which survives a restart.

use serde_json::json;

use super::rest::{ADA, Folder, Rest, market, resting, serve, stop};

#[tokio::test]
async fn limits_are_set_shown_and_kept() {
    let folder = Folder::new("limits");
    let server = serve(&folder.0).await;
    let rest = Rest::of(&server);
    rest.best().await;
    let set = rest.put("risk", json!({ "limits": { "max_open_orders": 2, "max_order_value": "50" } })).await.with(200);
    assert_eq!((&set["account"], &set["limits"]["max_order_value"]), (&json!("paper"), &json!("50")), "{set}");
    rest.put("risk", json!({ "limits": { "max_orders": 2 } })).await.refused(422, "bad_request");
    let refused = rest.post("orders", resting("l-0", "1000.0")).await.refused(422, "max_order_value");
    assert!(refused["limit"].to_string().contains("50") && refused["value"].to_string().contains("100"), "{refused}");
    for name in ["l-1", "l-2"] {
        rest.post("orders", resting(name, "100.0")).await.with(201);
    }
    rest.post("orders", resting("l-3", "100.0")).await.refused(422, "max_open_orders");
    let used = rest.get("risk").await.with(200)["used"].clone();
    let open = used.as_array().unwrap().iter().find(|used| used["code"] == "max_open_orders").unwrap();
    assert_eq!(open["share"].as_str().unwrap().parse::<f64>().unwrap(), 1.0, "{open}");
    rest.post("risk/lift-reduce-only", json!({})).await.with(200);
    stop(server).await;
    let server = serve(&folder.0).await;
    assert_eq!(Rest::of(&server).get("risk").await.with(200)["limits"]["max_order_value"], "50");
}

#[tokio::test]
async fn the_kill_switch_cancels_flattens_and_survives_a_restart() {
    let folder = Folder::new("kill");
    let server = serve(&folder.0).await;
    let rest = Rest::of(&server);
    rest.best().await;
    rest.buy("k-1", "10.0").await;
    for name in ["k-2", "k-3", "k-4"] {
        rest.post("orders", resting(name, "100.0")).await.with(201);
    }
    let report = rest.post("risk/kill", json!({ "reason": "drill" })).await.with(200);
    assert_eq!((&report["is_on"], &report["n_cancelled"]), (&json!(true), &json!(3)), "{report}");
    assert_eq!((&report["open_orders"], &report["open_positions"]), (&json!([]), &json!([["paper", ADA]])));
    rest.post("orders", market("k-5", "buy", "10.0")).await.refused(422, "kill_switch");
    assert_eq!(rest.get("orders?state=open").await.with(200), json!([]));
    stop(server).await;

    let server = serve(&folder.0).await;
    let rest = Rest::of(&server);
    rest.best().await;
    assert_eq!(rest.get("risk").await.with(200)["kill"]["reason"], "drill");
    rest.post("orders", market("k-5", "buy", "10.0")).await.refused(422, "kill_switch");
    let report = rest.post("risk/kill", json!({ "reason": "drill", "flatten": true })).await.with(200);
    assert_eq!((&report["is_on"], &report["open_positions"]), (&json!(true), &json!([])), "{report}");
    rest.post("risk/lift", json!({ "reason": " " })).await.refused(422, "bad_request");
    assert_eq!(rest.post("risk/lift", json!({ "reason": "done" })).await.with(200)["is_on"], false);
    rest.buy("k-5", "10.0").await;
}
