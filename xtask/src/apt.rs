//! Installs packages of Debian where we may: as root, or with a `sudo` that asks nothing.

use crate::{house::House, process};

/// Returns true if packages can be installed.
pub(crate) fn can_install(house: &House) -> bool {
    prefix(house).is_some()
}

/// Installs packages without their recommendations.
///
/// # Errors
/// We may not, or the package manager fails.
pub(crate) fn install(house: &House, packages: &[&str]) -> anyhow::Result<()> {
    let Some(prefix) = prefix(house) else { anyhow::bail!("packages cannot be installed without root") };
    // An outdated package list is no reason to stop: the second command will show.
    let _ = process::run(&mut apt(house, prefix, &["update", "-q"]));
    let words = ["install", "-y", "-q", "--no-install-recommends"].iter().chain(packages).copied().collect::<Vec<_>>();
    process::run(&mut apt(house, prefix, &words))
}

/// Returns the words before `apt-get` (none for root), or `None` if we may not install.
fn prefix(house: &House) -> Option<&'static [&'static str]> {
    process::find_on_path("apt-get")?;
    if is_root() {
        return Some(&[]);
    }
    process::output(house.command("sudo").args(["-n", "true"])).map(|_| &["sudo", "-n"] as &[&str])
}

fn apt(house: &House, prefix: &[&str], args: &[&str]) -> std::process::Command {
    let mut words = prefix.iter().chain(&["apt-get"]).chain(args);
    let mut command = house.command(words.next().copied().unwrap_or_default());
    command.args(words).env("DEBIAN_FRONTEND", "noninteractive");
    command
}

#[cfg(unix)]
fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

#[cfg(not(unix))]
fn is_root() -> bool {
    false
}
