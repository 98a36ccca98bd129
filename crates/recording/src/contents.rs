//! What a recording holds, without playing it: how long it lasts, which instruments it names.
//!
//! Not here: playing ([`crate::playback`]), what its first line says ([`crate::recording_file`]).

use std::{collections::BTreeSet, io};

use model::{
    instrument::{InstrumentId, Venue},
    recording_entry::{EntryKind, RecordingEntry},
    time::Timestamp,
};
use serde::Deserialize;
use venues::replay::Replay;

use crate::lines::Lines;

/// What a recording holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Contents {
    /// Time of the first entry.
    pub start: Timestamp,
    /// Time of the last one.
    pub end: Timestamp,
    /// Entries, headers and preludes included.
    pub n_entries: u64,
}

#[derive(Deserialize)]
struct Stamp {
    t: EntryKind,
    ts: Option<f64>,
    #[serde(default)]
    prelude: bool,
}

/// Reads a recording once, in as many steps as its owner likes.
#[derive(Clone, Debug, Default)]
pub struct Scan {
    first: Option<Timestamp>,
    last: Option<Timestamp>,
    n_entries: u64,
}

impl Scan {
    /// Takes at most `max_lines`; false once the recording is over. One that breaks off is read as far as it goes.
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

    /// What was found.
    ///
    /// # Errors
    /// Nothing in it has a time.
    pub fn finish(self) -> io::Result<Contents> {
        let (Some(start), Some(end)) = (self.first, self.last) else {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "no entry in it has a time"));
        };
        // An answer may be stamped a little before what was read before it.
        Ok(Contents { start, end: end.max(start), n_entries: self.n_entries })
    }
}

/// Reads all of a recording once.
///
/// # Errors
/// Nothing in it has a time.
pub fn read(lines: &mut impl Lines) -> io::Result<Contents> {
    let mut scan = Scan::default();
    while scan.read(lines, usize::MAX) {}
    scan.finish()
}

/// The instruments that the beginning of a recording of `venue` names, under `name`.
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

/// Lines looked at for instruments: a second or two of a loud feed.
const LOOKED_AT: usize = 2_000;
