//! Closed round trips, sorted by time, profit or value.

use leptos::prelude::*;

use crate::{
    components::long_table::SortHeading,
    format::{self, UNKNOWN},
    live::use_live,
    pages::{
        desk::{
            history::{
                answers::TripRow,
                listing::{ListingFrame, use_listing},
                query::Query,
            },
            money::{self, Amount, AmountText},
            positions::decimals,
            table::{cell, heading},
        },
        recordings::state::{moment, span},
    },
};

/// The list.
#[component]
pub fn TripsPanel(
    /// The filters.
    query: RwSignal<Query>,
    /// Counts the reader's refresh requests.
    n_asked: RwSignal<u32>,
) -> impl IntoView {
    let live = use_live();
    let listing = use_listing::<TripRow>("history", query, n_asked);
    let row = move |trip: &TripRow| {
        let (price, size) = decimals(live, &trip.instrument);
        let shown = |value: Option<model::decimal::Price>| {
            value.map_or_else(|| UNKNOWN.to_owned(), |value| format::mean_price(value, price))
        };
        let excursions = format!("lowest {}, highest {}", money::text(trip.mae), money::text(trip.mfe));
        view! {
            <div class="desk-row" role="row" data-testid="trip" title=format!("While it was open its profit was {excursions} {}", trip.currency)>
                <span class="desk-row__name" role="rowheader">{moment(trip.exit_time_ms)}</span>
                {cell("Instrument", trip.instrument.symbol().to_owned())}
                {cell("Side", match trip.side { model::trading::order::Side::Buy => "long", model::trading::order::Side::Sell => "short" })}
                {cell("Quantity", format::quantity(trip.quantity, size))}
                {cell("Entry", shown(trip.entry_price))}
                {cell("Exit", shown(trip.exit_price))}
                {cell("Open for", span(trip.duration_ms))}
                {cell("Fees", trip.fees_in_quote.map_or_else(|| UNKNOWN.to_owned(), money::text))}
                {cell("Net profit", view! {
                    <AmountText amount=Signal::stored(Amount::signed(trip.net_pnl)) testid="trip-net" unknown="Unknown: a fee was in a third currency"/>
                    <span class="desk-row__venue">" "{trip.currency.to_string()}</span>
                })}
            </div>
        }
        .into_any()
    };
    let rows = move || listing.rows.with(|rows| rows.as_ref().map(|rows| rows.iter().map(row).collect_view()));
    let is_hidden = move || listing.rows.with(|rows| rows.as_ref().is_none_or(Vec::is_empty));
    let sortable = move |label: &'static str, column: &'static str| {
        view! {
            <SortHeading
                label
                sort=Signal::derive(move || listing.sorting.get().aria(column))
                click=move |()| listing.sort(column)
            />
        }
        .into_any()
    };
    view! {
        <ListingFrame
            name="history-trips"
            title="Closed round trips"
            list="history"
            listing
            query
            empty="No closed round trips. A position that is closed appears here with its profit after fees."
        >
            <div class="desk-table history__trips" role="table" aria-label="Closed round trips" hidden=is_hidden>
                <div class="desk-row desk-row--head" role="row">
                    {sortable("Closed, UTC", "time")}
                    {["Instrument", "Side"].map(heading)}
                    {sortable("Quantity", "value")}
                    {["Entry", "Exit", "Open for", "Fees"].map(heading)}
                    {sortable("Net profit", "net_pnl")}
                </div>
                {rows}
            </div>
        </ListingFrame>
    }
}
