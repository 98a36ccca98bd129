//! Limits of one caller: its connections, streams and requests, from the many addresses that loopback has on
//! Linux. Each test leaves room for the others' callers, so a refusal is never that of a full server.

use std::{net::SocketAddr, time::Duration};

use server::{
    config::{Config, LimitsConfig, Network, access::Login},
    places::RESERVE,
    serve::Server,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
};

use crate::client::{PATIENCE, demo_config};

/// A server with these limits.
async fn server(limits: LimitsConfig) -> Server {
    Server::start(Config { limits, ..demo_config() }).await.unwrap()
}

/// A server behind the proxies 127.0.0.100 and 127.0.0.101.
async fn proxied_server(limits: LimitsConfig) -> Server {
    let mut config = Config { limits, ..demo_config() };
    config.server.trusted_proxies = ["127.0.0.100", "127.0.0.101"].map(|proxy| Network::parse(proxy).unwrap()).to_vec();
    config.access.login = Login::Never;
    Server::start(config).await.unwrap()
}

/// Connects from 127.0.0.`from`.
async fn connect(server: &Server, from: u8) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::from(([127, 0, 0, from], 0))).unwrap();
    socket.connect(server.address()).await.unwrap()
}

/// Sends a request from an address, with further header lines; the whole answer.
async fn ask(server: &Server, from: u8, path: &str, lines: &str) -> String {
    let mut stream = connect(server, from).await;
    let host = server.address();
    let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nconnection: close\r\n{lines}\r\n");
    // A refused connection may end before it has read this.
    let _sent = stream.write_all(request.as_bytes()).await;
    let mut answer = Vec::new();
    tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer)).await.expect("an answer").unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

/// Asks for a stream from an address; the connection and the head of the answer, or all of a refusal.
async fn open_stream(server: &Server, from: u8, lines: &str) -> (TcpStream, String) {
    let mut stream = connect(server, from).await;
    let host = server.address();
    let request = format!(
        "GET /ws?format=json HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{lines}\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let is_whole = |answer: &[u8]| {
        let text = String::from_utf8_lossy(answer);
        text.contains("\r\n\r\n") && (text.starts_with("HTTP/1.1 101") || text.ends_with("}}"))
    };
    while !is_whole(&answer) {
        let n_read = tokio::time::timeout(PATIENCE, stream.read_buf(&mut answer)).await.expect("an answer").unwrap();
        assert!(n_read > 0, "{}", String::from_utf8_lossy(&answer));
    }
    (stream, String::from_utf8_lossy(&answer).into_owned())
}

fn status(answer: &str) -> u16 {
    answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_else(|| panic!("no status: {answer}"))
}

/// The seconds that a refusal asks to wait.
fn retry_after(answer: &str) -> u64 {
    let line = answer.lines().find_map(|line| line.strip_prefix("retry-after: "));
    line.unwrap_or_else(|| panic!("no Retry-After: {answer}")).parse().unwrap()
}

