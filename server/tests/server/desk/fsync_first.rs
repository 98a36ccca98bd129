//! No acknowledgement leaves before its order is on disk: the system calls of a running server, by `strace`.
//!
//! A kill proves nothing about this, as the system keeps what was written. Between the first write of an order to the
//! write-ahead log and the first write of its answer to a socket there must be a whole sync of the log. `DESK_TRACED`
//! orders, 60 by default; the test says that it was skipped where there is no `strace`.
#![cfg(target_os = "linux")]

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    process::{Command, Stdio},
};

use futures::{StreamExt, stream};

use super::{
    process::{self, Process},
    rest::{Folder, Rest, resting},
};

/// The command of a server whose calls go to a file. `strace` runs beside it, so that the server is the process itself.
fn traced(folder: &Path, trace: &Path) -> Command {
    let serve = process::serve(folder);
    let mut command = Command::new("strace");
    // Texts whole: a page of the log holds the name of its order somewhere.
    command.args(["-D", "-f", "-qq", "-y", "-s", "8192", "-e", "signal=none"]);
    command.args(["-e", "trace=fdatasync,fsync,pwrite64,write,sendto,writev", "-o"]).arg(trace);
    command.arg(serve.get_program()).args(serve.get_args()).current_dir(std::env::temp_dir());
    for (name, value) in serve.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command
}

/// Lines of a trace that concern one order.
#[derive(Clone, Copy, Debug, Default)]
struct Order {
    written: Option<usize>,
    synced: Option<usize>,
    answered: Option<usize>,
}

/// Finds where the log was written with each name, the first sync that began and ended after that, and the answer.
fn read(trace: &str, names: &[String]) -> BTreeMap<String, Order> {
    let mut orders: BTreeMap<String, Order> = names.iter().map(|name| (name.clone(), Order::default())).collect();
    // Syncs under way, by thread: the line at which they began.
    let mut syncing: BTreeMap<&str, usize> = BTreeMap::new();
    // Writes to the log that have not ended, by thread.
    let mut writing: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (number, line) in trace.lines().enumerate() {
        let Some((thread, call)) = line.split_once(' ') else { continue };
        let call = call.trim_start();
        let is_unfinished = call.ends_with("<unfinished ...>");
        let is_log = call.contains("truetape.db-wal>");
        let named = || names.iter().filter(|name| call.contains(name.as_str())).cloned().collect::<Vec<_>>();
        if call.starts_with("pwrite64(") && is_log {
            if is_unfinished {
                writing.insert(thread, named());
            } else {
                wrote(&mut orders, named(), number);
            }
        } else if call.starts_with("<... pwrite64 resumed>") {
            wrote(&mut orders, writing.remove(thread).unwrap_or_default(), number);
        } else if (call.starts_with("fdatasync(") || call.starts_with("fsync(")) && is_log {
            if is_unfinished {
                syncing.insert(thread, number);
            } else {
                synced(&mut orders, number, number);
            }
        } else if call.starts_with("<... fdatasync resumed>") || call.starts_with("<... fsync resumed>") {
            if let Some(begin) = syncing.remove(thread) {
                synced(&mut orders, begin, number);
            }
        } else if !call.contains("truetape.db") {
            for name in named() {
                if let Some(order) = orders.get_mut(&name) {
                    order.answered = order.answered.or(Some(number));
                }
            }
        }
    }
    orders
}

fn wrote(orders: &mut BTreeMap<String, Order>, names: Vec<String>, number: usize) {
    for name in names {
        if let Some(order) = orders.get_mut(&name) {
            order.written = order.written.or(Some(number));
        }
    }
}

fn synced(orders: &mut BTreeMap<String, Order>, begin: usize, end: usize) {
    for order in orders.values_mut() {
        if order.synced.is_none() && order.written.is_some_and(|written| written < begin) {
            order.synced = Some(end);
        }
    }
}

