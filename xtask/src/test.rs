//! `cargo xtask test`: every check in order, each timed; the first failure ends the run.
//!
//! Not a test itself. The runners' output stays unchanged, including their closing lines.

use std::{env, path::Path, process::Command};

use anyhow::bail;

use crate::{
    builds::{self, Mode, NATIVE, WASM},
    house::House,
    npm::NPX,
    page,
    process::{self, Background},
    running::SITE_DIR,
    setup::{self, Needs, Runner, Tools},
    site,
    steps::Steps,
    tidy,
};

/// The extent of the checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// Format, rules, lints of the native side, Rust tests.
    Quick,
    /// All checks.
    Full,
}

/// Runs the checks; `mode` is that of the site and programs in the browser tests.
///
/// # Errors
/// The first failure, with the name of its step.
pub(crate) fn run(house: &mut House, scope: Scope, mode: Mode) -> anyhow::Result<()> {
    let mut steps = Steps::default();
    let result = all(house, scope, mode, &mut steps);
    eprintln!("\n{}", steps.table());
    if result.is_ok() {
        eprintln!("All checks passed.");
    }
    result
}

fn all(house: &mut House, scope: Scope, mode: Mode, steps: &mut Steps) -> anyhow::Result<()> {
    steps.run("recorded captures", captures)?;
    let needs = if scope == Scope::Full { Needs::Everything } else { Needs::Tests };
    let tools = steps.run("set-up", || setup::run(house, needs))?;
    steps.run("format", || {
        process::run(house.cargo().args(["fmt", "--all", "--check"]))?;
        // Each is a workspace of its own.
        for manifest in ["fuzz/Cargo.toml", "end2end/bench/canvas/Cargo.toml"] {
            process::run(house.cargo().args(["fmt", "--manifest-path", manifest, "--check"]))?;
        }
        Ok(())
    })?;
    steps.run("tidy", || tidy::run(house))?;
    let house = &house.linting();
    steps
        .run("lint and build native", || process::run(house.cargo().arg("build").args(NATIVE).arg("--all-targets")))?;
    // Many Rust tests wait for deadlines on real sockets: the page is compiled meanwhile. This also proves that the pure
    // crates build for WASM, which `cargo xtask tidy` checks on its own.
    let wasm = match scope {
        Scope::Full => Some(Background::start(&mut lint_wasm(house), &house.target().join("lint-wasm.log"))?),
        Scope::Quick => None,
    };
    steps.run("rust tests", || rust_tests(house, tools.runner, &NATIVE, &[]))?;
    if let Some(wasm) = wasm {
        steps.run("lint and build wasm", || wasm.finish())?;
    }
    // xtask's dependencies are already built, in the profile of `cargo xtask` itself.
    let profile = if tools.runner == Runner::Nextest { "--cargo-profile" } else { "--profile" };
    steps.run("xtask tests", || rust_tests(house, tools.runner, &["-p", "xtask"], &[profile, "xtask"]))?;
    if scope == Scope::Full {
        steps.run("documentation tests", || {
            // For the same packages as the tests: with fewer, cargo selects other features and recompiles the page.
            process::run(house.cargo().args(["test", "--doc"]).args(NATIVE))
        })?;
        let (truetape, venue_sim) = steps.run("build for browser", || builds::for_browser_tests(house, mode))?;
        steps.run("browser tests", || browser_tests(house, mode, &tools, &truetape, &venue_sim))?;
    }
    Ok(())
}

/// Reports where the recorded captures are. Tests that need them are skipped if there are none; on a build server,
/// where that would go unnoticed, missing recordings are a failure.
fn captures() -> anyhow::Result<()> {
    match env::var_os(CAPTURES) {
        Some(folder) if Path::new(&folder).is_dir() => eprintln!("{CAPTURES}={}", Path::new(&folder).display()),
        Some(folder) if setup::is_ci() => {
            bail!("{CAPTURES} names {}, which is not a folder: put the recordings there", Path::new(&folder).display())
        }
        None if setup::is_ci() => bail!("{CAPTURES} is not set: it names the folder with the recorded captures"),
        Some(_) | None => eprintln!("{CAPTURES} names no folder: tests on recorded captures are skipped"),
    }
    Ok(())
}

fn lint_wasm(house: &House) -> Command {
    let mut build = house.cargo();
    // In the page's own profile, which the browser tests use.
    build.args(["build", "--lib", "--target", WASM, "--profile", page::profile(Mode::Debug)]);
    build.arg("--target-dir").arg(house.shown(&house.front_target()));
    // No feature is named: cargo would select others for the page alone, and compile it again for the browser tests.
    build.args(["-p", "frontend", "-p", "worker", "-p", "app"]);
    for room in tidy::wasm_build::pure_rooms_of(house) {
        build.args(["-p", room]);
    }
    build
}

fn rust_tests(house: &House, runner: Runner, packages: &[&str], profile: &[&str]) -> anyhow::Result<()> {
    let mut tests = house.cargo();
    match runner {
        // One more at a time than there are processors: some tests wait for real sockets' deadlines.
        Runner::Nextest => {
            let n_threads = std::thread::available_parallelism().map_or(2, |n_processors| n_processors.get() + 1);
            tests.args(["nextest", "run", "--profile", "ci", "--no-tests", "warn"]);
            tests.arg("--test-threads").arg(n_threads.to_string())
        }
        // `--tests` means unit and integration tests; documentation tests are a separate step.
        Runner::CargoTest => tests.args(["test", "--no-fail-fast", "--tests"]),
    };
    process::run(tests.args(packages).args(profile))
}

fn browser_tests(house: &House, mode: Mode, tools: &Tools, truetape: &Path, venue_sim: &Path) -> anyhow::Result<()> {
    let mut tests = house.command(NPX);
    tests.current_dir(house.root().join("end2end")).args(["--no-install", "playwright", "test"]);
    tests.env("TRUETAPE_BIN", truetape).env("VENUE_SIM_BIN", venue_sim);
    if mode == Mode::Debug {
        tests.env(SITE_DIR, site::folder_of(house, mode));
    }
    if let Some(chromium) = &tools.chromium {
        tests.env("PW_CHROMIUM", chromium);
    }
    process::run(&mut tests)
}

/// The variable that names the folder with the recorded captures.
pub(crate) const CAPTURES: &str = "TRUETAPE_CAPTURES";
