//! Paths that climb: no request reads or deletes a file outside of what it is for.
//!
//! Requests are written byte by byte, as clients tidy up such paths themselves. Not here: names of recordings
//! (`recorder::library`).

use std::fs;

use server::serve::Server;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::client::{PATIENCE, demo_config};

/// Sends a request; returns its whole answer.
async fn send(server: &Server, method: &str, path: &str) -> Vec<u8> {
    let mut stream = TcpStream::connect(server.address()).await.unwrap();
    let host = server.address();
    let head = format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\nAccept: text/html\r\nConnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    // A path that is not one at all ends the connection, with or without an answer.
    let _reset = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer)).await.expect("an end");
    answer
}

#[tokio::test]
async fn no_path_leads_out_of_its_folder() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = demo_config();
    config.server.data_dir = folder.path().join("data");
    fs::create_dir_all(config.server.data_dir.join("recordings")).unwrap();
    let canaries = [folder.path().join(CANARY_FILE), config.server.data_dir.join(CANARY_FILE)];
    for canary in &canaries {
        fs::write(canary, CANARY).unwrap();
    }
    let server = Server::start(config).await.unwrap();
    let mut n_sent = 0;
    for prefix in PREFIXES {
        for climb in CLIMBS {
            for target in [CANARY_FILE.to_owned(), format!("{}etc/passwd", climb.repeat(12))] {
                let path = format!("{prefix}{climb}{target}");
                let methods: &[&str] = if prefix.contains("recordings") { &["GET", "DELETE"] } else { &["GET"] };
                for method in methods {
                    let answer = send(&server, method, &path).await;
                    let leaks = [CANARY.as_bytes(), b"root:"];
                    let is_leak = leaks.iter().any(|leak| answer.windows(leak.len()).any(|part| part == *leak));
                    assert!(!is_leak, "{method} {path}: {}", String::from_utf8_lossy(&answer));
                }
                n_sent += 1;
            }
        }
    }
    assert!(n_sent >= 200, "{n_sent} paths");
    for canary in &canaries {
        assert_eq!(fs::read_to_string(canary).unwrap(), CANARY, "{}", canary.display());
    }
    // Nothing of this has harmed the server.
    assert!(send(&server, "GET", "/healthz").await.starts_with(b"HTTP/1.1 200 "));
}

/// The name of a recording, so that its ending does not keep it safe.
const CANARY_FILE: &str = "canary.jsonl";
const CANARY: &str = "a canary that sings to nobody";

const PREFIXES: [&str; 5] =
    ["/api/v1/recordings/", "/api/v1/backtest/", "/assets/", "/desk/live/assets/0123456789abcdef/", "/"];

const CLIMBS: [&str; 20] = [
    "/",
    "../",
    "../../",
    "./../",
    "..//",
    "....//",
    "..;/",
    "..\\",
    "..%2f",
    "..%2F..%2F",
    "%2e%2e/",
    "%2e%2e%2f",
    "%2E%2E%5C",
    "..%5c",
    "%252e%252e%252f",
    "..%c0%af",
    "%c0%ae%c0%ae/",
    "..%00/",
    "%2f",
    "..%ef%bc%8f",
];
