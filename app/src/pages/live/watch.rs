//! The watchlist: all instruments at a glance; a click shows one.

use std::sync::Arc;

use leptos::{ev, html, prelude::*};
use model::{instrument::Instrument, time::Now};
use wire::topic::Topic;

use crate::{
    components::{
        flash_price::FlashPrice,
        status_light::{StatusLight, Subject},
    },
    format,
    fragment::{Fragment, cadence::Cadence},
    live::{browser, model::LiveModel, use_live},
    pages::live::{headline_figures::Figures, symbol_picker::use_choose, symbol_search::search},
    quality::words::stream_word,
    selection::{Selection, pair},
};

/// One instrument's figures, and its updates a second.
#[derive(Clone, Debug, Default, PartialEq)]
struct WatchLine {
    figures: Figures,
    rate: String,
}

/// All instruments with their last price.
#[component]
pub fn WatchPanel(
    /// The shown instrument.
    selection: Selection,
) -> impl IntoView {
    let live = use_live();
    let text = RwSignal::new(String::new());
    let listed = Memo::new(move |_| live.instruments().with(|list| text.with(|text| search(&list.known, text))));
    let all = Memo::new(move |_| live.instruments().with(|list| list.known.clone()));
    let topics = Signal::derive(move || {
        all.with(|all| {
            all.iter().map(|instrument| Topic::quote(&instrument.id)).chain([Topic::STATUS]).collect::<Vec<_>>()
        })
    });
    let source = move |model: &LiveModel| {
        Ok(Some(all.with_untracked(|all| all.iter().map(|instrument| line(model, instrument)).collect::<Vec<_>>())))
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
                <WatchTable lines all listed selection/>
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
    /// A line for each of `all`.
    lines: Signal<Option<Vec<WatchLine>>>,
    /// All instruments.
    all: Memo<Arc<Vec<Arc<Instrument>>>>,
    /// Those that the filter lets through.
    listed: Memo<Vec<Arc<Instrument>>>,
    /// The shown instrument.
    selection: Selection,
) -> impl IntoView {
    let rows = move || {
        listed.with(|listed| {
            let place = |wanted: &Arc<Instrument>| all.with(|all| all.iter().position(|one| one.id == wanted.id));
            listed
                .iter()
                .filter_map(|instrument| Some((place(instrument)?, Arc::clone(instrument))))
                .collect::<Vec<_>>()
        })
    };
    let empty_note = move || match (listed.with(Vec::is_empty), all.with(|all| all.is_empty())) {
        (false, _) => "",
        (true, true) => "No instruments yet.",
        (true, false) => "No instrument matches.",
    };
    view! {
        <div class="watch" role="table" aria-label="Instruments">
            <div class="watch__row watch__row--head" role="row">
                <span role="columnheader">"Instrument"</span>
                <span role="columnheader">"Last"</span>
                <span role="columnheader">"24 h"</span>
                <span role="columnheader" class="watch__middle">"Bid"</span>
                <span role="columnheader" class="watch__middle">"Ask"</span>
                <span role="columnheader" class="watch__wide">"High"</span>
                <span role="columnheader" class="watch__wide">"Low"</span>
                <span role="columnheader" class="watch__middle">"Volume"</span>
                <span role="columnheader" class="watch__wide">"Updates/s"</span>
                <span role="columnheader" class="watch__wide">"Age"</span>
            </div>
            <For each=rows key=|(place, _)| *place let((place, instrument))>
                <WatchRow line=Memo::new(move |_| lines.with(|lines| lines.as_ref()?.get(place).cloned()).unwrap_or_default()) instrument selection/>
            </For>
            <p class="watch__note" hidden=move || empty_note().is_empty()>{empty_note}</p>
        </div>
    }
}

#[component]
fn WatchRow(
    /// What is known of the instrument.
    line: Memo<WatchLine>,
    /// The instrument.
    instrument: Arc<Instrument>,
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
    let live = use_live();
    let of_stream = id.clone();
    // State and age count on without any data: they are read at each tick, not with the figures.
    let stream = Memo::new(move |_| {
        if live.tick().get() == Now::default() {
            return Default::default();
        }
        let stream = live.with_model(|model| model.stream(&of_stream, browser::now())).unwrap_or_default();
        // Whole seconds: a column of running tenths would draw the eye for nothing.
        (stream.state, stream.age_ms.map(format::whole_age).unwrap_or_default(), stream_word(&stream))
    });
    let state = Signal::derive(move || stream.with(|stream| stream.0));
    let word = Signal::derive(move || stream.with(|stream| stream.2));
    let subject = Signal::stored(Some(Subject::Stream(id.clone())));
    let row = NodeRef::<html::Div>::new();
    Effect::new(move |_| {
        if is_shown.get()
            && let Some(row) = row.get()
        {
            browser::scroll_to_nearest(&row);
        }
    });
    let price = Memo::new(move |_| line.with(|line| line.figures.last.clone()));
    let cell = move |class: &'static str, of: fn(&WatchLine) -> &str| {
        view! { <span class=class role="cell">{move || line.with(|line| of(line).to_owned())}</span> }
    };
    view! {
        <div
            class="watch__row"
            role="row"
            data-testid="watch-row"
            data-symbol=id.to_string()
            data-topic=Topic::quote(&id).to_string()
            data-state=move || state.get().as_str()
            aria-current=move || is_shown.get().then_some("true")
            node_ref=row
        >
            <span class="watch__name" role="cell">
                <StatusLight subject state word/>
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
