//! Paths in the working tree, and how cargo is called there.
//!
//! Not here: what is built (`builds`). Compiler flags are set in `.cargo/config.toml` only, except for the counters of
//! `fuzz`.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, bail};

use crate::{process, setup};

/// The working tree and the tools to build it.
#[derive(Clone, Debug)]
pub(crate) struct House {
    root: PathBuf,
    target: PathBuf,
    /// The folder with the programs of the fallback toolchain; `None` if the ordinary one suffices.
    toolchain_bin: Option<PathBuf>,
    /// True where Clippy's driver compiles the workspace's crates.
    is_linting: bool,
}

impl House {
    /// Finds the tree that this program was built from.
    ///
    /// # Errors
    /// The tree has been moved, or cargo cannot read it.
    pub(crate) fn find() -> anyhow::Result<Self> {
        // `cargo run` gives xtask's current folder; without it, the folder at compile time is used.
        let here = env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
        let here = Path::new(&here);
        let root = here.parent().context("xtask has no parent folder")?.to_path_buf();
        if !root.join("Cargo.toml").is_file() {
            bail!("{} is no longer there: run `cargo xtask` from the working tree", root.display());
        }
        let mut house = Self { target: root.join("target"), root, toolchain_bin: None, is_linting: false };
        let metadata = process::output(house.cargo().args(["metadata", "--no-deps", "--format-version=1"]))
            .context("`cargo metadata` failed: is a Cargo.toml broken?")?;
        let metadata: serde_json::Value = serde_json::from_str(&metadata).context("read `cargo metadata`")?;
        if let Some(target) = metadata["target_directory"].as_str() {
            house.target = target.into();
        }
        Ok(house)
    }

    /// Returns the folder of the workspace's Cargo.toml.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Returns cargo's output folder for the native side.
    pub(crate) fn target(&self) -> &Path {
        &self.target
    }

    /// Returns cargo's output folder for the page. A separate one, so that the two sides never wait for each other's
    /// lock or rebuild each other's dependencies.
    pub(crate) fn front_target(&self) -> PathBuf {
        self.target.join("front")
    }

    /// Returns `path` for display: relative to the working tree if it is inside.
    pub(crate) fn shown(&self, path: &Path) -> String {
        path.strip_prefix(&self.root).unwrap_or(path).display().to_string()
    }

    /// Makes all later calls use the programs in `bin` instead of the ordinary toolchain.
    pub(crate) fn use_toolchain(&mut self, bin: PathBuf) {
        self.toolchain_bin = Some(bin);
    }

    /// Returns this tree with Clippy's driver as the compiler of the workspace's crates: every build then lints what it
    /// compiles, and a warning is an error. `cargo clippy` would check each dependency once more than the tests compile it.
    pub(crate) fn linting(&self) -> Self {
        Self { is_linting: true, ..self.clone() }
    }

    /// Returns a cargo command in the root of the tree.
    pub(crate) fn cargo(&self) -> Command {
        let program = match &self.toolchain_bin {
            Some(bin) => bin.join("cargo"),
            None => env::var_os("CARGO").map_or_else(|| "cargo".into(), PathBuf::from),
        };
        let mut cargo = self.command(program);
        if self.is_linting {
            let driver = self.toolchain_bin.as_ref().map_or_else(|| DRIVER.into(), |bin| bin.join(DRIVER));
            cargo.env("RUSTC_WORKSPACE_WRAPPER", driver).env("CLIPPY_ARGS", DENY_WARNINGS);
        }
        if setup::is_ci() {
            // Everything is compiled once and thrown away: nothing is kept for the next time, and nobody debugs it.
            cargo.env("CARGO_INCREMENTAL", "0").env("CARGO_PROFILE_DEV_DEBUG", "0");
        }
        cargo
    }

    /// Returns a rustc command in the root of the tree.
    pub(crate) fn rustc(&self) -> Command {
        match &self.toolchain_bin {
            Some(bin) => self.command(bin.join("rustc")),
            None => self.command(env::var_os("RUSTC").map_or_else(|| "rustc".into(), PathBuf::from)),
        }
    }

    /// Returns a command for any other program in the root of the tree, with the environment as it was before `cargo
    /// xtask`.
    pub(crate) fn command(&self, program: impl Into<PathBuf>) -> Command {
        let mut command = Command::new(program.into());
        command.current_dir(&self.root);
        // The variables that `cargo run` set for xtask would make other crates' build scripts run again.
        for (name, _) in env::vars_os() {
            if name.to_str().is_some_and(is_about_xtask) {
                command.env_remove(name);
            }
        }
        if let Some(bin) = &self.toolchain_bin {
            let old = env::var_os("PATH").unwrap_or_default();
            let folders = std::iter::once(bin.clone()).chain(env::split_paths(&old));
            if let Ok(path) = env::join_paths(folders) {
                command.env("PATH", path);
            }
            for name in ["CARGO", "LD_LIBRARY_PATH", "RUSTC", "RUSTDOC", "RUSTUP_TOOLCHAIN"] {
                command.env_remove(name);
            }
        }
        command
    }
}

fn is_about_xtask(name: &str) -> bool {
    // CARGO_BUILD_TARGET would move the programs to a folder where we do not look for them.
    ["CARGO_BIN_NAME", "CARGO_BUILD_TARGET", "CARGO_CRATE_NAME", "CARGO_PRIMARY_PACKAGE"].contains(&name)
        || ["CARGO_MANIFEST_", "CARGO_PKG_"].iter().any(|prefix| name.starts_with(prefix))
}

/// The program that `cargo clippy` runs in place of rustc.
const DRIVER: &str = "clippy-driver";
/// `-D warnings`, as `cargo clippy` hands arguments to its driver.
const DENY_WARNINGS: &str = "-D__CLIPPY_HACKERY__warnings__CLIPPY_HACKERY__";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_about_xtask_itself_are_not_handed_on() {
        for name in ["CARGO_PKG_NAME", "CARGO_MANIFEST_DIR", "CARGO_BUILD_TARGET"] {
            assert!(is_about_xtask(name), "{name}");
        }
        for name in ["CARGO_HOME", "CARGO_TARGET_DIR", "CARGO_TERM_COLOR", "RUSTFLAGS", "PATH"] {
            assert!(!is_about_xtask(name), "{name}");
        }
    }

    #[test]
    fn the_fallback_toolchain_comes_first_and_hides_rustup() {
        let mut house = House { root: ".".into(), target: "target".into(), toolchain_bin: None, is_linting: false };
        house.use_toolchain("/fallback/bin".into());
        let command = house.cargo();
        assert_eq!(command.get_program(), "/fallback/bin/cargo");
        let value = |name: &str| command.get_envs().find(|(key, _)| *key == name).map(|(_, value)| value);
        assert_eq!(value("RUSTUP_TOOLCHAIN"), Some(None));
        assert!(value("PATH").flatten().is_some_and(|path| path.to_string_lossy().starts_with("/fallback/bin")));
    }
}
