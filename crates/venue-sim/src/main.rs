//! The program `venue-sim`: a venue on this machine, from tapes or made up, with faults on demand.
//!
//! Prints one line of JSON on standard output when ready; logs go to standard error. Ends on SIGINT and SIGTERM.

use std::{io::Write, net::SocketAddr, path::PathBuf, time::Duration};

use anyhow::Context;
use clap::{ArgGroup, Parser};
use model::time::Timestamp;
use tokio::signal::unix::{SignalKind, signal};
use venue_sim::{AtEnd, Fault, Sim, SimConfig, Source, Speed, StartWhen, config::Limits};

/// Plays tapes as the venue would, or a made-up market over the venue's protocol.
#[derive(Debug, Parser)]
#[command(version, group(ArgGroup::new("source").required(true).args(["tape", "demo"])))]
struct Arguments {
    /// Whose protocol is spoken.
    #[arg(long)]
    venue: String,
    /// Where to listen; loopback only, port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// A recording (JSON lines, plain, gzip or zstd); several continue one another.
    #[arg(long, value_name = "FILE")]
    tape: Vec<PathBuf>,
    /// The made-up market instead of a tape.
    #[arg(long)]
    demo: bool,
    /// Which made-up market.
    #[arg(long, default_value_t = venues::demo::market::DEFAULT_SEED)]
    seed: u64,
    /// Time of the made-up market at the start, in milliseconds since the epoch; the wall clock's by default.
    #[arg(long, value_name = "MS")]
    demo_start_ms: Option<i64>,
    /// 1 as recorded, N times as fast, or max.
    #[arg(long, default_value = "1")]
    speed: Speed,
    /// When the timeline starts: subscriber, immediately, or resumed (at the control endpoint).
    #[arg(long, value_parser = start_when, default_value = "subscriber")]
    start: StartWhen,
    /// Begin anew after the last frame; everyone is disconnected.
    #[arg(long = "loop", conflicts_with = "stop")]
    loops: bool,
    /// Stay open and silent after the last frame (the default).
    #[arg(long)]
    stop: bool,
    /// A fault from the start: JSON, or kind:key=value,… (drop:probability=0.01,seed=7). May be repeated.
    #[arg(long, value_name = "FAULT")]
    fault: Vec<Fault>,
    /// Lifts the venue's limits on messages, connections and REST weight.
    #[arg(long)]
    no_limits: bool,
    /// Cuts every connection after so many seconds (the venue does after 24 hours).
    #[arg(long, value_name = "S")]
    lifetime_s: Option<u64>,
    /// Keeps a log of what was sent when, at /control/sent.
    #[arg(long)]
    stamp: bool,
}

fn start_when(text: &str) -> Result<StartWhen, String> {
    match text {
        "subscriber" => Ok(StartWhen::FirstSubscriber),
        "immediately" => Ok(StartWhen::Immediately),
        "resumed" => Ok(StartWhen::Resumed),
        _ => Err("use subscriber, immediately or resumed".to_owned()),
    }
}

impl Arguments {
    fn into_config(self) -> SimConfig {
        let source = if self.demo {
            Source::Demo { seed: self.seed, start: self.demo_start_ms.map(Timestamp::from_millis) }
        } else {
            Source::Files(self.tape)
        };
        let usual = SimConfig::new(&self.venue, source.clone()).limits;
        let mut limits: Limits = if self.no_limits { usual.lifted() } else { usual };
        limits.lifetime = self.lifetime_s.map(Duration::from_secs).or(limits.lifetime);
        SimConfig {
            listen: self.listen,
            speed: self.speed,
            start: self.start,
            at_end: if self.loops { AtEnd::Loop } else { AtEnd::Stop },
            faults: self.fault,
            limits,
            is_stamping: self.stamp,
            ..SimConfig::new(&self.venue, source)
        }
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_env_filter(tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "info".into()))
        .init();
    let mut terminate = signal(SignalKind::terminate()).context("listen for SIGTERM")?;
    let sim = Sim::start(Arguments::parse().into_config()).await?;
    let ready = serde_json::json!({
        "ready": true, "ws_url": sim.ws_url, "rest_url": sim.rest_url, "control_url": sim.control_url,
    });
    let mut stdout = std::io::stdout();
    writeln!(stdout, "{ready}").and_then(|()| stdout.flush()).context("say that it is ready")?;
    tokio::select! {
        result = tokio::signal::ctrl_c() => result.context("listen for SIGINT")?,
        _ = terminate.recv() => {}
    }
    sim.stop().await;
    Ok(())
}
