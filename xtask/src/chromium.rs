//! Finds or installs the browser for the browser tests.
//!
//! Not a pinned version: the tests run in whichever Chromium the system has. `PW_CHROMIUM` selects one.

use std::{
    env,
    path::{Path, PathBuf},
};

use anyhow::bail;

use crate::{
    apt,
    house::House,
    npm::NPX,
    process,
    setup::{said, say},
};

/// Returns the browser's program; `None` if Playwright has its own and finds it itself.
///
/// # Errors
/// There is none and none can be installed; the message names the command to run manually.
pub(crate) fn ensure(house: &House) -> anyhow::Result<Option<PathBuf>> {
    if let Some(named) = env::var_os("PW_CHROMIUM").map(PathBuf::from) {
        match version(house, &named) {
            Some(version) => said("browser", &format!("{version} (PW_CHROMIUM)")),
            None => bail!("PW_CHROMIUM names {}, which does not run", named.display()),
        }
        return Ok(Some(named));
    }
    if let Some(found) = of_the_system(house) {
        return Ok(Some(found));
    }
    if apt::can_install(house) {
        say("browser", "installing chromium with apt-get: Playwright drives it in the browser tests");
        match apt::install(house, &["chromium"]) {
            Ok(()) => {
                if let Some(found) = of_the_system(house) {
                    return Ok(Some(found));
                }
            }
            Err(error) => say("browser", &format!("{error:#}")),
        }
    }
    say("browser", "installing Playwright's own Chromium: the system has none");
    let mut install = house.command(NPX);
    install.current_dir(house.root().join("end2end")).args(["--no-install", "playwright", "install", "chromium"]);
    match process::run(&mut install) {
        Ok(()) => Ok(None),
        Err(error) => bail!(
            "{error:#}\nno browser for the browser tests: run `apt-get install -y chromium` (Debian), or install \
             Chromium or Chrome and name its program in PW_CHROMIUM, then try again"
        ),
    }
}

fn of_the_system(house: &House) -> Option<PathBuf> {
    SYSTEM.iter().map(PathBuf::from).find(|program| match version(house, program) {
        Some(version) => {
            said("browser", &format!("{version} ({})", program.display()));
            true
        }
        None => false,
    })
}

/// Returns the program's version. Finding the file is not enough: some systems install a stub.
fn version(house: &House, program: &Path) -> Option<String> {
    if !program.is_file() {
        return None;
    }
    process::output(house.command(program).arg("--version")).filter(|version| !version.is_empty())
}

const SYSTEM: [&str; 4] =
    ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome", "/usr/bin/google-chrome-stable"];
