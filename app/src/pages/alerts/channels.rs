//! The channels that alerts go to while no page is open: verified, tested, paused, changed.
//!
//! Everybody sees their summaries; whoever may change them has their settings, and buttons.

use std::sync::Arc;

use leptos::prelude::*;
use model::alert::{
    channel::{ChannelRow, ChannelTest, summary::ChannelSummary},
    command::{AlertCommand, OneChannel},
};
use serde_json::json;
use wire::message::JsonText;

use crate::{
    live::{commands::CommandState, use_live},
    pages::{
        alerts::{
            actions::{Answer, ask, send, send_text},
            channel_draft::{ChannelDraft, WAYS, browsers, changed},
            channel_form::ChannelForm,
            push::Browsers,
            rows::Rules,
            use_channels,
        },
        desk::actions::{CommandNote, ConfirmButton},
        recordings::state::moment,
    },
};

/// All channels, and the form of a new or changed one.
#[component]
pub fn ChannelsPanel(
    /// Rules, channels and settings.
    rules: Memo<Option<Arc<Rules>>>,
) -> impl IntoView {
    let editing = RwSignal::new(None::<ChannelDraft>);
    let settings = use_channels();
    let ids = Memo::new(move |_| {
        let rules = rules.get();
        let id = |channel: &ChannelSummary| channel.channel_id.clone();
        rules.iter().flat_map(|rules| rules.channels.iter().map(id)).collect::<Vec<_>>()
    });
    let is_empty = move || rules.with(|rules| rules.as_ref().is_some_and(|rules| rules.channels.is_empty()));
    view! {
        <section class="panel" aria-label="Channels">
            <div class="panel__head">
                <h2 class="panel__title">"Channels"</h2>
                <span class="panel__controls" hidden=move || editing.with(Option::is_some) || settings.with(Option::is_none)>
                    <button
                        class="button button--main"
                        data-testid="new-channel"
                        on:click=move |_| editing.set(Some(ChannelDraft::default()))
                    >
                        "New channel"
                    </button>
                </span>
            </div>
            {move || editing.get().map(|first| view! { <ChannelForm first editing rules/> })}
            <p class="desk-note" role="status" hidden=move || !is_empty()>
                "No channels yet. Alerts are shown on this page; a channel sends them to a webhook, Telegram, mail or a browser as well."
            </p>
            <ul class="alert-list" aria-label="Channels">
                <For each=move || ids.get() key=Clone::clone let:id>
                    {
                        let own = id.clone();
                        let summary = Memo::new(move |_| {
                            rules.with(|rules| rules.as_ref()?.channels.iter().find(|channel| channel.channel_id == own).cloned())
                        });
                        let row = Memo::new(move |_| {
                            settings.with(|rows| rows.as_ref()?.iter().find(|row| row.channel.channel_id == id).cloned())
                        });
                        view! { <ChannelLine summary row editing/> }
                    }
                </For>
            </ul>
        </section>
    }
}

