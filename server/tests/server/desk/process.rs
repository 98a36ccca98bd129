//! The binary as a process of its own, to be killed.

use std::{
    io::{BufRead, BufReader, Read},
    path::Path,
    process::{Child, Command, Output, Stdio},
};

use serde_json::Value;

use super::rest::Rest;

/// A running server; it is killed with this.
pub(crate) struct Process {
    pub(crate) child: Child,
    pub(crate) url: String,
}

impl Process {
    /// Starts a server over two instruments of the simulated market and waits until it is ready.
    pub(crate) fn start(folder: &Path) -> Self {
        Self::of(serve(folder))
    }

    /// Starts a command that serves.
    pub(crate) fn of(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let ready: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("no ready line: {line:?}"));
        Self { url: ready["url"].as_str().unwrap().to_owned(), child }
    }

    pub(crate) fn rest(&self) -> Rest {
        Rest::new(&self.url)
    }

    /// Kills it at once, as a power cut would.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _status = self.child.wait();
    }
}

/// The command that serves a folder.
pub(crate) fn serve(folder: &Path) -> Command {
    let mut command = truetape(&["serve", "--listen", "127.0.0.1:0", "--venue", "demo=ADA-SIM"]);
    command.arg("--data-dir").arg(folder).env("RUST_LOG", "error");
    command
}

/// The binary, without the configuration of whoever runs the tests.
pub(crate) fn truetape(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_truetape"));
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("TRUETAPE__")) {
        command.env_remove(name);
    }
    command.env("NO_COLOR", "1").current_dir(std::env::temp_dir()).args(arguments);
    command
}

/// Runs a command over a folder to its end.
pub(crate) fn run(arguments: &[&str], folder: &Path) -> Output {
    truetape(arguments).arg("--data-dir").arg(folder).output().unwrap()
}

/// Returns what a command printed.
pub(crate) fn words(output: &Output) -> String {
    let mut text = String::new();
    (&output.stdout[..]).chain(&output.stderr[..]).read_to_string(&mut text).unwrap();
    text
}
