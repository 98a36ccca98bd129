//! The checks of each book, one row for each instrument: the table's contents, sorting and filter.
//!
//! A connection follows a limited number of instruments, so the checks of a row may be unknown. The status of all feeds
//! is known for every row: it decides first where the checks would decide.

use std::{cmp::Ordering, sync::Arc};

use model::{
    instrument::{Instrument, InstrumentId},
    proof::{BookCounters, BookState, Checksum},
    sorted::sorted_by,
    status::{Silence, StreamState},
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
    /// True if the feed does not deliver although it should: it has failed, or is dead.
    pub is_down: bool,
    /// The checks of the book; `None` until they have arrived.
    pub checks: Option<BookChecks>,
}

/// The checks of one book.
#[derive(Clone, Debug, PartialEq)]
pub struct BookChecks {
    /// State of the book.
    pub book_state: BookState,
    /// Time since the book's last change, in milliseconds.
    pub age_ms: Option<u64>,
    /// Counts of what was found while keeping the book.
    pub counters: BookCounters,
    /// The last checksum compared.
    pub last_checksum: Option<Checksum>,
    /// Time and reason of the last resynchronisation.
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

    /// Returns true if the order or the filter depends on checks, also of rows out of view.
    pub fn needs_checks(self) -> bool {
        self.is_trouble_only || self.key != SortKey::Instrument
    }

    /// Returns the table's rows at `now`. If checks decide about them, those of the first `most_ranked` instruments do:
    /// feeds that are down first, then by name.
    pub fn list(self, all: &[Arc<Instrument>], model: &LiveModel, now: Now, most_ranked: usize) -> Ranking {
        let rows =
            all.iter().map(|instrument| (Arc::clone(instrument), BookRow::new(model, instrument, now))).collect();
        let mut rows = sorted_by(rows, |(_, one), (_, other)| one.by_status().cmp(&other.by_status()));
        let n_ranked = if self.needs_checks() { most_ranked.min(rows.len()) } else { 0 };
        // The checks of other rows are known while in view: counted, they would move a row as soon as it is seen.
        rows.iter_mut().skip(n_ranked).for_each(|(_, row)| row.checks = None);
        let first = rows.get(..n_ranked).unwrap_or_default();
        let n_unknown = first.iter().filter(|(_, row)| row.checks.is_none()).count();
        let ranked = first.iter().map(|(instrument, _)| Arc::clone(instrument)).collect();
        rows.retain(|(_, row)| !self.is_trouble_only || row.has_trouble());
        let rows = sorted_by(rows, |(_, one), (_, other)| self.compare(one, other));
        let shown = rows.into_iter().map(|(instrument, _)| instrument).collect();
        Ranking { shown, ranked, n_unknown, n_all: all.len() }
    }

    /// Compares by name ascending, or by figures from the worst down. What is not known comes last either way.
    fn compare(self, one: &BookRow, other: &BookRow) -> Ordering {
        let figures = match (self.figure(one), self.figure(other)) {
            (Some(one), Some(other)) => other.cmp(&one),
            (None, None) => Ordering::Equal,
            (one, other) => return other.is_some().cmp(&one.is_some()),
        };
        let order = figures.then_with(|| (&one.name, &one.id).cmp(&(&other.name, &other.id)));
        if self.is_reversed { order.reverse() } else { order }
    }

    /// Returns the figure to sort by; `None` if it is not known, or names decide alone.
    fn figure(self, row: &BookRow) -> Option<u64> {
        let checks = row.checks.as_ref();
        let counter = |of: fn(&BookCounters) -> u64| checks.map(|checks| of(&checks.counters));
        match self.key {
            SortKey::Instrument => None,
            SortKey::State if row.is_down => Some(DOWN),
            SortKey::State => checks.map(|checks| severity(checks.book_state)),
            SortKey::Age => checks.and_then(|checks| checks.age_ms),
            SortKey::Updates => counter(|counters| counters.updates),
            SortKey::Gaps => counter(|counters| counters.gaps),
            SortKey::Checksums => counter(|counters| counters.checksums_bad),
            SortKey::Resyncs => counter(|counters| counters.resyncs),
            SortKey::Crossed => counter(|counters| counters.crossed),
            SortKey::Quotes => counter(|counters| counters.quote_mismatches),
            SortKey::Duplicates => counter(|counters| counters.duplicates),
            SortKey::Late => checks.map(|checks| checks.late_trades),
        }
    }
}

