//! The checks of each book: a table that sorts by any column, with a filter for books in trouble.
//!
//! Only the rows in view are rendered, and their checks followed. An order or filter that depends on checks follows
//! those of more rows, up to a limit.

use std::sync::Arc;

use leptos::{ev, prelude::*};
use model::{
    instrument::Instrument,
    proof::{BookCounters, BookState},
    sorted::SortedSet,
    status::StreamState,
    time::Timestamp,
};
use topics::topic::Topic;

use crate::{
    cadence::Cadence,
    components::{
        long_table::{LongTable, RowWindow, SortHeading, row_index, rows_of, use_row_window},
        status_light::{StatusLight, Subject},
    },
    format::{self, UNKNOWN},
    fragment::Fragment,
    live::{browser, model::LiveModel, use_live},
    pages::quality::status_and,
    quality::rows::{BookChecks, BookRow, Ranking, RowChoice, SortKey},
};

/// A column: its heading, its sort key, and the class that hides it where there is not room for all.
struct Column {
    label: &'static str,
    key: SortKey,
    class: &'static str,
}

const COLUMNS: [Column; 11] = [
    Column { label: "Instrument", key: SortKey::Instrument, class: "" },
    Column { label: "Book", key: SortKey::State, class: "proof__book" },
    Column { label: "Age", key: SortKey::Age, class: "" },
    Column { label: "Updates", key: SortKey::Updates, class: "proof__wide" },
    Column { label: "Gaps", key: SortKey::Gaps, class: "" },
    Column { label: "Checksums ok / bad, last", key: SortKey::Checksums, class: "proof__middle" },
    Column { label: "Resyncs, last", key: SortKey::Resyncs, class: "proof__middle" },
    Column { label: "Crossed", key: SortKey::Crossed, class: "proof__wide" },
    Column { label: "Quotes = / ≠", key: SortKey::Quotes, class: "proof__wide" },
    Column { label: "Duplicates", key: SortKey::Duplicates, class: "proof__wide" },
    Column { label: "Late trades", key: SortKey::Late, class: "proof__wide" },
];

/// The table with its filter.
#[component]
pub fn BooksPanel() -> impl IntoView {
    let live = use_live();
    let choice = RwSignal::new(RowChoice::default());
    // Once a second: rows that change places while being read are useless.
    let listed = Memo::new(move |_| {
        let choice = choice.get();
        let now = if choice.needs_checks() { live.slow_tick().get() } else { live.slow_tick().get_untracked() };
        let list = |all: &[Arc<Instrument>]| live.with_model(|model| choice.list(all, model, now, MOST_RANKED));
        live.instruments().with(|instruments| list(&instruments.known)).unwrap_or_default()
    });
    let window = use_row_window(move |_| listed.with(|listed| listed.shown.len()));
    let in_view =
        Memo::new(move |_| listed.with(|listed| listed.shown.get(window.in_view().get()).unwrap_or_default().to_vec()));
    // Sorted: a new order of the same instruments asks for nothing new.
    let topics = Memo::new(move |_| {
        let topic = |instrument: &Arc<Instrument>| Topic::quality(&instrument.id);
        let mut followed: SortedSet<Topic> = listed.with(|listed| listed.ranked.iter().map(topic).collect());
        followed.extend(in_view.with(|in_view| in_view.iter().map(topic).collect::<Vec<_>>()));
        status_and(followed)
    });
    let source = move |model: &LiveModel| {
        let now = browser::now();
        Ok(Some(in_view.with_untracked(|in_view| {
            in_view.iter().map(|instrument| BookRow::new(model, instrument, now)).collect::<Vec<_>>()
        })))
    };
    let limit_note = Memo::new(move |_| listed.with(|listed| listed.limit_note(choice.get())));
    view! {
        <section class="panel quality-books" aria-label="Books">
            <div class="panel__head">
                <h2 class="panel__title">"Order-book checks"</h2>
                <label class="quality-books__filter">
                    <input
                        type="checkbox"
                        data-testid="trouble-only"
                        on:change=move |event: ev::Event| choice.update(|choice| choice.is_trouble_only = event_target_checked(&event))
                    />
                    "Problems only"
                </label>
            </div>
            <p class="quality-books__limit" data-testid="rank-limit" hidden=move || limit_note.with(String::is_empty)>
                {move || limit_note.get()}
            </p>
            <Fragment name="quality-books" cadence=Cadence::Status topics source let:rows>
                <BookTable rows listed window choice/>
            </Fragment>
        </section>
    }
}

