//! No secret in the log of the real binary, whatever `RUST_LOG` says, nor in a recording.

use std::{
    fs,
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use venue_sim::{Sim, SimConfig, Source};

use crate::{
    access::WithJson,
    canaries::{files_of, has},
    client::PATIENCE,
};

const TOKEN: &str = "never-to-be-seen-1";

/// Ends the program however the test ends.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _already_gone = self.0.kill();
        let _status = self.0.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_most_talkative_log_has_no_token() {
    let source = Source::Demo { seed: 7, start: None };
    let sim = Sim::start(SimConfig { key: Some(TOKEN.to_owned()), ..SimConfig::new("finnhub", source) }).await.unwrap();
    let folder = std::env::temp_dir().join(format!("truetape-secrets-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let log = folder.join("log");
    for format in ["text", "json"] {
        let child = Command::new(env!("CARGO_BIN_EXE_truetape"))
            .current_dir(&folder)
            .args(["serve", "--listen", "127.0.0.1:0", "--venue", "finnhub=SIM:ADA-SIM", "--log-format", format])
            .arg("--data-dir")
            .arg(&folder)
            .env("RUST_LOG", "trace,tungstenite::handshake=trace,hyper=trace,rustls=trace,reqwest=trace")
            .env("TRUETAPE__VENUES__FINNHUB__TOKEN", TOKEN)
            .env("TRUETAPE__VENUES__FINNHUB__WS_URL", &sim.ws_url)
            .env("TRUETAPE__VENUES__FINNHUB__REST_URL", &sim.rest_url)
            .stdout(Stdio::piped())
            .stderr(fs::File::create(&log).unwrap())
            .spawn()
            .unwrap();
        let mut running = Running(child);
        let mut ready = String::new();
        BufReader::new(running.0.stdout.take().unwrap()).read_line(&mut ready).unwrap();
        let url = serde_json::from_str::<Value>(&ready).unwrap()["url"].as_str().unwrap().to_owned();
        let http = server::feed::http::client(&server::tls::client_config().unwrap()).unwrap();
        let begun = Instant::now();
        // Live: the token has gone out with the handshake, and with requests for the bars of the past.
        let is_live = async || {
            let status = http.get(format!("{url}api/v1/status")).send().await.unwrap().text().await.unwrap();
            status.contains("\"live\"")
        };
        while !is_live().await {
            assert!(begun.elapsed() < PATIENCE, "{}", fs::read_to_string(&log).unwrap());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        for action in ["start", "stop"] {
            let request =
                http.post(format!("{url}api/v1/recordings/{action}")).with_json(&json!({ "venue": "finnhub" }));
            assert_eq!(request.send().await.unwrap().status(), reqwest::StatusCode::OK, "{action}");
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
        drop(running);
        let recordings = files_of(&folder.join("recordings"));
        assert!(!recordings.is_empty());
        for file in recordings {
            assert!(!has(&fs::read(&file).unwrap(), TOKEN), "{}", file.display());
        }
        let written = fs::read_to_string(&log).unwrap();
        assert!(written.contains("listening"), "{written}");
        let line = written.lines().find(|line| line.contains(TOKEN));
        assert!(line.is_none(), "{line:?}");
    }
    let _leftover = fs::remove_dir_all(&folder);
}
