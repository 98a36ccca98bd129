//! The bytes that a venue sent in a recording: the payload of its frames, and what a reader of them needs to begin with.

use std::{io::Write, path::PathBuf};

use flate2::{Compression, write::DeflateEncoder};
use model::{
    event::{BookUpdate, MarketEventKind},
    recording_entry::{EntryKind, RecordingEntry},
    time::Timestamp,
};
use recording::lines::Lines;
use server::recorder::files::Files;
use venues::replay::Replay;

/// A venue's frames since a moment, and its whole books.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Raw {
    /// Frames since that moment, without those that brought a whole book.
    pub(crate) n_frames: usize,
    /// Their payload.
    pub(crate) bytes: usize,
    /// The payload of those that brought trades and nothing else.
    pub(crate) trade_bytes: usize,
    /// Their texts in one stream of deflate at level 6: compression of each message, as WebSockets have it, is worse.
    pub(crate) deflated_bytes: usize,
    /// Frames that brought a whole book, and answers, at any time.
    pub(crate) book_bytes: usize,
}

impl Raw {
    /// Reads the files, which are one recording of a venue, and counts frames later than `from`.
    pub(crate) fn read(venue: &str, files: &[PathBuf], from: Timestamp) -> Self {
        let (mut raw, mut time) = (Self::default(), Timestamp::EPOCH);
        let mut deflate = DeflateEncoder::new(Vec::new(), Compression::new(6));
        let mut replay = Replay::new(venue).unwrap();
        let mut lines = Files::new(files);
        while lines.advance().unwrap() {
            let entry = RecordingEntry::parse(std::str::from_utf8(lines.line()).unwrap()).unwrap();
            time = entry.receive_time().unwrap_or(time);
            let (mut n_events, mut n_trades, mut is_book) = (0, 0, false);
            replay.feed(&entry, |event| {
                n_events += 1;
                n_trades += usize::from(matches!(event.kind, MarketEventKind::Trade(_)));
                is_book |= matches!(event.kind, MarketEventKind::Book(BookUpdate::Snapshot { .. }));
            });
            let text = entry.data.as_deref().unwrap_or_default();
            match entry.t {
                EntryKind::Http => raw.book_bytes += text.len(),
                EntryKind::Recv if is_book => raw.book_bytes += text.len(),
                EntryKind::Recv if time > from => {
                    raw.n_frames += 1;
                    raw.bytes += text.len();
                    raw.trade_bytes += if n_trades > 0 && n_trades == n_events { text.len() } else { 0 };
                    deflate.write_all(text.as_bytes()).unwrap();
                }
                _ => {}
            }
        }
        Self { deflated_bytes: deflate.finish().unwrap().len(), ..raw }
    }
}
