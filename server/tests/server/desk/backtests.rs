//! `backtest` over a recording: the same bytes each time, and money that adds up outside the desk's own code.

use std::path::{Path, PathBuf};

use model::{
    decimal::{Notional, Price, Quantity, SignedQuantity},
    trading::order::Side,
};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{
    process::truetape,
    rest::{Answer, Folder, Rest, serve, stop},
};
use crate::client::PATIENCE;

const PLAN: &str = r#"
strategy = "grid"
instrument = "binance:BTCUSDT"

[settings]
lower = "LOWER"
upper = "UPPER"
n_lines = 41
mode = "neutral"
size = { base = "0.001" }

[fees]
maker = "0"
taker = "0.0004"

[terms]
base = "BTC"
quote = "USDT"
tick_size = "0.01"
lot_size = "0.00001"
"#;

fn backtest(plan: &Path, recording: &Path) -> std::process::Output {
    truetape(&["backtest", "--strategy"]).arg(plan).arg(recording).output().unwrap()
}

fn notional(value: &Value) -> Notional {
    Notional::parse(value.as_str().unwrap()).unwrap()
}

/// Recomputes an account from its fills alone: cash and what is held at the last price.
fn check_money(run: &Value) {
    let (mut cash, mut base) = (Notional::ZERO, SignedQuantity::ZERO);
    for fill in run["fills"].as_array().unwrap() {
        let price = Price::parse(fill["price"].as_str().unwrap()).unwrap();
        let quantity = Quantity::parse(fill["quantity"].as_str().unwrap()).unwrap();
        let side: Side = serde_json::from_value(fill["side"].clone()).unwrap();
        let value = price.checked_mul(quantity).unwrap();
        let (paid, change) = match side {
            Side::Buy => (value.negated(), quantity.long()),
            Side::Sell => (value, quantity.short()),
        };
        cash = cash.checked_add(paid).unwrap().checked_sub(notional(&fill["fee"])).unwrap();
        base = base.checked_add(change).unwrap();
    }
    assert_eq!(base, SignedQuantity::parse(run["strategy"]["position"].as_str().unwrap()).unwrap());
    // Cash and what the position is worth are the gain; its exit price is near the last fill's.
    let worth = notional(&run["totals"]["total_pnl"]).checked_sub(cash).unwrap();
    if base.is_zero() {
        assert_eq!(worth, Notional::ZERO);
        return;
    }
    let exit = worth.to_f64_lossy() / base.to_f64_lossy();
    let last = notional(&run["fills"].as_array().unwrap().last().unwrap()["price"]).to_f64_lossy();
    assert!((exit / last - 1.0).abs() < 0.02, "{exit} {last}");
}

#[test]
fn a_grid_over_a_recorded_tape_gives_the_same_bytes_and_exact_money() {
    let Some(recording) = recorded_tape() else { return };
    let temp = Folder::new("backtest");
    let plan = temp.0.join("grid.toml");
    std::fs::write(&plan, PLAN.replace("LOWER", "61000.00").replace("UPPER", "62400.00")).unwrap();
    let first = backtest(&plan, &recording);
    assert!(first.status.success(), "{}", String::from_utf8_lossy(&first.stderr));
    assert_eq!(first.stdout, backtest(&plan, &recording).stdout, "twice the same bytes");
    let bounds: Value = serde_json::from_slice(&first.stdout).unwrap();
    for queue in ["conservative", "optimistic"] {
        let run = &bounds[queue];
        assert!(run["totals"]["n_fills"].as_u64().unwrap() > 4, "{queue}: {}", run["totals"]);
        check_money(run);
        // Not with the header, which has no time.
        assert!(run["equity"][0][0].as_i64().unwrap() >= 1_723_161_253_937, "{queue}: {}", run["equity"][0]);
    }
    let n_trips = |queue: &str| bounds[queue]["strategy"]["n_round_trips"].as_u64().unwrap();
    assert!(n_trips("conservative") <= n_trips("optimistic"), "the bounds are in order");
}

/// Returns the recorded tape, if there is one.
fn recorded_tape() -> Option<PathBuf> {
    let folder = std::env::var_os("TRUETAPE_CAPTURES").map(PathBuf::from);
    if folder.is_none() {
        eprintln!("skipped: TRUETAPE_CAPTURES names no folder with recordings");
    }
    Some(folder?.join("binance/btcusdt_20240808_spot_depth100ms_bookticker_trade.tape.jsonl.gz"))
}

