//! A fingerprint of the events, books, candles and indicators derived from a recording.
//!
//! The same code runs natively (the program `tape-hash`) and in a browser (the worker's module), and a test compares
//! the two for every recording. Not here: reading files.

use indicators::{bar::Bar, indicator::Indicator, registry::definitions, spec::Spec};
use market::{View, ViewConfig};
use model::{
    candle::{Candle, Interval},
    error::ModelError,
    event::MarketEvent,
    recording_entry::RecordingEntry,
};
use recording::digest::Digest;
use venues::{error::VenueError, replay::Replay};

/// A recording being processed.
pub struct RecordingHash {
    replay: Replay,
    view: View,
    digest: Digest,
    instruments: std::collections::BTreeSet<model::instrument::InstrumentId>,
    n_events: u64,
}

impl RecordingHash {
    /// Creates the fingerprint without any data.
    ///
    /// # Errors
    /// The venue is unknown.
    pub fn new(venue: &str) -> Result<Self, VenueError> {
        Ok(Self {
            replay: Replay::new(venue)?,
            view: View::new(ViewConfig::default()),
            digest: Digest::default(),
            instruments: Default::default(),
            n_events: 0,
        })
    }

    /// Processes whole lines of the recording; empty ones are skipped.
    ///
    /// # Errors
    /// A line is not an entry of a recording.
    pub fn feed(&mut self, lines: &str) -> Result<(), ModelError> {
        let Self { replay, view, digest, instruments, n_events } = self;
        for line in lines.lines().filter(|line| !line.trim().is_empty()) {
            let entry = RecordingEntry::parse(line)?;
            replay.feed(&entry, |event: &MarketEvent| {
                *n_events += 1;
                digest.event(event);
                view.apply(event);
                if !instruments.contains(&event.instrument) {
                    instruments.insert(event.instrument.clone());
                }
            });
        }
        Ok(())
    }

    /// Returns the fingerprint of every event so far, the current books, counters, the candles of every interval, and all
    /// indicators on those of a second and a minute, bit by bit; with the number of events.
    pub fn finish(&self) -> String {
        let mut digest = self.digest;
        let summary = self.replay.summary();
        for (id, book) in &summary.books {
            digest.book(id, book);
        }
        digest.part(&summary.counters);
        for instrument in &self.instruments {
            for interval in Interval::ALL {
                digest.part(&(instrument, interval, self.view.candles(instrument, interval, usize::MAX)));
            }
            for interval in [Interval::S1, Interval::M1] {
                let candles = self.view.candles(instrument, interval, usize::MAX).unwrap_or_default();
                indicators(&candles, interval).for_each(|values| digest.part(&values));
            }
        }
        format!("{digest} {} events", self.n_events)
    }
}

/// Iterates over the values of each indicator with its usual parameters, as the bits of doubles.
fn indicators(candles: &[Candle], interval: Interval) -> impl Iterator<Item = (&'static str, Vec<Option<u64>>)> {
    let bars: Vec<Bar> = candles.iter().map(Bar::from).collect();
    definitions().iter().filter_map(move |definition| {
        let spec = Spec::parse(definition.name).ok()?;
        let (_, rows) = Indicator::open(&spec, interval, &bars);
        let bits = rows.iter().flat_map(|row| (0..definition.outputs.len()).map(|output| row.get(output)));
        Some((definition.name, bits.map(|value| value.map(f64::to_bits)).collect()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECORDING: &str = r#"{"t":"connect","ts":1.0,"url":"wss://x.test/stream"}
{"t":"recv","ts":1.1,"data":"{\"stream\":\"a@trade\",\"data\":{\"e\":\"trade\",\"E\":1000,\"s\":\"A\",\"t\":1,\"p\":\"10.50\",\"q\":\"2\",\"T\":1000,\"m\":true,\"M\":true}}"}

{"t":"recv","ts":1.2,"data":"{\"u\":7,\"s\":\"A\",\"b\":\"10.4\",\"B\":\"1\",\"a\":\"10.6\",\"A\":\"1\"}"}
"#;

    fn hash_of(text: &str, n_bytes: usize) -> String {
        let mut hash = RecordingHash::new("binance").unwrap();
        let mut rest = text;
        while !rest.is_empty() {
            // Whole lines, at least `n_bytes` of them.
            let end = rest.match_indices('\n').map(|(at, _)| at + 1).find(|end| *end >= n_bytes).unwrap_or(rest.len());
            hash.feed(&rest[..end]).unwrap();
            rest = &rest[end..];
        }
        hash.finish()
    }

    #[test]
    fn parts_of_a_recording_give_the_same_as_the_whole() {
        let whole = hash_of(RECORDING, RECORDING.len());
        assert!(whole.ends_with(" 2 events"), "{whole}");
        assert_eq!(hash_of(RECORDING, 1), whole);
    }

    #[test]
    fn a_changed_digit_changes_it() {
        assert_ne!(hash_of(&RECORDING.replace("10.50", "10.51"), 1), hash_of(RECORDING, 1));
        assert_ne!(hash_of(&RECORDING.replace("10.6\\", "10.60\\"), 1), hash_of(RECORDING, 1));
    }

    #[test]
    fn what_is_no_recording_is_an_error() {
        assert!(RecordingHash::new("nowhere").is_err());
        assert!(RecordingHash::new("binance").unwrap().feed("no json").is_err());
    }
}
