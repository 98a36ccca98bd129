//! Channel `book`: the best levels of an order book and its state.
//!
//! A book whose state is not served carries no levels; the page keeps its last good ones, hatched. The first served
//! delta after that carries the whole book and replaces them, so it is correct both for a page that kept levels and for
//! one whose snapshot had none.

use model::{decimal::Price, event::Level, proof::BookState};
use serde::{Deserialize, Serialize};

use crate::{
    error::FieldError,
    exact::{Same, changed},
    limits::{BOOK_DEPTH, MAX_LEVELS},
    payload::{BOOK_STATES, FieldReader, FieldWriter, Merge, Payload, check_length, oldest, when},
};

/// The best levels a side. A delta lists changed levels, quantity 0 removes; the client then cuts each side to 20.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BookData {
    /// State of the book; also present in deltas.
    pub state: BookState,
    /// Bids, best (highest) first.
    #[serde(default, skip_serializing_if = "Vec::is_empty", with = "levels")]
    #[cfg_attr(feature = "schema", schemars(with = "Vec<(Price, model::decimal::Quantity)>"))]
    pub bids: Vec<Level>,
    /// Asks, best (lowest) first.
    #[serde(default, skip_serializing_if = "Vec::is_empty", with = "levels")]
    #[cfg_attr(feature = "schema", schemars(with = "Vec<(Price, model::decimal::Quantity)>"))]
    pub asks: Vec<Level>,
    /// The venue's clock at the last change, if the venue reports it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub venue_time_ms: Option<i64>,
    /// The server's clock when the last change arrived.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receive_time_us: Option<i64>,
    /// The server's clock when this was published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub publish_time_us: Option<i64>,
    /// The venue's number of the last change, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_update_id: Option<u64>,
}

impl Merge for BookData {
    /// Applies a delta. If the state becomes served again, the delta's levels replace all; if it is not served, the
    /// levels stay unchanged.
    fn merge(&mut self, delta: &Self) {
        self.merge_to(delta, BOOK_DEPTH);
    }

    /// Returns the delta that turns `self` (a snapshot, or one with deltas merged) into the snapshot `newer`; `None` if
    /// nothing changed. Levels of a `newer` that is not served are ignored.
    fn diff(&self, newer: &Self) -> Option<Self> {
        self.diff_to(newer, BOOK_DEPTH)
    }
}

impl BookData {
    /// [`Merge::merge`] for a payload of `depth` levels a side.
    pub fn merge_to(&mut self, delta: &Self, depth: usize) {
        if delta.state.is_served() {
            if !self.state.is_served() {
                self.bids.clear();
                self.asks.clear();
            }
            merge_side(&mut self.bids, &delta.bids, depth, |one, other| one > other);
            merge_side(&mut self.asks, &delta.asks, depth, |one, other| one < other);
        }
        self.state = delta.state;
        self.venue_time_ms = delta.venue_time_ms.or(self.venue_time_ms);
        self.receive_time_us = delta.receive_time_us.or(self.receive_time_us);
        self.publish_time_us = delta.publish_time_us.or(self.publish_time_us);
        self.last_update_id = delta.last_update_id.or(self.last_update_id);
    }

    /// [`Merge::diff`] for a payload of `depth` levels a side.
    pub fn diff_to(&self, newer: &Self, depth: usize) -> Option<Self> {
        let (bids, asks) = match (self.state.is_served(), newer.state.is_served()) {
            (_, false) => (Vec::new(), Vec::new()),
            (false, true) => (newer.bids.clone(), newer.asks.clone()),
            (true, true) => (
                diff_side(&self.bids, &newer.bids, depth, |one, other| one > other),
                diff_side(&self.asks, &newer.asks, depth, |one, other| one < other),
            ),
        };
        let delta = Self {
            state: newer.state,
            bids,
            asks,
            venue_time_ms: changed(&self.venue_time_ms, &newer.venue_time_ms),
            receive_time_us: changed(&self.receive_time_us, &newer.receive_time_us),
            publish_time_us: changed(&self.publish_time_us, &newer.publish_time_us),
            last_update_id: changed(&self.last_update_id, &newer.last_update_id),
        };
        let is_empty = delta == Self { state: self.state, ..Self::default() };
        (!is_empty).then_some(delta)
    }
}

