//! A feed of Uniswap against a simulated node and subgraph: swaps as prints, bars of the past, a key that is refused.

use std::{collections::BTreeMap, time::Duration};

use model::{
    decimal::{Price, Quantity},
    status::{FeedMode, StreamState},
};
use serde_json::Value;
use server::{
    config::{Config, FeedConfig, VenueConfig, token::Token},
    serve::Server,
};
use topics::{
    channels::{TopicData, status::StatusData},
    topic::Topic,
};
use venue_sim::{RunningSim, Sim, SimConfig, Source};
use wire::Encoding;

use crate::{
    client::{Client, PATIENCE, demo_config},
    feed::until_state,
};

/// Pools whose quote is token 1 and token 0.
const POOLS: [&str; 2] = ["0xb001000000000000000000000000000000000000", "0xb001000000000000000000000000000000000001"];

async fn started(token: Option<&str>) -> (RunningSim, Server) {
    let source = Source::Demo { seed: 7, start: None };
    let config = SimConfig { key: Some("k1".to_owned()), ..SimConfig::new("uniswap", source) };
    let sim = Sim::start(SimConfig { quote: "DAI".into(), ..config }).await.unwrap();
    let venue = VenueConfig {
        rest_url: Some(sim.rest_url.clone()),
        history_url: Some(format!("{}/subgraph", sim.rest_url)),
        token: token.map(|token| Token::new(token).unwrap()),
        backoff_min: Duration::from_millis(50),
        ..VenueConfig::default()
    };
    let config = Config {
        feeds: vec![FeedConfig { venue: "uniswap".into(), symbols: POOLS.map(str::to_owned).to_vec() }],
        venues: BTreeMap::from([("uniswap".to_owned(), venue)]),
        ..demo_config()
    };
    (sim, Server::start(config).await.unwrap())
}

async fn get(url: &str) -> Value {
    let http = server::feed::http::client(&server::tls::client_config().unwrap()).unwrap();
    serde_json::from_str(&http.get(url).send().await.unwrap().text().await.unwrap()).unwrap()
}

/// The newest bars, once there are `n_bars`, by REST: open time in milliseconds, open, high, low, close, volume.
async fn bars(server: &Server, pool: &str, interval: &str, n_bars: usize) -> Vec<(i64, Vec<String>)> {
    let url = format!("{}api/v1/candles?instrument=uniswap:{pool}&interval={interval}&limit={n_bars}", server.url());
    let patience = tokio::time::Instant::now() + PATIENCE;
    loop {
        let body = get(&url).await;
        match body["bars"].as_array() {
            Some(bars) if bars.len() == n_bars => return bars.iter().map(numbers).collect(),
            _ => assert!(tokio::time::Instant::now() < patience, "{body}"),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Numbers of a bar without the digits that say nothing.
fn numbers(bar: &Value) -> (i64, Vec<String>) {
    let row = bar.as_array().unwrap();
    let plain = |text: &str| {
        if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text }.to_owned()
    };
    (row[0].as_i64().unwrap(), row[1..].iter().map(|number| plain(number.as_str().unwrap())).collect())
}

#[tokio::test]
async fn swaps_and_bars_of_the_past_come_through() {
    let (sim, server) = started(Some("k1")).await;
    let mut client = Client::greet(&server, Encoding::Binary).await;
    let topics = POOLS.map(|pool| [format!("quote:uniswap:{pool}"), format!("tape:uniswap:{pool}")]).concat();
    let mut wanted: Vec<&str> = topics.iter().map(String::as_str).collect();
    wanted.push("status");
    client.subscribe(1, &wanted).await;
    assert_eq!(until_state(&mut client, StreamState::Live).await.mode, FeedMode::RestPolling);
    for pool in POOLS {
        let tape = Topic::parse(&format!("tape:uniswap:{pool}")).unwrap();
        let trade = loop {
            match client.state.get(&tape) {
                Some(TopicData::Tape(tape)) if !tape.trades.is_empty() => break tape.trades[0].clone(),
                _ => drop(client.next().await.unwrap()),
            }
        };
        assert!(trade.price > Price::ZERO && trade.size > Quantity::ZERO, "{trade:?}");
        for (interval, minutes) in [("1h", "60"), ("1d", "1440")] {
            let found = bars(&server, pool, interval, 20).await;
            let oracle: Vec<_> =
                sim.candles(pool, minutes).unwrap()["bars"].as_array().unwrap().iter().map(numbers).collect();
            // The last one still forms.
            for bar in &found[..19] {
                assert!(oracle.contains(bar), "{pool} {interval}: {bar:?} is none of the chain's");
            }
        }
    }
}

#[tokio::test]
async fn the_list_of_venues_says_that_history_is_configured() {
    for (history_url, expected) in [(None, "missing"), (Some("http://127.0.0.1:1/subgraph".to_owned()), "configured")] {
        let venue = VenueConfig { history_url, ..VenueConfig::default() };
        let config = Config { venues: BTreeMap::from([("uniswap".to_owned(), venue)]), ..demo_config() };
        let server = Server::start(config).await.unwrap();
        let body = get(&format!("{}api/v1/venues", server.url())).await;
        let venues = body["venues"].as_array().unwrap();
        assert_eq!(venues.iter().find(|venue| venue["name"] == "uniswap").unwrap()["history"], expected);
    }
}

#[tokio::test]
async fn a_refused_key_is_said_and_swaps_go_on() {
    let (_sim, server) = started(Some("wrong")).await;
    let mut client = Client::greet(&server, Encoding::Json).await;
    let tape = format!("tape:uniswap:{}", POOLS[0]);
    client.subscribe(1, &["status", &tape]).await;
    let cause = |client: &Client| match client.state.get(&Topic::STATUS) {
        Some(TopicData::Status(StatusData { connections, .. })) => connections[0].cause.clone(),
        _ => None,
    };
    client.advance(&tape, 1).await;
    // Bars are requested by who asks.
    get(&format!("{}api/v1/candles?instrument=uniswap:{}&interval=1h", server.url(), POOLS[0])).await;
    while !cause(&client).is_some_and(|cause| cause.contains("API key not found")) {
        client.next().await.unwrap();
    }
    client.advance(&tape, 1).await;
}
