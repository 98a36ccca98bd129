//! The alert rules: each with its state, when it last fired, and what can be done about it.

use std::sync::Arc;

use leptos::{ev, prelude::*};
use model::{
    alert::{
        command::{AlertCommand, CloneAlert, OneRule, SnoozeAlert},
        rule::{RuleRow, RuleStatus},
        rule_id::RuleId,
    },
    time::Timestamp,
};
use topics::topic::Topic;

use crate::{
    cadence::Cadence,
    fragment::Fragment,
    live::{browser, commands::CommandState, model::LiveModel, use_live},
    pages::{
        alerts::{
            actions::{fresh_id, send, server_now},
            draft::Draft,
            form::RuleForm,
            rows::{self, Rules},
            words,
        },
        desk::actions::{CommandNote, ConfirmButton},
        recordings::state::moment,
    },
    selection::use_selection,
};

/// All rules, and the form of a new or changed one.
#[component]
pub fn RulesPanel(
    /// Rules, channels and settings.
    rules: Memo<Option<Arc<Rules>>>,
    /// The form that the address asks for.
    asked: Signal<Option<String>>,
) -> impl IntoView {
    let selection = use_selection();
    let editing = RwSignal::new(None::<Draft>);
    let said = RwSignal::new(Vec::<String>::new());
    let source = |model: &LiveModel| Ok(rows::rules(model)?.map(|rules| Arc::new(rules.alerts)));
    let open = move || {
        said.set(Vec::new());
        editing.set(Some(Draft::new(selection.id.get_untracked())));
    };
    Effect::new(move |_| {
        if asked.with(|asked| asked.as_deref() == Some("alert")) {
            open();
        }
    });
    view! {
        <section class="panel" aria-label="Alert rules">
            <div class="panel__head">
                <h2 class="panel__title">"Rules"</h2>
                <span class="panel__controls" hidden=move || editing.with(Option::is_some)>
                    <button class="button button--main" data-testid="new-alert" on:click=move |_| open()>"New alert"</button>
                </span>
            </div>
            <div role="status" data-testid="rule-said">
                <ul class="alert-said">
                    {move || said.get().into_iter().map(|line| view! { <li>{line}</li> }).collect_view()}
                </ul>
            </div>
            {move || editing.get().map(|first| view! { <RuleForm first editing said rules/> })}
            <Fragment name="alerts-rules" cadence=Cadence::Status topics=Signal::stored(vec![Topic::RULES]) source let:shown>
                <RuleLines rows=shown editing/>
            </Fragment>
        </section>
    }
}

#[component]
fn RuleLines(
    /// The rules; `None` until they have arrived.
    rows: Signal<Option<Arc<Vec<RuleRow>>>>,
    /// The rule in the form.
    editing: RwSignal<Option<Draft>>,
) -> impl IntoView {
    let ids = Memo::new(move |_| {
        let id = |row: &RuleRow| row.rule.rule_id.clone();
        rows.with(|rows| rows.iter().flat_map(|rows| rows.iter().map(id)).collect::<Vec<_>>())
    });
    view! {
        <p class="desk-note" role="status" data-testid="no-rules" hidden=move || rows.with(|rows| rows.as_ref().is_none_or(|rows| !rows.is_empty()))>
            "No alerts yet. Press New alert, or Alt+A over the chart of the Live page for one at the price under the cursor."
        </p>
        <ul class="alert-list" aria-label="Alert rules">
            <For each=move || ids.get() key=Clone::clone let:id>
                {
                    let row = Memo::new(move |_| {
                        rows.with(|rows| rows.as_ref()?.iter().find(|row| row.rule.rule_id == id).cloned())
                    });
                    view! { <RuleLine row editing/> }
                }
            </For>
        </ul>
    }
}

