//! `cargo xtask`: set-up, build, serve, watch, test, fuzz and the project's rules, in one program that needs only Rust.
//!
//! Not part of the product: nothing here is linked into the server or the page. Progress goes to stderr, so that stdout
//! carries only the output of the started program.

mod api_oracles;
mod apt;
mod assets;
mod browsers;
mod builds;
mod canvas_bench;
mod chromium;
mod compress;
mod dev;
mod fuzz;
mod house;
mod npm;
mod oracles;
mod pack;
#[cfg(target_os = "linux")]
mod package;
mod page;
mod pebble;
mod process;
mod prometheus;
mod proxies;
mod running;
mod serve;
mod setup;
mod signals;
mod site;
mod split;
mod steps;
mod style;
mod test;
mod tidy;
mod wasm_toolchain;

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};

use crate::{builds::Mode, house::House, setup::Needs};

/// Set-up, build, serve, watch and test Truetape.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Install what is missing to build and test: the WASM target, cargo-nextest, npm packages, a browser, Prometheus.
    Setup,
    /// Build page and server and run them; prints the address when ready.
    Serve {
        /// Build without optimisation: quicker to build, slower to run.
        #[arg(long)]
        debug: bool,
        /// Arguments for `truetape serve`, after `--`.
        #[arg(last = true)]
        args: Vec<String>,
    },
    /// Build page and server without running them.
    Build {
        /// Build with optimisation, the page embedded in the binary.
        #[arg(long)]
        release: bool,
    },
    /// Serve the debug build; rebuild, restart and reload the page whenever a source file changes.
    Dev {
        /// Arguments for `truetape serve`, after `--`.
        #[arg(last = true)]
        args: Vec<String>,
    },
    /// Run every check: format, rules, lints of both sides, tests, documentation tests, browser tests.
    Test {
        /// Skip the slow checks: the WASM lints, documentation tests and browser tests.
        #[arg(long)]
        quick: bool,
        /// Run the browser tests against the release build.
        #[arg(long, conflicts_with = "quick")]
        release: bool,
    },
    /// Fuzz every parser of external input; prints executions and findings.
    Fuzz {
        /// Seconds per target.
        #[arg(long, default_value_t = 60)]
        seconds: u32,
        /// Targets of fuzz/fuzz_targets to run; all by default.
        targets: Vec<String>,
    },
    /// Compute the files in oracles/ again with libraries from PyPI; says whether anything differs.
    Oracles {
        /// Write what differs.
        #[arg(long)]
        update: bool,
    },
    /// Have a certificate authority for tests issue a certificate to a server built with the feature `acme`.
    Acme,
    /// Run the smoke test of every page in Chromium, Firefox and WebKitGTK.
    Browsers,
    /// Build the program measured by `npx playwright test -c bench canvas`; prints its folder.
    CanvasBench,
    /// Measure the stream; prints a table.
    Bench {
        /// `bytes`: the stream's bytes beside those of the recordings in the folder named by TRUETAPE_CAPTURES; `stream`:
        /// what the stream costs for each delivered item, beside a floor.
        #[arg(value_enum)]
        what: Bench,
        /// Arguments for the measuring program, after `--`.
        #[arg(last = true)]
        args: Vec<String>,
    },
    /// Make the packages: an archive, a Debian package, a container image, the bill of materials, the checksums.
    #[cfg(target_os = "linux")]
    Package {
        /// The server's program; without it, the release is built.
        #[arg(long, value_name = "FILE")]
        program: Option<PathBuf>,
        /// Folder of the packages, which is emptied before [default: target/package].
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
    },
    /// Check the project's rules: imports between crates, headers, names, lock files.
    Tidy {
        /// Only the rules on text; skip the build of the pure crates for WASM.
        #[arg(long)]
        text_only: bool,
    },
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Bench {
    Bytes,
    Stream,
}

impl Bench {
    /// Returns the name of the server's benchmark.
    fn name(self) -> &'static str {
        match self {
            Self::Bytes => "bytes",
            Self::Stream => "stream",
        }
    }
}

fn main() -> ExitCode {
    match signals::install().and_then(|()| run(Cli::parse().command)) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("\nerror: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> anyhow::Result<ExitCode> {
    let mut house = House::find()?;
    match command {
        Command::Setup => {
            setup::run(&mut house, Needs::Everything)?;
            eprintln!("\nReady. Next: cargo xtask serve, or cargo xtask test.");
        }
        Command::Serve { debug, args } => {
            return serve::run(&mut house, if debug { Mode::Debug } else { Mode::Release }, &args);
        }
        Command::Build { release } => {
            setup::run(&mut house, Needs::Build)?;
            let program = builds::page_and_server(&house, if release { Mode::Release } else { Mode::Debug })?;
            eprintln!("\nBuilt {}", house.shown(&program));
        }
        Command::Dev { args } => return dev::run(&mut house, &args),
        Command::Test { quick, release } => {
            let scope = if quick { test::Scope::Quick } else { test::Scope::Full };
            test::run(&mut house, scope, if release { Mode::Release } else { Mode::Debug })?;
        }
        Command::Fuzz { seconds, targets } => fuzz::run(&house, seconds, &targets)?,
        Command::Oracles { update } => {
            oracles::run(&house, if update { oracles::Goal::Update } else { oracles::Goal::Check })?;
        }
        Command::Acme => pebble::run(&house)?,
        Command::Browsers => browsers::run(&mut house)?,
        Command::CanvasBench => {
            setup::run(&mut house, Needs::Build)?;
            println!("{}", canvas_bench::build(&house)?.display());
        }
        Command::Bench { what, args } => {
            let mut bench = house.cargo();
            bench.args(["bench", "--package", "server", "--bench", what.name(), "--"]);
            process::run(bench.args(args))?;
        }
        #[cfg(target_os = "linux")]
        Command::Package { program, out } => {
            let program = match program {
                Some(program) => program,
                None => {
                    setup::run(&mut house, Needs::Build)?;
                    builds::page_and_server(&house, Mode::Release)?
                }
            };
            package::run(&house, &program, &out.unwrap_or_else(|| house.target().join("package")))?;
        }
        Command::Tidy { text_only } => {
            tidy::run(&house)?;
            if !text_only {
                setup::run(&mut house, Needs::Build)?;
                tidy::wasm_build::run(&house)?;
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}
