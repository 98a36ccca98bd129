//! The sound and the notifications of alerts on this browser, with the choices that it stores.

use leptos::{ev, prelude::*};
use model::alert::notice::Severity;

use crate::{
    components::tone::{self, SoundState},
    live::{browser, platform, platform::NotificationState},
    pages::alerts::words,
};

/// Plays the tones of a severity at the reader's volume.
pub fn play(severity: Severity) {
    tone::play(notes(severity), volume() / 100.0 * LOUDEST);
}

/// Returns the tones of a severity: more urgent ones are longer and move.
fn notes(severity: Severity) -> &'static [f32] {
    match severity {
        Severity::Info => &[880.0],
        Severity::Warning => &[660.0, 880.0, 880.0],
        Severity::Critical => &[880.0, 660.0, 880.0, 660.0, 880.0, 660.0],
    }
}

/// Returns the reader's volume, 0 to 100.
fn volume() -> f32 {
    let stored = browser::stored(VOLUME).and_then(|text| text.parse::<u8>().ok());
    f32::from(stored.unwrap_or(DEFAULT_VOLUME).min(100))
}

/// Volume, tests of the tones, and the permission for notifications.
#[component]
pub fn SoundPanel() -> impl IntoView {
    let chosen = RwSignal::new(DEFAULT_VOLUME.to_string());
    let sound = RwSignal::new(SoundState::Ready);
    let notifications = RwSignal::new(NotificationState::default());
    Effect::new(move |_| {
        chosen.set(volume().to_string());
        notifications.set(platform::notification_state());
    });
    let choose = move |event: ev::Event| {
        let text = event_target_value(&event);
        browser::store(VOLUME, &text);
        chosen.set(text);
    };
    let test = move |severity: Severity| {
        let test = move |_| {
            play(severity);
            tone::enable_sound(move |state| {
                let _gone = sound.try_set(state);
            });
        };
        view! {
            <button
                class="button"
                data-testid=format!("tone-{}", words::tone(severity))
                title="Play the tone of such alerts"
                on:click=test
            >
                "▶ "
                {words::severity(severity)}
            </button>
        }
    };
    let note = move || match notifications.get() {
        NotificationState::Unknown => String::new(),
        NotificationState::Unavailable(reason) => format!("Notifications are not available: {reason}."),
        NotificationState::NotAsked => "Notifications tell of alerts while this page is in the background.".to_owned(),
        NotificationState::Allowed => {
            "Notifications are on: one tab shows them while the page is in the background.".to_owned()
        }
        NotificationState::Denied => {
            "Notifications are blocked; allow them in the browser's settings of this site.".to_owned()
        }
    };
    let ask = move |_| {
        platform::ask_for_notifications(move |state| {
            let _gone = notifications.try_set(state);
        });
    };
    view! {
        <section class="panel" aria-label="This browser">
            <div class="panel__head">
                <h2 class="panel__title">"This browser"</h2>
            </div>
            <div class="rule-form__row">
                <label class="desk-field">
                    <span>"Volume of alerts"</span>
                    <input type="range" min="0" max="100" step="5" data-testid="alert-volume" prop:value=chosen on:input=choose/>
                </label>
                <span class="sound-tests" role="group" aria-label="Hear the tones">
                    {[Severity::Info, Severity::Warning, Severity::Critical].map(test)}
                </span>
            </div>
            <p class="desk-note" data-tone="warn" role="status" hidden=move || sound.get() == SoundState::Ready>
                {move || match sound.get() {
                    SoundState::Unavailable => "This browser has no sound.",
                    _ => "The browser holds sound back; click anywhere on the page.",
                }}
            </p>
            <p class="desk-note" role="status" data-testid="notification-words">{note}</p>
            <div class="rule-form__row" hidden=move || notifications.get() != NotificationState::NotAsked>
                <button class="button button--main" data-testid="notification-ask" on:click=ask>"Allow notifications"</button>
            </div>
        </section>
    }
}

/// The key of the volume in the browser's storage.
const VOLUME: &str = "truetape.alert_volume";

const DEFAULT_VOLUME: u8 = 50;

/// Loudness at full volume, of 1.
const LOUDEST: f32 = 0.5;
