//! Channel `replay`: the state of the server's replay of a recording.
//!
//! As in `consolidated`, a delta carries the whole state: a replay that is no longer loaded must not remain. Not here:
//! the replayed data, which comes in the channels of its instruments.

use model::instrument::{InstrumentId, Venue};
use serde::{Deserialize, Serialize};

use crate::{
    error::FieldError,
    limits::MAX_ENTRIES,
    payload::{FieldReader, FieldWriter, Merge, Payload, check_length, oldest, when},
};

/// The server's replay.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ReplayData {
    /// The state; `None` if nothing is loaded.
    pub replay: Option<ReplayReport>,
}

/// The state of a replay.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ReplayReport {
    /// The files, in order.
    pub files: Vec<String>,
    /// The venue name of the replayed instruments.
    pub venue: Venue,
    /// The instruments known so far.
    pub instruments: Vec<InstrumentId>,
    /// State: playing, paused or ended.
    pub state: PlayState,
    /// Time of the first entry, milliseconds since the epoch.
    pub start_ms: i64,
    /// Time of the last entry.
    pub end_ms: i64,
    /// Time of the current position.
    pub position_ms: i64,
    /// Multiple of the recorded speed.
    pub speed: f64,
    /// True if the machine cannot keep up with that speed.
    pub is_behind: bool,
    /// Entries played so far.
    pub n_entries: u64,
    /// Events produced so far.
    pub n_events: u64,
    /// Unreadable lines, and places where a file breaks off.
    pub n_bad_lines: u64,
    /// The fingerprint of all events once the recording has ended, the same as from `decode --hash`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub events_sha256: Option<String>,
}

/// The phase of a replay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum PlayState {
    /// The replay plays.
    Playing,
    /// The replay is paused.
    Paused,
    /// The replay is jumping to another time.
    Seeking,
    /// The recording has ended.
    Ended,
}

impl PlayState {
    /// Returns the word shown to people and programs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Playing => "playing",
            Self::Paused => "paused",
            Self::Seeking => "seeking",
            Self::Ended => "ended",
        }
    }
}

impl Merge for ReplayData {
    fn merge(&mut self, delta: &Self) {
        self.clone_from(delta);
    }

    fn diff(&self, newer: &Self) -> Option<Self> {
        (self != newer).then(|| newer.clone())
    }
}

impl Payload for ReplayData {
    fn write(&self, writer: &mut impl FieldWriter) {
        writer.mask([
            self.replay.is_some(),
            self.replay.as_ref().is_some_and(|replay| replay.is_behind),
            self.replay.as_ref().is_some_and(|replay| replay.events_sha256.is_some()),
        ]);
        let Some(replay) = &self.replay else { return };
        let files = oldest(&replay.files, MAX_ENTRIES);
        writer.count(files.len());
        files.iter().for_each(|file| writer.text(file));
        writer.text(replay.venue.as_str());
        let instruments = oldest(&replay.instruments, MAX_ENTRIES);
        writer.count(instruments.len());
        instruments.iter().for_each(|instrument| writer.text(&instrument.to_string()));
        writer.coded(&PLAY_STATES, &replay.state);
        [replay.start_ms, replay.end_ms, replay.position_ms].into_iter().for_each(|time| writer.time(time));
        // As bits: unlike a price, a speed has no digits to preserve.
        writer.unsigned(replay.speed.to_bits());
        [replay.n_entries, replay.n_events, replay.n_bad_lines].into_iter().for_each(|count| writer.unsigned(count));
        replay.events_sha256.iter().for_each(|hash| writer.text(hash));
    }

    fn read(reader: &mut impl FieldReader) -> Result<Self, FieldError> {
        let mask = reader.mask(3)?;
        let replay = when(mask, 0, || {
            let n_files = reader.count("files", MAX_ENTRIES)?;
            let files = (0..n_files).map(|_| reader.text().map(str::to_owned)).collect::<Result<_, _>>()?;
            let venue = Venue::new(reader.text()?);
            let n_instruments = reader.count("instruments", MAX_ENTRIES)?;
            let instruments = (0..n_instruments).map(|_| reader.instrument()).collect::<Result<_, _>>()?;
            Ok(ReplayReport {
                files,
                venue,
                instruments,
                state: reader.coded("play state", &PLAY_STATES)?,
                start_ms: reader.time()?,
                end_ms: reader.time()?,
                position_ms: reader.time()?,
                speed: f64::from_bits(reader.unsigned()?),
                is_behind: mask & 1 << 1 != 0,
                n_entries: reader.unsigned()?,
                n_events: reader.unsigned()?,
                n_bad_lines: reader.unsigned()?,
                events_sha256: when(mask, 2, || reader.text().map(str::to_owned))?,
            })
        })?;
        Ok(Self { replay })
    }

    fn check(&self) -> Result<(), FieldError> {
        let longest = self.replay.iter().map(|replay| replay.files.len().max(replay.instruments.len())).max();
        check_length("files", longest.unwrap_or(0), MAX_ENTRIES)
    }
}

// The positions are the numbers in the binary form: append only.
const PLAY_STATES: [PlayState; 4] = [PlayState::Playing, PlayState::Paused, PlayState::Seeking, PlayState::Ended];

#[cfg(test)]
mod tests {
    use super::*;

    fn loaded(position_ms: i64) -> ReplayData {
        let replay = ReplayReport {
            files: vec!["a.jsonl".to_owned()],
            venue: Venue::new("binance").as_replay(),
            instruments: Vec::new(),
            state: PlayState::Playing,
            start_ms: 0,
            end_ms: 9_000,
            position_ms,
            speed: 1.0,
            is_behind: false,
            n_entries: 0,
            n_events: 0,
            n_bad_lines: 0,
            events_sha256: None,
        };
        ReplayData { replay: Some(replay) }
    }

    #[test]
    fn what_is_unloaded_goes() {
        let mut page = ReplayData::default();
        for newer in [loaded(1), loaded(2), ReplayData::default(), loaded(0)] {
            let delta = page.diff(&newer).unwrap();
            page.merge(&delta);
            assert_eq!(page, newer);
            assert_eq!(page.diff(&newer), None);
        }
    }
}
