//! The same order sent several times at once is one order (`DESK_ORDERS` of them, 500 by default).

use std::collections::BTreeMap;

use futures::{StreamExt, stream};
use serde_json::{Value, json};

use super::rest::{Folder, Rest, resting, serve};

#[tokio::test(flavor = "multi_thread")]
async fn the_same_name_at_once_is_one_order() {
    let n_orders: u64 = std::env::var("DESK_ORDERS").map_or(500, |text| text.parse().unwrap());
    let folder = Folder::new("duplicates");
    let server = serve(&folder.0).await;
    let rest = Rest::of(&server);
    rest.best().await;
    // No limit of number or rate.
    rest.put("risk", json!({ "limits": {} })).await.with(200);
    let names = (0..n_orders).flat_map(|number| {
        // Once, twice or three times, spread by a multiplicative generator.
        let n_times = 1 + number.wrapping_mul(0x9E37_79B9_7F4A_7C15) % 3;
        (0..n_times).map(move |_| format!("d-{number}"))
    });
    let answers: Vec<(String, u16, Value)> = stream::iter(names)
        .map(|name| {
            let rest = rest.clone();
            async move {
                let answer = rest.post("orders", resting(&name, "100.0")).await;
                (name, answer.status, answer.json())
            }
        })
        .buffer_unordered(32)
        .collect()
        .await;
    let mut by_name: BTreeMap<&str, Vec<(u16, &Value)>> = BTreeMap::new();
    for (name, status, order) in &answers {
        by_name.entry(name).or_default().push((*status, &order["order_id"]));
    }
    assert_eq!(by_name.len() as u64, n_orders);
    for (name, answers) in &by_name {
        assert_eq!(answers.iter().filter(|(status, _)| *status == 201).count(), 1, "{name}: {answers:?}");
        assert!(answers.iter().all(|(status, id)| [200, 201].contains(status) && *id == answers[0].1), "{answers:?}");
    }
    let rows = rest.all("orders", 1_000).await;
    assert_eq!(rows.len() as u64, n_orders);
    println!("{n_orders} orders sent {} times: {} rows", answers.len(), rows.len());
}
