//! Connections that are open and say nothing, with real sockets: the light goes red, REST stands in, everything comes back.
//!
//! A relay of bytes stands before the proxy that does harm, and both before a simulated venue; REST goes straight to the
//! venue. Not here: the same by the thousand in virtual time (`crates/venue-sim/tests/venue_sim/bad_line/stalls.rs`), which also holds
//! every bound: on a busy machine real time proves only the order of things.

use std::{net::SocketAddr, time::Duration};

use model::status::{FeedMode, StreamState};
use server::serve::Server;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinHandle,
    time::Instant,
};
use venue_sim::{
    Sim, SimConfig, Source,
    chaos::{Chaos, ChaosConfig},
};
use wire::Encoding;

use crate::{
    client::Client,
    feed::{config_for, until_state},
    feeds::{n_files, settles},
    size::size,
};

/// The kinds of silence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stall {
    /// Nothing comes from the venue, neither on connections there are nor on new ones.
    OpenSilent,
    /// Pings of ours are answered, and nothing else comes.
    PongOnly,
    /// The connection is neither read nor written.
    BlackHole,
    /// The connection is lost, and new ones are taken and never answered.
    NoHandshake,
    /// The connection is lost, and of new ones one byte comes through now and then.
    Trickle,
}

/// The relay's treatment of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Pass,
    Swallow,
    Hold,
    Trickle,
}

/// Passes bytes to and fro, or not.
struct Relay {
    address: SocketAddr,
    mode: watch::Sender<Mode>,
    task: JoinHandle<()>,
}

impl Relay {
    async fn start(upstream: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (mode, seen) = watch::channel(Mode::Pass);
        let task = tokio::spawn(async move {
            // Connections end with the relay.
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                connections.spawn(relay(client, upstream, seen.clone()));
            }
        });
        Self { address, mode, task }
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn relay(client: TcpStream, upstream: SocketAddr, mut mode: watch::Receiver<Mode>) {
    let Ok(venue) = TcpStream::connect(upstream).await else { return };
    let ((mut from_client, mut to_client), (mut from_venue, mut to_venue)) = (client.into_split(), venue.into_split());
    let begun_in = *mode.borrow_and_update();
    let mut bytes = vec![0; 64 << 10];
    let up = tokio::spawn(async move {
        let _ended = tokio::io::copy(&mut from_client, &mut to_venue).await;
    });
    loop {
        let now_in = *mode.borrow();
        tokio::select! {
            biased;
            changed = mode.changed() => {
                // One that fell silent stays so; one that is to be lost is lost.
                let is_over = matches!(*mode.borrow(), Mode::Hold | Mode::Trickle) || begun_in != Mode::Pass;
                if changed.is_err() || is_over {
                    break;
                }
            }
            () = up_ended(&up) => break,
            read = from_venue.read(&mut bytes) => {
                let Ok(n_bytes @ 1..) = read else { break };
                let written = match now_in {
                    Mode::Pass => to_client.write_all(&bytes[..n_bytes]).await,
                    Mode::Swallow | Mode::Hold => Ok(()),
                    Mode::Trickle => {
                        tokio::time::sleep(Duration::from_millis(100)).await;
                        to_client.write_all(&bytes[..1]).await
                    }
                };
                if written.is_err() {
                    break;
                }
            }
        }
    }
    up.abort();
}

async fn up_ended(up: &JoinHandle<()>) {
    while !up.is_finished() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

const TOPICS: [&str; 3] = ["quote:binance:ADASIM", "book:binance:ADASIM", "tape:binance:ADASIM"];

async fn stall_once(stall: Stall, seed: u64) {
    let sim = Sim::start(SimConfig::new("binance", Source::Demo { seed, start: None })).await.unwrap();
    let chaos = Chaos::start(ChaosConfig::new(&sim.ws_url, seed)).await.unwrap();
    let relay = Relay::start(chaos.address).await;
    let mut config = config_for(&sim, "ADASIM");
    let venue = config.venues.get_mut("binance").unwrap();
    venue.ws_url = Some(format!("ws://{}", relay.address));
    let deadline = venue.data_deadline.unwrap();
    let server = Server::start(config).await.unwrap();
    let mut client = Client::greet(&server, Encoding::Binary).await;
    client.subscribe(1, &[&TOPICS[..], &["status"]].concat()).await;
    until_state(&mut client, StreamState::Live).await;
    for topic in TOPICS {
        client.advance(topic, 2).await;
    }

    let begun = Instant::now();
    match stall {
        Stall::OpenSilent => {
            relay.mode.send_replace(Mode::Swallow);
        }
        Stall::PongOnly => chaos.set(vec!["stall:now=true,ms=60000".parse().unwrap()]).unwrap(),
        Stall::BlackHole => chaos.set(vec!["blackhole:now=true,ms=60000".parse().unwrap()]).unwrap(),
        Stall::NoHandshake => {
            relay.mode.send_replace(Mode::Hold);
        }
        Stall::Trickle => {
            relay.mode.send_replace(Mode::Trickle);
        }
    }
    let failed = until_state(&mut client, StreamState::Failed).await;
    let flagged_after = begun.elapsed();
    assert!(failed.cause.is_some(), "{stall:?} {failed:?}");
    let mut bridged_after = None;
    if matches!(stall, Stall::OpenSilent | Stall::NoHandshake | Stall::Trickle) {
        // No connection can be had: prices come by REST.
        let flagged = Instant::now();
        while next_mode(&mut client).await != FeedMode::RestPolling {}
        // The mode is published with the first answer.
        bridged_after = Some(flagged.elapsed());
        client.advance(TOPICS[0], 1).await;
        relay.mode.send_replace(Mode::Pass);
    }
    until_state(&mut client, StreamState::Live).await;
    // All that was followed is followed again.
    for topic in TOPICS {
        client.advance(topic, 2).await;
    }
    println!(
        "{stall:?}: red after {flagged_after:.1?}, by REST {bridged_after:.1?} later, live after {:.1?}",
        begun.elapsed()
    );
    if size(0, 1) == 1 {
        assert!(flagged_after <= deadline + Duration::from_secs(1), "{stall:?} {flagged_after:?}");
        assert!(bridged_after.is_none_or(|after| after <= Duration::from_secs(5)), "{stall:?} {bridged_after:?}");
    }
    server.shutdown().stopping.cancel();
}

/// Reads on; the mode that the status last named.
async fn next_mode(client: &mut Client) -> FeedMode {
    client.next().await.unwrap();
    crate::feed::entry(client).map_or(FeedMode::WebSocket, |entry| entry.mode)
}

fn n_tasks() -> usize {
    tokio::runtime::Handle::current().metrics().num_alive_tasks()
}

#[tokio::test]
async fn stalls_are_seen_bridged_and_healed() {
    let stalls = [Stall::OpenSilent, Stall::PongOnly, Stall::BlackHole, Stall::NoHandshake, Stall::Trickle];
    // The first time leaves the resolver's files and the allocator's pages behind.
    stall_once(Stall::OpenSilent, 1).await;
    settles("tasks", 0, n_tasks).await;
    let n_files_before = n_files();
    for round in 0..size(1, 10) as u64 {
        for stall in stalls {
            stall_once(stall, 10 + round).await;
        }
    }
    settles("tasks", 0, n_tasks).await;
    settles("open files", n_files_before, n_files).await;
}
