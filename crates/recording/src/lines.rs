//! A recording's lines in order, from any source; and how a file is compressed.
//!
//! Lines are bounded, so a compressed file cannot fill the memory. Not here: files (the server's), decompressing
//! ([`crate::packed`]).

use std::io::{self, BufRead, Read as _};

/// A source of a recording's lines: files, memory, or a file opened in a browser.
pub trait Lines {
    /// Reads the next line; false after the last.
    ///
    /// # Errors
    /// The source is truncated or cannot be read. The caller may continue: the next call reads the next file, or
    /// nothing.
    fn advance(&mut self) -> io::Result<bool>;

    /// Returns the last line read, including its end.
    fn line(&self) -> &[u8];

    /// Returns to the beginning.
    fn rewind(&mut self);
}

/// Reads lines and keeps the last one.
#[derive(Debug)]
pub struct LineReader<R> {
    reader: R,
    line: Vec<u8>,
    has_begun: bool,
}

impl<R: BufRead> LineReader<R> {
    /// Creates a reader of plain text.
    pub fn new(reader: R) -> Self {
        Self { reader, line: Vec::new(), has_begun: false }
    }

    /// Returns the last line read, including its end.
    pub fn line(&self) -> &[u8] {
        &self.line
    }

    /// Reads the next line; false after the last. A line longer than [`MAX_LINE`] is cut there, and the rest of it
    /// skipped; so is a byte-order mark, which some editors put before the first line.
    ///
    /// # Errors
    /// Reading failed.
    pub fn advance(&mut self) -> io::Result<bool> {
        self.line.clear();
        // Frames of several megabytes are rare; most have a few hundred bytes, and the buffer is kept at that size.
        self.line.shrink_to(KEPT_LINE);
        let n_bytes = (&mut self.reader).take(MAX_LINE).read_until(b'\n', &mut self.line)?;
        if n_bytes as u64 == MAX_LINE && self.line.last() != Some(&b'\n') {
            self.reader.skip_until(b'\n')?;
        }
        if !std::mem::replace(&mut self.has_begun, true) && self.line.starts_with(BYTE_ORDER_MARK) {
            self.line.drain(..BYTE_ORDER_MARK.len());
        }
        Ok(n_bytes > 0)
    }
}

/// Compression of a recording, detected by its first bytes and not by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packing {
    /// Not compressed.
    Plain,
    /// gzip (RFC 1952).
    Gzip,
    /// zstd (RFC 8878).
    Zstd,
}

impl Packing {
    /// Detects the compression from the first bytes.
    pub fn of(first: &[u8]) -> Self {
        match first {
            [0x1f, 0x8b, ..] => Self::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Self::Zstd,
            // One of our files that contains only its footer.
            [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Self::Zstd,
            _ => Self::Plain,
        }
    }
}

/// U+FEFF in UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
const KEPT_LINE: usize = 1 << 20;
/// Four times the largest frame a connection accepts.
pub const MAX_LINE: u64 = 64 << 20;

#[cfg(test)]
mod tests {
    use model::recording_entry::{EntryKind, RecordingEntry};

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
    fn a_byte_order_mark_is_not_part_of_the_first_line() {
        let text = "\u{feff}{\"t\":\"connect\"}\r\n{\"t\":\"recv\",\"data\":\"x\"}\r\n";
        let mut lines = LineReader::new(text.as_bytes());
        let mut kinds = Vec::new();
        while lines.advance().unwrap() {
            let line = std::str::from_utf8(lines.line()).unwrap();
            kinds.push(RecordingEntry::parse(line).map(|entry| entry.t).unwrap());
        }
        assert_eq!(kinds, [EntryKind::Connect, EntryKind::Recv]);
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
