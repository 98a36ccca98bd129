//! The server's part of direct mode: the venues' addresses, a proxy to their REST under one budget, and a content
//! policy that lets workers reach only the configured venues.

use model::status::StreamState;
use server::{
    config::{Config, FeedConfig},
    serve::Server,
};
use venue_sim::{Fault, FaultKind, RunningSim, Sim, SimConfig, Source};
use wire::{Encoding, direct::DirectVenues};

use crate::{
    client::Client,
    feed::{config_for, until_state},
};

async fn sim() -> RunningSim {
    Sim::start(SimConfig::new("binance", Source::Demo { seed: 7, start: None })).await.unwrap()
}

async fn get(server: &Server, path: &str) -> reqwest::Response {
    let client = server::feed::http::client(&server::tls::client_config().unwrap()).unwrap();
    client.get(format!("{}{path}", server.url())).send().await.unwrap()
}

async fn until_live(server: &Server) {
    let mut client = Client::greet(server, Encoding::Json).await;
    client.subscribe(1, &["status"]).await;
    until_state(&mut client, StreamState::Live).await;
}

const DEPTH: &str = "api/v1/venues/binance/rest?path=/api/v3/depth&symbol=ADASIM&limit=5&weight=5";

#[tokio::test]
async fn a_page_is_told_how_to_reach_the_venues() {
    let sim = sim().await;
    let mut config = config_for(&sim, "ADASIM");
    config.feeds.push(FeedConfig { venue: "demo".into(), symbols: vec!["BTC-SIM".into()] });
    let server = Server::start(Config { ..config }).await.unwrap();
    let list: DirectVenues = serde_json::from_str(&get(&server, "api/v1/direct").await.text().await.unwrap()).unwrap();
    let [binance, demo] = list.venues.as_slice() else { panic!("{list:?}") };
    assert_eq!(
        (binance.ws_url.as_str(), binance.symbols.as_slice()),
        (sim.ws_url.as_str(), &["ADASIM".to_owned()][..])
    );
    assert_eq!((&binance.refusal, binance.data_deadline_ms, binance.backoff_min_ms), (&None, Some(1_500), 50));
    assert_eq!((demo.ws_url.as_str(), &demo.refusal), ("", &None));
}

#[tokio::test]
async fn a_venues_answer_is_passed_on() {
    let sim = sim().await;
    let server = Server::start(config_for(&sim, "ADASIM")).await.unwrap();
    until_live(&server).await;
    let answer = get(&server, DEPTH).await;
    assert_eq!(
        (answer.status().as_u16(), &answer.headers()["content-type"]),
        (200, &"application/json".parse().unwrap())
    );
    assert!(answer.headers().contains_key("x-used-weight"), "{:?}", answer.headers());
    let body: serde_json::Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
    assert_eq!(body["bids"].as_array().map(Vec::len), Some(5), "{body}");
    // The venue's own refusal comes as it is.
    let refused = get(&server, &DEPTH.replace("ADASIM", "NONESUCH")).await;
    assert_eq!(refused.status().as_u16(), 400);
}

#[tokio::test]
async fn pages_do_not_ask_inside_a_retry_after() {
    let sim = sim().await;
    let server = Server::start(config_for(&sim, "ADASIM")).await.unwrap();
    until_live(&server).await;
    sim.fault(Fault { retry_after_s: Some(20), ..Fault::new(FaultKind::Rest429) });
    assert_eq!(get(&server, DEPTH).await.status().as_u16(), 429);
    let n_asked = sim.n_requests();
    for _ in 0..5 {
        let answer = get(&server, DEPTH).await;
        let wait: u64 = answer.headers()["retry-after"].to_str().unwrap().parse().unwrap();
        assert!(answer.status().as_u16() == 429 && (15..=20).contains(&wait), "{wait}");
    }
    assert_eq!(sim.n_requests(), n_asked, "{}", sim.state());
    assert_eq!(sim.state()["n_requests_inside_retry_after"], 0);
}

#[tokio::test]
async fn the_workers_policy_names_the_venues_that_run() {
    if server_site().is_none() {
        eprintln!("skipped: the page has not been built, so there is no worker.js");
        return;
    }
    let sim = sim().await;
    let server = Server::start(config_for(&sim, "ADASIM")).await.unwrap();
    let answer = get(&server, "worker.js").await;
    let policy = answer.headers()["content-security-policy"].to_str().unwrap();
    assert!(policy.contains(&format!("connect-src 'self' {};", sim.ws_url)), "{policy}");
}

fn server_site() -> Option<()> {
    let folder = std::env::var_os("TRUETAPE_SITE_DIR").unwrap_or_else(|| "target/site-debug".into());
    std::path::Path::new(&folder).join("worker.js").is_file().then_some(())
}