#[component]
fn BookTable(
    /// The rows in view, in any order.
    rows: Signal<Option<Vec<BookRow>>>,
    /// The instruments of all rows, in order.
    listed: Memo<Ranking>,
    /// The part of the table in view.
    window: RowWindow,
    /// The filter and the order.
    choice: RwSignal<RowChoice>,
) -> impl IntoView {
    let live = use_live();
    let note = move || listed.with(Ranking::empty_note);
    let heading = move |column: &'static Column| {
        view! {
            <SortHeading
                label=column.label
                class=column.class
                sort=Signal::derive(move || choice.get().aria(column.key))
                click=move |()| choice.update(|choice| *choice = choice.by(column.key))
            />
        }
    };
    let headings = COLUMNS.iter().map(heading).collect_view().into_any();
    // A row belongs to a place, not to a book: another order replaces texts, not elements.
    let row_at = move |place: usize| {
        let instrument = Memo::new(move |_| listed.with(|listed| listed.shown.get(place).cloned()));
        Memo::new(move |_| {
            let instrument = instrument.get()?;
            let find = |rows: &Vec<BookRow>| rows.iter().find(|row| row.id == instrument.id).cloned();
            // One that has just come into view waits for the region's next turn; its name does not.
            let new = || live.with_model(|model| BookRow::new(model, &instrument, live.tick().get_untracked()));
            rows.with(|rows| rows.as_ref().and_then(find)).or_else(new)
        })
    };
    let rows = rows_of(window, move |place| view! { <ProofRow place row=row_at(place)/> }.into_any());
    view! {
        <LongTable label="Order-book checks" class="proof" testid="proof" window headings rows>
            <p class="proof__note" hidden=move || note().is_empty()>{note}</p>
        </LongTable>
    }
}

#[component]
fn ProofRow(
    /// Its place in the table.
    place: usize,
    /// The row's contents; `None` while it is being removed.
    row: Memo<Option<BookRow>>,
) -> impl IntoView {
    let text =
        move |of: fn(&BookRow) -> String| move || row.with(|row| row.as_ref().map_or_else(|| UNKNOWN.to_owned(), of));
    let state = Signal::derive(move || row.with(|row| row.as_ref().map(|row| row.state).unwrap_or_default()));
    let word = Signal::derive(move || row.with(|row| row.as_ref().map_or("", |row| row.word)));
    let subject = Signal::derive(move || row.with(|row| Some(Subject::Stream(row.as_ref()?.id.clone()))));
    let book_state = Memo::new(move |_| row.with(|row| Some(row.as_ref()?.checks.as_ref()?.book_state)));
    let check = move |of: fn(&BookChecks) -> String| move || row.with(|row| check_text(row.as_ref(), of));
    let cell = move |class: &'static str, of: fn(&BookChecks) -> String| {
        view! { <span class=class role="cell">{check(of)}</span> }
    };
    view! {
        <div
            class="long-table__row"
            role="row"
            aria-rowindex=row_index(place)
            data-testid="proof-row"
            data-symbol=text(|row| row.id.to_string())
            data-book=move || book_state.get().map_or("", BookState::as_str)
        >
            <span class="proof__instrument" role="rowheader">
                <StatusLight subject state word>
                    <span class="proof__name">{text(|row| row.name.clone())}</span>
                    <span class="proof__venue">{text(|row| row.id.venue().to_string())}</span>
                </StatusLight>
            </span>
            <span class="proof__book" role="cell">
                <span class="book-mark" aria-hidden="true">{move || book_state.get().map_or("", shape)}</span>
                <span data-testid="book-state">{text(book_word)}</span>
            </span>
            {cell("", |checks| checks.age_ms.map_or_else(|| UNKNOWN.to_owned(), format::whole_age))}
            <span class="proof__wide" role="cell" data-testid="updates">{check(|checks| grouped(checks.counters.updates))}</span>
            <span role="cell" data-testid="row-gaps">{check(|checks| grouped(checks.counters.gaps))}</span>
            {cell("proof__middle proof__checksum", checksums)}
            {cell("proof__middle", resyncs)}
            {cell("proof__wide", |checks| grouped(checks.counters.crossed))}
            {cell("proof__wide", quotes)}
            {cell("proof__wide", |checks| grouped(checks.counters.duplicates))}
            {cell("proof__wide", |checks| grouped(checks.late_trades))}
        </div>
    }
}

