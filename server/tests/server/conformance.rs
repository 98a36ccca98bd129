//! The WebSocket of the stream against the cases of the Autobahn test suite, by `kosoku` 0.1.0 from PyPI: the server's own
//! listening socket, handshake, limits and the reading half of its socket, with an echo in place of the session.
//!
//! `cargo xtask setup` installs it; without it the test says that it was skipped. Cases of group 9 send more
//! than our limits take, 12 and 13 are about compression, which the stream does not offer.

use std::{future::poll_fn, process::Command};

use axum::{Router, response::Response, routing::get};
use server::{
    clock::Clock,
    config::{Config, LimitsConfig},
    http::{
        accept::{self, Service},
        forwarded::TrustedProxies,
        stream::handshake::Handshake,
    },
    limits::Limits,
    metrics::counters::Counters,
    places::Places,
    shutdown::Shutdown,
};
use tokio::{io::AsyncWriteExt, net::TcpListener};
use tokio_tungstenite::tungstenite::{
    Message,
    protocol::frame::{
        Frame,
        coding::{Data, OpCode},
    },
};

use crate::{api::oracles, desk::rest::Folder};

async fn echo(handshake: Handshake) -> Response {
    let response = handshake.response();
    tokio::spawn(async move {
        let mut socket = handshake.socket(None).await.unwrap();
        loop {
            let message = poll_fn(|context| socket.poll_next(context)).await;
            let is_last = !matches!(message, Some(Ok(_)));
            let mut bytes = socket.take_answers().map(Vec::from).unwrap_or_default();
            let kind = if matches!(message, Some(Ok(Message::Text(_)))) { Data::Text } else { Data::Binary };
            if let Some(Ok(message @ (Message::Text(_) | Message::Binary(_)))) = message {
                Frame::message(message.into_data(), OpCode::Data(kind), true).format(&mut bytes).unwrap();
            }
            if socket.stream().write_all(&bytes).await.is_err() || is_last {
                return;
            }
        }
    });
    response
}

#[tokio::test(flavor = "multi_thread")]
async fn the_websocket_is_that_of_the_rfc() {
    let kosoku = oracles::programs().join("kosoku");
    if !kosoku.is_file() {
        println!("skipped: kosoku is not installed; `cargo xtask setup` installs it");
        return;
    }
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let shutdown = Shutdown::default();
    let router = Router::new().route("/echo", get(echo));
    let service = Service {
        router,
        tls: None,
        places: Places::new(Config::default()),
        limits: Limits::new(LimitsConfig::default(), Counters::default().limits, Clock::start()),
        proxies: TrustedProxies::new(Config::default()),
        counters: Counters::default().connections,
        shutdown: shutdown.clone(),
    };
    tokio::spawn(accept::accept(listener, service));
    let folder = Folder::new("kosoku");
    let reports = folder.0.clone();
    let run = move || {
        let mut suite = Command::new(kosoku);
        suite.args(["-m", "fuzzingclient", "-p", "4", "-x", "9.*", "-x", "12.*", "-x", "13.*", "-o"]).arg(&reports);
        suite.arg(format!("{address}/echo")).output().unwrap()
    };
    let output = tokio::task::spawn_blocking(run).await.unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("247 cases passed"), "{said}");
    shutdown.stopping.cancel();
}
