//! The binary over one instrument of the simulated market, as a process of its own, and a client of its REST interface: for
//! measurements, and for tests that kill it.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

use serde_json::Value;
use server::{feed, tls};

/// A running server; it is killed with this, as a power cut would.
pub(crate) struct Server {
    child: Child,
    /// Its address, with a slash at the end.
    pub(crate) url: String,
}

impl Server {
    /// Starts a server and waits until it is ready.
    pub(crate) fn start(binary: &str, symbol: &str, folder: &Path) -> Self {
        let mut command = Command::new(binary);
        command.args(["serve", "--listen", "127.0.0.1:0", "--venue", &format!("demo={symbol}"), "--data-dir"]);
        let mut child = command.arg(folder).env("RUST_LOG", "error").stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let ready: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("no ready line: {line:?}"));
        Self { url: ready["url"].as_str().unwrap().to_owned(), child }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _is_gone = self.child.kill();
        let _status = self.child.wait();
    }
}

/// A client of REST.
#[derive(Clone)]
pub(crate) struct Rest {
    pub(crate) http: reqwest::Client,
    /// The address of the interface, with a slash at the end.
    pub(crate) base: String,
}

impl Rest {
    pub(crate) fn new(server: &Server) -> Self {
        let http = feed::http::client(&tls::client_config().unwrap()).unwrap();
        Self { http, base: format!("{}api/v1/", server.url) }
    }

    /// Sends a request, whose answer has to have the status; returns its body.
    pub(crate) async fn send(&self, request: reqwest::RequestBuilder, expected: u16) -> String {
        let answer = request.header("content-type", "application/json").send().await.unwrap();
        let (status, text) = (answer.status().as_u16(), answer.text().await.unwrap());
        assert_eq!(status, expected, "{text}");
        text
    }
}
