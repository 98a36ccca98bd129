//! Installs the reverse proxies that the tests put in front of the server.
//!
//! Only where nothing would start them: Debian's packages begin to serve port 80 when they are installed, and again
//! after each start of the machine. Elsewhere, and without apt-get, the tests say which one they skip.

use std::path::Path;

use crate::{
    apt,
    house::House,
    process,
    setup::{said, say},
};

/// Installs what is missing, if it can.
pub(crate) fn ensure(house: &House) {
    let is_missing = |(program, _): &&(&str, &str)| {
        process::find_on_path(program).is_none() && !Path::new("/usr/sbin").join(program).is_file()
    };
    let missing: Vec<&str> = PROXIES.iter().filter(is_missing).map(|(_, package)| *package).collect();
    if missing.is_empty() {
        return said("proxies", "nginx, Caddy, HAProxy and Apache");
    }
    let words = missing.join(" ");
    let has_services = Path::new("/run/systemd/system").exists();
    if has_services || !apt::can_install(house) {
        return said("proxies", &format!("without {words}, whose tests are skipped: install them with apt-get"));
    }
    say("proxies", &format!("installing {words} with apt-get: the tests put them in front of the server"));
    if let Err(error) = apt::install(house, &missing) {
        say("proxies", &format!("{error:#}; their tests are skipped"));
    }
}

/// Programs and Debian's packages.
const PROXIES: [(&str, &str); 4] =
    [("nginx", "nginx-light"), ("caddy", "caddy"), ("haproxy", "haproxy"), ("apache2", "apache2")];
