//! `truetape record`: records feeds for a limited time, to one file or into the data folder.
//!
//! A whole server runs meanwhile, on a free loopback port unless another is named: the recorded data can be watched.
//! Ends after `--for`, or at SIGTERM or SIGINT; the files are complete then.

use std::{path::PathBuf, time::Duration};

use anyhow::{Context, anyhow};
use model::instrument::Venue;
use recording::recording_file::ENDING;
use serde_json::json;
use wire::command::FeedRecording;

use super::{Failure, serve};
use crate::{
    config::{self, Config},
    recorder::recordings::Recordings,
    serve::Server,
    shutdown::Signals,
};

/// Flags of `record`: those of `serve`, the duration and the destination.
#[derive(Clone, Debug, clap::Args)]
#[group(skip)]
pub struct Arguments {
    /// Duration, as in 30s, 10m or 2h; without it, record until a signal.
    #[arg(long = "for", value_name = "TIME", value_parser = span)]
    span: Option<Duration>,
    /// File to write, ending in .jsonl.zst; for a single venue. Without it, files go to the data folder.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    serve: serve::Arguments,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let unusable = |error: anyhow::Error| Failure::Unusable(error);
    serve::start_log(&arguments.serve);
    let config =
        config::load(&arguments.serve.sources_with(FREE_PORT)).map_err(|error| Failure::Unusable(error.into()))?;
    if let Some(out) = &arguments.out {
        if config.feeds.len() > 1 {
            return Err(unusable(anyhow!("--out takes a single venue: leave it out to record several")));
        }
        if !out.to_string_lossy().ends_with(ENDING) {
            return Err(unusable(anyhow!("--out: write a file name that ends in {ENDING}")));
        }
        if out.exists() {
            return Err(unusable(anyhow!("{} is there already: name another file", out.display())));
        }
    }
    let (span, out) = (arguments.span, arguments.out.clone());
    serve::block_on(async move { record(config, span, out).await })
}

async fn record(config: Config, span: Option<Duration>, out: Option<PathBuf>) -> anyhow::Result<()> {
    let mut signals = Signals::listen().context("listen for signals")?;
    let venues: Vec<Venue> = config.feeds.iter().map(|feed| Venue::new(&feed.venue)).collect();
    let server = Server::start(config).await?;
    serve::announce(&server)?;
    let recordings = server.recordings();
    let result = match begin(recordings, &venues, out).await {
        Ok(()) => {
            tokio::select! {
                biased;
                () = signals.next() => tracing::info!("stopping"),
                () = wait(span) => {}
                () = all_have_ended(recordings, &venues) => {}
            }
            Ok(())
        }
        Err(error) => Err(error),
    };
    let mut ended = Vec::new();
    for venue in venues.iter().filter(|venue| recordings.is_recording(venue)) {
        ended.push(recordings.stop(venue).await?);
    }
    serve::end(&server, &mut signals).await;
    result?;
    for recording in &ended {
        say(recording)?;
    }
    if ended.is_empty() { Err(anyhow!("no recording is running any more; see the log")) } else { Ok(()) }
}

async fn begin(recordings: &Recordings, venues: &[Venue], out: Option<PathBuf>) -> anyhow::Result<()> {
    for venue in venues {
        match &out {
            Some(path) => recordings.start_file(venue, path.clone())?,
            None => recordings.start(venue, &[]).await?,
        };
    }
    Ok(())
}

async fn wait(span: Option<Duration>) {
    match span {
        Some(span) => tokio::time::sleep(span).await,
        None => std::future::pending().await,
    }
}

async fn all_have_ended(recordings: &Recordings, venues: &[Venue]) {
    while venues.iter().any(|venue| recordings.is_recording(venue)) {
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

/// Prints one line of JSON per recording, for programs.
fn say(recording: &FeedRecording) -> anyhow::Result<()> {
    use std::io::Write as _;
    let line = json!({ "recorded": recording });
    writeln!(std::io::stdout().lock(), "{line}").context("write to standard output")
}

/// Parses `30s`, `10m`, `2h`.
fn span(text: &str) -> Result<Duration, String> {
    let remedy = || "write a time as in 30s, 10m or 2h".to_owned();
    let unit = text.chars().last().ok_or_else(remedy)?;
    let number: u64 = text.strip_suffix(unit).and_then(|number| number.parse().ok()).ok_or_else(remedy)?;
    let seconds = match unit {
        's' => Some(number),
        'm' => number.checked_mul(60),
        'h' => number.checked_mul(3_600),
        _ => None,
    };
    seconds.filter(|seconds| (1..=MAX_SECONDS).contains(seconds)).map(Duration::from_secs).ok_or_else(remedy)
}

const FREE_PORT: &str = "127.0.0.1:0";
/// A year.
const MAX_SECONDS: u64 = 366 * 86_400;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_a_unit() {
        for (text, seconds) in [("30s", Some(30)), ("10m", Some(600)), ("2h", Some(7_200))] {
            assert_eq!(span(text).ok().map(|span| span.as_secs()), seconds, "{text}");
        }
        for bad in ["", "s", "10", "0s", "-1s", "1.5m", "10d", "10ä", "99999999999999999999h", "9999999999999999h"] {
            assert!(span(bad).is_err(), "{bad}");
        }
    }
}
