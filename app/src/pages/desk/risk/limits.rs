//! The account's limits, how much of each is used, and the form that sets them.

use desk::rows::RiskRow;
use leptos::{ev, prelude::*};
use model::trading::{
    account::RiskLimits,
    command::{DeskCommand, SetLimits},
    refusal::DenyCode,
};
use portfolio::limit_use::LimitUse;
use topics::channels::Channel;

use crate::{
    cadence::Cadence,
    format::UNKNOWN,
    fragment::Fragment,
    live::{commands::CommandState, model::LiveModel, use_live},
    pages::desk::{
        account::account,
        actions::{CommandNote, send},
        orders_off::use_orders_off,
        risk::limit_fields::{FIELDS, read, typed},
        rows::{read_row, topic},
        table::{cell, headings},
    },
};

/// Limits with their bars, and the form.
#[component]
pub fn LimitsPanel() -> impl IntoView {
    let source = |model: &LiveModel| Ok(read_row::<RiskRow>(model, Channel::Dashboard, "risk")?.flatten());
    let state = RwSignal::new(CommandState::default());
    let known = RwSignal::new(RiskLimits::default());
    let is_editing = RwSignal::new(false);
    view! {
        <section class="panel" aria-label="Limits">
            <div class="panel__head">
                <h2 class="panel__title">"Limits"</h2>
                <CommandNote state done="Limits set."/>
                <span class="panel__controls">
                    <button
                        class="button"
                        data-testid="edit-limits"
                        aria-expanded=move || is_editing.get().to_string()
                        on:click=move |_| is_editing.update(|is_on| *is_on = !*is_on)
                    >
                        "Edit limits"
                    </button>
                </span>
            </div>
            {move || is_editing.get().then(|| view! {
                <LimitsForm limits=known.get_untracked() state close=move |()| is_editing.set(false)/>
            })}
            <Fragment
                name="risk-limits"
                cadence=Cadence::Risk
                topics=Signal::stored(vec![topic(Channel::Dashboard)])
                source
                let:row
            >
                <Limits row known/>
            </Fragment>
        </section>
    }
}

#[component]
fn Limits(
    /// The limits and how much of each is used.
    row: Signal<Option<RiskRow>>,
    /// Receives the limits, for the form outside this region.
    known: RwSignal<RiskLimits>,
) -> impl IntoView {
    Effect::new(move |_| {
        if let Some(limits) = row.with(|row| row.as_ref().map(|row| row.limits.clone())) {
            known.set(limits);
        }
    });
    let codes = Memo::new(move |_| {
        row.with(|row| row.as_ref().map(|row| row.used.iter().map(|used| used.code).collect::<Vec<_>>()))
    });
    let is_empty = move || codes.with(|codes| codes.as_ref().is_some_and(Vec::is_empty));
    let is_hidden = move || codes.with(|codes| codes.as_ref().is_none_or(Vec::is_empty));
    view! {
        <div class="desk-table risk__limits" role="table" aria-label="Limits" hidden=is_hidden>
            {headings(["Limit", "Used", "Share", "Of", "When it is reached"])}
            <For each=move || codes.get().unwrap_or_default() key=|code| *code let:code>
                {
                    let used = Memo::new(move |_| {
                        row.with(|row| row.as_ref()?.used.iter().find(|used| used.code == code).cloned())
                    });
                    view! { <LimitLine code used/> }
                }
            </For>
        </div>
        <p class="desk-note" data-testid="limits-empty" hidden=move || !is_empty()>
            "No limits are set. Edit the limits to have orders refused before they cost too much."
        </p>
    }
}

