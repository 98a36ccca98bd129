//! Measures what the stream costs for each delivered item, beside a floor in the same run.
//!
//! ```text
//! cargo xtask bench stream
//! cargo xtask bench stream -- --clients 500 --secs 30 --form json
//! ```
//!
//! Each client follows the quotes of twenty instruments of the simulated market on the 100 ms lane: about 200 items a
//! second. The server is one process on the first core, the clients another one on the second. Then the floor takes the
//! server's place: one thread writes as many bytes, at the same moments, to as many connections, and does nothing else.
//! The ratio of the two is the price of everything beyond the bare writes; times depend on the machine.
//!
//! Processor time is that of all threads of the process, the kernel's work for it included. `net` is without what the
//! server takes with a single client: the simulated market and its books. Linux only.
#![allow(clippy::unwrap_used, reason = "a failed measurement ends with its reason")]

mod floor;
mod load;
#[path = "../crowd/server.rs"]
mod server;

use std::{
    io::{BufRead, BufReader, Lines},
    process::{self, ChildStdout, Command, Stdio},
    time::Duration,
};

use clap::{Parser, ValueEnum};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use wire::Encoding;

use crate::{
    floor::Floor,
    load::{LoadArguments, Report},
    server::Child,
};

/// The stream under load.
#[derive(Debug, Parser)]
struct Arguments {
    /// Numbers of clients to measure with.
    #[arg(long, value_delimiter = ',', default_values_t = [100, 500, 1_000, 2_000, 5_000])]
    clients: Vec<usize>,
    /// Seconds of each measurement.
    #[arg(long, default_value_t = 15)]
    secs: u64,
    /// Forms to measure; both by default.
    #[arg(long, value_enum)]
    form: Vec<Form>,
    /// Another server's binary, to compare with.
    #[arg(long, default_value = env!("CARGO_BIN_EXE_truetape"))]
    binary: String,
    /// Set by this program when it starts itself as another process.
    #[arg(long, hide = true, value_enum)]
    role: Option<Role>,
    #[command(flatten)]
    load: LoadArguments,
    /// Passed by cargo.
    #[arg(long, hide = true)]
    bench: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Role {
    Load,
    Floor,
}

/// The form that the clients speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Form {
    /// The stream's JSON.
    Json,
    /// The stream's binary form.
    Binary,
    /// The floor's.
    Bare,
}

impl Form {
    /// Returns the stream's encoding; `None` for the floor's.
    pub(crate) fn encoding(self) -> Option<Encoding> {
        match self {
            Self::Json => Some(Encoding::Json),
            Self::Binary => Some(Encoding::Binary),
            Self::Bare => None,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Binary => "binary",
            Self::Bare => "bare",
        }
    }
}

fn main() {
    let arguments = Arguments::parse();
    raise_file_limit();
    match arguments.role {
        Some(Role::Load) => load::run(&arguments.load),
        Some(Role::Floor) => floor::serve(arguments.load.n),
        // `cargo test --benches` passes no `--bench`.
        None if !arguments.bench => {}
        None => measure(&arguments),
    }
}

