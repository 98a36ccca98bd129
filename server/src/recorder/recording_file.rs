//! Reads a recording line by line: plain, gzip or zstd, recognised by its first bytes and not by its name.

use std::{
    fs::File,
    io::{self, BufRead, BufReader},
    path::{Path, PathBuf},
};

use flate2::read::MultiGzDecoder;
use recording::lines::{LineReader, Packing};

/// An open recording.
pub struct RecordingFile {
    path: PathBuf,
    lines: LineReader<Box<dyn BufRead + Send>>,
}

impl RecordingFile {
    /// Opens a file and reads its first bytes.
    ///
    /// # Errors
    /// The file cannot be opened or read.
    pub fn open(path: &Path) -> io::Result<Self> {
        let mut plain = BufReader::with_capacity(BUFFER, File::open(path)?);
        let reader: Box<dyn BufRead + Send> = match Packing::of(plain.fill_buf()?) {
            Packing::Gzip => Box::new(BufReader::with_capacity(BUFFER, MultiGzDecoder::new(plain))),
            Packing::Zstd => {
                Box::new(BufReader::with_capacity(BUFFER, zstd::stream::read::Decoder::with_buffer(plain)?))
            }
            Packing::Plain => Box::new(plain),
        };
        Ok(Self { path: path.to_owned(), lines: LineReader::new(reader) })
    }

    /// Returns the file's path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the next line with its line break, cut if it is too long; `None` after the last.
    ///
    /// # Errors
    /// The file ends inside a compressed block, or cannot be read.
    pub fn next_line(&mut self) -> io::Result<Option<&[u8]>> {
        Ok(self.lines.advance()?.then(|| self.lines.line()))
    }

    /// Returns the line that was read last, with its line break.
    pub fn line(&self) -> &[u8] {
        self.lines.line()
    }

    /// Reads the next line; returns false after the last.
    ///
    /// # Errors
    /// The same as [`Self::next_line`].
    pub fn advance(&mut self) -> io::Result<bool> {
        self.lines.advance()
    }
}

const BUFFER: usize = 256 << 10;
