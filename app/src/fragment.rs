//! `Fragment`: a region of the page that refreshes by itself, at its own pace, and shows its freshness.
//!
//! Display only: inputs are outside, so that a refresh never resets a field or moves the focus. No region contacts the
//! server; all sample the one model. Not here: the data they sample (`live::model`) and their appearance (the pages).

pub mod schedule;

use leptos::prelude::*;
use model::time::Now;
use topics::topic::Topic;

use crate::{
    cadence::{Cadence, Pace},
    fragment::schedule::{FragmentState, SamplingSchedule},
    live::{
        Live, browser,
        model::{Freshness, LiveModel},
        use_live,
    },
    settings::use_settings,
};

/// A region that samples `source` at its pace and renders the value with `children`.
#[component]
pub fn Fragment<T, S, C, V>(
    /// Its name in the page's list, in settings and in `data-fragment`.
    name: &'static str,
    /// Its group of paces.
    cadence: Cadence,
    /// Its topics, which are requested while it exists.
    #[prop(into)]
    topics: Signal<Vec<Topic>>,
    /// Reads the value to show; `None` while unknown. An error keeps the last good value, marked as old.
    source: S,
    /// A reader's choice that the source reads: a change is shown at once, whatever the pace.
    #[prop(optional, into)]
    choice: Option<Signal<String>>,
    /// Renders the value; `None` is rendered in the final geometry, so that nothing moves when the value arrives.
    children: C,
) -> impl IntoView
where
    T: Clone + PartialEq + Send + Sync + 'static,
    S: Fn(&LiveModel) -> Result<Option<T>, String> + Send + Sync + 'static,
    C: FnOnce(Signal<Option<T>>) -> V,
    V: IntoView + 'static,
{
    let live = use_live();
    let settings = use_settings();
    let pace = Signal::derive(move || settings.with(|settings| settings.pace(name, cadence)));
    let value = RwSignal::new(None::<T>);
    let state = RwSignal::new(FragmentState::default());
    let asked = RwSignal::new(0_u32);
    live.use_topics(topics, Signal::derive(move || pace.get().lane()));
    if let Some(choice) = choice {
        Effect::new(move |known: Option<String>| {
            let choice = choice.get();
            if known.is_some_and(|known| known != choice) {
                asked.update(|n_asked| *n_asked += 1);
            }
            choice
        });
    }
    sample(live, Sampling { topics, pace, asked, state, value }, source);
    view! { <Frame name pace=pace state=state asked=asked content=children(value.into()).into_any()/> }
}

/// The frame of any region: its state, its note, its buttons. Separate from the region, as each kind of region is
/// compiled separately.
#[component]
fn Frame(
    /// The region's name.
    name: &'static str,
    /// Its pace.
    pace: Signal<Pace>,
    /// Its state.
    state: RwSignal<FragmentState>,
    /// Counts the reader's refresh requests.
    asked: RwSignal<u32>,
    /// Its content.
    content: AnyView,
) -> impl IntoView {
    let (live, settings) = (use_live(), use_settings());
    let zone = Memo::new(move |_| settings.with(|settings| settings.time_zone));
    let note = Memo::new(move |_| state.with(|state| state.note(zone.get())));
    let has_failed = Memo::new(move |_| state.with(|state| matches!(state, FragmentState::Failed { .. })));
    view! {
        <div class="fragment" data-fragment=name data-state=move || state.with(FragmentState::as_str)>
            {content}
            <div class="fragment__note" hidden=move || note.with(Option::is_none)>
                <p data-testid="fragment-note">{move || note.get().unwrap_or_default()}</p>
                <button
                    class="fragment__retry button"
                    data-testid="fragment-retry"
                    hidden=move || !has_failed.get()
                    on:click=move |_| {
                        live.retry();
                        asked.update(|n_asked| *n_asked += 1);
                    }
                >
                    "Retry"
                </button>
            </div>
            <button
                class="fragment__refresh button"
                data-testid="fragment-refresh"
                hidden=move || pace.get() != Pace::OnDemand
                on:click=move |_| asked.update(|n_asked| *n_asked += 1)
            >
                "Refresh"
            </button>
        </div>
    }
}

struct Sampling<T: Send + Sync + 'static> {
    topics: Signal<Vec<Topic>>,
    pace: Signal<Pace>,
    asked: RwSignal<u32>,
    state: RwSignal<FragmentState>,
    value: RwSignal<Option<T>>,
}

fn sample<T, S>(live: Live, sampling: Sampling<T>, source: S)
where
    T: Clone + PartialEq + Send + Sync + 'static,
    S: Fn(&LiveModel) -> Result<Option<T>, String> + Send + Sync + 'static,
{
    let Sampling { topics, pace, asked, state, value } = sampling;
    let schedule = StoredValue::new(SamplingSchedule::default());
    Effect::new(move |_| {
        live.tick().track();
        let (pace, n_asked) = (pace.get(), asked.get());
        // The time of this turn, not of the frame before it: other topics may be requested between frames.
        let now: Now = browser::now();
        topics.with(|topics| {
            let sampled = live.with_model(|model| {
                (model.revision(topics), model.freshness(topics, now), model.waiting_cause(topics, now))
            });
            let Some((revision, freshness, cause)) = sampled else { return };
            // Data that stops being live is sampled once more, and again when it returns.
            let revision = revision * 2 + u64::from(freshness == Freshness::Fresh);
            let is_due =
                schedule.try_update_value(|schedule| schedule.is_due(now.monotonic, pace, topics, revision, n_asked));
            if is_due == Some(true) {
                let outcome = live.with_model(&source).unwrap_or(Ok(None));
                let failure = outcome.as_ref().err().cloned();
                schedule
                    .try_update_value(|schedule| schedule.took(now.monotonic, topics, (revision, n_asked), failure));
                if let Ok(next) = outcome
                    && value.with_untracked(|known| *known != next)
                {
                    value.set(next);
                }
                live.note_taken(topics);
            }
            let next = schedule.try_update_value(|schedule| schedule.state(now.monotonic, pace, &freshness, cause));
            let next = next.unwrap_or_default();
            if state.with_untracked(|known| *known != next) {
                state.set(next);
            }
        });
    });
}
