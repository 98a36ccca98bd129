//! The form of an alert rule: conditions, how often it fires, and where its alerts go.

use std::sync::Arc;

use leptos::{ev, html, prelude::*};
use model::{
    alert::{
        channel::{ChannelId, summary::ChannelSummary},
        command::{AlertCommand, CheckAlert, CheckReport, RuleReply, SaveAlert},
        condition::kinds::Scope,
        notice::Severity,
        rule::{AlertRule, Join, MAX_CONDITIONS},
        template::{self, PLACEHOLDERS},
    },
    candle::Interval,
    instrument::InstrumentId,
};
use topics::{lane::Lane, topic::Topic};

use crate::{
    live::{Live, use_live},
    pages::alerts::{
        actions::{Answer, ask, fresh_id, server_now},
        condition_fields::ConditionFields,
        controls::{ChoiceField, TextField, Tick, owned},
        draft::{Draft, EXPIRIES, Expiry, FREQUENCIES},
        dry_run::DryRun,
        rows::Rules,
        words,
    },
};

/// The form.
#[component]
pub fn RuleForm(
    /// Draft that the form starts with.
    first: Draft,
    /// The rule in the form; `None` closes it.
    editing: RwSignal<Option<Draft>>,
    /// Messages shown once the rule is saved: its name, and warnings.
    said: RwSignal<Vec<String>>,
    /// Rules, channels and settings.
    rules: Memo<Option<Arc<Rules>>>,
) -> impl IntoView {
    let live = use_live();
    let title = if first.of.is_some() { "Change the alert" } else { "New alert" };
    let draft = RwSignal::new(first);
    let error = RwSignal::new(String::new());
    let saved = RwSignal::new(Answer::<RuleReply>::None);
    let tried = RwSignal::new(Answer::<CheckReport>::None);
    let read = move || -> Option<AlertRule> {
        let rule = draft.with_untracked(|draft| draft.rule(&fresh_id(), server_now(live)));
        error.set(rule.as_ref().err().cloned().unwrap_or_default());
        rule.ok()
    };
    let save = move |event: ev::SubmitEvent| {
        event.prevent_default();
        if let Some(rule) = read() {
            ask(live, AlertCommand::SaveAlert(Box::new(SaveAlert { rule })), saved);
        }
    };
    let check = move |_| {
        if let Some(rule) = read() {
            ask(live, AlertCommand::CheckAlert(Box::new(CheckAlert { rule, hours: 24 })), tried);
        }
    };
    Effect::new(move |_| match saved.get() {
        Answer::Reply(reply) => {
            let mut lines = vec![format!("Saved: {}.", reply.row.sentence)];
            lines.extend(reply.warnings.iter().map(|warning| format!("Note: {warning}.")));
            said.set(lines);
            editing.set(None);
        }
        Answer::Refused(_) => error.set(saved.with_untracked(Answer::refusal).unwrap_or_default()),
        Answer::None | Answer::Pending => {}
    });
    let form = NodeRef::<html::Form>::new();
    Effect::new(move |_| {
        if let Some(form) = form.get() {
            let _refused = form.focus();
        }
    });
    let last = use_last_price(live, draft);
    let keys = Memo::new(move |_| {
        draft.with(|draft| draft.conditions.iter().map(|condition| condition.key).collect::<Vec<_>>())
    });
    let is_checkable = Memo::new(move |_| {
        let is_of_bars = |own: &crate::pages::alerts::draft::ConditionDraft| {
            own.condition().as_ref().map_or(true, model::alert::condition::Condition::is_of_bars)
        };
        draft.with(|draft| draft.conditions.iter().all(is_of_bars))
    });
    let add = move |_| draft.update(Draft::add);
    view! {
        <form class="rule-form" aria-label=title data-testid="rule-form" tabindex="-1" node_ref=form on:submit=save>
            <h3 class="rule-form__title">{title}</h3>
            <div class="rule-form__row"><InstrumentField live draft/></div>
            <For each=move || keys.get() key=|key| *key let:key>
                <ConditionFields key draft rules last/>
            </For>
            <div class="rule-form__row">
                <button class="button" type="button" data-testid="condition-add" disabled=move || { keys.with(Vec::len) >= MAX_CONDITIONS } on:click=add>
                    "Add a condition"
                </button>
                <span hidden=move || { keys.with(Vec::len) < 2 }>
                    <ChoiceField
                        label="Fires when"
                        testid="rule-join"
                        choices=Signal::stored(owned([("all", "all conditions are met"), ("any", "one condition is met")]))
                        value=Signal::derive(move || draft.with(|draft| if draft.join == Join::Any { "any" } else { "all" }.to_owned()))
                        set=move |join: String| draft.update(|draft| draft.join = if join == "any" { Join::Any } else { Join::All })
                    />
                </span>
            </div>
            <FrequencyFields draft/>
            <DeliveryFields draft rules/>
            <MessageField draft/>
            <div class="rule-form__row rule-form__buttons">
                <button class="button button--main" type="submit" data-testid="rule-save" disabled=move || saved.with(Answer::is_pending)>"Save"</button>
                <button
                    class="button"
                    type="button"
                    data-testid="rule-check"
                    disabled=move || !is_checkable.get() || tried.with(Answer::is_pending)
                    title=move || (!is_checkable.get()).then_some("Only conditions on prices and indicators can be tried on history")
                    on:click=check
                >
                    "Try on the last 24 hours"
                </button>
                <button class="button" type="button" data-testid="rule-close" on:click=move |_| editing.set(None)>"Close"</button>
                <p class="command-note" data-tone="bad" role="alert" data-testid="rule-error" hidden=move || error.with(String::is_empty)>{error}</p>
            </div>
            <DryRun answer=tried/>
        </form>
    }
}

