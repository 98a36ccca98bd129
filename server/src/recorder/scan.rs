//! How a recording's file begins and ends, read from the disk.
//!
//! Not here: what stands there (`recording::recording_file`), what a recording holds (`recording::contents`).

use std::{
    fs,
    io::{Read, Seek, SeekFrom},
    path::Path,
};

use recording::recording_file::{END_BYTES, Footer, Head};

use crate::recorder::recording_file::RecordingFile;

/// The footer of a file, where it has one.
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

/// What the first line says; a file that cannot be read has an empty head.
pub fn head(path: &Path) -> Head {
    let Ok(mut file) = RecordingFile::open(path) else { return Head::default() };
    Head::of(file.next_line().ok().flatten().unwrap_or_default())
}