/// The rows of the table in a chosen order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ranking {
    /// The shown instruments, in order.
    pub shown: Vec<Arc<Instrument>>,
    /// The instruments whose checks decide about order and filter; empty if no checks do.
    pub ranked: Vec<Arc<Instrument>>,
    /// Those of the ranked ones whose checks have not arrived.
    pub n_unknown: usize,
    /// All instruments, shown or not.
    pub n_all: usize,
}

impl Ranking {
    /// Returns the sentence for a table of which only a part is ranked; empty if all of it is.
    pub fn limit_note(&self, choice: RowChoice) -> String {
        let n_ranked = self.ranked.len();
        match choice.is_trouble_only {
            _ if n_ranked == 0 || n_ranked == self.n_all => String::new(),
            true => format!("Only the first {n_ranked} of {} instruments are searched for problems.", self.n_all),
            false => format!("Only the first {n_ranked} of {} instruments are ranked.", self.n_all),
        }
    }

    /// Returns the sentence for a table without rows; empty if it has some.
    pub fn empty_note(&self) -> &'static str {
        match () {
            () if self.n_all == 0 => "No instruments yet.",
            () if !self.shown.is_empty() => "",
            // Rows that have not arrived may still be problems.
            () if self.n_unknown > 0 => "No problems found so far.",
            () => "No problems found.",
        }
    }
}

/// The severity of a feed that is down: more than that of any book.
const DOWN: u64 = 7;

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
        let is_dead = stream.state == StreamState::Stale && stream.silence == Some(Silence::Dead);
        Self {
            id: instrument.id.clone(),
            name: pair(instrument),
            state: stream.state,
            word: stream_word(&stream),
            is_down: stream.state == StreamState::Failed || is_dead,
            checks: model.quality(&instrument.id).map(|quality| BookChecks::new(quality, model.clock.server_time(now))),
        }
    }

    /// Returns true if something was found, the book cannot be trusted, or the feed is down. A venue without books is
    /// not in trouble; nor is a book whose checks are not known.
    pub fn has_trouble(&self) -> bool {
        self.is_down || self.checks.as_ref().is_some_and(BookChecks::have_trouble)
    }

    /// Returns the place by what is known of all rows: feeds that are down first, then by name.
    fn by_status(&self) -> (bool, &str, &InstrumentId) {
        (!self.is_down, &self.name, &self.id)
    }
}

impl BookChecks {
    /// Returns the checks that `quality` tells at the server's time.
    pub fn new(quality: &QualityData, server_time: Timestamp) -> Self {
        let since = |at_ms: i64| {
            let age = server_time.saturating_since(Timestamp::from_millis(at_ms));
            u64::try_from(age.as_millis()).unwrap_or(u64::MAX)
        };
        Self {
            book_state: quality.book_state.unwrap_or_default(),
            age_ms: quality.proof.changed_ms.map(since),
            counters: quality.book.counters(),
            last_checksum: quality.proof.last_checksum,
            last_resync: quality.proof.last_resync,
            late_trades: quality.proof.late_trades.unwrap_or(0),
        }
    }

    fn have_trouble(&self) -> bool {
        let BookCounters { gaps, resyncs, crossed, checksums_bad, quote_mismatches, .. } = self.counters;
        let is_bookless = self.book_state == BookState::Empty && self.counters.updates == 0;
        (self.book_state != BookState::Live && !is_bookless)
            || [gaps, resyncs, crossed, checksums_bad, quote_mismatches, self.late_trades]
                .iter()
                .any(|count| *count > 0)
    }
}

#[cfg(test)]
mod tests {
    use model::{quality::FeedCounters, status::FeedMode};
    use topics::{
        channels::{
            TopicData,
            status::{StatusData, StreamEntry},
        },
        topic::Topic,
    };
    use wire::message::{Update, UpdateKind};