#[component]
fn RuleLine(
    /// The rule; `None` while it is being removed.
    row: Memo<Option<RuleRow>>,
    /// The rule in the form.
    editing: RwSignal<Option<Draft>>,
) -> impl IntoView {
    let live = use_live();
    let state = RwSignal::new(CommandState::default());
    let of = move |read: &dyn Fn(&RuleRow) -> String| row.with(|row| row.as_ref().map(read).unwrap_or_default());
    let id = move || row.with_untracked(|row| row.as_ref().map(|row| row.rule.rule_id.clone()));
    let give = move |command: fn(RuleId) -> AlertCommand| {
        if let Some(rule_id) = id() {
            send(live, command(rule_id), state);
        }
    };
    let is_off = Memo::new(move |_| {
        row.with(|row| {
            row.as_ref().is_some_and(|row| {
                use RuleStatus::{Done, Expired, Paused, Snoozed};
                matches!(row.state.status, Paused | Snoozed { .. } | Expired | Done)
            })
        })
    });
    let snooze = move |event: ev::Event| {
        let chosen = event_target_value(&event);
        // The choice is an action: the control shows its first words again.
        event_target::<web_sys::HtmlInputElement>(&event).set_value("");
        let until = match chosen.as_str() {
            "tomorrow" => {
                let now = server_now(live);
                (Some(tomorrow(now, browser::offset_ms(now.as_millis()))), None)
            }
            minutes => (None, minutes.parse().ok()),
        };
        if let (Some(rule_id), (until, minutes)) = (id(), until) {
            send(live, AlertCommand::SnoozeAlert(SnoozeAlert { rule_id, until, minutes }), state);
        }
    };
    let copy = move |_| {
        if let (Some(rule_id), Ok(new_rule_id)) = (id(), RuleId::parse(&fresh_id())) {
            send(live, AlertCommand::CloneAlert(CloneAlert { rule_id, new_rule_id }), state);
        }
    };
    let edit = move |_| editing.set(row.with_untracked(|row| row.as_ref().map(|row| Draft::of(&row.rule))));
    let name = move || of(&|row| row.rule.name.clone());
    let last = move || {
        row.with(|row| row.as_ref()?.state.last_fired_time)
            .map(|time| format!(" · last {}", moment(time.as_millis())))
            .unwrap_or_default()
    };
    view! {
        <li
            class="alert-item"
            data-testid="rule"
            data-id=move || of(&|row| row.rule.rule_id.to_string())
            data-status=move || of(&|row| words::status(&row.state.status).1.to_owned())
        >
            <div class="alert-item__main">
                <p class="alert-item__title">
                    <strong>{name}</strong>
                    " "
                    <span class="tag" data-tone=move || of(&|row| words::tone(row.rule.severity).to_owned())>
                        {move || of(&|row| words::severity(row.rule.severity).to_owned())}
                    </span>
                </p>
                <p data-testid="rule-sentence">{move || of(&|row| format!("{}, {}", row.sentence, words::frequency(row.rule.frequency)))}</p>
                <p class="alert-item__facts">
                    <span class="alert-item__dot" data-tone=move || of(&|row| words::status(&row.state.status).1.to_owned())></span>
                    <span data-testid="rule-status">{move || of(&|row| words::status(&row.state.status).0)}</span>
                    {move || of(&|row| format!(" · {}", words::fired(row.state.n_fired, row.state.n_suppressed)))}
                    {last}
                </p>
            </div>
            <div class="alert-item__actions">
                <button
                    class="button"
                    data-testid="rule-pause"
                    on:click=move |_| match is_off.get_untracked() {
                        true => give(|rule_id| AlertCommand::ResumeAlert(OneRule { rule_id })),
                        false => give(|rule_id| AlertCommand::PauseAlert(OneRule { rule_id })),
                    }
                >
                    {move || if is_off.get() { "Resume" } else { "Pause" }}
                </button>
                <select class="field" data-testid="rule-snooze" aria-label=move || format!("Snooze {}", name()) prop:value="" on:change=snooze>
                    <option value="">"Snooze…"</option>
                    <option value="15">"15 minutes"</option>
                    <option value="60">"1 hour"</option>
                    <option value="tomorrow">"until tomorrow"</option>
                    <option value="0">"no longer"</option>
                </select>
                <button class="button" data-testid="rule-edit" on:click=edit>"Edit"</button>
                <button class="button" data-testid="rule-clone" title="A paused copy" on:click=copy>"Clone"</button>
                <ConfirmButton
                    label="Delete"
                    question=Signal::derive(move || format!("Delete {}?", name()))
                    confirm=move |()| give(|rule_id| AlertCommand::DeleteAlert(OneRule { rule_id }))
                    testid="rule-delete"
                />
            </div>
            <CommandNote state/>
        </li>
    }
}

/// Returns the next midnight of a reader whose zone is `offset_ms` east of UTC.
fn tomorrow(now: Timestamp, offset_ms: i64) -> Timestamp {
    let local = now.as_millis() + offset_ms;
    Timestamp::from_millis((local.div_euclid(DAY_MS) + 1) * DAY_MS - offset_ms)
}

const DAY_MS: i64 = 86_400_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tomorrow_is_the_readers_own() {
        let hours = |hours: i64| Timestamp::from_millis(hours * 3_600_000);
        for (now, offset_hours, expected) in [(10, 0, 24), (23, 2, 46), (1, -5, 5), (24, 0, 48)] {
            assert_eq!(tomorrow(hours(now), offset_hours * 3_600_000), hours(expected), "{now} {offset_hours}");
        }
    }
}
