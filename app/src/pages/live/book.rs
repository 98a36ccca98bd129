//! The order book panel: asks above, bids below, the spread between them, and the result of the book's checks.

use leptos::{ev, html, prelude::*};
use model::{decimal::Price, instrument::InstrumentId};
use topics::{
    limits::{BOOK_DEPTH, GROUP_TICKS, LADDER_DEPTH},
    topic::Topic,
};

use crate::{
    cadence::Cadence,
    components::{
        room::use_room,
        unsupported::{Feature, UnsupportedNote, use_unsupported},
    },
    format,
    fragment::Fragment,
    live::model::LiveModel,
    pages::live::{
        book_rows::{BookForm, BookRow, BookView, N_ROWS_AT_FIRST, proof},
        picked_price::use_picked_price,
        size_heading::SizeHeading,
    },
    selection::Selection,
    settings::use_settings,
};

/// The order book of the shown instrument.
#[component]
pub fn BookPanel(
    /// The shown instrument.
    selection: Selection,
) -> impl IntoView {
    let unsupported = use_unsupported(selection, Feature::Book);
    let is_given = Memo::new(move |_| unsupported.with(Option::is_none));
    let settings = use_settings();
    let n_ticks = Memo::new(move |_| {
        let id = selection.id.with(|id| id.as_ref().map(ToString::to_string));
        id.map_or(1, |id| settings.with(|settings| settings.group_ticks(&id)))
    });
    let side = NodeRef::<html::Div>::new();
    let room = use_room(side);
    let most = Memo::new(move |_| settings.with(|settings| settings.bandwidth.max_levels()).unwrap_or(LADDER_DEPTH));
    let n_rows = Memo::new(move |_| {
        room.get().n_whole_rows().map_or(N_ROWS_AT_FIRST, |fit| fit.min(LADDER_DEPTH)).min(most.get())
    });
    let form = Memo::new(move |_| Form { n_ticks: n_ticks.get(), n_rows: n_rows.get() });
    let topics =
        Signal::derive(move || selection.id.with(|id| id.as_ref().map_or_else(Vec::new, |id| form.get().topics(id))));
    let tick = Memo::new(move |_| selection.instrument.with(|known| known.as_ref().map(|known| known.tick_size)));
    let choose = move |n_ticks: u32| {
        if let Some(id) = selection.id.get_untracked() {
            settings.update(|settings| settings.set_group_ticks(&id.to_string(), n_ticks));
        }
    };
    let unit = Memo::new(move |_| settings.with(|settings| settings.size_unit));
    let source = move |model: &LiveModel| {
        Ok(selection.id.with_untracked(|id| {
            let id = id.as_ref()?;
            let form = form.get_untracked();
            let best = model.book(id)?;
            // Until the deep book has come, the single levels are shown; never those for groups.
            let book = if form.is_deep() {
                model.ladder(form.n_ticks, id).or((form.n_ticks == 1).then_some(best))?
            } else {
                best
            };
            let own = || {
                let level = best.bids.first().or(best.asks.first());
                level.map_or((0, 0), |level| (level.price.scale(), level.quantity.scale()))
            };
            let decimals = untrack(move || selection.decimals()).unwrap_or_else(own);
            let written = BookForm { decimals, unit: unit.get_untracked() };
            Some(BookView::new(book, best, form.n_ticks > 1, form.n_rows, written))
        }))
    };
    let choice =
        Signal::derive(move || form.with(|form| format!("{} {} {}", form.n_ticks, form.n_rows, unit.get().as_str())));
    view! {
        <section class="panel book-panel" data-panel="book" aria-label="Order book">
            // An input: outside the region that refreshes.
            <select
                class="field field--tool book-panel__group"
                data-testid="book-group"
                aria-label="Price step of the book"
                title="Price step of the book"
                hidden=move || !is_given.get()
                on:change=move |event: ev::Event| choose(event_target_value(&event).parse().unwrap_or(1))
            >
                {GROUP_TICKS.map(|choice| view! {
                    <option value=choice.to_string() prop:selected=move || n_ticks.get() == choice>
                        {move || tick.get().and_then(|tick| times(tick, choice)).map_or_else(|| format!("× {choice}"), step_label)}
                    </option>
                }).into_iter().collect_view()}
            </select>
            <Show when=move || is_given.get() fallback=move || view! { <UnsupportedNote title="Book" unsupported/> }>
                <Fragment name="book" cadence=Cadence::Shown topics source choice let:view>
                    <Book view selection n_rows side/>
                </Fragment>
            </Show>
        </section>
    }
}

/// The form in which the book is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Form {
    /// Size of the groups.
    n_ticks: u32,
    /// Rows of each side.
    n_rows: usize,
}

impl Form {
    /// True if the best levels are not enough.
    fn is_deep(self) -> bool {
        self.n_ticks > 1 || self.n_rows > BOOK_DEPTH
    }

