//! SIGTERM under load: `DRAIN_RUNS` runs (2 by default) with `DRAIN_SOCKETS` sockets (20 by default) and orders from four
//! clients. Sockets are closed with 1012, new work is refused, each order is answered or refused, the process ends by
//! itself, and the next one has every order that was acknowledged. A second signal ends it at once.
#![cfg(unix)]

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use futures::StreamExt;
use reqwest::Method;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tokio_tungstenite::{connect_async, tungstenite::Message};

use super::{
    process::Process,
    rest::{Folder, Rest, resting},
};
use crate::client::PATIENCE;

fn size(name: &str, default: usize) -> usize {
    std::env::var(name).map_or(default, |text| text.parse().unwrap())
}

type Socket = tokio_tungstenite::WebSocketStream<tokio_tungstenite::MaybeTlsStream<tokio::net::TcpStream>>;

/// Connects and follows quotes.
async fn follow(url: &str) -> Socket {
    use futures::SinkExt;
    let (mut socket, _) = connect_async(format!("{}ws?format=json", url.replace("http", "ws"))).await.unwrap();
    for text in
        [r#"{"type":"hello","protocol":1,"lane_ms":100}"#, r#"{"type":"subscribe","id":1,"topics":["quote:demo:*"]}"#]
    {
        socket.send(Message::text(text)).await.unwrap();
    }
    socket
}

/// Reads to the end; returns the close code, 0 for an end without one.
async fn last_code(mut socket: Socket) -> u16 {
    while let Some(message) = socket.next().await {
        match message {
            Ok(Message::Close(frame)) => return frame.map_or(0, |frame| frame.code.into()),
            Ok(_) => {}
            Err(_) => return 0,
        }
    }
    0
}

/// Places orders until one is not acknowledged; every request gets an answer or a broken connection, and none hangs.
async fn trade(rest: Rest, client: usize, acknowledged: Arc<Mutex<Vec<Value>>>) {
    for number in 0.. {
        let body = resting(&format!("c{client}-{number}"), "100.0");
        let asked = tokio::time::timeout(PATIENCE, rest.ask(Method::POST, "orders", Some(&body))).await;
        match asked.expect("an order without an answer") {
            Ok(answer) if answer.status == 201 => acknowledged.lock().unwrap().push(answer.json()),
            Ok(answer) => return assert_eq!(answer.status, 503, "{}", answer.text),
            Err(_connection_ended) => return,
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn run_once(folder: &Folder, known: &mut BTreeMap<String, Value>, run: usize) {
    let mut server = Process::start(&folder.0);
    let rest = server.rest();
    rest.best().await;
    rest.put("risk", json!({ "limits": {} })).await.with(200);
    for (name, order) in &mut *known {
        let id = order["order_id"].as_str().unwrap();
        let found = rest.get(&format!("orders/{id}")).await.with(200);
        assert_eq!(found["client_order_id"], name.as_str());
    }
    let mut sockets = Vec::new();
    for _ in 0..size("DRAIN_SOCKETS", 20) {
        sockets.push(follow(&server.url).await);
    }
    let sockets: Vec<_> = sockets.into_iter().map(|socket| tokio::spawn(last_code(socket))).collect();
    let acknowledged = Arc::<Mutex<Vec<Value>>>::default();
    let clients: Vec<_> =
        (0..4).map(|client| tokio::spawn(trade(rest.clone(), 10 * run + client, Arc::clone(&acknowledged)))).collect();
    tokio::time::sleep(Duration::from_millis(500)).await;
    kill_process(Pid::from_child(&server.child), Signal::TERM).unwrap();
    for socket in sockets {
        assert_eq!(tokio::time::timeout(PATIENCE, socket).await.unwrap().unwrap(), 1012);
    }
    for client in clients {
        client.await.unwrap();
    }
    let ended = tokio::task::spawn_blocking(move || server.child.wait()).await.unwrap().unwrap();
    assert!(ended.success(), "{ended}");
    for order in acknowledged.lock().unwrap().drain(..) {
        known.insert(order["client_order_id"].as_str().unwrap().to_owned(), order);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_acknowledged_is_lost_by_a_stop_under_load() {
    let folder = Folder::new("drain");
    let mut known = BTreeMap::new();
    // One more, which finds what the last one acknowledged.
    for run in 0..=size("DRAIN_RUNS", 2) {
        run_once(&folder, &mut known, run).await;
    }
    assert!(known.len() > 4, "{} orders", known.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopping_server_refuses_new_work_and_a_second_signal_ends_it() {
    let folder = Folder::new("drain-twice");
    let mut server = Process::start(&folder.0);
    let url = server.url.clone();
    // It never answers the close frame, so the first step takes its whole time.
    let deaf = follow(&url).await;
    let get = async |path: &str| server_answer(&url, path).await;
    assert_eq!(get("readyz").await, Some(200));
    kill_process(Pid::from_child(&server.child), Signal::TERM).unwrap();
    let mut code = Some(200);
    while code == Some(200) {
        code = get("readyz").await;
    }
    assert_eq!(code, Some(503));
    assert!(connect_async(format!("{}ws", url.replace("http", "ws"))).await.is_err());
    kill_process(Pid::from_child(&server.child), Signal::TERM).unwrap();
    let ended = tokio::task::spawn_blocking(move || server.child.wait()).await.unwrap().unwrap();
    assert_eq!(ended.code(), Some(130));
    drop(deaf);
}

/// Returns the status of an answer on a connection of its own; `None` without one.
async fn server_answer(url: &str, path: &str) -> Option<u16> {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let host = url.trim_start_matches("http://").trim_end_matches('/');
    let mut connection = tokio::net::TcpStream::connect(host).await.ok()?;
    let request = format!("GET /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    connection.write_all(request.as_bytes()).await.ok()?;
    let mut text = String::new();
    connection.read_to_string(&mut text).await.ok()?;
    text.split_whitespace().nth(1)?.parse().ok()
}
