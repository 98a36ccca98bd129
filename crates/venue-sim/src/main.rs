//! The program `venue-sim`: simulated venues on this machine, from recordings or a simulated market, with optional
//! faults, and a fault-injecting proxy.
//!
//! Prints one line of JSON on standard output when ready; logs go to standard error. Stops on SIGINT and SIGTERM.

use std::{ffi::OsString, io::Write, net::SocketAddr, path::PathBuf, time::Duration};

use anyhow::Context;
use clap::{ArgGroup, Parser, builder::PossibleValuesParser};
use model::time::Timestamp;
use serde_json::{Value, json};
use tokio::signal::unix::{Signal, SignalKind, signal};
use venue_sim::{
    AtEnd, Fault, RunningSim, Sim, SimConfig, Source, Speed, StartWhen,
    chaos::{Chaos, ChaosConfig, plan::ChaosFault},
    config::Steps,
};

/// Plays recordings as the venue would, or a simulated market, over the venue's protocol.
#[derive(Debug, Parser)]
#[command(version, group(ArgGroup::new("source").required(true).args(["recording", "demo"])), after_help = AFTER_HELP)]
struct Arguments {
    /// The venue whose protocol is used.
    #[arg(long, value_parser = PossibleValuesParser::new(venue_sim::venues()))]
    venue: String,
    /// The address to listen on; loopback only, port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// A recording (JSON lines, plain, gzip or zstd); several are played one after another.
    #[arg(long, alias = "tape", value_name = "FILE")]
    recording: Vec<PathBuf>,
    /// Plays the simulated market instead of a recording.
    #[arg(long)]
    demo: bool,
    /// Seed of the simulated market.
    #[arg(long, default_value_t = venues::demo::market::DEFAULT_SEED)]
    seed: u64,
    /// Time of the simulated market at the start, in milliseconds since the epoch; the wall clock by default.
    #[arg(long, value_name = "MS")]
    demo_start_ms: Option<i64>,
    /// Quote asset of the simulated market; venues with the same asset list the same pairs (BTC/USD, BTC-USD, BTCUSD).
    #[arg(long, value_name = "ASSET", default_value = "SIM")]
    quote: String,
    /// Lists this many further pairs that never trade (Q0000 and on), as venues list thousands.
    #[arg(long, value_name = "N", default_value_t = 0)]
    quiet_pairs: usize,
    /// Price step of a symbol, for recordings without a symbol list (BTCUSDT=0.01). May be repeated.
    #[arg(long, value_name = "SYMBOL=STEP")]
    tick: Vec<String>,
    /// Quantity step of a symbol, likewise (BTCUSDT=0.00001). May be repeated.
    #[arg(long, value_name = "SYMBOL=STEP")]
    lot: Vec<String>,
    /// The key that clients must send, on venues that require one; any key by default.
    #[arg(long)]
    key: Option<String>,
    /// Speed: 1 as recorded, N times as fast, or max.
    #[arg(long, default_value = "1")]
    speed: Speed,
    /// Start of the timeline: subscriber, immediately, or resumed (at the control endpoint).
    #[arg(long, value_parser = start_when, default_value = "subscriber")]
    start: StartWhen,
    /// Restarts after the last frame; all clients are disconnected.
    #[arg(long = "loop", conflicts_with = "stop")]
    loops: bool,
    /// Stays open and silent after the last frame (the default).
    #[arg(long)]
    stop: bool,
    /// A fault active from the start: JSON, or kind:key=value,… (drop:probability=0.01,seed=7). May be repeated.
    #[arg(long, value_name = "FAULT")]
    fault: Vec<Fault>,
    /// Lifts the venue's limits on messages, connections and REST weight.
    #[arg(long)]
    no_limits: bool,
    /// Cuts every connection after this many seconds (some venues do after 24 hours).
    #[arg(long, value_name = "S")]
    lifetime_s: Option<u64>,
    /// Keeps a log of sent frames and times, at /control/sent.
    #[arg(long)]
    stamp: bool,
}

/// The help text below the options.
const AFTER_HELP: &str = "\
Several venues in one process: write --and between their options.
  venue-sim --venue kraken --demo --quote USD --and --venue coinbase --demo --quote USD
The line that says ready names the first one's addresses, and all of them under \"sims\".

A proxy that does harm to any venue: venue-sim chaos --help";

