//! `truetape service install|uninstall|status|show`: the server as a service of systemd, in a unit that gives it the least
//! rights it can work with.
//!
//! The data folder is `/var/lib/truetape`, the configuration `/etc/truetape/truetape.toml`, secrets are variables in
//! `/etc/truetape/truetape.env`, which the service itself cannot read. Not here: the messages to systemd (`notify`).

use std::{
    fs,
    io::{ErrorKind, Write},
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, anyhow, bail};

use super::Failure;

/// Flags of `service`: the action.
#[derive(Clone, Debug, clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Clone, Debug, clap::Subcommand)]
enum Action {
    /// Write the unit, then start the service now and at each boot.
    Install {
        #[command(flatten)]
        unit: UnitArguments,
        #[command(flatten)]
        place: Place,
    },
    /// Stop the service and remove its unit; data and configuration stay.
    Uninstall(Place),
    /// Say whether the service is installed, and whether it runs; exit code 1 if not.
    Status(Place),
    /// Print the unit.
    Show(UnitArguments),
}

#[derive(Clone, Debug, clap::Args)]
struct UnitArguments {
    /// Program of the unit [default: this one].
    #[arg(long, value_name = "FILE")]
    program: Option<PathBuf>,
    /// Allow ports below 1024, as 443 for TLS.
    #[arg(long)]
    low_ports: bool,
}

#[derive(Clone, Debug, clap::Args)]
struct Place {
    /// Work on the files of another system, as of an image that is being made; nothing is started or stopped.
    #[arg(long, value_name = "DIR")]
    root: Option<PathBuf>,
}

impl Place {
    /// Returns the file of the unit that this command writes.
    fn path(&self) -> PathBuf {
        self.below_root(UNIT_PATH)
    }

    /// Returns the file of the Debian package's unit.
    fn package_path(&self) -> PathBuf {
        self.below_root(PACKAGE_UNIT_PATH)
    }

    fn below_root(&self, path: &str) -> PathBuf {
        self.root.as_deref().unwrap_or(Path::new("/")).join(path)
    }

    /// Runs `systemctl`, unless the files are those of another system.
    fn systemctl(&self, arguments: &[&str]) -> anyhow::Result<()> {
        if self.root.is_some() {
            return Ok(());
        }
        let status = Command::new("systemctl").args(arguments).status();
        let shown = format!("systemctl {}", arguments.join(" "));
        match status {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => bail!("`{shown}` failed ({status})"),
            Err(error) => Err(anyhow::Error::new(error).context(format!("run `{shown}`: is systemd on this machine?"))),
        }
    }
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    match &arguments.action {
        Action::Install { unit, place } => install(&unit_for(unit, place)?, place)?,
        Action::Uninstall(place) => uninstall(place)?,
        Action::Status(place) => status(place)?,
        Action::Show(unit) => {
            let program = program(unit)?;
            std::io::stdout()
                .write_all(text(&program, unit.low_ports).as_bytes())
                .context("write to standard output")?;
        }
    }
    Ok(())
}

fn program(arguments: &UnitArguments) -> anyhow::Result<PathBuf> {
    match &arguments.program {
        Some(program) => Ok(program.clone()),
        None => std::env::current_exe().context("find this program's file"),
    }
}

/// Returns the unit's text, unless its program is where the service cannot see it.
fn unit_for(arguments: &UnitArguments, place: &Place) -> Result<String, Failure> {
    let program = program(arguments)?;
    let hidden = HIDDEN.iter().find(|folder| program.starts_with(folder));
    match hidden.filter(|_| place.root.is_none()) {
        None => Ok(text(&program, arguments.low_ports)),
        Some(folder) => Err(Failure::Unusable(anyhow!(
            "{} is in {folder}, which the service does not see; copy it to /usr/local/bin and run that one",
            program.display()
        ))),
    }
}

fn install(unit: &str, place: &Place) -> anyhow::Result<()> {
    let path = place.path();
    let folder = path.parent().context("the unit has no folder")?;
    let written = fs::create_dir_all(folder).and_then(|()| fs::write(&path, unit));
    written.map_err(|error| with_remedy(error, &path))?;
    say(&format!("wrote {}", path.display()))?;
    place.systemctl(&["daemon-reload"])?;
    place.systemctl(&["enable", "--now", UNIT])?;
    // A service that ran before goes on with the old program until then.
    place.systemctl(&["restart", UNIT])
}

