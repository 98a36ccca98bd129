//! The bar of a replay: its files, position and speed; above all pages while one is loaded.

use leptos::{ev, prelude::*};
use model::{instrument::InstrumentId, time::Timestamp};
use topics::{
    channels::replay::{PlayState, ReplayReport},
    lane::Lane,
    topic::Topic,
};
use wire::command::ReplayControl;

use crate::{
    components::icon::{Icon, IconMark},
    format,
    live::{
        recorder::{Recorder, use_recorder},
        use_live,
    },
    pages::{
        live::symbol_picker::use_choose,
        recordings::state::{SPEEDS, span, speed},
    },
    route::use_route,
    selection::{LIVE, before_replay, use_selection},
    settings::use_settings,
};

/// The bar; nothing while no replay is loaded.
#[component]
pub fn ReplayBar() -> impl IntoView {
    let recorder = use_recorder();
    recorder.attend(use_live());
    watch(recorder);
    let replay = recorder.replay();
    let with = move |of: fn(&ReplayReport) -> String| {
        move || replay.with(|replay| replay.as_ref().map(of).unwrap_or_default())
    };
    let is_moving = Memo::new(move |_| {
        replay.with(|replay| {
            replay.as_ref().is_some_and(|replay| matches!(replay.state, PlayState::Playing | PlayState::Seeking))
        })
    });
    let play_icon = Signal::derive(move || if is_moving.get() { Icon::Pause } else { Icon::Play });
    let play_words = move || if is_moving.get() { "Pause the replay" } else { "Play" };
    let toggle = move |_| {
        recorder.control(if is_moving.get_untracked() { ReplayControl::Pause } else { ReplayControl::Play });
    };
    let choose = use_choose();
    return_afterwards(recorder, choose.clone());
    let show = move |_| {
        if let Some(id) =
            replay.with_untracked(|replay| replay.as_ref().and_then(|replay| replay.instruments.first().cloned()))
        {
            choose(&id);
        }
    };
    view! {
        <section
            class="replay-bar"
            data-testid="replay-bar"
            data-state=with(|replay| replay.state.as_str().to_owned())
            data-start-ms=with(|replay| replay.start_ms.to_string())
            data-position-ms=with(|replay| replay.position_ms.to_string())
            data-place=move || if recorder.is_own().get() { "page" } else { "server" }
            data-events-sha256=with(|replay| replay.events_sha256.clone().unwrap_or_default())
            aria-label="Replay"
            hidden=move || replay.with(Option::is_none)
        >
            <button class="tag tag--replay replay-bar__word" data-testid="replay-show" title="Show the replayed instrument" on:click=show>
                "REPLAY"
            </button>
            <button class="button" data-testid="replay-toggle" title=play_words aria-label=play_words on:click=toggle>
                <IconMark icon=play_icon/>
            </button>
            <Position recorder/>
            <span class="replay-bar__time" data-testid="replay-time" title="Time of the recording, UTC">
                {with(|replay| format::time_of_day(Timestamp::from_millis(replay.position_ms)))}
            </span>
            <span class="replay-bar__span">
                {with(|replay| {
                    let passed = span(replay.position_ms - replay.start_ms);
                    format!("{passed} / {}", span(replay.end_ms - replay.start_ms))
                })}
            </span>
            <SpeedChoice recorder/>
            <span class="replay-bar__behind" title="The recording cannot be decoded that fast" hidden=move || with(behind)().is_empty()>
                {with(behind)}
            </span>
            <span class="replay-bar__place" title="Only you can see it" hidden=move || !recorder.is_own().get()>"in this page"</span>
            <span class="replay-bar__files" title=with(|replay| replay.files.join(", "))>{with(|replay| replay.files.join(", "))}</span>
            <button
                class="button"
                data-testid="replay-stop"
                title="End the replay"
                aria-label="End the replay"
                on:click=move |_| recorder.control(ReplayControl::Stop)
            >
                <IconMark icon=Icon::Close/>
            </button>
        </section>
    }
}

