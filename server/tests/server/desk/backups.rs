//! Backups while four clients trade, `DESK_BACKUPS` of them, 3 by default: each restores to everything that had been
//! acknowledged when it began.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, Ordering},
};

use serde_json::{Value, json};

use super::{
    process::{Process, run, words},
    rest::{Folder, Rest, market, resting},
};

/// Places orders until it is told to stop; notes each acknowledgement.
async fn trade(rest: Rest, client: usize, is_over: Arc<AtomicBool>, acknowledged: Arc<Mutex<Vec<Value>>>) {
    for number in 0.. {
        if is_over.load(Ordering::Relaxed) {
            return;
        }
        let name = format!("c{client}-{number}");
        let body = match number % 3 {
            0 => market(&name, "buy", "2.0"),
            1 => market(&name, "sell", "2.0"),
            _ => resting(&name, "100.0"),
        };
        let order = rest.post("orders", body).await.with(201);
        if order["type"] == "limit" {
            rest.delete(&format!("orders/{}", order["order_id"].as_str().unwrap())).await.with(200);
        } else {
            acknowledged.lock().unwrap().push(order);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_during_load_restores_what_was_acknowledged() {
    let n_backups: usize = std::env::var("DESK_BACKUPS").map_or(3, |text| text.parse().unwrap());
    let folder = Folder::new("backups");
    let data = folder.0.join("data");
    let server = Process::start(&data);
    let rest = server.rest();
    rest.best().await;
    rest.put("risk", json!({ "limits": {} })).await.with(200);
    let (is_over, acknowledged) = (Arc::new(AtomicBool::new(false)), Arc::default());
    let client = |client| tokio::spawn(trade(rest.clone(), client, Arc::clone(&is_over), Arc::clone(&acknowledged)));
    let clients: Vec<_> = (0..4).map(client).collect();
    let mut backups = Vec::new();
    for number in 0..n_backups {
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        let known = acknowledged.lock().unwrap().clone();
        let copy = folder.0.join(format!("copy-{number}.db"));
        let output = run(&["backup", copy.to_str().unwrap()], &data);
        assert!(output.status.success(), "{}", words(&output));
        backups.push((copy, known));
    }
    is_over.store(true, Ordering::Relaxed);
    for client in clients {
        client.await.unwrap();
    }
    server.kill();
    let mut n_orders = 0;
    for (number, (copy, known)) in backups.iter().enumerate() {
        let restored = folder.0.join(format!("restored-{number}"));
        std::fs::create_dir(&restored).unwrap();
        let output = run(&["restore", copy.to_str().unwrap()], &restored);
        assert!(output.status.success(), "{}", words(&output));
        let output = run(&["store", "check"], &restored);
        assert!(output.status.success(), "{}", words(&output));
        let server = Process::start(&restored);
        let orders = server.rest().all("orders?order=asc", 1_000).await;
        for order in known {
            let row = orders.iter().find(|row| row["client_order_id"] == order["client_order_id"]);
            let row = row.unwrap_or_else(|| panic!("copy {number} lacks {order}"));
            for field in ["order_id", "state", "filled", "filled_value"] {
                assert_eq!(row[field], order[field], "copy {number}, {field}");
            }
        }
        let filled: u64 = orders.iter().map(|order| order["n_fills"].as_u64().unwrap()).sum();
        assert_eq!(server.rest().all("fills", 1_000).await.len() as u64, filled, "copy {number}");
        n_orders = known.len();
        server.kill();
    }
    println!("{n_backups} backups under load restored; the last one was taken after {n_orders} acknowledged trades");
}
