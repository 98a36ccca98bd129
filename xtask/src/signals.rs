//! Remembers requests to stop, so that waiting loops can end their child processes first.
//!
//! Not a way to run code inside a signal handler: the handler only stores the signal's number.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

/// The kind of request to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// Ctrl-C: a terminal sends it to our children as well, so they may already be stopping.
    Interrupt,
    /// `kill` or a closed terminal: our children have not been notified yet.
    Terminate,
}

/// Starts listening for Ctrl-C, `kill` and a closed terminal. On systems without Unix signals this does nothing, and
/// Ctrl-C ends us and our children by the system's rules.
///
/// # Errors
/// The system refuses the handlers.
pub(crate) fn install() -> anyhow::Result<()> {
    #[cfg(unix)]
    {
        use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
        for (signal, code) in [(SIGINT, INTERRUPT), (SIGTERM, TERMINATE), (SIGHUP, TERMINATE)] {
            signal_hook::flag::register_usize(signal, Arc::clone(&asked()), code)?;
        }
    }
    Ok(())
}

/// Returns the request to stop, if there was one.
pub(crate) fn stop_asked() -> Option<Stop> {
    match asked().load(Ordering::Relaxed) {
        INTERRUPT => Some(Stop::Interrupt),
        TERMINATE => Some(Stop::Terminate),
        _ => None,
    }
}

fn asked() -> Arc<AtomicUsize> {
    static ASKED: std::sync::OnceLock<Arc<AtomicUsize>> = std::sync::OnceLock::new();
    Arc::clone(ASKED.get_or_init(Arc::default))
}

const INTERRUPT: usize = 1;
const TERMINATE: usize = 2;
