//! Finds or installs Prometheus with promtool: tests have it scrape a server, and check metrics and alert rules.
//!
//! Without it those tests say that they are skipped, so a machine that cannot install it is no fault.

use crate::{
    apt,
    house::House,
    process,
    setup::{said, say},
};

/// Installs the package where it is missing and can be installed.
pub(crate) fn ensure(house: &House) {
    if let Some(version) = version(house) {
        return said(TOOL, &version);
    }
    if apt::can_install(house) {
        say(TOOL, "installing prometheus with apt-get: tests have it scrape a server and check the alert rules");
        match apt::install(house, &["prometheus"]) {
            Ok(()) => return said(TOOL, &version(house).unwrap_or_else(|| MISSING.to_owned())),
            Err(error) => say(TOOL, &format!("{error:#}")),
        }
    }
    said(TOOL, MISSING);
}

fn version(house: &House) -> Option<String> {
    let text = process::output(house.command("promtool").arg("--version"))?;
    text.lines().next().map(str::to_owned)
}

const TOOL: &str = "prometheus";
const MISSING: &str =
    "absent: its tests are skipped; install prometheus and promtool (on Debian the package prometheus)";
