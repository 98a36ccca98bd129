//! The server under measurement, as a process of its own, and the memory that it and the kernel use. Shared by the benches
//! `crowd` and `stream`.
#![allow(dead_code, reason = "each of the two benches uses a part")]

use std::{
    fmt,
    io::{BufRead, BufReader},
    net::SocketAddr,
    ops::Sub,
    process::{self, Command, Stdio},
};

/// The running server; it ends with this.
pub(crate) struct Child {
    process: process::Child,
    address: SocketAddr,
}

impl Child {
    /// Starts the command `serve` of a program over the whole simulated market, and waits until it is ready. The program is
    /// the binary itself, or one that runs it.
    pub(crate) fn start(mut command: Command) -> Self {
        let folder = std::env::temp_dir().join(format!("truetape-crowd-{}", process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let config = folder.join("truetape.toml");
        std::fs::write(&config, CONFIG).unwrap();
        command.arg("serve").arg("--config").arg(&config).arg("--data-dir").arg(&folder);
        let mut process = command.env("RUST_LOG", "warn").stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let ready: serde_json::Value = serde_json::from_str(&line).unwrap();
        let url = ready["url"].as_str().unwrap();
        let address = url.trim_start_matches("http://").trim_end_matches('/').parse().unwrap();
        Self { process, address }
    }

    /// Returns its process's number.
    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// Returns its listening address.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns its resident memory without that of files, such as the binary's, which the system takes back and reads
    /// again as it likes; and the memory of all TCP sockets of the machine.
    pub(crate) fn memory(&self) -> Memory {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap_or_default();
        let resident =
            status.lines().find_map(|line| number_after(line.strip_prefix("RssAnon:")?)).unwrap_or(0) * 1_024;
        let sockets = std::fs::read_to_string("/proc/net/sockstat").unwrap_or_default();
        let pages = sockets.lines().find_map(|line| number_after(line.strip_prefix("TCP:")?.split_once("mem")?.1));
        let orphans = sockets.lines().find_map(|line| number_after(line.strip_prefix("TCP:")?.split_once("orphan")?.1));
        Memory { resident, kernel: pages.unwrap_or(0) * PAGE_BYTES, orphans: orphans.unwrap_or(0) }
    }

    /// Returns the number of its open sockets.
    pub(crate) fn sockets(&self) -> usize {
        let open = std::fs::read_dir(format!("/proc/{}/fd", self.process.id())).into_iter().flatten();
        let is_socket = |entry: &std::fs::DirEntry| {
            std::fs::read_link(entry.path()).is_ok_and(|target| target.to_string_lossy().starts_with("socket:"))
        };
        open.flatten().filter(is_socket).count()
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        let _is_gone = self.process.kill();
        let _status = self.process.wait();
    }
}

/// Bytes of memory; differences may be negative.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Memory {
    pub(crate) resident: i64,
    pub(crate) kernel: i64,
    pub(crate) orphans: i64,
}

impl Memory {
    /// Returns the larger of each.
    pub(crate) fn max(self, other: Self) -> Self {
        Self {
            resident: self.resident.max(other.resident),
            kernel: self.kernel.max(other.kernel),
            orphans: self.orphans.max(other.orphans),
        }
    }
}

impl Sub for Memory {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self {
            resident: self.resident - other.resident,
            kernel: self.kernel - other.kernel,
            orphans: self.orphans - other.orphans,
        }
    }
}

impl fmt::Display for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let megabytes = |bytes: i64| bytes as f64 / 1e6;
        write!(
            f,
            "resident {:.1} MB, kernel {:.1} MB, {} orphaned sockets",
            megabytes(self.resident),
            megabytes(self.kernel),
            self.orphans
        )
    }
}

fn number_after(text: &str) -> Option<i64> {
    text.split_whitespace().next()?.parse().ok()
}

/// The usual size; sockstat counts in pages.
const PAGE_BYTES: i64 = 4_096;
const CONFIG: &str = r#"
[server]
listen = "127.0.0.1:0"
max_connections = 8192

# The crowd calls from one address.
[limits]
connections_per_address = 8192
streams_per_address = 8192
requests_burst = 1000000

# Full after ten seconds instead of a minute, so that it does not count as the crowd's.
[stream]
history_len = 100

[[feeds]]
venue = "demo"
symbols = ["BTC-SIM", "ETH-SIM", "BNB-SIM", "BCH-SIM", "SOL-SIM", "LTC-SIM", "AVAX-SIM", "LINK-SIM", "UNI-SIM", "DOT-SIM", "ATOM-SIM", "XRP-SIM", "ADA-SIM", "TRX-SIM", "DOGE-SIM", "XLM-SIM", "VET-SIM", "HOT-SIM", "SHIB-SIM", "PEPE-SIM"]
"#;
