//! The browsers of a push channel: this one is added or removed here.

use leptos::prelude::*;
use model::alert::channel::{ChannelRow, Subscription};
use serde_json::json;
use wire::message::JsonText;

use crate::{
    live::{Live, browser, commands::CommandState, platform, use_live},
    pages::alerts::{
        actions::send_text,
        channel_draft::{browsers, changed},
    },
};

/// The browsers of a channel.
#[component]
pub fn Browsers(
    /// The channel.
    row: Memo<Option<ChannelRow>>,
    /// The state of the last command of the channel.
    state: RwSignal<CommandState>,
) -> impl IntoView {
    let live = use_live();
    let obstacle = RwSignal::new(None::<&'static str>);
    let own = RwSignal::new(None::<String>);
    Effect::new(move |_| {
        obstacle.set(platform::push_obstacle());
        own.set(browser::stored(OWN));
    });
    let known = Memo::new(move |_| {
        row.with(|row| row.as_ref().and_then(|row| browsers(&row.channel)).map(<[_]>::to_vec).unwrap_or_default())
    });
    let is_subscribed = move || own.with(|own| known.with(|known| known.iter().any(|one| is_own(one, own.as_deref()))));
    let remove = move |id: String| {
        if let Some(row) = row.get_untracked() {
            let command = changed(&row.channel, |channel| {
                if let Some(list) = channel.pointer_mut(SUBSCRIPTIONS).and_then(|list| list.as_array_mut()) {
                    list.retain(|one| one["subscription_id"] != json!(id));
                }
            });
            send_text(live, JsonText::of(&command), state);
        }
    };
    let line = move |one: Subscription| {
        let is_this = own.with_untracked(|own| is_own(&one, own.as_deref()));
        let id = one.subscription_id.to_string();
        view! {
            <li>
                <span>{one.label.to_string()}{is_this.then_some(" (this browser)")}</span>
                <button class="button" on:click=move |_| remove(id.clone())>"Remove"</button>
            </li>
        }
    };
    view! {
        <ul class="alert-item__deliveries">{move || known.get().into_iter().map(line).collect_view()}</ul>
        <p class="alert-item__facts" data-testid="push-obstacle" hidden=move || obstacle.with(Option::is_none)>
            "This browser cannot be added: "
            {obstacle}
            "."
        </p>
        <button
            class="button"
            data-testid="push-add"
            hidden=move || is_subscribed() || obstacle.with(Option::is_some)
            on:click=move |_| add(live, row, own, state)
        >
            "Add this browser"
        </button>
    }
}

fn is_own(one: &Subscription, own: Option<&str>) -> bool {
    own.is_some_and(|own| one.subscription_id.as_str() == own)
}

/// Subscribes this browser and adds it to the channel.
#[cfg(feature = "browser")]
fn add(live: Live, row: Memo<Option<ChannelRow>>, own: RwSignal<Option<String>>, state: RwSignal<CommandState>) {
    use crate::live::rest;

    #[derive(serde::Deserialize)]
    struct PushKey {
        key: String,
    }

    state.set(CommandState::Pending);
    leptos::task::spawn_local(async move {
        let subscribed = match rest::get::<PushKey>("api/v1/push_key").await {
            Ok(PushKey { key }) => platform::subscribe(&key).await,
            Err(words) => Err(words),
        };
        let command = subscribed.and_then(|subscription| {
            let id = browser::fresh_name("b");
            let row = row.try_get_untracked().flatten().ok_or("The channel is gone.")?;
            let command = changed(&row.channel, |channel| {
                if let Some(list) = channel.pointer_mut(SUBSCRIPTIONS).and_then(|list| list.as_array_mut()) {
                    list.push(json!({"subscription_id": id, "label": platform::browser_label(),
                                     "endpoint": subscription.endpoint, "p256dh": subscription.p256dh,
                                     "auth": subscription.auth}));
                }
            });
            Ok((id, command))
        });
        match command {
            Ok((id, command)) => {
                browser::store(OWN, &id);
                let _gone = own.try_set(Some(id));
                send_text(live, JsonText::of(&command), state);
            }
            // The page that gave it may be gone.
            Err(words) => drop(state.try_set(CommandState::Refused(words))),
        }
    });
}

#[cfg(not(feature = "browser"))]
fn add(_: Live, _: Memo<Option<ChannelRow>>, _: RwSignal<Option<String>>, _: RwSignal<CommandState>) {}

/// JSON pointer to the browsers of a channel.
const SUBSCRIPTIONS: &str = "/kind/push/subscriptions";

/// The key of this browser's identity in its storage.
const OWN: &str = "truetape.push";