    use super::*;

    fn checks() -> BookChecks {
        BookChecks {
            book_state: BookState::Live,
            age_ms: Some(100),
            counters: BookCounters { updates: 10, ..BookCounters::default() },
            last_checksum: None,
            last_resync: None,
            late_trades: 0,
        }
    }

    fn row(name: &str, checks: Option<BookChecks>) -> BookRow {
        BookRow {
            id: InstrumentId::parse(&format!("demo:{name}")).unwrap(),
            name: name.to_owned(),
            state: StreamState::Live,
            word: "live",
            is_down: false,
            checks,
        }
    }

    fn instrument(name: &str) -> Arc<Instrument> {
        let text = format!(
            r#"{{"id":"demo:{name}","base":"{name}","quote":"USD","tick_size":"0.1","lot_size":"1","min_notional":null,"status":"trading","is_simulated":false}}"#
        );
        Arc::new(serde_json::from_str(&text).unwrap())
    }

    /// Returns the data of a page that has these streams, and the gaps and the book of some.
    fn model(streams: &[(&str, StreamState)], quality: &[(&str, u64, BookState)]) -> LiveModel {
        let entry = |(name, state): &(&str, StreamState)| {
            let id = InstrumentId::parse(&format!("demo:{name}")).unwrap();
            StreamEntry { state: *state, ..StreamEntry::new(&id, FeedMode::WebSocket) }
        };
        let status = StatusData { streams: streams.iter().map(entry).collect(), ..StatusData::default() };
        let of_book = |(name, gaps, state): &(&str, u64, BookState)| {
            let id = InstrumentId::parse(&format!("demo:{name}")).unwrap();
            let counters = BookCounters { updates: 10, gaps: *gaps, ..BookCounters::default() };
            let data = QualityData::new(*state, &counters, &FeedCounters::default());
            (Topic::quality(&id), TopicData::Quality(Box::new(data)))
        };
        let mut model = LiveModel::default();
        let all = [(Topic::STATUS, TopicData::Status(status))].into_iter().chain(quality.iter().map(of_book));
        for (topic, data) in all {
            let update = Update { kind: UpdateKind::Snapshot, epoch: None, topic, offset: 1, data };
            model.apply(update, Now::default());
        }
        model
    }

    fn names(instruments: &[Arc<Instrument>]) -> String {
        instruments.iter().map(|instrument| instrument.base.as_str()).collect()
    }

    #[test]
    fn rows_stand_in_the_chosen_order_and_unknown_ones_last() {
        let all = ["C", "A", "U", "D", "B"].map(instrument);
        let live = |name| (name, StreamState::Live);
        let model = model(
            &[live("A"), live("B"), live("C"), ("D", StreamState::Failed), live("U")],
            &[("A", 0, BookState::Live), ("B", 2, BookState::Suspect), ("C", 2, BookState::Live)],
        );
        let check = |choice: RowChoice, expected: &str| {
            assert_eq!(names(&choice.list(&all, &model, Now::default(), 9).shown), expected, "{choice:?}");
        };
        let by_name = RowChoice::default();
        check(by_name, "ABCDU");
        check(by_name.by(SortKey::Instrument), "UDCBA");
        let by_gaps = by_name.by(SortKey::Gaps);
        check(by_gaps, "BCADU");
        check(by_gaps.by(SortKey::Gaps), "ACBUD");
        // A feed that is down is worse than any book, and known without its checks.
        let by_state = by_name.by(SortKey::State);
        check(by_state, "DBACU");
        check(by_state.by(SortKey::State), "CABDU");
        check(RowChoice { is_trouble_only: true, ..by_name }, "BCD");
        check(RowChoice { is_trouble_only: true, ..by_gaps }, "BCD");
        assert_eq!([by_name.aria(SortKey::Instrument), by_gaps.aria(SortKey::Gaps)], ["ascending", "descending"]);
        assert_eq!(by_gaps.aria(SortKey::Age), "none");
    }

