//! Commands of the desk's pages: sent as text, confirmed where they cannot be undone, refused beside their control.

use std::time::Duration;

use leptos::{ev, html, prelude::*};
use model::trading::command::DeskCommand;

use crate::{
    live::{Live, commands::CommandState},
    pages::desk::orders_off::{OrdersOff, are_orders_off},
};

/// Sends a command of the desk; `state` receives its state. Does nothing while orders are off: the control that gave it
/// says why. Browser only.
pub fn send(live: Live, command: &DeskCommand, state: RwSignal<CommandState>) {
    if are_orders_off(live) {
        return;
    }
    state.set(CommandState::Pending);
    #[cfg(feature = "browser")]
    let command = command.clone();
    #[cfg(feature = "browser")]
    leptos::task::spawn_local(async move {
        let outcome = live.send_desk(command).await;
        // The page that gave it may be gone.
        let _gone = state.try_set(match outcome {
            Ok(_) => CommandState::Done,
            Err(words) => CommandState::Refused(words),
        });
    });
    #[cfg(not(feature = "browser"))]
    let _ = (live, command);
}

/// Splits `code: sentence` of a refusal; without a code all of it is the sentence.
pub fn code_and_sentence(words: &str) -> (&str, &str) {
    let is_code = |code: &str| !code.is_empty() && code.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    words.split_once(": ").filter(|(code, _)| is_code(code)).unwrap_or(("", words))
}

/// The state of a command in words, beside its control. Shows nothing while there is nothing to say.
#[component]
pub fn CommandNote(
    /// The command's state.
    state: RwSignal<CommandState>,
    /// The sentence shown once it was carried out.
    #[prop(optional)]
    done: &'static str,
) -> impl IntoView {
    let words = Memo::new(move |_| match state.get() {
        CommandState::Idle => (String::new(), ""),
        CommandState::Pending => ("Sending…".to_owned(), "wait"),
        CommandState::Done => (done.to_owned(), "ok"),
        CommandState::Refused(words) => {
            let (code, sentence) = code_and_sentence(&words);
            let code = if code.is_empty() { String::new() } else { format!(" ({code})") };
            (format!("Refused: {sentence}{code}"), "bad")
        }
    });
    view! {
        <p
            class="command-note"
            role="status"
            data-testid="command-note"
            data-tone=move || words.with(|words| words.1)
            hidden=move || words.with(|words| words.0.is_empty())
        >
            {move || words.with(|words| words.0.clone())}
        </p>
    }
}

/// A button that acts on its second press, after a question that names what it acts on.
#[component]
pub fn ConfirmButton(
    /// Its text.
    label: &'static str,
    /// Names what it acts on.
    #[prop(into)]
    question: Signal<String>,
    /// Acts.
    #[prop(into)]
    confirm: Callback<()>,
    /// The test id; that of the second button ends in `-confirm`.
    testid: &'static str,
    /// Disables it while orders are off; for commands of the desk.
    #[prop(optional)]
    orders: Option<OrdersOff>,
) -> impl IntoView {
    let is_off = move || orders.is_some_and(OrdersOff::get_untracked);
    let disabled = move || orders.map(|orders| orders.get().to_string());
    let reason = move || orders.and_then(OrdersOff::reason);
    let is_asked = RwSignal::new(false);
    let (first, second) = (NodeRef::<html::Button>::new(), NodeRef::<html::Button>::new());
    // After the buttons have changed places.
    let focus = |button: NodeRef<html::Button>| {
        let focus = move || {
            if let Some(button) = button.try_get_untracked().flatten() {
                let _refused = button.focus();
            }
        };
        set_timeout(focus, Duration::ZERO);
    };
    let ask = move |_| {
        if is_off() {
            return;
        }
        is_asked.set(true);
        focus(second);
    };
    let back = move || {
        is_asked.set(false);
        focus(first);
    };
    let on_key = move |event: ev::KeyboardEvent| {
        if event.key() == "Escape" {
            event.stop_propagation();
            back();
        }
    };
    view! {
        <span class="confirm">
            <button
                class="button"
                type="button"
                node_ref=first
                data-testid=testid
                aria-disabled=disabled
                title=reason
                hidden=move || is_asked.get()
                on:click=ask
            >
                {label}
            </button>
            <span class="confirm__question" role="group" hidden=move || !is_asked.get() on:keydown=on_key>
                <span>{question}</span>
                <button
                    class="button button--main"
                    type="button"
                    node_ref=second
                    data-testid=format!("{testid}-confirm")
                    aria-disabled=disabled
                    title=reason
                    on:click=move |_| {
                        if !is_off() {
                            is_asked.set(false);
                            confirm.run(());
                        }
                    }
                >
                    {label}
                </button>
                <button class="button" type="button" on:click=move |_| back()>"Back"</button>
            </span>
        </span>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_has_a_code_and_a_sentence() {
        for (words, expected) in [
            ("max_order_value: too large: 5 USD", ("max_order_value", "too large: 5 USD")),
            ("no connection to the server; try again", ("", "no connection to the server; try again")),
            ("The server: gone", ("", "The server: gone")),
        ] {
            assert_eq!(code_and_sentence(words), expected);
        }
    }
}
