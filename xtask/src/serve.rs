//! `cargo xtask serve`: installs what is missing, builds, runs the server and reports when it is ready.
//!
//! Not for work on the sources: `cargo xtask dev` rebuilds when a file changes.

use std::process::ExitCode;

use crate::{
    builds::{self, Mode},
    house::House,
    running::Running,
    setup::{self, Needs},
    signals,
};

/// Runs until the server ends or we are asked to stop; returns the server's exit code.
///
/// # Errors
/// Set-up or a build fails, or the server cannot be started.
pub(crate) fn run(house: &mut House, mode: Mode, args: &[String]) -> anyhow::Result<ExitCode> {
    setup::run(house, Needs::Build)?;
    let program = builds::page_and_server(house, mode)?;
    let status = Running::start(house, &program, mode, args, &[])?.wait()?;
    if signals::stop_asked().is_some() {
        return Ok(ExitCode::SUCCESS);
    }
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from))
}
