//! A stable fingerprint of the events and books of a session: the same on every machine, natively and in a browser.
//!
//! FNV-1a, 64 bits (Fowler, Noll, Vo; offset basis and prime of the authors' page), over the JSON form of each part with
//! a mark between two parts. It tells whether two runs were the same; it protects from no one who wants to deceive.
//! Not here: driving a session (`venues::replay`), the fingerprint of events alone ([`crate::event_hash`]).

use std::{fmt, io};

use model::{event::MarketEvent, instrument::InstrumentId, proof::TrackedBook};
use serde::Serialize;

/// Takes parts in, one after the other; their order counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Digest {
    hash: u64,
}

impl Default for Digest {
    fn default() -> Self {
        Self { hash: OFFSET_BASIS }
    }
}

impl Digest {
    /// Takes in an event, receive time included.
    pub fn event(&mut self, event: &MarketEvent) {
        self.part(event);
    }

    /// Takes in a book: state, position, counters and every row of both sides, best first.
    pub fn book(&mut self, id: &InstrumentId, tracked: &TrackedBook) {
        self.part(&(id, tracked.state, tracked.last_update_id, tracked.event_time, tracked.receive_time));
        self.part(&tracked.counters);
        for level in tracked.book.bids() {
            self.part(&level);
        }
        self.part(&"asks");
        for level in tracked.book.asks() {
            self.part(&level);
        }
    }

    /// Takes in anything that has a JSON form.
    pub fn part(&mut self, part: &impl Serialize) {
        // Writing to a hash cannot fail, and none of our types refuses to be written.
        let _always_written = serde_json::to_writer(&mut *self, part);
        self.bytes(PART_END);
    }

    fn bytes(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.hash = (self.hash ^ u64::from(*byte)).wrapping_mul(PRIME);
        }
    }
}

impl io::Write for Digest {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Sixteen hexadecimal digits.
impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.hash)
    }
}

const OFFSET_BASIS: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME: u64 = 0x0000_0100_0000_01b3;
/// JSON text never holds a bare line feed.
const PART_END: &[u8] = b"\n";

#[cfg(test)]
mod tests {
    use model::{
        decimal::{Price, Quantity},
        event::Level,
        proof::BookState,
    };

    use super::*;

    fn level(price: &str) -> Level {
        Level { price: Price::parse(price).unwrap(), quantity: Quantity::parse("1").unwrap() }
    }

    fn book(bids: &[&str], asks: &[&str]) -> TrackedBook {
        let mut tracked = TrackedBook { state: BookState::Live, ..TrackedBook::default() };
        let levels = |prices: &[&str]| prices.iter().map(|price| level(price)).collect::<Vec<_>>();
        tracked.book.apply_snapshot(&levels(bids), &levels(asks));
        tracked
    }

    fn of_book(tracked: &TrackedBook) -> Digest {
        let mut digest = Digest::default();
        digest.book(&InstrumentId::parse("demo:A").unwrap(), tracked);
        digest
    }

    #[test]
    fn known_values_of_the_hash() {
        for (text, expected) in [("", "cbf29ce484222325"), ("a", "af63dc4c8601ec8c"), ("foobar", "85944171f73967e8")] {
            let mut digest = Digest::default();
            digest.bytes(text.as_bytes());
            assert_eq!(digest.to_string(), expected, "{text:?}");
        }
    }

    #[test]
    fn every_row_and_every_digit_counts() {
        let reference = of_book(&book(&["10", "9"], &["11"]));
        assert_eq!(of_book(&book(&["10", "9"], &["11"])), reference);
        for other in [book(&["10"], &["11"]), book(&["10", "9"], &["11", "12"]), book(&["10.0", "9"], &["11"])] {
            assert_ne!(of_book(&other), reference);
        }
        let suspect = TrackedBook { state: BookState::Suspect, ..book(&["10", "9"], &["11"]) };
        assert_ne!(of_book(&suspect), reference);
    }

    #[test]
    fn parts_do_not_run_together() {
        let of = |parts: &[&str]| {
            let mut digest = Digest::default();
            parts.iter().for_each(|part| digest.part(part));
            digest
        };
        assert_ne!(of(&["ab", "c"]), of(&["a", "bc"]));
        assert_ne!(of(&["a", "b"]), of(&["b", "a"]));
    }
}
