//! Measures the server under a crowd of clients, with the server in a process of its own, so that its memory is its own.
//!
//! ```text
//! cargo bench -p server --bench crowd -- stuck --clients 2000 --form json
//! cargo bench -p server --bench crowd -- slow
//! cargo bench -p server --bench crowd -- full --clients 500
//! cargo bench -p server --bench crowd -- churn
//! cargo bench -p server --bench crowd -- headers
//! ```
//!
//! Memory of the kernel is that of all TCP sockets of the machine, the crowd's own included, and is read on Linux only.
//! The simulated market is fed into the server; every client follows the same topics.
#![allow(clippy::unwrap_used, reason = "a failed measurement ends with its reason")]

mod client;
mod server;

use std::{
    process::Command,
    time::{Duration, Instant},
};

use clap::{Parser, ValueEnum};
use tokio::{io::AsyncWriteExt, net::TcpStream, task::JoinSet};
use wire::Encoding;

use crate::{
    client::{Ages, Client},
    server::{Child, Memory},
};

/// A crowd of clients for one server.
#[derive(Debug, Parser)]
struct Arguments {
    /// Scene to play.
    #[arg(value_enum)]
    scene: Option<Scene>,
    /// Clients of the scene.
    #[arg(long, default_value_t = 2_000)]
    clients: usize,
    /// The form that the crowd asks for.
    #[arg(long, value_enum, default_value_t = Form::Json)]
    form: Form,
    /// Clients beside the crowd that read everything.
    #[arg(long, default_value_t = 50)]
    healthy: usize,
    /// Length of the scene in seconds, where it has no end of its own.
    #[arg(long, default_value_t = 60)]
    secs: u64,
    /// Seconds before the scene, in which one client follows its topics: their history and the tap take as long to fill.
    #[arg(long, default_value_t = 35)]
    warm_up: u64,
    /// Another server's binary, to compare with.
    #[arg(long, default_value = env!("CARGO_BIN_EXE_truetape"))]
    binary: String,
    /// Passed by cargo.
    #[arg(long, hide = true)]
    bench: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Scene {
    /// Subscribe and never read.
    Stuck,
    /// Read 8 and 30 kB a second.
    Slow,
    /// Read everything, then leave.
    Full,
    /// Connect, subscribe and leave, 200 a second.
    Churn,
    /// Send half of a request's head.
    Headers,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Form {
    Json,
    Binary,
}

impl Form {
    fn encoding(self) -> Encoding {
        match self {
            Self::Json => Encoding::Json,
            Self::Binary => Encoding::Binary,
        }
    }
}

fn main() {
    let arguments = Arguments::parse();
    // `cargo test --benches` names none.
    let Some(scene) = arguments.scene else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let child = Child::start(Command::new(&arguments.binary));
        let _watcher = Healthy::start_with(&child, 1, arguments.form, LONG).await;
        tokio::time::sleep(Duration::from_secs(arguments.warm_up)).await;
        let idle = child.memory();
        println!("with one client: {idle}");
        match scene {
            Scene::Stuck => stuck(&child, idle, &arguments).await,
            Scene::Slow => slow(&child, arguments.secs).await,
            Scene::Full => full(&child, idle, &arguments).await,
            Scene::Churn => churn(&child, idle, &arguments).await,
            Scene::Headers => headers(&child, &arguments).await,
        }
    });
}

/// Clients that subscribe to everything and never read; the healthy ones must not notice.
async fn stuck(child: &Child, idle: Memory, arguments: &Arguments) {
    let healthy = Healthy::start(child, arguments.healthy, Duration::from_secs(arguments.secs)).await;
    let before = child.memory();
    println!("with {} healthy clients: {before}", arguments.healthy);
    let mut crowd = Vec::new();
    for _ in 0..arguments.clients {
        let mut client = Client::connect(child.address(), arguments.form.encoding(), None).await;
        client.follow(&TOPICS).await;
        crowd.push(client);
    }
    let joined = Instant::now();
    let (mut most, mut gone_at) = (before, None);
    while joined.elapsed() < STUCK_TIME {
        tokio::time::sleep(TICK).await;
        let now = child.memory();
        most = most.max(now);
        if child.sockets() <= arguments.healthy + SPARE_SOCKETS {
            gone_at = Some(joined.elapsed());
            break;
        }
    }
    println!("{} clients that never read: most {}", arguments.clients, most - before);
    println!("the server closed them within {gone_at:?} of the last one's subscription");
    drop(crowd);
    give_back(child, before).await;
    println!("after them, above idle: {}", child.memory() - idle);
    healthy.report().await;
}

/// Prints the memory above `before` until a while after a crowd has left.
async fn give_back(child: &Child, before: Memory) {
    let left = Instant::now();
    for seconds in [0, 5, 10, 20, 40] {
        tokio::time::sleep(Duration::from_secs(seconds).saturating_sub(left.elapsed())).await;
        println!("{seconds:>3} s after the crowd has left: {}", child.memory() - before);
    }
}

/// Clients that read a few kilobytes a second, each with the topics of a page and with all topics.
async fn slow(child: &Child, secs: u64) {
    for bytes_per_second in [8_000, 30_000] {
        for (what, topics) in [("a page's topics", &PAGE[..]), ("all topics", &TOPICS[..])] {
            let mut client = Client::connect(child.address(), Encoding::Json, Some(bytes_per_second)).await;
            client.follow(topics).await;
            let (mut ages, end) = (Ages::default(), Instant::now() + Duration::from_secs(secs));
            let ended = loop {
                match tokio::time::timeout_at(end.into(), client.next(&mut ages)).await {
                    Err(_time_is_over) => break "never closed".to_owned(),
                    Ok(Ok(())) => {}
                    Ok(Err(code)) => break format!("closed with {code}"),
                }
            };
            println!("{bytes_per_second} B/s, {what}: {ended}, {} bytes in {secs} s", client.n_bytes());
            println!("{ages}");
        }
    }
}