    #[test]
    fn only_the_first_are_ranked_and_feeds_that_are_down_are_the_first() {
        let all = ["A", "B", "C", "D", "E"].map(instrument);
        let streams = ["A", "B", "C", "D"].map(|name| (name, StreamState::Live));
        let streams = [streams.as_slice(), &[("E", StreamState::Failed)]].concat();
        let book = |name, gaps| (name, gaps, BookState::Live);
        // D is in view: its gaps are known, and the most.
        let model = model(&streams, &[book("A", 1), book("B", 3), book("D", 9)]);
        let check = |choice: RowChoice, most: usize, [shown, ranked]: [&str; 2], n_unknown: usize, note: &str| {
            let listed = choice.list(&all, &model, Now::default(), most);
            assert_eq!([names(&listed.shown), names(&listed.ranked)], [shown, ranked], "{choice:?}");
            assert_eq!((listed.n_unknown, listed.limit_note(choice).as_str()), (n_unknown, note), "{choice:?}");
        };
        let by_name = RowChoice::default();
        let by_gaps = by_name.by(SortKey::Gaps);
        let troubled = RowChoice { is_trouble_only: true, ..by_name };
        check(by_name, 3, ["ABCDE", ""], 0, "");
        check(by_gaps, 3, ["BACDE", "EAB"], 1, "Only the first 3 of 5 instruments are ranked.");
        check(by_gaps, 5, ["DBACE", "EABCD"], 2, "");
        check(troubled, 3, ["ABE", "EAB"], 1, "Only the first 3 of 5 instruments are searched for problems.");
        check(troubled, 5, ["ABDE", "EABCD"], 2, "");
    }

    #[test]
    fn an_empty_table_says_how_much_it_knows() {
        #[track_caller]
        fn check(n_shown: usize, n_unknown: usize, n_all: usize, expected: &str) {
            let shown = vec![instrument("A"); n_shown];
            let listed = Ranking { shown, n_unknown, n_all, ..Ranking::default() };
            assert_eq!(listed.empty_note(), expected);
        }
        check(0, 0, 0, "No instruments yet.");
        check(1, 1, 2, "");
        check(0, 1, 2, "No problems found so far.");
        check(0, 0, 2, "No problems found.");
    }

    #[test]
    fn trouble_is_what_was_found_or_cannot_be_trusted() {
        #[track_caller]
        fn check(expected: bool, change: fn(&mut BookChecks)) {
            let mut checks = checks();
            change(&mut checks);
            assert_eq!(row("A", Some(checks)).has_trouble(), expected);
        }
        check(false, |_| {});
        check(false, |checks| checks.counters.duplicates = 5);
        check(false, |checks| (checks.book_state, checks.counters.updates) = (BookState::Empty, 0));
        check(true, |checks| checks.book_state = BookState::Empty);
        check(true, |checks| checks.book_state = BookState::Unverified);
        check(true, |checks| checks.counters.checksums_bad = 1);
        check(true, |checks| checks.counters.quote_mismatches = 1);
        check(true, |checks| checks.late_trades = 1);
        assert!(BookRow { is_down: true, ..row("A", Some(checks())) }.has_trouble());
        assert!(!row("A", None).has_trouble());
    }

    #[test]
    fn a_feed_is_down_when_it_has_failed_or_is_dead() {
        #[track_caller]
        fn check(state: StreamState, silence: Option<Silence>, expected: bool) {
            let id = InstrumentId::parse("demo:A").unwrap();
            let entry = StreamEntry { state, silence, ..StreamEntry::new(&id, FeedMode::WebSocket) };
            let status = TopicData::Status(StatusData { streams: vec![entry], ..StatusData::default() });
            let mut model = LiveModel::default();
            let update =
                Update { kind: UpdateKind::Snapshot, epoch: None, topic: Topic::STATUS, offset: 1, data: status };
            model.apply(update, Now::default());
            assert_eq!(BookRow::new(&model, &instrument("A"), Now::default()).is_down, expected);
        }
        check(StreamState::Live, None, false);
        check(StreamState::Failed, None, true);
        check(StreamState::Stale, Some(Silence::Dead), true);
        check(StreamState::Stale, Some(Silence::QuietBesideOthers), false);
        check(StreamState::Initialising, None, false);
    }
}
