//! A thousand visits leave nothing behind: no task, no open file, no subscriber.

use std::time::Duration;

use wire::Encoding;

use crate::client::{Client, PATIENCE, demo_server};

/// Tasks of this test's own runtime, which is the server's too.
fn n_tasks() -> usize {
    tokio::runtime::Handle::current().metrics().num_alive_tasks()
}

fn n_files() -> Option<usize> {
    std::fs::read_dir("/proc/self/fd").ok().map(Iterator::count)
}

/// Waits until a figure has come down to `limit`: connections end a moment after their client.
async fn settles(limit: usize, figure: impl Fn() -> usize) -> usize {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while figure() > limit && tokio::time::Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    figure()
}

#[tokio::test]
async fn a_thousand_visits_leave_nothing_behind() {
    let server = demo_server(|_| {}).await;
    let visit = async |number: usize| {
        let encoding = if number.is_multiple_of(2) { Encoding::Binary } else { Encoding::Json };
        let mut client = Client::greet(&server, encoding).await;
        client.subscribe(1, &["quote:demo:*", "tape:demo:ADA-SIM", "status"]).await;
        match number % 3 {
            // A polite end, an abrupt one, and one in the middle of the data.
            0 => drop(client.socket.close(None).await),
            1 => drop(client),
            _ => {
                client.next().await.unwrap();
            }
        }
    };
    for number in 0..20 {
        visit(number).await;
    }
    // The feed, the server_topics and the accept loop.
    let n_tasks_before = settles(8, n_tasks).await;
    let n_files_before = n_files();
    for number in 0..1_000 {
        visit(number).await;
    }
    let n_tasks_after = settles(n_tasks_before, n_tasks).await;
    assert!(n_tasks_after <= n_tasks_before, "tasks: {n_tasks_before} before, {n_tasks_after} after");
    if let (Some(before), Some(_)) = (n_files_before, n_files()) {
        let after = settles(before, || n_files().unwrap_or_default()).await;
        assert!(after <= before, "open files: {before} before, {after} after");
        eprintln!("tasks {n_tasks_before} before, {n_tasks_after} after; open files {before} before, {after} after");
    }
}