/// Clients that read everything; what one costs, and what is left when they have gone.
async fn full(child: &Child, idle: Memory, arguments: &Arguments) {
    let (end, mut crowd) = (Instant::now() + Duration::from_secs(arguments.secs), JoinSet::new());
    for _ in 0..arguments.clients {
        let mut client = Client::connect(child.address(), arguments.form.encoding(), None).await;
        client.follow(&TOPICS).await;
        crowd.spawn(tokio::time::timeout_at(end.into(), async move { while client.skip().await {} }));
    }
    tokio::time::sleep(Duration::from_secs(arguments.secs / 2)).await;
    let with = child.memory() - idle;
    println!("{} clients with {} patterns of topics: {with}", arguments.clients, TOPICS.len());
    println!("a client: {} kB", with.resident / 1_000 / i64::try_from(arguments.clients).unwrap().max(1));
    let ended = crowd.join_all().await;
    println!("closed by the server: {}", ended.iter().filter(|ended| ended.is_ok()).count());
    give_back(child, idle).await;
}

/// Connections that come, subscribe, read a little and go.
async fn churn(child: &Child, idle: Memory, arguments: &Arguments) {
    let begun = Instant::now();
    let mut ticks = tokio::time::interval(Duration::from_millis(5));
    let mut visits = JoinSet::new();
    let (mut n_visits, mut next_report) = (0, 10);
    let (address, encoding) = (child.address(), arguments.form.encoding());
    while begun.elapsed() < Duration::from_secs(arguments.secs) {
        ticks.tick().await;
        while visits.try_join_next().is_some() {}
        visits.spawn(async move {
            let mut client = Client::connect(address, encoding, None).await;
            client.follow(&TOPICS).await;
            let _ended = tokio::time::timeout(VISIT_TIME, async { while client.skip().await {} }).await;
        });
        n_visits += 1;
        if begun.elapsed().as_secs() >= next_report {
            println!("{next_report:>4} s, {n_visits} connections: {}", child.memory() - idle);
            next_report += 10;
        }
    }
    drop(visits);
    give_back(child, idle).await;
}

/// Connections that never finish their request's head.
async fn headers(child: &Child, arguments: &Arguments) {
    let healthy = Healthy::start(child, arguments.healthy, Duration::from_secs(arguments.secs)).await;
    let mut halves = Vec::new();
    for _ in 0..arguments.clients {
        let mut half = TcpStream::connect(child.address()).await.unwrap();
        half.write_all(b"GET / HTTP/1.1\r\nHost: 127").await.unwrap();
        halves.push(half);
    }
    let joined = Instant::now();
    while child.sockets() > arguments.healthy + SPARE_SOCKETS && joined.elapsed() < STUCK_TIME {
        tokio::time::sleep(TICK).await;
    }
    println!("{} half-sent heads: all closed after {:?}", arguments.clients, joined.elapsed());
    drop(halves);
    healthy.report().await;
}

/// Clients that read everything, and what they saw.
struct Healthy(JoinSet<(Ages, Result<(), u16>)>);

impl Healthy {
    async fn start(child: &Child, n_clients: usize, time: Duration) -> Self {
        Self::start_with(child, n_clients, Form::Binary, time).await
    }

    async fn start_with(child: &Child, n_clients: usize, form: Form, time: Duration) -> Self {
        let mut clients = JoinSet::new();
        let end = tokio::time::Instant::now() + time;
        for _ in 0..n_clients {
            let mut client = Client::connect(child.address(), form.encoding(), None).await;
            client.follow(&TOPICS).await;
            clients.spawn(async move {
                let mut ages = Ages::default();
                let outcome = loop {
                    match tokio::time::timeout_at(end, client.next(&mut ages)).await {
                        Err(_time_is_over) => break Ok(()),
                        Ok(Ok(())) => {}
                        Ok(Err(code)) => break Err(code),
                    }
                };
                (ages, outcome)
            });
        }
        Self(clients)
    }

    /// Waits for their end; prints ages and faults.
    async fn report(mut self) {
        let (mut all, mut n_closed) = (Ages::default(), 0);
        while let Some(joined) = self.0.join_next().await {
            let (ages, outcome) = joined.unwrap();
            n_closed += usize::from(outcome.is_err());
            all.add(&ages);
        }
        println!("healthy clients: {n_closed} closed, {} holes\n{all}", all.n_holes());
    }
}

/// Three channels of all twenty instruments: 60 topics.
const TOPICS: [&str; 3] = ["quote:demo:*", "book:demo:*", "tape:demo:*"];
/// About what a page follows.
const PAGE: [&str; 6] =
    ["quote:demo:*", "book:demo:BTC-SIM", "tape:demo:BTC-SIM", "candles.1m:demo:BTC-SIM", "status", "system"];
const LONG: Duration = Duration::from_secs(3_600);
const TICK: Duration = Duration::from_millis(200);
/// Longer than any time limit of the server.
const STUCK_TIME: Duration = Duration::from_secs(60);
const VISIT_TIME: Duration = Duration::from_millis(500);
/// The server's own, such as its listening one, and the watcher's.
const SPARE_SOCKETS: usize = 5;
