//! Limits that protect clients from one another: floods, silence, memory use, and foreign origins.

use std::{
    collections::BTreeMap,
    time::{Duration, SystemTime},
};

use hub::config::HubConfig;
use server::{config::StreamConfig, places::RESERVE, serve::Server};
use socket2::{Domain, Socket, Type};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tokio_tungstenite::tungstenite::{Message, client::IntoClientRequest, http::HeaderValue};
use topics::{
    channels::TopicData,
    limits::{MAX_BARS, MAX_ENTRIES, MAX_LEVELS, MAX_TOPIC_BYTES},
    topic::Topic,
};
use wire::{
    Encoding,
    limits::{MAX_CLIENT_MESSAGE_BYTES, MAX_ITEMS, MAX_RESUME_TOPICS, MAX_TEXT_BYTES, MAX_TOPICS_PER_MESSAGE},
    message::{Bye, RefusalCode, ServerMessage},
};

use crate::client::{Client, PATIENCE, demo_config, demo_server};
use futures::SinkExt;

#[tokio::test]
async fn a_flood_of_messages_ends_the_connection() {
    let server = demo_server(|stream| (stream.messages_per_second, stream.messages_burst) = (1, 10)).await;
    let mut client = Client::greet(&server, Encoding::Json).await;
    for _ in 0..40 {
        client.say_text(r#"{"type":"ping","t":1}"#).await;
    }
    let refused = client.until(|message| matches!(message, ServerMessage::Refused(_))).await;
    assert!(matches!(refused, ServerMessage::Refused(refused) if refused.code == RefusalCode::RateLimited));
    let bye = client.until(|message| matches!(message, ServerMessage::Bye(_))).await;
    assert!(matches!(bye, ServerMessage::Bye(Bye { code, .. }) if code.0 == 3503));
    assert_eq!(client.drain().await, 3503);
}

#[tokio::test]
async fn hello_must_come_in_time() {
    let server = demo_server(|stream| stream.hello_timeout = Duration::from_millis(100)).await;
    assert_eq!(Client::connect(&server, Encoding::Json).await.drain().await, 3502);
}

#[tokio::test]
async fn another_protocol_is_refused_for_good() {
    let server = demo_server(|_| {}).await;
    let mut client = Client::connect(&server, Encoding::Json).await;
    client.say_text(r#"{"type":"hello","protocol":99,"lane_ms":100}"#).await;
    assert!(
        matches!(client.next().await, Ok(ServerMessage::Refused(refused)) if refused.code == RefusalCode::UnsupportedProtocol)
    );
    assert_eq!(client.drain().await, 3501);
}

#[tokio::test]
async fn nonsense_ends_the_connection_at_last() {
    let server = demo_server(|_| {}).await;
    let mut client = Client::greet(&server, Encoding::Json).await;
    for _ in 0..20 {
        client.say_text("nonsense").await;
    }
    assert_eq!(client.drain().await, 3500);
}

#[tokio::test]
async fn a_message_too_large_is_not_read() {
    let server = demo_server(|_| {}).await;
    for n_bytes in [70_000, 100_000, 3_000_000] {
        let mut client = Client::greet(&server, Encoding::Json).await;
        client.say_text(&"x".repeat(n_bytes)).await;
        let bye = client.until(|message| matches!(message, ServerMessage::Bye(_))).await;
        assert!(matches!(bye, ServerMessage::Bye(Bye { code, .. }) if code.0 == 1009), "{n_bytes}: {bye:?}");
        assert_eq!(client.drain().await, 1009, "{n_bytes}");
    }
    Client::greet(&server, Encoding::Json).await;
}

#[tokio::test]
async fn bytes_that_are_no_frames_are_said_to_be_none() {
    let server = demo_server(|_| {}).await;
    for (bytes, code) in [
        // Not masked; an unknown kind of frame; a continuation of nothing; a ping in pieces.
        (&[0x81, 1, b'x'][..], 1002),
        (&[0x83, 0x80, 0, 0, 0, 0][..], 1002),
        (&[0x80, 0x80, 0, 0, 0, 0][..], 1002),
        (&[0x09, 0x80, 0, 0, 0, 0][..], 1002),
        // Text that is not UTF-8.
        (&[0x81, 0x81, 0, 0, 0, 0, 0xff][..], 1007),
    ] {
        let mut client = Client::greet(&server, Encoding::Json).await;
        client.socket.get_mut().write_all(bytes).await.unwrap();
        let bye = client.until(|message| matches!(message, ServerMessage::Bye(_))).await;
        assert!(matches!(&bye, ServerMessage::Bye(bye) if bye.code.0 == code), "{bytes:?}: {bye:?}");
        assert_eq!(client.drain().await, code, "{bytes:?}");
    }
}

#[tokio::test]
async fn who_does_not_answer_pings_is_dropped() {
    let server = demo_server(|stream| {
        // The other client must answer in time on a busy machine, too.
        (stream.ping, stream.pong_timeout) = (Duration::from_millis(200), Duration::from_millis(1_500));
    })
    .await;
    // A client that reads answers by itself; this one does not read until it has been silent for too long.
    let mut idle = Client::greet(&server, Encoding::Json).await;
    let mut alive = Client::greet(&server, Encoding::Json).await;
    alive.subscribe(1, &["quote:demo:ADA-SIM", "system"]).await;
    let mut n_clients = None;
    while n_clients != Some(1) {
        alive.next().await.unwrap();
        n_clients = match alive.state.get(&Topic::SYSTEM) {
            Some(TopicData::System(system)) => system.clients,
            _ => None,
        };
    }
    // Read as bytes: a client would try to answer the pings first, and find that nobody listens any more.
    let mut bytes = Vec::new();
    idle.socket.get_mut().read_to_end(&mut bytes).await.unwrap();
    let close_frame = [&[0x88_u8, 2 + 4][..], &3001_u16.to_be_bytes(), b"idle"].concat();
    assert!(bytes.ends_with(&close_frame), "{}", String::from_utf8_lossy(&bytes));
    alive.advance("quote:demo:ADA-SIM", 3).await;
}

#[tokio::test]
async fn who_does_not_read_is_dropped_and_the_others_get_everything() {
    let server = demo_server(|stream| {
        stream.write_timeout = Duration::from_millis(500);
        // So that the snapshots it asks for and does not read are what fills its way.
        (stream.messages_per_second, stream.messages_burst) = (10_000, 10_000);
    })
    .await;
    let mut healthy = Client::greet(&server, Encoding::Json).await;
    healthy.subscribe(1, &["quote:demo:ADA-SIM", "book:demo:ADA-SIM", "system"]).await;
    healthy.advance("system", 1).await;
    let mut stuck = narrow_client(&server).await;
    let n_clients = |client: &Client| match client.state.get(&Topic::SYSTEM) {
        Some(TopicData::System(system)) => system.clients,
        _ => None,
    };
    let begin = tokio::time::Instant::now();
    while n_clients(&healthy) != Some(2) {
        healthy.next().await.unwrap();
    }
    stuck.say_text(FOLLOW_MUCH).await;
    while n_clients(&healthy) != Some(1) {
        assert!(begin.elapsed() < PATIENCE, "still connected");
        // Fails once the server has dropped it.
        let _dropped = stuck.socket.send(Message::text(ASK_MUCH)).await;
        healthy.next().await.unwrap();
    }
    // It reads after all, in time for the last words.
    assert_eq!(stuck.drain().await, 3008);
    healthy.advance("book:demo:ADA-SIM", 3).await;
}

#[tokio::test]
async fn who_reads_slowly_is_not_cut_off() {
    // Less than the slow reader needs for what follows from one request, more than for each step the kernel reports.
    let server = demo_server(|stream| {
        stream.write_timeout = Duration::from_secs(2);
        (stream.messages_per_second, stream.messages_burst) = (10_000, 10_000);
    })
    .await;
    let mut slow = Client::over(slow_way(&server, 40_000).await, &server, Encoding::Json).await;
    slow.hello(BTreeMap::new()).await;
    slow.say_text(FOLLOW_MUCH).await;
    let (begun, mut n_messages) = (tokio::time::Instant::now(), 0);
    while begun.elapsed() < Duration::from_secs(6) {
        slow.say_text(ASK_MUCH).await;
        slow.next().await.unwrap_or_else(|code| panic!("cut off with {code} after {n_messages} messages"));
        n_messages += 1;
    }
    assert!(n_messages > 3, "{n_messages} messages");
}

/// A client's system takes much more than this on its own; what it took would be old, and the kernel's memory.
/// `STUCK_CLIENTS` of them at once, 5 by default, beside one that reads everything and misses nothing.
#[tokio::test]
async fn who_reads_nothing_is_sent_little() {
    let n_stuck: u64 = std::env::var("STUCK_CLIENTS").map_or(5, |text| text.parse().unwrap());
    let server = demo_server(|stream| stream.write_timeout = Duration::from_millis(500)).await;
    let mut healthy = Client::greet(&server, Encoding::Json).await;
    healthy.subscribe(1, &["system", "quote:demo:*", "book:demo:*"]).await;
    let mut crowd = Vec::new();
    for _ in 0..n_stuck {
        let mut stuck = Client::greet(&server, Encoding::Json).await;
        stuck.say_text(r#"{"type":"subscribe","id":1,"topics":["quote:demo:*","book:demo:*","tape:demo:*"]}"#).await;
        crowd.push(stuck);
    }
    let begun = tokio::time::Instant::now();
    // The first of many may be gone before the last one is there.
    let is_seen = |client: &Client, n_most: u64, n_least: u64| match client.state.get(&Topic::SYSTEM) {
        Some(TopicData::System(system)) => system.clients.is_some_and(|n| (n_least..=n_most).contains(&n)),
        _ => false,
    };
    for (n_most, n_least) in [(1 + n_stuck, 2), (1, 1)] {
        while !is_seen(&healthy, n_most, n_least) {
            assert!(begun.elapsed() < PATIENCE, "not {n_least} to {n_most} clients");
            healthy.next().await.unwrap();
        }
    }
    for mut stuck in crowd {
        let mut bytes = Vec::new();
        stuck.socket.get_mut().read_to_end(&mut bytes).await.unwrap();
        let close_frame = [&[0x88_u8, 2 + 4][..], &3008_u16.to_be_bytes(), b"slow"].concat();
        assert!(bytes.ends_with(&close_frame), "{}", String::from_utf8_lossy(&bytes));
        assert!(bytes.len() < 80_000, "{} bytes", bytes.len());
    }
    healthy.advance("quote:demo:ADA-SIM", 3).await;
}

/// A slow reader gets nothing old: updates that it could not take are replaced, and it is told
/// where trades are left out.
#[tokio::test]
async fn who_reads_slowly_is_shown_nothing_old() {
    let server = demo_server(|_| {}).await;
    let mut client = Client::over(slow_way(&server, 8_000).await, &server, Encoding::Json).await;
    client.hello(BTreeMap::new()).await;
    let topics = ["quote:demo:*", "book:demo:*", "tape:demo:*", "candles.1s:demo:ADA-SIM"];
    client.subscribe(1, &topics).await;
    let (begun, mut ages_ms, mut n_books) = (tokio::time::Instant::now(), Vec::new(), 0);
    // A busy machine takes longer to show as much; what it shows must be as new.
    let is_enough = |n_ages: usize, n_books: usize| n_ages > 20 && n_books > 2;
    while begun.elapsed() < Duration::from_secs(12) || !is_enough(ages_ms.len(), n_books) && begun.elapsed() < PATIENCE
    {
        // Contiguous offsets, or a snapshot: the client checks it.
        let ServerMessage::Batch(batch) = client.next().await.expect("it makes progress") else { continue };
        let now_us = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_micros();
        for item in batch.items {
            let time_us = match &item.update.data {
                TopicData::Quote(quote) => quote.publish_time_us,
                TopicData::Book(book) => book.publish_time_us,
                _ => None,
            };
            n_books += usize::from(matches!(item.update.data, TopicData::Book(_)));
            ages_ms.extend(time_us.map(|time_us| (i64::try_from(now_us).unwrap() - time_us) / 1_000));
        }
    }
    let oldest = ages_ms.iter().max().unwrap();
    println!("{} quotes and books at 8 kB/s, the oldest {oldest} ms old", ages_ms.len());
    assert!(is_enough(ages_ms.len(), n_books), "{} of which {n_books} books", ages_ms.len());
    // The bytes on their way are a second; a snapshot of candles beside them takes another few.
    assert!(*oldest < 5_000, "{oldest} ms old");
}

/// A way to the server that carries so many bytes a second towards the client, and few in advance.
async fn slow_way(server: &Server, bytes_per_second: u32) -> TcpStream {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (mut near_read, mut near_write) = listener.accept().await.unwrap().0.into_split();
    let (mut far_read, mut far_write) = narrow_socket(server).into_split();
    tokio::spawn(async move { tokio::io::copy(&mut near_read, &mut far_write).await });
    tokio::spawn(async move {
        let (mut buffer, mut next) = ([0; 400], tokio::time::Instant::now());
        while let Ok(n_bytes @ 1..) = far_read.read(&mut buffer).await {
            // On a busy machine it makes up for a late turn.
            next = next.max(tokio::time::Instant::now() - Duration::from_millis(250));
            next += Duration::from_secs(1) * u32::try_from(n_bytes).unwrap() / bytes_per_second;
            tokio::time::sleep_until(next).await;
            if near_write.write_all(&buffer[..n_bytes]).await.is_err() {
                break;
            }
        }
    });
    client
}

/// Each request brings some 100 KB; the kernel takes a few of them and then no more.
const ASK_MUCH: &str = r#"{"type":"snapshot","id":1,"topics":["candles.1s:demo:*","candles.1m:demo:*"]}"#;
const FOLLOW_MUCH: &str = r#"{"type":"subscribe","id":1,"topics":["candles.1s:demo:*","candles.1m:demo:*"]}"#;

/// A client that has said hello and whose system takes little before it reads.
async fn narrow_client(server: &Server) -> Client {
    let mut client = Client::over(narrow_socket(server), server, Encoding::Json).await;
    client.hello(BTreeMap::new()).await;
    client
}

/// A connection to the server whose system takes little before it is read.
fn narrow_socket(server: &Server) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.set_recv_buffer_size(4_096).unwrap();
    socket.connect(&server.address().into()).unwrap();
    socket.set_nonblocking(true).unwrap();
    TcpStream::from_std(socket.into()).unwrap()
}

#[tokio::test]
async fn foreign_pages_get_no_socket() {
    let server = demo_server(|_| {}).await;
    let address = server.address();
    for (host, origin, status) in [
        (address.to_string(), Some(format!("http://{address}")), 101),
        (address.to_string(), None, 101),
        (format!("localhost:{}", address.port()), Some(format!("http://localhost:{}", address.port())), 101),
        (address.to_string(), Some("http://evil.example".to_owned()), 403),
        (address.to_string(), Some("null".to_owned()), 403),
        (address.to_string(), Some(format!("https://{address}")), 403),
        (format!("evil.example:{}", address.port()), None, 403),
        (format!("evil.example:{}", address.port()), Some(format!("http://evil.example:{}", address.port())), 403),
    ] {
        let mut request = format!("ws://{address}/ws").into_client_request().unwrap();
        request.headers_mut().insert("host", HeaderValue::from_str(&host).unwrap());
        if let Some(origin) = &origin {
            request.headers_mut().insert("origin", HeaderValue::from_str(origin).unwrap());
        }
        let stream = TcpStream::connect(address).await.unwrap();
        let found = match tokio_tungstenite::client_async(request, stream).await {
            Ok((_, response)) => response.status(),
            Err(tokio_tungstenite::tungstenite::Error::Http(response)) => response.status(),
            Err(error) => panic!("{error}"),
        };
        assert_eq!(found.as_u16(), status, "{host} {origin:?}");
    }
}

#[tokio::test]
async fn half_sent_headers_do_not_hold_a_place() {
    let server = demo_server(|_| {}).await;
    let mut half = TcpStream::connect(server.address()).await.unwrap();
    half.write_all(b"GET / HTTP/1.1\r\nHost: 127").await.unwrap();
    let mut answer = Vec::new();
    let closed = tokio::time::timeout(Duration::from_secs(15), half.read_to_end(&mut answer)).await;
    assert!(closed.is_ok(), "still open after 15 s");
}

#[tokio::test]
async fn half_sent_bodies_do_not_hold_a_place() {
    let server = demo_server(|_| {}).await;
    let host = server.address();
    for path in ["/api/v1/feeds", "/api/v1/replay", "/api/v1/recordings/start", "/api/v1/status", "/nothing"] {
        let mut half = TcpStream::connect(host).await.unwrap();
        let head = format!("POST {path} HTTP/1.1\r\nHost: {host}\r\ncontent-type: application/json\r\n");
        half.write_all(format!("{head}content-length: 50\r\n\r\n{{\"venue\":").as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        let closed = tokio::time::timeout(Duration::from_secs(15), half.read_to_end(&mut answer)).await;
        assert!(closed.is_ok(), "{path}: still open after 15 s");
        let answer = String::from_utf8_lossy(&answer);
        let is_answered = answer.starts_with("HTTP/1.1 408 ") && answer.contains("\"body_too_slow\"");
        assert!(is_answered || answer.starts_with("HTTP/1.1 405 "), "{path}: {answer}");
    }
}

/// Sends a request on a connection of its own; the whole answer, or what came of it.
async fn ask(server: &Server, request: &str) -> String {
    let mut stream = TcpStream::connect(server.address()).await.unwrap();
    let host = server.address();
    stream
        .write_all(format!("{request} HTTP/1.1\r\nHost: {host}\r\nconnection: close\r\n\r\n").as_bytes())
        .await
        .unwrap();
    let mut answer = Vec::new();
    tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer)).await.expect("an answer").unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn who_ends_its_side_after_asking_gets_an_answer() {
    let server = demo_server(|_| {}).await;
    let host = server.address();
    for path in ["/", "/api/v1/status", "/api/v1/candles?instrument=demo:ADA-SIM", "/healthz"].repeat(8) {
        let mut stream = TcpStream::connect(host).await.unwrap();
        stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n").as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();
        let mut answer = Vec::new();
        tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer)).await.expect("an end").unwrap();
        assert!(answer.starts_with(b"HTTP/1.1 "), "{path}: {}", String::from_utf8_lossy(&answer));
    }
}

