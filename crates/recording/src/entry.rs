//! An exchange between a feed and its venue, and its line in a recording.
//!
//! Entries share their text with the code that handles it: keeping one copies nothing. The line has the fields of
//! [`model::recording_entry::RecordingEntry`]; content without a field there (a refused answer, a binary frame) uses
//! other names, so that players skip it.

use std::{fmt::Write as _, io, sync::Arc};

use bytes::Bytes;
use model::{recording_entry::EntryKind, time::Timestamp};
use serde::Serialize;

use crate::text::Text;

/// One frame, answer or connection event.
#[derive(Clone, Debug)]
pub struct RawEntry {
    /// The kind of entry.
    pub kind: EntryKind,
    /// Receive time: when the session saw it, on our clock.
    pub time: Timestamp,
    /// The number, from 0, of the connection among those open at the same time; lines of connection 0 omit it.
    pub slot: u32,
    /// The address, without secrets.
    pub url: Option<Arc<str>>,
    /// The body of the request, if the answered request had one.
    pub request: Option<Arc<str>>,
    /// The content.
    pub body: Body,
    /// True for data known before the recording began.
    pub is_prelude: bool,
}

/// The content of an entry.
#[derive(Clone, Debug)]
pub enum Body {
    /// Nothing.
    None,
    /// Verbatim text.
    Text(Text),
    /// A binary frame, which no session reads.
    Binary(Bytes),
    /// An unsuccessful answer: status and body.
    Refusal(u16, Text),
}

#[derive(Serialize)]
struct Line<'a> {
    t: EntryKind,
    ts: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    conn: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hex: Option<String>,
    #[serde(rename = "prelude", skip_serializing_if = "std::ops::Not::not")]
    is_prelude: bool,
}

impl RawEntry {
    /// Returns the approximate bytes it keeps alive: its text and the surrounding structure.
    pub fn size_bytes(&self) -> usize {
        let body = match &self.body {
            Body::None => 0,
            Body::Text(text) | Body::Refusal(_, text) => text.len(),
            Body::Binary(bytes) => bytes.len(),
        };
        body + size_of::<Self>()
    }

    /// Writes its line, including the line end.
    ///
    /// # Errors
    /// `out` cannot be written.
    pub fn write(&self, out: &mut impl io::Write) -> io::Result<()> {
        let mut line = Line {
            t: self.kind,
            ts: self.time.as_micros() as f64 / 1e6,
            conn: (self.slot > 0).then(|| (self.slot + 1).to_string()),
            url: self.url.as_deref(),
            request: self.request.as_deref(),
            data: None,
            status: None,
            body: None,
            hex: None,
            is_prelude: self.is_prelude,
        };
        match &self.body {
            Body::None => {}
            Body::Text(text) => line.data = Some(text.as_str()),
            Body::Refusal(status, text) => (line.status, line.body) = (Some(*status), Some(text.as_str())),
            Body::Binary(bytes) => {
                line.hex = Some(bytes.iter().fold(String::new(), |mut hex, byte| {
                    // Writing to a string cannot fail.
                    let _infallible = write!(hex, "{byte:02x}");
                    hex
                }));
            }
        }
        serde_json::to_writer(&mut *out, &line)?;
        out.write_all(b"\n")
    }
}

#[cfg(test)]
mod tests {
    use model::recording_entry::RecordingEntry;

    use super::*;

    #[track_caller]
    fn check(entry: &RawEntry, expected: &str) {
        let mut line = Vec::new();
        entry.write(&mut line).unwrap();
        assert_eq!(String::from_utf8(line).unwrap(), format!("{expected}\n"));
        let read = RecordingEntry::parse(expected).unwrap();
        assert_eq!((read.t, read.receive_time(), read.is_prelude), (entry.kind, Some(entry.time), entry.is_prelude));
    }

    #[test]
    fn lines_are_those_of_a_tape() {
        let entry = RawEntry {
            kind: EntryKind::Recv,
            time: Timestamp::from_micros(1_763_668_000_123_456),
            slot: 0,
            url: None,
            request: None,
            body: Body::Text(r#"{"p":"1.50"}"#.into()),
            is_prelude: false,
        };
        check(&entry, r#"{"t":"recv","ts":1763668000.123456,"data":"{\"p\":\"1.50\"}"}"#);
        let refused = RawEntry {
            kind: EntryKind::Http,
            slot: 1,
            url: Some("https://x.test/a".into()),
            body: Body::Refusal(429, "slow down".into()),
            ..entry.clone()
        };
        check(
            &refused,
            r#"{"t":"http","ts":1763668000.123456,"conn":"2","url":"https://x.test/a","status":429,"body":"slow down"}"#,
        );
        let binary = RawEntry { body: Body::Binary(Bytes::from_static(&[0, 255])), is_prelude: true, ..entry.clone() };
        check(&binary, r#"{"t":"recv","ts":1763668000.123456,"hex":"00ff","prelude":true}"#);
    }
}
