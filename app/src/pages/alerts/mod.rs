//! The page "Signals and alerts": what fired, the rules, live signals, and the channels that deliver. Loaded lazily.
//!
//! Not here: toasts, dialogs and sounds on every page (`shell::alerts`), alert lines on the chart
//! (`desk::chart_lines::alert_lines`).
//!
//! # Layout
//! - [`rows`]: the rows of the topics · [`words`]: in words · [`actions`]: commands · [`controls`]: fields of forms
//! - [`list`]: alerts · [`rule_list`], [`draft`], [`form`], [`condition_fields`], [`dry_run`]: alert rules
//! - [`signals`], [`signal_rules`], [`signal_form`], [`signal_draft`]: signals and their rules
//! - [`channels`], [`channel_draft`], [`channel_form`], [`push`], [`quiet`], [`sound`]: where alerts go, and when

pub mod actions;
pub mod channel_draft;
pub mod channel_form;
pub mod channels;
pub mod condition_fields;
pub mod controls;
pub mod draft;
pub mod dry_run;
pub mod form;
pub mod list;
pub mod push;
pub mod quiet;
pub mod rows;
pub mod rule_list;
pub mod signal_draft;
pub mod signal_form;
pub mod signal_rules;
pub mod signals;
pub mod sound;
pub mod words;

use std::sync::Arc;

use leptos::prelude::*;
use leptos_meta::Title;
use model::alert::channel::ChannelRow;
use topics::{lane::Lane, topic::Topic};

use self::{
    channels::ChannelsPanel, condition_fields::SpecList, list::AlertsPanel, quiet::QuietPanel, rows::Rules,
    rule_list::RulesPanel, signal_rules::SignalRulesPanel, signals::SignalsPanel, sound::SoundPanel,
};
use crate::{
    cadence::Cadence,
    components::page_head::PageHead,
    live::{Live, browser, model::LiveModel, use_live},
    pages::FragmentSpec,
    route::use_route,
    selection::{address, use_selection},
};

/// The regions of this page.
pub const FRAGMENTS: &[FragmentSpec] = &[
    FragmentSpec { name: "alerts-list", cadence: Cadence::Status },
    FragmentSpec { name: "alerts-rules", cadence: Cadence::Status },
    FragmentSpec { name: "alerts-signals", cadence: Cadence::Shown },
];

/// Path of the page. With `new=alert` or `new=signal` in its query, it opens the form of a new rule.
pub const ALERTS: &str = "/alerts";

/// The parts of the page, of which one is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tab {
    /// Alerts and their rules.
    Alerts,
    /// Signals and their rules.
    Signals,
    /// Channels, quiet hours, sound.
    Channels,
}

impl Tab {
    const ALL: [Self; 3] = [Self::Alerts, Self::Signals, Self::Channels];

    fn as_str(self) -> &'static str {
        match self {
            Self::Alerts => "alerts",
            Self::Signals => "signals",
            Self::Channels => "channels",
        }
    }

    fn label(self) -> &'static str {
        match self {
            Self::Alerts => "Alerts",
            Self::Signals => "Signals",
            Self::Channels => "Channels and quiet hours",
        }
    }
}

/// The page.
#[component]
pub fn AlertsPage() -> impl IntoView {
    let shown = RwSignal::new(Tab::Alerts);
    let rules = use_rules();
    let asked = use_asked_form();
    Effect::new(move |_| match asked.get().as_deref() {
        Some("alert") => shown.set(Tab::Alerts),
        Some("signal") => shown.set(Tab::Signals),
        _ => {}
    });
    let tab = move |tab: Tab| {
        view! {
            <button
                class="alert-tabs__tab"
                data-testid=format!("alert-tab-{}", tab.as_str())
                aria-pressed=move || (shown.get() == tab).to_string()
                on:click=move |_| shown.set(tab)
            >
                {tab.label()}
            </button>
        }
    };
    view! {
        <Title text="Signals and alerts · Truetape"/>
        <div class="desk-page alerts-page" data-testid="alerts-page">
            <PageHead title="Signals and alerts" help="Rules run on the server, with no page open; times are UTC".into_any()>
                <div class="alert-tabs" role="group" aria-label="Parts of the page">{Tab::ALL.map(tab).collect_view()}</div>
            </PageHead>
            <SpecList/>
            <div class="alerts-page__pair" hidden=move || shown.get() != Tab::Alerts>
                <RulesPanel rules asked/>
                <AlertsPanel rules/>
            </div>
            <div class="alerts-page__pair" hidden=move || shown.get() != Tab::Signals>
                <SignalRulesPanel rules asked/>
                <SignalsPanel is_shown=Signal::derive(move || shown.get() == Tab::Signals)/>
            </div>
            <div class="alerts-page__pair" hidden=move || shown.get() != Tab::Channels>
                <ChannelsPanel rules/>
                <div class="alerts-page__column">
                    <QuietPanel rules/>
                    <SoundPanel/>
                </div>
            </div>
        </div>
    }
}

/// Returns the form that the address asks for. It is asked for once: a reload does not open it again.
fn use_asked_form() -> Signal<Option<String>> {
    let route = use_route();
    let selection = use_selection();
    let asked = RwSignal::new(None);
    Effect::new(move |_| {
        if let Some(form) = route.parameter("new") {
            asked.set(Some(form));
            let address = selection.id.with_untracked(|id| id.as_ref().map(|id| address(ALERTS, id)));
            route.correct(address.as_deref().unwrap_or(ALERTS));
        }
    });
    asked.into()
}

/// Returns rules, channels and settings; `None` until they have arrived. Requests their topic while the calling component
/// exists.
pub fn use_rules() -> Memo<Option<Arc<Rules>>> {
    let live = use_live();
    live.use_topics(Signal::stored(vec![Topic::RULES]), Signal::stored(Lane::Fast));
    content(live, Topic::RULES, rows::rules)
}

/// Returns the channels with their settings; `None` until they have arrived, and for readers who may not change them.
/// Requests their topic while the calling component exists.
pub fn use_channels() -> Memo<Option<Arc<Vec<ChannelRow>>>> {
    let live = use_live();
    let topics = || browser::is_admin().then_some(Topic::ALERT_CHANNELS).into_iter().collect::<Vec<_>>();
    live.use_topics(Signal::derive(topics), Signal::stored(Lane::Fast));
    content(live, Topic::ALERT_CHANNELS, rows::channels)
}

/// Returns the content of a topic as `read` finds it; what was readable stays.
fn content<T: PartialEq + Send + Sync + 'static>(
    live: Live,
    topic: Topic,
    read: fn(&LiveModel) -> Result<Option<T>, String>,
) -> Memo<Option<Arc<T>>> {
    let revision = Memo::new(move |_| {
        live.tick().track();
        live.with_model(|model| model.revision(std::slice::from_ref(&topic)))
    });
    Memo::new(move |known: Option<&Option<Arc<T>>>| {
        // Read, not only tracked: a memo that was never read notices nothing.
        let _revision = revision.get();
        match live.with_model(read) {
            Some(Ok(content)) => content.map(Arc::new),
            // The last readable content stays.
            _ => known.cloned().flatten(),
        }
    })
}
