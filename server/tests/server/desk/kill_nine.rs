//! The binary killed under load, again and again (`DESK_KILLS` times, 5 by default): nothing that was acknowledged is
//! lost or doubled, and the money adds up.
//!
//! Four clients place market and limit orders and cancel, 40 requests a second together. Each acknowledgement is on disk
//! in a file of the test's own before the next request. A request without an answer is sent again after the restart.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    io::Write,
    path::Path,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use model::decimal::{Notional, Price, Quantity};
use reqwest::Method;
use serde_json::{Value, json};

use super::{
    process::{Process, run, words},
    rest::{ADA, Folder, Rest, market, quantity, resting},
};

const N_CLIENTS: u64 = 4;
const PACE: Duration = Duration::from_millis(100);

/// Clients' view: the newest acknowledgement of each order, and requests without an answer.
#[derive(Default)]
struct Notes {
    orders: BTreeMap<String, Value>,
    n_acknowledged: u64,
    unanswered: Vec<Value>,
}

#[derive(Clone)]
struct Witness(Arc<Mutex<(File, Notes)>>);

impl Witness {
    fn acknowledge(&self, order: &Value) {
        let mut guard = self.0.lock().unwrap();
        writeln!(guard.0, "{order}").unwrap();
        guard.0.sync_data().unwrap();
        guard.1.n_acknowledged += 1;
        guard.1.orders.insert(order["client_order_id"].as_str().unwrap().to_owned(), order.clone());
    }
}

/// Trades until the connection breaks.
async fn trade(rest: Rest, witness: Witness, client: u64, cycle: u64) {
    let mut pace = tokio::time::interval(PACE);
    pace.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut resting_id = None;
    for number in 0.. {
        pace.tick().await;
        let name = format!("c{client}-{cycle}-{number}");
        let body = match number % 5 {
            0 | 4 => market(&name, "buy", "3.0"),
            1 => resting(&name, "100.0"),
            2 => market(&name, "sell", if client == 0 { "9.0" } else { "3.0" }),
            _ => {
                let Some(order_id) = resting_id.take() else { continue };
                match rest.ask(Method::DELETE, &format!("orders/{order_id}"), None).await {
                    Ok(answer) => witness.acknowledge(&answer.with(200)),
                    Err(_) => return,
                }
                continue;
            }
        };
        match rest.ask(Method::POST, "orders", Some(&body)).await {
            Ok(answer) => {
                let order = answer.with(201);
                if body["type"] == "limit" {
                    resting_id = order["order_id"].as_str().map(str::to_owned);
                }
                witness.acknowledge(&order);
            }
            Err(_) => return witness.0.lock().unwrap().1.unanswered.push(body),
        }
    }
}

/// Compares what the server has with what clients know. Returns its orders and fills.
async fn check(rest: &Rest, known: &Notes, fills_before: &BTreeMap<String, Value>) -> (usize, BTreeMap<String, Value>) {
    let orders = rest.all("orders?order=asc", 1_000).await;
    let fills = rest.all("fills?order=asc", 1_000).await;
    let names: BTreeSet<&str> = orders.iter().map(|order| order["client_order_id"].as_str().unwrap()).collect();
    assert_eq!(names.len(), orders.len(), "a name is there twice");
    let by_name: BTreeMap<&str, &Value> =
        orders.iter().map(|order| (order["client_order_id"].as_str().unwrap(), order)).collect();
    for (name, acknowledged) in &known.orders {
        let row = by_name.get(name.as_str()).unwrap_or_else(|| panic!("{name} is lost: {acknowledged}"));
        assert_eq!(row["order_id"], acknowledged["order_id"], "{name}");
        assert!(quantity(&row["filled"]) >= quantity(&acknowledged["filled"]), "{row} {acknowledged}");
        if acknowledged["state"] != "open" {
            for field in ["state", "filled", "filled_value", "n_fills", "updated_time_ms"] {
                assert_eq!(row[field], acknowledged[field], "{name} {field}");
            }
        }
    }
    let by_id: BTreeMap<String, Value> =
        fills.iter().map(|fill| (fill["fill_id"].as_str().unwrap().to_owned(), fill.clone())).collect();
    assert_eq!(by_id.len(), fills.len(), "a fill is there twice");
    for (id, fill) in fills_before {
        assert_eq!(by_id.get(id), Some(fill), "a fill is lost or changed");
    }
    let mut filled: BTreeMap<&str, (u64, Quantity)> = BTreeMap::new();
    for fill in &fills {
        let entry = filled.entry(fill["order_id"].as_str().unwrap()).or_default();
        *entry = (entry.0 + 1, entry.1.checked_add(quantity(&fill["quantity"])).unwrap());
    }
    for order in &orders {
        let expected = filled.get(order["order_id"].as_str().unwrap()).copied().unwrap_or_default();
        assert_eq!((order["n_fills"].as_u64().unwrap(), quantity(&order["filled"])), expected, "{order}");
    }
    check_money(rest, &fills).await;
    (orders.len(), by_id)
}

