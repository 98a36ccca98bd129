//! Remembers that somebody asked us to stop, so that waiting loops can end their child processes first.
//!
//! Not a way to run code inside a signal handler: the handler only stores the signal's number.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

/// Why we were asked to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// Ctrl-C: a terminal sends it to our children as well, so they may be stopping already.
    Interrupt,
    /// `kill` or a closed terminal: our children know nothing of it yet.
    Terminate,
}

/// Starts to listen for Ctrl-C, `kill` and a closed terminal. On systems without Unix signals this does nothing, and
/// Ctrl-C ends us and our children as the system sees fit.
///
/// # Errors
/// Where the system refuses the handlers.
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

/// The reason to stop, if somebody gave one.
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
