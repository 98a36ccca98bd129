//! The server as a service of systemd: its unit is rated by systemd itself, its calls of the system are those that the
//! unit allows, and it tells a manager (a socket of the test's) when it is ready, that it answers, and that it stops.
#![cfg(target_os = "linux")]

use std::{collections::BTreeSet, fs, os::unix::net::UnixDatagram, path::Path, process::Command, time::Duration};

use rustix::process::{Pid, Signal, kill_process};

use crate::{
    client::{PATIENCE, demo_server},
    desk::{
        process::{Process, serve, truetape, words},
        rest::Folder,
    },
};

fn has(program: &str) -> bool {
    let has = Command::new(program).arg("--version").output().is_ok();
    if !has {
        eprintln!("skipped: there is no {program}");
    }
    has
}

fn unit(arguments: &[&str]) -> String {
    let output = truetape(&["service", "show", "--program", "/bin/true"]).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", words(&output));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn systemd_rates_the_unit_as_closed() {
    if !has("systemd-analyze") {
        return;
    }
    let folder = Folder::new("unit");
    for arguments in [&[][..], &["--low-ports"]] {
        let file = folder.0.join("truetape.service");
        fs::write(&file, unit(arguments)).unwrap();
        let mut analyze = Command::new("systemd-analyze");
        // In tenths: 1.5.
        analyze.args(["security", "--offline=true", "--no-pager", "--threshold=15"]).arg(&file);
        let output = analyze.output().unwrap();
        assert!(output.status.success(), "{}", words(&output));
        // A mistyped line is a warning, and then has no effect.
        let verified = Command::new("systemd-analyze").args(["verify", "--man=no"]).arg(&file).output().unwrap();
        let said = words(&verified);
        assert!(!said.contains("truetape.service:"), "{said}");
    }
}

#[test]
fn install_and_uninstall_change_the_named_root_only() {
    let folder = Folder::new("install");
    let root = folder.0.to_str().unwrap();
    let run = |arguments: &[&str]| {
        let output = truetape(arguments).args(["--root", root]).output().unwrap();
        (output.status.code(), words(&output))
    };
    let file = folder.0.join("etc/systemd/system/truetape.service");
    assert_eq!(run(&["service", "status"]).0, Some(1));
    let (code, said) = run(&["service", "install", "--program", "/bin/true"]);
    assert_eq!((code, said.contains(file.to_str().unwrap())), (Some(0), true), "{said}");
    assert_eq!(fs::read_to_string(&file).unwrap(), unit(&[]));
    assert_eq!(run(&["service", "status"]).0, Some(0));
    assert_eq!(run(&["service", "uninstall"]).0, Some(0));
    assert!(!file.exists());
    let (code, said) = run(&["service", "uninstall"]);
    assert_eq!((code, said.trim()), (Some(0), "the service is not installed"));
    // The package has brought one.
    let file = folder.0.join("lib/systemd/system/truetape.service");
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(&file, unit(&[])).unwrap();
    let (code, said) = run(&["service", "status"]);
    assert_eq!((code, said.contains(file.to_str().unwrap())), (Some(0), true), "{said}");
    let (code, said) = run(&["service", "uninstall"]);
    assert_eq!((code, said.contains("apt remove truetape"), file.exists()), (Some(0), true, true), "{said}");
}

/// Returns the names in a set of systemd's, and in the sets within it.
fn calls_of(set: &str) -> BTreeSet<String> {
    let output = Command::new("systemd-analyze").args(["syscall-filter", set]).output().unwrap();
    let mut calls = BTreeSet::new();
    for line in String::from_utf8(output.stdout).unwrap().lines().skip(1) {
        let name = line.trim();
        if name.starts_with('@') {
            calls.extend(calls_of(name));
        } else if !name.is_empty() && !name.starts_with('#') {
            calls.insert(name.to_owned());
        }
    }
    calls
}

