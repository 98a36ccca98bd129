//! The context that a recording needs if it begins midway: the venue's latest answers, the open connections, and
//! snapshot frames of the books and candles.
//!
//! All of it has the time of the beginning and is marked, so that a player uses it where the recording begins and skips
//! it where the recording continues another. Not here: how books and candles become snapshot frames (the venue's
//! session).

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use model::{recording_entry::EntryKind, time::Timestamp};
use venues::session::SnapshotFrame;

use crate::{
    entry::{Body, RawEntry},
    secrets,
};

/// The answers and connections of one feed.
#[derive(Clone, Debug, Default)]
pub struct ConnectionContext {
    /// The latest answers by path, oldest first, one for each address.
    answers: BTreeMap<String, VecDeque<RawEntry>>,
    /// Open connections by slot.
    open: BTreeMap<u32, RawEntry>,
}

impl ConnectionContext {
    /// Keeps an answer of the venue; `path` is the request's without parameters. The newest answers are kept, up to
    /// [`PATH_ANSWERS`] and [`PATH_BYTES`] for each path, so that many answers of one kind cannot displace another.
    pub fn answered(&mut self, path: &str, entry: RawEntry) {
        if entry.size_bytes() > PATH_BYTES || (!self.answers.contains_key(path) && self.answers.len() >= PATHS) {
            return;
        }
        let kept = self.answers.entry(path.to_owned()).or_default();
        kept.retain(|older| older.url != entry.url);
        kept.push_back(entry);
        while kept.len() > PATH_ANSWERS || kept.iter().map(RawEntry::size_bytes).sum::<usize>() > PATH_BYTES {
            kept.pop_front();
        }
    }

    /// Notes an open connection.
    pub fn connected(&mut self, entry: RawEntry) {
        self.open.insert(entry.slot, entry);
    }

    /// Removes a closed connection.
    pub fn closed(&mut self, slot: u32) {
        self.open.remove(&slot);
    }

    /// Returns the context as of `time`. Snapshot frames beyond [`SNAPSHOT_BYTES`] are left out, last ones first: their
    /// books return with the venue's next snapshot. `slot_of` returns the slot of a connection.
    pub fn prelude(
        &self,
        snapshots: impl IntoIterator<Item = SnapshotFrame>,
        base: &str,
        slot_of: impl Fn(&SnapshotFrame) -> u32,
        time: Timestamp,
    ) -> Vec<RawEntry> {
        let mut bytes = 0;
        let snapshots: Vec<RawEntry> = snapshots
            .into_iter()
            .map(|snapshot| {
                let slot = slot_of(&snapshot);
                let (kind, url, text) = match snapshot {
                    SnapshotFrame::Answer { path, query, body } => {
                        (EntryKind::Http, Some(Arc::from(address(base, &path, &query))), body)
                    }
                    SnapshotFrame::Frame(_, text) => (EntryKind::Recv, None, text),
                };
                RawEntry { kind, time, slot, url, request: None, body: Body::Text(text.into()), is_prelude: true }
            })
            .take_while(|entry| {
                bytes += entry.size_bytes();
                bytes <= SNAPSHOT_BYTES
            })
            .collect();
        let (answers, frames): (Vec<_>, Vec<_>) =
            snapshots.into_iter().partition(|entry| entry.kind == EntryKind::Http);
        // Snapshot frames follow the answers of the same path: the later one counts. Frames need their connection.
        let known = self.answers.values().flatten().cloned().chain(answers).chain(self.open.values().cloned());
        known.chain(frames).map(|entry| RawEntry { time, is_prelude: true, ..entry }).collect()
    }
}

/// Returns a whole address: base, path and escaped query, without secrets.
pub fn address(base: &str, path: &str, query: &[(&'static str, String)]) -> String {
    let mut url = format!("{base}{path}");
    for (idx, (name, value)) in query.iter().enumerate() {
        url.push(if idx == 0 { '?' } else { '&' });
        url.push_str(&secrets::escape(name));
        url.push('=');
        url.push_str(&secrets::escape(value));
    }
    let known = secrets::address(&url);
    if known.is_empty() { path.to_owned() } else { known }
}

/// Paths whose answers are kept; venues have only a few.
const PATHS: usize = 16;
/// Answers kept for one path: descriptions of symbols come in a few pages.
const PATH_ANSWERS: usize = 16;
/// Bytes kept for one path.
const PATH_BYTES: usize = 2 << 20;
/// Bytes of all snapshot frames at one time; a book of 1,000 levels a side takes about 60 kB.
const SNAPSHOT_BYTES: usize = 8 << 20;
/// Levels a side in a snapshot frame: more than any page shows. Deeper levels return with their next change.
pub const SNAPSHOT_DEPTH: usize = 1_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(kind: EntryKind, url: &str, text: &str) -> RawEntry {
        let body = Body::Text(text.into());
        RawEntry {
            kind,
            time: Timestamp::EPOCH,
            slot: 0,
            url: Some(url.into()),
            request: None,
            body,
            is_prelude: false,
        }
    }

    fn snapshot(text: &str) -> SnapshotFrame {
        SnapshotFrame::Answer { path: "/depth".into(), query: vec![("symbol", "A/B".into())], body: text.into() }
    }

    #[test]
    fn the_latest_answers_come_first_then_snapshots_then_connections() {
        let mut known = ConnectionContext::default();
        known.connected(entry(EntryKind::Connect, "wss://x.test/ws", ""));
        known.connected(RawEntry { slot: 1, ..entry(EntryKind::Connect, "wss://x.test/gone", "") });
        known.closed(1);
        for text in ["old", "new"] {
            known.answered("/info", entry(EntryKind::Http, "https://x.test/info", text));
        }
        (0..100)
            .for_each(|n| known.answered("/bars", entry(EntryKind::Http, &format!("https://x.test/bars?n={n}"), "")));
        known.answered("/large", entry(EntryKind::Http, "https://x.test/large", &"x".repeat(PATH_BYTES)));
        let time = Timestamp::from_millis(5);
        let prelude = known.prelude(vec![snapshot("book")], "https://x.test/proxy", |_| 0, time);
        assert!(prelude.iter().all(|entry| entry.is_prelude && entry.time == time));
        let urls: Vec<&str> = prelude.iter().filter_map(|entry| entry.url.as_deref()).collect();
        assert_eq!(urls.len(), PATH_ANSWERS + 3);
        assert_eq!(urls[0], "https://x.test/bars?n=84");
        assert_eq!(
            urls[PATH_ANSWERS..],
            ["https://x.test/info", "https://x.test/proxy/depth?symbol=A%2FB", "wss://x.test/ws"]
        );
        assert!(matches!(&prelude[PATH_ANSWERS].body, Body::Text(text) if text.as_str() == "new"));
    }

    #[test]
    fn snapshots_are_bounded() {
        let large = "x".repeat(SNAPSHOT_BYTES / 2);
        let snapshots = vec![snapshot(&large), snapshot(&large), snapshot("small")];
        let prelude = ConnectionContext::default().prelude(snapshots, "https://x.test", |_| 0, Timestamp::EPOCH);
        assert_eq!(prelude.len(), 1);
    }
}
