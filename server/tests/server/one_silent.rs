//! One product of a connection falls silent, with real sockets: its status says so, it returns on a connection of its own,
//! and the others stay live all the while.
//!
//! Not here: the steps in between, in virtual time (`crates/venues/tests/venues/dead_subscriptions.rs`).

use std::{collections::BTreeMap, time::Duration};

use model::{
    proof::BookState,
    status::{Silence, StreamState},
};
use server::{
    config::{Config, FeedConfig, VenueConfig},
    serve::Server,
};
use topics::{
    channels::{TopicData, status::StreamEntry},
    topic::Topic,
};
use venue_sim::{Sim, SimConfig, Source};
use wire::Encoding;

use crate::client::{Client, PATIENCE, demo_config};

const SILENT: &str = "coinbase:ADA-SIM";
const OTHERS: [&str; 2] = ["coinbase:BTC-SIM", "coinbase:ETH-SIM"];

fn entry<'a>(client: &'a Client, id: &str) -> Option<&'a StreamEntry> {
    match client.state.get(&Topic::STATUS) {
        Some(TopicData::Status(status)) => status.streams.iter().find(|entry| entry.instrument.to_string() == id),
        _ => None,
    }
}

fn book_state(client: &Client, id: &str) -> BookState {
    match client.state.get(&Topic::parse(&format!("book:{id}")).unwrap()) {
        Some(TopicData::Book(book)) => book.state,
        _ => BookState::Empty,
    }
}

#[tokio::test]
async fn a_silent_product_returns_on_its_own_connection_and_the_others_never_notice() {
    let sim = Sim::start(SimConfig::new("coinbase", Source::Demo { seed: 7, start: None })).await.unwrap();
    let venue = VenueConfig {
        ws_url: Some(sim.ws_url.clone()),
        rest_url: Some(sim.rest_url.clone()),
        backoff_min: Duration::from_millis(50),
        backoff_max: Duration::from_millis(500),
        ..VenueConfig::default()
    };
    let symbols = ["ADA-SIM", "BTC-SIM", "ETH-SIM"].map(str::to_owned).to_vec();
    let config = Config {
        feeds: vec![FeedConfig { venue: "coinbase".into(), symbols }],
        venues: BTreeMap::from([("coinbase".to_owned(), venue)]),
        ..demo_config()
    };
    let server = Server::start(config).await.unwrap();
    let mut client = Client::greet(&server, Encoding::Binary).await;
    let topics: Vec<String> = [SILENT].into_iter().chain(OTHERS).map(|id| format!("book:{id}")).collect();
    client.subscribe(1, &[&topics.iter().map(String::as_str).collect::<Vec<_>>()[..], &["status"]].concat()).await;
    while [SILENT].into_iter().chain(OTHERS).any(|id| book_state(&client, id) != BookState::Live) {
        client.next().await.unwrap();
    }
    // Only the connection of the three is silent about it.
    sim.fault("stall:stream=ADA-SIM,existing_only=true".parse().unwrap());
    let (begun, mut was_dead) = (tokio::time::Instant::now(), false);
    loop {
        assert!(
            begun.elapsed() < PATIENCE,
            "{SILENT} was {}, and is not back",
            if was_dead { "dead" } else { "never dead" }
        );
        client.next().await.unwrap();
        for id in OTHERS {
            assert_eq!(book_state(&client, id), BookState::Live, "{id}");
            let state = entry(&client, id).map(|entry| entry.state);
            assert_ne!(state, Some(StreamState::Failed), "{id}");
        }
        let Some(silent) = entry(&client, SILENT) else { continue };
        if silent.silence == Some(Silence::Dead) {
            assert_eq!(silent.state, StreamState::Stale);
            was_dead = true;
        } else if was_dead && silent.state == StreamState::Live && book_state(&client, SILENT) == BookState::Live {
            break;
        }
    }
    assert_eq!(sim.state()["n_clients"], 2);
}