    /// The best levels are always needed: the spread is theirs.
    fn topics(self, id: &InstrumentId) -> Vec<Topic> {
        let ladder = self.is_deep().then(|| Topic::ladder(self.n_ticks, id));
        ladder.into_iter().chain([Topic::book(id)]).collect()
    }
}

/// Returns `n_ticks` ticks; `None` if that does not fit a decimal.
fn times(tick: Price, n_ticks: u32) -> Option<Price> {
    Price::from_mantissa(tick.mantissa().checked_mul(i128::from(n_ticks))?, tick.scale())
}

fn step_label(step: Price) -> String {
    format::price(step, step.significant_scale())
}

/// Head and rows; unknown rows keep their place.
#[component]
fn Book(
    /// The book, if known.
    view: Signal<Option<BookView>>,
    /// The shown instrument.
    selection: Selection,
    /// Rows of each side.
    n_rows: Memo<usize>,
    /// The element of the asks: its height decides how many rows fit.
    side: NodeRef<html::Div>,
) -> impl IntoView {
    let state = Memo::new(move |_| view.with(|view| view.as_ref().map(|view| view.state).unwrap_or_default()));
    let ask = move |level_idx: usize| {
        Memo::new(move |_| view.with(|view| view.as_ref().and_then(|view| view.asks.get(level_idx).cloned())))
    };
    let bid = move |level_idx: usize| {
        Memo::new(move |_| view.with(|view| view.as_ref().and_then(|view| view.bids.get(level_idx).cloned())))
    };
    let topic = move || selection.id.with(|id| id.as_ref().map(|id| Topic::book(id).to_string()));
    let spread = Memo::new(move |_| view.with(|view| view.as_ref().and_then(|view| view.spread.clone())));
    let picked = use_picked_price();
    let pick = move |event: ev::MouseEvent| picked.pick_row(selection.id.get_untracked(), &event);
    view! {
        <div class="panel__head">
            <h2 class="panel__title">"Book"</h2>
            <span class="book__proof tag" data-testid="book-proof" data-state=move || state.get().as_str()>
                {move || proof(state.get())}
            </span>
        </div>
        <div class="book" role="table" aria-label="Levels" data-testid="book" data-topic=topic data-state=move || state.get().as_str() on:click=pick>
            <div class="book__row book__row--head" role="row">
                <span role="columnheader">"Price"</span>
                <SizeHeading selection/>
                <span role="columnheader">"Total"</span>
            </div>
            <div class="book__side book__side--asks" role="rowgroup" aria-label="Asks" node_ref=side>
                <For each=move || (0..n_rows.get()).rev() key=|level_idx| *level_idx let:level_idx>
                    <BookLine side="ask" level_idx row=ask(level_idx)/>
                </For>
            </div>
            <div class="book__spread" role="row" data-testid="book-spread">
                <span role="cell">"Spread"</span>
                <span role="cell">{move || spread.with(|spread| spread.as_ref().map_or_else(|| format::UNKNOWN.to_owned(), |(text, _)| text.clone()))}</span>
                <span role="cell">{move || spread.with(|spread| spread.as_ref().map_or_else(String::new, |(_, share)| share.clone()))}</span>
            </div>
            <div class="book__side book__side--bids" role="rowgroup" aria-label="Bids">
                <For each=move || 0..n_rows.get() key=|level_idx| *level_idx let:level_idx>
                    <BookLine side="bid" level_idx row=bid(level_idx)/>
                </For>
            </div>
        </div>
    }
}

/// One level with its bar.
#[component]
fn BookLine(
    /// `ask` or `bid`.
    side: &'static str,
    /// 0 is the best.
    level_idx: usize,
    /// Its contents, if known.
    row: Memo<Option<BookRow>>,
) -> impl IntoView {
    let testid = format!("book-{side}-{level_idx}");
    let text = move |of: fn(&BookRow) -> &str| {
        move || row.with(|row| row.as_ref().map_or_else(String::new, |row| of(row).to_owned()))
    };
    let fill =
        move || row.with(|row| row.as_ref().map(|row| format!("scaleX({})", f64::from(row.fill_percent) / 100.0)));
    let is_partial = move || row.with(|row| row.as_ref().is_some_and(|row| row.is_partial).then_some("true"));
    view! {
        <div class="book__row" role="row" data-testid=testid.clone() data-partial=is_partial>
            <i class="book__bar" aria-hidden="true" style:transform=fill></i>
            <span class="book__price" role="cell" data-testid=format!("{testid}-price") data-value=text(|row| &row.price_value)>
                {text(|row| &row.price)}
            </span>
            <span class="book__size" role="cell" data-testid=format!("{testid}-size") data-value=text(|row| &row.size_value)>
                {text(|row| &row.size)}
            </span>
            <span class="book__total" role="cell">{text(|row| &row.total)}</span>
        </div>
    }
}
