//! The legends of the indicators: name, values at the crosshair, and buttons; over the prices, or at the top of each pane.

use chart::indicator::IndicatorReading;
use indicators::definition::Output;
use leptos::prelude::*;

use super::state::Shown;
use crate::{
    chart::ChartSeries,
    components::icon::{Icon, IconMark},
    settings::use_settings,
};

/// All legends.
#[component]
pub fn Legends(
    /// The chosen indicators.
    shown: Memo<Vec<Shown>>,
    /// The chart below.
    series: ChartSeries,
    /// The position of the one whose settings are open.
    edited: RwSignal<Option<usize>>,
) -> impl IntoView {
    let readings = series.indicator_readings();
    let places = Memo::new(move |_| {
        let of = |at: usize| {
            let key = shown.with(|shown| shown.get(at).map(|shown| shown.chosen.spec.clone()))?;
            readings.with(|readings| readings.iter().find(|reading| reading.key == key)?.pane_top)
        };
        (0..shown.with(Vec::len)).map(of).collect::<Vec<_>>()
    });
    let over_prices =
        move || places.with(|places| (0..places.len()).filter(|at| places[*at].is_none()).collect::<Vec<_>>());
    let in_panes =
        move || places.with(|places| (0..places.len()).filter(|at| places[*at].is_some()).collect::<Vec<_>>());
    let top = move |at: usize| places.with(|places| places.get(at).copied().flatten()).map(|top| format!("{top:.1}px"));
    view! {
        <div class="indicators__prices">
            <For each=over_prices key=|at| *at let:at>
                <Legend at shown readings edited/>
            </For>
        </div>
        <For each=in_panes key=|at| *at let:at>
            <div class="indicators__pane" style=("top", move || top(at))>
                <Legend at shown readings edited/>
            </div>
        </For>
    }
}

#[component]
fn Legend(
    /// Its position among the chosen ones.
    at: usize,
    /// The chosen indicators.
    shown: Memo<Vec<Shown>>,
    /// Values of the indicators, as the chart reports them.
    readings: Signal<Vec<IndicatorReading>>,
    /// The position of the one whose settings are open.
    edited: RwSignal<Option<usize>>,
) -> impl IntoView {
    let settings = use_settings();
    let own = Memo::new(move |_| shown.with(|shown| shown.get(at).cloned()));
    let title = Memo::new(move |_| own.with(|own| own.as_ref().map(Shown::title).unwrap_or_default()));
    let is_hidden = Memo::new(move |_| own.with(|own| own.as_ref().is_some_and(|own| own.chosen.is_hidden)));
    let reading = Memo::new(move |_| {
        let key = own.with(|own| own.as_ref().map(|own| own.chosen.spec.clone()))?;
        readings.with(|readings| readings.iter().find(|reading| reading.key == key).cloned())
    });
    // Text in place of values.
    let note = Memo::new(move |_| {
        own.with(|own| {
            let own = own.as_ref()?;
            if own.chosen.is_hidden {
                return Some("hidden".to_owned());
            }
            let spec = match &own.spec {
                Ok(spec) => spec,
                Err(error) => return Some(error.clone()),
            };
            reading.with(|reading| {
                let reading = reading.as_ref()?;
                let n_missing = (spec.lookback() + 1).saturating_sub(reading.n_rows);
                match reading.values.iter().any(Option::is_some) {
                    true => None,
                    false if reading.n_rows == 0 => Some("–".to_owned()),
                    false if n_missing == 0 => Some("no value here".to_owned()),
                    false => Some(format!("– needs {n_missing} more {}", if n_missing == 1 { "bar" } else { "bars" })),
                }
            })
        })
    });
    // Outputs with a text: none while there is a note in their place.
    let lines = Memo::new(move |_| {
        let shown = own.with(|own| {
            let own = own.as_ref()?;
            Some((usize::from(own.chosen.colour), own.spec.as_ref().ok()?.definition()))
        });
        shown.filter(|_| note.with(Option::is_none)).map(|(colour, definition)| (colour, definition.name))
    });
    let values = move || {
        let (colour, _) = lines.get()?;
        let outputs = own.with_untracked(|own| Some(own.as_ref()?.spec.as_ref().ok()?.definition().outputs))?;
        let value = |(line, output): (usize, &'static Output)| {
            let style = format!("color: var(--study-{})", (colour + line) % N_COLOURS + 1);
            let text = move || {
                let text = reading.with(|reading| reading.as_ref()?.values.get(line).cloned().flatten());
                text.unwrap_or_else(|| "–".to_owned())
            };
            view! { <span class="indicator-legend__value" style=style title=output.title>{text}</span> }
        };
        Some(outputs.iter().enumerate().map(value).collect_view())
    };
    let switch = move |_| {
        settings.update(|settings| {
            if let Some(chosen) = settings.indicators.get_mut(at) {
                chosen.is_hidden = !chosen.is_hidden;
            }
        });
    };
    let remove = move |_| {
        settings.update(|settings| {
            if at < settings.indicators.len() {
                settings.indicators.remove(at);
            }
        });
        edited.set(None);
    };
    let open = move |_| edited.update(|edited| *edited = (*edited != Some(at)).then_some(at));
    view! {
        <div
            class="indicator-legend"
            data-testid="indicator-legend"
            data-spec=move || own.with(|own| own.as_ref().map(|own| own.chosen.spec.clone()))
            data-hidden=move || is_hidden.get().to_string()
        >
            <button
                class="indicator-legend__name"
                data-testid="indicator-settings"
                title="Settings"
                aria-expanded=move || (edited.get() == Some(at)).to_string()
                on:click=open
            >
                {title}
            </button>
            {values}
            <span class="indicator-legend__note" hidden=move || note.with(Option::is_none)>{note}</span>
            <span class="indicator-legend__buttons">
                <button
                    class="button button--bare"
                    data-testid="indicator-hide"
                    aria-label=move || format!("{} {}", if is_hidden.get() { "Show" } else { "Hide" }, title.get())
                    title=move || if is_hidden.get() { "Show" } else { "Hide" }
                    on:click=switch
                >
                    <IconMark icon=Signal::derive(move || if is_hidden.get() { Icon::EyeOff } else { Icon::Eye })/>
                </button>
                <button
                    class="button button--bare"
                    data-testid="indicator-remove"
                    aria-label=move || format!("Remove {}", title.get())
                    title="Remove"
                    on:click=remove
                >
                    <IconMark icon=Icon::Close/>
                </button>
            </span>
        </div>
    }
}

/// Colours of lines.
pub(super) const N_COLOURS: usize = 6;