#[tokio::test]
async fn one_connection_too_many_is_refused() {
    // Silent connections stay until the end of the test, whatever the machine.
    let header_timeout = Duration::from_secs(600);
    let server = server(LimitsConfig { connections_per_address: 100, header_timeout, ..LimitsConfig::default() }).await;
    let mut open = Vec::new();
    for _ in 0..100 {
        open.push(connect(&server, 2).await);
    }
    let answer = ask(&server, 2, "/", "").await;
    assert_eq!((status(&answer), retry_after(&answer)), (429, 5), "{answer}");
    assert!(answer.contains(r#""code":"too_many_connections""#), "{answer}");
    assert!(answer.contains("at most 100 (limits.connections_per_address)"), "{answer}");
    assert_eq!(status(&ask(&server, 3, "/", "").await), 200, "another address");
    let metrics = ask(&server, 3, "/metrics", "").await;
    assert!(metrics.contains("truetape_limit_refusals_total{limit=\"connections_per_address\"} 1"), "{metrics}");
    // Places come back.
    drop(open);
    let begun = tokio::time::Instant::now();
    while status(&ask(&server, 2, "/healthz", "").await) != 200 {
        assert!(begun.elapsed() < PATIENCE, "still refused");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn one_address_does_not_take_the_reserve() {
    let mut config = demo_config();
    config.server.max_connections = 4;
    config.limits.header_timeout = Duration::from_secs(600);
    let server = Server::start(config).await.unwrap();
    let mut open = Vec::new();
    for _ in 0..4 + RESERVE + 8 {
        open.push(connect(&server, 2).await);
    }
    let answer = ask(&server, 2, "/", "").await;
    assert_eq!((status(&answer), retry_after(&answer)), (503, 5), "{answer}");
    for path in ["/", "/healthz"] {
        assert_eq!(status(&ask(&server, 3, path, "").await), 200, "{path} for another address");
    }
    // The reserve is for pages; a request without a place can wait.
    assert_eq!(status(&ask(&server, 3, "/api/v1/status", "").await), 503);
}

#[tokio::test]
async fn a_flood_is_refused_until_it_waits_as_told() {
    let server = server(LimitsConfig { requests_per_second: 1, requests_burst: 5, ..LimitsConfig::default() }).await;
    let mut answers: Vec<String> = Vec::new();
    // On a busy machine the bucket fills a little meanwhile.
    while answers.len() < 1_000 && answers.last().is_none_or(|answer| status(answer) == 200) {
        answers.push(ask(&server, 2, "/api/v1/status", "").await);
    }
    let refusal = answers.pop().unwrap();
    assert!(answers.len() >= 5, "a burst passes");
    assert_eq!(status(&refusal), 429, "{refusal}");
    assert!(refusal.contains(r#""code":"too_many_requests""#) && refusal.contains("limits.requests_per_second"));
    assert_eq!(status(&ask(&server, 3, "/api/v1/status", "").await), 200, "another address");
    // Pages and files count, too; waiting as told is enough.
    tokio::time::sleep(Duration::from_secs(retry_after(&refusal))).await;
    assert_eq!(status(&ask(&server, 2, "/", "").await), 200, "after the wait");
}

#[tokio::test]
async fn only_a_named_proxy_says_who_calls() {
    let limits = LimitsConfig {
        connections_per_address: 25,
        requests_per_second: 1,
        requests_burst: 20,
        ..LimitsConfig::default()
    };
    let server = proxied_server(limits).await;
    // From anywhere else, the header changes nothing.
    let mut n_passed = 0;
    for number in 0..1_000 {
        let line = format!("X-Forwarded-For: 10.1.{}.{}\r\n", number / 250, number % 250);
        if status(&ask(&server, 2, "/healthz", &line).await) == 429 {
            break;
        }
        n_passed += 1;
    }
    assert!((20..1_000).contains(&n_passed), "{n_passed} requests of an invented caller passed");
    // A proxy connects for many, and each of them has a bucket of its own.
    let mut idle = Vec::new();
    for _ in 0..30 {
        idle.push(connect(&server, 100).await);
    }
    for number in 0..50 {
        let line = format!("X-Forwarded-For: 10.2.0.{number}\r\n");
        assert_eq!(status(&ask(&server, 100, "/healthz", &line).await), 200, "caller {number}");
    }
    let mut statuses = Vec::new();
    while statuses.len() < 1_000 && statuses.last() != Some(&429) {
        // The same caller by either proxy.
        let proxy = 100 + u8::from(statuses.len() % 2 == 0);
        statuses.push(status(&ask(&server, proxy, "/healthz", "X-Forwarded-For: 10.9.0.1\r\n").await));
    }
    assert_eq!(statuses.last(), Some(&429));
    assert!(statuses.len() > 20, "{statuses:?}");
}

#[tokio::test]
async fn streams_are_limited_before_the_upgrade() {
    let limits = LimitsConfig { streams_per_address: 2, ..LimitsConfig::default() };
    let server = proxied_server(limits).await;
    let mut open = Vec::new();
    for _ in 0..2 {
        let (stream, answer) = open_stream(&server, 2, "").await;
        assert_eq!(status(&answer), 101, "{answer}");
        open.push(stream);
    }
    let (_refused, answer) = open_stream(&server, 2, "X-Forwarded-For: 10.0.0.1\r\n").await;
    assert_eq!((status(&answer), retry_after(&answer)), (429, 5), "{answer}");
    assert!(answer.contains(r#""code":"too_many_streams""#), "{answer}");
    assert!(answer.contains("at most 2 (limits.streams_per_address)"), "{answer}");
    // Behind a named proxy each caller has its own.
    for caller in [1, 1, 2, 2] {
        let (stream, answer) = open_stream(&server, 100, &format!("X-Forwarded-For: 10.0.0.{caller}\r\n")).await;
        assert_eq!(status(&answer), 101, "{answer}");
        open.push(stream);
    }
    let (_refused, answer) = open_stream(&server, 101, "X-Forwarded-For: 10.0.0.2\r\n").await;
    assert_eq!(status(&answer), 429, "{answer}");
    // A stream that ends gives its share back.
    drop(open);
    let begun = tokio::time::Instant::now();
    while status(&open_stream(&server, 2, "").await.1) != 101 {
        assert!(begun.elapsed() < PATIENCE, "still refused");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