fn measure(arguments: &Arguments) {
    let forms = if arguments.form.is_empty() { vec![Form::Json, Form::Binary] } else { arguments.form.clone() };
    println!(
        "{:>6} {:>6} {:>9} {:>7} {:>7} {:>6} {:>6} {:>6} {:>6} {:>16} {:>16} {:>6}",
        "form",
        "N",
        "items/s",
        "us/item",
        "floor",
        "ratio",
        "net",
        "kB RSS",
        "cores",
        "p50/p99/max ms",
        "floor's",
        "holes"
    );
    for form in forms {
        let child = Child::start(on_core(SERVER_CORE, &arguments.binary));
        let address = child.address().to_string();
        let run = |n: usize, secs: u64| Load::start(&address, n, secs, form).measure(child.id());
        let (alone, idle) = (run(1, arguments.secs), child.memory());
        let alone_per_second = alone.cpu.as_secs_f64() / alone.secs;
        for &n in &arguments.clients {
            let load = Load::start(&address, n, arguments.secs, form);
            let resident = child.memory().resident - idle.resident;
            let served = load.measure(child.id());
            let floor = Floor::start(n, &served.report.schedule);
            let bare = Load::start(&floor.address, n, arguments.secs, Form::Bare).measure(floor.id());
            // Over the same time: a message more or less at its end would count.
            let per_item = |cpu: f64, secs: f64| 1e6 * cpu / secs / served.items_per_second();
            let gross = per_item(served.cpu.as_secs_f64(), served.secs);
            let net = gross - per_item(alone_per_second, 1.0);
            let bytes_ratio = bare.bytes_per_second() / served.bytes_per_second();
            let least = per_item(bare.cpu.as_secs_f64(), bare.secs) / bytes_ratio;
            println!(
                "{:>6} {n:>6} {:>9.0} {gross:>7.3} {least:>7.3} {:>6.2} {:>6.2} {:>6.1} {:>6.2} {:>16} {:>16} {:>6}",
                form.word(),
                served.items_per_second(),
                gross / least,
                net / least,
                resident as f64 / 1e3 / n as f64,
                served.cpu.as_secs_f64() / served.secs,
                served.report.ages(),
                bare.report.ages(),
                served.report.n_holes,
            );
        }
    }
}

/// The clients' process; it ends with this.
struct Load {
    process: process::Child,
    lines: Lines<BufReader<ChildStdout>>,
    secs: u64,
}

impl Load {
    /// Starts the clients and waits until all of them are served.
    fn start(address: &str, n: usize, secs: u64, form: Form) -> Self {
        let mut command = on_core(CLIENT_CORE, &std::env::current_exe().unwrap().to_string_lossy());
        command.args(["--role", "load", "--address", address, "--of", form.word()]);
        command.args(["--n", &n.to_string(), "--for-secs", &secs.to_string()]);
        let mut process = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        assert_eq!(lines.next().unwrap().unwrap(), "begin");
        Self { process, lines, secs }
    }

    /// Waits for the end of the measurement; returns what the clients saw, and the time of the process that served them.
    fn measure(mut self, server: u32) -> Measured {
        let before = cpu_time(server);
        let report = serde_json::from_str(&self.lines.next().unwrap().unwrap()).unwrap();
        Measured { report, cpu: cpu_time(server) - before, secs: self.secs as f64 }
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        let _is_gone = self.process.kill();
        let _status = self.process.wait();
    }
}

struct Measured {
    report: Report,
    cpu: Duration,
    secs: f64,
}

impl Measured {
    fn bytes_per_second(&self) -> f64 {
        self.report.n_bytes as f64 / self.secs
    }

    /// All clients get the same; a few of them count the items.
    fn items_per_second(&self) -> f64 {
        let items_per_byte = self.report.n_sample_items as f64 / self.report.n_sample_bytes as f64;
        self.bytes_per_second() * items_per_byte
    }
}

/// Returns the processor time of all threads of a process.
fn cpu_time(process: u32) -> Duration {
    let of = |task: std::fs::DirEntry| -> Option<u64> {
        let text = std::fs::read_to_string(task.path().join("schedstat")).ok()?;
        text.split_whitespace().next()?.parse().ok()
    };
    let tasks = std::fs::read_dir(format!("/proc/{process}/task")).unwrap();
    Duration::from_nanos(tasks.flatten().filter_map(of).sum())
}

/// Returns the command that runs a program on one core.
pub(crate) fn on_core(core: usize, program: &str) -> Command {
    let mut command = Command::new("taskset");
    command.args(["-c", &core.to_string(), program]);
    command
}

/// Each connection is an open file.
fn raise_file_limit() {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum }).unwrap();
}

pub(crate) const SERVER_CORE: usize = 0;
const CLIENT_CORE: usize = 1;
