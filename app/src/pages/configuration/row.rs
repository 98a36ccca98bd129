//! One setting: title, key and help; its field; default, source and when it applies; the button that resets it.

use leptos::{ev, prelude::*};

use super::{
    requests::Settings,
    state::{Setting, Value},
};

/// The row.
#[component]
pub fn SettingRow(
    /// The page's state.
    settings: Settings,
    /// The setting's key.
    key: String,
) -> impl IntoView {
    let setting = {
        let key = key.clone();
        Memo::new(move |_| settings.setting(&key))
    };
    // The words and the kind of a setting never change.
    let Setting { title, help, .. } = setting.get_untracked();
    let (id, about) = (format!("setting-{key}"), format!("about-{key}"));
    let draft = {
        let key = key.clone();
        Memo::new(move |_| settings.drafts.with(|drafts| drafts.get(&key).cloned()))
    };
    let fault = {
        let key = key.clone();
        let of = move |faults: &Vec<(String, String)>| {
            faults.iter().find(|(found, _)| *found == key).map(|(_, fault)| fault.clone())
        };
        Memo::new(move |_| settings.faults.with(&of))
    };
    let state = move || {
        let (is_locked, is_pending) = setting.with(|setting| (setting.is_locked, setting.is_pending));
        match (fault.with(Option::is_some), draft.with(Option::is_some)) {
            (true, _) => "bad",
            (false, true) => "edited",
            _ if is_locked => "locked",
            _ if is_pending => "pending",
            _ => "same",
        }
    };
    let pending = move || {
        let running = setting.with(|setting| setting.is_pending.then(|| setting.running.as_ref().map(Value::words)));
        running.map(|running| match running {
            Some(running) => format!("Waits for a restart; until then {running}"),
            None => "Waits for a restart".to_owned(),
        })
    };
    let can_reset = move || draft.with(Option::is_some) || setting.with(|setting| setting.source == "page");
    let reset_words = format!("Reset {title}");
    view! {
        <div class="setting" data-testid="setting" data-key=key data-state=state>
            <div class="setting__words">
                <label class="setting__title" for=id.clone()>{title}</label>
                <code class="setting__key">{setting.with_untracked(|setting| setting.key.clone())}</code>
                <p class="setting__help" id=about.clone()>{help}</p>
            </div>
            <div class="setting__value">
                <div class="setting__line">
                    <Field settings setting id about/>
                    <button
                        class="button setting__reset"
                        data-testid="setting-reset"
                        aria-label=reset_words
                        disabled=move || !can_reset()
                        on:click=move |_| setting.with_untracked(|setting| settings.reset(setting))
                    >
                        "Reset"
                    </button>
                </div>
                <p class="setting__fault" role="alert" data-testid="setting-fault" hidden=move || fault.with(Option::is_none)>{fault}</p>
                <p class="setting__facts" data-testid="setting-facts">{move || setting.with(Setting::facts)}</p>
                <p class="setting__pending" hidden=move || pending().is_none()>{pending}</p>
            </div>
        </div>
    }
}

/// The field of a setting, by its kind.
#[component]
fn Field(
    /// The page's state.
    settings: Settings,
    /// The setting.
    setting: Memo<Setting>,
    /// The field's id.
    id: String,
    /// The id of its help.
    about: String,
) -> impl IntoView {
    let Setting { key, kind, unit, choices, min, max, .. } = setting.get_untracked();
    let text =
        Memo::new(move |_| settings.drafts.with(|drafts| setting.with(|setting| setting.text(drafts.get(&key)))));
    let is_locked = move || {
        setting.with(|setting| setting.is_locked)
            || !settings.report.with(|report| report.as_ref().is_some_and(|report| report.is_kept))
    };
    let set = move |text: String| setting.with_untracked(|setting| settings.edit(setting, text));
    let typed = move |event: ev::Event| set(event_target_value(&event));
    let is_on = Memo::new(move |_| text.with(|text| text == "true"));
    let field = match kind.as_str() {
        "flag" => view! {
            <input
                type="checkbox"
                class="setting__tick"
                id=id
                aria-describedby=about
                prop:checked=move || is_on.get()
                disabled=is_locked
                on:change=move |event: ev::Event| set(event_target_checked(&event).to_string())
            />
        }
        .into_any(),
        "choice" => {
            let option = |word: String| {
                let (own, value) = (word.clone(), word.clone());
                view! { <option value=value prop:selected=move || text.with(|text| *text == own)>{word}</option> }
            };
            view! {
                <select class="field setting__field" id=id aria-describedby=about disabled=is_locked on:change=typed>
                    {choices.into_iter().map(option).collect_view()}
                </select>
            }
            .into_any()
        }
        "list" => view! {
            <textarea
                class="field setting__field setting__lines"
                id=id
                aria-describedby=about
                rows="3"
                placeholder="One a line"
                prop:value=text
                disabled=is_locked
                on:input=typed
            ></textarea>
        }
        .into_any(),
        kind => {
            let is_secret = kind == "secret";
            let placeholder = move || match setting.with(|setting| setting.is_set) {
                _ if !is_secret => "not set",
                true => "set; type a new one to replace it",
                false => "not set",
            };
            let is_number = kind == "number";
            let input_mode = if is_number { "numeric" } else { "text" };
            let (input_kind, autocomplete) = if is_secret { ("password", "new-password") } else { ("text", "off") };
            view! {
                <input
                    class="field setting__field"
                    class:setting__number=is_number
                    id=id
                    aria-describedby=about
                    type=input_kind
                    inputmode=input_mode
                    autocomplete=autocomplete
                    placeholder=placeholder
                    prop:value=text
                    disabled=is_locked
                    on:input=typed
                />
            }
            .into_any()
        }
    };
    let range = min.zip(max).map(|(min, max)| format!("{min} to {max} {unit}"));
    view! {
        {field}
        <span class="setting__unit">{range}</span>
    }
}
