//! Reads a recording line by line: plain, gzip or zstd, told by its first bytes and not by its name.
//!
//! Lines are bounded, so a compressed file cannot fill the memory.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read},
    path::{Path, PathBuf},
};

use flate2::read::MultiGzDecoder;

/// An open recording.
pub struct TapeFile {
    path: PathBuf,
    reader: Box<dyn BufRead + Send>,
    line: Vec<u8>,
}

impl TapeFile {
    /// Opens a file and looks at its first bytes.
    ///
    /// # Errors
    /// It cannot be opened or read.
    pub fn open(path: &Path) -> io::Result<Self> {
        let mut plain = BufReader::with_capacity(BUFFER, File::open(path)?);
        let reader: Box<dyn BufRead + Send> = match plain.fill_buf()? {
            [0x1f, 0x8b, ..] => Box::new(BufReader::with_capacity(BUFFER, MultiGzDecoder::new(plain))),
            [0x28, 0xb5, 0x2f, 0xfd, ..] => {
                Box::new(BufReader::with_capacity(BUFFER, zstd::stream::read::Decoder::with_buffer(plain)?))
            }
            _ => Box::new(plain),
        };
        Ok(Self { path: path.to_owned(), reader, line: Vec::new() })
    }

    /// Its name.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The next line with its end, `None` after the last. Past [`MAX_LINE`] a line is cut there, and the rest of it
    /// passed over.
    ///
    /// # Errors
    /// The file ends inside a compressed block, or cannot be read on.
    pub fn next_line(&mut self) -> io::Result<Option<&[u8]>> {
        let is_over = self.advance()?;
        Ok((!is_over).then_some(self.line.as_slice()))
    }

    /// The line that was read last, with its end.
    pub fn line(&self) -> &[u8] {
        &self.line
    }

    /// Reads the next line; true after the last.
    ///
    /// # Errors
    /// As [`Self::next_line`].
    pub fn advance(&mut self) -> io::Result<bool> {
        self.line.clear();
        // Frames of some megabytes come now and then; most are a few hundred bytes, and the room is kept for them.
        self.line.shrink_to(KEPT_LINE);
        let n_bytes = (&mut self.reader).take(MAX_LINE).read_until(b'\n', &mut self.line)?;
        if n_bytes as u64 == MAX_LINE && self.line.last() != Some(&b'\n') {
            self.reader.skip_until(b'\n')?;
        }
        Ok(n_bytes == 0)
    }
}

const BUFFER: usize = 256 << 10;
const KEPT_LINE: usize = 1 << 20;
/// Four times the largest frame a connection may carry.
const MAX_LINE: u64 = 64 << 20;