/// Sits between a client and a venue on this machine and injects faults into frames and requests, chosen by a seed.
#[derive(Debug, Parser)]
#[command(name = "venue-sim chaos", version)]
struct ChaosArguments {
    /// Upstream of connections, without a path (ws://127.0.0.1:4711).
    #[arg(long, value_name = "URL")]
    upstream: String,
    /// Upstream of requests; the same host by default (http://127.0.0.1:4711).
    #[arg(long, value_name = "URL")]
    rest_upstream: Option<String>,
    /// The address to listen on; loopback only, port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Seed of all choices: the same seed and the same frames give the same faults.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// A fault: JSON, or kind:key=value,… May be repeated; the first that hits a frame is applied. Kinds: drop
    /// duplicate reorder flip truncate split delay cut stall blackhole, and for requests rest_429 rest_error rest_slow
    /// rest_drop. When: rate=0.01, at=10+20 (numbers from 0), every=100, now=true (cut, stall, blackhole). More: ms,
    /// window, path, retry_after_s, code. Replaced at run time by POST /chaos/faults.
    #[arg(long, value_name = "FAULT", verbatim_doc_comment)]
    fault: Vec<ChaosFault>,
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
    fn into_config(self) -> anyhow::Result<SimConfig> {
        let source = if self.demo {
            Source::Demo { seed: self.seed, start: self.demo_start_ms.map(Timestamp::from_millis) }
        } else {
            Source::Files(self.recording)
        };
        let mut steps = Steps::default();
        self.tick.iter().try_for_each(|choice| steps.choose_tick(choice)).map_err(anyhow::Error::msg)?;
        self.lot.iter().try_for_each(|choice| steps.choose_lot(choice)).map_err(anyhow::Error::msg)?;
        let usual = SimConfig::new(&self.venue, source);
        let mut limits = if self.no_limits { usual.limits.lifted() } else { usual.limits };
        limits.lifetime = self.lifetime_s.map(Duration::from_secs).or(limits.lifetime);
        Ok(SimConfig {
            listen: self.listen,
            speed: self.speed,
            start: self.start,
            at_end: if self.loops { AtEnd::Loop } else { AtEnd::Stop },
            faults: self.fault,
            limits,
            is_stamping: self.stamp,
            quote: self.quote,
            quiet_pairs: self.quiet_pairs,
            steps,
            key: self.key,
            ..usual
        })
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_env_filter(tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "info".into()))
        .init();
    let terminate = signal(SignalKind::terminate()).context("listen for SIGTERM")?;
    let arguments: Vec<OsString> = std::env::args_os().collect();
    if arguments.get(1).is_some_and(|word| word == "chaos") {
        return harm(ChaosArguments::parse_from(arguments.into_iter().skip(1)), terminate).await;
    }
    let mut sims = Vec::new();
    for parsed in groups(arguments).into_iter().map(Arguments::parse_from) {
        let config = parsed.into_config()?;
        sims.push((config.venue.clone(), Sim::start(config).await?));
    }
    let shown: Vec<Value> = sims.iter().map(|(venue, sim)| show(venue, sim)).collect();
    let mut ready = shown.first().cloned().unwrap_or_default();
    ready["ready"] = true.into();
    ready["sims"] = shown.into();
    say(&ready)?;
    ended(terminate).await?;
    for (_, sim) in sims {
        sim.stop().await;
    }
    Ok(())
}

/// Splits the arguments into one group for each venue, each with the program's name first.
fn groups(arguments: Vec<OsString>) -> Vec<Vec<OsString>> {
    let name = arguments.first().cloned().unwrap_or_default();
    let rest = arguments.get(1..).unwrap_or_default();
    rest.split(|word| word == "--and").map(|group| std::iter::once(&name).chain(group).cloned().collect()).collect()
}

fn show(venue: &str, sim: &RunningSim) -> Value {
    json!({ "venue": venue, "ws_url": sim.ws_url, "rest_url": sim.rest_url, "control_url": sim.control_url })
}

async fn harm(arguments: ChaosArguments, terminate: Signal) -> anyhow::Result<()> {
    let usual = ChaosConfig::new(&arguments.upstream, arguments.seed);
    let config = ChaosConfig {
        listen: arguments.listen,
        rest_upstream: arguments.rest_upstream.unwrap_or(usual.rest_upstream),
        faults: arguments.fault,
        ..usual
    };
    let chaos = Chaos::start(config).await?;
    say(&json!({
        "ready": true, "ws_url": chaos.ws_url, "rest_url": chaos.rest_url, "control_url": chaos.control_url,
    }))?;
    ended(terminate).await?;
    chaos.stop().await;
    Ok(())
}

/// Prints the one line on standard output.
fn say(ready: &Value) -> anyhow::Result<()> {
    let mut stdout = std::io::stdout();
    writeln!(stdout, "{ready}").and_then(|()| stdout.flush()).context("write the ready line")
}

/// Waits for SIGINT or SIGTERM.
async fn ended(mut terminate: Signal) -> anyhow::Result<()> {
    tokio::select! {
        result = tokio::signal::ctrl_c() => result.context("listen for SIGINT"),
        _ = terminate.recv() => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_of_several_venues_are_told_apart() {
        let words = |text: &str| text.split(' ').map(OsString::from).collect::<Vec<_>>();
        let both = groups(words("sim --venue a --demo --and --venue b --demo"));
        assert_eq!(both, [words("sim --venue a --demo"), words("sim --venue b --demo")]);
        assert_eq!(groups(words("sim --help")), [words("sim --help")]);
    }

    #[test]
    fn options_become_configurations() {
        let line = "sim --venue kraken --demo --quote USD --tick A/B=0.1 --no-limits --lifetime-s 5";
        let config = Arguments::parse_from(line.split(' ')).into_config().unwrap();
        assert_eq!((config.venue.as_str(), config.quote.as_str()), ("kraken", "USD"));
        assert_eq!((config.limits.messages_per_s, config.limits.lifetime), (None, Some(Duration::from_secs(5))));
        for wrong in ["sim --venue nowhere --demo", "sim --venue kraken", "sim --venue kraken --demo --tape x"] {
            assert!(Arguments::try_parse_from(wrong.split(' ')).is_err(), "{wrong}");
        }
        let odd = "sim --venue kraken --demo --lot A=0.3";
        assert!(Arguments::parse_from(odd.split(' ')).into_config().is_err());
        let harm = "chaos --upstream ws://127.0.0.1:1 --seed 7 --fault drop:rate=0.1 --fault cut:at=5";
        assert_eq!(ChaosArguments::parse_from(harm.split(' ')).fault.len(), 2);
    }
}
