//! `backtest` over a recording: the same bytes each time, and money that adds up outside the desk's own code.

use std::path::{Path, PathBuf};

use model::{
    decimal::{Notional, Price, Quantity, SignedQuantity},
    trading::order::Side,
};
use serde_json::Value;

use super::{process::truetape, rest::Folder};

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
    let Some(folder) = std::env::var_os("TRUETAPE_CAPTURES").map(PathBuf::from) else {
        eprintln!("skipped: TRUETAPE_CAPTURES names no folder with recordings");
        return;
    };
    let recording = folder.join("binance/btcusdt_20240808_spot_depth100ms_bookticker_trade.tape.jsonl.gz");
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
    }
    let n_trips = |queue: &str| bounds[queue]["strategy"]["n_round_trips"].as_u64().unwrap();
    assert!(n_trips("conservative") <= n_trips("optimistic"), "the bounds are in order");
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
