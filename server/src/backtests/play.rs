//! Plays recordings through both runs of a plan. Blocks.

use std::{io, path::PathBuf, time::Duration};

use backtest::{
    bounds::{BothRuns, Bounds},
    plan::Plan,
    run::BacktestError,
};
use model::recording_entry::RecordingEntry;

use crate::recorder::recording_file::RecordingFile;

/// Why a recording was not played to its end.
#[derive(Debug, thiserror::Error)]
pub enum PlayError {
    /// The plan cannot be run.
    #[error(transparent)]
    Run(#[from] BacktestError),
    /// A file cannot be opened.
    #[error("cannot open {}", .path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The result cannot be written as a file.
    #[error("the result cannot be written")]
    Write(#[from] io::Error),
    /// It took too long.
    #[error("it took longer than {} minutes; run it with truetape backtest", .limit.as_secs() / 60)]
    TooLong {
        /// The longest that it may take.
        limit: Duration,
    },
    /// The strategy traded too much.
    #[error("more than {limit} fills; run it with truetape backtest")]
    TooManyFills {
        /// The most fills.
        limit: usize,
    },
    /// Somebody stopped it.
    #[error("it was stopped")]
    Stopped,
}

/// Plays files one after the other; `watch` is called every few hundred entries and may end it. What follows a line that
/// cannot be unpacked is left out, with a warning.
///
/// # Errors
/// A file cannot be opened, the plan cannot be run, or `watch` ends it.
pub fn play(
    plan: &Plan,
    paths: &[PathBuf],
    mut watch: impl FnMut(&BothRuns) -> Result<(), PlayError>,
) -> Result<Bounds, PlayError> {
    let mut runs = BothRuns::new(plan)?;
    for path in paths {
        let file = RecordingFile::open(path);
        let mut file = file.map_err(|source| PlayError::Open { path: path.clone(), source })?;
        let mut n_lines = 0_u64;
        loop {
            match file.next_line() {
                Ok(Some(line)) => {
                    // Lines that are no entries are skipped, as `decode` does.
                    let entry = std::str::from_utf8(line).ok().and_then(|text| RecordingEntry::parse(text).ok());
                    entry.map_or(Ok(()), |entry| runs.entry(&entry))?;
                }
                Ok(None) => break,
                Err(error) => {
                    tracing::warn!(path = %path.display(), %error, "a recording is damaged; reading stops here");
                    break;
                }
            }
            n_lines += 1;
            if n_lines.is_multiple_of(WATCH_EVERY) {
                watch(&runs)?;
            }
        }
    }
    Ok(runs.finish()?)
}

/// Entries between two looks: a few milliseconds.
const WATCH_EVERY: u64 = 256;
