//! `cargo xtask oracles`: computes the figures in `oracles/*.json` again, with libraries from PyPI in an environment of
//! their own, and says whether anything differs. Slow, and not a part of `cargo xtask test`: the tests read the files.
//!
//! Needs Python 3.11 or newer and, for the fills, the recorded captures.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail};

use crate::{house::House, process, test::CAPTURES};

/// Treatment of the files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Goal {
    /// Compare only.
    Check,
    /// Write what differs.
    Update,
}

/// Computes all files again.
///
/// # Errors
/// Python or a library is missing, a program fails, or, where nothing is written, a file differs.
pub(crate) fn run(house: &House, goal: Goal) -> anyhow::Result<()> {
    let captures = env::var_os(CAPTURES).map(PathBuf::from);
    let captures = captures.with_context(|| format!("{CAPTURES} names no folder with recordings"))?;
    let python = environment(house)?;
    let folder = house.target().join("oracles");
    let programs: [(&str, &str, Vec<&Path>); 3] = [
        ("oracles/indicators.py", "oracles/indicators.json", Vec::new()),
        ("oracles/return_figures.py", "oracles/return_figures.json", Vec::new()),
        ("oracles/taker_fills.py", "oracles/taker_fills.json", vec![&captures]),
    ];
    let mut differing = Vec::new();
    for (program, file, arguments) in programs {
        let result = folder.join(Path::new(file).file_name().unwrap_or_default());
        process::run(house.command(&python).args(["-B", program]).args(arguments).arg(&result))?;
        let (known, found) = (house.root().join(file), fs::read(&result).context("read the result")?);
        if fs::read(&known).ok().as_ref() != Some(&found) {
            differing.push(file);
            if goal == Goal::Update {
                fs::write(&known, found).with_context(|| format!("write {file}"))?;
            }
        }
    }
    match (differing.as_slice(), goal) {
        ([], _) => eprintln!("\nThe libraries give the same figures as the files."),
        (files, Goal::Update) => eprintln!("\nWritten: {}. Run the tests that read them.", files.join(", ")),
        (files, Goal::Check) => bail!("{} differ; --update writes what the libraries give", files.join(", ")),
    }
    Ok(())
}

/// Makes an environment with the pinned libraries; returns its Python.
fn environment(house: &House) -> anyhow::Result<PathBuf> {
    let folder = house.target().join("oracles").join("python");
    let python = folder.join("bin").join("python");
    if !python.is_file() {
        process::run(house.command("python3").args(["-m", "venv"]).arg(&folder))?;
    }
    let install = ["-m", "pip", "install", "--quiet", "--requirement", "oracles/requirements.txt"];
    process::run(house.command(&python).args(install))?;
    Ok(python)
}
