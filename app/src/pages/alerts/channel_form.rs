//! The form of a channel.

use std::sync::Arc;

use leptos::{ev, prelude::*};
use wire::message::JsonText;

use crate::{
    live::{commands::CommandState, use_live},
    pages::{
        alerts::{
            actions::send_text,
            channel_draft::{ChannelDraft, Takes, WAYS, WayField},
            controls::{ChoiceField, TextField, Tick, owned},
            rows::Rules,
        },
        desk::actions::CommandNote,
    },
};

/// The form.
#[component]
pub fn ChannelForm(
    /// Draft that the form starts with.
    first: ChannelDraft,
    /// The channel in the form; `None` closes it.
    editing: RwSignal<Option<ChannelDraft>>,
    /// Rules, channels and settings.
    rules: Memo<Option<Arc<Rules>>>,
) -> impl IntoView {
    let live = use_live();
    let is_new = first.of.is_none();
    let title = if is_new { "New channel" } else { "Change the channel" };
    let draft = RwSignal::new(first);
    let state = RwSignal::new(CommandState::default());
    let save = move |event: ev::SubmitEvent| {
        event.prevent_default();
        let known = rules.with_untracked(|rules| {
            let channels = rules.iter().flat_map(|rules| rules.channels.iter());
            channels.map(|channel| channel.channel_id.to_string()).collect::<Vec<_>>()
        });
        match draft.with_untracked(|draft| draft.command(&known)) {
            Ok(command) => send_text(live, JsonText::of(&command), state),
            Err(words) => state.set(CommandState::Refused(words)),
        }
    };
    Effect::new(move |_| {
        if state.get() == CommandState::Done {
            editing.set(None);
        }
    });
    let kind = Memo::new(move |_| draft.with(|draft| draft.kind.name));
    let found = move || WAYS.iter().find(|way| way.name == kind.get());
    let set_kind = move |name: String| {
        if let Some(way) = WAYS.iter().find(|way| way.name == name) {
            draft.update(|draft| *draft = ChannelDraft { name: draft.name.clone(), ..ChannelDraft::new(way) });
        }
    };
    let fields = move || {
        let fields = found().map(|way| way.fields.iter().enumerate());
        fields.into_iter().flatten().map(|(at, field)| view! { <WayControl at field draft/> }).collect_view()
    };
    view! {
        <form class="rule-form" aria-label=title data-testid="channel-form" on:submit=save>
            <h3 class="rule-form__title">{title}</h3>
            <div class="rule-form__row">
                <div hidden=!is_new>
                    <ChoiceField
                        label="Way"
                        testid="channel-kind"
                        choices=Signal::stored(owned(WAYS.iter().map(|way| (way.name, way.title))))
                        value=Signal::derive(move || kind.get().to_owned())
                        set=set_kind
                    />
                </div>
                <TextField
                    label="Name"
                    testid="channel-name"
                    value=Signal::derive(move || draft.with(|draft| draft.name.clone()))
                    set=move |text: String| draft.update(|draft| draft.name = text)
                />
                {fields}
                <Tick
                    label="May reach private networks and this machine"
                    testid="channel-private"
                    value=Signal::derive(move || draft.with(|draft| draft.allows_private))
                    set=move |is_on: bool| draft.update(|draft| draft.allows_private = is_on)
                />
            </div>
            <p class="condition__summary">{move || found().map(|way| way.summary)}</p>
            <div class="rule-form__row rule-form__buttons">
                <button class="button button--main" type="submit" data-testid="channel-save">"Save"</button>
                <button class="button" type="button" on:click=move |_| editing.set(None)>"Close"</button>
                <CommandNote state/>
            </div>
        </form>
    }
}

/// The control of one setting.
#[component]
fn WayControl(
    /// Its position.
    at: usize,
    /// The setting.
    field: &'static WayField,
    /// The channel.
    draft: RwSignal<ChannelDraft>,
) -> impl IntoView {
    let value = Memo::new(move |_| draft.with(|draft| draft.values.get(at).cloned().unwrap_or_default()));
    let put = move |text: String| {
        draft.update(|draft| {
            if let Some(value) = draft.values.get_mut(at) {
                *value = text;
            }
        });
    };
    let set = Callback::new(put);
    let (label, testid) = (field.title, format!("channel-{}", field.name));
    match field.takes {
        Takes::Choice(choices) => view! {
            <ChoiceField label testid choices=Signal::stored(owned(choices.iter().copied())) value set/>
        }
        .into_any(),
        Takes::Secret => {
            let is_set = draft.with_untracked(|draft| draft.is_set(field));
            let placeholder = if is_set { "set; type to replace it" } else { "not set" };
            // The signing key of a webhook may be anything: the page can make one.
            let can_make = field.name == "secret";
            let make = move |_| put(crate::live::platform::signing_key().unwrap_or_default());
            view! {
                <div class="channel-form__secret">
                    <TextField label testid value set placeholder kind="password" help=field.help/>
                    {can_make.then(|| view! {
                        <button class="button" type="button" title="Makes a key and shows it once: copy it to the receiver" on:click=make>"Make one"</button>
                        <code class="channel-form__made" hidden=move || value.with(String::is_empty)>{value}</code>
                    })}
                </div>
            }
            .into_any()
        }
        Takes::Text | Takes::Optional | Takes::List | Takes::Port => {
            view! { <TextField label testid value set placeholder=field.help/> }.into_any()
        }
    }
}
