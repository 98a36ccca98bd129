//! A recording's lines, one after the other, wherever they come from; and how a file is packed.
//!
//! Lines are bounded, so a packed file cannot fill the memory. Not here: files (the server's), unpacking ([`crate::packed`]).

use std::io::{self, BufRead, Read as _};

/// Where the lines of a recording come from: files, memory, a file that the reader has opened in a browser.
pub trait Lines {
    /// Reads the next line; false after the last.
    ///
    /// # Errors
    /// The source breaks off or cannot be read. What follows may be asked for: another file, or nothing.
    fn advance(&mut self) -> io::Result<bool>;

    /// The line that was read last, with its end.
    fn line(&self) -> &[u8];

    /// Starts over.
    fn rewind(&mut self);
}

/// Reads lines and keeps the newest.
#[derive(Debug)]
pub struct LineReader<R> {
    reader: R,
    line: Vec<u8>,
}

impl<R: BufRead> LineReader<R> {
    /// Of plain text.
    pub fn new(reader: R) -> Self {
        Self { reader, line: Vec::new() }
    }

    /// The line that was read last, with its end.
    pub fn line(&self) -> &[u8] {
        &self.line
    }

    /// Reads the next line; false after the last. Past [`MAX_LINE`] a line is cut there, and the rest of it passed over.
    ///
    /// # Errors
    /// The text cannot be read on.
    pub fn advance(&mut self) -> io::Result<bool> {
        self.line.clear();
        // Frames of some megabytes come now and then; most are a few hundred bytes, and the room is kept for them.
        self.line.shrink_to(KEPT_LINE);
        let n_bytes = (&mut self.reader).take(MAX_LINE).read_until(b'\n', &mut self.line)?;
        if n_bytes as u64 == MAX_LINE && self.line.last() != Some(&b'\n') {
            self.reader.skip_until(b'\n')?;
        }
        Ok(n_bytes > 0)
    }
}

/// How a recording is packed, told by its first bytes and not by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packing {
    /// Not at all.
    Plain,
    /// gzip (RFC 1952).
    Gzip,
    /// zstd (RFC 8878).
    Zstd,
}

impl Packing {
    /// Looks at the first bytes.
    pub fn of(first: &[u8]) -> Self {
        match first {
            [0x1f, 0x8b, ..] => Self::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Self::Zstd,
            // A file of ours that holds its footer alone.
            [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Self::Zstd,
            _ => Self::Plain,
        }
    }
}

const KEPT_LINE: usize = 1 << 20;
/// Four times the largest frame a connection may carry.
pub const MAX_LINE: u64 = 64 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packings_are_told_by_their_first_bytes() {
        for (first, expected) in [
            (b"{\"t\"".as_slice(), Packing::Plain),
            (&[0x1f, 0x8b, 8], Packing::Gzip),
            (&[0x28, 0xb5, 0x2f, 0xfd], Packing::Zstd),
            (&[0x50, 0x2a, 0x4d, 0x18], Packing::Zstd),
            (b"", Packing::Plain),
        ] {
            assert_eq!(Packing::of(first), expected, "{first:?}");
        }
    }

    #[test]
    fn lines_come_with_their_ends() {
        let mut lines = LineReader::new(b"a\n\nb".as_slice());
        let mut found = Vec::new();
        while lines.advance().unwrap() {
            found.push(lines.line().to_vec());
        }
        assert_eq!(found, [b"a\n".as_slice(), b"\n", b"b"]);
        assert!(!lines.advance().unwrap() && lines.line().is_empty());
    }
}
