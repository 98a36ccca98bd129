//! The settings of one indicator, edited while the chart shows it: each change counts once it has rested 100 ms.

use std::time::Duration;

use indicators::definition::Parameter;
use leptos::{ev, html, prelude::*};
use model::candle::Interval;

use super::{
    legend::N_COLOURS,
    state::{Draft, Shown, higher_intervals, sources},
};
use crate::{
    components::icon::{Icon, IconMark},
    live::browser,
    settings::use_settings,
};

/// The settings of the indicator at a position.
#[component]
pub fn Editor(
    /// Its position among the chosen ones.
    at: usize,
    /// The chosen indicators.
    shown: Memo<Vec<Shown>>,
    /// The position of the one whose settings are open.
    edited: RwSignal<Option<usize>>,
    /// The length of the chart's candles.
    interval: Memo<Interval>,
) -> impl IntoView {
    let settings = use_settings();
    let panel = NodeRef::<html::Section>::new();
    let first = shown.with_untracked(|shown| shown.get(at).cloned());
    let draft = RwSignal::new(first.as_ref().and_then(|own| own.spec.as_ref().ok()).map(Draft::of));
    let error = RwSignal::new(None::<String>);
    let apply = move || {
        let Some(read) = draft.with_untracked(|draft| draft.as_ref().map(Draft::spec)) else { return };
        error.set(read.as_ref().err().cloned());
        let Ok(spec) = read else { return };
        settings.update(|settings| {
            let text = spec.to_string();
            if settings.indicators.iter().enumerate().any(|(other, known)| other != at && known.spec == text) {
                error.set(Some("the chart has this one already".to_owned()));
            } else if let Some(chosen) = settings.indicators.get_mut(at) {
                chosen.spec = text;
            }
        });
    };
    // A change counts once nothing has followed it for a while.
    let timer = StoredValue::new(None::<TimeoutHandle>);
    let change = move |change: &dyn Fn(&mut Draft)| {
        draft.update(|draft| draft.iter_mut().for_each(change));
        if let Some(pending) = timer.get_value() {
            pending.clear();
        }
        timer.set_value(set_timeout_with_handle(apply, REST).ok());
    };
    on_cleanup(move || {
        if let Some(Some(pending)) = timer.try_get_value() {
            pending.clear();
        }
    });
    let close = move || edited.set(None);
    let on_keydown = move |event: ev::KeyboardEvent| {
        if event.key() == "Escape" {
            event.stop_propagation();
            close();
        }
    };
    Effect::new(move |_| {
        if let Some(panel) = panel.get() {
            browser::lift_on_phones(&panel);
            let _refused = panel.focus();
        }
    });
    let title = move || shown.with(|shown| shown.get(at).map(Shown::title).unwrap_or_default());
    let summary = draft.with_untracked(|draft| draft.as_ref().and_then(Draft::definition).map(|own| own.summary));
    let fields = draft.with_untracked(|draft| draft.as_ref().map_or(&[][..], Draft::fields));
    let takes_source = draft.with_untracked(|draft| draft.as_ref().is_some_and(|draft| !draft.source.is_empty()));
    let colour =
        move || settings.with(|settings| settings.indicators.get(at).map_or(0, |chosen| usize::from(chosen.colour)));
    let paint = move |colour: usize| {
        settings.update(|settings| {
            if let Some(chosen) = settings.indicators.get_mut(at) {
                chosen.colour = u8::try_from(colour).unwrap_or_default();
            }
        });
    };
    let n_chosen = move || shown.with(Vec::len);
    let is_last = move || at + 1 >= n_chosen();
    let shift = move |by: isize| {
        let to = at.checked_add_signed(by).filter(|to| *to < n_chosen());
        if let Some(to) = to {
            settings.update(|settings| settings.indicators.swap(at, to));
            edited.set(Some(to));
        }
    };
    view! {
        <section
            class="indicator-editor"
            data-testid="indicator-editor"
            role="dialog"
            aria-label=move || format!("Settings of {}", title())
            tabindex="-1"
            node_ref=panel
            on:keydown=on_keydown
        >
            <header class="indicator-editor__head">
                <h3>{title}</h3>
                <button class="button button--bare" aria-label="Close" on:click=move |_| close()>
                    <IconMark icon=Icon::Close/>
                </button>
            </header>
            <p class="indicator-editor__summary">{summary}</p>
            <div class="indicator-editor__fields">
                {fields.iter().enumerate().map(|(field, parameter)| {
                    let value = Signal::derive(move || {
                        draft.with(|draft| draft.as_ref().and_then(|draft| draft.parameters.get(field).cloned()).unwrap_or_default())
                    });
                    let set = Callback::new(move |text: String| change(&|draft: &mut Draft| draft.parameters[field].clone_from(&text)));
                    view! { <NumberField parameter value set/> }
                }).collect_view()}
                <label class="indicator-editor__field" hidden=!takes_source>
                    "Source"
                    <select
                        class="field"
                        data-testid="indicator-source"
                        on:change=move |event| {
                            let source = event_target_value(&event);
                            change(&|draft: &mut Draft| draft.source.clone_from(&source));
                        }
                    >
                        {move || shown.with(|shown| sources(at, shown)).into_iter().map(|(value, words)| {
                            let of = value.clone();
                            let is_chosen = move || draft.with(|draft| draft.as_ref().is_some_and(|draft| draft.source == of));
                            view! { <option value=value prop:selected=is_chosen>{words}</option> }
                        }).collect_view()}
                    </select>
                </label>
                <label class="indicator-editor__field">
                    "Interval"
                    <select
                        class="field"
                        data-testid="indicator-interval"
                        on:change=move |event| {
                            let chosen = event_target_value(&event);
                            change(&|draft: &mut Draft| draft.interval.clone_from(&chosen));
                        }
                    >
                        <option value="" prop:selected=move || draft.with(|draft| draft.as_ref().is_some_and(|draft| draft.interval.is_empty()))>
                            "The chart's"
                        </option>
                        {move || higher_intervals(interval.get()).map(|choice| {
                            let is_chosen = move || draft.with(|draft| draft.as_ref().is_some_and(|draft| draft.interval == choice.as_str()));
                            view! { <option value=choice.as_str() prop:selected=is_chosen>{choice.as_str()}</option> }
                        }).collect_view()}
                    </select>
                </label>
                <label
                    class="indicator-editor__check"
                    title="Its value then changes until the longer bar has closed"
                    hidden=move || draft.with(|draft| draft.as_ref().is_none_or(|draft| draft.interval.is_empty()))
                >
                    <input
                        type="checkbox"
                        prop:checked=move || draft.with(|draft| draft.as_ref().is_some_and(|draft| draft.is_forming))
                        on:change=move |event| {
                            let is_on = event_target_checked(&event);
                            change(&|draft: &mut Draft| draft.is_forming = is_on);
                        }
                    />
                    " Include the bar that is still forming"
                </label>
            </div>
            <p class="indicator-editor__error" role="alert" data-testid="indicator-error" hidden=move || error.with(Option::is_none)>{error}</p>
            <div class="indicator-editor__foot">
                <div class="indicator-editor__colours" role="group" aria-label="Colour">
                    {(0..N_COLOURS).map(|choice| view! {
                        <button
                            class="indicator-editor__colour"
                            style=format!("--colour: var(--study-{})", choice + 1)
                            aria-label=format!("Colour {}", choice + 1)
                            aria-pressed=move || (colour() % N_COLOURS == choice).to_string()
                            on:click=move |_| paint(choice)
                        ></button>
                    }).collect_view()}
                </div>
                <button class="button button--tool" data-testid="indicator-up" disabled=move || at == 0 on:click=move |_| shift(-1)>"Up"</button>
                <button class="button button--tool" data-testid="indicator-down" disabled=is_last on:click=move |_| shift(1)>"Down"</button>
            </div>
        </section>
    }
}

/// A parameter's field.
#[component]
fn NumberField(
    /// Definition of the parameter.
    parameter: &'static Parameter,
    /// Its text.
    value: Signal<String>,
    /// Called with what is typed.
    set: Callback<String>,
) -> impl IntoView {
    view! {
        <label class="indicator-editor__field">
            {parameter.title}
            <input
                class="field"
                type="number"
                inputmode="decimal"
                data-testid=format!("indicator-{}", parameter.name)
                min=parameter.min.to_string()
                max=parameter.max.to_string()
                step=parameter.step.to_string()
                prop:value=value
                on:input=move |event| set.run(event_target_value(&event))
            />
        </label>
    }
}

/// Pause after a change before it counts.
const REST: Duration = Duration::from_millis(100);
