//! Plays a recording: entries in file order, up to a given time in the recording.
//!
//! The caller decides how far to play. The events are the same at any pace, as their fingerprint shows. Not here: the
//! source of lines ([`crate::lines`]), the pace ([`crate::player`]).

use model::{
    event::MarketEvent,
    instrument::Venue,
    recording_entry::{EntryKind, RecordingEntry},
    time::Timestamp,
};
use venues::{error::VenueError, replay::Replay};

use crate::{event_hash::EventHash, lines::Lines};

/// Result of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// All entries up to the requested time were played.
    Reached,
    /// More entries remain before the requested time.
    More,
    /// The recording has ended.
    End,
}

/// Receives the events of a playback.
pub trait PlaybackObserver {
    /// Called with each event, in order.
    fn event(&mut self, event: &MarketEvent);

    /// Called once all events of an entry have been shown.
    fn entry_end(&mut self, replay: &mut Replay);
}

struct OnEvent<F>(F);

impl<F: FnMut(&MarketEvent)> PlaybackObserver for OnEvent<F> {
    fn event(&mut self, event: &MarketEvent) {
        (self.0)(event);
    }

    fn entry_end(&mut self, _: &mut Replay) {}
}

/// A recording, and what has been counted so far.
pub struct Playback<L> {
    lines: L,
    protocol: String,
    name: Venue,
    /// A line beyond the time requested last.
    ahead: Option<String>,
    last_time: Timestamp,
    replay: Replay,
    hash: EventHash,
    n_entries: u64,
    n_bad_lines: u64,
}

impl<L: Lines> Playback<L> {
    /// Creates a playback at the beginning. `protocol` is the venue's own name, `name` the venue name of its
    /// instruments.
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

    /// Returns to the beginning.
    pub fn rewind(&mut self) {
        // The venue was known before.
        let Ok(replay) = Replay::under(&self.protocol, &self.name) else { return };
        self.lines.rewind();
        (self.ahead, self.last_time, self.replay) = (None, Timestamp::EPOCH, replay);
        (self.hash, self.n_entries, self.n_bad_lines) = (EventHash::new(&self.protocol), 0, 0);
    }

    /// Plays at most `max_entries` entries at or before `target`.
    pub fn play(&mut self, target: Timestamp, max_entries: usize, on_event: impl FnMut(&MarketEvent)) -> Step {
        self.play_to(target, max_entries, &mut OnEvent(on_event))
    }

    /// As [`Self::play`], with an observer that also learns where each entry ends.
    pub fn play_to(&mut self, target: Timestamp, max_entries: usize, observer: &mut impl PlaybackObserver) -> Step {
        let Self { replay, hash, last_time, n_entries, .. } = self;
        let mut take = |line: &str, is_late: &mut bool| -> Option<bool> {
            let entry = RecordingEntry::parse(line).ok()?;
            // A header says when the file was made, which may be later than its entries: nothing waits for that time.
            let time = entry.receive_time().filter(|_| entry.t != EntryKind::Header).unwrap_or(*last_time);
            if time > target {
                *is_late = true;
                return Some(false);
            }
            *last_time = time;
            *n_entries += 1;
            replay.feed(&entry, |event| {
                hash.add(event);
                observer.event(event);
            });
            observer.entry_end(replay);
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
                    // A truncated recording is still played as far as it goes; another file may follow.
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

    /// Returns the replay, which lends books and health and is asked for history.
    pub fn replay(&mut self) -> &mut Replay {
        &mut self.replay
    }

    /// Returns the replay for reading.
    pub fn replay_ref(&self) -> &Replay {
        &self.replay
    }

    /// Returns the number of entries played.
    pub fn n_entries(&self) -> u64 {
        self.n_entries
    }

    /// Returns the number of invalid lines, plus the places where a file was truncated.
    pub fn n_bad_lines(&self) -> u64 {
        self.n_bad_lines
    }

    /// Returns the fingerprint of the events so far.
    pub fn hash(&self) -> &EventHash {
        &self.hash
    }
}

#[cfg(test)]
mod tests;
