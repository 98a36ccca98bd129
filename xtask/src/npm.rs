//! Node and the npm packages of the browser tests.
//!
//! Not needed to build or serve: the page is Rust, and no JavaScript package is part of it.

use std::fs;

use anyhow::{Context as _, bail};

use crate::{
    house::House,
    process,
    setup::{said, say},
};

/// Checks Node and installs the packages in `end2end/package-lock.json`, unless they are there.
///
/// # Errors
/// Node or npm is missing or too old, or the packages cannot be installed.
pub(crate) fn ensure(house: &House) -> anyhow::Result<()> {
    let version = process::output(house.command("node").arg("--version")).context(NO_NODE)?;
    if major(&version).is_none_or(|major| major < OLDEST_NODE) {
        bail!("Node {version} is too old for Playwright: install Node {OLDEST_NODE} or later");
    }
    let npm = process::output(house.command(NPM).arg("--version")).context(NO_NODE)?;
    said("node", &format!("{version}, npm {npm}"));

    let folder = house.root().join("end2end");
    let stamp_file = house.target().join("end2end.stamp");
    let lock = fs::read_to_string(folder.join("package-lock.json")).context("read end2end/package-lock.json")?;
    let stamp = format!("{version}\n{lock}");
    if folder.join("node_modules").is_dir() && fs::read_to_string(&stamp_file).is_ok_and(|old| old == stamp) {
        said("npm packages", "up to date");
        return Ok(());
    }
    say(
        "npm packages",
        "installing what end2end/package-lock.json names: Playwright drives the browser tests, AsyncAPI's parser checks the document",
    );
    let mut install = house.command(NPM);
    // No package here needs to run anything while it is installed.
    install.current_dir(&folder).arg("ci").args(["--no-audit", "--no-fund", "--ignore-scripts"]);
    // The browser comes from the system if possible; see `chromium`.
    process::run(install.env("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1"))?;
    fs::create_dir_all(house.target())?;
    fs::write(&stamp_file, stamp)?;
    Ok(())
}

/// Returns the first number of `v20.1.2`.
fn major(version: &str) -> Option<u32> {
    version.strip_prefix('v')?.split('.').next()?.parse().ok()
}

/// The name of the npm program.
pub(crate) const NPM: &str = if cfg!(windows) { "npm.cmd" } else { "npm" };
/// The name of the npx program.
pub(crate) const NPX: &str = if cfg!(windows) { "npx.cmd" } else { "npx" };
/// From `engines` of the packages in the lock file.
const OLDEST_NODE: u32 = 20;
const NO_NODE: &str = "Node.js with npm is missing and the browser tests need it: on Debian run \
                       `apt-get install -y nodejs npm`, elsewhere see https://nodejs.org";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_major_version() {
        assert_eq!(major("v20.20.2"), Some(20));
        assert_eq!(major("20.20.2"), None);
        assert_eq!(major(""), None);
    }
}
