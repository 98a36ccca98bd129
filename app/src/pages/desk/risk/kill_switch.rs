//! The kill switch: what it will do, set and lifted with a reason.

use desk::rows::AccountRow;
use leptos::{ev, prelude::*};
use model::trading::command::{DeskCommand, Kill, LiftKill};
use topics::channels::Channel;

use crate::{
    live::{commands::CommandState, use_live},
    pages::desk::{
        actions::{CommandNote, ConfirmButton, send},
        orders_off::use_orders_off,
        rows::{read_row, topic},
    },
};

/// The switch, apart from everything else.
#[component]
pub fn KillPanel() -> impl IntoView {
    let (live, off) = (use_live(), use_orders_off());
    let state = RwSignal::new(CommandState::default());
    let reason = RwSignal::new(String::new());
    let is_flatten = RwSignal::new(false);
    // The page's head requests the topic.
    let topics = [topic(Channel::Dashboard)];
    let revision = Memo::new(move |_| {
        live.tick().track();
        live.with_model(|model| model.revision(&topics))
    });
    // Set or not, and on disk or not.
    let switch = Memo::new(move |_| {
        // Read, not only tracked: a memo that was never read notices nothing.
        let _revision = revision.get();
        let row = live.with_model(|model| read_row::<AccountRow>(model, Channel::Dashboard, "account"));
        let Some(Ok(Some(Some(row)))) = row else { return (false, true) };
        (row.kill.is_some(), !row.is_kill_unwritten)
    });
    let is_on = Memo::new(move |_| switch.get().0);
    let set = move |()| {
        let kill = Kill { reason: reason.get_untracked().trim().to_owned(), flatten: is_flatten.get_untracked() };
        send(live, &DeskCommand::Kill(kill), state);
    };
    let lift = move |()| {
        send(live, &DeskCommand::LiftKill(LiftKill { reason: reason.get_untracked().trim().to_owned() }), state);
    };
    let question = Signal::derive(move || {
        let and = if is_flatten.get() { " and close all positions at the market" } else { "" };
        format!("Cancel all open orders of all accounts{and}?")
    });
    // An old reason is not the next one's.
    Effect::new(move |_| {
        is_on.track();
        reason.set(String::new());
    });
    view! {
        <section class="panel kill-switch" aria-label="Kill switch" data-testid="kill-switch" data-on=move || is_on.get().to_string()>
            <div class="panel__head">
                <h2 class="panel__title">"Kill switch"</h2>
                <CommandNote state/>
            </div>
            <p class="desk-note">
                {move || match switch.get() {
                    (true, true) => "It is set: nothing new is accepted, and a restart does not change that. Lift it with a reason.",
                    (true, false) => "It is set, but not on disk: nothing new is accepted. Free some disk space; a restart before that forgets it.",
                    (false, _) => "It cancels every open order, pauses every strategy, and refuses all new orders until it is lifted by hand; a restart does not lift it.",
                }}
            </p>
            <div class="kill-switch__controls">
                <label class="desk-field kill-switch__reason">
                    <span>"Reason"</span>
                    <input
                        class="field"
                        data-testid="kill-reason"
                        maxlength="200"
                        prop:value=reason
                        on:input=move |event: ev::Event| reason.set(event_target_value(&event))
                    />
                </label>
                <label class="kill-switch__flatten" hidden=move || is_on.get()>
                    <input
                        type="checkbox"
                        data-testid="kill-flatten"
                        prop:checked=is_flatten
                        on:change=move |event: ev::Event| is_flatten.set(event_target_checked(&event))
                    />
                    "Close all positions at the market, too"
                </label>
                <span hidden=move || is_on.get()>
                    <ConfirmButton label="Set the kill switch" question confirm=set testid="kill-set" orders=off/>
                </span>
                <span hidden=move || !is_on.get()>
                    <ConfirmButton label="Lift the kill switch" question="Accept orders again?" confirm=lift testid="kill-lift" orders=off/>
                </span>
            </div>
        </section>
    }
}
