//! Labelled fields of forms: a text, a choice, a tick.

use leptos::{ev, prelude::*};

/// A field with a text.
#[component]
pub fn TextField(
    /// Its label.
    #[prop(into)]
    label: String,
    /// The test id.
    #[prop(into)]
    testid: String,
    /// Its text.
    #[prop(into)]
    value: Signal<String>,
    /// Called with what is typed.
    #[prop(into)]
    set: Callback<String>,
    /// Text shown while it is empty.
    #[prop(optional, into)]
    placeholder: String,
    /// A line below it.
    #[prop(optional, into)]
    help: String,
    /// The type of the field, if it is not a plain text.
    #[prop(optional)]
    kind: Option<&'static str>,
    /// The id of a list of suggestions.
    #[prop(optional)]
    list: Option<&'static str>,
) -> impl IntoView {
    let has_help = !help.is_empty();
    let kind = kind.unwrap_or("text");
    let autocomplete = if kind == "password" { "new-password" } else { "off" };
    view! {
        <label class="desk-field">
            <span>{label}</span>
            <input
                class="field"
                type=kind
                autocomplete=autocomplete
                data-testid=testid
                list=list
                placeholder=placeholder
                prop:value=value
                on:input=move |event: ev::Event| set.run(event_target_value(&event))
            />
            {has_help.then(|| view! { <small>{help}</small> })}
        </label>
    }
}

/// A field with a choice: values with their words.
#[component]
pub fn ChoiceField(
    /// Its label.
    #[prop(into)]
    label: String,
    /// The test id.
    #[prop(into)]
    testid: String,
    /// The values, each with its words.
    #[prop(into)]
    choices: Signal<Vec<(String, String)>>,
    /// The chosen value.
    #[prop(into)]
    value: Signal<String>,
    /// Called with what is chosen.
    #[prop(into)]
    set: Callback<String>,
) -> impl IntoView {
    let options = move || {
        let option = |(name, words): (String, String)| {
            let own = name.clone();
            view! { <option value=name prop:selected=move || value.with(|value| *value == own)>{words}</option> }
        };
        choices.get().into_iter().map(option).collect_view()
    };
    view! {
        <label class="desk-field">
            <span>{label}</span>
            <select class="field" data-testid=testid on:change=move |event: ev::Event| set.run(event_target_value(&event))>
                {options}
            </select>
        </label>
    }
}

/// A tick.
#[component]
pub fn Tick(
    /// Its words.
    #[prop(into)]
    label: String,
    /// The test id.
    #[prop(into)]
    testid: String,
    /// True if it is set.
    #[prop(into)]
    value: Signal<bool>,
    /// Called with what is chosen.
    #[prop(into)]
    set: Callback<bool>,
) -> impl IntoView {
    view! {
        <label class="tick">
            <input
                type="checkbox"
                data-testid=testid
                prop:checked=value
                on:change=move |event: ev::Event| set.run(event_target_checked(&event))
            />
            <span>{label}</span>
        </label>
    }
}

/// Returns owned values and words of a list.
pub fn owned<'a>(choices: impl IntoIterator<Item = (&'a str, &'a str)>) -> Vec<(String, String)> {
    choices.into_iter().map(|(value, words)| (value.to_owned(), words.to_owned())).collect()
}
