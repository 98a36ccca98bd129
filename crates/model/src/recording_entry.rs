//! The recording format: JSON lines, one entry a line, the venue's text kept verbatim.
//!
//! Recordings and captures share it. Reading files, decompressing and pacing are the shells' work. `ts` is the receive
//! time in seconds since the epoch.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::{error::ModelError, time::Timestamp};

/// What an entry records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EntryKind {
    /// About the recording itself.
    Header,
    /// A connection was opened.
    Connect,
    /// A frame we sent.
    Send,
    /// A frame we received.
    Recv,
    /// A REST answer.
    Http,
    /// A connection was closed.
    Close,
}

/// One line of a recording.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RecordingEntry<'a> {
    /// What it records.
    pub t: EntryKind,
    /// Receive time in seconds since the epoch; a missing one repeats the entry's before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ts: Option<f64>,
    /// Which connection; recordings with a single one leave it out.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub conn: Option<Cow<'a, str>>,
    /// Where to; some recorders call it `addr`.
    #[serde(borrow, default, alias = "addr", skip_serializing_if = "Option::is_none")]
    pub url: Option<Cow<'a, str>>,
    /// The verbatim text of the frame or body.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub data: Option<Cow<'a, str>>,
    /// The body of the question that an `http` entry answers, where it had one.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub request: Option<Cow<'a, str>>,
    /// True for what a recorder that began in the middle knew already: earlier answers, and images of books made from
    /// its own. Counts where the recording begins; where it continues another it is passed over.
    #[serde(rename = "prelude", default, skip_serializing_if = "std::ops::Not::not")]
    pub is_prelude: bool,
}

impl<'a> RecordingEntry<'a> {
    /// Reads one line.
    ///
    /// # Errors
    /// [`ModelError::RecordingEntry`] where the line is no JSON object of this shape.
    pub fn parse(line: &'a str) -> Result<Self, ModelError> {
        serde_json::from_str(line).map_err(|error| ModelError::RecordingEntry { reason: error.to_string() })
    }

    /// The receive time to the microsecond; `None` where the entry has none or it is no time.
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
