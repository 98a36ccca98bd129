//! `cargo xtask browsers`: the smoke test of every page in Chromium, Firefox and WebKitGTK (`end2end/engines`), against the
//! debug build.
//!
//! Not a part of `cargo xtask test`: the three browsers take about half a gigabyte to install. One that is missing and cannot
//! be installed is skipped by name.

use crate::{
    apt,
    builds::{self, Mode},
    house::House,
    npm::NPX,
    process,
    running::SITE_DIR,
    setup::{self, Needs, said, say},
    site,
};

/// Builds page and server, installs what is missing, and runs the tests.
///
/// # Errors
/// A build or a test fails.
pub(crate) fn run(house: &mut House) -> anyhow::Result<()> {
    setup::run(house, Needs::Everything)?;
    install(house);
    let (truetape, venue_sim) = builds::for_browser_tests(house, Mode::Debug)?;
    let mut tests = house.command(NPX);
    tests.current_dir(house.root().join("end2end")).args(["--no-install", "playwright", "test", "-c", "engines"]);
    tests.env("TRUETAPE_BIN", truetape).env("VENUE_SIM_BIN", venue_sim);
    process::run(tests.env(SITE_DIR, site::folder_of(house, Mode::Debug)))
}

fn install(house: &House) {
    let missing: Vec<&str> = PROGRAMS
        .iter()
        .filter(|(program, _)| process::find_on_path(program).is_none())
        .map(|(_, package)| *package)
        .collect();
    if missing.is_empty() {
        return said("engines", "Firefox and WebKitGTK are there");
    }
    if !apt::can_install(house) {
        return say("engines", &format!("{} cannot be installed here; their tests are skipped", missing.join(", ")));
    }
    say("engines", &format!("installing {} with apt-get: the pages are tested in them", missing.join(", ")));
    if let Err(error) = apt::install(house, &missing) {
        say("engines", &format!("{error:#}; what is missing is skipped"));
    }
}

/// Programs and the Debian packages that have them.
const PROGRAMS: [(&str, &str); 3] =
    [("firefox-esr", "firefox-esr"), ("WebKitWebDriver", "webkit2gtk-driver"), ("Xvfb", "xvfb")];
