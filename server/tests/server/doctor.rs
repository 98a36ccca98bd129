//! `truetape doctor` and `truetape health`, beside servers that are well, stopping, absent, and on damaged files.

use std::process::Output;

use serde_json::Value;

use crate::{
    client::demo_server,
    desk::{
        process::{Process, run, serve, truetape, words},
        rest::Folder,
    },
};

/// Runs `doctor --json`; returns its exit code and the state of each check.
fn doctor(folder: &Folder, arguments: &[&str]) -> (Option<i32>, Vec<(String, String)>) {
    let words = [&["doctor", "--json", "--venue", "demo=ADA-SIM"][..], arguments].concat();
    let output = run(&words, &folder.0);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let text = |finding: &Value, key: &str| finding[key].as_str().unwrap().to_owned();
    let checks = report["checks"].as_array().unwrap();
    for finding in checks {
        let is_well = finding["state"] == "ok" || finding["state"] == "skipped";
        assert_eq!(finding["remedy"].is_null(), is_well, "{finding}");
    }
    assert_eq!(report["ok"] == true, output.status.success());
    (output.status.code(), checks.iter().map(|finding| (text(finding, "check"), text(finding, "state"))).collect())
}

#[test]
fn a_new_folder_is_well_and_a_running_server_stays_so() {
    let folder = Folder::new("doctor");
    let ok = |check: &str| (check.to_owned(), "ok".to_owned());
    let (code, checks) = doctor(&folder, &["--listen", "127.0.0.1:0"]);
    assert_eq!(code, Some(0), "{checks:?}");
    // The simulated market has no clock to compare with.
    assert!(checks.contains(&("clock".to_owned(), "skipped".to_owned())), "{checks:?}");
    for check in ["configuration", "data folder", "SQLite", "database", "address", "time zones"] {
        assert!(checks.contains(&ok(check)), "{check} in {checks:?}");
    }
    let server = Process::start(&folder.0);
    let address = server.url.trim_start_matches("http://").trim_end_matches('/').to_owned();
    let (code, checks) = doctor(&folder, &["--listen", &address]);
    assert!(code == Some(0) && checks.contains(&ok("database")) && checks.contains(&ok("address")), "{checks:?}");
    server.kill();

    // The log as well: what stands in it counts before the file.
    let file = folder.0.join("truetape.db");
    let mut bytes = std::fs::read(&file).unwrap();
    bytes[..100].fill(0xa5);
    std::fs::write(&file, bytes).unwrap();
    std::fs::remove_file(folder.0.join("truetape.db-wal")).unwrap();
    let (code, checks) = doctor(&folder, &["--listen", "127.0.0.1:0"]);
    assert!(code == Some(1) && checks.contains(&("database".to_owned(), "failed".to_owned())), "{checks:?}");
}

#[test]
fn a_configuration_that_cannot_be_read_is_the_only_finding() {
    let folder = Folder::new("doctor-config");
    let (code, checks) = doctor(&folder, &["--listen", "here"]);
    assert_eq!((code, checks), (Some(1), vec![("configuration".to_owned(), "failed".to_owned())]));
    let output = run(&["doctor", "--listen", "here"], &folder.0);
    let said = words(&output);
    assert!(said.starts_with("FAILED   configuration  "), "{said}");
}

async fn health(url: String) -> (Option<i32>, String) {
    let ask = move || truetape(&["health", "--url", &url]).output().unwrap();
    let output: Output = tokio::task::spawn_blocking(ask).await.unwrap();
    (output.status.code(), words(&output))
}

#[tokio::test(flavor = "multi_thread")]
async fn health_follows_the_server() {
    let server = demo_server(|_| {}).await;
    let (code, said) = health(server.url()).await;
    let mut lines = said.lines();
    assert_eq!((code, lines.next()), (Some(0), Some("ready")), "{said}");
    assert!(lines.all(|line| line.starts_with("degraded: demo:")), "{said}");
    server.shutdown().begin();
    let (code, said) = health(server.url()).await;
    assert!(code == Some(1) && said.contains("shutting_down"), "{said}");
    server.shutdown().finish().await;
    let (code, said) = health(server.url()).await;
    assert!(code == Some(1) && said.contains("no server answers"), "{said}");
    // Something else that answers.
    let other = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", other.local_addr().unwrap());
    let answering = tokio::spawn(async move {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let (mut connection, _) = other.accept().await.unwrap();
        connection.read_u8().await.unwrap();
        connection.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi").await.unwrap();
        connection.read_to_end(&mut Vec::new()).await
    });
    let (code, said) = health(url).await;
    assert!(code == Some(1) && said.contains("no truetape"), "{said}");
    answering.abort();
}

/// The server's own certificate, which nobody else trusts, is known to the commands of the same configuration.
#[test]
fn health_and_doctor_ask_over_tls() {
    let [folder, other] = ["doctor-tls", "doctor-other-tls"].map(Folder::new);
    let start = |folder: &Folder| {
        let mut command = serve(&folder.0);
        command.arg("--tls-self-signed");
        Process::of(command)
    };
    let (server, _other) = (start(&folder), start(&other));
    let address = server.url.trim_start_matches("https://").trim_end_matches('/').to_owned();
    let health = |arguments: &[&str]| {
        let output = truetape(&[&["health"], arguments].concat()).output().unwrap();
        (output.status.code(), words(&output))
    };
    let file = |name: &str, data_dir: &Folder| {
        let path = folder.0.join(name);
        let text = format!(
            "[server]\nlisten = {address:?}\ndata_dir = {:?}\n[tls]\nself_signed = true\n",
            data_dir.0.display().to_string()
        );
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let (code, said) = health(&["--config", &file("own.toml", &folder)]);
    assert!(code == Some(0) && said.starts_with("ready"), "{said}");
    let (code, said) = health(&["--config", &file("other.toml", &other)]);
    assert!(code == Some(1) && said.contains("no server answers"), "a server with another certificate: {said}");
    let (code, said) = health(&["--url", &server.url]);
    assert!(code == Some(1) && said.contains("no server answers"), "a certificate that nobody vouches for: {said}");
    let (_, checks) = doctor(&folder, &["--listen", &address, "--tls-self-signed"]);
    for check in ["address", "certificate"] {
        assert!(checks.contains(&(check.to_owned(), "ok".to_owned())), "{check} in {checks:?}");
    }
}
