//! The form of a signal rule: a condition that begins as a template, its market and its bars.

use std::sync::Arc;

use leptos::{ev, prelude::*};
use model::{
    alert::{
        command::{AlertCommand, SaveSignal},
        signal::Timing,
    },
    candle::Interval,
    instrument::{Instrument, InstrumentId},
};

use crate::{
    live::{commands::CommandState, use_live},
    pages::{
        alerts::{
            actions::{fresh_id, send},
            condition_fields::SPECS,
            controls::{ChoiceField, TextField, owned},
            signal_draft::{Control, Place, SignalDraft, kinds},
        },
        desk::actions::CommandNote,
    },
};

/// The form.
#[component]
pub fn SignalForm(
    /// Draft that the form starts with.
    first: SignalDraft,
    /// The rule in the form; `None` closes it.
    editing: RwSignal<Option<SignalDraft>>,
) -> impl IntoView {
    let live = use_live();
    let title = if first.of.is_some() { "Change the signal rule" } else { "New signal rule" };
    let draft = RwSignal::new(first);
    let state = RwSignal::new(CommandState::default());
    let save = move |event: ev::SubmitEvent| {
        event.prevent_default();
        match draft.with_untracked(|draft| draft.rule(&fresh_id())) {
            Ok(rule) => send(live, AlertCommand::SaveSignal(Box::new(SaveSignal { rule })), state),
            Err(words) => state.set(CommandState::Refused(words)),
        }
    };
    Effect::new(move |_| {
        if state.get() == CommandState::Done {
            editing.set(None);
        }
    });
    let places = Memo::new(move |_| draft.with(SignalDraft::places));
    // A place keeps its control while only its text changes.
    let shapes = Memo::new(move |_| {
        let shape = |place: &Place| Place { value: String::new(), ..place.clone() };
        places.with(|places| places.iter().map(shape).collect::<Vec<_>>())
    });
    let sentence = move || match draft.with(SignalDraft::look_for) {
        Ok(look_for) => format!("Finds: {}.", strategy::signals::sentence(&look_for)),
        Err(words) => words,
    };
    let instruments = move || {
        let name =
            |one: &Arc<Instrument>| (one.id.to_string(), format!("{} · {}", crate::selection::pair(one), one.id));
        let mut choices = owned([("", "choose one")]);
        live.instruments().with(|list| choices.extend(list.known.iter().map(name)));
        choices
    };
    let intervals = Interval::ALL.map(|interval| (interval.as_str(), interval.as_str()));
    view! {
        <form class="rule-form" aria-label=title data-testid="signal-form" on:submit=save>
            <h3 class="rule-form__title">{title}</h3>
            <div class="rule-form__row">
                <ChoiceField
                    label="Instrument"
                    testid="signal-instrument"
                    choices=Signal::derive(instruments)
                    value=Signal::derive(move || draft.with(|draft| draft.instrument.as_ref().map(ToString::to_string).unwrap_or_default()))
                    set=move |id: String| draft.update(|draft| draft.instrument = InstrumentId::parse(&id).ok())
                />
                <ChoiceField
                    label="Bars"
                    testid="signal-bars"
                    choices=Signal::stored(owned(intervals))
                    value=Signal::derive(move || draft.with(|draft| draft.interval.to_string()))
                    set=move |text: String| draft.update(|draft| draft.interval = text.parse().unwrap_or(draft.interval))
                />
                <ChoiceField
                    label="Looks"
                    testid="signal-timing"
                    choices=Signal::stored(owned([("bar_close", "at bar close"), ("tick", "while bars form as well")]))
                    value=Signal::derive(move || draft.with(|draft| if draft.timing == Timing::Tick { "tick" } else { "bar_close" }.to_owned()))
                    set=move |text: String| draft.update(|draft| draft.timing = if text == "tick" { Timing::Tick } else { Timing::BarClose })
                />
                <TextField
                    label="Name"
                    testid="signal-name"
                    placeholder="the condition in words"
                    value=Signal::derive(move || draft.with(|draft| draft.name.clone()))
                    set=move |text: String| draft.update(|draft| draft.name = text)
                />
            </div>
            <div class="rule-form__row signal-form__places">
                <For
                    each=move || shapes.get()
                    key=|place| (place.pointer.clone(), place.label.clone(), format!("{:?}", place.control))
                    let:place
                >
                    <PlaceField place places draft/>
                </For>
            </div>
            <p class="desk-note" role="status" data-testid="signal-sentence">{sentence}</p>
            <div class="rule-form__row rule-form__buttons">
                <button class="button button--main" type="submit" data-testid="signal-save">"Save"</button>
                <button class="button" type="button" on:click=move |_| editing.set(None)>"Close"</button>
                <CommandNote state/>
            </div>
        </form>
    }
}

/// The control of one place of the condition.
#[component]
fn PlaceField(
    /// The place, without its text.
    place: Place,
    /// All places.
    places: Memo<Vec<Place>>,
    /// The rule.
    draft: RwSignal<SignalDraft>,
) -> impl IntoView {
    let known = StoredValue::new(place.clone());
    let value = Memo::new(move |_| {
        known.with_value(|own| {
            let is_own = |place: &&Place| (&place.pointer, place.control) == (&own.pointer, own.control);
            places.with(|places| places.iter().find(is_own).map(|place| place.value.clone()).unwrap_or_default())
        })
    });
    let put = move |text: String| known.with_value(|place| draft.update(|draft| draft.set(place, &text)));
    let testid = format!("place{}", place.pointer.replace('/', "-"));
    let set = Callback::new(put);
    match place.control {
        Control::Number => view! { <TextField label=place.label testid value set/> }.into_any(),
        Control::Line => view! {
            <TextField
                label=place.label
                testid
                value
                set
                list=SPECS
                help="price, spread, imbalance, a number, or an indicator"
            />
        }
        .into_any(),
        Control::Choice(choices) => view! {
            <ChoiceField label=place.label testid choices=Signal::stored(owned(choices.iter().copied())) value set/>
        }
        .into_any(),
        Control::Kind => view! {
            <div class="signal-form__kind">
                <ChoiceField label=place.label testid choices=Signal::stored(kinds()) value set/>
            </div>
        }
        .into_any(),
        Control::AddPart | Control::RemovePart => view! {
            <button class="button signal-form__part" type="button" data-testid=testid on:click=move |_| put(String::new())>
                {place.label}
            </button>
        }
        .into_any(),
    }
}
