//! Other sites in the same browser: nothing of theirs gets past the entrance, and no socket opens for them.
//!
//! Requests are written byte by byte, as no client library sends most of these. Not here: the rules themselves
//! (`http::guard`).

use server::{config::access::Login, serve::Server};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::client::{PATIENCE, demo_config};

/// Sends a handshake; returns the first line of the answer and the rest that came with it.
async fn shake_hands(server: &Server, route: &str, hosts: &[String], origins: &[String]) -> String {
    let header = |name: &'static str, values: &[String]| -> String {
        values.iter().map(|value| format!("{name}: {value}\r\n")).collect()
    };
    let request = format!(
        "{route} HTTP/1.1\r\n{}{}Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nContent-Length: 0\r\n\r\n",
        header("Host", hosts),
        header("Origin", origins),
    );
    let mut stream = TcpStream::connect(server.address()).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let reading = async {
        while !answer.windows(4).any(|part| part == b"\r\n\r\n") {
            if stream.read_buf(&mut answer).await.unwrap() == 0 {
                break;
            }
        }
    };
    tokio::time::timeout(PATIENCE, reading).await.expect("an answer");
    String::from_utf8_lossy(&answer).into_owned()
}

/// Every case on every route is refused before anything is upgraded, read or counted.
#[tokio::test]
async fn no_foreign_page_gets_past_the_entrance() {
    let mut config = demo_config();
    config.server.allowed_hosts = vec!["desk.example".to_owned()];
    config.access.login = Login::Never;
    let server = Server::start(config).await.unwrap();
    let (here, port) = (server.address().to_string(), server.address().port().to_string());
    let filled = |texts: &[&str]| -> Vec<String> {
        texts.iter().map(|text| text.replace("HERE", &here).replace("PORT", &port)).collect()
    };
    let routes = ["GET /ws", "GET /desk/live/ws?format=json", "POST /api/v1/session"];
    for (hosts, origins) in FOREIGN {
        for route in routes {
            let answer = shake_hands(&server, route, &filled(hosts), &filled(origins)).await;
            assert!(answer.starts_with("HTTP/1.1 403 "), "{route} {hosts:?} {origins:?}: {answer}");
        }
    }
    println!("{} requests refused", FOREIGN.len() * routes.len());
    // The same request of the server's own page, and of a program on this machine.
    for origins in [&["http://HERE"][..], &[]] {
        let answer = shake_hands(&server, routes[0], &filled(&["HERE"]), &filled(origins)).await;
        assert!(answer.starts_with("HTTP/1.1 101 "), "{answer}");
    }
}

/// `Host` and `Origin`; `HERE` stands for the server's address, `PORT` for its port.
const FOREIGN: [(&[&str], &[&str]); 24] = [
    (&["HERE"], &["null"]),
    (&["HERE"], &[""]),
    (&["HERE"], &["http://evil.example"]),
    (&["HERE"], &["HTTPS://EVIL.EXAMPLE"]),
    (&["HERE"], &["http://evil.example:PORT"]),
    (&["HERE"], &["http://evil-127.0.0.1:PORT"]),
    (&["HERE"], &["http://127.0.0.1.evil.example:PORT"]),
    (&["HERE"], &["http://HERE.evil.example"]),
    (&["HERE"], &["http://127.0.0.1"]),
    (&["HERE"], &["http://127.0.0.1:1"]),
    (&["HERE"], &["https://HERE"]),
    (&["HERE"], &["ws://HERE"]),
    (&["HERE"], &["file://"]),
    (&["HERE"], &["HERE"]),
    (&["HERE"], &["http://HERE/"]),
    (&["HERE"], &["http://user@HERE"]),
    (&["HERE"], &["http://[::ffff:127.0.0.1]:PORT"]),
    (&["HERE"], &["http://HERE", "http://evil.example"]),
    (&["HERE"], &["https://evil-desk.example"]),
    (&["HERE"], &["https://desk.example.evil.example"]),
    // A name of theirs that resolves to this machine.
    (&["evil.example:PORT"], &["http://evil.example:PORT"]),
    // A proxy's name without the page that asks.
    (&["desk.example"], &[]),
    (&[], &["http://HERE"]),
    (&["HERE", "evil.example"], &["http://HERE"]),
];
