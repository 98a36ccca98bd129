//! `cargo xtask fuzz`: builds the fuzz targets, provides initial inputs and runs each target in turn.
//!
//! Not here: the targets (`fuzz/fuzz_targets`) and the source of the initial inputs ([`seeds`]). It needs no other
//! toolchain and no tool except a C++ compiler: coverage counters are an option of every rustc, and libFuzzer is
//! compiled from its crate. `cargo fuzz run <target>` does the same with AddressSanitizer if cargo-fuzz and a nightly
//! toolchain are installed.

mod seeds;

use std::{
    env, fs,
    fs::File,
    path::{Path, PathBuf},
    process::Stdio,
};

use anyhow::{Context as _, bail};

use crate::{house::House, process, setup::said, signals};

/// Runs `targets`, or all if none is named, for the given seconds each, and prints the results.
///
/// # Errors
/// A target is unknown, a build fails, or a target found a failing input.
pub(crate) fn run(house: &House, seconds: u32, targets: &[String]) -> anyhow::Result<()> {
    let folder = house.root().join("fuzz");
    let known = targets_in(&folder.join("fuzz_targets"))?;
    if let Some(unknown) = targets.iter().find(|target| !known.contains(target)) {
        bail!("unknown fuzz target `{unknown}`; available: {}", known.join(", "));
    }
    let programs = build(house, &folder)?;
    seeds::write(house.root(), &known, &folder.join("corpus"))?;
    let mut table = String::from("target     executions   per second  edges  inputs  findings\n");
    let mut n_findings = 0;
    for target in known.iter().filter(|known| targets.is_empty() || targets.contains(known)) {
        let report = fuzz(house, &folder, &programs, target, seconds)?;
        n_findings += report.n_findings;
        table += &report.row(target);
    }
    eprintln!("\n{table}");
    if n_findings > 0 {
        bail!(
            "{n_findings} findings: the inputs are in fuzz/artifacts; pass one to its program as an argument to reproduce it"
        );
    }
    Ok(())
}

/// Returns the names of the targets, alphabetical.
fn targets_in(folder: &Path) -> anyhow::Result<Vec<String>> {
    let mut targets = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| format!("read {}", folder.display()))? {
        targets.extend(entry?.path().file_stem().map(|stem| stem.to_string_lossy().into_owned()));
    }
    targets.sort();
    Ok(targets)
}

/// Builds all targets; returns the folder with their programs.
fn build(house: &House, folder: &Path) -> anyhow::Result<PathBuf> {
    let compiler = env::var_os("CXX").map(PathBuf::from);
    match compiler.or_else(|| ["c++", "g++", "clang++"].into_iter().find_map(process::find_on_path)) {
        Some(compiler) => said("c++", &compiler.display().to_string()),
        None => bail!("no C++ compiler (g++ or clang++) on PATH: libFuzzer is C++; install one"),
    }
    // Fuzzes the versions that ship; cargo drops unneeded ones and adds libFuzzer.
    fs::copy(house.root().join("Cargo.lock"), folder.join("Cargo.lock")).context("copy Cargo.lock")?;
    let version = process::output(house.rustc().arg("-vV")).context("rustc does not run")?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).context("rustc names no host")?;
    let mut cargo = house.cargo();
    // Only for this build: with a target named, build scripts and macros get no counters, which they could not link.
    cargo
        .current_dir(folder)
        .args(["build", "--release", "--bins", "--target", host])
        .env("RUSTFLAGS", COVERAGE.join(" "));
    process::run(&mut cargo)?;
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| folder.join("target"), PathBuf::from);
    Ok(target.join(host).join("release"))
}