/// Returns the text of a row's checks, or the mark for unknown until they have arrived.
fn check_text(row: Option<&BookRow>, of: fn(&BookChecks) -> String) -> String {
    row.and_then(|row| row.checks.as_ref()).map_or_else(|| UNKNOWN.to_owned(), of)
}

/// Returns the shape of each state, so that colour is never the only sign.
fn shape(state: BookState) -> &'static str {
    match state {
        BookState::Live => "●",
        BookState::Empty => "○",
        BookState::Buffering => "◌",
        BookState::Unverified => "◐",
        BookState::Polled => "◒",
        BookState::Suspect => "▲",
        BookState::Resyncing => "↻",
    }
}

fn book_word(row: &BookRow) -> String {
    let Some(checks) = &row.checks else { return UNKNOWN.to_owned() };
    let word = match (checks.book_state, row.state) {
        // A live stream without updates of a book has no book.
        (BookState::Empty, StreamState::Live) if checks.counters.updates == 0 => "none",
        (BookState::Empty, _) => "waiting",
        (state, _) => state.as_str(),
    };
    word.to_owned()
}

fn grouped(count: u64) -> String {
    format::grouped(&count.to_string())
}

/// Formats `90 210 / 1  c54b3d12 = c54b3d12`; a dash if the venue sends none.
fn checksums(checks: &BookChecks) -> String {
    let BookCounters { checksums_ok, checksums_bad, .. } = checks.counters;
    if checks.last_checksum.is_none() && checksums_ok + checksums_bad == 0 {
        return UNKNOWN.to_owned();
    }
    let last = checks.last_checksum.map_or_else(String::new, |last| {
        let sign = if last.agrees() { "=" } else { "≠" };
        format!("  {:08x} {sign} {:08x}", last.venue, last.own)
    });
    format!("{} / {}{last}", grouped(checksums_ok), grouped(checksums_bad))
}

/// Formats `1  gap 14:03:11`.
fn resyncs(checks: &BookChecks) -> String {
    let last = checks.last_resync.map_or_else(String::new, |last| {
        format!("  {} {}", last.reason.as_str(), format::time_of_day(Timestamp::from_millis(last.at_ms)))
    });
    format!("{}{last}", grouped(checks.counters.resyncs))
}

/// Formats `6 491 / 2`; a dash if the venue sends no quotes of its own.
fn quotes(checks: &BookChecks) -> String {
    let BookCounters { quote_matches, quote_mismatches, .. } = checks.counters;
    if quote_matches + quote_mismatches == 0 {
        return UNKNOWN.to_owned();
    }
    format!("{} / {}", grouped(quote_matches), grouped(quote_mismatches))
}

/// Instruments whose checks are followed for an order or a filter, beside those in view: together below what one
/// connection may follow (512).
const MOST_RANKED: usize = 350;

#[cfg(test)]
mod tests {
    use model::time::Now;
    use topics::channels::quality::QualityData;

    use super::*;

    fn row(checks: Option<(BookState, u64)>, state: StreamState) -> BookRow {
        let instrument: Instrument = serde_json::from_str(
            r#"{"id":"one:A","base":"A","quote":"B","tick_size":"0.1","lot_size":"1","min_notional":null,"status":"trading","is_simulated":false}"#,
        )
        .unwrap();
        let checks = checks.map(|(book_state, updates)| {
            let counters = BookCounters { updates, ..BookCounters::default() };
            BookChecks::new(&QualityData::new(book_state, &counters, &Default::default()), Timestamp::default())
        });
        BookRow { checks, state, ..BookRow::new(&LiveModel::default(), &instrument, Now::default()) }
    }

    #[test]
    fn no_book_none_yet_and_unknown_are_told_apart() {
        #[track_caller]
        fn check(checks: Option<(BookState, u64)>, state: StreamState, expected: [&str; 2]) {
            let row = row(checks, state);
            let gaps = check_text(Some(&row), |checks| grouped(checks.counters.gaps));
            assert_eq!([book_word(&row), gaps], expected);
        }
        check(Some((BookState::Empty, 0)), StreamState::Initialising, ["waiting", "0"]);
        check(Some((BookState::Empty, 0)), StreamState::Live, ["none", "0"]);
        check(Some((BookState::Empty, 3)), StreamState::Live, ["waiting", "0"]);
        check(Some((BookState::Resyncing, 3)), StreamState::Live, ["resyncing", "0"]);
        check(None, StreamState::Live, [UNKNOWN, UNKNOWN]);
        assert_eq!(check_text(None, |_| "0".to_owned()), UNKNOWN);
    }
}
