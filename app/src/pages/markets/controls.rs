//! Controls to choose and order the pairs. Outside the region that refreshes: a tick never resets a field.

use leptos::{ev, prelude::*};

use crate::{
    components::{
        long_table::{LongTable, row_index, rows_of, use_row_window},
        page_head::PageHead,
    },
    pages::markets::{
        choice::{Choice, SortOrder},
        figures::{Dollars, PairGroup},
    },
};

/// Filter, order, and hidden pairs.
#[component]
pub fn Controls(
    /// The reader's choice.
    choice: RwSignal<Choice>,
    /// All pairs.
    all: Memo<Vec<PairGroup>>,
) -> impl IntoView {
    let order = Memo::new(move |_| choice.with(|choice| choice.order));
    let is_joined = Memo::new(move |_| choice.with(|choice| choice.dollars == Dollars::Joined));
    let is_shared_only = Memo::new(move |_| choice.with(|choice| choice.is_shared_only));
    let set_order = move |event: ev::Event| {
        let chosen = SortOrder::parse(&event_target_value(&event)).unwrap_or_default();
        choice.update(|choice| choice.order = chosen);
    };
    let toggle_dollars = move |_| {
        choice.update(|choice| {
            choice.dollars = if choice.dollars == Dollars::Joined { Dollars::Apart } else { Dollars::Joined };
        });
    };
    view! {
        <PageHead title="Markets">
            <input
                class="field markets__filter"
                data-testid="markets-filter"
                type="search"
                placeholder="Pair or venue"
                aria-label="Filter pairs"
                prop:value=move || choice.with(|choice| choice.text.clone())
                on:input=move |event: ev::Event| choice.update(|choice| choice.text = event_target_value(&event))
            />
            <label class="markets__order">
                "Sort by"
                <select class="field" data-testid="markets-order" on:change=set_order>
                    {SortOrder::ALL.map(|one| view! {
                        <option value=one.as_str() selected=move || order.get() == one>{one.label()}</option>
                    }).collect_view()}
                </select>
            </label>
            <button
                class="button button--tool"
                data-testid="markets-shared"
                aria-pressed=move || is_shared_only.get().to_string()
                title="Only pairs on more than one venue"
                on:click=move |_| choice.update(|choice| choice.is_shared_only = !choice.is_shared_only)
            >
                "Several venues"
            </button>
            <button
                class="button button--tool"
                data-testid="markets-dollars"
                aria-pressed=move || is_joined.get().to_string()
                title="Treats USD, USDT and USDC as one asset. They are not: a stablecoin can trade below one dollar"
                on:click=toggle_dollars
            >
                "USD = USDT = USDC"
            </button>
            <PairChooser choice all/>
        </PageHead>
    }
}

/// Hides single pairs.
#[component]
fn PairChooser(
    /// The reader's choice.
    choice: RwSignal<Choice>,
    /// All pairs.
    all: Memo<Vec<PairGroup>>,
) -> impl IntoView {
    let names = Memo::new(move |_| all.with(|all| all.iter().map(|group| group.name.clone()).collect::<Vec<_>>()));
    let n_shown = move || {
        names.with(|names| choice.with(|choice| names.iter().filter(|name| !choice.hidden.contains(*name)).count()))
    };
    let window = use_row_window(move |_| names.with(Vec::len));
    let row_at = move |place: usize| {
        let name = Memo::new(move |_| names.with(|names| names.get(place).cloned()).unwrap_or_default());
        let is_shown = move || choice.with(|choice| name.with(|name| !choice.hidden.contains(name)));
        let toggle = move |_| {
            let name = name.get_untracked();
            choice.update(|choice| {
                if !choice.hidden.remove(&name) {
                    choice.hidden.insert(name);
                }
            });
        };
        view! {
            <div class="long-table__row" role="row" aria-rowindex=row_index(place)>
                <span role="cell">
                    <label class="pair-chooser__row">
                        <input type="checkbox" data-testid="pair-check" prop:checked=is_shown on:change=toggle/>
                        {move || name.get()}
                    </label>
                </span>
            </div>
        }
        .into_any()
    };
    let rows = rows_of(window, row_at);
    let headings = view! { <span role="columnheader">"Shown pairs"</span> }.into_any();
    view! {
        <button class="button" data-testid="pairs-open" popovertarget="pair-chooser">
            {move || format!("Pairs {} of {}", n_shown(), names.with(Vec::len))}
        </button>
        <div class="pair-chooser" id="pair-chooser" popover="auto" role="group" aria-label="Pairs">
            <button class="button" on:click=move |_| choice.update(|choice| choice.hidden.clear())>"Show all"</button>
            <LongTable label="Shown pairs" class="pair-chooser__list" testid="pair-list" window headings rows/>
        </div>
    }
}
