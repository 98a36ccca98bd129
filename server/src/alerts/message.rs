//! One alert for one channel: its identity, and its words.

use model::{
    alert::{
        channel::ChannelId,
        notice::{Notice, Severity},
    },
    time::Timestamp,
};
use serde::Serialize;

/// An alert on its way to a channel.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// The alert, with the count of all that were folded into it.
    pub notice: Notice,
    /// The channel.
    pub channel_id: ChannelId,
}

/// The JSON of a webhook.
#[derive(Serialize)]
struct Body<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    timestamp: String,
    data: &'a Notice,
}

impl Message {
    /// Creates the message that a test of a channel sends.
    pub fn test(channel_id: ChannelId, now: Timestamp) -> Self {
        let notice = Notice {
            notice_id: 0,
            rule_id: String::new(),
            rule_version: 0,
            severity: Severity::Info,
            title: "Truetape test message".to_owned(),
            text: "This channel works.".to_owned(),
            instrument: None,
            value: None,
            level: None,
            bar_time: None,
            event_time: None,
            receive_time: None,
            fired_time: now,
            is_late: false,
            n_folded: 0,
        };
        Self { notice, channel_id }
    }

    /// Returns its identity: the same for every attempt, also after a restart, and never used for another message. The
    /// alert's number alone would come again after a backup was restored.
    pub fn id(&self) -> String {
        format!("{}-{}-{}", self.notice.notice_id, self.notice.fired_time.as_nanos(), self.channel_id)
    }

    /// Returns one line: what happened, and how often.
    pub fn subject(&self) -> String {
        let more = match self.notice.n_folded {
            0 => String::new(),
            n_folded => format!(" (+{n_folded} more)"),
        };
        let urgency = if self.notice.severity == Severity::Critical { "Critical: " } else { "" };
        format!("{urgency}{}{more}", one_line(&self.notice.title))
    }

    /// Returns the rest: a few lines of plain text.
    pub fn text(&self) -> String {
        let notice = &self.notice;
        let mut lines = Vec::new();
        if !notice.text.is_empty() {
            lines.push(notice.text.clone());
        }
        lines.extend(notice.instrument.as_ref().map(|instrument| format!("Instrument: {instrument}")));
        lines.extend(notice.value.as_ref().map(|value| format!("Value: {value}")));
        lines.extend(notice.level.as_ref().map(|level| format!("Level: {level}")));
        let late = if notice.is_late { ", noticed late" } else { "" };
        lines.push(format!("Time: {}{late}", notice.event_time.unwrap_or(notice.fired_time)));
        if notice.n_folded > 0 {
            lines.push(format!("{} more alerts of this rule are counted in this message.", notice.n_folded));
        }
        lines.join("\n")
    }

    /// Returns the JSON of a webhook.
    pub fn json(&self) -> String {
        let kind = if self.notice.rule_id.is_empty() { "alert.test" } else { "alert.fired" };
        let body = Body { kind, timestamp: self.notice.fired_time.to_string(), data: &self.notice };
        serde_json::to_string(&body).expect("invariant: an alert has string keys only")
    }
}

/// Puts text on one line; control characters are blanks.
pub fn one_line(text: &str) -> String {
    text.chars().map(|char| if char.is_control() { ' ' } else { char }).collect()
}

/// Cuts text to at most `max_units` UTF-16 units, as Telegram counts; a cut shows an ellipsis.
pub fn shorten(text: &str, max_units: usize) -> String {
    if text.encode_utf16().count() <= max_units {
        return text.to_owned();
    }
    let mut n_units = 1;
    let kept: String = text
        .chars()
        .take_while(|char| {
            n_units += char.len_utf16();
            n_units <= max_units
        })
        .collect();
    format!("{kept}…")
}

#[cfg(test)]
mod tests {
    use model::instrument::InstrumentId;

    use super::*;

    fn message() -> Message {
        let test = Message::test(ChannelId::parse("ops").unwrap(), Timestamp::from_millis(1_000));
        let notice = Notice {
            notice_id: 7,
            rule_id: "level".to_owned(),
            severity: Severity::Critical,
            title: "BTCUSDT rose\r\nto 62,000.00".to_owned(),
            text: "Two lines\nof text".to_owned(),
            instrument: InstrumentId::parse("demo:BTCUSDT").ok(),
            value: Some("62000.00".to_owned()),
            level: Some("62000".to_owned()),
            n_folded: 3,
            is_late: true,
            ..test.notice
        };
        Message { notice, ..test }
    }

    #[test]
    fn it_says_what_happened() {
        let message = message();
        assert_eq!(message.id(), "7-1000000000-ops");
        assert_eq!(message.subject(), "Critical: BTCUSDT rose  to 62,000.00 (+3 more)");
        assert_eq!(
            message.text(),
            "Two lines\nof text\nInstrument: demo:BTCUSDT\nValue: 62000.00\nLevel: 62000\n\
             Time: 1970-01-01T00:00:01.000Z, noticed late\n3 more alerts of this rule are counted in this message."
        );
        assert!(message.json().starts_with(r#"{"type":"alert.fired","timestamp":"1970-01-01T00:00:01.000Z","data":{"#));
    }

    #[test]
    fn a_cut_is_seen_and_never_within_a_character() {
        #[track_caller]
        fn check(text: &str, max_units: usize, expected: &str) {
            assert_eq!(shorten(text, max_units), expected);
        }
        check("abc", 3, "abc");
        check("abcd", 3, "ab…");
        check("😀😀", 4, "😀😀");
        check("😀😀😀", 4, "😀…");
    }
}