/// Merges changed rows into a side; `is_better(a, b)` is true if a comes before b.
fn merge_side(rows: &mut Vec<Level>, changes: &[Level], depth: usize, is_better: impl Fn(Price, Price) -> bool) {
    for change in changes {
        let at = rows.partition_point(|row| is_better(row.price, change.price));
        let is_present = rows.get(at).is_some_and(|row| row.price == change.price);
        match (is_present, change.quantity.is_zero()) {
            (true, true) => {
                rows.remove(at);
            }
            (true, false) => rows[at] = *change,
            (false, true) => {}
            (false, false) => rows.insert(at, *change),
        }
    }
    rows.truncate(depth);
}

/// Walks both sides once. A row that dropped off the far end needs no removal: the client's cut removes it.
fn diff_side(older: &[Level], newer: &[Level], depth: usize, is_better: impl Fn(Price, Price) -> bool) -> Vec<Level> {
    let (older, newer) = (&older[..older.len().min(depth)], &newer[..newer.len().min(depth)]);
    let mut changes = Vec::new();
    let (mut old_idx, mut new_idx) = (0, 0);
    loop {
        match (older.get(old_idx), newer.get(new_idx)) {
            (None, None) => return changes,
            (Some(old), Some(new)) if old.price == new.price => {
                if !old.is_same(new) {
                    changes.push(*new);
                }
                (old_idx, new_idx) = (old_idx + 1, new_idx + 1);
            }
            (Some(old), new) if new.is_none_or(|new| is_better(old.price, new.price)) => {
                if new.is_some() || newer.len() < depth {
                    changes.push(Level { price: old.price, quantity: model::decimal::Quantity::ZERO });
                }
                old_idx += 1;
            }
            (_, Some(new)) => {
                changes.push(*new);
                new_idx += 1;
            }
            // Impossible: the arm above handles each old row without a matching new row.
            (Some(_), None) => old_idx += 1,
        }
    }
}

impl Payload for BookData {
    fn write(&self, writer: &mut impl FieldWriter) {
        writer.coded(&BOOK_STATES, &self.state);
        let (bids, asks) = (oldest(&self.bids, MAX_LEVELS), oldest(&self.asks, MAX_LEVELS));
        writer.mask([
            !bids.is_empty(),
            !asks.is_empty(),
            self.venue_time_ms.is_some(),
            self.receive_time_us.is_some(),
            self.publish_time_us.is_some(),
            self.last_update_id.is_some(),
        ]);
        for levels in [bids, asks].into_iter().filter(|levels| !levels.is_empty()) {
            writer.count(levels.len());
            for level in levels {
                writer.price(level.price);
                writer.size(level.quantity);
            }
        }
        writer.times(self.venue_time_ms, self.receive_time_us, self.publish_time_us);
        if let Some(id) = self.last_update_id {
            writer.unsigned(id);
        }
    }

    fn read(reader: &mut impl FieldReader) -> Result<Self, FieldError> {
        let state = reader.coded("book state", &BOOK_STATES)?;
        let mask = reader.mask(6)?;
        Ok(BookData {
            state,
            bids: when(mask, 0, || read_levels(reader))?.unwrap_or_default(),
            asks: when(mask, 1, || read_levels(reader))?.unwrap_or_default(),
            venue_time_ms: when(mask, 2, || reader.venue_time())?,
            receive_time_us: when(mask, 3, || reader.time())?,
            publish_time_us: when(mask, 4, || reader.time())?,
            last_update_id: when(mask, 5, || reader.unsigned())?,
        })
    }

    fn check(&self) -> Result<(), FieldError> {
        check_length("levels", self.bids.len().max(self.asks.len()), MAX_LEVELS)
    }
}

fn read_levels(reader: &mut impl FieldReader) -> Result<Vec<Level>, FieldError> {
    let n_levels = reader.count("levels", MAX_LEVELS)?;
    (0..n_levels).map(|_| Ok(Level { price: reader.price()?, quantity: reader.size()? })).collect()
}