#[component]
fn ChannelLine(
    /// The channel; `None` while it is being removed.
    summary: Memo<Option<ChannelSummary>>,
    /// The channel with its settings; `None` for readers who may not change it.
    row: Memo<Option<ChannelRow>>,
    /// The channel in the form.
    editing: RwSignal<Option<ChannelDraft>>,
) -> impl IntoView {
    let live = use_live();
    let state = RwSignal::new(CommandState::default());
    let tested = RwSignal::new(Answer::<ChannelTest>::None);
    let of = move |read: &dyn Fn(&ChannelSummary) -> String| {
        summary.with(|summary| summary.as_ref().map(read).unwrap_or_default())
    };
    let id = move || summary.with_untracked(|summary| summary.as_ref().map(|summary| summary.channel_id.clone()));
    let test = move |_| {
        if let Some(channel_id) = id() {
            ask(live, AlertCommand::TestChannel(OneChannel { channel_id }), tested);
        }
    };
    let is_paused =
        Memo::new(move |_| summary.with(|summary| summary.as_ref().is_some_and(|summary| summary.is_paused)));
    let pause = move |_| {
        if let Some(row) = row.get_untracked() {
            let command = changed(&row.channel, |channel| channel["is_paused"] = json!(!row.channel.is_paused));
            send_text(live, JsonText::of(&command), state);
        }
    };
    let delete = move |()| {
        if let Some(channel_id) = id() {
            send(live, AlertCommand::DeleteChannel(OneChannel { channel_id }), state);
        }
    };
    let edit = move |_| editing.set(row.with_untracked(|row| row.as_ref().map(|row| ChannelDraft::of(&row.channel))));
    let is_push = Memo::new(move |_| row.with(|row| row.as_ref().is_some_and(|row| browsers(&row.channel).is_some())));
    view! {
        <li class="alert-item" data-testid="channel" data-id=move || of(&|summary| summary.channel_id.to_string())>
            <div class="alert-item__main">
                <p class="alert-item__title">
                    <strong>{move || of(&|summary| summary.name.to_string())}</strong>
                    " "
                    <span class="tag">{move || of(&|summary| title(&summary.kind).to_owned())}</span>
                    " "
                    <span class="tag" hidden=move || !is_paused.get()>"paused"</span>
                </p>
                <p class="alert-item__facts">
                    <span class="alert-item__dot" data-tone=move || of(&|summary| standing(summary).1.to_owned())></span>
                    <span data-testid="channel-standing">{move || of(&|summary| standing(summary).0)}</span>
                    " · "
                    <span data-testid="channel-target">{move || of(&|summary| summary.target.clone())}</span>
                </p>
                <p
                    role="status"
                    class="command-note"
                    data-testid="channel-test-words"
                    data-tone=move || tested.with(|answer| test_words(answer).1)
                    hidden=move || tested.with(|answer| *answer == Answer::None)
                >
                    {move || tested.with(|answer| test_words(answer).0)}
                </p>
                {move || is_push.get().then(|| view! { <Browsers row state/> })}
            </div>
            <div class="alert-item__actions" hidden=move || row.with(Option::is_none)>
                <button class="button" data-testid="channel-test" disabled=move || tested.with(Answer::is_pending) on:click=test>"Test"</button>
                <button class="button" data-testid="channel-pause" on:click=pause>{move || if is_paused.get() { "Resume" } else { "Pause" }}</button>
                <button class="button" data-testid="channel-edit" on:click=edit>"Edit"</button>
                <ConfirmButton
                    label="Delete"
                    question=Signal::derive(move || format!("Delete {}?", of(&|summary| summary.name.to_string())))
                    confirm=delete
                    testid="channel-delete"
                />
            </div>
            <CommandNote state/>
        </li>
    }
}

/// Returns a way of delivery for people; the word of one that only a newer server knows.
fn title(kind: &str) -> &str {
    WAYS.iter().find(|way| way.name == kind).map_or(kind, |way| way.title)
}

/// Returns whether a channel works, in words, and its tone.
fn standing(summary: &ChannelSummary) -> (String, &'static str) {
    match (&summary.state.disabled, summary.state.verified_time) {
        (Some(reason), _) => (format!("nothing is sent any more: {reason}; a test that succeeds ends this"), "bad"),
        (None, Some(time)) => (format!("verified {}", moment(time.as_millis())), "ok"),
        (None, None) => ("not verified yet; press Test".to_owned(), "warn"),
    }
}

/// Returns what the other server said to a test, and its tone.
fn test_words(answer: &Answer<ChannelTest>) -> (String, &'static str) {
    match answer {
        Answer::None => (String::new(), ""),
        Answer::Pending => ("Sending a test…".to_owned(), "wait"),
        Answer::Reply(test) => {
            let status = test.status.map(|status| format!(" {status}")).unwrap_or_default();
            match test.is_delivered {
                true => (format!("Delivered:{status} {}", test.text), "ok"),
                false => (format!("Not delivered:{status} {}", test.text), "bad"),
            }
        }
        Answer::Refused(_) => (answer.refusal().unwrap_or_default(), "bad"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_says_what_the_other_server_said() {
        let of = |is_delivered, status, text: &str| {
            test_words(&Answer::Reply(ChannelTest { is_delivered, status, text: text.to_owned() }))
        };
        assert_eq!(of(true, Some(204), "No Content"), ("Delivered: 204 No Content".to_owned(), "ok"));
        assert_eq!(of(false, None, "connection refused"), ("Not delivered: connection refused".to_owned(), "bad"));
    }
}