fn fuzz(house: &House, folder: &Path, programs: &Path, target: &str, seconds: u32) -> anyhow::Result<Report> {
    let (corpus, artifacts) = (folder.join("corpus").join(target), folder.join("artifacts").join(target));
    fs::create_dir_all(&artifacts)?;
    let log = programs.join(format!("{target}.log"));
    let mut command = house.command(programs.join(target));
    command.arg(&corpus).args(LIMITS).arg(format!("-max_total_time={seconds}"));
    command.arg(format!("-artifact_prefix={}/", artifacts.display()));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(File::create(&log).context("create a log")?);
    eprintln!("fuzzing {target} for {seconds} s, {} to begin with", fs::read_dir(&corpus)?.count());
    let mut child = command.spawn().with_context(|| format!("start {target}"))?;
    let status = process::wait(&mut child)?;
    if let Some(stop) = signals::stop_asked() {
        bail!("stopped ({stop:?}) while fuzzing {target}");
    }
    let log = String::from_utf8_lossy(&fs::read(&log)?).into_owned();
    let report = Report { n_findings: u32::from(!status.success()), ..Report::of(&log) };
    if report.n_findings > 0 {
        let lines: Vec<&str> = log.lines().collect();
        eprintln!("{}", lines[lines.len().saturating_sub(SHOWN_LINES)..].join("\n"));
    }
    Ok(report)
}

/// The final report of libFuzzer.
#[derive(Debug, Default, PartialEq, Eq)]
struct Report {
    n_executions: u64,
    per_second: u64,
    /// Edges of the program that were reached, and all.
    edges: (u64, u64),
    n_inputs: u64,
    n_findings: u32,
}

impl Report {
    fn of(log: &str) -> Self {
        let number = |text: &str| -> u64 {
            let digits = text.trim_start().split(|letter: char| !letter.is_ascii_digit()).next();
            digits.and_then(|digits| digits.parse().ok()).unwrap_or_default()
        };
        let last = |mark: &str| log.rfind(mark).map(|at| number(&log[at + mark.len()..])).unwrap_or_default();
        let all = log.find(" inline 8-bit counters)").and_then(|end| log[..end].rsplit('(').next()).map(number);
        Self {
            n_executions: last("stat::number_of_executed_units:"),
            per_second: last("stat::average_exec_per_sec:"),
            edges: (last(" cov: "), all.unwrap_or_default()),
            n_inputs: last(" corp: "),
            n_findings: 0,
        }
    }

    fn row(&self, target: &str) -> String {
        let (reached, all) = self.edges;
        let Self { n_executions, per_second, n_inputs, n_findings, .. } = self;
        format!(
            "{target:9}{n_executions:>12}{per_second:>13}{reached:>7}{n_inputs:>8}{n_findings:>10}   of {all} edges\n"
        )
    }
}

/// Counters of edges and of comparisons, as read by libFuzzer.
const COVERAGE: [&str; 8] = [
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "-Cllvm-args=-simplifycfg-branch-fold-threshold=0",
    "-Ccodegen-units=1",
    "--cfg=fuzzing",
];
/// Inputs up to the size of a client's message, with memory and time that no input of that size may exceed.
const LIMITS: [&str; 4] = ["-max_len=65536", "-rss_limit_mb=512", "-timeout=10", "-print_final_stats=1"];
/// The lines of the log shown if a target fails.
const SHOWN_LINES: usize = 40;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_report_is_read_from_the_log() {
        let log = "INFO: Loaded 1 modules   (71234 inline 8-bit counters): 71234 [0x1, 0x2),\n\
                   #2\tINITED cov: 12 ft: 13 corp: 1/1b exec/s: 0 rss: 30Mb\n\
                   #9000\tDONE   cov: 4321 ft: 9999 corp: 812/81Kb lim: 99 exec/s: 450 rss: 60Mb\n\
                   stat::number_of_executed_units: 9000\nstat::average_exec_per_sec:     450\n";
        let expected =
            Report { n_executions: 9_000, per_second: 450, edges: (4_321, 71_234), n_inputs: 812, n_findings: 0 };
        assert_eq!(Report::of(log), expected);
        assert_eq!(Report::of(""), Report::default());
    }
}
