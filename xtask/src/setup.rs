//! `cargo xtask setup`: installs what is missing and explains why; a second run does nothing.
//!
//! Not the details: each tool has its own file (`wasm_toolchain`, `npm`, `chromium`, `prometheus`, `proxies`, `pebble`).

use std::path::PathBuf;

use crate::{api_oracles, chromium, house::House, npm, pebble, process, prometheus, proxies, wasm_toolchain};

/// The purpose of the tools.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Needs {
    /// To compile page and server.
    Build,
    /// To run all tests except those in a browser.
    Tests,
    /// To run all tests.
    Everything,
}

/// The tools that may differ between machines.
#[derive(Debug)]
pub(crate) struct Tools {
    /// The runner of the Rust tests.
    pub(crate) runner: Runner,
    /// The browser's program; `None` if Playwright has its own, or none is needed.
    pub(crate) chromium: Option<PathBuf>,
}

/// A runner of the Rust tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Runner {
    /// cargo-nextest: each test in its own process, which keeps all cores busy to the end.
    Nextest,
    /// Plain `cargo test`.
    CargoTest,
}

/// Makes sure that the tools are installed.
///
/// # Errors
/// A tool is missing and cannot be installed; the message names the command to run manually.
pub(crate) fn run(house: &mut House, needs: Needs) -> anyhow::Result<Tools> {
    wasm_toolchain::ensure(house)?;
    let mut tools = Tools { runner: Runner::CargoTest, chromium: None };
    if needs != Needs::Build {
        tools.runner = nextest(house);
        prometheus::ensure(house);
        api_oracles::ensure(house);
    }
    if needs == Needs::Everything {
        npm::ensure(house)?;
        tools.chromium = chromium::ensure(house)?;
        proxies::ensure(house);
        pebble::ensure(house);
    }
    Ok(tools)
}

/// Finds cargo-nextest or compiles it. In CI it is not compiled: that takes longer than it saves.
fn nextest(house: &House) -> Runner {
    let version = || process::output(house.cargo().args(["nextest", "--version"]));
    if version().is_none() && is_ci() {
        said("cargo-nextest", "absent: `cargo test` runs the tests, compiling nextest would take longer than it saves");
        return Runner::CargoTest;
    }
    if version().is_none() {
        say("cargo-nextest", "compiling it: it runs the tests faster than `cargo test` (a few minutes, once)");
        if let Err(error) = process::run(house.cargo().args(["install", "cargo-nextest", "--locked"])) {
            said("cargo-nextest", &format!("{error:#}; using `cargo test` instead"));
            return Runner::CargoTest;
        }
    }
    match version() {
        Some(version) => {
            said("cargo-nextest", version.lines().next().unwrap_or_default());
            Runner::Nextest
        }
        None => {
            said("cargo-nextest", "installed, but cargo does not find it; using `cargo test` instead");
            Runner::CargoTest
        }
    }
}

/// Returns true on a build server, by the variable that all of them set.
pub(crate) fn is_ci() -> bool {
    std::env::var("CI").is_ok_and(|value| value == "true" || value == "1")
}

/// Shows the state of a tool.
pub(crate) fn said(tool: &str, state: &str) {
    eprintln!("  {tool:14} {state}");
}

/// Shows an action on a tool and its reason.
pub(crate) fn say(tool: &str, action: &str) {
    eprintln!("  {tool:14} > {action}");
}