/// The protocol's page names the limits that are in force.
#[test]
fn documented_limits_are_those_in_force() {
    let page = include_str!("../../../docs/stream-protocol.md").split_whitespace().collect::<Vec<_>>().join(" ");
    let (config, hub) = (StreamConfig::default(), HubConfig::default());
    assert_eq!(config.max_topics, MAX_RESUME_TOPICS, "all topics of a connection can be resumed");
    let thousands = |n: usize| if n < 1_000 { n.to_string() } else { format!("{},{:03}", n / 1_000, n % 1_000) };
    let text = [
        format!("closes the connection after {} seconds", config.hello_timeout.as_secs()),
        format!("takes nothing at all for {} seconds", config.write_timeout.as_secs()),
        format!("holds up to {} items or {} KiB", thousands(config.history_len), config.history_bytes >> 10),
        format!("and {} seconds longer", config.retain_idle.as_secs()),
        format!("more than {} KiB wait in all", hub.lag_bytes >> 10),
        format!("a queue for each client, {} MiB at most", config.queue_bytes >> 20),
        format!("| a client message | {} KiB |", MAX_CLIENT_MESSAGE_BYTES >> 10),
        format!("| `too_large` | the message is larger than {} KiB |", MAX_CLIENT_MESSAGE_BYTES >> 10),
        format!("| topics in a subscribe, unsubscribe or snapshot | {MAX_TOPICS_PER_MESSAGE} |"),
        format!("| topics of a connection, and of `resume` | {} |", config.max_topics),
        format!("| a topic's text | {MAX_TOPIC_BYTES} bytes |"),
        format!("| items in a batch, trades in a delta | {} |", thousands(MAX_ITEMS.min(MAX_ENTRIES))),
        format!("| candles in an item | {} |", thousands(MAX_BARS)),
        format!("| levels a side in an item | {MAX_LEVELS} |"),
        format!("| any other text | {} KiB |", MAX_TEXT_BYTES >> 10),
        format!("| unread bytes waiting for a client | {} MiB |", config.queue_bytes >> 20),
    ];
    for sentence in text {
        assert!(page.contains(&sentence), "the page does not say: {sentence}");
    }
}

