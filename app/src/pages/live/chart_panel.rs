//! The chart below its controls, and the lines of orders over it.

use leptos::prelude::*;

use crate::{
    chart::ChartSeries,
    components::unsupported::{Feature, Unsupported, use_unsupported},
    lazy::{LazyPart, LazyView},
    pages::live::{candle_region::CandleRegion, chart_controls::ChartControls},
    selection::Selection,
    settings::use_settings,
};

/// The chart of the shown instrument.
#[component]
pub fn ChartPanel(
    /// The shown instrument.
    selection: Selection,
) -> impl IntoView {
    let settings = use_settings();
    let interval = Memo::new(move |_| settings.with(|settings| settings.interval));
    let series = ChartSeries::new();
    let unsupported = use_unsupported(selection, Feature::Bars);
    let unsupported_words = move |unsupported: &Unsupported| format!("{} {}", unsupported.what, unsupported.instead);
    view! {
        <section class="panel chart-panel" aria-label="Chart">
            <ChartControls interval/>
            <p class="chart-panel__lack" data-testid="chart-unsupported" hidden=move || unsupported.with(Option::is_none)>
                {move || unsupported.with(|unsupported| unsupported.as_ref().map(unsupported_words))}
            </p>
            <CandleRegion
                name="chart"
                selection
                interval
                series
                over=view! { <LazyView part=LazyPart::OrderLines(selection, series)/> }.into_any()
            />
        </section>
    }
}