/// The last price of the form's instrument, as a field takes it.
fn use_last_price(live: Live, draft: RwSignal<Draft>) -> Memo<Option<String>> {
    let id = Memo::new(move |_| draft.with(|draft| draft.instrument.clone()));
    live.use_topics(Signal::derive(move || id.get().iter().map(Topic::quote).collect()), Signal::stored(Lane::Slow));
    Memo::new(move |_| {
        live.slow_tick().track();
        let id = id.get()?;
        live.with_model(|model| model.quote(&id)?.last).flatten().map(|price| price.to_string())
    })
}

#[component]
fn InstrumentField(
    /// The live data.
    live: Live,
    /// The rule.
    draft: RwSignal<Draft>,
) -> impl IntoView {
    let scope = Memo::new(move |_| draft.with(Draft::scope));
    let choices = move || {
        let first = if scope.get() == Scope::Instrument { "choose one" } else { "all" };
        let mut choices = vec![(String::new(), first.to_owned())];
        let name = |one: &Arc<model::instrument::Instrument>| {
            (one.id.to_string(), format!("{} · {}", crate::selection::pair(one), one.id))
        };
        live.instruments().with(|list| choices.extend(list.known.iter().map(name)));
        // One that the server does not follow now.
        let own = draft.with(|draft| draft.instrument.as_ref().map(ToString::to_string));
        if let Some(own) = own.filter(|own| choices.iter().all(|(id, _)| id != own)) {
            choices.push((own.clone(), own));
        }
        choices
    };
    view! {
        <div class="rule-form__wide" hidden=move || scope.get() == Scope::None>
            <ChoiceField
                label="Instrument"
                testid="rule-instrument"
                choices=Signal::derive(choices)
                value=Signal::derive(move || draft.with(|draft| draft.instrument.as_ref().map(ToString::to_string).unwrap_or_default()))
                set=move |id: String| draft.update(|draft| draft.instrument = InstrumentId::parse(&id).ok())
            />
        </div>
    }
}

/// A rule's frequency, the time for which it has to hold, and its expiry.
#[component]
fn FrequencyFields(
    /// The rule.
    draft: RwSignal<Draft>,
) -> impl IntoView {
    let frequency = Memo::new(move |_| draft.with(|draft| draft.frequency));
    let has_bars = move || matches!(frequency.get(), "once_per_bar" | "once_per_bar_close");
    let intervals = Interval::ALL.map(|interval| (interval.as_str(), interval.as_str()));
    let set_frequency = move |word: String| {
        if let Some((name, _)) = FREQUENCIES.iter().find(|(name, _)| *name == word) {
            draft.update(|draft| draft.frequency = name);
        }
    };
    let expiries = move || {
        let mut choices = owned([("never", "never")]);
        choices.extend(EXPIRIES.iter().map(|(hours, words)| (hours.to_string(), (*words).to_owned())));
        if let Expiry::At(time) = draft.with(|draft| draft.expiry) {
            choices.push(("at".to_owned(), crate::pages::recordings::state::moment(time.as_millis())));
        }
        choices
    };
    let expiry = move || match draft.with(|draft| draft.expiry) {
        Expiry::Never => "never".to_owned(),
        Expiry::Hours(hours) => hours.to_string(),
        Expiry::At(_) => "at".to_owned(),
    };
    let set_expiry = move |word: String| {
        draft.update(|draft| match word.parse() {
            Ok(hours) => draft.expiry = Expiry::Hours(hours),
            Err(_) if word == "never" => draft.expiry = Expiry::Never,
            Err(_) => {}
        });
    };
    view! {
        <div class="rule-form__row">
            <ChoiceField
                label="Fires"
                testid="rule-frequency"
                choices=Signal::stored(owned(FREQUENCIES.iter().copied()))
                value=Signal::derive(move || frequency.get().to_owned())
                set=set_frequency
            />
            <span hidden=move || !has_bars()>
                <ChoiceField
                    label="Bars"
                    testid="rule-bars"
                    choices=Signal::stored(owned(intervals))
                    value=Signal::derive(move || draft.with(|draft| draft.interval.to_string()))
                    set=move |text: String| draft.update(|draft| draft.interval = text.parse().unwrap_or(draft.interval))
                />
            </span>
            <span hidden=move || frequency.get() != "every">
                <TextField
                    label="Not again within, s"
                    testid="rule-cool-down"
                    value=Signal::derive(move || draft.with(|draft| draft.cool_down.clone()))
                    set=move |text: String| draft.update(|draft| draft.cool_down = text)
                />
            </span>
            <TextField
                label="Has to hold for, s"
                testid="rule-pending"
                value=Signal::derive(move || draft.with(|draft| draft.pending_for.clone()))
                set=move |text: String| draft.update(|draft| draft.pending_for = text)
            />
            <ChoiceField
                label="Ends"
                testid="rule-expiry"
                choices=Signal::derive(expiries)
                value=Signal::derive(expiry)
                set=set_expiry
            />
        </div>
    }
}

