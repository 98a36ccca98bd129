//! The dialog of critical alerts: it interrupts, and closes once they are acknowledged, here or in another tab.

use std::sync::Arc;

use leptos::{ev, html, prelude::*};
use model::alert::{
    command::{AcknowledgeAlerts, AlertCommand},
    notice::{Notice, Severity},
    rule::AlertRow,
};

use crate::{
    live::{commands::CommandState, use_live},
    pages::{
        alerts::{actions::send, words},
        desk::actions::CommandNote,
        recordings::state::moment,
    },
};

/// The dialog.
#[component]
pub fn CriticalDialog(
    /// The alerts, newest first.
    alerts: Memo<Arc<Vec<AlertRow>>>,
) -> impl IntoView {
    let live = use_live();
    let dialog = NodeRef::<html::Dialog>::new();
    let state = RwSignal::new(CommandState::default());
    // Acknowledged here; the server's word is on its way.
    let given = RwSignal::new(Vec::<u64>::new());
    let open = Memo::new(move |_| {
        let notices = alerts.with(|alerts| critical(alerts));
        given.with(|given| notices.into_iter().filter(|one| !given.contains(&one.notice_id)).collect::<Vec<_>>())
    });
    Effect::new(move |_| {
        let is_wanted = open.with(|open| !open.is_empty());
        let Some(dialog) = dialog.get() else { return };
        if is_wanted && !dialog.open() {
            let _refused = dialog.show_modal();
        } else if !is_wanted && dialog.open() {
            dialog.close();
        }
    });
    // A refusal brings them back, with its reason.
    Effect::new(move |_| {
        if matches!(state.get(), CommandState::Refused(_)) {
            given.set(Vec::new());
        }
    });
    let acknowledge = move || {
        let ids = open.with_untracked(|open| open.iter().map(|notice| notice.notice_id).take(1).collect::<Vec<_>>());
        given.update(|given| given.extend_from_slice(&ids));
        send(live, AlertCommand::AcknowledgeAlerts(AcknowledgeAlerts { notice_ids: ids, up_to: None }), state);
    };
    let on_cancel = move |event: ev::Event| {
        // The dialog closes itself once nothing is left.
        event.prevent_default();
        acknowledge();
    };
    // Browsers let a second Escape pass by a refused one: this takes all of them.
    let on_key = move |event: ev::KeyboardEvent| {
        if event.key() == "Escape" {
            event.prevent_default();
            acknowledge();
        }
    };
    let part = move |read: fn(&Notice) -> String| move || open.with(|open| open.first().map(read).unwrap_or_default());
    let n_open = Memo::new(move |_| open.with(Vec::len));
    view! {
        <dialog
            class="critical"
            role="alertdialog"
            aria-labelledby="critical-title"
            aria-describedby="critical-text"
            data-testid="critical"
            node_ref=dialog
            on:cancel=on_cancel
            on:keydown=on_key
        >
            <div role="alert" aria-live="assertive">
                <p class="critical__head">
                    <span class="tag" data-tone="bad">"Critical"</span>
                    <span hidden=move || { n_open.get() < 2 }>{move || format!("1 of {}", n_open.get())}</span>
                </p>
                <h2 class="critical__title" id="critical-title">{part(|notice| notice.title.clone())}</h2>
                <p class="critical__text" id="critical-text">{part(|notice| notice.text.clone())}</p>
                <p class="alert-item__facts">
                    {part(|notice| format!("{} UTC · {}", moment(notice.fired_time.as_millis()), words::facts(notice)))}
                </p>
            </div>
            <CommandNote state/>
            <button class="button button--main" data-testid="critical-acknowledge" autofocus=true on:click=move |_| acknowledge()>
                "Acknowledge"
            </button>
        </dialog>
    }
}

/// Returns the critical alerts that nobody has acknowledged, oldest first.
fn critical(alerts: &[AlertRow]) -> Vec<Notice> {
    let is_open = |row: &&AlertRow| row.acknowledged_time.is_none() && row.notice.severity == Severity::Critical;
    alerts.iter().rev().filter(is_open).map(|row| row.notice.clone()).collect()
}

#[cfg(test)]
mod tests {
    use crate::pages::alerts::rows::tests::alert;

    use super::*;

    #[test]
    fn the_oldest_open_one_comes_first() {
        let rows = [alert(4, "critical"), alert(3, "info"), alert(2, "critical"), alert(1, "critical")];
        let mut rows: Vec<AlertRow> = rows.into_iter().map(|row| serde_json::from_value(row).unwrap()).collect();
        rows[3].acknowledged_time = Some(model::time::Timestamp::from_millis(1));
        assert_eq!(critical(&rows).iter().map(|notice| notice.notice_id).collect::<Vec<_>>(), [2, 4]);
    }
}
