//! Both sources of one instrument side by side, and the choice of the instrument. The comparison is
//! `components::cross_check`.

use leptos::prelude::*;

use crate::{
    components::cross_check::CrossCheckPanel, pages::live::symbol_picker::SymbolPicker, selection::use_selection,
};

/// Server and direct compared.
#[component]
pub fn SourceComparison() -> impl IntoView {
    let selection = use_selection();
    view! {
        <section class="panel source-comparison" data-panel="both-ways" aria-label="Server and direct">
            <div class="panel__head">
                <h2 class="panel__title">"Server and direct"</h2>
                <SymbolPicker selection path="/quality"/>
            </div>
            <div class="source-comparison__check">
                <CrossCheckPanel/>
            </div>
        </section>
    }
}
