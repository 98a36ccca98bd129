//! The signal rules: what each looks for, pause, change and delete.

use std::sync::Arc;

use leptos::prelude::*;
use model::alert::{
    command::{AlertCommand, OneRule},
    rule_id::RuleId,
    signal::{SignalRule, Timing},
};

use crate::{
    live::{commands::CommandState, use_live},
    pages::{
        alerts::{
            actions::send,
            rows::{Rules, SignalRuleRow},
            signal_draft::SignalDraft,
            signal_form::SignalForm,
        },
        desk::actions::{CommandNote, ConfirmButton},
        recordings::state::moment,
    },
    selection::use_selection,
};

/// All signal rules, and the form of a new or changed one.
#[component]
pub fn SignalRulesPanel(
    /// Rules, channels and settings.
    rules: Memo<Option<Arc<Rules>>>,
    /// The form that the address asks for.
    asked: Signal<Option<String>>,
) -> impl IntoView {
    let selection = use_selection();
    let editing = RwSignal::new(None::<SignalDraft>);
    let open = move || editing.set(Some(SignalDraft::new(selection.id.get_untracked())));
    Effect::new(move |_| {
        if asked.with(|asked| asked.as_deref() == Some("signal")) {
            open();
        }
    });
    let ids = Memo::new(move |_| {
        let rules = rules.get();
        rules.iter().flat_map(|rules| rules.signals.iter().map(|row| row.rule.rule_id.clone())).collect::<Vec<_>>()
    });
    let is_empty = move || rules.with(|rules| rules.as_ref().is_some_and(|rules| rules.signals.is_empty()));
    view! {
        <section class="panel" aria-label="Signal rules">
            <div class="panel__head">
                <h2 class="panel__title">"Signal rules"</h2>
                <span class="panel__controls" hidden=move || editing.with(Option::is_some)>
                    <button class="button button--main" data-testid="new-signal" on:click=move |_| open()>
                        "New signal rule"
                    </button>
                </span>
            </div>
            {move || editing.get().map(|first| view! { <SignalForm first editing/> })}
            <p class="desk-note" role="status" hidden=move || !is_empty()>
                "No signal rules yet. A rule reads bars and the top of a book and says buy, sell or look; alerts and strategies can listen to it."
            </p>
            <ul class="alert-list" aria-label="Signal rules">
                <For each=move || ids.get() key=Clone::clone let:id>
                    {
                        let row = Memo::new(move |_| {
                            rules.with(|rules| rules.as_ref()?.signals.iter().find(|row| row.rule.rule_id == id).cloned())
                        });
                        view! { <SignalRuleLine row editing/> }
                    }
                </For>
            </ul>
        </section>
    }
}

#[component]
fn SignalRuleLine(
    /// The rule; `None` while it is being removed.
    row: Memo<Option<SignalRuleRow>>,
    /// The rule in the form.
    editing: RwSignal<Option<SignalDraft>>,
) -> impl IntoView {
    let live = use_live();
    let state = RwSignal::new(CommandState::default());
    let of = move |read: &dyn Fn(&SignalRuleRow) -> String| row.with(|row| row.as_ref().map(read).unwrap_or_default());
    let is_paused = Memo::new(move |_| row.with(|row| row.as_ref().is_some_and(|row| row.rule.is_paused)));
    let give = move |command: fn(RuleId) -> AlertCommand| {
        if let Some(rule_id) = row.with_untracked(|row| row.as_ref().map(|row| row.rule.rule_id.clone())) {
            send(live, command(rule_id), state);
        }
    };
    let facts = |row: &SignalRuleRow| {
        let timing = match row.rule.timing {
            Timing::Tick => "while bars form",
            Timing::BarClose => "at bar close",
        };
        let last = row.last.as_ref().map(|last| format!(" · last {}", moment(last.fired_time.as_millis())));
        let SignalRule { instrument, interval, version, .. } = &row.rule;
        format!("{instrument} · {interval} bars · {timing} · version {version}{}", last.unwrap_or_default())
    };
    let edit = move |_| editing.set(row.with_untracked(|row| row.as_ref().map(|row| SignalDraft::of(&row.rule))));
    view! {
        <li class="alert-item" data-testid="signal-rule" data-id=move || of(&|row| row.rule.rule_id.to_string())>
            <div class="alert-item__main">
                <p class="alert-item__title">
                    <strong>{move || of(&|row| row.rule.name.clone())}</strong>
                    " "
                    <span class="tag" hidden=move || !is_paused.get()>"paused"</span>
                </p>
                <p>{move || of(&|row| row.sentence.clone())}</p>
                <p class="alert-item__facts">{move || of(&facts)}</p>
            </div>
            <div class="alert-item__actions">
                <button
                    class="button"
                    data-testid="signal-pause"
                    on:click=move |_| match is_paused.get_untracked() {
                        true => give(|rule_id| AlertCommand::ResumeSignal(OneRule { rule_id })),
                        false => give(|rule_id| AlertCommand::PauseSignal(OneRule { rule_id })),
                    }
                >
                    {move || if is_paused.get() { "Resume" } else { "Pause" }}
                </button>
                <button class="button" data-testid="signal-edit" on:click=edit>"Edit"</button>
                <ConfirmButton
                    label="Delete"
                    question=Signal::derive(move || format!("Delete {}?", of(&|row| row.rule.name.clone())))
                    confirm=move |()| give(|rule_id| AlertCommand::DeleteSignal(OneRule { rule_id }))
                    testid="signal-delete"
                />
            </div>
            <CommandNote state/>
        </li>
    }
}