#[tokio::test(flavor = "multi_thread")]
async fn the_unit_allows_the_calls_that_the_server_makes() {
    if !has("systemd-analyze") || !has("strace") {
        return;
    }
    let folder = Folder::new("calls");
    let trace = folder.0.join("trace");
    let inner = serve(&folder.0.join("data"));
    let mut command = Command::new("strace");
    command.args(["-D", "-f", "-qq", "-e", "signal=none", "-o"]).arg(&trace).arg(inner.get_program());
    command.args(inner.get_args()).current_dir(std::env::temp_dir()).env("RUST_LOG", "error");
    let mut server = Process::of(command);
    server.rest().best().await;
    let order = crate::desk::rest::market("traced", "buy", "2.0");
    server.rest().post("orders", order).await.with(201);
    kill_process(Pid::from_child(&server.child), Signal::TERM).unwrap();
    assert!(server.child.wait().unwrap().success());
    let trace = fs::read_to_string(&trace).unwrap();
    let name = |line: &str| Some(line.split_once(' ')?.1.trim_start().split_once('(')?.0.to_owned());
    let is_name =
        |name: &String| name.chars().all(|char| char.is_ascii_lowercase() || char.is_ascii_digit() || char == '_');
    let mut made: BTreeSet<String> = trace.lines().filter_map(name).filter(is_name).collect();
    // Made by the manager before the filter, which counts from the program's start.
    made.remove("execve");
    // Only as root does SQLite give its log the owner of its file.
    made.remove("fchown");
    let mut allowed = BTreeSet::new();
    for line in unit(&[]).lines().filter_map(|line| line.strip_prefix("SystemCallFilter=")) {
        match line.strip_prefix('~') {
            None => allowed.extend(line.split(' ').flat_map(calls_of)),
            Some(line) => {
                let refused: BTreeSet<String> = line.split(' ').flat_map(calls_of).collect();
                allowed.retain(|call| !refused.contains(call));
            }
        }
    }
    let refused: Vec<&String> = made.difference(&allowed).collect();
    assert!(made.len() > 30 && refused.is_empty(), "{refused:?} of {made:?}");
}

/// Returns the next message to the manager.
fn next(manager: &UnixDatagram) -> String {
    let mut buffer = [0; 512];
    let n_bytes = manager.recv(&mut buffer).unwrap();
    String::from_utf8(buffer[..n_bytes].to_vec()).unwrap()
}

fn bind(folder: &Path) -> UnixDatagram {
    let manager = UnixDatagram::bind(folder.join("notify")).unwrap();
    manager.set_read_timeout(Some(PATIENCE)).unwrap();
    manager
}

#[test]
fn the_manager_hears_ready_alive_and_stopping() {
    let folder = Folder::new("notify");
    let manager = bind(&folder.0);
    let mut command = serve(&folder.0.join("data"));
    command.env("NOTIFY_SOCKET", folder.0.join("notify")).env("WATCHDOG_USEC", "3000000");
    let mut server = Process::of(command);
    assert_eq!(next(&manager), format!("READY=1\nSTATUS=Serving {}", server.url));
    for _ in 0..3 {
        assert_eq!(next(&manager), "WATCHDOG=1");
    }
    kill_process(Pid::from_child(&server.child), Signal::TERM).unwrap();
    while next(&manager) != "STOPPING=1\nSTATUS=Stopping" {}
    assert!(server.child.wait().unwrap().success());
}

#[test]
fn a_manager_that_cannot_be_reached_is_a_failure() {
    let folder = Folder::new("no-manager");
    let output = serve(&folder.0).env("NOTIFY_SOCKET", folder.0.join("absent")).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(words(&output).contains("NOTIFY_SOCKET"), "{}", words(&output));
}

#[tokio::test]
async fn a_server_that_accepts_nothing_does_not_count_as_alive() {
    let server = demo_server(|_| {}).await;
    assert!(server.is_answering().await);
    server.shutdown().stopping.cancel();
    let is_over = async {
        while server.is_answering().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, is_over).await.unwrap();
}
