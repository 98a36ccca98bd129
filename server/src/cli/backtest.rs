//! `truetape backtest --strategy FILE.toml FILE…`: a strategy over recordings, with the code of sessions, books, desk and
//! broker.
//!
//! Runs twice, once by each model of the queue ahead of resting orders, and prints one JSON object with both results: the
//! truth is between them. With `--out` it writes fills and equity of both as CSV, too. The same recording and plan give
//! the same bytes.

use std::{
    io::{self, ErrorKind, Write},
    path::{Path, PathBuf},
};

use anyhow::Context;
use backtest::{plan::Plan, report::RunReport, run::Run};
use broker::QueueModel;
use model::{recording_entry::RecordingEntry, time::Timestamp};
use serde::Serialize;

use super::Failure;
use crate::recorder::recording_file::RecordingFile;

/// Flags of `backtest`.
#[derive(Clone, Debug, clap::Args)]
pub struct Arguments {
    /// The plan: strategy, instrument, settings, account.
    #[arg(long, value_name = "FILE.toml")]
    strategy: PathBuf,
    /// Folder for fills and equity of both runs as CSV.
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    /// Print totals and statistics only.
    #[arg(long)]
    summary_only: bool,
    /// Recordings (JSON lines, plain, gzip or zstd), played one after the other.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

/// Both results.
#[derive(Serialize)]
struct Bounds {
    conservative: RunReport,
    optimistic: RunReport,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let plan = read_plan(&arguments.strategy).map_err(Failure::Unusable)?;
    let run = |queue| one(&plan, queue, &arguments.files, arguments.summary_only);
    let bounds = Bounds { conservative: run(QueueModel::Conservative)?, optimistic: run(QueueModel::Optimistic)? };
    if let Some(folder) = &arguments.out {
        std::fs::create_dir_all(folder).with_context(|| format!("create {}", folder.display()))?;
        for report in [&bounds.conservative, &bounds.optimistic] {
            write_fills(&folder.join(format!("fills-{}.csv", report.queue)), report)?;
            write_equity(&folder.join(format!("equity-{}.csv", report.queue)), report)?;
        }
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

fn one(plan: &Plan, queue: QueueModel, files: &[PathBuf], is_short: bool) -> Result<RunReport, Failure> {
    let unusable = |error: anyhow::Error| Failure::Unusable(error);
    let mut run = Run::new(plan, queue).map_err(|error| unusable(error.into()))?;
    for path in files {
        let file = RecordingFile::open(path).with_context(|| format!("open {}", path.display()));
        play(&mut run, file.map_err(unusable)?)?;
    }
    let mut report = run.finish().map_err(|error| unusable(error.into()))?;
    if is_short {
        report.fills.clear();
        report.equity.clear();
        report.round_trips.clear();
    }
    Ok(report)
}

fn play(run: &mut Run, mut file: RecordingFile) -> Result<(), Failure> {
    loop {
        match file.next_line() {
            Ok(Some(line)) => {
                // Lines that are no entries are skipped, as `decode` does.
                let entry = std::str::from_utf8(line).ok().and_then(|text| RecordingEntry::parse(text).ok());
                entry.map_or(Ok(()), |entry| run.entry(&entry)).map_err(|error| Failure::Unusable(error.into()))?;
            }
            Ok(None) => return Ok(()),
            Err(error) => {
                eprintln!("truetape: {}: {error}; reading stops here", file.path().display());
                return Ok(());
            }
        }
    }
}

fn write_fills(path: &Path, report: &RunReport) -> anyhow::Result<()> {
    let mut csv = csv::Writer::from_path(path).with_context(|| format!("write {}", path.display()))?;
    csv.write_record(["time", "fill_id", "side", "price", "quantity", "fee", "fee_currency", "liquidity"])?;
    for fill in &report.fills {
        csv.write_record([
            fill.time.to_string(),
            fill.fill_id.to_string(),
            fill.side.to_string(),
            fill.price.to_string(),
            fill.quantity.to_string(),
            fill.fee.to_string(),
            fill.fee_currency.to_string(),
            fill.liquidity.as_str().to_owned(),
        ])?;
    }
    Ok(csv.flush()?)
}

fn write_equity(path: &Path, report: &RunReport) -> anyhow::Result<()> {
    let mut csv = csv::Writer::from_path(path).with_context(|| format!("write {}", path.display()))?;
    csv.write_record(["time", "equity"])?;
    for (millis, equity) in &report.equity {
        csv.write_record([Timestamp::from_millis(*millis).to_string(), equity.to_string()])?;
    }
    Ok(csv.flush()?)
}
