//! A recording being played: entries in file order, as far as a moment of the recording.
//!
//! Whoever drives it says how far. The events are the same however it is driven, which their fingerprint shows. Not
//! here: where lines come from ([`crate::lines`]), pace ([`crate::player`]).

use model::{
    event::MarketEvent,
    instrument::Venue,
    recording_entry::{EntryKind, RecordingEntry},
    time::Timestamp,
};
use venues::{error::VenueError, replay::Replay};

use crate::{event_hash::EventHash, lines::Lines};

/// How far a step came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Everything up to the moment asked for was taken.
    Reached,
    /// There is more before it.
    More,
    /// The recording is over.
    End,
}

/// A recording, and what it said so far.
pub struct Playback<L> {
    lines: L,
    protocol: String,
    name: Venue,
    /// A line that lies beyond the moment asked for last.
    ahead: Option<String>,
    last_time: Timestamp,
    replay: Replay,
    hash: EventHash,
    n_entries: u64,
    n_bad_lines: u64,
}

impl<L: Lines> Playback<L> {
    /// At the beginning. `protocol` is the venue's own name, `name` the one its instruments carry.
    ///
    /// # Errors
    /// The venue is unknown.
    pub fn new(lines: L, protocol: &str, name: &Venue) -> Result<Self, VenueError> {
        Ok(Self {
            lines,
            protocol: protocol.to_owned(),
            name: name.clone(),
            ahead: None,
            last_time: Timestamp::EPOCH,
            replay: Replay::under(protocol, name)?,
            hash: EventHash::new(protocol),
            n_entries: 0,
            n_bad_lines: 0,
        })
    }

    /// Goes back to the beginning.
    pub fn rewind(&mut self) {
        // The venue was known before.
        let Ok(replay) = Replay::under(&self.protocol, &self.name) else { return };
        self.lines.rewind();
        (self.ahead, self.last_time, self.replay) = (None, Timestamp::EPOCH, replay);
        (self.hash, self.n_entries, self.n_bad_lines) = (EventHash::new(&self.protocol), 0, 0);
    }

    /// Takes at most `max_entries` entries that lie at `target` or before it.
    pub fn play(&mut self, target: Timestamp, max_entries: usize, mut on_event: impl FnMut(&MarketEvent)) -> Step {
        let Self { replay, hash, last_time, n_entries, .. } = self;
        let mut take = |line: &str, is_late: &mut bool| -> Option<bool> {
            let entry = RecordingEntry::parse(line).ok()?;
            // A header says when the file was made, which may be after what it holds: nothing waits for that.
            let time = entry.receive_time().filter(|_| entry.t != EntryKind::Header).unwrap_or(*last_time);
            if time > target {
                *is_late = true;
                return Some(false);
            }
            *last_time = time;
            *n_entries += 1;
            replay.feed(&entry, |event| {
                hash.add(event);
                on_event(event);
            });
            Some(true)
        };
        let mut is_late = false;
        if let Some(line) = self.ahead.take() {
            let _readable_before = take(&line, &mut is_late);
            if is_late {
                self.ahead = Some(line);
                return Step::Reached;
            }
        }
        for _ in 0..max_entries {
            match self.lines.advance() {
                Ok(true) => {}
                Ok(false) => return Step::End,
                Err(_) => {
                    // A recording cut off in the middle is worth as much as it holds; another file may go on.
                    self.n_bad_lines += 1;
                    continue;
                }
            }
            let line = self.lines.line();
            if line.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            let text = std::str::from_utf8(line).unwrap_or_default();
            if take(text, &mut is_late).is_none() {
                self.n_bad_lines += 1;
            }
            if is_late {
                self.ahead = Some(text.to_owned());
                return Step::Reached;
            }
        }
        Step::More
    }

    /// What lends books and health, and is asked for history.
    pub fn replay(&mut self) -> &mut Replay {
        &mut self.replay
    }

    /// The same, to be looked at.
    pub fn replay_ref(&self) -> &Replay {
        &self.replay
    }

    /// Entries taken.
    pub fn n_entries(&self) -> u64 {
        self.n_entries
    }

    /// Lines that were no entry of a recording, and places where a file broke off.
    pub fn n_bad_lines(&self) -> u64 {
        self.n_bad_lines
    }

    /// The fingerprint of the events so far.
    pub fn hash(&self) -> &EventHash {
        &self.hash
    }
}

#[cfg(test)]
mod tests;
