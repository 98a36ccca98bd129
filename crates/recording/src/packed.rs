//! Decompresses a recording as it plays, without native code: zstd, gzip or plain lines.
//!
//! Keeps only one compression window and one line in memory, however long the recording is. Not here: the server's
//! files, which are decompressed by the C library.

use std::io::{self, BufRead, BufReader, Read};

use flate2::read::MultiGzDecoder;
use ruzstd::decoding::{
    BlockDecodingStrategy, FrameDecoder,
    errors::{FrameDecoderError, ReadFrameHeaderError},
};

use crate::lines::{LineReader, Lines, Packing};

/// The lines of a compressed recording; `open` returns it from its beginning at each call.
pub struct PackedLines<O> {
    open: O,
    state: State,
}

enum State {
    Closed,
    Open(LineReader<Box<dyn BufRead>>),
    Over,
}

impl<R: Read + 'static, O: FnMut() -> R> PackedLines<O> {
    /// Creates the lines without opening anything.
    pub fn new(open: O) -> Self {
        Self { open, state: State::Closed }
    }

    fn read(&mut self) -> io::Result<bool> {
        if matches!(self.state, State::Closed) {
            self.state = State::Open(LineReader::new(unpack((self.open)())?));
        }
        match &mut self.state {
            State::Open(lines) => lines.advance(),
            State::Closed | State::Over => Ok(false),
        }
    }
}

impl<R: Read + 'static, O: FnMut() -> R> Lines for PackedLines<O> {
    fn advance(&mut self) -> io::Result<bool> {
        let read = self.read();
        if !matches!(read, Ok(true)) {
            self.state = State::Over;
        }
        read
    }

    fn line(&self) -> &[u8] {
        match &self.state {
            State::Open(lines) => lines.line(),
            State::Closed | State::Over => &[],
        }
    }

    fn rewind(&mut self) {
        self.state = State::Closed;
    }
}

/// Detects the compression from the first bytes and decompresses accordingly.
fn unpack(packed: impl Read + 'static) -> io::Result<Box<dyn BufRead>> {
    let mut packed = BufReader::with_capacity(BUFFER, packed);
    Ok(match Packing::of(packed.fill_buf()?) {
        Packing::Plain => Box::new(packed),
        Packing::Gzip => Box::new(BufReader::with_capacity(BUFFER, MultiGzDecoder::new(packed))),
        Packing::Zstd => Box::new(BufReader::with_capacity(BUFFER, Zstd::new(packed))),
    })
}

/// Reads frame after frame and skips the skippable ones.
struct Zstd<R> {
    packed: R,
    decoder: FrameDecoder,
    is_in_frame: bool,
}

impl<R: BufRead> Zstd<R> {
    fn new(packed: R) -> Self {
        Self { packed, decoder: FrameDecoder::new(), is_in_frame: false }
    }

    /// Advances to the next frame; false after the last.
    fn next_frame(&mut self) -> io::Result<bool> {
        while !self.packed.fill_buf()?.is_empty() {
            match self.decoder.reset(&mut self.packed) {
                Ok(()) => {
                    self.is_in_frame = true;
                    return Ok(true);
                }
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame { length, .. })) => {
                    io::copy(&mut (&mut self.packed).take(u64::from(length)), &mut io::sink())?;
                }
                Err(error) => return Err(io::Error::other(error)),
            }
        }
        Ok(false)
    }

    fn check(&self) -> io::Result<()> {
        let said = self.decoder.get_checksum_from_data();
        if said.is_some() && said != self.decoder.get_calculated_checksum() {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "a block's checksum does not match"));
        }
        Ok(())
    }
}

impl<R: BufRead> Read for Zstd<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        loop {
            if !self.is_in_frame && !self.next_frame()? {
                return Ok(0);
            }
            while self.decoder.can_collect() == 0 && !self.decoder.is_finished() {
                let one = BlockDecodingStrategy::UptoBlocks(1);
                self.decoder.decode_blocks(&mut self.packed, one).map_err(io::Error::other)?;
            }
            let n_bytes = self.decoder.read(out)?;
            if n_bytes > 0 {
                return Ok(n_bytes);
            }
            self.check()?;
            self.is_in_frame = false;
        }
    }
}

