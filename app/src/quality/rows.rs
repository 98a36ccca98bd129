//! The checks of each book, one row for each instrument: the table's contents, sorting and filter.

use std::cmp::{Ordering, Reverse};

use model::{
    instrument::{Instrument, InstrumentId},
    proof::{BookCounters, BookState, Checksum},
    status::StreamState,
    time::{Now, Timestamp},
};
use topics::channels::quality::{QualityData, Resync};

use crate::{live::model::LiveModel, quality::words::stream_word, selection::pair};

/// One instrument's stream and book.
#[derive(Clone, Debug, PartialEq)]
pub struct BookRow {
    /// The instrument.
    pub id: InstrumentId,
    /// The asset pair as a reader knows it.
    pub name: String,
    /// The state of the stream.
    pub state: StreamState,
    /// The same as a word; quiet and dead are distinguished from stale.
    pub word: &'static str,
    /// How far the book can be trusted.
    pub book_state: BookState,
    /// Time since the book's last change, in milliseconds.
    pub age_ms: Option<u64>,
    /// Counts of what was found while keeping the book.
    pub counters: BookCounters,
    /// The last checksum compared.
    pub last_checksum: Option<Checksum>,
    /// When and why a fresh snapshot was last needed.
    pub last_resync: Option<Resync>,
    /// Trades that arrived after a later one.
    pub late_trades: u64,
}

/// The sort keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SortKey {
    /// Name and venue.
    #[default]
    Instrument,
    /// The book's state, worst first.
    State,
    /// Time since the last change.
    Age,
    /// Updates applied.
    Updates,
    /// Sequence gaps.
    Gaps,
    /// Checksums that disagreed.
    Checksums,
    /// Fresh snapshots needed.
    Resyncs,
    /// Times it was crossed.
    Crossed,
    /// Times its top differed from the venue's own.
    Quotes,
    /// Updates that arrived twice.
    Duplicates,
    /// Trades that arrived late.
    Late,
}

/// The order of rows and the filter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RowChoice {
    /// The sort key.
    pub key: SortKey,
    /// Reverses the order.
    pub is_reversed: bool,
    /// Leaves out books without trouble.
    pub is_trouble_only: bool,
}

impl RowChoice {
    /// Handles a click on a column's head: sorts by it, or reverses the order if it already does.
    pub fn by(self, key: SortKey) -> Self {
        let is_reversed = self.key == key && !self.is_reversed;
        Self { key, is_reversed, ..self }
    }

    /// Returns a column's value for `aria-sort`.
    pub fn aria(self, key: SortKey) -> &'static str {
        match (self.key == key, key == SortKey::Instrument, self.is_reversed) {
            (false, _, _) => "none",
            (true, true, false) | (true, false, true) => "ascending",
            (true, _, _) => "descending",
        }
    }

    /// Returns the positions of the shown rows, in the chosen order: by name ascending, by figures from the worst down.
    pub fn arrange(self, rows: &[BookRow]) -> Vec<usize> {
        let mut shown: Vec<(usize, &BookRow)> =
            rows.iter().enumerate().filter(|(_, row)| !self.is_trouble_only || row.has_trouble()).collect();
        shown.sort_by(|(_, one), (_, other)| {
            let order = self.compare(one, other);
            if self.is_reversed { order.reverse() } else { order }
        });
        shown.into_iter().map(|(position, _)| position).collect()
    }

    fn compare(self, one: &BookRow, other: &BookRow) -> Ordering {
        let by = |of: fn(&BookRow) -> u64| Reverse(of(one)).cmp(&Reverse(of(other)));
        let figures = match self.key {
            SortKey::Instrument => Ordering::Equal,
            SortKey::State => by(|row| severity(row.book_state)),
            SortKey::Age => by(|row| row.age_ms.unwrap_or(u64::MAX)),
            SortKey::Updates => by(|row| row.counters.updates),
            SortKey::Gaps => by(|row| row.counters.gaps),
            SortKey::Checksums => by(|row| row.counters.checksums_bad),
            SortKey::Resyncs => by(|row| row.counters.resyncs),
            SortKey::Crossed => by(|row| row.counters.crossed),
            SortKey::Quotes => by(|row| row.counters.quote_mismatches),
            SortKey::Duplicates => by(|row| row.counters.duplicates),
            SortKey::Late => by(|row| row.late_trades),
        };
        figures.then_with(|| (&one.name, &one.id).cmp(&(&other.name, &other.id)))
    }
}

