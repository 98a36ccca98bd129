//! The newest alerts: acknowledged by a person, delivered by the server.

use std::sync::Arc;

use leptos::prelude::*;
use model::alert::{
    command::{AcknowledgeAlerts, AlertCommand, ResendDelivery},
    delivery::{Delivery, DeliveryState},
    notice::Notice,
    rule::AlertRow,
};
use topics::topic::Topic;

use crate::{
    cadence::Cadence,
    fragment::Fragment,
    live::{commands::CommandState, model::LiveModel, use_live},
    pages::{
        alerts::{
            actions::send,
            rows::{self, Rules},
            words,
        },
        desk::actions::CommandNote,
        recordings::state::moment,
    },
    route::link,
    selection::{LIVE, address},
};

/// The newest alerts.
#[component]
pub fn AlertsPanel(
    /// Rules, channels and settings.
    rules: Memo<Option<Arc<Rules>>>,
) -> impl IntoView {
    let live = use_live();
    let state = RwSignal::new(CommandState::default());
    // The newest alert, and how many nobody has acknowledged.
    let open = RwSignal::new((None::<u64>, 0_usize));
    let source = |model: &LiveModel| Ok(rows::alerts(model)?.map(Arc::new));
    let acknowledge_all = move |_| {
        let up_to = open.get_untracked().0;
        send(live, AlertCommand::AcknowledgeAlerts(AcknowledgeAlerts { notice_ids: Vec::new(), up_to }), state);
    };
    view! {
        <section class="panel" aria-label="Alerts">
            <div class="panel__head">
                <h2 class="panel__title">"Alerts"</h2>
                <CommandNote state/>
                <span class="panel__controls" hidden=move || open.get().1 == 0>
                    <button class="button" data-testid="acknowledge-all" on:click=acknowledge_all>
                        {move || format!("Acknowledge all ({})", open.get().1)}
                    </button>
                </span>
            </div>
            <Fragment name="alerts-list" cadence=Cadence::Status topics=Signal::stored(vec![Topic::ALERTS]) source let:shown>
                <AlertLines rows=shown open rules/>
            </Fragment>
        </section>
    }
}

#[component]
fn AlertLines(
    /// The alerts, newest first; `None` until they have arrived.
    rows: Signal<Option<Arc<Vec<AlertRow>>>>,
    /// The newest alert, and how many nobody has acknowledged.
    open: RwSignal<(Option<u64>, usize)>,
    /// Rules, channels and settings.
    rules: Memo<Option<Arc<Rules>>>,
) -> impl IntoView {
    Effect::new(move |_| {
        let next = rows.with(|rows| {
            let rows = rows.iter().flat_map(|rows| rows.iter());
            let n_open = rows.clone().filter(|row| row.acknowledged_time.is_none()).count();
            (rows.map(|row| row.notice.notice_id).next(), n_open)
        });
        open.set(next);
    });
    let n_wanted = RwSignal::new(FIRST_SHOWN);
    let ids = Memo::new(move |_| {
        let id = |row: &AlertRow| row.notice.notice_id;
        rows.with(|rows| rows.iter().flat_map(|rows| rows.iter().map(id)).take(n_wanted.get()).collect::<Vec<_>>())
    });
    let n_hidden =
        Memo::new(move |_| rows.with(|rows| rows.as_ref().map_or(0, |rows| rows.len())).saturating_sub(n_wanted.get()));
    view! {
        <p class="desk-note" role="status" data-testid="no-alerts" hidden=move || rows.with(|rows| rows.as_ref().is_none_or(|rows| !rows.is_empty()))>
            "Nothing has fired yet. What fires appears here, on every page as a toast, and on the rule's channels."
        </p>
        <ul class="alert-list" aria-label="Alerts, newest first">
            <For each=move || ids.get() key=|id| *id let:id>
                {
                    let row = Memo::new(move |_| {
                        rows.with(|rows| rows.as_ref()?.iter().find(|row| row.notice.notice_id == id).cloned())
                    });
                    view! { <AlertLine row rules/> }
                }
            </For>
        </ul>
        <button
            class="button alert-list__more"
            hidden=move || n_hidden.get() == 0
            on:click=move |_| n_wanted.update(|n_wanted| *n_wanted += FIRST_SHOWN)
        >
            {move || format!("Show older ({})", n_hidden.get())}
        </button>
    }
}

