//! The sound of large trades: off at first, from an amount in the quote currency that the reader chooses.

use std::time::Duration;

use leptos::{ev, prelude::*};
use model::{decimal::Notional, event::AggressorSide, time::Monotonic};

use crate::{
    components::{
        icon::{Icon, IconMark},
        tone,
    },
    format,
    live::{browser, use_live},
    pages::live::print_watch::PrintWatch,
    selection::Selection,
    settings::use_settings,
};

/// The button in the tape's head, the choice behind it, and the sound itself.
#[component]
pub fn PrintSound(
    /// The shown instrument.
    selection: Selection,
) -> impl IntoView {
    let settings = use_settings();
    let id_text = move || selection.id.with(|id| id.as_ref().map(ToString::to_string)).unwrap_or_default();
    let least = Memo::new(move |_| {
        let id = id_text();
        settings.with(|settings| settings.sound_least_text(&id).map(str::to_owned))
    });
    let is_on = Memo::new(move |_| least.with(Option::is_some));
    // The typed amount, kept while the sound is off.
    let typed = RwSignal::new(DEFAULT_LEAST.to_owned());
    Effect::new(move |_| {
        if let Some(least) = least.get() {
            typed.set(least);
        }
    });
    let amount = move || format::typed_size(&typed.get()).filter(|amount| !amount.is_empty());
    let store = move |amount: Option<String>| {
        let id = untrack(id_text);
        settings.update(|settings| settings.set_sound_least(&id, amount.as_deref().unwrap_or_default()));
    };
    let switch = move |event: ev::Event| {
        let is_wanted = event_target_checked(&event);
        store(untrack(amount).filter(|_| is_wanted));
        if is_wanted {
            // Browsers allow sound only after a click: this one, which also shows how it sounds.
            play(AggressorSide::Buyer);
        }
    };
    let choose = move |event: ev::Event| {
        typed.set(event_target_value(&event));
        if is_on.get_untracked() && untrack(amount).is_some() {
            store(untrack(amount));
        }
    };
    let quote = move || selection.instrument.with(|one| one.as_ref().map(|one| one.quote.clone()));
    let n_played = sound(selection, least);
    view! {
        <button
            class="button button--bare tape-panel__sound"
            data-testid="sound-open"
            data-played=move || n_played.get().to_string()
            aria-pressed=move || is_on.get().to_string()
            title="Sound for large trades"
            popovertarget="print-sound"
        >
            <IconMark icon=Icon::Bell/>
            <span class="unseen">"Sound for large trades"</span>
        </button>
        <div class="print-sound" id="print-sound" popover="auto" role="group" aria-label="Sound for large trades">
            <label class="print-sound__row">
                <input type="checkbox" data-testid="sound-on" prop:checked=move || is_on.get() on:change=switch/>
                "Sound for large trades"
            </label>
            <label class="print-sound__row">
                "From"
                <input
                    class="field print-sound__least"
                    data-testid="sound-least"
                    type="text"
                    inputmode="decimal"
                    autocomplete="off"
                    aria-invalid=move || amount().is_none().to_string()
                    prop:value=move || typed.get()
                    on:input=choose
                />
                {quote}
            </label>
        </div>
    }
}

/// Plays a tone for each new trade of at least `least`; returns the number of tones.
fn sound(selection: Selection, least: Memo<Option<String>>) -> RwSignal<u32> {
    let live = use_live();
    let (watch, n_played) = (StoredValue::new(PrintWatch::default()), RwSignal::new(0_u32));
    let silent_until = StoredValue::new(Monotonic::ZERO);
    Effect::new(move |_| {
        let now = live.tick().get().monotonic;
        let Some(least) = least.with(|least| least.as_ref().and_then(|text| Notional::parse(text).ok())) else {
            return;
        };
        let found = selection.id.with(|id| {
            let id = id.as_ref()?;
            live.with_model(|model| {
                let log = model.tape(id)?;
                watch.try_update_value(|watch| watch.look(id, log, least))?
            })?
        });
        if let Some(side) = found.filter(|_| now >= silent_until.get_value()) {
            silent_until.set_value(now + PAUSE);
            play(side);
            n_played.update(|n_played| *n_played += 1);
        }
    });
    n_played
}

/// Plays the tone: a tenth of a second, higher for bought than for sold.
fn play(side: AggressorSide) {
    if !browser::is_hidden() {
        tone::play(&[if side == AggressorSide::Seller { 660.0 } else { 880.0 }], LOUDNESS);
    }
}

/// Of 1.
const LOUDNESS: f32 = 0.15;

/// The amount offered at first.
const DEFAULT_LEAST: &str = "100000";

/// Least time between two tones: a burst is one event.
const PAUSE: Duration = Duration::from_millis(200);
