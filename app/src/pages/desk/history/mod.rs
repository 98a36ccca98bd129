//! The Trade history page: closed round trips and fills, by REST and on request only.

pub mod answers;
pub mod fills;
pub mod listing;
pub mod query;
pub mod trips;

use leptos::{ev, prelude::*};
use model::{instrument::InstrumentId, trading::order::Side};

use crate::{
    cadence::Cadence,
    pages::{
        FragmentSpec,
        desk::{
            head::DeskHead,
            history::{fills::FillsPanel, query::Query, trips::TripsPanel},
        },
    },
};

/// The regions of this page: none refreshes by itself.
pub const FRAGMENTS: &[FragmentSpec] = &[
    FragmentSpec { name: "history-trips", cadence: Cadence::Request },
    FragmentSpec { name: "history-fills", cadence: Cadence::Request },
];

/// The page.
#[component]
pub fn HistoryPage() -> impl IntoView {
    let query = RwSignal::new(Query::default());
    let n_asked = RwSignal::new(0_u32);
    let typed = RwSignal::new(String::new());
    let is_unreadable =
        move || typed.with(|typed| !typed.trim().is_empty() && InstrumentId::parse(typed.trim()).is_err());
    let set_instrument = move |event: ev::Event| {
        typed.set(event_target_value(&event));
        let instrument = typed.with_untracked(|typed| InstrumentId::parse(typed.trim()).ok());
        let is_empty = typed.with_untracked(|typed| typed.trim().is_empty());
        if is_empty || instrument.is_some() {
            query.update(|query| query.instrument = instrument);
        }
    };
    let set_side = move |event: ev::Event| {
        let side = match event_target_value(&event).as_str() {
            "buy" => Some(Side::Buy),
            "sell" => Some(Side::Sell),
            _ => None,
        };
        query.update(|query| query.side = side);
    };
    view! {
        <div class="desk-page" data-testid="history">
            <DeskHead title="History"/>
            <div class="desk-tools">
                <label class="desk-field">
                    <span>"Instrument"</span>
                    <input
                        class="field"
                        type="search"
                        placeholder="all, or venue:symbol"
                        data-testid="history-instrument"
                        aria-invalid=move || is_unreadable().to_string()
                        on:change=set_instrument
                    />
                </label>
                <label class="desk-field">
                    <span>"Side"</span>
                    <select class="field" data-testid="history-side" on:change=set_side>
                        <option value="">"both"</option>
                        <option value="buy">"buy, long"</option>
                        <option value="sell">"sell, short"</option>
                    </select>
                </label>
                <button class="button" data-testid="history-refresh" on:click=move |_| n_asked.update(|n_asked| *n_asked += 1)>
                    "Refresh"
                </button>
                <span class="desk-note" hidden=move || !is_unreadable()>"Write venue:symbol, as the address of the Live page has it."</span>
            </div>
            <TripsPanel query n_asked/>
            <FillsPanel query n_asked/>
        </div>
    }
}