/// Severity and channels of its alerts.
#[component]
fn DeliveryFields(
    /// The rule.
    draft: RwSignal<Draft>,
    /// Rules, channels and settings.
    rules: Memo<Option<Arc<Rules>>>,
) -> impl IntoView {
    let severities = [Severity::Info, Severity::Warning, Severity::Critical];
    let choices = severities.map(|severity| (words::severity(severity), words::severity(severity)));
    let set_severity = move |word: String| {
        if let Some(severity) = severities.into_iter().find(|severity| words::severity(*severity) == word) {
            draft.update(|draft| draft.severity = severity);
        }
    };
    let channels = Memo::new(move |_| {
        let rules = rules.get();
        let name = |channel: &ChannelSummary| (channel.channel_id.clone(), channel.name.to_string());
        rules.iter().flat_map(|rules| rules.channels.iter().map(name)).collect::<Vec<_>>()
    });
    let channel = move |(id, name): (ChannelId, String)| {
        let own = id.clone();
        let set = move |is_on: bool| {
            draft.update(|draft| {
                draft.channels.retain(|known| *known != id);
                if is_on {
                    draft.channels.push(id.clone());
                }
            });
        };
        let testid = format!("rule-channel-{own}");
        view! { <Tick label=name testid value=Signal::derive(move || draft.with(|draft| draft.channels.contains(&own))) set/> }
    };
    view! {
        <div class="rule-form__row">
            <ChoiceField
                label="Severity"
                testid="rule-severity"
                choices=Signal::stored(owned(choices))
                value=Signal::derive(move || words::severity(draft.with(|draft| draft.severity)).to_owned())
                set=set_severity
            />
            <fieldset class="rule-form__ticks">
                <legend>"Tells"</legend>
                <Tick
                    label="Sound"
                    testid="rule-sound"
                    value=Signal::derive(move || draft.with(|draft| draft.has_sound))
                    set=move |is_on: bool| draft.update(|draft| draft.has_sound = is_on)
                />
                {move || channels.get().into_iter().map(channel).collect_view()}
                <Tick
                    label="Also in quiet hours"
                    testid="rule-quiet"
                    value=Signal::derive(move || draft.with(|draft| draft.ignores_quiet_hours))
                    set=move |is_on: bool| draft.update(|draft| draft.ignores_quiet_hours = is_on)
                />
            </fieldset>
        </div>
    }
}

/// Its name, and the text of its alerts with their placeholders.
#[component]
fn MessageField(
    /// The rule.
    draft: RwSignal<Draft>,
) -> impl IntoView {
    let name = Memo::new(move |_| draft.with(|draft| draft.name.clone()));
    let default_name = Memo::new(move |_| draft.with(Draft::default_name));
    let message = Memo::new(move |_| draft.with(|draft| draft.message.clone()));
    let error =
        Memo::new(move |_| message.with(|message| template::check(message).err().map(|error| error.to_string())));
    let placeholder = move |(word, words): &'static (&'static str, &'static str)| {
        view! {
            <button
                class="button"
                type="button"
                title=*words
                on:click=move |_| draft.update(|draft| draft.message.push_str(&format!("{{{word}}}")))
            >
                {format!("{{{word}}}")}
            </button>
        }
    };
    view! {
        <div class="rule-form__row">
            <label class="desk-field rule-form__wide">
                <span>"Name"</span>
                <input
                    class="field"
                    data-testid="rule-name"
                    autocomplete="off"
                    placeholder=default_name
                    prop:value=name
                    on:input=move |event: ev::Event| draft.update(|draft| draft.name = event_target_value(&event))
                />
            </label>
            <label class="desk-field rule-form__wide">
                <span>"Message"</span>
                <input
                    class="field"
                    data-testid="rule-message"
                    autocomplete="off"
                    placeholder="the rule in words"
                    aria-invalid=move || error.with(Option::is_some).to_string()
                    prop:value=message
                    on:input=move |event: ev::Event| draft.update(|draft| draft.message = event_target_value(&event))
                />
                <small data-tone="bad" hidden=move || error.with(Option::is_none)>{error}</small>
            </label>
            <details class="rule-form__placeholders">
                <summary>"Placeholders of the message"</summary>
                <div>{PLACEHOLDERS.iter().map(placeholder).collect_view()}</div>
            </details>
        </div>
    }
}
