//! The indicators on a chart: their values from the stream into the chart, their legends and their settings. Loaded
//! lazily, with the definitions that all of it is made from.
//!
//! Not here: drawing (`chart`), computing (`indicators`, by way of the market's topics), the button that opens the list
//! (`indicator_picker`).

pub mod editor;
pub mod legend;
pub mod list;
pub mod state;

use chart::indicator::IndicatorPlot;
use leptos::prelude::*;
use model::{candle::Interval, sorted::SortedMap};
use topics::{channels::indicators::IndicatorsData, payload::Merge, topic::Topic};

use self::{editor::Editor, legend::Legends, state::Shown};
use crate::{cadence::Cadence, chart::ChartSeries, live::use_live, selection::Selection, settings::use_settings};

/// The indicators that the reader has chosen, over the chart of an instrument.
#[component]
pub fn Indicators(
    /// The shown instrument.
    selection: Selection,
    /// The length of the chart's candles.
    interval: Memo<Interval>,
    /// The chart.
    series: ChartSeries,
) -> impl IntoView {
    let settings = use_settings();
    let chosen = Memo::new(move |_| settings.with(|settings| settings.indicators.clone()));
    let shown = Memo::new(move |_| chosen.with(|chosen| chosen.iter().map(Shown::of).collect::<Vec<_>>()));
    let plots = Memo::new(move |_| shown.with(|shown| shown.iter().filter_map(Shown::plot).collect::<Vec<_>>()));
    Effect::new(move |_| series.set_indicators(plots.get()));
    follow(selection, interval, series, plots);
    let edited = RwSignal::new(None::<usize>);
    // An indicator that is gone takes its settings with it.
    Effect::new(move |_| {
        let n_shown = shown.with(Vec::len);
        if edited.with_untracked(|edited| edited.is_some_and(|at| at >= n_shown)) {
            edited.set(None);
        }
    });
    view! {
        <div class="indicators">
            <Legends shown series edited/>
            {move || edited.get().map(|at| view! { <Editor at shown edited interval/> })}
        </div>
    }
}

/// Brings the values of the plotted indicators from the stream into the chart.
fn follow(selection: Selection, interval: Memo<Interval>, series: ChartSeries, plots: Memo<Vec<IndicatorPlot>>) {
    let (live, settings) = (use_live(), use_settings());
    // Each indicator's name on the chart, with its topic.
    let topics = Memo::new(move |_| {
        let Some(id) = selection.id.get() else { return Vec::new() };
        let topic = |plot: &IndicatorPlot| (plot.key.clone(), Topic::indicators(interval.get(), &plot.key, &id));
        plots.with(|plots| plots.iter().filter(|plot| !plot.is_hidden).map(topic).collect::<Vec<_>>())
    });
    let wanted =
        Signal::derive(move || topics.with(|all| all.iter().map(|(_, topic)| topic.clone()).collect::<Vec<_>>()));
    // With the candles that they stand under.
    let lane = Signal::derive(move || settings.with(|settings| settings.pace("chart", Cadence::Chart)).lane());
    live.use_topics(wanted, lane);
    // The part of each topic that is in the chart, with the revision of its source.
    let held = StoredValue::new(SortedMap::<Topic, (u64, IndicatorsData)>::new());
    Effect::new(move |_| {
        live.tick().track();
        topics.with(|topics| {
            held.update_value(|held| held.retain(|topic, _| topics.iter().any(|(_, wanted)| wanted == topic)));
            for (key, topic) in topics {
                let seen = held.with_value(|held| held.get(topic).map(|(revision, _)| *revision));
                let newer = live.with_model(|model| {
                    let revision = model.revision(std::slice::from_ref(topic));
                    let is_news = seen != Some(revision);
                    Some((revision, model.indicators(topic).filter(|_| is_news)?.clone()))
                });
                if let Some((revision, data)) = newer.flatten() {
                    held.update_value(|held| put(series, key, held, topic, (revision, data)));
                }
            }
        });
    });
}

/// Gives the chart what is new of an indicator, or all of it where the chart has nothing.
fn put(
    series: ChartSeries,
    key: &str,
    held: &mut SortedMap<Topic, (u64, IndicatorsData)>,
    topic: &Topic,
    (revision, data): (u64, IndicatorsData),
) {
    let known = held.get(topic).map(|(_, known)| known);
    let delta = known.map_or_else(|| Some(data.clone()), |known| known.diff(&data));
    series.upsert_indicator(key, |is_empty| {
        let changed = if is_empty { Some(&data) } else { delta.as_ref() };
        changed
            .map_or_else(Vec::new, |changed| changed.rows.iter().map(|row| (row.open_ms, row.values.clone())).collect())
    });
    held.insert(topic.clone(), (revision, data));
}
