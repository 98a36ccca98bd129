//! All figures of the desk, recomputed in Python from the exported fills: equal to the last digit.
//!
//! The program is `oracles/figures.py`, written from `docs/paper-trading.md`. It needs Python 3; without it this test says
//! so and checks nothing.

use std::{path::Path, process::Command, time::Duration};

use serde_json::{Value, json};
use tokio::time::Instant;

use super::rest::{ADA, Folder, Rest, serve};
use crate::client::PATIENCE;

const XRP: &str = "demo:XRP-SIM";
/// Closed round trips that the comparison needs.
const N_ROUND_TRIPS: u32 = 7;

/// Places orders with names of its own.
struct Trader {
    rest: Rest,
    n_orders: u32,
}

impl Trader {
    /// Places an order; `more` are its members beside name, account, instrument, side and quantity.
    async fn place(&mut self, account: &str, instrument: &str, side: &str, quantity: &str, more: Value) -> Value {
        self.n_orders += 1;
        let mut order = json!({
            "client_order_id": format!("f-{}", self.n_orders), "account": account, "instrument": instrument,
            "side": side, "quantity": quantity
        });
        order.as_object_mut().unwrap().append(&mut more.as_object().unwrap().clone());
        self.rest.post("orders", order).await.with(201)
    }

    async fn market(&mut self, account: &str, instrument: &str, side: &str, quantity: &str) {
        let order = self.place(account, instrument, side, quantity, json!({ "type": "market" })).await;
        assert_ne!(order["filled"], "0", "{order}");
    }

    /// Returns the best price that a side would trade at.
    async fn best(&self, instrument: &str, side: &str) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let answer = self.rest.get(&format!("book?instrument={instrument}&depth=1")).await;
            if answer.status == 200 {
                let best = answer.json()[if side == "buy" { "asks" } else { "bids" }][0][0].clone();
                if best.is_string() {
                    return best;
                }
            }
            assert!(Instant::now() < deadline, "no book of {instrument}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Takes a part of the best level at its price, and as much as is there.
    async fn sweep_best(&mut self, instrument: &str, side: &str) {
        let price = self.best(instrument, side).await;
        let more = json!({ "type": "limit", "price": price, "time_in_force": "ioc" });
        self.place("paper", instrument, side, "90000.0", more).await;
    }

    /// Rests at the best price, following it, until a trade has filled some of it.
    async fn make(&mut self, instrument: &str, side: &str, quantity: &str) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            assert!(Instant::now() < deadline, "nobody traded at the best price of {instrument}");
            let price = self.best(instrument, if side == "buy" { "sell" } else { "buy" }).await;
            let order =
                self.place("paper", instrument, side, quantity, json!({ "type": "limit", "price": price })).await;
            tokio::time::sleep(Duration::from_millis(300)).await;
            let order_id = order["order_id"].as_str().unwrap().to_owned();
            // It may have filled meanwhile.
            self.rest.delete(&format!("orders/{order_id}")).await;
            let fills = self.rest.get(&format!("fills?order_id={order_id}")).await.with(200);
            if fills.as_array().unwrap().iter().any(|fill| fill["liquidity"] == "maker") {
                return;
            }
        }
    }

    /// Round trips, changes of side, partial closes, sweeps and resting orders, in two instruments and two accounts.
    async fn trade(&mut self) {
        for (one, other) in [("buy", "sell"), ("sell", "buy"), ("buy", "sell"), ("sell", "buy")] {
            for (account, side) in [("paper", one), ("paper", other), ("savings", "buy"), ("savings", "sell")] {
                self.market(account, XRP, side, "70.7").await;
            }
        }
        for round in 0.. {
            // On a slow machine more of a position may be left when it should have turned.
            let n_closed = self.rest.get("history").await.with(200).as_array().map_or(0, Vec::len);
            if round >= 3 && n_closed >= N_ROUND_TRIPS as usize || round == 9 {
                break;
            }
            for (instrument, sizes) in [(ADA, ["1234.7", "333.3", "2500.1"]), (XRP, ["777.7", "123.4", "1999.9"])] {
                let [open, part, turn] = sizes;
                let (one, other) = if round % 2 == 0 { ("buy", "sell") } else { ("sell", "buy") };
                self.market("paper", instrument, one, open).await;
                self.sweep_best(instrument, one).await;
                self.make(instrument, one, part).await;
                self.market("paper", instrument, other, part).await;
                self.make(instrument, other, part).await;
                // More than is held, so that the position changes its side.
                self.market("paper", instrument, other, "99999.9").await;
                self.market("paper", instrument, one, turn).await;
            }
            for (side, quantity) in [("buy", "500.3"), ("buy", "77.7"), ("sell", "200.1")] {
                self.market("savings", ADA, side, quantity).await;
            }
        }
        // One instrument ends flat, the other one open.
        self.rest.post("positions/close", json!({ "instrument": ADA })).await.with(200);
        self.rest.delete("orders").await.with(200);
    }
}

#[tokio::test]
async fn python_computes_the_same_figures_from_the_exported_fills() {
    if Command::new("python3").arg("--version").output().is_err() {
        println!("skipped: Python 3 is not installed");
        return;
    }
    let folder = Folder::new("figures");
    let server = serve(&folder.0).await;
    let mut trader = Trader { rest: Rest::of(&server), n_orders: 0 };
    trader.best(ADA, "buy").await;
    trader.best(XRP, "buy").await;
    trader.rest.put("risk", json!({ "limits": {} })).await.with(200);
    let savings = json!({ "account": "savings", "kind": "cash", "currency": "USD", "start": { "USD": "5000.00" } });
    trader.rest.post("accounts", savings).await.with(201);
    // The begin of the day, with the equity that the day is measured from, comes within a second.
    let deadline = Instant::now() + PATIENCE;
    while trader.rest.get("accounts").await.text.contains("\"day_start_ms\":null") {
        assert!(Instant::now() < deadline, "the day does not begin");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    trader.trade().await;
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("../oracles/figures.py");
    let url = server.url();
    let output = tokio::task::spawn_blocking(move || {
        Command::new("python3").arg("-B").arg(program).args([&url, "paper=100000", "savings=5000"]).output()
    });
    let output = output.await.unwrap().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    println!("{text}");
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    let of_paper = text.lines().next().unwrap();
    for (words, least) in
        [(" fills (", 60), (" as maker", 10), (" round trips", N_ROUND_TRIPS), (" changes of side", 2)]
    {
        assert!(number_before(of_paper, words) >= least, "{least}{words}: {text}");
    }
}

/// Returns the number that stands before some words.
fn number_before(text: &str, words: &str) -> u32 {
    let before = text.split(words).next().unwrap();
    before.rsplit(|character: char| !character.is_ascii_digit()).next().unwrap().parse().unwrap()
}
