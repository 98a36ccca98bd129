//! Logs on stderr, as text or JSON. Standard output belongs to the ready line and to commands' results.
//!
//! Filter: `RUST_LOG`, otherwise our own crates at `info` and all others at `warn`. Addresses are logged without query,
//! frames and message contents never, so no secret can reach the log. Other crates do not know what is secret: the
//! WebSocket library's `trace` shows a handshake with the token in its address. So whatever `RUST_LOG` says, they get no
//! further than `warn`.

use std::{
    fmt,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use clap::ValueEnum;
use tracing::{
    Event, Level, Metadata, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    EnvFilter, Layer,
    filter::filter_fn,
    layer::{Context, SubscriberExt},
    util::SubscriberInitExt,
};

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
            subscriber.with(CountErrors).with(filter_fn(may_be_logged)).try_init()
        }
        LogFormat::Json => {
            builder.json().flatten_event(true).finish().with(CountErrors).with(filter_fn(may_be_logged)).try_init()
        }
    };
    let _already_started = result.is_err();
}

/// The errors of this process, for alerts on repeated ones: the log is one for the process, and so is their count.
static N_ERRORS: AtomicU64 = AtomicU64::new(0);
static NEWEST_ERROR: Mutex<String> = Mutex::new(String::new());

/// Counts lines at the level of errors.
struct CountErrors;

impl<S: Subscriber> Layer<S> for CountErrors {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if *event.metadata().level() == Level::ERROR {
            let mut message = Message::default();
            event.record(&mut message);
            *NEWEST_ERROR.lock().unwrap_or_else(PoisonError::into_inner) = message.0;
            N_ERRORS.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// The message of a line, without its fields.
#[derive(Default)]
struct Message(String);

impl Visit for Message {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            self.0 = format!("{value:?}");
        }
    }
}

/// The errors that have been logged, for one reader.
#[derive(Clone, Copy, Debug)]
pub struct ErrorCount {
    seen: u64,
}

impl Default for ErrorCount {
    /// Starts with those to come.
    fn default() -> Self {
        Self { seen: N_ERRORS.load(Ordering::Relaxed) }
    }
}

impl ErrorCount {
    /// Returns how many there were since the last call, and the newest one's message.
    pub fn take_new(&mut self) -> Option<(u64, String)> {
        let n_errors = N_ERRORS.load(Ordering::Relaxed);
        let n_new = n_errors.checked_sub(std::mem::replace(&mut self.seen, n_errors)).filter(|n_new| *n_new > 0)?;
        Some((n_new, NEWEST_ERROR.lock().unwrap_or_else(PoisonError::into_inner).clone()))
    }
}

/// Returns true for all lines of our own crates, and for warnings and errors of others.
fn may_be_logged(about: &Metadata<'_>) -> bool {
    let root = about.target().split("::").next().unwrap_or_default();
    *about.level() <= Level::WARN || OUR_CRATES.contains(&root)
}

const OUR_CRATES: &[&str] =
    &["alerts", "app", "hub", "market", "model", "recording", "server", "topics", "truetape", "venues", "wire"];

const DEFAULT_FILTER: &str = "warn,server=info,truetape=info,venues=info,market=info,hub=info";
