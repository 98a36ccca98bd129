//! Quick settings: appearance and pace, stored by this browser.

use leptos::{ev, prelude::*};

use crate::{
    cadence::{Pace, Preset},
    components::{cross_check::CrossCheckPanel, source_choice::SourceChooser},
    format,
    lazy::{LazyPart, LazyView},
    live::use_live,
    pages::{FragmentSpec, PAGES, SHELL_FRAGMENTS, recordings::state::size},
    route::use_route,
    settings::{Bandwidth, Flash, Theme, TimeZone, UpDown, use_settings},
};

/// One choice of a group: its value, its label and its description.
struct Choice {
    value: &'static str,
    label: &'static str,
    more: &'static str,
}

/// The panel; the browser opens it from the rail, and closes it on Esc or a click beside it.
#[component]
pub fn SettingsPanel() -> impl IntoView {
    view! {
        <section class="settings" id="settings" popover="auto" aria-label="Settings" data-testid="settings">
            <LazyView part=LazyPart::Settings/>
        </section>
    }
}

/// The available settings.
#[component]
pub fn Choices() -> impl IntoView {
    let settings = use_settings();
    let plain = |value, label| Choice { value, label, more: "" };
    let themes = Theme::ALL.iter().map(|theme| plain(theme.as_str(), theme.label())).collect();
    let colours = UpDown::ALL.iter().map(|colours| plain(colours.as_str(), colours.label())).collect();
    let flashes = Flash::ALL.iter().map(|flash| plain(flash.as_str(), flash.label())).collect();
    let bandwidths = Bandwidth::ALL.iter().map(|bandwidth| Choice {
        value: bandwidth.as_str(),
        label: bandwidth.label(),
        more: match bandwidth {
            Bandwidth::Full => "as the other settings say",
            Bandwidth::Low => "once a second, 10 levels, no flashes",
        },
    });
    let bandwidths = bandwidths.collect();
    let traffic = use_live().traffic();
    let zones = TimeZone::ALL.iter().map(|zone| plain(zone.as_str(), zone.label())).collect();
    let presets = Preset::ALL.map(|preset| {
        let (label, more) = preset.label();
        Choice { value: preset.as_str(), label, more }
    });
    view! {
            <ChoiceGroup
                name="cadence" legend="Update speed" choices=presets.into()
                chosen=Signal::derive(move || settings.with(|settings| settings.preset.as_str()))
                choose=move |value: String| settings.update(|settings| settings.preset = Preset::parse(&value).unwrap_or_default())
            />
            <RegionPaces/>
            <ChoiceGroup
                name="bandwidth" legend="Data use" choices=bandwidths
                chosen=Signal::derive(move || settings.with(|settings| settings.bandwidth.as_str()))
                choose=move |value: String| settings.update(|settings| settings.bandwidth = Bandwidth::parse(&value).unwrap_or_default())
            />
            <p class="settings__note" data-testid="settings-traffic">
                {move || format!("Received over the live connection in the last minute: {}", size(traffic.get()))}
            </p>
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
            <ChoiceGroup
                name="zone" legend="Time zone of chart and tape" choices=zones
                chosen=Signal::derive(move || settings.with(|settings| settings.time_zone.as_str()))
                choose=move |value: String| settings.update(|settings| settings.time_zone = TimeZone::parse(&value).unwrap_or_default())
            />
            <SourceChooser/>
            <CrossCheckPanel/>
            <p class="settings__note" data-testid="settings-reach">
                "To open this page from other machines, the server needs users and TLS: see docs/self-hosting.md."
            </p>
    }
}

/// The regions of the shown page, each with an optional pace of its own.
#[component]
fn RegionPaces() -> impl IntoView {
    let path = use_route().path();
    let regions = move || {
        let of_page =
            path.with(|path| PAGES.iter().find(|page| page.path == path)).map_or(&[][..], |page| page.fragments);
        of_page.iter().chain(SHELL_FRAGMENTS).copied().collect::<Vec<_>>()
    };
    view! {
        <details class="region-paces">
            <summary class="region-paces__summary" data-testid="region-paces">"Per panel"</summary>
            <For each=regions key=|spec| spec.name let:spec>
                <RegionPace spec/>
            </For>
        </details>
    }
}

/// One region with its pace.
#[component]
fn RegionPace(
    /// The region.
    spec: FragmentSpec,
) -> impl IntoView {
    let settings = use_settings();
    let FragmentSpec { name, cadence } = spec;
    let chosen = Memo::new(move |_| settings.with(|settings| settings.paces.get(name).copied()));
    let of_preset = move || format!("Default ({})", settings.with(|settings| cadence.pace(settings.preset)).label());
    view! {
        <label class="region-pace">
            <span>{label(name)}</span>
            <select
                class="field region-pace__field"
                data-testid=format!("pace-{name}")
                on:change=move |event: ev::Event| {
                    settings.update(|settings| settings.set_pace(name, Pace::parse(&event_target_value(&event))));
                }
            >
                <option value="" prop:selected=move || chosen.get().is_none()>{of_preset}</option>
                {Pace::CHOICES.map(|pace| view! {
                    <option value=pace.name() prop:selected=move || chosen.get() == Some(pace)>{pace.label()}</option>
                })}
            </select>
        </label>
    }
}

/// Returns a region's displayed name (`status-bar` becomes `Status bar`).
fn label(name: &str) -> String {
    format::capitalised(&name.replace('-', " "))
}

/// A group with one chosen value.
#[component]
fn ChoiceGroup(
    /// Its name among the form fields.
    name: &'static str,
    /// Its displayed name.
    legend: &'static str,
    /// The choices.
    choices: Vec<Choice>,
    /// The chosen value.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_words() {
        for (name, expected) in [("status-bar", "Status bar"), ("book", "Book"), ("", "")] {
            assert_eq!(label(name), expected);
        }
    }
}
