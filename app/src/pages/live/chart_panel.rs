//! The chart below its controls, with the legends of its indicators and the lines of alerts and orders over it.

use leptos::prelude::*;
use model::decimal::Price;

use crate::{
    chart::ChartSeries,
    components::unsupported::{Feature, Unsupported, use_unsupported},
    lazy::{LazyPart, LazyView},
    pages::live::{candle_region::CandleRegion, chart_controls::ChartControls, picked_price::use_picked_price},
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
    let picked = use_picked_price();
    let pick = move |value: f64| {
        let price =
            selection.decimals().and_then(|(decimals, _)| Price::parse(&format!("{value:.*}", decimals as usize)).ok());
        if let Some((id, price)) = selection.id.get_untracked().zip(price) {
            picked.pick(id, price);
        }
    };
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
                pick
                over=view! {
                    <LazyView part=LazyPart::Indicators(selection, interval, series)/>
                    <LazyView part=LazyPart::AlertLines(selection, series)/>
                    <LazyView part=LazyPart::OrderLines(selection, series)/>
                }.into_any()
            />
        </section>
    }
}