#[component]
fn AlertLine(
    /// The alert; `None` while it is being removed.
    row: Memo<Option<AlertRow>>,
    /// Rules, channels and settings.
    rules: Memo<Option<Arc<Rules>>>,
) -> impl IntoView {
    let state = RwSignal::new(CommandState::default());
    // An alert itself never changes.
    let notice = row.with_untracked(|row| row.as_ref().map(|row| row.notice.clone()));
    notice.map(|notice| view! { <AlertContent notice row rules state/> })
}

#[component]
fn AlertContent(
    /// The alert.
    notice: Notice,
    /// Row of the alert; `None` while it is being removed.
    row: Memo<Option<AlertRow>>,
    /// Rules, channels and settings.
    rules: Memo<Option<Arc<Rules>>>,
    /// The state of the last command.
    state: RwSignal<CommandState>,
) -> impl IntoView {
    let live = use_live();
    let notice_id = notice.notice_id;
    let acknowledge = move |_| {
        let command = AcknowledgeAlerts { notice_ids: vec![notice_id], up_to: None };
        send(live, AlertCommand::AcknowledgeAlerts(command), state);
    };
    let acknowledged = Memo::new(move |_| row.with(|row| row.as_ref().and_then(|row| row.acknowledged_time)));
    let deliveries =
        Memo::new(move |_| row.with(|row| row.as_ref().map(|row| row.deliveries.clone()).unwrap_or_default()));
    let title = match &notice.instrument {
        Some(id) => view! { <a href=link(&address(LIVE, id))>{notice.title.clone()}</a> }.into_any(),
        None => notice.title.clone().into_any(),
    };
    let facts = words::facts(&notice);
    let has_text = !notice.text.is_empty();
    view! {
        <li
            class="alert-item"
            data-testid="alert"
            data-id=notice_id.to_string()
            data-acknowledged=move || acknowledged.get().is_some().to_string()
        >
            <div class="alert-item__main">
                <p class="alert-item__title">
                    <span class="tag" data-tone=words::tone(notice.severity)>{words::severity(notice.severity)}</span>
                    " "
                    <strong>{title}</strong>
                </p>
                {has_text.then(|| view! { <p class="alert-item__text">{notice.text.clone()}</p> })}
                <p class="alert-item__facts">{moment(notice.fired_time.as_millis())}" · "{facts}</p>
                <ul class="alert-item__deliveries">
                    {move || deliveries.get().into_iter().map(|delivery| view! { <DeliveryLine delivery rules state/> }).collect_view()}
                </ul>
            </div>
            <div class="alert-item__actions">
                {move || match acknowledged.get() {
                    Some(time) => {
                        view! { <span class="alert-item__facts">"acknowledged "{crate::format::time_of_day(time)}</span> }.into_any()
                    }
                    None => {
                        view! { <button class="button" data-testid="acknowledge" on:click=acknowledge>"Acknowledge"</button> }.into_any()
                    }
                }}
            </div>
            <CommandNote state/>
        </li>
    }
}

/// The state of a delivery, with the actions for one that failed.
#[component]
fn DeliveryLine(
    /// The delivery.
    delivery: Delivery,
    /// Rules, channels and settings.
    rules: Memo<Option<Arc<Rules>>>,
    /// The state of the last command of this alert.
    state: RwSignal<CommandState>,
) -> impl IntoView {
    let live = use_live();
    let id = delivery.channel_id.clone();
    let name = rules.with_untracked(|rules| {
        let found = rules.as_ref()?.channels.iter().find(|channel| channel.channel_id == id);
        found.map(|channel| channel.name.to_string())
    });
    let name = name.unwrap_or_else(|| id.to_string());
    let (words, tone) = words::delivery(&delivery);
    let can_resend = matches!(delivery.state, DeliveryState::Dead | DeliveryState::Failed);
    let resend = move |_| {
        let command = ResendDelivery { notice_id: delivery.notice_id, channel_id: id.clone() };
        send(live, AlertCommand::ResendDelivery(command), state);
    };
    view! {
        <li data-testid="delivery" data-tone=tone>
            <span>{name}": "{words}</span>
            {can_resend.then(|| view! { <button class="button" data-testid="resend" on:click=resend>"Send again"</button> })}
        </li>
    }
}

/// Alerts shown at first, and more with each press of the button below them.
const FIRST_SHOWN: usize = 50;
