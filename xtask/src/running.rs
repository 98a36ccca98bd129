//! The server as a child process: starts it, reports when it is ready, stops it.
//!
//! Not a supervisor: a server that has ended is not restarted. Its stdout is passed on line by line.

use std::{
    io::{self, BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Child, ExitStatus, Stdio},
    thread::{self, JoinHandle},
};

use anyhow::Context as _;

use crate::{builds::Mode, house::House, process, signals::Stop, site};

/// A running server.
#[derive(Debug)]
pub(crate) struct Running {
    child: Child,
    reader: JoinHandle<()>,
}

impl Running {
    /// Starts `truetape serve` with `args` and the variables `envs`.
    ///
    /// # Errors
    /// The program cannot be started.
    pub(crate) fn start(
        house: &House,
        program: &Path,
        mode: Mode,
        args: &[String],
        envs: &[(&str, String)],
    ) -> anyhow::Result<Self> {
        let mut command = house.command(program);
        command.arg("serve").args(args).envs(envs.iter().map(|(name, value)| (name, value)));
        if mode == Mode::Debug {
            command.env(SITE_DIR, site::folder_of(house, mode));
        }
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("start {}", house.shown(program)))?;
        let stdout = child.stdout.take().context("the server has no stdout")?;
        let reader = thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                // Our stdout may have no reader any more; the server's must be drained nevertheless.
                let _ = writeln!(io::stdout(), "{line}");
                if let Some(url) = ready_url(&line) {
                    let _ = writeln!(io::stdout(), "Truetape is ready: {url}");
                }
            }
        });
        Ok(Self { child, reader })
    }

    /// Waits until the server ends on its own or we are asked to stop.
    ///
    /// # Errors
    /// The system cannot report its state.
    pub(crate) fn wait(mut self) -> anyhow::Result<ExitStatus> {
        let status = process::wait(&mut self.child)?;
        self.drain();
        Ok(status)
    }

    /// Returns how the server ended, or `None` while it runs.
    ///
    /// # Errors
    /// The system cannot report its state.
    pub(crate) fn ended(&mut self) -> anyhow::Result<Option<ExitStatus>> {
        Ok(self.child.try_wait()?)
    }

    /// Stops the server and waits until its port is free again.
    ///
    /// # Errors
    /// The system cannot report its state.
    pub(crate) fn stop(mut self, reason: Stop) -> anyhow::Result<()> {
        process::stop_child(&mut self.child, reason)?;
        self.drain();
        Ok(())
    }

    /// Passes on the last lines of the ended server.
    fn drain(self) {
        let _ = self.reader.join();
    }
}

/// Returns the address in the line that the server prints when it is ready.
fn ready_url(line: &str) -> Option<String> {
    let line: serde_json::Value = serde_json::from_str(line).ok()?;
    let is_ready = line.get("ready")?.as_bool()?;
    line.get("url")?.as_str().filter(|_| is_ready).map(ToOwned::to_owned)
}

/// The variable that gives a debug server the folder of the page's files.
pub(crate) const SITE_DIR: &str = "TRUETAPE_SITE_DIR";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_ready_line_has_an_address() {
        let ready = r#"{"ready":true,"url":"http://127.0.0.1:3000/"}"#;
        assert_eq!(ready_url(ready).as_deref(), Some("http://127.0.0.1:3000/"));
        for other in ["", "{}", "ready", r#"{"ready":false,"url":"x"}"#, r#"{"ready":true}"#, "[1]"] {
            assert_eq!(ready_url(other), None, "{other}");
        }
    }
}
