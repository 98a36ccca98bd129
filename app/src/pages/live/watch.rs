//! The watchlist: an overview of all instruments; a click shows one.
//!
//! Only the rows in view are rendered and subscribed to: a venue may list thousands.

use std::sync::Arc;

use leptos::{ev, html, prelude::*};
use model::{
    instrument::{Instrument, InstrumentId, Venue},
    sorted::sorted_by,
    time::Monotonic,
};
use topics::{channels::status::StatusData, topic::Topic};

use crate::{
    cadence::Cadence,
    components::{
        flash_price::FlashPrice,
        long_table::{LongTable, RowWindow, SortHeading, row_index, rows_of, use_row_window},
        status_light::{StatusLight, Subject},
    },
    format,
    fragment::Fragment,
    live::{browser, model::LiveModel, use_live},
    pages::live::{
        headline_figures::Figures,
        symbol_picker::use_choose,
        symbol_search::search,
        watch_sorting::{SortBy, Sorting},
    },
    quality::words::stream_word,
    selection::{Selection, pair},
    settings::use_settings,
};

/// One instrument's figures, and its updates a second.
#[derive(Clone, Debug, Default, PartialEq)]
struct WatchLine {
    figures: Figures,
    rate: String,
}

/// Lines of the rows in view.
type Lines = Vec<(InstrumentId, WatchLine)>;

/// All instruments with their last price.
#[component]
pub fn WatchPanel(
    /// The shown instrument.
    selection: Selection,
) -> impl IntoView {
    let live = use_live();
    let text = RwSignal::new(String::new());
    let settings = use_settings();
    let order = RwSignal::new(Sorting::default());
    let favourites = Memo::new(move |_| settings.with(|settings| settings.favourites.clone()));
    let listed = Memo::new(move |_| {
        let rows = live.instruments().with(|list| text.with(|text| search(&list.known, text)));
        let order = order.get();
        if order.by.is_some() {
            live.slow_tick().track();
        }
        let sorted = favourites.with(|favourites| {
            live.with_model(|model| order.sorted(rows, model, |row| favourites.contains(&row.id.to_string())))
        });
        sorted.unwrap_or_default()
    });
    let window = use_row_window(move |_| listed.with(Vec::len));
    let shown =
        Memo::new(move |_| listed.with(|listed| listed.get(window.in_view().get()).unwrap_or_default().to_vec()));
    // Sorting by a figure takes the figures of all, up to a limit, and those of the rows in view beyond it.
    let quoted = move || match order.get().needs_quotes() {
        true => listed.with(|listed| {
            let in_view = window.in_view().get();
            let beyond = in_view.start.max(MOST_QUOTED)..in_view.end.max(MOST_QUOTED);
            let beyond = listed.get(beyond).unwrap_or_default();
            listed.iter().take(MOST_QUOTED).chain(beyond).cloned().collect()
        }),
        false => shown.get(),
    };
    let topics = Signal::derive(move || {
        // A new order of the same instruments asks for nothing new.
        let quoted: Vec<Arc<Instrument>> = sorted_by(quoted(), |one, other| one.id.cmp(&other.id));
        quoted.iter().map(|instrument| Topic::quote(&instrument.id)).chain([Topic::STATUS]).collect::<Vec<_>>()
    });
    let source = move |model: &LiveModel| {
        Ok(Some(shown.with_untracked(|shown| {
            shown.iter().map(|instrument| (instrument.id.clone(), line(model, instrument))).collect::<Lines>()
        })))
    };
    view! {
        <section class="panel watch-panel" data-panel="watch" aria-label="Watchlist">
            <div class="panel__head">
                <h2 class="panel__title">"Watchlist"</h2>
                <input
                    class="field watch-panel__filter"
                    data-testid="watch-filter"
                    type="search"
                    placeholder="Filter"
                    aria-label="Filter the watchlist"
                    prop:value=move || text.get()
                    on:input=move |event: ev::Event| text.set(event_target_value(&event))
                />
            </div>
            <Fragment name="watch" cadence=Cadence::Price topics source let:lines>
                <WatchTable lines listed window selection order/>
            </Fragment>
        </section>
    }
}

fn line(model: &LiveModel, instrument: &Instrument) -> WatchLine {
    let decimals = Some((instrument.price_decimals(), instrument.size_decimals()));
    let figures = model.quote(&instrument.id).map(|quote| Figures::new(&instrument.id.to_string(), quote, decimals));
    let entry = model.status().and_then(|status| status.streams.iter().find(|entry| entry.instrument == instrument.id));
    WatchLine {
        figures: figures.unwrap_or_default(),
        rate: entry.map_or_else(|| format::UNKNOWN.to_owned(), |entry| format!("{:.1}", entry.rate)),
    }
}

