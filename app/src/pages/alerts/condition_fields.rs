//! The fields of one condition, made from its entry in `CONDITION_KINDS`.

use std::sync::Arc;

use indicators::{definition::Output, registry::definitions, spec::Spec};
use leptos::{ev, prelude::*};
use model::{
    alert::condition::kinds::{self, CONDITION_KINDS, ConditionGroup, Field, FieldKind},
    candle::Interval,
};

use crate::{
    live::use_live,
    pages::alerts::{
        controls::{ChoiceField, TextField, Tick, owned},
        draft::Draft,
        rows::Rules,
    },
};

/// One condition: its kind, and the fields of that.
#[component]
pub fn ConditionFields(
    /// Its key in the form.
    key: u32,
    /// The rule.
    draft: RwSignal<Draft>,
    /// Rules, channels and settings.
    rules: Memo<Option<Arc<Rules>>>,
    /// The last price of the rule's instrument.
    last: Memo<Option<String>>,
) -> impl IntoView {
    let kind = Memo::new(move |_| {
        draft.with(|draft| draft.condition(key).map_or(CONDITION_KINDS[0].name, |condition| condition.kind.name))
    });
    let found = move || kinds::find(kind.get());
    let set_kind = move |event: ev::Event| {
        if let Some(kind) = kinds::find(&event_target_value(&event)) {
            draft.update(|draft| draft.condition_mut(key).into_iter().for_each(|own| own.set_kind(kind)));
        }
    };
    let group = move |group: ConditionGroup| {
        let option = move |one: &'static kinds::ConditionKind| {
            view! { <option value=one.name prop:selected=move || kind.get() == one.name>{one.title}</option> }
        };
        let own = CONDITION_KINDS.iter().filter(move |one| one.group == group).map(option).collect_view();
        view! { <optgroup label=group.title()>{own}</optgroup> }
    };
    let fields = move || {
        let fields = found().map(|kind| kind.fields.iter().enumerate()).into_iter().flatten();
        fields.map(|(at, field)| view! { <ConditionField at field key draft rules last/> }).collect_view()
    };
    let n_conditions = Memo::new(move |_| draft.with(|draft| draft.conditions.len()));
    view! {
        <fieldset class="condition" data-testid="condition">
            <legend class="unseen">"Condition"</legend>
            <div class="condition__fields">
                <label class="desk-field condition__kind">
                    <span>"Condition"</span>
                    <select class="field" data-testid="condition-kind" on:change=set_kind>
                        {[ConditionGroup::Price, ConditionGroup::Indicator, ConditionGroup::Signal, ConditionGroup::Desk, ConditionGroup::System].map(group)}
                    </select>
                </label>
                {fields}
                <button
                    class="button condition__remove"
                    type="button"
                    data-testid="condition-remove"
                    hidden=move || n_conditions.get() < 2
                    on:click=move |_| draft.update(|draft| draft.conditions.retain(|condition| condition.key != key))
                >
                    "Remove"
                </button>
            </div>
            <p class="condition__summary">{move || found().map(|kind| kind.summary)}</p>
        </fieldset>
    }
}

