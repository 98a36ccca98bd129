//! Fills, each with "why did this fill?".

use leptos::prelude::*;
use model::trading::fill::FillId;

use crate::{
    components::long_table::SortHeading,
    format,
    live::use_live,
    pages::{
        desk::{
            history::{
                answers::FillRow,
                listing::{ListingFrame, use_listing},
                query::Query,
            },
            money, order_words,
            positions::decimals,
            table::{cell, heading},
        },
        recordings::state::moment,
    },
};

/// The list.
#[component]
pub fn FillsPanel(
    /// The filters.
    query: RwSignal<Query>,
    /// Counts the reader's refresh requests.
    n_asked: RwSignal<u32>,
) -> impl IntoView {
    let listing = use_listing::<FillRow>("fills", query, n_asked);
    let rows = move || {
        let line = |row: &FillRow| view! { <FillLine row=row.clone()/> };
        listing.rows.with(|rows| rows.as_ref().map(|rows| rows.iter().map(line).collect_view()))
    };
    let is_hidden = move || listing.rows.with(|rows| rows.as_ref().is_none_or(Vec::is_empty));
    view! {
        <ListingFrame
            name="history-fills"
            title="Fills"
            list="fills"
            listing
            query
            empty="No fills. Each fill of an order appears here with the market event that it was based on."
        >
            <div class="desk-table history__fills" role="table" aria-label="Fills" hidden=is_hidden>
                <div class="desk-row desk-row--head" role="row">
                    <SortHeading
                        label="Time, UTC"
                        sort=Signal::derive(move || listing.sorting.get().aria("time"))
                        click=move |()| listing.sort("time")
                    />
                    {["Instrument", "Side", "Quantity", "Price", "Fee", "As", ""].map(heading)}
                </div>
                {rows}
            </div>
        </ListingFrame>
    }
}

#[component]
fn FillLine(
    /// The fill.
    row: FillRow,
) -> impl IntoView {
    let live = use_live();
    let instrument = row.instrument.clone();
    let places = Memo::new(move |_| decimals(live, &instrument));
    let is_open = RwSignal::new(false);
    let why = RwSignal::new(None::<Result<String, String>>);
    let fill_id = row.fill_id;
    let toggle = move |_| {
        is_open.update(|is_open| *is_open = !*is_open);
        if is_open.get_untracked() && !matches!(why.get_untracked(), Some(Ok(_))) {
            ask(fill_id, why);
        }
    };
    let words = move || match why.get() {
        None => "Loading…".to_owned(),
        Some(Ok(words)) => words,
        Some(Err(words)) => format!("Its evidence could not be loaded: {words}"),
    };
    view! {
        <div class="desk-row" role="row" data-testid="fill" data-id=fill_id.to_string()>
            <span class="desk-row__name" role="rowheader">{moment(row.time_ms)}</span>
            {cell("Instrument", row.instrument.symbol().to_owned())}
            {cell("Side", view! { <span data-trend=order_words::side_trend(row.side)>{order_words::side(row.side)}</span> })}
            {cell("Quantity", move || format::quantity(row.quantity, places.get().1))}
            {cell("Price", move || format::price(row.price, places.get().0))}
            {cell("Fee", format!("{} {}", money::text(row.fee), row.fee_currency))}
            {cell("As", row.liquidity.as_str())}
            <span class="desk-row__actions" role="cell">
                <button class="button" data-testid="why" aria-expanded=move || is_open.get().to_string() on:click=toggle>"Why?"</button>
            </span>
            <span class="desk-row__note" role="cell" data-testid="why-words" hidden=move || !is_open.get()>{words}</span>
        </div>
    }
}

/// Loads a fill's evidence.
#[cfg(feature = "browser")]
fn ask(fill_id: FillId, why: RwSignal<Option<Result<String, String>>>) {
    use crate::{
        live::rest,
        pages::desk::{account::account, history::answers::ProvenFill},
    };
    let account = account();
    leptos::task::spawn_local(async move {
        let answer = rest::get::<ProvenFill>(&format!("api/v1/fills/{fill_id}?account={account}")).await;
        // The page may be gone.
        let _gone = why.try_set(Some(answer.map(|fill| order_words::why(&fill.into()))));
    });
}

#[cfg(not(feature = "browser"))]
fn ask(_: FillId, _: RwSignal<Option<Result<String, String>>>) {}
