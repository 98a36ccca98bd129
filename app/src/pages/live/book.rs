//! The order book panel: asks above, bids below, the spread between them, and the result of the book's checks.

use leptos::{ev, prelude::*};
use model::decimal::Price;
use topics::topic::Topic;

use crate::{
    cadence::Cadence,
    components::unsupported::{Feature, UnsupportedNote, use_unsupported},
    format,
    fragment::Fragment,
    live::model::LiveModel,
    pages::live::{
        book_rows::{BookRow, BookView, N_LEVELS, proof},
        topics_of,
    },
    selection::Selection,
    settings::{GROUP_TICKS, use_settings},
};

/// The order book of the shown instrument.
#[component]
pub fn BookPanel(
    /// The shown instrument.
    selection: Selection,
) -> impl IntoView {
    let topics = topics_of(selection, Topic::book);
    let unsupported = use_unsupported(selection, Feature::Book);
    let is_given = Memo::new(move |_| unsupported.with(Option::is_none));
    let settings = use_settings();
    let n_ticks = Memo::new(move |_| {
        let id = selection.id.with(|id| id.as_ref().map(ToString::to_string));
        id.map_or(1, |id| settings.with(|settings| settings.group_ticks(&id)))
    });
    let tick = Memo::new(move |_| selection.instrument.with(|known| known.as_ref().map(|known| known.tick_size)));
    let choose = move |n_ticks: u32| {
        if let Some(id) = selection.id.get_untracked() {
            settings.update(|settings| settings.set_group_ticks(&id.to_string(), n_ticks));
        }
    };
    let source = move |model: &LiveModel| {
        Ok(selection.id.with_untracked(|id| {
            let book = model.book(id.as_ref()?)?;
            let own = || {
                let level = book.bids.first().or(book.asks.first());
                level.map_or((0, 0), |level| (level.price.scale(), level.quantity.scale()))
            };
            let n_ticks = n_ticks.get_untracked();
            // A single tick is not a group: a level off the grid keeps its price.
            let step = tick.get_untracked().filter(|_| n_ticks > 1).and_then(|tick| times(tick, n_ticks));
            Some(BookView::new(book, untrack(move || selection.decimals()).unwrap_or_else(own), step))
        }))
    };
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
                })}
            </select>
            <Show when=move || is_given.get() fallback=move || view! { <UnsupportedNote title="Book" unsupported/> }>
                <Fragment name="book" cadence=Cadence::Price topics source choice=Signal::derive(move || n_ticks.get().to_string()) let:view>
                    <Book view selection/>
                </Fragment>
            </Show>
        </section>
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
    view! {
        <div class="panel__head">
            <h2 class="panel__title">"Book"</h2>
            <span class="book__proof tag" data-testid="book-proof" data-state=move || state.get().as_str()>
                {move || proof(state.get())}
            </span>
        </div>
        <div class="book" role="table" aria-label="Levels" data-testid="book" data-topic=topic data-state=move || state.get().as_str()>
            <div class="book__row book__row--head" role="row">
                <span role="columnheader">"Price"</span>
                <span role="columnheader">"Size"</span>
                <span role="columnheader">"Total"</span>
            </div>
            <div class="book__side book__side--asks" role="rowgroup" aria-label="Asks">
                {(0..N_LEVELS).rev().map(|level_idx| view! { <BookLine side="ask" level_idx row=ask(level_idx)/> }).collect_view()}
            </div>
            <div class="book__spread" role="row" data-testid="book-spread">
                <span role="cell">"Spread"</span>
                <span role="cell">{move || spread.with(|spread| spread.as_ref().map_or_else(|| format::UNKNOWN.to_owned(), |(text, _)| text.clone()))}</span>
                <span role="cell">{move || spread.with(|spread| spread.as_ref().map_or_else(String::new, |(_, share)| share.clone()))}</span>
            </div>
            <div class="book__side book__side--bids" role="rowgroup" aria-label="Bids">
                {(0..N_LEVELS).map(|level_idx| view! { <BookLine side="bid" level_idx row=bid(level_idx)/> }).collect_view()}
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
