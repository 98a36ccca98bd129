//! The heading of sizes in book and tape: it names their unit, and a click changes it.

use leptos::prelude::*;

use crate::{
    selection::Selection,
    settings::{SizeUnit, use_settings},
};

/// The heading, a button.
#[component]
pub fn SizeHeading(
    /// The shown instrument.
    selection: Selection,
) -> impl IntoView {
    let settings = use_settings();
    let unit = move || settings.with(|settings| settings.size_unit);
    let asset = move |unit: SizeUnit| {
        selection.instrument.with(|one| match (one, unit) {
            (Some(one), SizeUnit::Base) => one.base.clone(),
            (Some(one), SizeUnit::Quote) => one.quote.clone(),
            (None, _) => String::new(),
        })
    };
    let other = move || if unit() == SizeUnit::Base { SizeUnit::Quote } else { SizeUnit::Base };
    view! {
        <span role="columnheader">
            <button
                class="long-table__sort"
                data-testid="size-unit"
                title=move || format!("Show sizes in {}", asset(other()))
                on:click=move |_| {
                    let chosen = untrack(other);
                    settings.update(|settings| settings.size_unit = chosen);
                }
            >
                "Size "
                {move || asset(unit())}
            </button>
        </span>
    }
}
