//! `truetape serve`: runs the server until SIGTERM or SIGINT; a second signal ends it at once.

use std::{io::Write, path::PathBuf};

use anyhow::Context;
use serde_json::json;

use super::Failure;
use crate::{
    config::{self, Config, Sources},
    log::{self, LogFormat},
    serve::Server,
    shutdown::{Outcome, Signals},
};

/// Flags of `serve`; each overrides the configuration file and the environment.
#[derive(Clone, Debug, clap::Args)]
pub struct Arguments {
    /// Address and port, loopback only; port 0 takes a free one [default: 127.0.0.1:3000].
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
    /// Folder of the database, recordings and certificates.
    #[arg(long, value_name = "DIR")]
    data_dir: Option<String>,
    /// Configuration file [default: truetape.toml in the working folder, if it exists].
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Venue and symbols to follow, as in name=SYMBOL,SYMBOL; may be repeated.
    #[arg(long, value_name = "VENUE=SYMBOLS")]
    venue: Vec<String>,
    /// Format of log lines on standard error.
    #[arg(long, value_enum, default_value_t)]
    log_format: LogFormat,
}

impl Arguments {
    /// Returns the sources of settings: these flags and the process's environment.
    pub fn sources(&self) -> Sources {
        self.sources_with(None)
    }

    /// Returns the same sources as [`Self::sources`], with a default address if no flag names one.
    pub fn sources_with<'a>(&self, listen: impl Into<Option<&'a str>>) -> Sources {
        let listen = self.listen.clone().or(listen.into().map(str::to_owned));
        let flags = [("--listen", "server.listen", &listen), ("--data-dir", "server.data_dir", &self.data_dir)]
            .into_iter()
            .filter_map(|(flag, path, text)| text.clone().map(|text| (flag, path, text)))
            .chain(self.venue.iter().map(|text| ("--venue", "feeds", text.clone())))
            .collect();
        Sources { file: self.config.clone(), flags, ..Sources::of_process() }
    }
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    start_log(arguments);
    let config = config::load(&arguments.sources()).map_err(|error| Failure::Unusable(error.into()))?;
    run_with(config, async |server| {
        server.following().resume().await;
        Ok(())
    })
}

/// Starts logging according to the flags.
pub fn start_log(arguments: &Arguments) {
    log::init(arguments.log_format);
}

/// Serves until a signal, after `prepare` has done everything that must precede the ready line.
pub fn run_with(config: Config, prepare: impl AsyncFnOnce(&Server) -> anyhow::Result<()>) -> Result<(), Failure> {
    raise_file_limit(config.server.max_connections);
    block_on(async {
        let mut signals = Signals::listen().context("listen for signals")?;
        let server = Server::start(config).await?;
        if let Err(error) = prepare(&server).await {
            server.shutdown().begin();
            server.shutdown().finish().await;
            return Err(error);
        }
        announce(&server)?;
        tokio::select! {
            biased;
            () = signals.next() => tracing::info!("stopping; a second signal stops at once"),
            () = server.shutdown().draining.cancelled() => {}
        }
        end(&server, &mut signals).await;
        Ok(())
    })
}

/// Runs a command's work to its end.
pub fn block_on(work: impl Future<Output = anyhow::Result<()>>) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("start the runtime")?;
    let outcome = runtime.block_on(work);
    // A task that did not end by itself must not keep the process beyond its deadline.
    runtime.shutdown_background();
    outcome.map_err(Failure::from)
}

/// Completes the shutdown; a second signal exits at once.
pub async fn end(server: &Server, signals: &mut Signals) {
    server.shutdown().begin();
    tokio::select! {
        biased;
        () = signals.next() => {
            tracing::warn!("second signal, stopping at once");
            std::process::exit(SECOND_SIGNAL);
        }
        outcome = server.shutdown().finish() => {
            if outcome == Outcome::LeftBehind {
                tracing::warn!("some tasks did not end in time and were left behind");
            }
        }
    }
    tracing::info!("stopped");
}

/// Prints the one line on standard output, for the program that started us.
pub fn announce(server: &Server) -> anyhow::Result<()> {
    let line = json!({ "ready": true, "url": server.url() });
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush()).context("write the ready line")
}

/// Each connection is an open file, and many systems start processes with 1,024.
fn raise_file_limit(max_connections: usize) {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        let wanted = u64::try_from(max_connections).unwrap_or(u64::MAX).saturating_add(SPARE_FILES);
        let limit = getrlimit(Resource::Nofile);
        let current = limit.maximum.map_or(wanted, |maximum| wanted.min(maximum));
        if limit.current.is_some_and(|now| now < current)
            && let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: Some(current), maximum: limit.maximum })
        {
            tracing::warn!(%error, "the limit of open files stays low; many connections will be refused");
        }
    }
    #[cfg(not(unix))]
    let _ = max_connections;
}

#[cfg(unix)]
/// For feeds, recordings, and connections beyond the maximum, which are few and short.
const SPARE_FILES: u64 = 1_024;
/// The exit code that shells report for a process ended by SIGINT.
const SECOND_SIGNAL: i32 = 130;
