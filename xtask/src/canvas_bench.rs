//! `cargo xtask canvas-bench`: compiles the program that draws the chart through two backends, for
//! `end2end/bench/canvas.bench.ts`, with the page's profile and the page's versions of crates.
//!
//! Not here: the measuring. Not part of the product.

use std::{fs, path::PathBuf};

use anyhow::Context as _;

use crate::{
    builds::{Mode, WASM},
    house::House,
    page, process,
};

/// Builds the program; returns the folder with `canvas.js` and `canvas.wasm`.
///
/// # Errors
/// The compiler or wasm-bindgen fails.
pub(crate) fn build(house: &House) -> anyhow::Result<PathBuf> {
    let source = house.root().join("end2end/bench/canvas");
    // Measures the versions that ship; cargo drops unneeded ones and adds plotters-canvas.
    fs::copy(house.root().join("Cargo.lock"), source.join("Cargo.lock")).context("copy Cargo.lock")?;
    let target = house.target().join("canvas-bench");
    let mut cargo = house.cargo();
    cargo.current_dir(&source).args(["build", "--lib", "--target", WASM, "--profile", PROFILE]);
    process::run(cargo.arg("--target-dir").arg(&target))?;
    let out = target.join("out");
    page::bind(&target.join(WASM).join(PROFILE).join("canvas.wasm"), &out, "canvas", Mode::Release)?;
    Ok(out)
}

/// The page's profile.
const PROFILE: &str = "wasm-release";
