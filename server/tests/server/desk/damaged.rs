//! Files that something else has changed: bytes flipped and ends cut off, at `DESK_DAMAGES` places, 8 by default. A server
//! either starts on files that pass the check, or refuses with 78; it never crashes and never hangs.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::Path,
    process::Stdio,
    time::{Duration, Instant},
};

use serde_json::Value;

use super::{
    process::{Process, run, serve, words},
    rest::{Folder, market, resting},
};

/// The next number of a xorshift generator.
fn next_random(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

/// Changes one of the files in a folder; returns what it did.
fn damage(folder: &Path, number: u64, random: &mut u64) -> String {
    let name = ["truetape.db", "truetape.db-wal", "truetape.db-shm"][usize::try_from(number % 3).unwrap()];
    let path = folder.join(name);
    let mut bytes = fs::read(&path).unwrap();
    let at = usize::try_from(next_random(random)).unwrap() % bytes.len();
    // The begin of a file decides how all of it is read.
    let at = if number.is_multiple_of(5) { at % 100 } else { at };
    if number % 4 == 3 {
        bytes.truncate(at);
    } else {
        let n_bytes = 1 + usize::try_from(next_random(random) % 64).unwrap();
        for byte in bytes.iter_mut().skip(at).take(n_bytes) {
            *byte ^= 1 + u8::try_from(next_random(random) % 255).unwrap();
        }
    }
    fs::write(&path, bytes).unwrap();
    format!("{name} {} at {at}", if number % 4 == 3 { "cut off" } else { "changed" })
}

/// Starts a server; returns the code with which it ended, or `None` once it is ready.
fn start(folder: &Path) -> (Option<i32>, Duration, Option<Process>) {
    let started = Instant::now();
    let mut child = serve(folder).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let took = started.elapsed();
    match serde_json::from_str::<Value>(&line) {
        Ok(ready) => (None, took, Some(Process { url: ready["url"].as_str().unwrap().to_owned(), child })),
        // It has ended, or is about to.
        Err(_) => (Some(child.wait().unwrap().code().unwrap_or(-1)), took, None),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_file_is_refused_or_found_in_order() {
    let n_damages: u64 = std::env::var("DESK_DAMAGES").map_or(8, |text| text.parse().unwrap());
    let folder = Folder::new("damaged");
    let data = folder.0.join("data");
    // Closed in order once, then killed: both the file and its log hold something.
    for cycle in 0..2 {
        let server = Process::start(&data);
        let rest = server.rest();
        rest.best().await;
        rest.put("risk", serde_json::json!({ "limits": {} })).await.with(200);
        for number in 0..20 {
            rest.post("orders", market(&format!("m{cycle}-{number}"), "buy", "1.0")).await.with(201);
            rest.post("orders", resting(&format!("r{cycle}-{number}"), "100.0")).await.with(201);
        }
        if cycle == 0 {
            let pid = rustix::process::Pid::from_raw(i32::try_from(server.child.id()).unwrap()).unwrap();
            rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
            let mut server = server;
            server.child.wait().unwrap();
        } else {
            server.kill();
        }
    }
    let mut random = 0x9E37_79B9_7F4A_7C15;
    let (mut n_started, mut n_refused, mut slowest) = (0, 0, Duration::ZERO);
    for number in 0..n_damages {
        let copy = folder.0.join("copy");
        let _absent = fs::remove_dir_all(&copy);
        fs::create_dir(&copy).unwrap();
        for name in ["truetape.db", "truetape.db-wal", "truetape.db-shm"] {
            fs::copy(data.join(name), copy.join(name)).unwrap();
        }
        let what = damage(&copy, number, &mut random);
        let (code, took, server) = start(&copy);
        slowest = slowest.max(took);
        if let Some(server) = server {
            n_started += 1;
            server.kill();
            let output = run(&["store", "check"], &copy);
            assert!(output.status.success(), "{what}: trades on {}", words(&output));
        } else {
            n_refused += 1;
            assert_eq!(code, Some(78), "{what}");
        }
    }
    println!("{n_damages} damages: {n_refused} refused with 78, {n_started} started in order; slowest {slowest:?}");
}
