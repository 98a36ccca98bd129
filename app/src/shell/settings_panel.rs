//! Quick settings: looks and pace, remembered by this browser.

use leptos::{ev, prelude::*};

use crate::{
    components::{cross_check::CrossCheckPanel, data_path::DataPaths},
    fragment::cadence::Preset,
    selection::use_selection,
    settings::{Flash, Theme, UpDown, use_settings},
};

/// One choice of a group: its value, its label and what it does.
struct Choice {
    value: &'static str,
    label: &'static str,
    more: &'static str,
}

/// The panel; the browser opens it from the rail, and closes it on Esc or a click beside it.
#[component]
pub fn SettingsPanel() -> impl IntoView {
    let settings = use_settings();
    let plain = |value, label| Choice { value, label, more: "" };
    let themes = Theme::ALL.iter().map(|theme| plain(theme.as_str(), theme.label())).collect();
    let colours = UpDown::ALL.iter().map(|colours| plain(colours.as_str(), colours.label())).collect();
    let flashes = Flash::ALL.iter().map(|flash| plain(flash.as_str(), flash.label())).collect();
    let presets = Preset::ALL.map(|preset| {
        let (label, more) = preset.label();
        Choice { value: preset.as_str(), label, more }
    });
    view! {
        <section class="settings" id="settings" popover="auto" aria-label="Settings" data-testid="settings">
            <ChoiceGroup
                name="cadence" legend="Cadence" choices=presets.into()
                chosen=Signal::derive(move || settings.with(|settings| settings.preset.as_str()))
                choose=move |value: String| settings.update(|settings| settings.preset = Preset::parse(&value).unwrap_or_default())
            />
            <ChoiceGroup
                name="theme" legend="Theme" choices=themes
                chosen=Signal::derive(move || settings.with(|settings| settings.theme.as_str()))
                choose=move |value: String| settings.update(|settings| settings.theme = Theme::parse(&value).unwrap_or_default())
            />
            <ChoiceGroup
                name="updown" legend="Up / down" choices=colours
                chosen=Signal::derive(move || settings.with(|settings| settings.up_down.as_str()))
                choose=move |value: String| settings.update(|settings| settings.up_down = UpDown::parse(&value).unwrap_or_default())
            />
            <ChoiceGroup
                name="flash" legend="Flash on change" choices=flashes
                chosen=Signal::derive(move || settings.with(|settings| settings.flash.as_str()))
                choose=move |value: String| settings.update(|settings| settings.flash = Flash::parse(&value).unwrap_or_default())
            />
            <DataPaths/>
            <CrossCheckPanel instrument=use_selection().id/>
        </section>
    }
}

/// A group of which one is chosen.
#[component]
fn ChoiceGroup(
    /// Its name among the page's fields.
    name: &'static str,
    /// Its name for a reader.
    legend: &'static str,
    /// What is offered.
    choices: Vec<Choice>,
    /// What is chosen.
    #[prop(into)]
    chosen: Signal<&'static str>,
    /// Called with the new choice.
    #[prop(into)]
    choose: Callback<String>,
) -> impl IntoView {
    let option = move |choice: Choice| {
        let Choice { value, label, more } = choice;
        view! {
            <label class="choice">
                <input
                    type="radio"
                    name=name
                    value=value
                    data-testid=format!("setting-{name}-{value}")
                    prop:checked=move || chosen.get() == value
                    on:change=move |event: ev::Event| choose.run(event_target_value(&event))
                />
                <span>{label}</span>
                <span class="choice__more">{more}</span>
            </label>
        }
    };
    view! {
        <fieldset class="choices">
            <legend class="choices__legend">{legend}</legend>
            {choices.into_iter().map(option).collect_view()}
        </fieldset>
    }
}
