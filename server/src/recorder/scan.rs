//! Reads the first line and the footer of a recording's file.
//!
//! Not here: their format (`recording::recording_file`), the contents of a recording (`recording::contents`).

use std::{
    fs,
    io::{Read, Seek, SeekFrom},
    path::Path,
};

use recording::recording_file::{END_BYTES, Footer, Head};

use crate::recorder::recording_file::RecordingFile;

/// Returns the footer of a file, if it has one.
pub fn footer(path: &Path) -> Option<Footer> {
    let mut file = fs::File::open(path).ok()?;
    let mut end = [0; END_BYTES];
    let before_end = i64::try_from(END_BYTES).ok()?;
    file.seek(SeekFrom::End(-before_end)).ok()?;
    file.read_exact(&mut end).ok()?;
    let length = Footer::content_bytes(&end)?;
    file.seek(SeekFrom::End(-before_end - i64::from(length))).ok()?;
    let mut content = vec![0; usize::try_from(length).ok()?];
    file.read_exact(&mut content).ok()?;
    Footer::parse(&content)
}

/// Returns the header in the first line; empty if the file cannot be read.
pub fn head(path: &Path) -> Head {
    let Ok(mut file) = RecordingFile::open(path) else { return Head::default() };
    Head::of(file.next_line().ok().flatten().unwrap_or_default())
}
