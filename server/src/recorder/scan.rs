//! What a tape holds, without playing it: its header, how long it lasts, which instruments it names.
//!
//! Our own files end with a footer in a frame that unpackers skip; a file without one was cut off by a kill or a full
//! disk, or comes from elsewhere. Not here: playing ([`super::deck`]).

use std::{
    collections::BTreeSet,
    fs, io,
    io::{Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

use model::{
    instrument::{InstrumentId, Venue},
    tape::{TapeEntry, TapeKind},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use venues::replay::Replay;

use crate::cli::decode::tape_file::TapeFile;

/// What stands at the end of a complete file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Footer {
    /// Entries, without headers and preludes.
    pub n_entries: u64,
    /// Entries that were lost.
    pub n_lost: u64,
    /// Time of the first entry, microseconds since the epoch.
    pub first_us: Option<i64>,
    /// Time of the last one.
    pub last_us: Option<i64>,
}

impl Footer {
    /// Counts an entry.
    pub fn note(&mut self, time: Timestamp) {
        self.n_entries += 1;
        self.first_us.get_or_insert(time.as_micros());
        self.last_us = self.last_us.max(Some(time.as_micros()));
    }

    /// A frame that unpackers skip: magic number, length, content, and at its end how to find its beginning.
    pub fn to_frame(&self) -> Vec<u8> {
        // A struct of numbers has always a JSON form.
        let mut content = serde_json::to_vec(self).unwrap_or_default();
        let length = u32::try_from(content.len()).unwrap_or_default();
        content.extend(length.to_le_bytes());
        content.extend(FOOTER_MARK);
        let size = u32::try_from(content.len()).unwrap_or_default();
        [SKIPPABLE.to_le_bytes().as_slice(), &size.to_le_bytes(), &content].concat()
    }

    /// The footer of a file, where it has one.
    pub fn read(path: &Path) -> Option<Self> {
        let mut file = fs::File::open(path).ok()?;
        let mut end = [0; 4 + FOOTER_MARK.len()];
        file.seek(SeekFrom::End(-i64::try_from(end.len()).ok()?)).ok()?;
        file.read_exact(&mut end).ok()?;
        let (length, mark) = end.split_first_chunk::<4>()?;
        let length = u32::from_le_bytes(*length);
        if mark != FOOTER_MARK || length > FOOTER_BYTES {
            return None;
        }
        file.seek(SeekFrom::End(-i64::try_from(end.len()).ok()? - i64::from(length))).ok()?;
        let mut content = vec![0; usize::try_from(length).ok()?];
        file.read_exact(&mut content).ok()?;
        serde_json::from_slice(&content).ok()
    }
}

/// What the first line says; everything may be missing in a tape from elsewhere.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct Head {
    /// Whose frames they are.
    pub venue: Option<String>,
    /// What was followed.
    #[serde(default)]
    pub symbols: Vec<String>,
    /// When it began, seconds since the epoch.
    pub ts: Option<f64>,
    /// `recording` or `last`.
    pub kind: Option<String>,
}

impl Head {
    /// Reads the first line; a file that cannot be read has an empty head.
    pub fn read(path: &Path) -> Self {
        let mut file = match TapeFile::open(path) {
            Ok(file) => file,
            Err(_) => return Self::default(),
        };
        let line = file.next_line().ok().flatten().unwrap_or_default();
        let is_header = std::str::from_utf8(line).ok().and_then(|text| TapeEntry::parse(text).ok());
        is_header
            .filter(|entry| entry.t == TapeKind::Header)
            .and_then(|_| serde_json::from_slice(line).ok())
            .unwrap_or_default()
    }
}

/// What files that continue one another hold together.
#[derive(Clone, Debug, PartialEq)]
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
    t: TapeKind,
    ts: Option<f64>,
    #[serde(default)]
    prelude: bool,
}

/// Reads all files once. A file that breaks off is read as far as it goes.
///
/// # Errors
/// A file cannot be opened, or nothing in them has a time.
pub fn contents(paths: &[PathBuf]) -> io::Result<Contents> {
    let (mut first, mut last, mut n_entries) = (None, None, 0);
    for path in paths {
        let mut file = TapeFile::open(path)?;
        while let Ok(Some(line)) = file.next_line() {
            let Ok(stamp) = serde_json::from_slice::<Stamp>(line) else { continue };
            n_entries += 1;
            let micros =
                stamp.ts.map(|ts| (ts * 1e6).round()).filter(|micros| micros.is_finite() && micros.abs() < 9e15);
            let time = micros.map(|micros| Timestamp::from_micros(micros as i64));
            if stamp.t != TapeKind::Header && !stamp.prelude && time.is_some() {
                first = first.or(time);
                last = last.max(time);
            }
        }
    }
    let (Some(start), Some(end)) = (first, last) else {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "no entry in it has a time"));
    };
    // An answer may be stamped a little before what was read before it.
    Ok(Contents { start, end: end.max(start), n_entries })
}

/// The instruments that the beginning of a tape names, under `name`.
pub fn instruments(paths: &[PathBuf], venue: &str, name: &Venue) -> BTreeSet<InstrumentId> {
    let mut found = BTreeSet::new();
    let Ok(mut replay) = Replay::under(venue, name) else { return found };
    let mut n_entries = 0;
    for path in paths {
        let Ok(mut file) = TapeFile::open(path) else { continue };
        while let Ok(Some(line)) = file.next_line() {
            if n_entries >= LOOKED_AT {
                return found;
            }
            n_entries += 1;
            if let Some(entry) = std::str::from_utf8(line).ok().and_then(|text| TapeEntry::parse(text).ok()) {
                replay.feed(&entry, |event| {
                    if !found.contains(&event.instrument) {
                        found.insert(event.instrument.clone());
                    }
                });
            }
        }
    }
    found
}

/// Unpackers pass over frames that begin with it (RFC 8878, 3.1.2).
const SKIPPABLE: u32 = 0x184D_2A50;
const FOOTER_MARK: &[u8; 8] = b"TTFOOTER";
const FOOTER_BYTES: u32 = 4_096;
/// Entries looked at for instruments: a second or two of a loud feed.
const LOOKED_AT: usize = 2_000;
