//! The contents of a recording without playing it: its duration and its instruments.
//!
//! Not here: playing ([`crate::playback`]), the header line ([`crate::recording_file`]).

use std::{collections::BTreeSet, io};

use model::{
    instrument::{InstrumentId, Venue},
    recording_entry::{EntryKind, RecordingEntry},
    time::Timestamp,
};
use serde::Deserialize;
use venues::replay::Replay;

use crate::lines::Lines;

/// The contents of a recording.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Contents {
    /// Time of the first entry.
    pub start: Timestamp,
    /// Time of the last entry.
    pub end: Timestamp,
    /// Number of entries, including headers and preludes.
    pub n_entries: u64,
}

#[derive(Deserialize)]
struct Stamp {
    t: EntryKind,
    ts: Option<f64>,
    #[serde(default)]
    prelude: bool,
}

/// Reads a recording once, in as many steps as the caller likes.
#[derive(Clone, Debug, Default)]
pub struct Scan {
    first: Option<Timestamp>,
    last: Option<Timestamp>,
    n_entries: u64,
}

impl Scan {
    /// Reads at most `max_lines`; returns false at the end of the recording. A truncated recording is read as far as it
    /// goes.
    pub fn read(&mut self, lines: &mut impl Lines, max_lines: usize) -> bool {
        for _ in 0..max_lines {
            match lines.advance() {
                Ok(true) => self.line(lines.line()),
                Ok(false) => return false,
                Err(_) => {}
            }
        }
        true
    }

    fn line(&mut self, line: &[u8]) {
        let Ok(stamp) = serde_json::from_slice::<Stamp>(line) else { return };
        self.n_entries += 1;
        let micros = stamp.ts.map(|ts| (ts * 1e6).round()).filter(|micros| micros.is_finite() && micros.abs() < 9e15);
        let time = micros.map(|micros| Timestamp::from_micros(micros as i64));
        if stamp.t != EntryKind::Header && !stamp.prelude && time.is_some() {
            self.first = self.first.or(time);
            self.last = self.last.max(time);
        }
    }

    /// Returns the contents found.
    ///
    /// # Errors
    /// No entry has a time.
    pub fn finish(self) -> io::Result<Contents> {
        let (Some(start), Some(end)) = (self.first, self.last) else {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "no entry has a time"));
        };
        // An answer may have a slightly earlier time than entries read before it.
        Ok(Contents { start, end: end.max(start), n_entries: self.n_entries })
    }
}

/// Reads a whole recording once.
///
/// # Errors
/// No entry has a time.
pub fn read(lines: &mut impl Lines) -> io::Result<Contents> {
    let mut scan = Scan::default();
    while scan.read(lines, usize::MAX) {}
    scan.finish()
}

/// Returns the instruments named at the beginning of a recording of `venue`, under `name`.
pub fn instruments(lines: &mut impl Lines, venue: &str, name: &Venue) -> BTreeSet<InstrumentId> {
    let mut found = BTreeSet::new();
    let Ok(mut replay) = Replay::under(venue, name) else { return found };
    for _ in 0..LOOKED_AT {
        match lines.advance() {
            Ok(true) => {}
            Ok(false) => break,
            Err(_) => continue,
        }
        let text = std::str::from_utf8(lines.line()).ok();
        if let Some(entry) = text.and_then(|text| RecordingEntry::parse(text).ok()) {
            replay.feed(&entry, |event| {
                if !found.contains(&event.instrument) {
                    found.insert(event.instrument.clone());
                }
            });
        }
    }
    found
}

/// Lines searched for instruments: a second or two of a busy feed.
const LOOKED_AT: usize = 2_000;
