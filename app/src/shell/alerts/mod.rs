//! Alerts on every page: toasts, the dialog of critical ones, sound and notifications. Loaded lazily.
//!
//! All tabs show them; one tab of the browser sounds and notifies. What is acknowledged in one tab is acknowledged in all,
//! since the server keeps it. Not here: the list of alerts (`pages::alerts`), feeds in trouble (`shell::alert_line`).
//!
//! # Layout
//! - [`news`]: what is new, and which toasts are shown · [`toasts`]: them · [`critical`]: the dialog

pub mod critical;
pub mod news;
pub mod toasts;

use std::sync::Arc;

use leptos::{ev, prelude::*};
use model::alert::{rule::AlertRow, settings::AlertSettings};
use topics::{lane::Lane, topic::Topic};

use self::{critical::CriticalDialog, news::News, toasts::Toasts};
use crate::{
    components::tone::{self, SoundState},
    live::{browser, model::LiveModel, paint_report::use_paint_reports, platform, use_live},
    pages::alerts::{rows, sound},
};

/// The number of alerts that nobody has acknowledged, for the navigation.
#[derive(Clone, Copy, Debug)]
pub struct OpenAlerts(pub RwSignal<usize>);

/// Provides the number of open alerts to the whole page.
pub fn provide_open_alerts() {
    provide_context(OpenAlerts(RwSignal::new(0)));
}

/// Watches the alerts and tells of new ones.
#[component]
pub fn Announcer() -> impl IntoView {
    let live = use_live();
    use_paint_reports(live);
    // The rules' topic has the settings: whether all are muted.
    live.use_topics(Signal::stored(vec![Topic::ALERTS, Topic::RULES]), Signal::stored(Lane::Fast));
    let revision = Memo::new(move |_| {
        live.tick().track();
        live.with_model(|model| model.revision(&[Topic::ALERTS]))
    });
    let alerts = Memo::new(move |known: Option<&Arc<Vec<AlertRow>>>| {
        // Read, not only tracked: a memo that was never read notices nothing.
        let _revision = revision.get();
        match live.with_model(rows::alerts) {
            Some(Ok(Some(alerts))) => Arc::new(alerts),
            // The last readable alerts stay.
            _ => known.cloned().unwrap_or_default(),
        }
    });
    let has_alerts = move || live.with_model(|model| model.desk_rows(&Topic::ALERTS).is_some()) == Some(true);
    let open = use_context::<OpenAlerts>();
    Effect::new(move |_| {
        let n_open = alerts.with(|alerts| alerts.iter().filter(|row| row.acknowledged_time.is_none()).count());
        if let Some(OpenAlerts(open)) = open.filter(|open| open.0.get_untracked() != n_open) {
            open.set(n_open);
        }
    });
    let leads = use_lead();
    let sound = RwSignal::new(SoundState::Ready);
    let news = RwSignal::new(News::default());
    Effect::new(move |_| {
        revision.track();
        if !has_alerts() {
            return;
        }
        let now = browser::now().monotonic;
        let fresh = news.try_update(|news| alerts.with(|alerts| news.follow(alerts, now))).unwrap_or_default();
        if fresh.is_empty() || !leads.get_untracked() {
            return;
        }
        let is_muted = live.with_model(is_muted).unwrap_or_default();
        let loudest = fresh.iter().filter(|row| row.has_sound).map(|row| row.notice.severity).max();
        if let Some(severity) = loudest.filter(|_| !is_muted) {
            sound::play(severity);
            sound.set(tone::sound_state());
        }
        if browser::is_hidden()
            && let Some(newest) = fresh.last()
        {
            let more = if fresh.len() > 1 { format!("\nand {} more", fresh.len() - 1) } else { String::new() };
            platform::notify(&newest.notice.title, &format!("{}{more}", newest.notice.text), &newest.notice.rule_id);
        }
    });
    enable_on_gesture(sound);
    view! {
        <Toasts news/>
        <CriticalDialog alerts/>
        <button
            class="button sound-blocked"
            data-testid="sound-blocked"
            hidden=move || sound.get() != SoundState::Blocked
            on:click=move |_| enable(sound)
        >
            "Sound blocked – click to enable"
        </button>
    }
}

fn is_muted(model: &LiveModel) -> bool {
    let settings = model.desk_rows(&Topic::RULES).and_then(|rows| rows.rows.get("settings"));
    settings.and_then(|row| row.read::<AlertSettings>().ok()).is_some_and(|settings| settings.muted.is_some())
}

/// Returns true while this tab is the one that sounds and notifies.
fn use_lead() -> Signal<bool> {
    let leads = RwSignal::new(false);
    Effect::new(move |_| {
        let has_locks = platform::lead("truetape.alerts", move || {
            let _gone = leads.try_set(true);
        });
        if !has_locks {
            // Without locks every tab that is seen does.
            leads.set(true);
        }
    });
    leads.into()
}

/// Asks the browser for sound.
fn enable(sound: RwSignal<SoundState>) {
    tone::enable_sound(move |state| {
        let _gone = sound.try_set(state);
    });
}

/// Enables sound at the reader's next click or key while it is held back.
fn enable_on_gesture(sound: RwSignal<SoundState>) {
    Effect::new(move |_| {
        let gesture = move || {
            if sound.try_get_untracked() == Some(SoundState::Blocked) {
                enable(sound);
            }
        };
        let listeners = [
            window_event_listener(ev::pointerdown, move |_| gesture()),
            window_event_listener(ev::keydown, move |_| gesture()),
        ];
        on_cleanup(move || listeners.into_iter().for_each(|listener| listener.remove()));
    });
}
