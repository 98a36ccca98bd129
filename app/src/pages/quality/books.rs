//! The checks of each book: a table that sorts by any column, with a filter for books in trouble.

use leptos::{ev, prelude::*};
use model::{
    proof::{BookCounters, BookState},
    status::StreamState,
    time::Timestamp,
};

use crate::{
    cadence::Cadence,
    components::{
        long_table::{LongTable, SortHeading, row_index, rows_of, use_row_window},
        status_light::{StatusLight, Subject},
    },
    format::{self, UNKNOWN},
    fragment::Fragment,
    live::{browser, model::LiveModel, use_live},
    pages::quality::topics,
    quality::rows::{BookRow, RowChoice, SortKey},
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
    let all = Memo::new(move |_| live.instruments().with(|list| list.known.clone()));
    let source = move |model: &LiveModel| {
        let now = browser::now();
        Ok(Some(all.with_untracked(|all| all.iter().map(|one| BookRow::new(model, one, now)).collect::<Vec<_>>())))
    };
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
            <Fragment name="quality-books" cadence=Cadence::Status topics=topics() source let:rows>
                <BookTable rows choice/>
            </Fragment>
        </section>
    }
}

#[component]
fn BookTable(
    /// A row for each instrument.
    rows: Signal<Option<Vec<BookRow>>>,
    /// The filter and the order.
    choice: RwSignal<RowChoice>,
) -> impl IntoView {
    let shown = Memo::new(move |_| rows.with(|rows| choice.get().arrange(rows.as_deref().unwrap_or_default())));
    let note = move || {
        let n_all = rows.with(|rows| rows.as_ref().map_or(0, Vec::len));
        match (n_all, shown.with(Vec::is_empty)) {
            (0, _) => "No instruments yet.",
            (_, true) => "No problems found.",
            (_, false) => "",
        }
    };
    let window = use_row_window(move |_| shown.with(Vec::len));
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
        Memo::new(move |_| {
            let at = shown.with(|shown| shown.get(place).copied())?;
            rows.with(|rows| rows.as_ref()?.get(at).cloned())
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
    let book_state = Memo::new(move |_| row.with(|row| row.as_ref().map(|row| row.book_state).unwrap_or_default()));
    let cell = move |class: &'static str, of: fn(&BookRow) -> String| {
        view! { <span class=class role="cell">{text(of)}</span> }
    };
    view! {
        <div
            class="long-table__row"
            role="row"
            aria-rowindex=row_index(place)
            data-testid="proof-row"
            data-symbol=text(|row| row.id.to_string())
            data-book=move || book_state.get().as_str()
        >
            <span class="proof__instrument" role="rowheader">
                <StatusLight subject state word>
                    <span class="proof__name">{text(|row| row.name.clone())}</span>
                    <span class="proof__venue">{text(|row| row.id.venue().to_string())}</span>
                </StatusLight>
            </span>
            <span class="proof__book" role="cell">
                <span class="book-mark" aria-hidden="true">{move || shape(book_state.get())}</span>
                <span data-testid="book-state">{text(book_word)}</span>
            </span>
            {cell("", |row| row.age_ms.map_or_else(|| UNKNOWN.to_owned(), format::whole_age))}
            <span class="proof__wide" role="cell" data-testid="updates">{text(|row| grouped(row.counters.updates))}</span>
            <span role="cell" data-testid="row-gaps">{text(|row| grouped(row.counters.gaps))}</span>
            {cell("proof__middle proof__checksum", checksums)}
            {cell("proof__middle", resyncs)}
            {cell("proof__wide", |row| grouped(row.counters.crossed))}
            {cell("proof__wide", quotes)}
            {cell("proof__wide", |row| grouped(row.counters.duplicates))}
            {cell("proof__wide", |row| grouped(row.late_trades))}
        </div>
    }
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
    let word = match (row.book_state, row.state) {
        // A live stream without updates of a book has no book.
        (BookState::Empty, StreamState::Live) if row.counters.updates == 0 => "none",
        (BookState::Empty, _) => "waiting",
        (state, _) => state.as_str(),
    };
    word.to_owned()
}

fn grouped(count: u64) -> String {
    format::grouped(&count.to_string())
}

/// Formats `90 210 / 1  c54b3d12 = c54b3d12`; a dash if the venue sends none.
fn checksums(row: &BookRow) -> String {
    let BookCounters { checksums_ok, checksums_bad, .. } = row.counters;
    if row.last_checksum.is_none() && checksums_ok + checksums_bad == 0 {
        return UNKNOWN.to_owned();
    }
    let last = row.last_checksum.map_or_else(String::new, |last| {
        let sign = if last.agrees() { "=" } else { "≠" };
        format!("  {:08x} {sign} {:08x}", last.venue, last.own)
    });
    format!("{} / {}{last}", grouped(checksums_ok), grouped(checksums_bad))
}

/// Formats `1  gap 14:03:11`.
fn resyncs(row: &BookRow) -> String {
    let last = row.last_resync.map_or_else(String::new, |last| {
        format!("  {} {}", last.reason.as_str(), format::time_of_day(Timestamp::from_millis(last.at_ms)))
    });
    format!("{}{last}", grouped(row.counters.resyncs))
}

/// Formats `6 491 / 2`; a dash if the venue sends no quotes of its own.
fn quotes(row: &BookRow) -> String {
    let BookCounters { quote_matches, quote_mismatches, .. } = row.counters;
    if quote_matches + quote_mismatches == 0 {
        return UNKNOWN.to_owned();
    }
    format!("{} / {}", grouped(quote_matches), grouped(quote_mismatches))
}

#[cfg(test)]
mod tests {
    use model::{instrument::Instrument, time::Now};

    use super::*;

    #[test]
    fn no_book_and_none_yet_are_told_apart() {
        let instrument: Instrument = serde_json::from_str(
            r#"{"id":"one:A","base":"A","quote":"B","tick_size":"0.1","lot_size":"1","min_notional":null,"status":"trading","is_simulated":false}"#,
        )
        .unwrap();
        let row = |book_state, state| {
            let row = BookRow::new(&LiveModel::default(), &instrument, Now::default());
            book_word(&BookRow { book_state, state, ..row })
        };
        assert_eq!(row(BookState::Empty, StreamState::Initialising), "waiting");
        assert_eq!(row(BookState::Empty, StreamState::Live), "none");
        assert_eq!(row(BookState::Resyncing, StreamState::Live), "resyncing");
    }
}
