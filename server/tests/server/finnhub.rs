//! A feed of Finnhub against a simulated one, sockets and REST: the key, bars of the past, and plans without them.

use std::{collections::BTreeMap, time::Duration};

use model::status::StreamState;
use serde_json::Value;
use server::{
    config::{Config, FeedConfig, VenueConfig, token::Token},
    serve::Server,
};
use topics::{
    channels::{TopicData, candles::CandlesData, status::StreamEntry},
    topic::Topic,
};
use venue_sim::{Fault, FaultKind, RunningSim, Sim, SimConfig, Source};
use wire::Encoding;

use crate::{
    client::{Client, PATIENCE, demo_config},
    feed::{entry, until_state},
};

const SYMBOL: &str = "SIM:ADA-SIM";

async fn sim(faults: Vec<Fault>) -> RunningSim {
    let source = Source::Demo { seed: 7, start: None };
    let config = SimConfig { key: Some("k1".to_owned()), faults, ..SimConfig::new("finnhub", source) };
    Sim::start(config).await.unwrap()
}

async fn server(sim: &RunningSim, token: &str) -> Server {
    let venue = VenueConfig {
        ws_url: Some(sim.ws_url.clone()),
        rest_url: Some(sim.rest_url.clone()),
        token: Some(Token::new(token).unwrap()),
        backoff_min: Duration::from_millis(50),
        backoff_max: Duration::from_millis(500),
        ..VenueConfig::default()
    };
    let config = Config {
        feeds: vec![FeedConfig { venue: "finnhub".into(), symbols: vec![SYMBOL.into()] }],
        venues: BTreeMap::from([("finnhub".to_owned(), venue)]),
        ..demo_config()
    };
    Server::start(config).await.unwrap()
}

async fn get(url: &str) -> Value {
    let http = server::feed::http::client(&server::tls::client_config().unwrap()).unwrap();
    serde_json::from_str(&http.get(url).send().await.unwrap().text().await.unwrap()).unwrap()
}

/// The newest bars, once there are `n_bars`, by REST.
async fn bars(server: &Server, n_bars: usize) -> Vec<Value> {
    let url = format!("{}api/v1/candles?instrument=finnhub:{SYMBOL}&interval=5m&limit={n_bars}", server.url());
    let patience = tokio::time::Instant::now() + PATIENCE;
    loop {
        let mut body = get(&url).await;
        match body["bars"].take() {
            Value::Array(bars) if bars.len() == n_bars => return bars,
            bars => assert!(tokio::time::Instant::now() < patience, "{bars} {body}"),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn prints_figures_and_bars_of_the_past_come_through() {
    let sim = sim(Vec::new()).await;
    let server = server(&sim, "k1").await;
    let mut client = Client::greet(&server, Encoding::Binary).await;
    let topics = ["quote", "tape"].map(|channel| format!("{channel}:finnhub:{SYMBOL}"));
    client.subscribe(1, &[&topics[0], &topics[1], "status"]).await;
    until_state(&mut client, StreamState::Live).await;
    client.advance(&topics[1], 3).await;
    // The day's figures are REST's alone.
    let quote = Topic::parse(&topics[0]).unwrap();
    while !matches!(client.state.get(&quote), Some(TopicData::Quote(quote)) if quote.day_high.is_some()) {
        client.next().await.unwrap();
    }
    let found = bars(&server, 50).await;
    let true_bars = sim.candles(SYMBOL, "5").unwrap()["bars"].as_array().unwrap().clone();
    let of = |bar: &Value| (bar[0].as_i64(), bar[1].as_str().map(|open| open.trim_end_matches('0').to_owned()));
    for bar in &found[..49] {
        assert!(true_bars.iter().any(|true_bar| of(true_bar) == of(bar)), "{bar} is none of the venue's");
    }
}

#[tokio::test]
async fn a_refused_key_is_said_by_sockets_and_by_rest() {
    let sim = sim(Vec::new()).await;
    let server = server(&sim, "wrong").await;
    let mut client = Client::greet(&server, Encoding::Json).await;
    client.subscribe(1, &["status"]).await;
    let is_said =
        |entry: &StreamEntry| entry.cause.as_deref().is_some_and(|cause| cause.contains("credentials refused"));
    while !entry(&client).is_some_and(is_said) {
        client.next().await.unwrap();
    }
    let log = get(&format!("{}/requests", sim.control_url)).await;
    let statuses: Vec<&Value> = log["requests"].as_array().unwrap().iter().map(|request| &request["status"]).collect();
    assert!(!statuses.is_empty() && statuses.iter().all(|status| **status == 401), "{log}");
}

#[tokio::test]
async fn a_plan_without_bars_leaves_those_of_the_prints() {
    let forbidden = Fault { path: Some("candle".into()), code: Some(403), ..Fault::new(FaultKind::RestError) };
    let sim = sim(vec![forbidden]).await;
    let server = server(&sim, "k1").await;
    let mut client = Client::greet(&server, Encoding::Binary).await;
    let topic = format!("candles.1m:finnhub:{SYMBOL}");
    client.subscribe(1, &[&topic, "status"]).await;
    until_state(&mut client, StreamState::Live).await;
    let parsed = Topic::parse(&topic).unwrap();
    let n_bars = |client: &Client| match client.state.get(&parsed) {
        Some(TopicData::Candles(CandlesData { bars, .. })) => bars.len(),
        _ => 0,
    };
    while n_bars(&client) == 0 || sim.state()["faults"][0]["n_hits"] == 0 {
        client.next().await.unwrap();
    }
    assert!(n_bars(&client) <= 2, "only what was traded since: {}", n_bars(&client));
}

#[tokio::test]
async fn nothing_is_asked_inside_a_retry_after() {
    let limited = Fault { retry_after_s: Some(2), count: Some(1), ..Fault::new(FaultKind::Rest429) };
    let sim = sim(vec![limited]).await;
    let server = server(&sim, "k1").await;
    assert_eq!(bars(&server, 50).await.len(), 50, "asked again when the time was over");
    assert_eq!(sim.state()["n_requests_inside_retry_after"], 0, "{}", sim.state());
}
