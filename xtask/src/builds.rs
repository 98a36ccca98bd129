//! Builds page and server with the same profile, in the order required by embedding.
//!
//! Not here: making the page's files, which is in `page` (WASM and its JavaScript), `style` (CSS) and `site` (the
//! folder).

use std::path::PathBuf;

use anyhow::bail;

use crate::{house::House, page, process, site};

/// The level of optimisation. Page and server always share it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Builds quickly. The server reads the page's files from the folder in `TRUETAPE_SITE_DIR`.
    Debug,
    /// Runs quickly. The server embeds the page's files.
    Release,
}

impl Mode {
    /// Returns its word in folder names.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Release => "release",
        }
    }

    /// Returns cargo's arguments for the native side.
    fn native_args(self) -> &'static [&'static str] {
        match self {
            Self::Debug => &[],
            Self::Release => &["--release"],
        }
    }
}

/// Builds the page, its site folder and the server; returns the server's program.
///
/// # Errors
/// A build fails.
pub(crate) fn page_and_server(house: &House, mode: Mode) -> anyhow::Result<PathBuf> {
    // The page first: a release server embeds it.
    page::build(house, mode)?;
    site::assemble(house, mode)?;
    process::run(house.cargo().args(["build", "-p", "server", "--bin", "truetape"]).args(mode.native_args()))?;
    program(house, mode, "truetape")
}

/// Builds everything that the browser tests start: the site, `truetape` and `venue-sim`. Returns the two programs.
///
/// # Errors
/// A build fails.
pub(crate) fn for_browser_tests(house: &House, mode: Mode) -> anyhow::Result<(PathBuf, PathBuf)> {
    page::build(house, mode)?;
    site::assemble(house, mode)?;
    let mut build = house.cargo();
    build.args(["build"]).args(NATIVE).arg("--bins").args(mode.native_args());
    if mode == Mode::Debug {
        // Including the tests' own dependencies, cargo selects the same features as for the tests, and so finds every
        // dependency already built.
        build.arg("--tests");
    }
    process::run(&mut build)?;
    Ok((program(house, mode, "truetape")?, program(house, mode, "venue-sim")?))
}

fn program(house: &House, mode: Mode, name: &str) -> anyhow::Result<PathBuf> {
    let program = house.target().join(mode.word()).join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    if !program.is_file() {
        bail!("cargo built no {}: is the binary still called {name}?", house.shown(&program));
    }
    Ok(program)
}

/// The packages of the native side. Without the page, which is for WASM only, and without xtask, whose dependencies are
/// compiled once, in its own profile.
pub(crate) const NATIVE: [&str; 5] = ["--workspace", "--exclude", "frontend", "--exclude", "xtask"];
/// The target of the page.
pub(crate) const WASM: &str = "wasm32-unknown-unknown";
/// The name of the page's files.
pub(crate) const OUTPUT_NAME: &str = "truetape";
