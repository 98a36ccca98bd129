//! Coming back: what was missed is replayed without a hole, or the client is told that it starts over.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    time::Instant,
};

use futures::future::join_all;
use model::{
    instrument::{InstrumentId, Venue},
    time::Timestamp,
};
use recording::player::Control;
use server::{recorder::replays::Load, serve::Server};
use topics::{channels::TopicData, topic::Topic};
use wire::{
    Encoding,
    message::{Position, ResetReason, ServerMessage, UpdateKind},
};

use crate::{
    client::{Client, demo_config, demo_server},
    feed::recording,
};

const TOPICS: [&str; 3] = ["quote:demo:ADA-SIM", "tape:demo:ADA-SIM", "book:demo:XRP-SIM"];

#[tokio::test]
async fn missed_updates_are_replayed_in_json() {
    missed_updates_are_replayed(Encoding::Json).await;
}

#[tokio::test]
async fn missed_updates_are_replayed_in_binary() {
    missed_updates_are_replayed(Encoding::Binary).await;
}

async fn missed_updates_are_replayed(encoding: Encoding) {
    let server = demo_server(|_| {}).await;
    let mut witness = Client::greet(&server, encoding).await;
    witness.subscribe(1, &TOPICS).await;
    let mut client = Client::greet(&server, encoding).await;
    client.subscribe(1, &TOPICS).await;
    for topic in TOPICS {
        client.advance(topic, 1).await;
    }
    let (positions, state) = (client.positions.clone(), client.state.clone());
    drop(client);
    for topic in TOPICS {
        witness.advance(topic, 5).await;
    }
    let missed: u64 = TOPICS
        .iter()
        .map(|topic| Topic::parse(topic).unwrap())
        .map(|topic| witness.offset(&topic) - positions[&topic].offset)
        .sum();
    let mut client = Client::connect(&server, encoding).await;
    // The client checks from here on that each offset follows the one it had before.
    (client.positions, client.state) = (positions.clone(), state);
    let answers = client.hello(positions).await;
    let [ServerMessage::Welcome(_), ServerMessage::Resumed(resumed)] = answers.as_slice() else {
        panic!("{answers:?}")
    };
    assert_eq!((resumed.topics.len(), resumed.lost), (TOPICS.len(), 0));
    assert!(resumed.replayed >= missed, "{} replayed of {missed} missed", resumed.replayed);
    for topic in TOPICS {
        client.advance(topic, 2).await;
    }
    // Both have read the same updates: both must have come to the same state.
    for topic in TOPICS.map(|topic| Topic::parse(topic).unwrap()) {
        while client.offset(&topic) != witness.offset(&topic) {
            let behind = if client.offset(&topic) < witness.offset(&topic) { &mut client } else { &mut witness };
            behind.next().await.unwrap();
        }
        assert_eq!(client.state[&topic], witness.state[&topic], "{topic}");
    }
}

#[tokio::test]
async fn more_than_is_kept_begins_again() {
    let server = demo_server(|stream| stream.history_len = 2).await;
    let mut client = Client::greet(&server, Encoding::Json).await;
    client.subscribe(1, &["quote:demo:ADA-SIM"]).await;
    client.advance("quote:demo:ADA-SIM", 1).await;
    let positions = client.positions.clone();
    client.advance("quote:demo:ADA-SIM", 5).await;
    drop(client);
    begins_again(&server, positions, ResetReason::HistoryExceeded).await;
}

#[tokio::test]
async fn another_run_of_the_server_begins_again() {
    let server = demo_server(|_| {}).await;
    let mut client = Client::greet(&server, Encoding::Json).await;
    client.subscribe(1, &["quote:demo:ADA-SIM"]).await;
    client.advance("quote:demo:ADA-SIM", 1).await;
    let restarted = demo_server(|_| {}).await;
    begins_again(&restarted, client.positions, ResetReason::EpochChanged).await;
}

