//! Lists: fills, positions, history, accounts and equity; paging, filters, and CSV.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::rest::{ADA, Folder, Rest, market, quantity, resting, serve};

/// Three round trips, the last one half closed.
async fn trade(rest: &Rest) {
    rest.best().await;
    for (name, side, size) in [
        ("t-1", "buy", "10.0"),
        ("t-2", "sell", "10.0"),
        ("t-3", "sell", "30.0"),
        ("t-4", "buy", "30.0"),
        ("t-5", "buy", "8.0"),
        ("t-6", "sell", "3.0"),
    ] {
        let order = rest.post("orders", market(name, side, size)).await.with(201);
        assert_eq!(order["state"], "filled", "{order}");
    }
}

#[tokio::test]
async fn lists_show_what_was_traded() {
    let folder = Folder::new("lists");
    let server = serve(&folder.0).await;
    let rest = Rest::of(&server);
    trade(&rest).await;
    let fills = rest.get("fills").await.with(200);
    let fields: BTreeSet<&str> = fills[0].as_object().unwrap().keys().map(String::as_str).collect();
    let expected = [
        "account",
        "fee",
        "fee_currency",
        "fill_id",
        "instrument",
        "liquidity",
        "order_id",
        "price",
        "quantity",
        "side",
        "time_ms",
    ];
    assert_eq!(fields, BTreeSet::from(expected));
    assert_eq!((&fills[0]["order_id"], &fills[0]["liquidity"]), (&json!("6"), &json!("taker")), "newest first");
    let of_one = rest.get("fills?order_id=3&side=sell").await.with(200);
    assert!(of_one.as_array().unwrap().iter().all(|fill| fill["order_id"] == "3"), "{of_one}");
    assert_eq!(rest.get("fills?side=buy&order_id=3").await.with(200), json!([]));
    assert_eq!(rest.get("fills?until_ms=1").await.with(200), json!([]));
    let one = rest.get(&format!("fills/{}", fills[0]["fill_id"].as_str().unwrap())).await.with(200);
    assert!(one["evidence"]["cause"]["level"]["displayed"].is_string(), "{one}");
    let positions = rest.get("positions").await.with(200);
    assert_eq!(
        (&positions[0]["instrument"], quantity(&positions[0]["quantity"]).to_string()),
        (&json!(ADA), "5.0".into())
    );
    assert_eq!(positions.as_array().unwrap().len(), 1);
    let history = rest.get("history").await.with(200);
    assert_eq!(history.as_array().unwrap().len(), 2, "{history}");
    assert_eq!((&history[1]["side"], &history[1]["quantity"]), (&json!("buy"), &json!("10")));
    assert!(history[0]["net_pnl"].is_string() && history[0]["entry_time_ms"].is_i64(), "{history}");
    let by_value = rest.get("history?sort=value&order=asc").await.with(200);
    assert_eq!(by_value[0]["quantity"], "10");
    let account = rest.get("accounts").await.with(200);
    assert_eq!((&account[0]["account"], &account[0]["n_round_trips"]), (&json!("paper"), &json!(2)));
    assert!(!rest.get("equity").await.with(200).as_array().unwrap().is_empty());
    // Positions are closed and reversed with orders of their own.
    let reversed = rest.post("positions/close", json!({ "instrument": ADA, "reverse": true })).await.with(200);
    assert_eq!((&reversed["side"], &reversed["quantity"]), (&json!("sell"), &json!("10.0")), "{reversed}");
    rest.post("positions/close", json!({ "instrument": ADA })).await.with(200);
    assert_eq!(rest.get("positions").await.with(200), json!([]));
}

