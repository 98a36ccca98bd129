//! The process as the system sees it: processor time, memory, open files, threads. Linux only; elsewhere nothing.
//!
//! Source: proc(5).

/// The process at a moment.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ProcessFigures {
    /// Processor time of all threads, user and system, in seconds.
    pub cpu_s: f64,
    /// Memory in use, in bytes.
    pub resident_bytes: u64,
    /// Open files and sockets.
    pub open_files: u64,
    /// Threads.
    pub threads: u64,
}

impl ProcessFigures {
    /// Reads the figures; `None` where the system does not offer them.
    pub fn read() -> Option<Self> {
        let text = |name: &str| std::fs::read_to_string(format!("/proc/self/{name}")).ok();
        let open_files = std::fs::read_dir("/proc/self/fd").ok()?.count();
        // One of them is the list itself.
        Self::parse(&text("stat")?, &text("status")?, u64::try_from(open_files).ok()?.saturating_sub(1))
    }

    fn parse(stat: &str, status: &str, open_files: u64) -> Option<Self> {
        // The second field is the program's name, which may have spaces and brackets; state is the third.
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_ascii_whitespace().collect();
        let ticks = |field_idx: usize| fields.get(field_idx)?.parse::<u64>().ok();
        let line = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        let number = |name: &str| line(name)?.split_ascii_whitespace().next()?.parse::<u64>().ok();
        Some(Self {
            cpu_s: (ticks(USER_TIME)? + ticks(SYSTEM_TIME)?) as f64 / TICKS_PER_SECOND,
            resident_bytes: number("VmRSS")? * 1_024,
            open_files,
            threads: number("Threads")?,
        })
    }
}

/// Returns the most files that the process may open; `None` if there is no limit, or none known.
pub fn max_files() -> Option<u64> {
    #[cfg(unix)]
    return rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    #[cfg(not(unix))]
    None
}

/// Positions after the program's name.
const USER_TIME: usize = 11;
const SYSTEM_TIME: usize = 12;
/// The unit of times in `/proc`, the same on every Linux that we build for, whatever the kernel's own ticks.
const TICKS_PER_SECOND: f64 = 100.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_the_kernel_writes() {
        let stat = "71 (a (b) c) S 1 71 71 0 -1 4194560 900 0 0 0 250 125 0 0 20 0 9 0 1234 99 88";
        let status = "Name:\ta (b) c\nVmRSS:\t    2048 kB\nThreads:\t9\n";
        let expected = ProcessFigures { cpu_s: 3.75, resident_bytes: 2_097_152, open_files: 7, threads: 9 };
        assert_eq!(ProcessFigures::parse(stat, status, 7), Some(expected));
        for (stat, status) in [("", status), (stat, ""), ("71 (a) S 1", status), (stat, "VmRSS:\nThreads: x")] {
            assert_eq!(ProcessFigures::parse(stat, status, 7), None, "{stat:?} {status:?}");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_has_figures() {
        let figures = ProcessFigures::read().unwrap();
        assert!(figures.resident_bytes > 0 && figures.open_files >= 3 && figures.threads >= 1, "{figures:?}");
    }
}