#[tokio::test]
async fn a_jump_of_the_replay_begins_again() {
    let folder = std::env::temp_dir().join(format!("truetape-resume-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let path = folder.join("a.jsonl");
    fs::write(&path, recording(500)).unwrap();
    let server = Server::start(demo_config()).await.unwrap();
    let load = Load { paths: vec![path], venue: Some("binance".into()), at: None, speed: 10.0, is_paused: true };
    server.replays().load_files(load).await.unwrap();
    let symbol = InstrumentId::new(&Venue::new("binance").as_replay(), "AAABBB");
    let topic = Topic::tape(&symbol);
    let mut client = Client::greet(&server, Encoding::Json).await;
    client.subscribe(1, &[&topic.to_string()]).await;
    server.replays().control(Control::Play).unwrap();
    client.advance(&topic.to_string(), 2).await;
    let before = client.positions.clone();
    server.replays().control(Control::Seek(Timestamp::from_millis(1_000_000))).unwrap();
    while client.positions[&topic].epoch == before[&topic].epoch {
        client.next().await.unwrap();
    }
    let mut late = Client::connect(&server, Encoding::Json).await;
    let answers = late.hello(before).await;
    let [ServerMessage::Welcome(_), ServerMessage::Reset(reset)] = answers.as_slice() else { panic!("{answers:?}") };
    assert_eq!((reset.topics.len(), reset.reason), (1, ResetReason::EpochChanged));
    fs::remove_dir_all(&folder).unwrap();
}

/// `STORM_CLIENTS` clients (40 by default) lose their connections at the same moment and come back at once, `STORM_ROUNDS`
/// times (3 by default). Each goes on where it was, or is told that it begins again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_storm_of_returning_clients_misses_nothing() {
    let size = |name: &str, default| std::env::var(name).map_or(default, |text| text.parse().unwrap());
    let (n_clients, n_rounds) = (size("STORM_CLIENTS", 40_u32), size("STORM_ROUNDS", 3));
    let server = demo_server(|_| {}).await;
    let mut clients = join_all((0..n_clients).map(async |_| {
        let mut client = Client::greet(&server, Encoding::Binary).await;
        client.subscribe(1, &TOPICS).await;
        client
    }))
    .await;
    let advanced = async |mut client: Client| {
        for topic in TOPICS {
            client.advance(topic, 2).await;
        }
        client
    };
    for _ in 0..n_rounds {
        clients = join_all(clients.into_iter().map(advanced)).await;
        // All are gone before the first comes back.
        let left = clients.into_iter().map(|client| (client.positions.clone(), client.state.clone()));
        let left: Vec<_> = left.collect();
        let since = Instant::now();
        let back = join_all(left.into_iter().map(|left| come_back(&server, left))).await;
        let n_resumed = back.iter().filter(|(_, is_resumed)| *is_resumed).count();
        println!("{n_clients} clients are back within {} ms, {n_resumed} resumed", since.elapsed().as_millis());
        clients = back.into_iter().map(|(client, _)| client).collect();
    }
    // Whoever follows what others follow begins with the snapshot that they have.
    let mut firsts: BTreeMap<String, BTreeSet<u64>> = BTreeMap::new();
    let news = join_all((0..n_clients).map(async |_| {
        let mut client = Client::greet(&server, Encoding::Binary).await;
        client.subscribe(1, &TOPICS[..1]).await;
        let first = client.until(|message| matches!(message, ServerMessage::Batch(_))).await;
        let ServerMessage::Batch(batch) = first else { unreachable!() };
        batch.items[0].update.clone()
    }))
    .await;
    for update in news {
        assert_eq!(update.kind, UpdateKind::Snapshot);
        firsts.entry(update.topic.to_string()).or_default().insert(update.offset);
    }
    println!("{n_clients} new clients began with {firsts:?}");
    join_all(clients.into_iter().map(advanced)).await;
}

/// Connects again; true if nothing was lost. The client checks that each offset follows the one before.
async fn come_back(
    server: &Server,
    (positions, state): (BTreeMap<Topic, Position>, BTreeMap<Topic, TopicData>),
) -> (Client, bool) {
    let mut client = Client::connect(server, Encoding::Binary).await;
    (client.positions, client.state) = (positions.clone(), state);
    let n_topics = positions.len();
    let answers = client.hello(positions).await;
    let is_resumed = match answers.as_slice() {
        [ServerMessage::Welcome(_), ServerMessage::Resumed(resumed)] => {
            assert_eq!((resumed.topics.len(), resumed.lost), (n_topics, 0));
            true
        }
        [ServerMessage::Welcome(_), .., ServerMessage::Reset(_)] => false,
        other => panic!("{other:?}"),
    };
    for topic in TOPICS {
        client.advance(topic, 2).await;
    }
    (client, is_resumed)
}

async fn begins_again(server: &Server, positions: BTreeMap<Topic, Position>, reason: ResetReason) {
    let mut client = Client::connect(server, Encoding::Json).await;
    let answers = client.hello(positions).await;
    let [ServerMessage::Welcome(_), ServerMessage::Reset(reset)] = answers.as_slice() else { panic!("{answers:?}") };
    assert_eq!((reset.topics.len(), reset.reason), (1, reason));
    let first = client.until(|message| matches!(message, ServerMessage::Batch(_))).await;
    let ServerMessage::Batch(batch) = first else { unreachable!() };
    assert_eq!(batch.items[0].update.kind, UpdateKind::Snapshot);
    client.advance("quote:demo:ADA-SIM", 2).await;
}
