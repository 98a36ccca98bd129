//! `truetape serve`: runs the server until SIGTERM or SIGINT; a second signal ends it at once.

use std::{io::Write, path::PathBuf};

use anyhow::Context;
use serde_json::json;

use super::Failure;
use crate::{
    config::{Base, Sources, StartConfig},
    log::{self, LogFormat},
    notify::Notifier,
    open_files,
    serve::Server,
    shutdown::{Outcome, Signals},
};

/// Flags of `serve`; each overrides the configuration file and the environment.
#[derive(Clone, Debug, clap::Args)]
pub struct Arguments {
    /// Address and port, beyond loopback only with TLS; port 0 takes a free one [default: 127.0.0.1:3000].
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
    /// Folder of the database, recordings and certificates.
    #[arg(long, value_name = "DIR")]
    data_dir: Option<String>,
    /// Addresses and ranges of the reverse proxies in front, as in 127.0.0.1,10.0.0.0/8; they are believed about their
    /// callers.
    #[arg(long, value_name = "ADDRESSES")]
    behind_proxy: Option<String>,
    /// Configuration file [default: truetape.toml in the working folder, if it exists].
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Certificate in PEM, with those that vouch for it.
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<String>,
    /// Private key of the certificate, in PEM.
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<String>,
    /// Serve TLS with a certificate of our own; browsers ask before they trust it.
    #[arg(long, conflicts_with = "tls_cert")]
    tls_self_signed: bool,
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
        let self_signed = self.tls_self_signed.then(|| "true".to_owned());
        let flags = [
            ("--listen", "server.listen", &listen),
            ("--data-dir", "server.data_dir", &self.data_dir),
            ("--tls-cert", "tls.cert", &self.tls_cert),
            ("--tls-key", "tls.key", &self.tls_key),
            ("--tls-self-signed", "tls.self_signed", &self_signed),
            ("--behind-proxy", "server.trusted_proxies", &self.behind_proxy),
        ];
        let flags = flags
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
    let loaded = Base::read(arguments.sources()).and_then(Base::load);
    let loaded = loaded.map_err(|error| Failure::Unusable(error.into()))?;
    run_with(loaded, async |server| {
        server.following().resume().await;
        Ok(())
    })
}

/// Starts logging according to the flags.
pub fn start_log(arguments: &Arguments) {
    log::init(arguments.log_format);
}

/// Serves until a signal, after `prepare` has done everything that must precede the ready line.
pub fn run_with(
    settings: impl Into<StartConfig>,
    prepare: impl AsyncFnOnce(&Server) -> anyhow::Result<()>,
) -> Result<(), Failure> {
    let loaded = settings.into();
    log::set_level(loaded.config.log.level);
    open_files::allow(loaded.config.server.max_connections);
    block_on(async {
        let mut signals = Signals::listen().context("listen for signals")?;
        let manager =
            Notifier::new(|name| std::env::var_os(name)).context("reach the service manager (NOTIFY_SOCKET)")?;
        let server = Server::start(loaded).await?;
        if let Err(error) = prepare(&server).await {
            server.shutdown().begin();
            server.shutdown().finish().await;
            return Err(error);
        }
        tell_set_up(&server)?;
        announce(&server)?;
        manager.ready(&server.url());
        tokio::select! {
            biased;
            () = signals.next() => tracing::info!("stopping; a second signal stops at once"),
            () = server.shutdown().draining.cancelled() => {}
            () = manager.watch(async || server.is_answering().await) => {}
        }
        manager.stopping();
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

/// Prints the code of the first set-up, where one is needed. Not in the log: it is a secret.
fn tell_set_up(server: &Server) -> anyhow::Result<()> {
    if let Some(code) = server.access().set_up_code().context("make the set-up code")? {
        eprintln!("\n  No user yet. Open {} and make the first one with this code:\n\n      {code}\n", server.url());
    }
    Ok(())
}

/// The exit code that shells report for a process ended by SIGINT.
const SECOND_SIGNAL: i32 = 130;