#[tokio::test]
async fn other_accounts_are_opened_and_kept_apart() {
    let folder = Folder::new("accounts");
    let server = serve(&folder.0).await;
    let rest = Rest::of(&server);
    rest.best().await;
    let open = json!({ "account": "second", "kind": "cash", "currency": "USD", "start": { "USD": "500.00" } });
    assert_eq!(rest.post("accounts", open.clone()).await.with(201)["time_zone"], "UTC");
    rest.post("accounts", open).await.refused(422, "bad_request");
    let mars = json!({ "account": "m", "kind": "cash", "currency": "USD", "start": {}, "time_zone": "Mars" });
    assert!(rest.post("accounts", mars).await.refused(422, "bad_request")["message"].to_string().contains("Mars"));
    let mut order = market("x-1", "buy", "10.0");
    order["account"] = json!("second");
    rest.post("orders", order).await.with(201);
    assert_eq!(rest.get("fills").await.with(200), json!([]));
    assert!(!rest.get("fills?account=second").await.with(200).as_array().unwrap().is_empty());
    assert_eq!(rest.get("accounts").await.with(200).as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn pages_follow_one_another_without_a_gap() {
    let folder = Folder::new("paging");
    let server = serve(&folder.0).await;
    let rest = Rest::of(&server);
    rest.best().await;
    for number in 0..25 {
        rest.post("orders", resting(&format!("g-{number}"), "100.0")).await.with(201);
    }
    for (order, first) in [("desc", "25"), ("asc", "1")] {
        for limit in [1, 7, 25, 1_000] {
            let rows = rest.all(&format!("orders?order={order}"), limit).await;
            let ids: Vec<u32> = rows.iter().map(|row| row["order_id"].as_str().unwrap().parse().unwrap()).collect();
            let unique: BTreeSet<u32> = ids.iter().copied().collect();
            assert_eq!((rows.len(), unique.len()), (25, 25), "{order} {limit}");
            assert_eq!(rows[0]["order_id"], first, "{order} {limit}");
            let is_sorted = if order == "asc" { ids.is_sorted() } else { ids.is_sorted_by(|a, b| a > b) };
            assert!(is_sorted, "{ids:?}");
        }
    }
    // New rows shift nothing.
    let page = rest.get("orders?limit=10").await;
    let cursor = page.next.clone().unwrap();
    rest.post("orders", resting("g-late", "100.0")).await.with(201);
    let next = rest.get(&format!("orders?limit=10&cursor={cursor}")).await.with(200);
    assert_eq!(next[0]["order_id"], "15");
    assert_eq!(rest.get("orders?limit=26").await.next, None, "the last page names no other");
}

/// Reads a table into rows of fields.
fn table(text: &str) -> Vec<Vec<String>> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes());
    reader.records().map(|record| record.unwrap().iter().map(str::to_owned).collect()).collect()
}

#[tokio::test]
async fn tables_say_the_same_as_json() {
    let folder = Folder::new("csv");
    let server = serve(&folder.0).await;
    let rest = Rest::of(&server);
    trade(&rest).await;
    // A name that a spreadsheet would take for a formula.
    rest.post("orders", resting("=1+1", "100.0")).await.with(201);
    for path in ["fills", "history", "positions", "orders"] {
        let rows = rest.get(path).await.with(200);
        let answer = rest.get(&format!("{path}{}format=csv", if path.contains('?') { '&' } else { '?' })).await;
        assert_eq!(answer.status, 200);
        let table = table(&answer.text);
        assert_eq!(table.len(), rows.as_array().unwrap().len() + 1, "{path}");
        for (cells, row) in table[1..].iter().zip(rows.as_array().unwrap()) {
            for (name, cell) in table[0].iter().zip(cells) {
                if ["mark", "value", "quote_unrealised_pnl", "unrealised_pnl"].contains(&name.as_str()) {
                    continue; // They move with the market between the two requests.
                }
                let expected = match (&row[name], &row[format!("{name}_ms")]) {
                    (_, Value::Number(millis)) => {
                        model::time::Timestamp::from_millis(millis.as_i64().unwrap()).to_string()
                    }
                    (Value::String(text), _) if text.starts_with(['=', '@']) => format!("'{text}"),
                    (Value::String(text), _) => text.clone(),
                    (Value::Object(reason), _) if name == "reason" => reason["code"].as_str().unwrap().to_owned(),
                    (Value::Object(_), _) => row["fees_in_quote"].as_str().unwrap().to_owned(),
                    (Value::Null, _) => String::new(),
                    (other, _) => other.to_string(),
                };
                assert_eq!(*cell, expected, "{path} {name}");
            }
        }
    }
    assert!(rest.get("orders?format=csv").await.text.contains("'=1+1,paper"));
}
