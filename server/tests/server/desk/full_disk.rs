//! A disk that refuses: orders are refused in words, everything else goes on, and so do orders once there is space.
//!
//! The disk is full through the system's limit on the size of files (`RLIMIT_FSIZE`), set on the running process at the
//! length of the journal: mounting a small file system needs rights that a test does not have. The process ignores
//! SIGXFSZ, so that a write fails as it does on a full disk.
#![cfg(target_os = "linux")]

use std::{
    process::Command,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Resource, Rlimit, prlimit};
use serde_json::{Value, json};

use super::{
    process::{self, Process, run, words},
    rest::{Folder, Rest, resting},
};

/// Starts a server that outlives a write beyond its limit.
fn start(folder: &std::path::Path) -> Process {
    Process::of(outliving(&process::serve(folder)))
}

/// Returns a command that does the same as `serve` and outlives a write beyond its limit.
pub(super) fn outliving(serve: &Command) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\""]).arg(serve.get_program()).args(serve.get_args());
    for (name, value) in serve.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command.current_dir(std::env::temp_dir());
    command
}

pub(super) fn limit_files(process: &Process, limit: Option<u64>) {
    let pid = Pid::from_raw(i32::try_from(process.child.id()).unwrap());
    prlimit(pid, Resource::Fsize, Rlimit { current: limit, maximum: None }).unwrap();
}

/// The limit at which nothing more fits into the journal.
fn fill_disk(server: &Process, folder: &std::path::Path) {
    let journal = folder.join("truetape.db-wal").metadata().unwrap().len();
    limit_files(server, Some(journal));
}

async fn acknowledged(rest: &Rest) -> Vec<Value> {
    rest.all("orders?order=asc", 1_000).await.iter().map(|order| order["client_order_id"].clone()).collect()
}

/// Returns the account row's state of the journal, and whether a kill switch is not on disk.
async fn journal(rest: &Rest) -> (Value, Value) {
    let account = rest.get("accounts").await.with(200)[0].clone();
    (account["journal"].clone(), account["is_kill_unwritten"].clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_refuses_orders_and_nothing_else() {
    let folder = Folder::new("full-disk");
    let server = start(&folder.0);
    let rest = server.rest();
    rest.best().await;
    rest.buy("f-1", "10.0").await;
    for number in 2..10 {
        rest.post("orders", resting(&format!("f-{number}"), "100.0")).await.with(201);
    }
    let before = acknowledged(&rest).await;
    fill_disk(&server, &folder.0);
    let full = Instant::now();
    rest.post("orders", resting("g-1", "100.0")).await.refused(503, "storage_full");
    let refused_after = full.elapsed();
    assert!(refused_after < Duration::from_secs(1), "{refused_after:?}");
    // A name that is on disk has its answer still; lists, positions and the market go on.
    rest.post("orders", resting("f-2", "100.0")).await.with(200);
    assert_eq!(acknowledged(&rest).await, before);
    assert_eq!(rest.get("positions").await.with(200)[0]["quantity"], "10");
    let book = async || rest.get(&format!("book?instrument={}&depth=1", super::rest::ADA)).await.with(200);
    let earlier = book().await;
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    assert_ne!(book().await, earlier, "the feed goes on");
    rest.post("orders", resting("g-2", "100.0")).await.refused(503, "storage_full");

    limit_files(&server, None);
    let space = Instant::now();
    while rest.post("orders", resting("g-3", "100.0")).await.status != 201 {
        assert!(space.elapsed() < Duration::from_secs(5), "no order is accepted");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let back_after = space.elapsed();
    // The desk sees the market again.
    rest.buy("g-4", "10.0").await;
    let expected: Vec<Value> = before.iter().cloned().chain([json!("g-3"), json!("g-4")]).collect();
    assert_eq!(acknowledged(&rest).await, expected);
    server.kill();
    let output = run(&["store", "check"], &folder.0);
    assert!(output.status.success(), "{}", words(&output));
    let server = start(&folder.0);
    assert_eq!(acknowledged(&server.rest()).await, expected);
    println!("refused after {refused_after:?}, accepted again {back_after:?} after there was space");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_kill_switch_is_set_at_once_and_on_disk_when_there_is_room() {
    let folder = Folder::new("full-disk-kill");
    let server = start(&folder.0);
    let rest = server.rest();
    rest.best().await;
    for number in 1..4 {
        rest.post("orders", resting(&format!("k-{number}"), "100.0")).await.with(201);
    }
    fill_disk(&server, &folder.0);
    // It is what finds the disk full, and it is set again while that is known.
    for reason in ["drill", "again"] {
        let report = rest.post("risk/kill", json!({ "reason": reason })).await.with(200);
        assert_eq!((&report["is_on"], &report["is_on_disk"]), (&json!(true), &json!(false)), "{report}");
        assert_eq!(report["open_orders"].as_array().unwrap().len(), 3, "{report}");
        assert_eq!(rest.get("risk").await.with(200)["kill"]["reason"], *reason);
        assert_eq!(journal(&rest).await, (json!("full"), json!(true)));
    }
    rest.post("risk/lift", json!({ "reason": "too early" })).await.refused(503, "storage_full");
    assert_eq!(rest.get("orders?state=open").await.with(200).as_array().unwrap().len(), 3, "what is on disk");

    limit_files(&server, None);
    let space = Instant::now();
    while !rest.get("orders?state=open").await.with(200).as_array().unwrap().is_empty() {
        assert!(space.elapsed() < crate::client::PATIENCE, "its orders are open still");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let orders = rest.get("orders").await.with(200);
    assert_eq!(orders[0]["reason"]["code"], "kill_switch", "{orders}");
    assert_eq!(journal(&rest).await, (json!("on_disk"), json!(false)));
    rest.post("orders", resting("k-4", "100.0")).await.refused(422, "kill_switch");
    server.kill();
    let server = start(&folder.0);
    assert_eq!(server.rest().get("risk").await.with(200)["kill"]["reason"], "again");
}
