//! Quiet hours, and muting of all alerts.

use std::sync::Arc;

use leptos::{ev, prelude::*};
use model::{
    alert::{
        command::{AlertCommand, SetQuietHours, UnmuteAlerts},
        settings::{AlertSettings, Muted, QuietHours},
    },
    time::Timestamp,
};

use crate::{
    live::{commands::CommandState, platform, use_live},
    pages::{
        alerts::{
            actions::{send, server_now},
            rows::Rules,
        },
        desk::actions::CommandNote,
        recordings::state::moment,
    },
};

/// The quiet hours of deliveries, and the switch that mutes all.
#[component]
pub fn QuietPanel(
    /// Rules, channels and settings.
    rules: Memo<Option<Arc<Rules>>>,
) -> impl IntoView {
    let live = use_live();
    let state = RwSignal::new(CommandState::default());
    let settings = Memo::new(move |_| rules.with(|rules| rules.as_ref().map(|rules| rules.settings.clone())));
    let (from, until, zone) =
        (RwSignal::new("22:00".to_owned()), RwSignal::new("07:00".to_owned()), RwSignal::new(String::new()));
    Effect::new(move |_| match settings.get().and_then(|settings| settings.quiet_hours) {
        Some(hours) => {
            from.set(clock(hours.from_minute));
            until.set(clock(hours.until_minute));
            zone.set(hours.time_zone);
        }
        None if zone.with_untracked(String::is_empty) => zone.set(platform::time_zone()),
        None => {}
    });
    let save = move |event: ev::SubmitEvent| {
        event.prevent_default();
        let (Some(from_minute), Some(until_minute)) = (minute(&from.get_untracked()), minute(&until.get_untracked()))
        else {
            state.set(CommandState::Refused("Write both times as in 22:00".to_owned()));
            return;
        };
        let quiet_hours = Some(QuietHours { from_minute, until_minute, time_zone: zone.get_untracked() });
        send(live, AlertCommand::SetQuietHours(SetQuietHours { quiet_hours }), state);
    };
    let end = move |_| send(live, AlertCommand::SetQuietHours(SetQuietHours::default()), state);
    let mute = move |hours: Option<i64>| {
        let until = hours.map(|hours| Timestamp::from_millis(server_now(live).as_millis() + hours * 3_600_000));
        send(live, AlertCommand::MuteAlerts(Muted { until }), state);
    };
    let is_muted = move || settings.with(|settings| settings.as_ref().is_some_and(|settings| settings.muted.is_some()));
    let has_hours =
        move || settings.with(|settings| settings.as_ref().is_some_and(|settings| settings.quiet_hours.is_some()));
    let words = move || settings.with(|settings| settings.as_ref().map_or_else(String::new, words));
    let time = move |label: &'static str, testid: &'static str, value: RwSignal<String>| {
        view! {
            <label class="desk-field">
                <span>{label}</span>
                <input
                    class="field"
                    type="time"
                    data-testid=testid
                    prop:value=value
                    on:input=move |event: ev::Event| value.set(event_target_value(&event))
                />
            </label>
        }
    };
    view! {
        <section class="panel" aria-label="Quiet hours and muting">
            <div class="panel__head">
                <h2 class="panel__title">"Quiet hours and muting"</h2>
            </div>
            <p class="desk-note" role="status" data-testid="quiet-words">{words}</p>
            <form class="rule-form__row" aria-label="Quiet hours" on:submit=save>
                {time("From", "quiet-from", from)}
                {time("Until", "quiet-until", until)}
                <label class="desk-field">
                    <span>"Time zone"</span>
                    <input class="field" data-testid="quiet-zone" prop:value=zone on:input=move |event: ev::Event| zone.set(event_target_value(&event))/>
                </label>
                <button class="button button--main" type="submit" data-testid="quiet-save">"Set quiet hours"</button>
                <button class="button" type="button" data-testid="quiet-end" hidden=move || !has_hours() on:click=end>"No quiet hours"</button>
            </form>
            <div class="rule-form__row">
                <button class="button" data-testid="mute-hour" hidden=is_muted on:click=move |_| mute(Some(1))>"Mute for 1 hour"</button>
                <button class="button" data-testid="mute" hidden=is_muted on:click=move |_| mute(None)>"Mute all alerts"</button>
                <button
                    class="button button--main"
                    data-testid="unmute"
                    hidden=move || !is_muted()
                    on:click=move |_| send(live, AlertCommand::UnmuteAlerts(UnmuteAlerts {}), state)
                >
                    "Unmute"
                </button>
                <CommandNote state/>
            </div>
        </section>
    }
}

/// Returns what holds for all alerts, in words.
fn words(settings: &AlertSettings) -> String {
    let muted = match &settings.muted {
        Some(Muted { until: Some(until) }) => {
            format!(
                "All alerts are muted until {} UTC: nothing is delivered, nothing sounds. ",
                moment(until.as_millis())
            )
        }
        Some(Muted { until: None }) => "All alerts are muted: nothing is delivered, nothing sounds. ".to_owned(),
        None => String::new(),
    };
    let quiet = match &settings.quiet_hours {
        Some(hours) => format!(
            "From {} to {} ({}) deliveries wait for the end; critical alerts and rules that ignore quiet hours do not.",
            clock(hours.from_minute),
            clock(hours.until_minute),
            hours.time_zone
        ),
        None => "No quiet hours: alerts are delivered at any time.".to_owned(),
    };
    muted + &quiet
}

/// Formats minutes since midnight (`22:00`).
fn clock(minute: u32) -> String {
    format!("{:02}:{:02}", minute / 60 % 24, minute % 60)
}

/// Reads a time of day.
fn minute(text: &str) -> Option<u32> {
    let (hours, minutes) = text.split_once(':')?;
    let (hours, minutes): (u32, u32) = (hours.parse().ok()?, minutes.get(..2)?.parse().ok()?);
    (hours < 24 && minutes < 60).then_some(hours * 60 + minutes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_day_are_read() {
        for (text, expected) in
            [("22:05", Some(1_325)), ("07:00:00", Some(420)), ("24:00", None), ("7", None), ("", None), ("1:é", None)]
        {
            assert_eq!(minute(text), expected, "{text}");
        }
        assert_eq!(clock(1_325), "22:05");
    }

    #[test]
    fn the_settings_are_told() {
        let hours = QuietHours { from_minute: 1_320, until_minute: 420, time_zone: "Europe/Berlin".to_owned() };
        let settings = AlertSettings { quiet_hours: Some(hours), muted: Some(Muted { until: None }) };
        assert!(words(&settings).starts_with("All alerts are muted: nothing"));
        assert!(words(&settings).contains("From 22:00 to 07:00 (Europe/Berlin)"));
    }
}
