//! The floor: one thread that writes as many bytes as the server wrote to one client, at the same moments, to each
//! connection, with one call for each turn, and does nothing else.

use std::{
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    process::{self, Stdio},
    time::{Duration, Instant, SystemTime},
};

use crate::{SERVER_CORE, on_core};

/// The floor's process; it ends with this.
pub(crate) struct Floor {
    process: process::Child,
    pub(crate) address: String,
}

impl Floor {
    /// Starts the process for `n` connections, with the messages of one client: their microseconds and bytes.
    pub(crate) fn start(n: usize, schedule: &[(u64, usize)]) -> Self {
        let mut command = on_core(SERVER_CORE, &std::env::current_exe().unwrap().to_string_lossy());
        command.args(["--role", "floor", "--n", &n.to_string()]);
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut input = process.stdin.take().unwrap();
        writeln!(input, "{}", serde_json::to_string(&turns(schedule)).unwrap()).unwrap();
        let mut address = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut address).unwrap();
        Self { process, address: address.trim().to_owned() }
    }

    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }
}

impl Drop for Floor {
    fn drop(&mut self) {
        let _is_gone = self.process.kill();
        let _status = self.process.wait();
    }
}

/// Joins the messages that belong to one turn of the lane.
fn turns(schedule: &[(u64, usize)]) -> Vec<(u64, usize)> {
    let mut turns: Vec<(u64, usize)> = Vec::new();
    for &(at_us, n_bytes) in schedule {
        match turns.last_mut() {
            Some((last_us, joined)) if at_us < *last_us + HALF_A_TURN_US => *joined += n_bytes,
            _ => turns.push((at_us, n_bytes)),
        }
    }
    turns
}

/// Serves `n` connections until it is killed.
pub(crate) fn serve(n: usize) {
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).unwrap();
    let turns: Vec<(u64, usize)> = serde_json::from_str(&line).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    println!("{}", listener.local_addr().unwrap());
    let accepted = listener.incoming().take(n);
    let mut connections: Vec<TcpStream> = accepted.map(Result::unwrap).collect();
    connections.iter().for_each(|connection| connection.set_nodelay(true).unwrap());
    let mut buffer = vec![b'x'; turns.iter().map(|(_, n_bytes)| *n_bytes).max().unwrap().max(HEAD_BYTES)];
    loop {
        let begun = Instant::now();
        for &(at_us, n_bytes) in &turns {
            std::thread::sleep(Duration::from_micros(at_us).saturating_sub(begun.elapsed()));
            let n_bytes = n_bytes.max(HEAD_BYTES);
            buffer[..HEAD_BYTES].copy_from_slice(&head(n_bytes));
            for connection in &mut connections {
                if connection.write_all(&buffer[..n_bytes]).is_err() {
                    return;
                }
            }
        }
    }
}

fn head(n_bytes: usize) -> [u8; HEAD_BYTES] {
    let now_us = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_micros();
    let mut head = [0; HEAD_BYTES];
    head[..8].copy_from_slice(&(n_bytes as u64).to_le_bytes());
    head[8..].copy_from_slice(&i64::try_from(now_us).unwrap().to_le_bytes());
    head
}

/// Returns the bytes of a message with its head, and when it was written, in microseconds since 1970.
pub(crate) fn read_head(head: [u8; HEAD_BYTES]) -> (usize, i64) {
    let n_bytes = u64::from_le_bytes(head[..8].try_into().unwrap());
    (usize::try_from(n_bytes).unwrap(), i64::from_le_bytes(head[8..].try_into().unwrap()))
}

/// Length and time.
pub(crate) const HEAD_BYTES: usize = 16;
const HALF_A_TURN_US: u64 = 50_000;