/// A file in a browser is read in pieces of this size, each of which takes a moment.
const BUFFER: usize = 256 << 10;

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Write as _};

    use flate2::{Compression, write::GzEncoder};
    use proptest::prelude::*;

    use super::*;

    const TEXT: &str = "{\"t\":\"recv\",\"ts\":1.0,\"data\":\"a\"}\n{\"t\":\"recv\",\"ts\":2.0,\"data\":\"b\"}\nlast";

    fn lines_of(packed: &[u8]) -> (Vec<String>, bool) {
        let packed = packed.to_vec();
        let mut lines = PackedLines::new(move || Cursor::new(packed.clone()));
        let mut found = Vec::new();
        loop {
            match lines.advance() {
                Ok(true) => found.push(String::from_utf8_lossy(lines.line()).into_owned()),
                Ok(false) => return (found, true),
                Err(_) => {
                    assert!(!lines.advance().unwrap(), "nothing comes after an error");
                    return (found, false);
                }
            }
        }
    }

    fn zstd_of(text: &[u8]) -> Vec<u8> {
        let mut encoder = zstd::Encoder::new(Vec::new(), 3).unwrap();
        encoder.include_checksum(true).unwrap();
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn gzip_of(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn every_packing_gives_the_same_lines() {
        let (half, rest) = TEXT.as_bytes().split_at(20);
        let footer = crate::recording_file::Footer::default().to_frame();
        let expected: Vec<String> = TEXT.split_inclusive('\n').map(str::to_owned).collect();
        for (name, packed) in [
            ("plain", TEXT.as_bytes().to_vec()),
            ("gzip", gzip_of(TEXT.as_bytes())),
            ("two gzip members", [gzip_of(half), gzip_of(rest)].concat()),
            ("zstd", zstd_of(TEXT.as_bytes())),
            ("two zstd frames and a footer", [zstd_of(half), zstd_of(rest), footer.clone()].concat()),
            ("a footer in between", [zstd_of(half), footer, zstd_of(b""), zstd_of(rest)].concat()),
        ] {
            let (found, is_whole) = lines_of(&packed);
            assert_eq!((found.as_slice(), is_whole), (expected.as_slice(), true), "{name}");
        }
    }

    #[test]
    fn a_file_that_breaks_off_is_read_up_to_its_last_whole_frame() {
        let frames: Vec<Vec<u8>> = TEXT.split_inclusive('\n').map(|line| zstd_of(line.as_bytes())).collect();
        let mut packed = frames.concat();
        packed.truncate(packed.len() - 3);
        let (found, is_whole) = lines_of(&packed);
        assert_eq!((found.len(), is_whole), (2, false));
        let mut flipped = frames.concat();
        let last = flipped.len() - 1;
        flipped[last] ^= 1;
        assert!(!lines_of(&flipped).1, "a flipped bit is found");
    }

    #[test]
    fn a_tape_can_be_begun_again() {
        let packed = zstd_of(TEXT.as_bytes());
        let mut lines = PackedLines::new(move || Cursor::new(packed.clone()));
        assert!(lines.advance().unwrap() && lines.advance().unwrap());
        lines.rewind();
        assert!(lines.line().is_empty() && lines.advance().unwrap());
        assert_eq!(lines.line(), TEXT.split_inclusive('\n').next().unwrap().as_bytes());
    }

    proptest! {
        #[test]
        fn no_bytes_bring_it_down(bytes in proptest::collection::vec(any::<u8>(), 0..200), magic in 0..4_usize) {
            let magic: &[u8] = [&[][..], &[0x1f, 0x8b, 8], &[0x28, 0xb5, 0x2f, 0xfd], &[0x50, 0x2a, 0x4d, 0x18]][magic];
            lines_of(&[magic, &bytes].concat());
        }
    }
}
