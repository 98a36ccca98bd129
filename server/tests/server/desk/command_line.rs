//! `truetape desk`, `backup`, `restore` and `store check`, and a server whose database must not be used.

use std::fs;

use serde_json::json;

use super::{
    process::{Process, run, serve, truetape, words},
    rest::{Folder, resting},
};

#[tokio::test(flavor = "multi_thread")]
async fn the_kill_switch_is_set_and_lifted_from_the_command_line() {
    let folder = Folder::new("cli-kill");
    let server = Process::start(&folder.0);
    let rest = server.rest();
    rest.best().await;
    rest.post("orders", resting("c-1", "100.0")).await.with(201);
    let desk = |arguments: &[&str]| truetape(&["desk"]).args(arguments).args(["--url", &server.url]).output().unwrap();
    let output = desk(&["kill", "--flatten", "--reason", "drill"]);
    assert!(output.status.success() && words(&output).contains("\"n_cancelled\": 1"), "{}", words(&output));
    let kill = rest.get("risk").await.with(200)["kill"].clone();
    assert_eq!((&kill["reason"], &kill["flatten"]), (&json!("drill"), &json!(true)));
    assert_eq!(desk(&["lift"]).status.code(), Some(2), "a reason is needed");
    let refused = desk(&["lift", "--reason", " "]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(words(&refused).contains("the server refuses: say why"), "{}", words(&refused));
    assert!(desk(&["lift", "--reason", "done"]).status.success());
    rest.post("orders", resting("c-2", "100.0")).await.with(201);
    let url = server.url.clone();
    server.kill();
    let output = truetape(&["desk", "kill", "--url", &url]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(words(&output).contains("no server answers at http://127.0.0.1:"), "{}", words(&output));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_of_a_running_server_can_be_restored() {
    let folder = Folder::new("cli-backup");
    let (data, copy) = (folder.0.join("data"), folder.0.join("copy.db"));
    let copy = copy.to_str().unwrap();
    let server = Process::start(&data);
    let rest = server.rest();
    rest.best().await;
    rest.buy("b-1", "10.0").await;
    let output = run(&["backup", copy], &data);
    assert!(output.status.success() && words(&output).contains("orders: 1"), "{}", words(&output));
    rest.buy("b-2", "10.0").await;
    let in_use = run(&["restore", copy], &data);
    assert_eq!(in_use.status.code(), Some(1));
    assert!(words(&in_use).contains("in use"), "{}", words(&in_use));
    server.kill();
    let output = run(&["restore", copy], &data);
    assert!(output.status.success() && words(&output).contains("kept as"), "{}", words(&output));
    assert!(words(&run(&["store", "check"], &data)).contains("the database is in order"));
    let server = Process::start(&data);
    let orders = server.rest().get("orders").await.with(200);
    assert_eq!((orders.as_array().unwrap().len(), &orders[0]["client_order_id"]), (1, &json!("b-1")));
}

#[test]
fn a_database_that_must_not_be_used_ends_with_78() {
    let folder = Folder::new("cli-damaged");
    let database = folder.0.join("truetape.db");
    let missing = run(&["store", "check"], &folder.0);
    assert_eq!(missing.status.code(), Some(1), "{}", words(&missing));
    assert_eq!(words(&missing).matches("No such file").count(), 1, "a cause is told once: {}", words(&missing));
    drop(Process::start(&folder.0));
    let bytes = fs::read(&database).unwrap();
    // Written over from the first page on.
    fs::write(&database, vec![b'x'; bytes.len().max(8_192)]).unwrap();
    for suffix in ["-wal", "-shm"] {
        let _absent = fs::remove_file(folder.0.join(format!("truetape.db{suffix}")));
    }
    for output in [serve(&folder.0).output().unwrap(), run(&["store", "check"], &folder.0)] {
        assert_eq!(output.status.code(), Some(78), "{}", words(&output));
        assert!(words(&output).contains("is damaged") && words(&output).contains("truetape restore"));
    }
}
