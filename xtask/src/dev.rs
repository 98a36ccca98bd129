//! `cargo xtask dev`: watches the sources; on a change it builds and restarts the server, which reloads the page.
//!
//! Not hot-patching: every change makes a new server. The server gets `TRUETAPE_DEV_RELOAD=1`; its page, which
//! reconnects anyway, reloads when it meets another server.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    time::Duration,
};

use anyhow::Context as _;
use notify::{EventKind, RecursiveMode, Watcher as _, event::ModifyKind};

use crate::{
    builds::{self, Mode},
    house::House,
    running::Running,
    setup::{self, Needs},
    signals::{self, Stop},
};

/// Runs until asked to stop. A failed build leaves the old server running.
///
/// # Errors
/// Set-up fails, or the file system cannot be watched.
pub(crate) fn run(house: &mut House, args: &[String]) -> anyhow::Result<ExitCode> {
    setup::run(house, Needs::Build)?;
    let (sender, changes) = channel();
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        for path in event.map(changed_sources).unwrap_or_default() {
            // The receiver is gone only when we are about to stop.
            let _ = sender.send(path);
        }
    })?;
    for folder in WATCHED.map(|folder| house.root().join(folder)) {
        if folder.is_dir() {
            watcher.watch(&folder, RecursiveMode::Recursive).with_context(|| format!("watch {}", folder.display()))?;
        }
    }

    let mut server = rebuild(house, None, args)?;
    while signals::stop_asked().is_none() {
        match changes.recv_timeout(POLL) {
            Ok(first) => {
                eprintln!("\nchanged: {}", house.shown(&first));
                wait_for_quiet(&changes);
                server = rebuild(house, server, args)?;
            }
            Err(RecvTimeoutError::Timeout) => {
                if let Some(running) = &mut server
                    && let Some(status) = running.ended()?
                    && signals::stop_asked().is_none()
                {
                    eprintln!("the server ended ({status}); it starts again with the next change");
                    server = None;
                }
            }
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    if let Some(server) = server {
        server.stop(signals::stop_asked().unwrap_or(Stop::Terminate))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Builds; if that succeeds, replaces the old server with a new one.
fn rebuild(house: &House, old: Option<Running>, args: &[String]) -> anyhow::Result<Option<Running>> {
    let program = match builds::page_and_server(house, Mode::Debug) {
        Ok(program) => program,
        Err(error) => {
            if signals::stop_asked().is_none() {
                eprintln!("\nerror: {error:#}\nwaiting for the next change");
            }
            return Ok(old);
        }
    };
    if let Some(old) = old {
        old.stop(Stop::Terminate)?;
    }
    let envs = [("TRUETAPE_DEV_RELOAD", "1".to_owned())];
    Running::start(house, &program, Mode::Debug, args, &envs).map(Some)
}

/// Waits until nothing has changed for a moment: editors write a file in several steps, and people save several files.
fn wait_for_quiet(changes: &Receiver<PathBuf>) {
    while changes.recv_timeout(QUIET).is_ok() {}
}

/// Returns the changed sources of an event. Reading a file or changing its permissions does not count.
fn changed_sources(event: notify::Event) -> Vec<PathBuf> {
    let is_change = match event.kind {
        EventKind::Create(_) | EventKind::Remove(_) => true,
        EventKind::Modify(kind) => !matches!(kind, ModifyKind::Metadata(_)),
        EventKind::Any | EventKind::Access(_) | EventKind::Other => false,
    };
    event.paths.into_iter().filter(|path| is_change && is_source(path)).collect()
}

fn is_source(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    !name.starts_with(['.', '#']) && SOURCES.contains(&extension)
}

const WATCHED: [&str; 6] = ["app", "crates", "frontend", "public", "server", "style"];
const SOURCES: [&str; 13] =
    ["css", "html", "ico", "jpg", "js", "json", "png", "rs", "sql", "svg", "toml", "webmanifest", "woff2"];
/// Interval at which we check for a request to stop.
const POLL: Duration = Duration::from_millis(200);
/// Time for which nothing must change before a build starts.
const QUIET: Duration = Duration::from_millis(150);

#[cfg(test)]
mod tests {
    use notify::event::{AccessKind, CreateKind, DataChange, MetadataKind};

    use super::*;

    #[track_caller]
    fn check(kind: EventKind, path: &str, expected: bool) {
        let event = notify::Event::new(kind).add_path(path.into());
        assert_eq!(!changed_sources(event).is_empty(), expected, "{kind:?} {path}");
    }

    #[test]
    fn only_changes_of_sources_count() {
        let written = EventKind::Modify(ModifyKind::Data(DataChange::Any));
        check(written, "app/src/lib.rs", true);
        check(EventKind::Create(CreateKind::File), "style/base.css", true);
        check(written, "app/src/.lib.rs.swp", false);
        check(written, "app/src/.#lib.rs", false);
        check(written, "app/src/lib.rs~", false);
        check(EventKind::Access(AccessKind::Any), "app/src/lib.rs", false);
        check(EventKind::Modify(ModifyKind::Metadata(MetadataKind::Any)), "app/src/lib.rs", false);
    }
}
