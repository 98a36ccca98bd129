//! The chart with its toolbar. Candles go from the model into the chart's own series; the chart draws by itself.

use chart::chart::Studies;
use leptos::prelude::*;
use model::{candle::Interval, instrument::InstrumentId, time::Now};
use topics::topic::Topic;

use crate::{
    cadence::Cadence,
    chart::{CandleChart, ChartInstrument, ChartSeries},
    components::unsupported::{Feature, Unsupported, use_unsupported},
    fragment::Fragment,
    live::{
        Live, browser,
        candle_log::ChartChange,
        model::{Freshness, LiveModel},
        use_live,
    },
    selection::Selection,
    settings::use_settings,
};

/// Intervals in the toolbar.
const INTERVALS: [Interval; 5] = [Interval::S1, Interval::M1, Interval::M5, Interval::M15, Interval::H1];

/// The chart of the shown instrument.
#[component]
pub fn ChartPanel(
    /// The shown instrument.
    selection: Selection,
) -> impl IntoView {
    let settings = use_settings();
    let interval = Memo::new(move |_| settings.with(|settings| settings.interval));
    let series = ChartSeries::new();
    let topic_of = move |id: &InstrumentId| Topic::candles(interval.get(), id);
    let topic = Memo::new(move |_| selection.id.with(|id| id.as_ref().map(topic_of)));
    let topics = Signal::derive(move || topic.with(|topic| topic.iter().cloned().collect::<Vec<_>>()));
    // The topic in the series, and the revision it has reached.
    let held = StoredValue::new((None::<Topic>, 0_u64));
    // For another instrument or interval, the previous candles must not appear under the new name, and the reader's
    // view of them has no meaning.
    let drop_others = move |topic: Option<&Topic>| {
        if held.with_value(|(of, _)| of.is_some() && of.as_ref() != topic) {
            series.clear();
            held.set_value((None, 0));
        }
    };
    Effect::new(move |_| topic.with(|topic| drop_others(topic.as_ref())));
    let source = move |model: &LiveModel| {
        let Some(topic) = topic.get_untracked() else { return Ok(None) };
        drop_others(Some(&topic));
        let seen = held.with_value(|(_, revision)| *revision);
        let Some(log) = model.candles(&topic) else { return Ok(None) };
        match log.changes_since(seen) {
            ChartChange::Replace(bars) => series.set_bars(&bars),
            ChartChange::Upsert(bars) => series.upsert(&bars),
        }
        // The region's turn is part of a frame.
        series.flush(browser::now().monotonic);
        held.set_value((Some(topic), log.revision()));
        Ok(Some(log.revision()))
    };
    let instrument = Memo::new(move |_| {
        let (price_decimals, size_decimals) = selection.decimals()?;
        Some(ChartInstrument { label: selection.name(), price_decimals, size_decimals })
    });
    let studies = Memo::new(move |_| settings.with(|settings| settings.studies));
    Effect::new(move |_| series.set_studies(studies.get()));
    follow_clock(use_live(), series, topics);
    let unsupported = use_unsupported(selection, Feature::Bars);
    let unsupported_words = move |unsupported: &Unsupported| format!("{} {}", unsupported.what, unsupported.instead);
    view! {
        <section class="panel chart-panel" aria-label="Chart">
            <div class="chart-panel__toolbar">
                <div class="chart-panel__tools" role="group" aria-label="Interval">
                    {INTERVALS.map(|choice| view! { <IntervalButton choice interval/> }).collect_view()}
                </div>
                <div class="chart-panel__tools" role="group" aria-label="Studies">
                    {STUDIES.map(|study| view! { <StudyButton study/> }).collect_view()}
                </div>
            </div>
            <p class="chart-panel__lack" data-testid="chart-unsupported" hidden=move || unsupported.with(Option::is_none)>
                {move || unsupported.with(|unsupported| unsupported.as_ref().map(unsupported_words))}
            </p>
            <Fragment name="chart" cadence=Cadence::Chart topics source let:revision>
                <div
                    class="chart-panel__chart"
                    data-topic=move || topic.with(|topic| topic.as_ref().map(ToString::to_string))
                    data-revision=move || revision.get().map(|revision| revision.to_string())
                >
                    <CandleChart instrument interval series/>
                </div>
            </Fragment>
        </section>
    }
}

/// A study that a button of the toolbar shows and hides.
#[derive(Clone, Copy)]
struct Study {
    name: &'static str,
    label: &'static str,
    title: &'static str,
    part: fn(&mut Studies) -> &mut bool,
}

const STUDIES: [Study; 2] = [
    Study {
        name: "delta",
        label: "CVD",
        title: "Cumulative volume delta: buy volume minus sell volume, added up candle by candle",
        part: |studies| &mut studies.delta,
    },
    Study {
        name: "profile",
        label: "VP",
        title: "Volume profile: volume by price for the visible candles, each candle's volume spread over its range; the line marks the price with the most volume",
        part: |studies| &mut studies.profile,
    },
];

#[component]
fn StudyButton(
    /// The study it shows and hides.
    study: Study,
) -> impl IntoView {
    let settings = use_settings();
    let is_shown = move || settings.with(|settings| *(study.part)(&mut settings.studies.clone()));
    let toggle = move |_| {
        settings.update(|settings| {
            let shown = (study.part)(&mut settings.studies);
            *shown = !*shown;
        });
    };
    view! {
        <button
            class="button button--tool"
            data-testid=format!("study-{}", study.name)
            title=study.title
            aria-pressed=move || is_shown().to_string()
            on:click=toggle
        >
            {study.label}
        </button>
    }
}

/// Gives the chart the server's time, for the countdown of the forming candle, and whether its candles are up to date.
fn follow_clock(live: Live, series: ChartSeries, topics: Signal<Vec<Topic>>) {
    Effect::new(move |_| {
        live.slow_tick().track();
        series.set_clock(live.with_model(|model| model.clock.server_time(browser::now())));
    });
    let is_stale = Memo::new(move |_| {
        live.tick().get() != Now::default()
            && topics.with(|topics| {
                let freshness = live.with_model(|model| model.freshness(topics, browser::now()));
                !matches!(freshness, None | Some(Freshness::Fresh | Freshness::Waiting))
            })
    });
    Effect::new(move |_| series.mark_stale(is_stale.get()));
}

#[component]
fn IntervalButton(
    /// The interval it chooses.
    choice: Interval,
    /// The chosen interval.
    interval: Memo<Interval>,
) -> impl IntoView {
    let settings = use_settings();
    view! {
        <button
            class="button button--tool"
            data-testid=format!("interval-{choice}")
            aria-pressed=move || (interval.get() == choice).to_string()
            on:click=move |_| settings.update(|settings| settings.interval = choice)
        >
            {choice.as_str()}
        </button>
    }
}