/// Levels as rows: `["61602.01","1.67177"]`.
mod levels {
    use model::{
        decimal::{Price, Quantity},
        event::Level,
    };
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(levels: &[Level], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(levels.iter().map(|level| (level.price, level.quantity)))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Level>, D::Error> {
        let rows = Vec::<(Price, Quantity)>::deserialize(deserializer)?;
        Ok(rows.into_iter().map(|(price, quantity)| Level { price, quantity }).collect())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use model::decimal::Quantity;
    use proptest::prelude::*;

    use super::*;

    fn level(price: i64, quantity: i64) -> Level {
        Level {
            price: Price::from_mantissa(i128::from(price), 2).unwrap(),
            quantity: Quantity::from_mantissa(i128::from(quantity), 3).unwrap(),
        }
    }

    /// The snapshot of a book given as quantities by price.
    fn snapshot(state: BookState, bids: &BTreeMap<i64, i64>, asks: &BTreeMap<i64, i64>, number: u64) -> BookData {
        let is_served = state.is_served();
        let rows = |side: Vec<(&i64, &i64)>| {
            let depth = if is_served { BOOK_DEPTH } else { 0 };
            side.into_iter().take(depth).map(|(price, quantity)| level(*price, *quantity)).collect()
        };
        BookData {
            state,
            bids: rows(bids.iter().rev().collect()),
            asks: rows(asks.iter().collect()),
            last_update_id: Some(number),
            receive_time_us: i64::try_from(number).ok(),
            ..BookData::default()
        }
    }

    #[test]
    fn an_unserved_state_keeps_the_last_good_levels() {
        let (bids, asks) = (BTreeMap::from([(100, 1)]), BTreeMap::from([(101, 1)]));
        let mut book = snapshot(BookState::Live, &bids, &asks, 1);
        let delta = book.diff(&snapshot(BookState::Suspect, &bids, &asks, 1)).unwrap();
        assert_eq!(delta, BookData { state: BookState::Suspect, ..BookData::default() });
        book.merge(&delta);
        assert_eq!((book.state, book.bids.len(), book.asks.len()), (BookState::Suspect, 1, 1));
    }

    #[test]
    fn a_row_pushed_out_at_the_far_end_is_not_listed() {
        let mut bids: BTreeMap<i64, i64> = (1..=20).map(|price| (price, 1)).collect();
        let older = snapshot(BookState::Live, &bids, &BTreeMap::new(), 1);
        bids.insert(21, 5);
        let delta = older.diff(&snapshot(BookState::Live, &bids, &BTreeMap::new(), 1)).unwrap();
        assert_eq!(delta.bids, [level(21, 5)]);
    }

    #[test]
    fn nothing_changed_is_no_delta() {
        let book = snapshot(BookState::Live, &BTreeMap::from([(1, 1)]), &BTreeMap::new(), 1);
        assert_eq!(book.diff(&book), None);
    }

    /// Live more often than other states.
    const STATES: [BookState; 6] = [
        BookState::Live,
        BookState::Live,
        BookState::Live,
        BookState::Suspect,
        BookState::Unverified,
        BookState::Resyncing,
    ];

    proptest! {
        #[test]
        fn snapshot_and_deltas_are_the_later_snapshot(
            steps in prop::collection::vec(
                (prop::collection::vec((any::<bool>(), 0_i64..40, 0_i64..3), 0..30), prop::sample::select(STATES.to_vec())),
                1..30,
            ),
            join_at in 0_usize..30,
        ) {
            let (mut bids, mut asks) = (BTreeMap::new(), BTreeMap::new());
            let mut older = snapshot(BookState::Empty, &bids, &asks, 0);
            let mut published = older.clone();
            let mut late_joiner = None;
            for (number, (changes, state)) in steps.into_iter().enumerate() {
                for (is_bid, price, quantity) in changes {
                    let side = if is_bid { &mut bids } else { &mut asks };
                    if quantity == 0 { side.remove(&price); } else { side.insert(price, quantity); }
                }
                let newer = snapshot(state, &bids, &asks, number as u64);
                // A publisher may compare with its last snapshot or with its merged state: both must work.
                let delta = if number % 2 == 0 { older.diff(&newer) } else { published.diff(&newer) };
                for book in std::iter::once(&mut published).chain(late_joiner.as_mut()) {
                    if let Some(delta) = &delta {
                        book.merge(delta);
                    }
                    prop_assert_eq!(book.state, newer.state);
                    if newer.state.is_served() {
                        prop_assert_eq!(&*book, &newer);
                    }
                }
                if number == join_at {
                    late_joiner = Some(newer.clone());
                }
                older = newer;
            }
        }
    }
}