fn uninstall(place: &Place) -> anyhow::Result<()> {
    let path = place.path();
    if !path.exists() {
        return say(match place.package_path().exists() {
            true => "the service is that of the Debian package; `apt remove truetape` removes it",
            false => "the service is not installed",
        });
    }
    place.systemctl(&["disable", "--now", UNIT])?;
    fs::remove_file(&path).map_err(|error| with_remedy(error, &path))?;
    place.systemctl(&["daemon-reload"])?;
    say(&format!("removed {}; data and configuration stay in /var/lib/truetape and /etc/truetape", path.display()))
}

fn status(place: &Place) -> anyhow::Result<()> {
    // systemd prefers the first one.
    let path = [place.path(), place.package_path()].into_iter().find(|path| path.exists());
    let path = path.context("the service is not installed; `truetape service install` does that")?;
    say(&format!("installed: {}", path.display()))?;
    place.systemctl(&["--no-pager", "--lines=10", "status", UNIT])
}

fn with_remedy(error: std::io::Error, path: &Path) -> anyhow::Error {
    let remedy = if error.kind() == ErrorKind::PermissionDenied { "; run it as root, as with sudo" } else { "" };
    anyhow::Error::new(error).context(format!("change {}{remedy}", path.display()))
}

fn say(line: &str) -> anyhow::Result<()> {
    writeln!(std::io::stdout(), "{line}").context("write to standard output")
}

/// Returns the unit's text for a program.
fn text(program: &Path, low_ports: bool) -> String {
    let ports = if low_ports { LOW_PORTS } else { NO_LOW_PORTS };
    let program = quoted(&program.to_string_lossy());
    UNIT_TEXT.replace("{program}", &program).replace("{ports}", ports)
}

/// Quotes a word for systemd (systemd.service(5), "Command lines").
fn quoted(word: &str) -> String {
    let escaped = word.replace('%', "%%").replace('$', "$$");
    if escaped.chars().all(|char| char.is_ascii_alphanumeric() || "/._-+%$".contains(char)) {
        return escaped;
    }
    format!("\"{}\"", escaped.replace('\\', "\\\\").replace('"', "\\\""))
}

const UNIT: &str = "truetape.service";
/// Below the root.
const UNIT_PATH: &str = "etc/systemd/system/truetape.service";
const PACKAGE_UNIT_PATH: &str = "lib/systemd/system/truetape.service";
/// The folders that the unit hides from the service.
const HIDDEN: [&str; 4] = ["/home", "/root", "/run/user", "/tmp"];
const UNIT_TEXT: &str = include_str!("service/truetape.service");
/// A process in a user namespace of its own has no rights over the machine's ports, so this takes the one away for the
/// other.
const LOW_PORTS: &str = "AmbientCapabilities=CAP_NET_BIND_SERVICE\nCapabilityBoundingSet=CAP_NET_BIND_SERVICE";
const NO_LOW_PORTS: &str = "CapabilityBoundingSet=\nPrivateUsers=yes";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_one_word() {
        #[track_caller]
        fn check(program: &str, expected: &str) {
            let unit = text(Path::new(program), false);
            let line = unit.lines().find_map(|line| line.strip_prefix("ExecStart=")).unwrap();
            assert_eq!(line.strip_suffix(" serve --data-dir %S/truetape").unwrap(), expected);
        }
        check("/usr/bin/truetape", "/usr/bin/truetape");
        check("/opt/my apps/truetape", "\"/opt/my apps/truetape\"");
        check("/opt/100%/tt", "/opt/100%%/tt");
        check("/opt/$HOME/tt", "/opt/$$HOME/tt");
        check("/opt/a\"b\\c/tt", r#""/opt/a\"b\\c/tt""#);
    }

    #[test]
    fn low_ports_are_one_right_and_no_more() {
        let with = |low_ports| text(Path::new("/usr/bin/truetape"), low_ports);
        assert!(with(true).contains("AmbientCapabilities=CAP_NET_BIND_SERVICE\n"));
        assert!(!with(false).contains("CAP_") && with(false).contains("\nCapabilityBoundingSet=\n"));
        assert!([true, false].iter().all(|low_ports| !with(*low_ports).contains(['{', '}'])));
    }

    #[test]
    fn a_hidden_program_is_refused() {
        let (here, image) = (Place { root: None }, Place { root: Some("image".into()) });
        let unit = |program: &str| UnitArguments { program: Some(program.into()), low_ports: false };
        assert!(matches!(unit_for(&unit("/run/user/1/truetape"), &here), Err(Failure::Unusable(_))));
        assert!(unit_for(&unit("/run/user/1/truetape"), &image).is_ok());
        assert!(unit_for(&unit("/usr/local/bin/truetape"), &here).is_ok());
    }
}
