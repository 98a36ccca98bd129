//! A fingerprint of all events in a recording: SHA-256 over the lines that `decode` prints.
//!
//! History is left out, because it arrives only on request. The venue appears under its own name, so that a replay
//! beside the venue has the fingerprint of `decode --hash`.

use std::{fmt::Write as _, io};

use model::{
    event::{MarketEvent, MarketEventKind},
    instrument::{Instrument, InstrumentId, Venue},
};
use sha2::{Digest, Sha256};

use crate::event_line::EventLine;

/// The fingerprint of the events so far.
#[derive(Clone, Debug)]
pub struct EventHash {
    venue: Venue,
    hasher: Sha256,
    n_events: u64,
}

impl EventHash {
    /// Creates the fingerprint of no events. `venue` is the venue's own name.
    pub fn new(venue: &str) -> Self {
        Self { venue: Venue::new(venue), hasher: Sha256::new(), n_events: 0 }
    }

    /// Adds an event.
    pub fn add(&mut self, event: &MarketEvent) {
        let renamed;
        let event = match &event.kind {
            MarketEventKind::History(_) => return,
            MarketEventKind::Instrument(instrument) if *event.instrument.venue() != self.venue => {
                let id = InstrumentId::new(&self.venue, event.instrument.symbol());
                let instrument = Instrument { id: id.clone(), ..Instrument::clone(instrument) };
                renamed = MarketEvent {
                    instrument: id,
                    kind: MarketEventKind::Instrument(instrument.into()),
                    ..event.clone()
                };
                &renamed
            }
            _ => event,
        };
        self.n_events += 1;
        // A hasher accepts everything.
        let _infallible = EventLine::under(event, self.venue.as_str()).write(&mut Sink(&mut self.hasher));
    }

    /// Returns the number of events added.
    pub fn n_events(&self) -> u64 {
        self.n_events
    }

    /// Returns the fingerprint as 64 hexadecimal digits.
    pub fn to_hex(&self) -> String {
        self.hasher.clone().finalize().iter().fold(String::new(), |mut hex, byte| {
            let _infallible = write!(hex, "{byte:02x}");
            hex
        })
    }
}

struct Sink<'a>(&'a mut Sha256);

impl io::Write for Sink<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
