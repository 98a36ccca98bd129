//! The one check that needs the compiler: the pure crates build for WebAssembly.
//!
//! Not run inside `cargo xtask test`, whose WASM lints compile the same crates for the same target.

use super::PURE_ROOMS;
use crate::{
    builds::{Mode, WASM},
    house::House,
    page, process,
};

/// Checks every existing pure crate with the compiler, without generating code.
///
/// # Errors
/// A crate does not compile.
pub(crate) fn run(house: &House) -> anyhow::Result<()> {
    let mut check = house.cargo();
    check.args(["check", "--target", WASM, "--profile", page::profile(Mode::Debug)]);
    check.arg("--target-dir").arg(house.shown(&house.front_target()));
    for room in pure_rooms_of(house) {
        check.args(["-p", room]);
    }
    process::run(&mut check)
}

/// Returns the existing pure crates, alphabetical.
pub(crate) fn pure_rooms_of(house: &House) -> impl Iterator<Item = &'static str> {
    let crates = house.root().join("crates");
    PURE_ROOMS.into_iter().filter(move |room| crates.join(room).join("Cargo.toml").is_file())
}