#[component]
fn LimitLine(
    /// The code with which it refuses.
    code: DenyCode,
    /// Utilisation of the limit; `None` while it is being removed.
    used: Memo<Option<LimitUse>>,
) -> impl IntoView {
    let text = move |of: fn(&LimitUse) -> String| move || used.with(|used| used.as_ref().map(of).unwrap_or_default());
    let share = Memo::new(move |_| {
        used.with(|used| used.as_ref().and_then(|used| used.share)).map(|share| share.to_f64_lossy())
    });
    let tone = move || match share.get() {
        Some(share) if share >= 1.0 => "bad",
        Some(share) if share >= WARN_FROM => "warn",
        _ => "ok",
    };
    view! {
        <div class="desk-row" role="row" data-testid="limit" data-code=code.as_str() data-tone=tone>
            <span class="desk-row__name" role="rowheader">
                <strong>{text(|used| used.label.clone())}</strong>
                <span class="desk-row__venue">{text(|used| used.note.clone().unwrap_or_default())}</span>
            </span>
            {cell("Used", view! { <span data-testid="limit-value">{text(|used| used.value.clone().unwrap_or_else(|| UNKNOWN.to_owned()))}</span> })}
            <span class="desk-row__cell" role="cell">
                <progress
                    class="limit-bar"
                    max="1"
                    value=move || share.get().unwrap_or(0.0).clamp(0.0, 1.0).to_string()
                    aria-label=text(|used| format!("{}: {} of {}", used.label, used.value.as_deref().unwrap_or("unknown"), used.limit))
                ></progress>
                <span class="desk-row__venue">{move || share.get().map(|share| format!("{:.0}\u{202f}%", share * 100.0))}</span>
            </span>
            {cell("Of", view! { <span data-testid="limit-limit">{text(|used| used.limit.clone())}</span> })}
            {cell("When it is reached", consequence(code))}
        </div>
    }
}

/// Returns what happens when a limit is reached.
fn consequence(code: DenyCode) -> &'static str {
    match code {
        DenyCode::DailyLoss => "only orders that reduce positions, until the next day",
        DenyCode::Drawdown => "only orders that reduce positions, until this is lifted by hand",
        DenyCode::OrderRate => "further orders of this second are refused",
        _ => "orders that would exceed it are refused",
    }
}

#[component]
fn LimitsForm(
    /// The limits now.
    limits: RiskLimits,
    /// The state of the command.
    state: RwSignal<CommandState>,
    /// Closes the form.
    #[prop(into)]
    close: Callback<()>,
) -> impl IntoView {
    let (live, off) = (use_live(), use_orders_off());
    let values: [RwSignal<String>; FIELDS.len()] = typed(&limits).map(RwSignal::new);
    let failure = RwSignal::new(None::<(usize, String)>);
    let submit = move |event: ev::SubmitEvent| {
        event.prevent_default();
        if off.get_untracked() {
            return;
        }
        match read(&values.map(|value| value.get_untracked())) {
            Ok(limits) => {
                failure.set(None);
                send(live, &DeskCommand::SetLimits(SetLimits { account: Some(account()), limits }), state);
                close.run(());
            }
            Err(wrong) => failure.set(Some(wrong)),
        }
    };
    let field = move |idx: usize| {
        let (label, help, testid) = FIELDS[idx];
        let value = values[idx];
        let wrong = move || {
            failure.with(|failure| failure.as_ref().filter(|(at, _)| *at == idx).map(|(_, words)| words.clone()))
        };
        view! {
            <label class="desk-field">
                <span>{label}</span>
                <input
                    class="field"
                    inputmode="decimal"
                    placeholder="no limit"
                    data-testid=testid
                    aria-invalid=move || wrong().is_some().to_string()
                    prop:value=value
                    on:input=move |event: ev::Event| value.set(event_target_value(&event))
                />
                <small data-tone=move || wrong().map(|_| "bad")>{move || wrong().unwrap_or_else(|| help.to_owned())}</small>
            </label>
        }
        .into_any()
    };
    view! {
        <form class="desk-form" aria-label="Limits" data-testid="limits-form" on:submit=submit>
            {(0..FIELDS.len()).map(field).collect_view()}
            <div class="desk-form__buttons">
                <button class="button button--main" data-testid="save-limits" aria-disabled=move || off.get().to_string() title=move || off.reason()>"Set the limits"</button>
                <button class="button" type="button" on:click=move |_| close.run(())>"Back"</button>
            </div>
        </form>
    }
}

/// Share from which a bar warns.
const WARN_FROM: f64 = 0.8;
