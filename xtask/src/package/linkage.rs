//! Linkage of a program, by `ldd`: the libraries and the loader that it needs at run time, and the oldest C library
//! that has all of its symbols.

use std::{path::Path, process::Command};

use crate::process;

/// The libraries of a program; nothing for a static one.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Linkage {
    /// Paths, the loader's included.
    pub(super) libraries: Vec<String>,
    /// The version of the GNU C library.
    pub(super) glibc: Option<(u32, u32)>,
}

impl Linkage {
    /// Asks `ldd`, which fails for a static program.
    pub(super) fn of(program: &Path) -> Self {
        process::output(Command::new("ldd").arg("-v").arg(program))
            .map_or_else(Self::default, |listed| Self::read(&listed))
    }

    fn read(listed: &str) -> Self {
        let (libraries, versions) = listed.split_once("Version information:").unwrap_or((listed, ""));
        let path = |line: &str| line.split_whitespace().find(|word| word.starts_with('/')).map(str::to_owned);
        // The program's own needs come first, under its path; those of its libraries follow under theirs.
        let is_need = |line: &&str| line.contains("=>");
        let own = versions.lines().skip_while(|line| !is_need(line)).take_while(is_need);
        Self { libraries: libraries.lines().filter_map(path).collect(), glibc: own.filter_map(glibc).max() }
    }
}

/// Reads the version from a line as `libc.so.6 (GLIBC_2.34) => /lib/libc.so.6`.
fn glibc(line: &str) -> Option<(u32, u32)> {
    let (major, minor) = line.split_once("(GLIBC_")?.1.split_once(')')?.0.split_once('.')?;
    Some((major.parse().ok()?, minor.split('.').next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_programs_own_needs_count() {
        let listed = "\tlinux-vdso.so.1 (0x00007ffd)\n\tlibc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x00007f)\n\
                      \t/lib64/ld-linux-x86-64.so.2 (0x00007f)\n\n\tVersion information:\n\t./truetape:\n\
                      \t\tlibc.so.6 (GLIBC_2.9) => /lib/x86_64-linux-gnu/libc.so.6\n\
                      \t\tlibc.so.6 (GLIBC_2.34) => /lib/x86_64-linux-gnu/libc.so.6\n\
                      \t\tlibc.so.6 (GLIBC_2.2.5) => /lib/x86_64-linux-gnu/libc.so.6\n\
                      \t/lib/x86_64-linux-gnu/libgcc_s.so.1:\n\t\tlibc.so.6 (GLIBC_2.35) => /lib/x86_64-linux-gnu/libc.so.6\n";
        let libraries = ["/lib/x86_64-linux-gnu/libc.so.6", "/lib64/ld-linux-x86-64.so.2"].map(str::to_owned);
        assert_eq!(Linkage::read(listed), Linkage { libraries: libraries.to_vec(), glibc: Some((2, 34)) });
        assert_eq!(Linkage::read("\tstatically linked"), Linkage::default());
    }
}