fn severity(state: BookState) -> u64 {
    match state {
        BookState::Suspect => 6,
        BookState::Resyncing => 5,
        BookState::Unverified => 4,
        BookState::Polled => 3,
        BookState::Buffering => 2,
        BookState::Empty => 1,
        BookState::Live => 0,
    }
}

impl BookRow {
    /// Returns the row of an instrument at `now`.
    pub fn new(model: &LiveModel, instrument: &Instrument, now: Now) -> Self {
        let stream = model.stream(&instrument.id, now);
        let none = QualityData::default();
        let quality = model.quality(&instrument.id).unwrap_or(&none);
        let since = |at_ms: i64| {
            let age = model.clock.server_time(now).saturating_since(Timestamp::from_millis(at_ms));
            u64::try_from(age.as_millis()).unwrap_or(u64::MAX)
        };
        Self {
            id: instrument.id.clone(),
            name: pair(instrument),
            state: stream.state,
            word: stream_word(&stream),
            book_state: quality.book_state.unwrap_or_default(),
            age_ms: quality.proof.changed_ms.map(since),
            counters: quality.book.counters(),
            last_checksum: quality.proof.last_checksum,
            last_resync: quality.proof.last_resync,
            late_trades: quality.proof.late_trades.unwrap_or(0),
        }
    }

    /// Returns true if something was found, or the book cannot be trusted. A venue without books is not in trouble.
    pub fn has_trouble(&self) -> bool {
        let BookCounters { gaps, resyncs, crossed, checksums_bad, quote_mismatches, .. } = self.counters;
        let is_bookless = self.book_state == BookState::Empty && self.counters.updates == 0;
        (self.book_state != BookState::Live && !is_bookless)
            || self.state == StreamState::Failed
            || [gaps, resyncs, crossed, checksums_bad, quote_mismatches, self.late_trades]
                .iter()
                .any(|count| *count > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &str, change: impl FnOnce(&mut BookRow)) -> BookRow {
        let mut row = BookRow {
            id: InstrumentId::parse(&format!("demo:{name}")).unwrap(),
            name: name.to_owned(),
            state: StreamState::Live,
            word: "live",
            book_state: BookState::Live,
            age_ms: Some(100),
            counters: BookCounters { updates: 10, ..BookCounters::default() },
            last_checksum: None,
            last_resync: None,
            late_trades: 0,
        };
        change(&mut row);
        row
    }

    #[test]
    fn rows_stand_in_the_chosen_order() {
        let rows = [
            row("C", |row| row.counters.gaps = 2),
            row("A", |row| row.age_ms = Some(9_000)),
            row("B", |row| (row.book_state, row.counters.gaps) = (BookState::Suspect, 2)),
        ];
        #[track_caller]
        fn check(rows: &[BookRow], choice: RowChoice, expected: &[&str]) {
            let names: Vec<&str> = choice.arrange(rows).into_iter().map(|at| rows[at].name.as_str()).collect();
            assert_eq!(names, expected);
        }
        let by_name = RowChoice::default();
        check(&rows, by_name, &["A", "B", "C"]);
        check(&rows, by_name.by(SortKey::Instrument), &["C", "B", "A"]);
        let by_gaps = by_name.by(SortKey::Gaps);
        check(&rows, by_gaps, &["B", "C", "A"]);
        check(&rows, by_gaps.by(SortKey::Gaps), &["A", "C", "B"]);
        check(&rows, by_name.by(SortKey::Age), &["A", "B", "C"]);
        check(&rows, by_name.by(SortKey::State), &["B", "A", "C"]);
        check(&rows, RowChoice { is_trouble_only: true, ..by_name }, &["B", "C"]);
        assert_eq!([by_name.aria(SortKey::Instrument), by_gaps.aria(SortKey::Gaps)], ["ascending", "descending"]);
        assert_eq!(by_gaps.aria(SortKey::Age), "none");
    }

    #[test]
    fn trouble_is_what_was_found_or_cannot_be_trusted() {
        #[track_caller]
        fn check(expected: bool, change: fn(&mut BookRow)) {
            assert_eq!(row("A", change).has_trouble(), expected);
        }
        check(false, |_| {});
        check(false, |row| row.counters.duplicates = 5);
        check(false, |row| (row.book_state, row.counters.updates) = (BookState::Empty, 0));
        check(true, |row| row.book_state = BookState::Empty);
        check(true, |row| row.book_state = BookState::Unverified);
        check(true, |row| row.state = StreamState::Failed);
        check(true, |row| row.counters.checksums_bad = 1);
        check(true, |row| row.counters.quote_mismatches = 1);
        check(true, |row| row.late_trades = 1);
    }
}
