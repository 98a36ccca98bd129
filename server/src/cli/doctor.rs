//! `truetape doctor`: checks everything that the server needs, one line each, with a remedy for what is missing.
//!
//! It changes nothing and may run beside the server. Not here: the checks themselves ([`checks`]).

mod checks;

use std::{fmt, io::Write};

use anyhow::{Context, anyhow};
use serde::Serialize;

use super::{Failure, serve};
use crate::config;

/// Flags of `doctor`: its form, then the flags for `serve`.
#[derive(Clone, Debug, clap::Args)]
#[group(id = "doctor")]
pub struct Arguments {
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    serve: serve::Arguments,
}

/// The result of one check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Finding {
    check: &'static str,
    state: State,
    /// The finding, a sentence without a full stop.
    detail: String,
    /// The remedy.
    #[serde(skip_serializing_if = "Option::is_none")]
    remedy: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum State {
    Ok,
    /// The server starts, but something will not work, or not for long.
    Warning,
    /// The server does not start, or must not be used.
    Failed,
    /// Could not be found out.
    Skipped,
}

impl Finding {
    fn ok(check: &'static str, detail: impl Into<String>) -> Self {
        Self { check, state: State::Ok, detail: detail.into(), remedy: None }
    }

    fn skipped(check: &'static str, detail: impl Into<String>) -> Self {
        Self { state: State::Skipped, ..Self::ok(check, detail) }
    }

    fn warning(check: &'static str, detail: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { state: State::Warning, remedy: Some(remedy.into()), ..Self::ok(check, detail) }
    }

    fn failed(check: &'static str, detail: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { state: State::Failed, ..Self::warning(check, detail, remedy) }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self.state {
            State::Ok => "ok",
            State::Warning => "warning",
            State::Failed => "FAILED",
            State::Skipped => "skipped",
        };
        write!(f, "{word:<8} {:<14} {}", self.check, self.detail)?;
        self.remedy.as_ref().map_or(Ok(()), |remedy| write!(f, "; {remedy}"))
    }
}

/// Runs the command; exit code 1 if a check failed.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let config = config::load(&arguments.serve.sources());
    serve::block_on(async {
        let findings = match &config {
            Ok(config) => checks::all(config).await,
            // Everything else depends on it.
            Err(error) => vec![Finding::failed("configuration", error.to_string(), "see `truetape config check`")],
        };
        let text = if arguments.json {
            let is_ok = findings.iter().all(|finding| finding.state != State::Failed);
            serde_json::json!({ "ok": is_ok, "checks": findings }).to_string()
        } else {
            findings.iter().map(Finding::to_string).collect::<Vec<_>>().join("\n")
        };
        writeln!(std::io::stdout(), "{text}").context("write to standard output")?;
        match findings.iter().filter(|finding| finding.state == State::Failed).count() {
            0 => Ok(()),
            1 => Err(anyhow!("1 check failed")),
            n_failed => Err(anyhow!("{n_failed} checks failed")),
        }
    })
}