/// Waits until the back-test is no longer running.
async fn outcome(rest: &Rest) -> Value {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let status = rest.get("backtest").await.with(200)["backtest"].clone();
        if status["state"] != "running" {
            return status;
        }
        assert!(Instant::now() < deadline, "{status}");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recording_of_the_server_is_back_tested_by_rest() {
    let Some(tape) = recorded_tape() else { return };
    let folder = Folder::new("backtest-rest");
    let name = "tape.jsonl.gz";
    std::fs::create_dir_all(folder.0.join("recordings")).unwrap();
    std::fs::copy(&tape, folder.0.join("recordings").join(name)).unwrap();
    let plan = PLAN.replace("LOWER", "61000.00").replace("UPPER", "62400.00");
    let server = serve(&folder.0).await;
    let rest = Rest::of(&server);
    let refused = |answer: Answer, status: u16, code: &str, words: &str| {
        let body = answer.with(status);
        assert_eq!(body["error"]["code"], code, "{body}");
        assert!(body["error"]["message"].as_str().unwrap().contains(words), "{body}");
    };
    let start = async |file: &str, plan: &str| {
        let path = format!("recordings/{file}/backtest");
        rest.send(Method::POST, &path, Some(("application/toml", plan.to_owned()))).await
    };
    assert_eq!(rest.get("backtest").await.with(200), json!({ "backtest": null }));
    refused(rest.get("backtest/equity.svg").await, 404, "no_result", "start one");
    refused(start("none.jsonl", &plan).await, 404, "unknown_recording", "none.jsonl");
    refused(start(name, "strategy = ").await, 400, "bad_parameter", "not TOML");
    refused(start(name, "strategy = \"grid\"").await, 400, "bad_parameter", "missing field `instrument`");
    let path = format!("recordings/{name}/backtest");
    let as_form = rest.send(Method::POST, &path, Some(("text/plain", plan.clone()))).await;
    refused(as_form, 400, "bad_parameter", "application/toml");

    // One at a time, its file is kept, and it can be stopped.
    let begun = start(name, &plan).await.with(200)["backtest"].clone();
    assert_eq!((&begun["state"], &begun["recording"], &begun["number"]), (&json!("running"), &json!(name), &json!(1)));
    refused(start(name, &plan).await, 409, "conflict", "another back-test");
    refused(rest.delete(&format!("recordings/{name}")).await, 409, "conflict", "in use by a back-test");
    assert_eq!(rest.delete("backtest").await.with(200)["backtest"]["state"], "stopped");
    refused(rest.get("backtest/report.json").await, 404, "no_result", "wait until it is done");

    start(name, &plan).await.with(200);
    let status = outcome(&rest).await;
    assert_eq!((&status["state"], &status["failure"]), (&json!("done"), &Value::Null), "{status}");
    let report = rest.get("backtest/report.json").await.json();
    for (totals, queue) in status["bounds"].as_array().unwrap().iter().zip(["conservative", "optimistic"]) {
        assert_eq!(totals["queue"], queue);
        for field in ["equity", "total_pnl", "fees", "n_fills", "n_round_trips"] {
            assert_eq!(totals[field], report[queue]["totals"][field], "{queue} {field}");
        }
        check_money(&report[queue]);
        let fills = rest.get(&format!("backtest/fills-{queue}.csv")).await.text;
        assert_eq!(fills.lines().count() as u64, totals["n_fills"].as_u64().unwrap() + 1, "{queue}");
    }
    let svg = rest.get("backtest/equity.svg").await.text;
    assert!(svg.starts_with("<svg ") && svg.contains("conservative") && svg.contains("optimistic"), "{svg}");
    // The command line gives the same bytes.
    let (file, out) = (folder.0.join("plan.toml"), folder.0.join("out"));
    std::fs::write(&file, &plan).unwrap();
    let output = truetape(&["backtest", "--strategy"]).arg(&file).arg("--out").arg(&out).arg(&tape).output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap().trim_end(), rest.get("backtest/report.json").await.text);
    for file in ["equity.svg", "fills-optimistic.csv", "equity-conservative.csv"] {
        let of_server = rest.get(&format!("backtest/{file}")).await.text;
        assert_eq!(std::fs::read_to_string(out.join(file)).unwrap(), of_server, "{file}");
    }
    refused(rest.get("backtest/nothing").await, 404, "unknown_file", "equity.svg");

    // A refusal of the desk is reported.
    start(name, &plan.replace("61000.00", "63000.00")).await.with(200);
    let status = outcome(&rest).await;
    assert_eq!(status["state"], "failed", "{status}");
    assert!(status["failure"].as_str().unwrap().contains("the desk refuses the strategy"), "{status}");
    stop(server).await;
}

#[test]
fn an_unusable_plan_is_refused_in_words() {
    let temp = Folder::new("backtest-plan");
    let (plan, recording) = (temp.0.join("plan.toml"), temp.0.join("empty.jsonl"));
    std::fs::write(&recording, "").unwrap();
    for (text, words) in [
        ("strategy = 1", "is not a plan"),
        (PLAN.split("[terms]").next().unwrap(), "does not tell the steps of binance:BTCUSDT"),
        (&PLAN.replace("binance:", "nowhere:"), "nowhere"),
    ] {
        std::fs::write(&plan, text.replace("LOWER", "61000.00").replace("UPPER", "62400.00")).unwrap();
        let output = backtest(&plan, &recording);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{stderr}");
        assert!(stderr.contains(words), "{stderr}");
    }
}
