//! Logs on stderr, as text or JSON. Standard output belongs to the ready line and to commands' results.
//!
//! Filter: `RUST_LOG`, otherwise our own crates at `info` and all others at `warn`. Addresses are logged without query,
//! frames and message contents never, so no secret can reach the log. Other crates do not know what is secret: the
//! WebSocket library's `trace` shows a handshake with the token in its address. So whatever `RUST_LOG` says, they get no
//! further than `warn`.

use clap::ValueEnum;
use tracing::{Level, Metadata};
use tracing_subscriber::{EnvFilter, filter::filter_fn, layer::SubscriberExt, util::SubscriberInitExt};

/// The format of log lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// For log collectors: one JSON object a line.
    Json,
}

/// Starts logging; a second call does nothing.
pub fn init(format: LogFormat) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(DEFAULT_FILTER));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(true);
    let result = match format {
        LogFormat::Text => {
            let subscriber = builder.with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr())).finish();
            subscriber.with(filter_fn(may_be_logged)).try_init()
        }
        LogFormat::Json => builder.json().flatten_event(true).finish().with(filter_fn(may_be_logged)).try_init(),
    };
    let _already_started = result.is_err();
}

/// Returns true for all lines of our own crates, and for warnings and errors of others.
fn may_be_logged(about: &Metadata<'_>) -> bool {
    let root = about.target().split("::").next().unwrap_or_default();
    *about.level() <= Level::WARN || OUR_CRATES.contains(&root)
}

const OUR_CRATES: &[&str] =
    &["app", "hub", "market", "model", "recording", "server", "topics", "truetape", "venues", "wire"];

const DEFAULT_FILTER: &str = "warn,server=info,truetape=info,venues=info,market=info,hub=info";
