//! The server's binary behind a proxy on this machine, with a site of two files.

use std::{
    fs,
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    time::Duration,
};

use serde_json::{Value, json};
use tempfile::TempDir;

/// A running server; it ends with this.
pub(crate) struct Server {
    child: Child,
    pub(crate) port: u16,
    _folder: TempDir,
}

impl Server {
    /// Starts a server that accepts callers of proxies on these ports of 127.0.0.1.
    pub(crate) fn start(ports: &[u16], ping: Duration) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let site = folder.path().join("site");
        fs::create_dir_all(site.join("assets").join(HASH)).unwrap();
        fs::write(site.join("assets").join(HASH).join("truetape.js"), SCRIPT).unwrap();
        fs::write(site.join("favicon.svg"), "<svg xmlns=\"http://www.w3.org/2000/svg\"/>").unwrap();
        let in_folder = |kind: &str| format!("assets/{HASH}/truetape.{kind}");
        let list = json!({
            "id": HASH, "style": in_folder("css"), "later_style": in_folder("css"), "script": in_folder("js"), "program": in_folder("wasm"), "worker": HASH,
        });
        fs::write(site.join("site.json"), list.to_string()).unwrap();
        let hosts: Vec<String> = ports.iter().map(|port| format!("127.0.0.1:{port}")).collect();
        // The venue's REST leads nowhere: what is counted is who asks for it.
        let config = format!(
            "[server]\nallowed_hosts = {hosts:?}\n[access]\nlogin = \"never\"\n[stream]\nping_ms = {}\n[desk]\nenabled = false\n\
             [venues.binance]\nrest_url = \"http://127.0.0.1:9\"\n",
            ping.as_millis()
        );
        let file = folder.path().join("truetape.toml");
        fs::write(&file, config).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_truetape"));
        command.args(["serve", "--listen", "127.0.0.1:0", "--venue", "demo=ADA-SIM", "--behind-proxy", "127.0.0.1"]);
        command.arg("--config").arg(&file).arg("--data-dir").arg(folder.path());
        command.env("TRUETAPE_SITE_DIR", &site).env("RUST_LOG", "error").stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let ready: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("no ready line: {line:?}"));
        let port = ready["url"].as_str().unwrap().trim_end_matches('/').rsplit(':').next().unwrap().parse().unwrap();
        Self { child, port, _folder: folder }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _is_gone = self.child.kill();
        let _status = self.child.wait();
    }
}

/// The folder of the site's files.
pub(crate) const HASH: &str = "00c0ffee00c0ffee";
/// The content of its script.
pub(crate) const SCRIPT: &str = "export const page = 1;\n";
