//! `truetape replay FILE…`: serves the page with a recording instead of feeds.

use std::path::PathBuf;

use anyhow::anyhow;
use model::time::Timestamp;
use recording::player::{Control, SPEEDS};

use super::{Failure, serve};
use crate::{
    config::{self, Config, DeskConfig},
    recorder::replays::Load,
};

/// Flags of `replay`.
#[derive(Clone, Debug, clap::Args)]
#[group(skip)]
pub struct Arguments {
    /// Multiple of the recorded speed, 0.5 to 100.
    #[arg(long, default_value_t = 1.0)]
    speed: f64,
    /// Start position in seconds from the beginning, as in 90 or 90.5.
    #[arg(long, value_name = "SECONDS", default_value_t = 0.0)]
    at: f64,
    /// Venue of the frames, if the first file does not name it.
    #[arg(long, value_name = "VENUE")]
    of: Option<String>,
    /// Start paused.
    #[arg(long)]
    paused: bool,
    #[command(flatten)]
    serve: serve::Arguments,
    /// Recordings (JSON lines, plain, gzip or zstd), played one after the other.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    serve::start_log(&arguments.serve);
    let config = config::load(&arguments.serve.sources()).map_err(|error| Failure::Unusable(error.into()))?;
    if !SPEEDS.contains(&arguments.speed) {
        let remedy = anyhow!("--speed: write a number from {} to {}", SPEEDS.start(), SPEEDS.end());
        return Err(Failure::Unusable(remedy));
    }
    if !(0.0..=MAX_SECONDS).contains(&arguments.at) {
        return Err(Failure::Unusable(anyhow!("--at: write seconds from the beginning")));
    }
    for path in &arguments.files {
        std::fs::File::open(path).map_err(|error| Failure::Unusable(anyhow!("open {}: {error}", path.display())))?;
    }
    let load = Load {
        paths: arguments.files.clone(),
        venue: arguments.of.clone(),
        at: None,
        speed: arguments.speed,
        is_paused: arguments.paused,
    };
    let at_seconds = arguments.at;
    // The recording alone: for a live feed beside it, use `serve` and the page.
    // A replay trades nothing, and may run beside a server with the same folder.
    let desk = DeskConfig { enabled: false, ..config.desk.clone() };
    serve::run_with(Config { feeds: Vec::new(), desk, ..config }, async move |server| {
        let report = server.replays().load_files(load).await?;
        if at_seconds > 0.0 {
            let position = Timestamp::from_millis(report.start_ms + (at_seconds * 1e3) as i64);
            server.replays().control(Control::Seek(position))?;
        }
        Ok(())
    })
}

/// A year.
const MAX_SECONDS: f64 = 366.0 * 86_400.0;