/// Cash is the start, less what was bought, plus what was sold, less fees; of a margin account the open position's cost
/// is not paid but carried. All of it exact.
async fn check_money(rest: &Rest, fills: &[Value]) {
    let notional = |value: &Value| Notional::parse(value.as_str().unwrap()).unwrap();
    let (mut flow, mut fees, mut bought, mut sold) = (Notional::ZERO, Notional::ZERO, Quantity::ZERO, Quantity::ZERO);
    for fill in fills {
        let size = quantity(&fill["quantity"]);
        let value = Price::parse(fill["price"].as_str().unwrap()).unwrap().checked_mul(size).unwrap();
        fees = fees.checked_add(notional(&fill["fee"])).unwrap();
        if fill["side"] == "buy" {
            flow = flow.checked_sub(value).unwrap();
            bought = bought.checked_add(size).unwrap();
        } else {
            flow = flow.checked_add(value).unwrap();
            sold = sold.checked_add(size).unwrap();
        }
    }
    let positions = rest.get("positions").await.with(200);
    let position = positions.as_array().unwrap().first();
    let held = if bought >= sold {
        bought.checked_sub(sold).unwrap().long()
    } else {
        sold.checked_sub(bought).unwrap().short()
    };
    let shown = position.map_or("0".to_owned(), |row| row["quantity"].as_str().unwrap().to_owned());
    assert_eq!(model::decimal::SignedQuantity::parse(&shown).unwrap(), held);
    let cost = position.map_or(Notional::ZERO, |row| notional(&row["cost"]));
    let account = rest.get("accounts").await.with(200)[0].clone();
    let currency = fills.first().map_or(json!("USD"), |fill| fill["fee_currency"].clone());
    let cash = account["cash"].as_array().unwrap().iter().filter(|line| line["currency"] == currency);
    let cash = cash.fold(Notional::ZERO, |sum, line| sum.checked_add(notional(&line["amount"])).unwrap());
    let start = if currency == "USD" { Notional::parse("100000").unwrap() } else { Notional::ZERO };
    let expected = start.checked_add(flow).unwrap().checked_add(cost).unwrap().checked_sub(fees).unwrap();
    assert_eq!(cash, expected, "{account}");
}

/// The next number of a xorshift generator.
fn next_random(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

fn check_files(data: &Path) {
    let output = run(&["store", "check"], data);
    assert!(output.status.success(), "{}", words(&output));
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_acknowledged_is_lost_or_doubled_by_kills() {
    let n_kills: u64 = std::env::var("DESK_KILLS").map_or(5, |text| text.parse().unwrap());
    let folder = Folder::new("kill-nine");
    let data = folder.0.join("data");
    let file = File::create(folder.0.join("acknowledged.jsonl")).unwrap();
    let witness = Witness(Arc::new(Mutex::new((file, Notes::default()))));
    let mut random = u64::from(std::process::id()) | 1 << 40;
    let mut process = Process::start(&data);
    let mut fills = BTreeMap::new();
    let (mut n_orders, mut n_resent, mut slowest) = (0, 0, Duration::ZERO);
    process.rest().best().await;
    process.rest().put("risk", json!({ "limits": {} })).await.with(200);
    for cycle in 0..n_kills {
        let clients: Vec<_> =
            (0..N_CLIENTS).map(|client| tokio::spawn(trade(process.rest(), witness.clone(), client, cycle))).collect();
        tokio::time::sleep(Duration::from_millis(50 + next_random(&mut random) % 1_450)).await;
        process.kill();
        for client in clients {
            client.await.unwrap();
        }
        check_files(&data);
        let started = Instant::now();
        process = Process::start(&data);
        slowest = slowest.max(started.elapsed());
        let rest = process.rest();
        rest.best().await;
        let unanswered = std::mem::take(&mut witness.0.lock().unwrap().1.unanswered);
        {
            let known = std::mem::take(&mut witness.0.lock().unwrap().1);
            (n_orders, fills) = check(&rest, &known, &fills).await;
            witness.0.lock().unwrap().1 = known;
        }
        for body in unanswered {
            n_resent += 1;
            let answer = rest.post("orders", body).await;
            assert!([200, 201].contains(&answer.status), "{answer:?}");
            witness.acknowledge(&answer.json());
        }
        // A position that grows without end would reach the leverage.
        if cycle % 10 == 9 && rest.post("positions/close", json!({ "instrument": ADA })).await.status == 200 {
            rest.delete("orders").await.with(200);
        }
    }
    let known = std::mem::take(&mut witness.0.lock().unwrap().1);
    assert!(known.n_acknowledged > n_kills, "the clients got {} answers", known.n_acknowledged);
    println!(
        "{n_kills} kills: {} acknowledged, {n_resent} sent again, {n_orders} orders, {} fills, 0 lost, 0 doubled; \
         slowest start {slowest:?}",
        known.n_acknowledged,
        fills.len()
    );
}