fn behind(replay: &ReplayReport) -> String {
    if replay.is_behind && replay.state == PlayState::Playing {
        "as fast as possible".to_owned()
    } else {
        String::new()
    }
}

/// The slider. While the reader holds it, it follows the reader, not the recording.
#[component]
fn Position(
    /// Recordings and replay.
    recorder: Recorder,
) -> impl IntoView {
    let replay = recorder.replay();
    let held = RwSignal::new(None::<i64>);
    let of = move |part: fn(&ReplayReport) -> i64| move || replay.with(|replay| replay.as_ref().map_or(0, part));
    let start = of(|replay| replay.start_ms);
    let length = of(|replay| (replay.end_ms - replay.start_ms).max(1));
    // From the beginning, since browsers count a slider's steps from its minimum.
    let value = move || held.get().unwrap_or_else(of(|replay| replay.position_ms - replay.start_ms));
    let asked = |event: &ev::Event| event_target_value(event).parse::<i64>().ok();
    let go = move |event: ev::Event| {
        if let Some(offset) = asked(&event) {
            recorder.control_then(ReplayControl::Seek { position_ms: start() + offset }, move || held.set(None));
        }
    };
    view! {
        <input
            class="replay-bar__slider"
            data-testid="replay-seek"
            type="range"
            min="0"
            max=move || length().to_string()
            step="100"
            aria-label="Position"
            aria-valuetext=move || span(value())
            prop:value=move || value().to_string()
            on:input=move |event: ev::Event| held.set(asked(&event))
            on:change=go
        />
    }
}

#[component]
fn SpeedChoice(
    /// Recordings and replay.
    recorder: Recorder,
) -> impl IntoView {
    let current =
        Memo::new(move |_| recorder.replay().with(|replay| replay.as_ref().map_or(1.0, |replay| replay.speed)));
    let choose = move |event: ev::Event| {
        if let Ok(chosen) = event_target_value(&event).parse() {
            recorder.control(ReplayControl::Speed(chosen));
        }
    };
    view! {
        <select
            class="field replay-bar__speed"
            data-testid="replay-speed"
            aria-label="Speed"
            prop:value=move || current.get().to_string()
            on:change=choose
        >
            {SPEEDS.map(|choice| view! { <option value=choice.to_string()>{speed(choice)}</option> }).collect_view()}
        </select>
    }
}

/// Shows again what was shown before, once a replay has ended that is still in view.
fn return_afterwards(recorder: Recorder, choose: impl Fn(&InstrumentId) + 'static) {
    let (live, selection, settings, route) = (use_live(), use_selection(), use_settings(), use_route());
    Effect::new(move |was_loaded: Option<bool>| {
        let is_loaded = recorder.replay().with(Option::is_some);
        let is_shown = untrack(move || selection.is_replay()) && route.path().with_untracked(|path| path == LIVE);
        if was_loaded == Some(true) && !is_loaded && is_shown {
            match before_replay(live, settings) {
                Some(last) => choose(&last),
                None => route.go(LIVE),
            }
        }
        is_loaded
    });
}

/// Shows the server's replay while the page is open.
fn watch(recorder: Recorder) {
    let live = use_live();
    live.use_topics(Signal::derive(|| vec![Topic::REPLAY]), Lane::Fast.into());
    // Only what is new in the topic: an older state of it must not undo the answer to a command.
    Effect::new(move |known: Option<(u64, bool)>| {
        live.tick().track();
        let is_own = recorder.is_own().get();
        let revision = live.with_model(|model| model.revision(&[Topic::REPLAY])).unwrap_or(0);
        if known != Some((revision, is_own)) {
            live.with_model(|model| model.replay().map(|data| recorder.show(&data.replay)));
        }
        (revision, is_own)
    });
}
