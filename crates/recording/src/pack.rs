//! A compressed recording kept in memory: for a feed without access to a disk.
//!
//! Each block of lines becomes a zstd frame of its own, as in the server's files, so the result is such a file. At
//! [`MAX_BYTES`] it accepts nothing more and reports that; its owner then ends it, and the feed continues. Not here:
//! the choice of entries ([`crate::tap`]), the destination of the file.

use model::time::Timestamp;
use ruzstd::encoding::{CompressionLevel, compress_to_vec};

use crate::{
    entry::RawEntry,
    recording_file::{Footer, Header},
    ring::Window,
    tap::Sink,
};

/// A file being written.
#[derive(Debug)]
pub struct PackedRecording {
    header: Header,
    begin: Timestamp,
    has_begun: bool,
    packed: Vec<u8>,
    block: Vec<u8>,
    footer: Footer,
    max_bytes: usize,
}

impl PackedRecording {
    /// Creates an empty recording; its file begins at `begin` and has about `max_bytes` at most.
    pub fn new(header: Header, begin: Timestamp, max_bytes: usize) -> Self {
        Self {
            header,
            begin,
            has_begun: false,
            packed: Vec::new(),
            block: Vec::new(),
            footer: Footer::default(),
            max_bytes,
        }
    }

    /// Returns the file of a window.
    pub fn of_window(header: Header, window: Window) -> Vec<u8> {
        let mut recording = Self::new(header, window.begin, usize::MAX);
        recording.part(window.prelude);
        window.entries.into_iter().for_each(|entry| recording.entry(entry));
        recording.finish()
    }

    /// Returns when its file begins.
    pub fn begin(&self) -> Timestamp {
        self.begin
    }

    /// Returns the number of entries, without preludes.
    pub fn n_entries(&self) -> u64 {
        self.footer.n_entries
    }

    /// Returns its size in memory.
    pub fn size_bytes(&self) -> usize {
        self.packed.len() + self.block.len()
    }

    /// Returns the whole file.
    pub fn finish(mut self) -> Vec<u8> {
        self.end_block();
        self.packed.extend(self.footer.to_frame());
        self.packed
    }

    fn write(&mut self, entry: &RawEntry) {
        // Writing to memory cannot fail.
        let _infallible = entry.write(&mut self.block);
        if self.block.len() >= BLOCK_BYTES {
            self.end_block();
        }
    }

    fn end_block(&mut self) {
        if !self.block.is_empty() {
            self.packed.extend(compress_to_vec(self.block.as_slice(), CompressionLevel::Fastest));
            self.block.clear();
        }
    }
}

impl Sink for PackedRecording {
    fn entry(&mut self, entry: RawEntry) {
        if !self.is_over() {
            self.footer.note(entry.time);
            self.write(&entry);
        }
    }

    fn wants_part(&self) -> bool {
        false
    }

    fn part(&mut self, prelude: Vec<RawEntry>) {
        if !std::mem::replace(&mut self.has_begun, true) {
            self.block.extend(self.header.line(self.begin, 1).bytes());
            prelude.iter().for_each(|entry| self.write(entry));
        }
    }

    fn is_over(&self) -> bool {
        self.size_bytes() >= self.max_bytes
    }
}

/// Maximum compressed bytes of a recording in memory, and so a tab's memory budget for one: judging by the recorded
/// captures, between twenty minutes of the busiest feed and hours of others. The finished file exists a second time
/// until the browser has saved it.
pub const MAX_BYTES: usize = 64 << 20;
/// A block is compressed at this size: about 20 ms of a worker's time.
const BLOCK_BYTES: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use model::recording_entry::EntryKind;

    use super::*;
    use crate::{
        entry::Body,
        lines::Lines as _,
        packed::PackedLines,
        recording_file::{END_BYTES, Head},
    };

    fn header() -> Header {
        Header { venue: "binance".into(), symbols: vec!["AAABBB".into()], kind: "recording" }
    }

    fn entry(second: i64, text: &str) -> RawEntry {
        let body = Body::Text(text.into());
        let time = Timestamp::from_millis(second * 1_000);
        RawEntry { kind: EntryKind::Recv, time, slot: 0, url: None, request: None, body, is_prelude: false }
    }

    fn lines_of(file: Vec<u8>) -> Vec<String> {
        let mut lines = PackedLines::new(move || Cursor::new(file.clone()));
        let mut found = Vec::new();
        while lines.advance().unwrap() {
            found.push(String::from_utf8(lines.line().to_vec()).unwrap());
        }
        found
    }

    #[test]
    fn it_is_a_file_like_the_servers() {
        let mut recording = PackedRecording::new(header(), Timestamp::from_millis(1_000), MAX_BYTES);
        recording.part(vec![RawEntry { is_prelude: true, ..entry(1, "known") }]);
        // Several blocks, which compress well.
        (0..40_000).for_each(|second| recording.entry(entry(second, "\"quoted\" and repeated, as venues do")));
        assert_eq!(recording.n_entries(), 40_000);
        assert!(recording.size_bytes() < 2 << 20, "{}", recording.size_bytes());
        let file = recording.finish();
        let footer = &file[file.len() - END_BYTES..];
        assert!(Footer::content_bytes(footer).is_some());
        // The C library can read it too.
        let unpacked = zstd::decode_all(file.as_slice()).unwrap();
        let lines = lines_of(file);
        assert_eq!(lines.concat().as_bytes(), unpacked);
        assert_eq!(lines.len(), 40_002);
        assert_eq!(Head::of(lines[0].as_bytes()).venue.as_deref(), Some("binance"));
        assert!(lines[1].contains("\"prelude\":true") && lines[2].contains(r#"\"quoted\""#));
    }

    #[test]
    fn a_full_one_takes_nothing_more() {
        let mut recording = PackedRecording::new(header(), Timestamp::EPOCH, 10_000);
        recording.part(Vec::new());
        let n_taken = (0..).find(|second| {
            recording.entry(entry(*second, &"x".repeat(1_000)));
            recording.is_over()
        });
        let n_entries = recording.n_entries();
        assert_eq!(Some(n_entries), n_taken.map(|last| u64::try_from(last).unwrap() + 1));
        recording.entry(entry(99, "more"));
        assert_eq!(recording.n_entries(), n_entries);
        assert_eq!(lines_of(recording.finish()).len(), usize::try_from(n_entries).unwrap() + 1);
    }
}
