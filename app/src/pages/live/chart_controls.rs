//! The controls above the chart: interval, bar style, scale and studies. All are settings, which the browser remembers.
//!
//! Not here: the field that a typed digit opens ([`super::interval_field`], loaded later).

use chart::chart::BarStyle;
use leptos::{ev, prelude::*};
use model::candle::Interval;

use crate::{
    lazy::{LazyPart, LazyView},
    pages::live::indicator_picker::IndicatorPicker,
    settings::{Settings, use_settings},
};

/// The row of controls.
#[component]
pub fn ChartControls(
    /// The chosen interval.
    interval: Memo<Interval>,
) -> impl IntoView {
    let settings = use_settings();
    let style = move || settings.with(|settings| settings.bar_style);
    let choose_style = move |event: ev::Event| {
        let style = BarStyle::parse(&event_target_value(&event)).unwrap_or_default();
        settings.update(|settings| settings.bar_style = style);
    };
    let [log, delta, profile] = TOGGLES;
    view! {
        <div class="chart-controls">
            <div class="chart-controls__group" role="group" aria-label="Interval">
                {Interval::ALL.map(|choice| view! { <IntervalButton choice interval/> }).collect_view()}
            </div>
            <LazyView part=LazyPart::IntervalField/>
            <div class="chart-controls__group" role="group" aria-label="Prices">
                <select
                    class="field field--tool"
                    data-testid="bar-style"
                    aria-label="Chart type"
                    on:change=choose_style
                >
                    {BarStyle::ALL.map(|choice| view! {
                        <option value=choice.as_str() prop:selected=move || style() == choice>{label(choice)}</option>
                    })}
                </select>
                <ToggleButton toggle=log/>
            </div>
            <div class="chart-controls__group" role="group" aria-label="Studies">
                <IndicatorPicker/>
                <ToggleButton toggle=delta/>
                <ToggleButton toggle=profile/>
            </div>
        </div>
    }
}

/// Returns a style's displayed name.
fn label(style: BarStyle) -> &'static str {
    match style {
        BarStyle::Candles => "Candles",
        BarStyle::Line => "Line",
        BarStyle::Area => "Area",
    }
}

/// A setting that a button switches on and off.
#[derive(Clone, Copy)]
struct Toggle {
    name: &'static str,
    label: &'static str,
    title: &'static str,
    part: fn(&mut Settings) -> &mut bool,
}

const TOGGLES: [Toggle; 3] = [
    Toggle {
        name: "log",
        label: "Log",
        title: "Logarithmic scale: equal heights are equal percentages",
        part: |settings| &mut settings.is_log,
    },
    Toggle {
        name: "delta",
        label: "CVD",
        title: "Cumulative volume delta: buy volume minus sell volume, added up candle by candle",
        part: |settings| &mut settings.studies.delta,
    },
    Toggle {
        name: "profile",
        label: "VP",
        title: "Volume profile: volume by price for the visible candles, each candle's volume spread over its range; the line marks the price with the most volume",
        part: |settings| &mut settings.studies.profile,
    },
];

#[component]
fn ToggleButton(
    /// The setting it switches.
    toggle: Toggle,
) -> impl IntoView {
    let settings = use_settings();
    let is_on = move || settings.with(|settings| *(toggle.part)(&mut settings.clone()));
    let switch = move |_| {
        settings.update(|settings| {
            let is_on = (toggle.part)(settings);
            *is_on = !*is_on;
        });
    };
    view! {
        <button
            class="button button--tool"
            data-testid=format!("study-{}", toggle.name)
            title=toggle.title
            aria-pressed=move || is_on().to_string()
            on:click=switch
        >
            {toggle.label}
        </button>
    }
}

#[component]
fn IntervalButton(
    /// The interval it chooses.
    choice: Interval,
    /// The chosen interval.
    interval: Memo<Interval>,
) -> impl IntoView {
    let settings = use_settings();
    view! {
        <button
            class="button button--tool"
            data-testid=format!("interval-{choice}")
            aria-pressed=move || (interval.get() == choice).to_string()
            on:click=move |_| settings.update(|settings| settings.interval = choice)
        >
            {choice.as_str()}
        </button>
    }
}
