//! Logs on stderr, as text or JSON. Standard output belongs to the ready line and to commands' results.
//!
//! Filter: `RUST_LOG`, otherwise our own crates at the level of the configuration, which may change, and all others at `warn`
//! at most. Until the configuration is read, ours are at `info`. Addresses are logged without query, frames and message
//! contents never, so no secret can reach the log. Other crates do not know what is secret: the WebSocket library's `trace`
//! shows a handshake with the token in its address. So whatever `RUST_LOG` says, they get no further than `warn`.

use std::{
    fmt,
    sync::{
        Mutex, OnceLock, PoisonError,
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
    reload,
    util::SubscriberInitExt,
};

use crate::config::log::LogLevel;

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
    let given = EnvFilter::try_from_default_env().ok();
    let is_given = given.is_some();
    let filter = given.unwrap_or_else(|| filter_of(LogLevel::default()));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(true);
    let (result, set_filter): (_, SetFilter) = match format {
        LogFormat::Text => {
            let builder = builder.with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()));
            let builder = builder.with_filter_reloading();
            let handle = builder.reload_handle();
            let subscriber = builder.finish().with(CountErrors).with(filter_fn(may_be_logged));
            (subscriber.try_init(), Box::new(move |filter| handle.reload(filter)))
        }
        LogFormat::Json => {
            let builder = builder.json().flatten_event(true).with_span_list(false).with_filter_reloading();
            let handle = builder.reload_handle();
            let subscriber = builder.finish().with(CountErrors).with(filter_fn(may_be_logged));
            (subscriber.try_init(), Box::new(move |filter| handle.reload(filter)))
        }
    };
    // The words of `RUST_LOG` are not changed.
    if result.is_ok() && !is_given {
        let _set_once = SET_FILTER.set(set_filter);
    }
}

/// Logs lines of our own crates up to a level from now on; does nothing if `RUST_LOG` says what is logged, or before the
/// start.
pub fn set_level(level: LogLevel) {
    let Some(set_filter) = SET_FILTER.get() else { return };
    if let Err(error) = set_filter(filter_of(level)) {
        tracing::error!(%error, "the level of the log is not changed");
    }
}

fn filter_of(level: LogLevel) -> EnvFilter {
    let of_others = if level == LogLevel::Error { "error" } else { "warn" };
    let ours = OUR_CRATES.iter().map(|name| format!(",{name}={}", level.as_str()));
    EnvFilter::new(ours.fold(of_others.to_owned(), |filter, directive| filter + &directive))
}

type SetFilter = Box<dyn Fn(EnvFilter) -> Result<(), reload::Error> + Send + Sync>;

/// Changes what is logged: the log is one for the process.
static SET_FILTER: OnceLock<SetFilter> = OnceLock::new();

/// The errors of this process, for alerts on repeated ones: the log is one for the process, and so is their count.
static N_ERRORS: AtomicU64 = AtomicU64::new(0);
static NEWEST_ERROR: Mutex<String> = Mutex::new(String::new());

/// Returns the number of errors logged by this process.
pub fn n_errors() -> u64 {
    N_ERRORS.load(Ordering::Relaxed)
}

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
        Self { seen: n_errors() }
    }
}

impl ErrorCount {
    /// Returns how many there were since the last call, and the newest one's message.
    pub fn take_new(&mut self) -> Option<(u64, String)> {
        let n_errors = n_errors();
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
