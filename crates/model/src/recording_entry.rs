//! The recording format: JSON lines, one entry a line, with the venue's text verbatim.
//!
//! Recordings and captures share it. Not here: reading files, decompressing and pacing, which the callers do. `ts` is
//! the receive time in seconds since the epoch.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::{error::ModelError, time::Timestamp};

/// The kinds of entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EntryKind {
    /// Describes the recording itself.
    Header,
    /// A connection was opened.
    Connect,
    /// A frame we sent.
    Send,
    /// A frame we received.
    Recv,
    /// A REST response.
    Http,
    /// A connection was closed.
    Close,
}

/// One line of a recording.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RecordingEntry<'a> {
    /// The kind of entry.
    pub t: EntryKind,
    /// Receive time in seconds since the epoch; if missing, the time of the previous entry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ts: Option<f64>,
    /// The connection; recordings with a single one omit it.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub conn: Option<Cow<'a, str>>,
    /// The address; some recorders call it `addr`.
    #[serde(borrow, default, alias = "addr", skip_serializing_if = "Option::is_none")]
    pub url: Option<Cow<'a, str>>,
    /// The verbatim text of the frame or body.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub data: Option<Cow<'a, str>>,
    /// The body of the request that an `http` entry answers, if it had one.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub request: Option<Cow<'a, str>>,
    /// True for what a recorder that began midway already knew: earlier answers, and snapshot frames made from its own
    /// books. Counts where the recording begins; skipped where it continues another.
    #[serde(rename = "prelude", default, skip_serializing_if = "std::ops::Not::not")]
    pub is_prelude: bool,
}

impl<'a> RecordingEntry<'a> {
    /// Parses one line.
    ///
    /// # Errors
    /// [`ModelError::RecordingEntry`] if the line is not a JSON object of this shape.
    pub fn parse(line: &'a str) -> Result<Self, ModelError> {
        serde_json::from_str(line).map_err(|error| ModelError::RecordingEntry { reason: error.to_string() })
    }

    /// Returns the receive time to the microsecond; `None` if the entry has none or an invalid one.
    pub fn receive_time(&self) -> Option<Timestamp> {
        let micros = (self.ts? * 1e6).round();
        (micros.is_finite() && micros.abs() < 9e15).then_some(Timestamp::from_micros(micros as i64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_both_spellings_of_the_address() {
        for line in [
            r#"{"t":"connect","conn":"a","addr":"wss://x/ws"}"#,
            r#"{"t":"connect","conn":"a","url":"wss://x/ws","extra":[1]}"#,
        ] {
            let entry = RecordingEntry::parse(line).unwrap();
            assert_eq!((entry.t, entry.url.as_deref()), (EntryKind::Connect, Some("wss://x/ws")));
            assert_eq!(entry.receive_time(), None);
        }
    }

    #[test]
    fn keeps_the_frame_verbatim() {
        let entry = RecordingEntry::parse(r#"{"t":"recv","ts":1723161253.9370856,"data":"{\"p\":\"1.50\"}"}"#).unwrap();
        assert_eq!(entry.data.as_deref(), Some(r#"{"p":"1.50"}"#));
        assert_eq!(entry.receive_time(), Some(Timestamp::from_micros(1_723_161_253_937_086)));
    }

    #[test]
    fn unusable_lines_are_errors() {
        for line in ["", "[]", "{}", r#"{"t":"other"}"#, r#"{"t":"recv","data":5}"#] {
            assert!(RecordingEntry::parse(line).is_err(), "{line}");
        }
        assert_eq!(RecordingEntry::parse(r#"{"t":"recv","ts":1e300}"#).unwrap().receive_time(), None);
    }
}
