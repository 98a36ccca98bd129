//! Open orders and positions on the Live page: the lists of the Positions page, one at a time, of all instruments or of the
//! shown one.

use leptos::prelude::*;

use crate::{
    pages::desk::{
        account::is_replay,
        actions::CommandNote,
        head::{REPLAY_ENDS, ReplayTag, Standing, use_standing},
        positions::{
            holdings::{HoldingList, HoldingListState},
            orders::{OrderControls, OrderList, OrderListState},
        },
    },
    selection::Selection,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tab {
    Orders,
    Positions,
}

/// Both lists, with their numbers.
#[component]
pub fn LivePanel(
    /// The shown instrument.
    selection: Selection,
) -> impl IntoView {
    let standing = use_standing();
    let has_none = move || standing.with(Standing::has_none);
    let tab = RwSignal::new(Tab::Orders);
    let is_one = RwSignal::new(false);
    let only = Signal::derive(move || selection.id.get().filter(|_| is_one.get()));
    let (orders, positions) = (OrderListState::of(only), HoldingListState::of(only));
    let button = move |choice: Tab, label: &'static str, testid: &'static str, count: RwSignal<usize>| {
        view! {
            <button
                class="live-panel__tab"
                type="button"
                data-testid=testid
                aria-pressed=move || (tab.get() == choice).to_string()
                on:click=move |_| tab.set(choice)
            >
                {label}
                " "
                <span class="live-panel__count" data-testid=format!("{testid}-count")>{move || count.get()}</span>
            </button>
        }
    };
    let is_hidden = move |choice: Tab| move || tab.get() != choice || has_none();
    view! {
        <p class="desk-note" data-testid="live-absent" hidden=move || !has_none()>{move || standing.with(Standing::words)}</p>
        {is_replay().then(|| view! {
            <p class="desk-note" data-testid="replay-note" hidden=has_none><ReplayTag/> "Paper account replay: "{REPLAY_ENDS}"."</p>
        })}
        <div class="panel__head live-panel__head" hidden=has_none>
            <span class="live-panel__tabs" role="group" aria-label="List">
                {button(Tab::Orders, "Orders", "live-orders", orders.n_open)}
                {button(Tab::Positions, "Positions", "live-positions", positions.n_held)}
            </span>
            <label class="live-panel__only">
                <input type="checkbox" data-testid="live-only" prop:checked=is_one on:change=move |event: leptos::ev::Event| is_one.set(event_target_checked(&event))/>
                "This instrument"
            </label>
            <span class="live-panel__controls" hidden=is_hidden(Tab::Orders)>
                <OrderControls list=orders/>
            </span>
            <span class="live-panel__controls" hidden=is_hidden(Tab::Positions)>
                <CommandNote state=positions.state/>
            </span>
        </div>
        <div class="live-panel" hidden=is_hidden(Tab::Orders)>
            <OrderList name="live-orders" list=orders/>
        </div>
        <div class="live-panel" hidden=is_hidden(Tab::Positions)>
            <HoldingList name="live-positions" list=positions/>
        </div>
    }
}
