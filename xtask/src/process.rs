//! Runs other programs: shows the command, waits, and stops the program when xtask is asked to stop.
//!
//! Not for the server, whose lines are passed on as they come: see `running`.

use std::{
    ffi::OsStr,
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail};

use crate::signals::{self, Stop};

/// Runs `command` with our own stdout and stderr and an empty stdin.
///
/// # Errors
/// It cannot be started, ends with a failure, or we are asked to stop.
pub(crate) fn run(command: &mut Command) -> anyhow::Result<()> {
    let shown = shown(command);
    eprintln!("$ {shown}");
    let mut child = command.stdin(Stdio::null()).spawn().with_context(|| format!("start `{shown}`"))?;
    let status = wait(&mut child)?;
    check(&shown, status)
}

fn check(shown: &str, status: ExitStatus) -> anyhow::Result<()> {
    if let Some(stop) = signals::stop_asked() {
        bail!("stopped ({stop:?}) during `{shown}`");
    }
    if !status.success() {
        bail!("`{shown}` failed ({status})");
    }
    Ok(())
}

/// A program that runs beside the following steps, with a lower priority. Dropping it ends the program.
#[derive(Debug)]
pub(crate) struct Background {
    shown: String,
    child: Child,
    output: PathBuf,
}

impl Background {
    /// Starts `command`; its output goes to the file `output` until [`Self::finish`] shows it.
    ///
    /// # Errors
    /// It cannot be started, or the file cannot be written.
    pub(crate) fn start(command: &mut Command, output: &Path) -> anyhow::Result<Self> {
        let shown = shown(command);
        eprintln!("$ {shown} &");
        let file = File::create(output).with_context(|| format!("write {}", output.display()))?;
        command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file);
        let child = command.spawn().with_context(|| format!("start `{shown}`"))?;
        lower_priority(&child);
        Ok(Self { shown, child, output: output.to_owned() })
    }

    /// Waits for the program and shows its output.
    ///
    /// # Errors
    /// It ends with a failure, or we are asked to stop.
    pub(crate) fn finish(mut self) -> anyhow::Result<()> {
        let status = wait(&mut self.child)?;
        eprint!("$ {}\n{}", self.shown, String::from_utf8_lossy(&fs::read(&self.output)?));
        check(&self.shown, status)
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            // Nothing is left to do about a child that cannot be stopped.
            let _ = stop_child(&mut self.child, Stop::Terminate);
        }
    }
}

/// Returns the trimmed stdout of `command`, or `None` if it cannot be started or fails. Prints nothing.
pub(crate) fn output(command: &mut Command) -> Option<String> {
    let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Returns the first file called `name` in the folders of PATH.
pub(crate) fn find_on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(format!("{name}{}", std::env::consts::EXE_SUFFIX)))
        .find(|file| file.is_file())
}

/// Waits for `child`. When we are asked to stop, it is notified, given time, and then killed.
///
/// # Errors
/// The system cannot report the state of the child.
pub(crate) fn wait(child: &mut Child) -> anyhow::Result<ExitStatus> {
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        if let Some(stop) = signals::stop_asked() {
            return stop_child(child, stop);
        }
        thread::sleep(POLL);
    }
}

/// Stops `child` politely: it gets time to stop on its own after Ctrl-C, then SIGTERM, and finally SIGKILL.
///
/// # Errors
/// The system cannot report the state of the child.
pub(crate) fn stop_child(child: &mut Child, stop: Stop) -> anyhow::Result<ExitStatus> {
    if stop == Stop::Interrupt
        && let Some(status) = wait_at_most(child, AFTER_INTERRUPT)?
    {
        return Ok(status);
    }
    terminate(child);
    if let Some(status) = wait_at_most(child, AFTER_TERMINATE)? {
        return Ok(status);
    }
    eprintln!("process {} does not stop: killing it", child.id());
    child.kill()?;
    Ok(child.wait()?)
}

fn wait_at_most(child: &mut Child, limit: Duration) -> anyhow::Result<Option<ExitStatus>> {
    let start = Instant::now();
    while start.elapsed() < limit {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        thread::sleep(POLL);
    }
    Ok(None)
}

/// Programs in the foreground have deadlines and need the processor first.
#[cfg(unix)]
fn lower_priority(child: &Child) {
    use rustix::process::{Pid, setpriority_process};
    // It may have ended already.
    let _ = setpriority_process(i32::try_from(child.id()).ok().and_then(Pid::from_raw), 10);
}

#[cfg(not(unix))]
fn lower_priority(_child: &Child) {}

#[cfg(unix)]
fn terminate(child: &Child) {
    use rustix::process::{Pid, Signal, kill_process};
    if let Some(pid) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
        // It may have ended meanwhile; the next wait will show.
        let _ = kill_process(pid, Signal::TERM);
    }
}

#[cfg(not(unix))]
fn terminate(child: &mut Child) {
    let _ = child.kill();
}

fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or_else(|| command.get_program());
    std::iter::once(program).chain(command.get_args()).map(OsStr::to_string_lossy).collect::<Vec<_>>().join(" ")
}

const POLL: Duration = Duration::from_millis(20);
/// Time for a program to end after the Ctrl-C that it received together with us.
const AFTER_INTERRUPT: Duration = Duration::from_secs(2);
/// Time for a program to end after SIGTERM: the server flushes its store in this time.
const AFTER_TERMINATE: Duration = Duration::from_secs(15);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shown_command_leaves_out_where_the_program_lies() {
        let mut command = Command::new("/opt/rust/bin/cargo");
        command.args(["build", "-p", "server"]);
        assert_eq!(shown(&command), "cargo build -p server");
    }

    #[test]
    fn a_background_program_ends_with_its_outcome_or_is_stopped() {
        let output = std::env::temp_dir().join(format!("xtask-background-{}", std::process::id()));
        let start = |program: &str, args: &[&str]| Background::start(Command::new(program).args(args), &output);
        start("cargo", &["--version"]).unwrap().finish().unwrap();
        assert!(fs::read_to_string(&output).unwrap().starts_with("cargo "));
        let error = start("cargo", &["no-such-command"]).unwrap().finish().unwrap_err();
        assert!(error.to_string().contains("cargo no-such-command"), "{error}");
        assert!(start("no-such-program-at-all", &[]).is_err());
        let began = Instant::now();
        drop(start("sleep", &["60"]).unwrap());
        assert!(began.elapsed() < Duration::from_secs(30), "stopped, not waited for");
        fs::remove_file(output).unwrap();
    }

    #[test]
    fn a_failing_program_is_an_error_that_names_it() {
        let error = run(Command::new("cargo").args(["no-such-command"]).stderr(Stdio::null())).unwrap_err();
        assert!(error.to_string().contains("cargo no-such-command"), "{error}");
        assert!(run(&mut Command::new("no-such-program-at-all")).is_err());
    }
}