#[component]
fn WatchTable(
    /// A line for each row in view.
    lines: Signal<Option<Lines>>,
    /// The instruments that pass the filter.
    listed: Memo<Vec<Arc<Instrument>>>,
    /// The part of the table in view.
    window: RowWindow,
    /// The shown instrument.
    selection: Selection,
    /// The order of the rows.
    order: RwSignal<Sorting>,
) -> impl IntoView {
    let live = use_live();
    let empty_note = move || match (listed.with(Vec::is_empty), live.instruments().with(|list| list.known.is_empty())) {
        (false, _) => String::new(),
        (true, true) => {
            live.tick().track();
            let title = |venue: &Venue| live.venues().with(|venues| venues.title(venue).to_owned());
            live.with_model(|model| model.status().map(|status| no_instruments(status, title)))
                .flatten()
                .unwrap_or_default()
        }
        (true, false) => "No instrument matches.".to_owned(),
    };
    // States and ages advance without any data: twice a second is often enough.
    let beat = Memo::new(move |_| live.tick().get().monotonic.saturating_since(Monotonic::ZERO).as_millis() / 500);
    scroll_to_shown(window.element(), listed, selection);
    let sort = move |by: SortBy, label: &'static str, class: &'static str| {
        view! {
            <SortHeading
                label
                class
                sort=Signal::derive(move || order.get().aria(by))
                click=move |()| order.update(|order| *order = order.clicked(by))
            />
        }
    };
    let plain =
        |label: &'static str, class: &'static str| view! { <span role="columnheader" class=class>{label}</span> };
    let headings = view! {
        {sort(SortBy::Name, "Instrument", "")}
        {sort(SortBy::Last, "Last", "")}
        {sort(SortBy::Change, "24 h", "")}
        {plain("Bid", "watch__middle")}
        {plain("Ask", "watch__middle")}
        {plain("High", "watch__wide")}
        {plain("Low", "watch__wide")}
        {plain("Volume", "watch__middle")}
        {sort(SortBy::Rate, "Updates/s", "watch__wide")}
        {plain("Age", "watch__wide")}
    }
    .into_any();
    let row = move |place: usize| {
        let instrument = Memo::new(move |_| listed.with(|listed| listed.get(place).cloned()));
        let row = move |instrument: Arc<Instrument>| {
            view! { <WatchRow line=line_of(lines, &instrument) place instrument beat selection/> }
        };
        (move || instrument.get().map(row)).into_any()
    };
    let rows = rows_of(window, row);
    view! {
        <LongTable label="Instruments" class="watch" testid="watch" window headings rows>
            <p class="watch__note" hidden=move || empty_note().is_empty()>{empty_note}</p>
        </LongTable>
    }
}

/// Returns why no instrument is known yet, from the status of all feeds.
fn no_instruments(status: &StatusData, title: impl Fn(&Venue) -> String) -> String {
    let causes = status.connections.iter().filter_map(|connection| {
        let cause = connection.cause.as_ref()?;
        Some(format!("No data from {}: {cause}.", title(&connection.venue)))
    });
    match causes.collect::<Vec<_>>() {
        causes if !causes.is_empty() => causes.join(" "),
        _ if status.streams.is_empty() => "No instruments are followed. Start a venue on the Venues page.".to_owned(),
        _ => "Waiting for the venues' first data…".to_owned(),
    }
}

/// Returns the line of one instrument; unknown until the region's next turn if it has just come into view.
fn line_of(lines: Signal<Option<Lines>>, instrument: &Instrument) -> Memo<WatchLine> {
    let id = instrument.id.clone();
    Memo::new(move |_| {
        let found = |lines: &Lines| lines.iter().find(|(of, _)| *of == id).map(|(_, line)| line.clone());
        lines.with(|lines| lines.as_ref().and_then(found)).unwrap_or_default()
    })
}

/// Scrolls to the shown instrument's row when another one is chosen, rendered or not.
fn scroll_to_shown(table: NodeRef<html::Div>, listed: Memo<Vec<Arc<Instrument>>>, selection: Selection) {
    let is_known = Memo::new(move |_| listed.with(|listed| !listed.is_empty()));
    Effect::new(move |_| {
        // A new order alone does not scroll.
        let _is_known = is_known.get();
        let position = |id: &Option<InstrumentId>| {
            listed.with_untracked(|listed| listed.iter().position(|one| Some(&one.id) == id.as_ref()))
        };
        let place = selection.id.with(position);
        if let (Some(place), Some(table)) = (place, table.get()) {
            browser::scroll_row_into_view(&table, place);
        }
    });
}

