//! `truetape backtest --strategy FILE.toml FILE…`: a strategy over recordings, with the code of sessions, books, desk and
//! broker.
//!
//! Runs by both models of the queue ahead of resting orders, and prints one JSON object with both results: the truth is
//! between them. With `--out` it writes fills and equity of both as CSV, too, and a picture of the equity. The same
//! recording and plan give the same bytes.

use std::{
    io::{self, ErrorKind, Write},
    path::{Path, PathBuf},
};

use anyhow::Context;
use backtest::plan::Plan;

use super::Failure;
use crate::backtests::{
    files,
    play::{PlayError, play},
};

/// Flags of `backtest`.
#[derive(Clone, Debug, clap::Args)]
pub struct Arguments {
    /// The plan: strategy, instrument, settings, account.
    #[arg(long, value_name = "FILE.toml")]
    strategy: PathBuf,
    /// Folder for fills and equity of both runs as CSV, and the equity as SVG.
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    /// Print totals and statistics only.
    #[arg(long)]
    summary_only: bool,
    /// Recordings (JSON lines, plain, gzip or zstd), played one after the other.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let plan = read_plan(&arguments.strategy).map_err(Failure::Unusable)?;
    let mut bounds =
        play(&plan, &arguments.files, |_| Ok(())).map_err(|error: PlayError| Failure::Unusable(error.into()))?;
    if let Some(folder) = &arguments.out {
        std::fs::create_dir_all(folder).with_context(|| format!("create {}", folder.display()))?;
        for (name, bytes) in files::of(&bounds).context("write the results")? {
            let path = folder.join(name);
            std::fs::write(&path, bytes).with_context(|| format!("write {}", path.display()))?;
        }
    }
    if arguments.summary_only {
        bounds.shorten();
    }
    let mut out = io::stdout().lock();
    let written = serde_json::to_writer(&mut out, &bounds).map_err(io::Error::from).and_then(|()| out.write_all(b"\n"));
    match written {
        // The reader of our output has seen enough.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        result => Ok(result.context("write to standard output")?),
    }
}

fn read_plan(path: &Path) -> anyhow::Result<Plan> {
    let text = std::fs::read_to_string(path).with_context(|| format!("read {}", path.display()))?;
    toml::from_str(&text).with_context(|| format!("{} is not a plan", path.display()))
}
