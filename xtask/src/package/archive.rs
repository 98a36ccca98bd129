//! Tar archives whose bytes depend on nothing but their content: entries sorted by path, one time for all, numeric owners.
//!
//! Only what packages need, in the form of POSIX.1-1988 (ustar): files, folders and links, with paths of at most 100 bytes.

use std::{collections::BTreeMap, io::Write as _};

use anyhow::{Context as _, ensure};
use flate2::{Compression, GzBuilder};

/// The entries of an archive, by path without a leading slash.
#[derive(Debug, Default)]
pub(crate) struct Archive(BTreeMap<String, Entry>);

#[derive(Debug)]
struct Entry {
    kind: Kind,
    mode: u32,
    owner: u32,
}

#[derive(Debug)]
enum Kind {
    File(Vec<u8>),
    Folder,
}

impl Archive {
    /// Adds a file that belongs to root.
    pub(crate) fn file(&mut self, path: &str, mode: u32, bytes: impl Into<Vec<u8>>) {
        self.add(path, Entry { kind: Kind::File(bytes.into()), mode, owner: 0 });
    }

    /// Adds a folder.
    pub(crate) fn folder(&mut self, path: &str, mode: u32, owner: u32) {
        self.add(path, Entry { kind: Kind::Folder, mode, owner });
    }

    /// Adds an entry, and the folders above it that are not there yet.
    fn add(&mut self, path: &str, entry: Entry) {
        for (at, _) in path.match_indices('/') {
            let above = Entry { kind: Kind::Folder, mode: 0o755, owner: 0 };
            self.0.entry(path[..at].to_owned()).or_insert(above);
        }
        self.0.insert(path.to_owned(), entry);
    }

    /// Returns the archive with all entries of a time in seconds since 1970.
    ///
    /// # Errors
    /// A path is too long for this form.
    pub(crate) fn tar(&self, time: u64) -> anyhow::Result<Vec<u8>> {
        let mut tar = Vec::new();
        for (path, entry) in &self.0 {
            let (letter, bytes) = match &entry.kind {
                Kind::File(bytes) => (b'0', bytes.as_slice()),
                Kind::Folder => (b'5', &[][..]),
            };
            let name = if letter == b'5' { format!("{path}/") } else { path.clone() };
            let header = header(&name, letter, entry, bytes.len(), time);
            tar.extend(header.with_context(|| format!("put {path} in an archive"))?);
            tar.extend(bytes);
            tar.resize(tar.len().next_multiple_of(BLOCK), 0);
        }
        tar.resize(tar.len() + 2 * BLOCK, 0);
        Ok(tar)
    }

    /// Returns the archive compressed, as [`Self::tar`].
    ///
    /// # Errors
    /// As [`Self::tar`].
    pub(crate) fn tar_gz(&self, time: u64) -> anyhow::Result<Vec<u8>> {
        gzip(&self.tar(time)?)
    }
}

/// Compresses without a name and a time in the head. The best level takes three times as long for one hundredth.
pub(crate) fn gzip(bytes: &[u8]) -> anyhow::Result<Vec<u8>> {
    let mut packed = GzBuilder::new().mtime(0).write(Vec::new(), Compression::default());
    packed.write_all(bytes)?;
    Ok(packed.finish()?)
}

fn header(name: &str, letter: u8, entry: &Entry, n_bytes: usize, time: u64) -> anyhow::Result<[u8; BLOCK]> {
    ensure!(name.len() <= 100, "a path longer than 100 bytes");
    let mut header = [0; BLOCK];
    let mut put = |at: usize, text: &[u8]| header[at..at + text.len()].copy_from_slice(text);
    put(0, name.as_bytes());
    put(100, format!("{:07o}", entry.mode).as_bytes());
    put(108, format!("{:07o}", entry.owner).as_bytes());
    put(116, format!("{:07o}", entry.owner).as_bytes());
    put(124, format!("{n_bytes:011o}").as_bytes());
    put(136, format!("{time:011o}").as_bytes());
    // The checksum counts itself as spaces.
    put(148, b"        ");
    put(156, &[letter]);
    put(257, b"ustar\x0000");
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    Ok(header)
}

const BLOCK: usize = 512;

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn tar_reads_what_was_written() {
        let mut archive = Archive::default();
        archive.file("b/program", 0o755, "x".repeat(1_000));
        archive.folder("state", 0o700, 65_532);
        archive.file("a", 0o644, "");
        let folder = std::env::temp_dir().join(format!("xtask-archive-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join("x.tar.gz");
        std::fs::write(&file, archive.tar_gz(1_700_000_000).unwrap()).unwrap();
        let listed = Command::new("tar").args(["--numeric-owner", "--utc", "-tvf"]).arg(&file).output().unwrap();
        let listed = String::from_utf8(listed.stdout).unwrap();
        let lines: Vec<Vec<&str>> = listed.lines().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(
            lines,
            [
                vec!["-rw-r--r--", "0/0", "0", "2023-11-14", "22:13", "a"],
                vec!["drwxr-xr-x", "0/0", "0", "2023-11-14", "22:13", "b/"],
                vec!["-rwxr-xr-x", "0/0", "1000", "2023-11-14", "22:13", "b/program"],
                vec!["drwx------", "65532/65532", "0", "2023-11-14", "22:13", "state/"],
            ]
        );
        let content = Command::new("tar").args(["-xOf"]).arg(&file).arg("b/program").output().unwrap().stdout;
        assert_eq!(content, "x".repeat(1_000).as_bytes());
        std::fs::remove_dir_all(folder).unwrap();
        let mut long = Archive::default();
        long.file(&"x".repeat(101), 0o644, "");
        assert!(long.tar(0).is_err());
    }
}
