//! Choosing an indicator for the chart: a button and the dialog that it opens. Not here: the field and the list
//! ([`super::indicators::list`], loaded later).

use leptos::{html, prelude::*};

use crate::{
    components::option_list::{close_on_backdrop, is_dialog_open},
    lazy::{IndicatorSearch, LazyPart, LazyView},
    settings::use_settings,
};

/// The button with the number of indicators on the chart, and its dialog.
#[component]
pub fn IndicatorPicker() -> impl IntoView {
    let settings = use_settings();
    let dialog = NodeRef::<html::Dialog>::new();
    let is_open = RwSignal::new(false);
    let open = move |_| {
        if let Some(dialog) = dialog.get_untracked() {
            let _refused = dialog.show_modal();
            is_open.set(true);
        }
    };
    let n_chosen = move || settings.with(|settings| settings.indicators.len());
    let count = move || Some(n_chosen()).filter(|n_chosen| *n_chosen > 0).map(|n_chosen| n_chosen.to_string());
    view! {
        <button
            class="button button--tool"
            data-testid="indicator-picker"
            title="Add an indicator to the chart"
            aria-haspopup="dialog"
            on:click=open
        >
            "Indicators"
            <span class="chart-controls__count" hidden=move || n_chosen() == 0>{count}</span>
        </button>
        <dialog
            class="option-dialog"
            aria-label="Indicators"
            node_ref=dialog
            on:close=move |_| is_open.set(is_dialog_open(dialog))
            on:click=move |event| close_on_backdrop(&event, dialog)
        >
            <LazyView part=LazyPart::IndicatorSearch(IndicatorSearch { dialog, is_open })/>
        </dialog>
    }
}
