//! `cargo xtask acme`: has Pebble, Let's Encrypt's server for tests, issue a certificate to a server built with the feature
//! `acme`. Not a part of `cargo xtask test`: with another feature the server is compiled a second time, so it is for the
//! night and for changes of certificates.

use crate::{
    apt,
    house::House,
    process,
    setup::{said, say},
};

/// Installs the package where it is missing and can be installed. Without it the test says that it is skipped.
pub(crate) fn ensure(house: &House) {
    if is_there() {
        return said(TOOL, "installed");
    }
    if apt::can_install(house) {
        say(TOOL, "installing pebble with apt-get: it issues certificates in a test");
        match apt::install(house, &["pebble"]) {
            Ok(()) => return said(TOOL, if is_there() { "installed" } else { MISSING }),
            Err(error) => say(TOOL, &format!("{error:#}")),
        }
    }
    said(TOOL, MISSING);
}

/// Runs the test, and the unit tests of the feature.
///
/// # Errors
/// It fails.
pub(crate) fn run(house: &House) -> anyhow::Result<()> {
    ensure(house);
    let mut tests = house.cargo();
    tests.args(["test", "--package", "server", "--features", "acme", "--lib", "--test", "server", "--"]);
    process::run(tests.args(["acme", "authority", "certificate", "--nocapture"]))
}

fn is_there() -> bool {
    ["pebble", "pebble-challtestsrv"].iter().all(|program| process::find_on_path(program).is_some())
}

const TOOL: &str = "pebble";
const MISSING: &str = "absent: its test is skipped; install pebble (on Debian the package pebble)";