/// Counts the orders that were answered after their sync; the others are returned.
fn late(orders: &BTreeMap<String, Order>) -> Vec<(&String, &Order)> {
    let is_late = |order: &Order| match (order.written, order.synced, order.answered) {
        (Some(_), Some(synced), Some(answered)) => answered < synced,
        _ => true,
    };
    orders.iter().filter(|(_, order)| is_late(order)).collect()
}

async fn place_all(rest: &Rest, names: &[String]) {
    // One at a time, then eight together: those share commits.
    let (alone, together) = names.split_at(names.len() / 2);
    for name in alone {
        rest.post("orders", resting(name, "100.0")).await.with(201);
    }
    let place = |name: &String| {
        let (rest, body) = (rest.clone(), resting(name, "100.0"));
        async move { drop(rest.post("orders", body).await.with(201)) }
    };
    stream::iter(together).map(place).buffer_unordered(8).collect::<()>().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_answer_leaves_before_its_sync() {
    let n_orders: u64 = std::env::var("DESK_TRACED").map_or(60, |text| text.parse().unwrap());
    let version = Command::new("strace").arg("-V").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if !version.is_ok_and(|status| status.success()) {
        println!("skipped: there is no strace on this machine");
        return;
    }
    let folder = Folder::new("fsync-first");
    let trace = folder.0.join("calls");
    let server = Process::of(traced(&folder.0.join("data"), &trace));
    let rest = server.rest();
    rest.best().await;
    rest.put("risk", serde_json::json!({ "limits": {} })).await.with(200);
    let names: Vec<String> = (0..n_orders).map(|number| format!("traced-{number:06}")).collect();
    place_all(&rest, &names).await;
    server.kill();
    let calls = fs::read_to_string(&trace).unwrap();
    let orders = read(&calls, &names);
    let late = late(&orders);
    let n_syncs = calls.lines().filter(|line| line.contains("sync(") && line.contains("truetape.db-wal>")).count();
    println!(
        "{} of {n_orders} answers left after a sync of the log that began after their write; {n_syncs} syncs",
        orders.len() - late.len()
    );
    assert!(late.is_empty(), "{} were not: {:?}", late.len(), late.first());
}

#[test]
fn a_trace_is_read_as_it_happened() {
    let names = ["n-1".to_owned(), "n-2".to_owned()];
    #[track_caller]
    fn check(names: &[String], lines: &[&str], expected: &[&str]) {
        let orders = read(&lines.join("\n"), names);
        let late: Vec<&str> = late(&orders).into_iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(late, expected, "{lines:?} {orders:?}");
    }
    let write = |name: &str| format!("7 pwrite64(9</d/truetape.db-wal>, \"..{name}..\", 4096, 0) = 4096");
    let answer = |name: &str| format!("8 writev(12<socket:[1]>, [\"HTTP/1.1 201 Created {name}\"], 1) = 99");
    let sync = "7 fdatasync(9</d/truetape.db-wal>) = 0";
    let (begun, ended) = ("7 fdatasync(9</d/truetape.db-wal> <unfinished ...>", "7 <... fdatasync resumed>) = 0");
    let (one, two) = (write("n-1"), write("n-2"));
    let (told_one, told_two) = (answer("n-1"), answer("n-2"));
    check(&names, &[&one, &two, sync, &told_one, &told_two], &[]);
    check(&names, &[&one, sync, &told_one, &two, begun, ended, &told_two], &[]);
    // Another order's sync is not its own, nor is one that began before the write or has not ended.
    check(&names, &[&one, sync, &two, &told_one, &told_two], &["n-2"]);
    check(&names, &[&one, begun, &two, ended, &told_one, &told_two], &["n-2"]);
    check(&names, &[&one, &two, begun, &told_one, ended, &told_two], &["n-1"]);
    check(&names, &[&one, &two, &told_one, &told_two], &["n-1", "n-2"]);
    let main_file = "7 fdatasync(9</d/truetape.db>) = 0";
    check(&names, &[&one, &two, main_file, &told_one, &told_two], &["n-1", "n-2"]);
}