/// One field of a condition.
#[component]
fn ConditionField(
    /// Its position.
    at: usize,
    /// The field, with the kind of value that it takes.
    field: &'static Field,
    /// The condition's key.
    key: u32,
    /// The rule.
    draft: RwSignal<Draft>,
    /// Rules, channels and settings.
    rules: Memo<Option<Arc<Rules>>>,
    /// The last price of the rule's instrument.
    last: Memo<Option<String>>,
) -> impl IntoView {
    let live = use_live();
    let value = Memo::new(move |_| {
        draft.with(|draft| draft.condition(key).and_then(|own| own.values.get(at).cloned()).unwrap_or_default())
    });
    let put = move |text: String| {
        draft.update(|draft| {
            if let Some(value) = draft.condition_mut(key).and_then(|own| own.values.get_mut(at)) {
                *value = text;
            }
        });
    };
    let set = Callback::new(put);
    let testid = format!("field-{}", field.name);
    let label = if field.unit.is_empty() { field.title.to_owned() } else { format!("{}, {}", field.title, field.unit) };
    let hint = if field.is_optional && field.default.is_empty() { "any" } else { "" };
    // The first choice of a field that may be absent.
    let any = (field.is_optional && field.default.is_empty()).then_some(("", "any"));
    let choice = move |testid: String, label: String, choices: Signal<Vec<(String, String)>>| {
        view! { <ChoiceField label testid choices value set/> }.into_any()
    };
    match field.kind {
        FieldKind::Choice(choices) => {
            choice(testid, label, Signal::stored(owned(any.into_iter().chain(choices.iter().copied()))))
        }
        FieldKind::Interval => {
            let intervals = Interval::ALL.map(|interval| (interval.as_str(), interval.as_str()));
            choice(testid, label, Signal::stored(owned(intervals)))
        }
        FieldKind::Flag => {
            let set = move |is_set: bool| put(is_set.to_string());
            view! { <Tick label testid value=Signal::derive(move || value.with(|value| value == "true")) set/> }
                .into_any()
        }
        FieldKind::Spec => view! {
            <TextField label testid value set list=SPECS/>
        }
        .into_any(),
        FieldKind::SignalRule => {
            let names = move || {
                let known = rules.get();
                let known = known.iter().flat_map(|rules| rules.signals.iter());
                owned(any.into_iter().chain(known.map(|row| (row.rule.rule_id.as_str(), row.rule.name.as_str()))))
            };
            choice(testid, label, Signal::derive(names))
        }
        FieldKind::Venue => {
            let names = move || {
                live.venues().with(|venues| {
                    let known = venues.known.iter().map(|venue| (venue.name.as_str(), venue.title.as_str()));
                    owned(any.into_iter().chain(known))
                })
            };
            choice(testid, label, Signal::derive(names))
        }
        FieldKind::MoveSize => view! { <MoveField label testid value set/> }.into_any(),
        FieldKind::Price if !field.is_optional => {
            let take = move |_| {
                if let Some(last) = last.get_untracked() {
                    put(last);
                }
            };
            view! {
                <div class="condition__price">
                    <TextField label testid value set/>
                    <button
                        class="condition__last"
                        type="button"
                        title="Take the last price"
                        hidden=move || last.with(Option::is_none)
                        on:click=take
                    >
                        "last "
                        {last}
                    </button>
                </div>
            }
            .into_any()
        }
        FieldKind::Price
        | FieldKind::Decimal
        | FieldKind::Number { .. }
        | FieldKind::Integer { .. }
        | FieldKind::Account => view! { <TextField label testid value set placeholder=hint/> }.into_any(),
    }
}

/// The size of a price move: a number, in percent or in the quote currency.
#[component]
fn MoveField(
    /// Its label.
    label: String,
    /// The test id.
    testid: String,
    /// Its text, which ends in `%` for a move in percent.
    value: Memo<String>,
    /// Called with what is typed.
    set: Callback<String>,
) -> impl IntoView {
    let is_percent = Memo::new(move |_| value.with(|value| value.ends_with('%')));
    let number = Signal::derive(move || value.with(|value| value.trim_end_matches('%').to_owned()));
    let put = move |number: String, is_percent: bool| set.run(if is_percent { format!("{number}%") } else { number });
    let set_number = move |text: String| put(text.replace('%', ""), is_percent.get_untracked());
    let set_unit = move |unit: String| put(number.get_untracked(), unit == "percent");
    let unit = Signal::derive(move || if is_percent.get() { "percent" } else { "absolute" }.to_owned());
    let units = Signal::stored(owned([("percent", "%"), ("absolute", "quote currency")]));
    let unit_testid = format!("{testid}-unit");
    view! {
        <TextField label testid value=number set=set_number/>
        <ChoiceField label="In" testid=unit_testid choices=units value=unit set=set_unit/>
    }
}

/// Suggestions for fields that take an indicator, or one of its outputs: each with its defaults.
#[component]
pub fn SpecList() -> impl IntoView {
    let options = definitions().iter().flat_map(|definition| {
        let spec = Spec::parse(definition.name).ok();
        let option = move |(at, output): (usize, &Output)| {
            let spec = spec.as_ref()?;
            let (text, title) = match at {
                0 => (spec.to_string(), definition.title.to_owned()),
                _ => (spec.column(at), format!("{}, {}", definition.title, output.title)),
            };
            Some(view! { <option value=text>{title}</option> })
        };
        definition.outputs.iter().enumerate().filter_map(option)
    });
    view! { <datalist id=SPECS>{options.collect_view()}</datalist> }
}

/// The id of the suggestions.
pub const SPECS: &str = "indicator-specs";
