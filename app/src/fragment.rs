//! `Fragment`: a region of the page that refreshes by itself, at its own pace, and says how fresh it is.
//!
//! Display only: inputs stand outside, so that a refresh never resets a field or moves the focus. No region asks the
//! server by itself; all sample the one model. Not here: what they sample (`live::model`) and how it looks (the pages).

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

/// A region that samples `source` at its pace and shows what `children` makes of it.
#[component]
pub fn Fragment<T, S, C, V>(
    /// Its name in the page's list, in settings and in `data-fragment`.
    name: &'static str,
    /// Which of a preset's paces it takes.
    cadence: Cadence,
    /// What it shows; the topics are wanted as long as it lives.
    #[prop(into)]
    topics: Signal<Vec<Topic>>,
    /// Reads what is to be shown; `None` while it is not known. An error keeps the last good value, marked as old.
    source: S,
    /// A choice of the reader that the source reads: a change is shown at once, whatever the pace.
    #[prop(optional, into)]
    choice: Option<Signal<String>>,
    /// Arranges the value; `None` is shown in the final geometry, so that nothing moves when it comes.
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
    live.use_topics(topics);
    live.use_pace(name, pace);
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

/// What stands around any region: its state, its note, its buttons. Apart from the region, as each kind of region is
/// compiled on its own.
#[component]
fn Frame(
    /// The region's name.
    name: &'static str,
    /// Its pace.
    pace: Signal<Pace>,
    /// How it looks.
    state: RwSignal<FragmentState>,
    /// Counts how often the reader asked for a refresh.
    asked: RwSignal<u32>,
    /// What it shows.
    content: AnyView,
) -> impl IntoView {
    let live = use_live();
    let note = Memo::new(move |_| state.with(FragmentState::note));
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
        // The moment of this turn, not that of the frame before it: other topics may be wanted between frames.
        let now: Now = browser::now();
        topics.with(|topics| {
            let sampled = live.with_model(|model| {
                (model.revision(topics), model.freshness(topics, now), model.waiting_cause(topics, now))
            });
            let Some((revision, freshness, cause)) = sampled else { return };
            // What stops being live is sampled once more, and again when it comes back.
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
