//! Closed candles of 15 minutes survive a restart where the venue has no history; what nobody saw stays a gap; a disk that
//! is full loses candles and nothing else.
//!
//! The venue is a simulated Finnhub whose plan has no bars, and whose market runs 400 times as fast.

use std::{collections::BTreeMap, path::Path, time::Duration};
#[cfg(target_os = "linux")]
use std::{
    io::{BufRead, BufReader},
    process::Stdio,
    sync::mpsc,
};

use serde_json::Value;
use server::{
    config::{Config, FeedConfig, VenueConfig, token::Token},
    serve::Server,
};
use tokio::time::Instant;
use venue_sim::{Fault, FaultKind, RunningSim, Sim, SimConfig, Source, Speed};

use super::rest::{Folder, Rest, stop};
#[cfg(target_os = "linux")]
use super::{
    full_disk::{limit_files, outliving},
    process::{Process, truetape},
};
use crate::client::{PATIENCE, demo_config};

const SYMBOL: &str = "SIM:ADA-SIM";
const QUARTER_MS: i64 = 900_000;

async fn sim() -> RunningSim {
    let forbidden = Fault { path: Some("candle".into()), code: Some(403), ..Fault::new(FaultKind::RestError) };
    let source = Source::Demo { seed: 7, start: None };
    let config = SimConfig {
        key: Some("k1".to_owned()),
        faults: vec![forbidden],
        speed: Speed::Times(400.0),
        ..SimConfig::new("finnhub", source)
    };
    Sim::start(config).await.unwrap()
}

async fn serve(sim: &RunningSim, folder: &Path) -> Server {
    let venue = VenueConfig {
        ws_url: Some(sim.ws_url.clone()),
        rest_url: Some(sim.rest_url.clone()),
        token: Some(Token::new("k1").unwrap()),
        ..VenueConfig::default()
    };
    let mut config = Config {
        feeds: vec![FeedConfig { venue: "finnhub".into(), symbols: vec![SYMBOL.into()] }],
        venues: BTreeMap::from([("finnhub".to_owned(), venue)]),
        ..demo_config()
    };
    config.desk.enabled = true;
    config.server.data_dir = folder.to_owned();
    Server::start(config).await.unwrap()
}

/// The candles of 15 minutes by their open time, oldest first.
async fn candles(rest: &Rest) -> BTreeMap<i64, Value> {
    let answer = rest.get(&format!("candles?instrument=finnhub:{SYMBOL}&interval=15m")).await;
    if answer.status != 200 {
        return BTreeMap::new();
    }
    let bars = answer.json()["bars"].as_array().unwrap().clone();
    bars.into_iter().map(|bar| (bar[0].as_i64().unwrap(), bar)).collect()
}

/// Waits for candles that fit.
async fn until(rest: &Rest, words: &str, fits: impl Fn(&BTreeMap<i64, Value>) -> bool) -> BTreeMap<i64, Value> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let bars = candles(rest).await;
        if fits(&bars) {
            return bars;
        }
        assert!(Instant::now() < deadline, "{words}: {bars:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn closed_candles_survive_a_restart_and_gaps_stay_gaps() {
    let folder = Folder::new("kept-candles");
    let sim = sim().await;
    let server = serve(&sim, &folder.0).await;
    let rest = Rest::of(&server);
    // The first one is not whole, and the last one has not closed: of five, three are kept.
    until(&rest, "five candles", |bars| bars.len() >= 5).await;
    // They are handed over every two seconds.
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    let before = candles(&rest).await;
    stop(server).await;
    // The market goes on: two candles that nobody sees.
    tokio::time::sleep(Duration::from_millis(4_600)).await;

    let server = serve(&sim, &folder.0).await;
    let rest = Rest::of(&server);
    let whole: Vec<(&i64, &Value)> = before.iter().skip(1).take(3).collect();
    let last = *before.keys().next_back().unwrap();
    let after = until(&rest, "a new candle beside the kept ones", |bars| {
        bars.keys().any(|open| *open > last + QUARTER_MS) && bars.contains_key(whole[0].0)
    })
    .await;
    for (open, bar) in whole {
        assert_eq!(after.get(open), Some(bar), "a kept candle is lost or changed: {after:?}");
    }
    let first = *before.keys().next().unwrap();
    assert!(!after.contains_key(&first), "the candle in which the server came is not whole: {after:?}");
    assert!(!after.contains_key(&(last + QUARTER_MS)), "nobody saw it: {after:?}");
    stop(server).await;
    sim.stop().await;
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_loses_candles_and_nothing_else() {
    let folder = Folder::new("full-candles");
    let sim = sim().await;
    let config = folder.0.join("truetape.toml");
    let text = format!(
        "[[feeds]]\nvenue = \"finnhub\"\nsymbols = [\"{SYMBOL}\"]\n[venues.finnhub]\nws_url = \"{}\"\n\
         rest_url = \"{}\"\ntoken = \"k1\"\n",
        sim.ws_url, sim.rest_url
    );
    std::fs::write(&config, text).unwrap();
    let mut serve = truetape(&["serve", "--listen", "127.0.0.1:0", "--config"]);
    serve.arg(&config).arg("--data-dir").arg(folder.0.join("data")).env("RUST_LOG", "info");
    let mut command = outliving(&serve);
    command.stderr(Stdio::piped());
    let mut server = Process::of(command);
    // Not a file: it would be full, too.
    let mut log = BufReader::new(server.child.stderr.take().unwrap()).lines();
    let rest = server.rest();
    until(&rest, "a candle", |bars| !bars.is_empty()).await;
    limit_files(&server, Some(0));
    assert!(log.any(|line| line.unwrap().contains("candles cannot be kept")), "nobody says it");
    // Whatever else is said must not hold the server up.
    let (said, again) = mpsc::channel();
    std::thread::spawn(move || {
        for line in log {
            let _ended = said.send(line.unwrap());
        }
    });
    // The feed and the chart go on.
    let newest = *candles(&rest).await.keys().next_back().unwrap();
    until(&rest, "more candles", |bars| bars.keys().any(|open| *open > newest)).await;
    limit_files(&server, None);
    while !again.recv_timeout(PATIENCE).unwrap().contains("candles are kept again") {}
    server.kill();
    sim.stop().await;
}