#[component]
fn WatchRow(
    /// The figures of the instrument.
    line: Memo<WatchLine>,
    /// Its place in the table.
    place: usize,
    /// The instrument.
    instrument: Arc<Instrument>,
    /// A beat at which the state of its stream is read again.
    beat: Memo<u128>,
    /// The shown instrument.
    selection: Selection,
) -> impl IntoView {
    let choose = use_choose();
    let id = instrument.id.clone();
    let chosen = id.clone();
    let is_shown = {
        let id = id.clone();
        Memo::new(move |_| selection.id.with(|shown| shown.as_ref() == Some(&id)))
    };
    let (live, settings) = (use_live(), use_settings());
    let starred = id.to_string();
    let is_favourite = {
        let id = starred.clone();
        Memo::new(move |_| settings.with(|settings| settings.favourites.contains(&id)))
    };
    let of_stream = id.clone();
    let stream = Memo::new(move |_| {
        if beat.get() == 0 {
            return Default::default();
        }
        let stream = live.with_model(|model| model.stream(&of_stream, browser::now())).unwrap_or_default();
        // Whole seconds: a column of running tenths would distract the eye.
        (stream.state, stream.age_ms.map(format::whole_age).unwrap_or_default(), stream_word(&stream))
    });
    let state = Signal::derive(move || stream.with(|stream| stream.0));
    let word = Signal::derive(move || stream.with(|stream| stream.2));
    let subject = Signal::stored(Some(Subject::Stream(id.clone())));
    let price = Memo::new(move |_| line.with(|line| line.figures.last.clone()));
    let cell = move |class: &'static str, of: fn(&WatchLine) -> &str| {
        view! { <span class=class role="cell">{move || line.with(|line| of(line).to_owned())}</span> }
    };
    view! {
        <div
            class="long-table__row watch__row"
            role="row"
            aria-rowindex=row_index(place)
            data-testid="watch-row"
            data-symbol=id.to_string()
            data-topic=Topic::quote(&id).to_string()
            data-state=move || state.get().as_str()
            aria-current=move || is_shown.get().then_some("true")
        >
            <span class="watch__name" role="rowheader">
                <StatusLight subject state word/>
                <button
                    class="watch__star"
                    data-testid="watch-star"
                    aria-pressed=move || is_favourite.get().to_string()
                    aria-label=format!("Favourite {}", pair(&instrument))
                    title="Favourites stand first"
                    on:click=move |_| settings.update(|settings| settings.toggle_favourite(&starred))
                >
                    {move || if is_favourite.get() { "★" } else { "☆" }}
                </button>
                // The button's area is the whole row.
                <button class="watch__choose" on:click=move |_| choose(&chosen)>{pair(&instrument)}</button>
                <span class="watch__venue">{instrument.id.venue().to_string()}</span>
            </span>
            <span role="cell"><FlashPrice testid="watch-last" figure=price/></span>
            <span class="watch__change" role="cell" data-trend=move || line.with(|line| line.figures.trend.as_str())>
                {move || line.with(|line| line.figures.change.text.clone())}
            </span>
            {cell("watch__middle", |line| &line.figures.bid.text)}
            {cell("watch__middle", |line| &line.figures.ask.text)}
            {cell("watch__wide", |line| &line.figures.high.text)}
            {cell("watch__wide", |line| &line.figures.low.text)}
            {cell("watch__middle", |line| &line.figures.volume.text)}
            {cell("watch__wide", |line| &line.rate)}
            <span class="watch__wide" role="cell">{move || stream.with(|stream| stream.1.clone())}</span>
        </div>
    }
}

/// Quotes requested for sorting, beside those in view.
const MOST_QUOTED: usize = 200;

#[cfg(test)]
mod tests {
    use model::status::FeedMode;
    use topics::channels::status::{ConnectionEntry, StreamEntry};

    use super::*;

    #[test]
    fn an_empty_list_says_why() {
        let id = InstrumentId::parse("binance:BTCUSDT").unwrap();
        let connection = |cause: Option<&str>| ConnectionEntry {
            cause: cause.map(str::to_owned),
            ..ConnectionEntry::new(id.venue(), FeedMode::WebSocket)
        };
        let of = |connections: Vec<ConnectionEntry>, n_streams: usize| {
            let streams = (0..n_streams).map(|_| StreamEntry::new(&id, FeedMode::WebSocket)).collect();
            no_instruments(&StatusData { connections, streams, ..StatusData::default() }, |_| "Binance".to_owned())
        };
        assert_eq!(
            of(vec![connection(Some("not available in this region"))], 3),
            "No data from Binance: not available in this region."
        );
        assert_eq!(of(vec![connection(None)], 3), "Waiting for the venues' first data…");
        assert_eq!(of(vec![], 0), "No instruments are followed. Start a venue on the Venues page.");
    }
}
