//! The beginning and end of a recording's file: the header line, a line for missing entries, and the footer.
//!
//! Our own files end with a footer in a frame that decompressors skip; a file without one was cut off by a kill or a
//! full disk, or was made elsewhere. Not here: the lines between ([`crate::entry`]).

use model::{
    recording_entry::{EntryKind, RecordingEntry},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// The contents of a file's header.
#[derive(Clone, Debug)]
pub struct Header {
    /// The venue.
    pub venue: String,
    /// The symbols that the feed follows.
    pub symbols: Vec<String>,
    /// `recording`, or `last` for a saved half minute.
    pub kind: &'static str,
}

impl Header {
    /// Returns the first line, including its end.
    pub fn line(&self, begin: Timestamp, part: u32) -> String {
        let line = json!({
            "t": "header",
            "ts": begin.as_micros() as f64 / 1e6,
            "venue": self.venue,
            "symbols": self.symbols,
            "started": begin.to_string(),
            "version": env!("CARGO_PKG_VERSION"),
            "kind": self.kind,
            "part": part,
        });
        format!("{line}\n")
    }
}

/// Returns the line that marks missing entries, including its end.
pub fn lost_line(time: Timestamp, n_lost: u64) -> String {
    format!("{}\n", json!({ "t": "header", "ts": time.as_micros() as f64 / 1e6, "lost": n_lost }))
}

/// Returns the name of a file without its extension: `binance-20261121T140000123Z`, a saved half minute with
/// `-last30s`. Milliseconds distinguish two files of the same second.
pub fn stem(venue: &str, time: Timestamp, kind: &str) -> String {
    let digits: String = time.to_string().chars().filter(|char| char.is_ascii_digit() || *char == 'T').collect();
    format!("{venue}-{digits}Z{}", if kind == "last" { "-last30s" } else { "" })
}

/// The first line of any recording; a recording made elsewhere may lack every field.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct Head {
    /// The venue of the frames.
    pub venue: Option<String>,
    /// The symbols followed.
    #[serde(default)]
    pub symbols: Vec<String>,
    /// Time at which it began, seconds since the epoch.
    pub ts: Option<f64>,
    /// `recording` or `last`.
    pub kind: Option<String>,
}

impl Head {
    /// Reads a first line; a line that is not a header gives no fields.
    pub fn of(line: &[u8]) -> Self {
        let is_header = std::str::from_utf8(line).ok().and_then(|text| RecordingEntry::parse(text).ok());
        is_header
            .filter(|entry| entry.t == EntryKind::Header)
            .and_then(|_| serde_json::from_slice(line).ok())
            .unwrap_or_default()
    }
}

/// The end of a complete file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Footer {
    /// Entries, without headers and preludes.
    pub n_entries: u64,
    /// Entries lost.
    pub n_lost: u64,
    /// Time of the first entry, microseconds since the epoch.
    pub first_us: Option<i64>,
    /// Time of the last entry.
    pub last_us: Option<i64>,
}

impl Footer {
    /// Counts an entry.
    pub fn note(&mut self, time: Timestamp) {
        self.n_entries += 1;
        self.first_us.get_or_insert(time.as_micros());
        self.last_us = self.last_us.max(Some(time.as_micros()));
    }

    /// Returns a frame that decompressors skip: magic number, length, content, and at its end the length needed to find
    /// its beginning.
    pub fn to_frame(&self) -> Vec<u8> {
        // A struct of numbers always has a JSON form.
        let mut content = serde_json::to_vec(self).unwrap_or_default();
        let length = u32::try_from(content.len()).unwrap_or_default();
        content.extend(length.to_le_bytes());
        content.extend(FOOTER_MARK);
        let size = u32::try_from(content.len()).unwrap_or_default();
        [SKIPPABLE.to_le_bytes().as_slice(), &size.to_le_bytes(), &content].concat()
    }

    /// Returns the length of the footer's content, if `end` (the last [`END_BYTES`] bytes of a file) marks one.
    pub fn content_bytes(end: &[u8]) -> Option<u32> {
        let (length, mark) = end.split_first_chunk::<4>()?;
        let length = u32::from_le_bytes(*length);
        (mark == FOOTER_MARK && length <= FOOTER_BYTES).then_some(length)
    }

    /// Parses the content, which precedes the last [`END_BYTES`] bytes.
    pub fn parse(content: &[u8]) -> Option<Self> {
        serde_json::from_slice(content).ok()
    }
}

/// Decompressors skip frames that begin with this number (RFC 8878, 3.1.2).
const SKIPPABLE: u32 = 0x184D_2A50;
const FOOTER_MARK: &[u8; 8] = b"TTFOOTER";
const FOOTER_BYTES: u32 = 4_096;
/// Length of the end of a complete file: the length of its footer and a mark.
pub const END_BYTES: usize = 4 + FOOTER_MARK.len();
/// The file extension of our recordings.
pub const ENDING: &str = ".jsonl.zst";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_whose_and_when() {
        let time = Timestamp::from_micros(1_763_668_000_123_456);
        assert_eq!(stem("binance", time, "recording"), "binance-20251120T194640123Z");
        assert_eq!(stem("binance", time, "last"), "binance-20251120T194640123Z-last30s");
    }

    #[test]
    fn a_header_says_whose_frames_they_are() {
        let header = Header { venue: "a".into(), symbols: vec!["X".into()], kind: "last" };
        let line = header.line(Timestamp::from_millis(1_500), 2);
        let head = Head::of(line.as_bytes());
        assert_eq!(
            (head.venue.as_deref(), head.symbols.as_slice(), head.ts),
            (Some("a"), ["X".to_owned()].as_slice(), Some(1.5))
        );
        for line in [b"".as_slice(), b"{}", br#"{"t":"recv","venue":"a"}"#, b"\xff"] {
            assert_eq!(Head::of(line), Head::default(), "{line:?}");
        }
    }

    #[test]
    fn a_footer_is_found_from_the_end() {
        let mut footer = Footer::default();
        [5, 3, 9].into_iter().for_each(|us| footer.note(Timestamp::from_micros(us)));
        let frame = footer.to_frame();
        let (rest, end) = frame.split_at(frame.len() - END_BYTES);
        let length = usize::try_from(Footer::content_bytes(end).unwrap()).unwrap();
        assert_eq!(Footer::parse(&rest[rest.len() - length..]), Some(footer));
        assert_eq!(Footer::content_bytes(&[0; END_BYTES]), None);
    }
}