#[tokio::test]
async fn a_full_server_says_so_and_keeps_places_for_the_page() {
    let mut config = demo_config();
    config.server.max_connections = 2;
    let server = Server::start(config).await.unwrap();
    let mut clients = [Client::greet(&server, Encoding::Json).await, Client::greet(&server, Encoding::Json).await];
    for (path, status) in [
        ("/", 200),
        ("/healthz", 200),
        ("/readyz", 200),
        ("/assets/0123456789abcdef/nothing.js", 404),
        ("/api/v1/status", 503),
        ("/ws", 503),
    ] {
        let answer = ask(&server, &format!("GET {path}")).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{path}: {answer}");
        assert_eq!(answer.contains("\r\nretry-after: 5\r\n"), status == 503, "{path}: {answer}");
        assert_eq!(answer.contains("{\"error\":{\"code\":\"full\""), status == 503, "{path}: {answer}");
    }
    // Even when the reserve is used up, nobody waits without an answer.
    let mut silent = Vec::new();
    for _ in 0..RESERVE + 8 {
        silent.push(TcpStream::connect(server.address()).await.unwrap());
    }
    let answer = ask(&server, "GET /").await;
    assert!(answer.starts_with("HTTP/1.1 503 ") && answer.contains("\r\nretry-after: 5\r\n"), "{answer}");
    assert!(answer.contains("{\"error\":{\"code\":\"full\""), "{answer}");
    // Those who are connected go on, and a free place is for everyone.
    drop(silent);
    clients[0].subscribe(1, &["quote:demo:ADA-SIM"]).await;
    clients[0].advance("quote:demo:ADA-SIM", 2).await;
    drop(clients);
    let begun = tokio::time::Instant::now();
    while !ask(&server, "GET /api/v1/status").await.starts_with("HTTP/1.1 200 ") {
        assert!(begun.elapsed() < PATIENCE, "still full");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
