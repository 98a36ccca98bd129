//! Creates a recording's files: in the library, or one file of the user's choice. Tests substitute a full disk.

use std::{
    fs, io,
    path::PathBuf,
    time::{Duration, SystemTime},
};

use recording::recording_file::ENDING;

use super::library::{Held, Library, RecordingName, Use};

/// Creates files; tests implement it with a full disk.
pub trait Target: Send {
    /// Creates a file; returns its name, the file, and the guard that keeps it from being deleted.
    fn create(&mut self, part: u32) -> io::Result<(RecordingName, Box<dyn RecordingSink>, Option<Held>)>;

    /// Checks that a recording can be written now; blocks. Leaves nothing behind.
    fn probe(&mut self) -> io::Result<()>;

    /// Removes a file that has remained empty.
    fn remove(&mut self, name: &RecordingName) -> io::Result<()>;

    /// Deletes files that exceed the limits. Called before a file is created, and from time to time.
    fn tidy(&mut self);

    /// Returns the size and age at which a file is full.
    fn limits(&self) -> Full;
}

/// The limits at which a recording continues in another file.
#[derive(Clone, Copy, Debug)]
pub struct Full {
    /// The maximum compressed size.
    pub size_bytes: u64,
    /// The maximum age.
    pub span: Duration,
}

/// A file that is being written.
pub trait RecordingSink: io::Write + Send {
    /// Truncates the file to `size_bytes`.
    fn cut(&mut self, size_bytes: u64) -> io::Result<()>;
}

impl RecordingSink for fs::File {
    fn cut(&mut self, size_bytes: u64) -> io::Result<()> {
        self.set_len(size_bytes)
    }
}

/// Files in the library: `<stem>.jsonl.zst`, `<stem>.p002.jsonl.zst` and so on.
pub struct LibraryTarget {
    /// The library.
    pub library: Library,
    /// The first part of all names.
    pub stem: String,
}

impl Target for LibraryTarget {
    fn create(&mut self, part: u32) -> io::Result<(RecordingName, Box<dyn RecordingSink>, Option<Held>)> {
        fs::create_dir_all(self.library.folder())?;
        let text =
            if part < 2 { format!("{}{ENDING}", self.stem) } else { format!("{}.p{part:03}{ENDING}", self.stem) };
        let name =
            RecordingName::parse(&text).ok_or_else(|| io::Error::other(format!("{text} is no name of a recording")))?;
        let held = self.library.hold(&name, Use::Writing);
        let file = fs::File::options().write(true).create_new(true).open(self.library.path(&name))?;
        Ok((name, Box::new(file), Some(held)))
    }

    fn probe(&mut self) -> io::Result<()> {
        fs::create_dir_all(self.library.folder())?;
        // Not the name of a recording, so nobody sees it.
        let path = self.library.folder().join(format!(".{}.probe", self.stem));
        let written = fs::write(&path, [0; PROBE_BYTES]);
        let removed = fs::remove_file(path);
        written.and(removed)
    }

    fn remove(&mut self, name: &RecordingName) -> io::Result<()> {
        fs::remove_file(self.library.path(name))
    }

    fn tidy(&mut self) {
        self.library.tidy(SystemTime::now());
    }

    fn limits(&self) -> Full {
        let limits = self.library.limits();
        Full { size_bytes: limits.max_file_bytes, span: limits.max_file_span }
    }
}

/// One file of the user's choice, never full and never deleted.
pub struct OneFile {
    /// The file's path.
    pub path: PathBuf,
}

impl Target for OneFile {
    fn create(&mut self, _part: u32) -> io::Result<(RecordingName, Box<dyn RecordingSink>, Option<Held>)> {
        let name = self.path.file_name().and_then(|name| name.to_str()).and_then(RecordingName::parse);
        let name = name.ok_or_else(|| io::Error::other(format!("write a file name that ends in {ENDING}")))?;
        Ok((name, Box::new(fs::File::options().write(true).create_new(true).open(&self.path)?), None))
    }

    fn probe(&mut self) -> io::Result<()> {
        // The user has just chosen the path; creating the file itself is the check.
        Ok(())
    }

    fn remove(&mut self, _name: &RecordingName) -> io::Result<()> {
        fs::remove_file(&self.path)
    }

    fn tidy(&mut self) {}

    fn limits(&self) -> Full {
        Full { size_bytes: u64::MAX, span: Duration::MAX }
    }
}

/// About a block of a quiet feed; more than what file systems keep inside their tables.
const PROBE_BYTES: usize = 64 << 10;
