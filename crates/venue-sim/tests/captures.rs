//! Real recordings, where the folder `TRUETAPE_CAPTURES` names is at hand: the oracle's end state is the one computed
//! by the independent replay that came with them.

#![allow(clippy::unwrap_used, reason = "a test may")]

mod common;

use std::path::Path;

use common::{Came, Client};
use serde_json::{Value, json};
use venue_sim::{Sim, SimConfig, Source, Speed};

#[tokio::test]
async fn the_oracle_ends_where_the_independent_replay_ended() {
    let Ok(folder) = std::env::var("TRUETAPE_CAPTURES") else {
        println!("skipped: TRUETAPE_CAPTURES is not set");
        return;
    };
    let folder = Path::new(&folder);
    let tape = |day| folder.join(format!("binance/btcusdt_{day}_spot_depth100ms_bookticker_trade.tape.jsonl.gz"));
    let expected = std::fs::read_to_string(folder.join("expected/binance_btcusdt_after_both_parts.json")).unwrap();
    let expected = serde_json::from_str::<Value>(&expected).unwrap()["BTCUSDT"].clone();
    let source = Source::Files(vec![tape("20240808"), tape("20240809")]);
    let sim = Sim::start(SimConfig { speed: Speed::Max, ..SimConfig::new("binance", source) }).await.unwrap();
    let mut client = Client::connect(&sim, "/stream?streams=btcusdt@depth@100ms").await;
    let mut n_frames = 0;
    while sim.state()["finished"] == json!(false) {
        assert!(matches!(client.next().await, Came::Text(_)));
        n_frames += 1;
    }
    assert!(n_frames > 1_000);
    let book = sim.book("BTCUSDT", None, 20).unwrap();
    let end = &expected["final"];
    assert_eq!(
        (&book["lastUpdateId"], &book["n_bids"], &book["n_asks"]),
        (&end["lastUpdateId"], &end["nbids"], &end["nasks"])
    );
    assert_eq!((&book["n_gaps"], &book["bids"], &book["asks"]), (&json!(0), &end["bids"], &end["asks"]));
    let bars = sim.candles("BTCUSDT", "1d").unwrap();
    assert_eq!(bars["bars"].as_array().unwrap().len(), 2);
}
