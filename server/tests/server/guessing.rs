//! Guessing passwords: what is hashed stays little, whoever asks from wherever, and nobody else waits for it.

use std::{process::Command, time::Instant};

use model::access::Role;
use reqwest::{StatusCode, header};
use serde_json::{Value, json};
use server::{access::caller::Caller, config::network::Network, serve::Server};

use crate::{
    access::{PASSWORD, WithJson, config, cookie_of, http, json_of, log_in, server, with_users},
    canaries::add_user,
    client::PATIENCE,
    desk::process::{Process, serve},
};

/// A server behind a proxy on this machine, which names the addresses of its callers.
async fn behind_a_proxy() -> (Server, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let mut config = config(&folder);
    config.server.trusted_proxies = vec![Network::parse("127.0.0.1").unwrap()];
    let server = Server::start(config).await.unwrap();
    with_users(&server).await;
    (server, folder)
}

/// Returns the number of failed logins in the audit log: each was compared with a hash.
async fn n_compared(server: &Server, admin: &str) -> usize {
    let request = http().get(format!("{}api/v1/audit?limit=200", server.url())).header("cookie", admin);
    let lines = json_of(request.send().await.unwrap()).await;
    lines["audit"].as_array().unwrap().iter().filter(|line| line["action"] == "login_failed").count()
}

/// A thousand guesses from 200 addresses: ten are compared with the account's hash, as many as from one address alone. Names
/// that a caller writes into its own headers count for nothing, unless a trusted proxy wrote them.
#[tokio::test]
async fn a_thousand_guesses_are_ten_an_account_and_thirty_an_address() {
    for (is_proxied, n_names, expected) in [(true, 1, 10), (false, 100, 30)] {
        let (server, _folder) = if is_proxied { behind_a_proxy().await } else { server().await };
        let admin = cookie_of(&server, "ada").await;
        let client = http();
        let mut n_wrong = 0;
        for n in 0..1_000_usize {
            let user = if n_names == 1 { "tom".to_owned() } else { format!("name-{}", n % n_names) };
            let answer = client
                .post(format!("{}api/v1/session", server.url()))
                .header("x-forwarded-for", format!("203.0.113.{}", n % 200))
                .with_json(&json!({ "user": user, "password": format!("guess {n}") }))
                .send()
                .await
                .unwrap();
            if answer.status() == StatusCode::UNAUTHORIZED {
                n_wrong += 1;
                continue;
            }
            assert_eq!(answer.status(), StatusCode::TOO_MANY_REQUESTS, "guess {n}");
            let wait: u64 = answer.headers()[header::RETRY_AFTER].to_str().unwrap().parse().unwrap();
            assert!((1..=900).contains(&wait), "{wait}");
        }
        assert_eq!(n_wrong, expected, "behind a proxy: {is_proxied}");
        let begun = Instant::now();
        while n_compared(&server, &admin).await < expected && begun.elapsed() < PATIENCE {}
        assert_eq!(n_compared(&server, &admin).await, expected, "nothing was compared after that");
    }
}

/// Forty logins at once: two are hashed at a time, so memory stays small, and other routes answer meanwhile.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn logins_at_once_leave_room_for_others() {
    let folder = tempfile::tempdir().unwrap();
    add_user(folder.path());
    let mut command = serve(folder.path());
    command.args(["--behind-proxy", "127.0.0.1"]);
    let server = Process::of(command);
    let client = http();
    let health = format!("{}healthz", server.url);
    client.get(&health).send().await.unwrap();
    let before = peak_mib(server.child.id());
    let logins: Vec<_> = (0..40)
        .map(|n| {
            let request = client
                .post(format!("{}api/v1/session", server.url))
                .header("x-forwarded-for", format!("203.0.113.{n}"))
                .with_json(&json!({ "user": format!("name-{n}"), "password": "a guess" }));
            tokio::spawn(async move { request.send().await.unwrap().status() })
        })
        .collect();
    let mut n_meanwhile = 0;
    while !logins.iter().all(tokio::task::JoinHandle::is_finished) {
        assert_eq!(client.get(&health).send().await.unwrap().status(), StatusCode::OK);
        n_meanwhile += 1;
    }
    for login in logins {
        assert_eq!(login.await.unwrap(), StatusCode::UNAUTHORIZED);
    }
    let after = peak_mib(server.child.id());
    println!("{n_meanwhile} other requests meanwhile; memory at most {before:?} MiB before, {after:?} after");
    assert!(n_meanwhile > 0);
    if let (Some(before), Some(after)) = (before, after) {
        // Two hashes take 38 MiB, forty 760.
        assert!(after - before < 150, "{before} MiB before, {after} after");
    }
}

/// Returns the most memory that a process has had, in MiB; `None` where the system does not tell.
fn peak_mib(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().trim_end_matches(" kB").parse::<u64>().ok()? >> 10)
}

/// A secret that was known before is worth nothing after a login, another one, and another role.
#[tokio::test]
async fn each_login_and_each_role_has_a_new_secret() {
    let (server, _folder) = server().await;
    let status_of = async |cookie: &str| {
        let request = http().get(format!("{}api/v1/status", server.url())).header("cookie", cookie);
        request.send().await.unwrap().status().as_u16()
    };
    let log_in_with = async |cookie: &str| {
        let body = json!({ "user": "tom", "password": PASSWORD });
        let request = http().post(format!("{}api/v1/session", server.url())).header("cookie", cookie).with_json(&body);
        let answer = request.send().await.unwrap();
        answer.headers()[header::SET_COOKIE].to_str().unwrap().split(';').next().unwrap().to_owned()
    };
    let planted = format!("truetape-{}=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", server.address().port());
    let first = log_in_with(&planted).await;
    assert_ne!(first, planted, "a cookie from before the login");
    assert_eq!((status_of(&planted).await, status_of(&first).await), (401, 200));
    let second = log_in_with(&first).await;
    assert_ne!(second, first, "a login in place of another one");
    assert_eq!((status_of(&first).await, status_of(&second).await), (401, 200));
    server.access().set_role(&Caller::OWNER, "tom", Role::Viewer).await.unwrap();
    assert_eq!(status_of(&second).await, 401, "other rights");
    let third = log_in_with("").await;
    assert_ne!(third, second);
    assert_eq!(status_of(&third).await, 200);
    let answer: Value = json_of(log_in(&server, "tom", PASSWORD).await).await;
    assert_eq!(answer["role"], "viewer");
}

/// The program itself: an address beyond this machine, and nothing else, is no start.
#[test]
fn all_addresses_alone_are_no_start() {
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_truetape"))
        .current_dir(folder.path())
        .args(["serve", "--listen", "0.0.0.0:0", "--data-dir"])
        .arg(folder.path())
        .output()
        .unwrap();
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && output.stdout.is_empty(), "{output:?}");
    assert!(words.contains("0.0.0.0") && words.contains("tls"), "{words}");
}
