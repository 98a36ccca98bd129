//! Makes sure that the compiler can build for WebAssembly.
//!
//! First the ordinary way, `rustup target add`. If rustup cannot download, `xtask/offline-toolchain.sh` builds a
//! private toolchain from Debian's packages, which then comes first on PATH for everything we start. Not a version
//! manager: `rust-toolchain.toml` selects the Rust version.

use std::{env, fs, path::PathBuf, process::Command};

use anyhow::{Context as _, bail};

use crate::{
    builds::WASM,
    house::House,
    process,
    setup::{said, say},
};

/// Checks and installs the target; afterwards `house` uses a compiler that has it.
///
/// # Errors
/// Neither way works; the message names the command to run manually.
pub(crate) fn ensure(house: &mut House) -> anyhow::Result<()> {
    let Some(version) = process::output(house.rustc().arg("--version")) else {
        bail!("rustc does not run: install Rust from https://rustup.rs, then `rustup toolchain install`");
    };
    if has_target(house) {
        said("rust", &format!("{version} with {WASM}"));
        return Ok(());
    }
    // A private toolchain from an earlier run avoids calling rustup again, which may wait long for a network.
    if let Some(bin) = built_earlier() {
        house.use_toolchain(bin);
        if has_target(house) {
            return describe_fallback(house);
        }
        bail!("the private toolchain has no {WASM}: delete its folder and run `cargo xtask setup` again");
    }
    if process::find_on_path("rustup").is_some() {
        say("rust", &format!("adding {WASM} with rustup: the page is compiled to WebAssembly"));
        // Adding a target never updates rustup itself, so --no-self-update is not needed.
        let added = process::run(house.command("rustup").args(["target", "add", WASM]));
        // rustup may report success without the target: check ourselves.
        match added {
            Ok(()) if has_target(house) => return Ok(()),
            Ok(()) => say("rust", "rustup reports success, but the compiler has no std for it"),
            Err(error) => say("rust", &format!("{error:#}")),
        }
    }
    if process::find_on_path("apt-get").is_none() {
        bail!("no {WASM} target: run `rustup target add {WASM}`, then try again");
    }
    say("rust", "building a private toolchain from Debian's packages (about a minute)");
    let bin = build_private(house)?;
    house.use_toolchain(bin);
    if !has_target(house) {
        bail!("the private toolchain has no {WASM}; run `rustup target add {WASM}` where rustup can download");
    }
    describe_fallback(house)
}

/// Returns true if the compiler has a standard library for the target. rustup's own list is not reliable: with
/// `RUSTUP_AUTO_INSTALL=0` a target named in `rust-toolchain.toml` may be missing silently (error E0463 later).
fn has_target(house: &House) -> bool {
    let Some(folder) = process::output(house.rustc().args(["--print", "target-libdir", "--target", WASM])) else {
        return false;
    };
    fs::read_dir(folder).is_ok_and(|entries| {
        entries.filter_map(Result::ok).any(|entry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            name.starts_with("libstd-") && name.ends_with(".rlib")
        })
    })
}

fn describe_fallback(house: &House) -> anyhow::Result<()> {
    let version = process::output(house.rustc().arg("--version")).context("the private toolchain does not run")?;
    said("rust", &format!("{version} with {WASM}, private, from Debian's packages"));
    Ok(())
}

fn built_earlier() -> Option<PathBuf> {
    let folder = private_folder()?;
    folder.join(".stamp").is_file().then(|| folder.join("bin"))
}

fn build_private(house: &House) -> anyhow::Result<PathBuf> {
    let folder = private_folder().context("neither XDG_CACHE_HOME nor HOME is set")?;
    let mut script: Command = house.command("bash");
    script.arg(house.root().join("xtask/offline-toolchain.sh")).arg(&folder);
    for name in ["LD_LIBRARY_PATH", "RUSTUP_TOOLCHAIN"] {
        script.env_remove(name);
    }
    process::run(&mut script).with_context(|| {
        format!("no {WASM} target and the fallback failed too: run `rustup target add {WASM}` where it can download")
    })?;
    Ok(folder.join("bin"))
}

/// Returns the folder of the private toolchain, shared by all working trees of a user: it depends on Debian's compiler
/// only.
fn private_folder() -> Option<PathBuf> {
    let cache = match env::var_os("XDG_CACHE_HOME") {
        Some(cache) => PathBuf::from(cache),
        None => PathBuf::from(env::var_os("HOME")?).join(".cache"),
    };
    Some(cache.join("rust-wasm-toolchain"))
}
