//! A chart that follows the candles of the shown instrument, as a region of a page. Candles go from the model into the
//! chart's own series; the chart draws by itself.

use chart::{scale::PriceMode, zone::Zone};
use leptos::prelude::*;
use model::{candle::Interval, instrument::InstrumentId, time::Now};
use topics::topic::Topic;

use crate::{
    cadence::Cadence,
    chart::{CandleChart, ChartInstrument, ChartSeries},
    fragment::Fragment,
    live::{
        Live, browser,
        candle_log::ChartChange,
        model::{Freshness, LiveModel},
        use_live,
    },
    selection::Selection,
    settings::{TimeZone, use_settings},
};

/// The chart of the shown instrument.
#[component]
pub fn CandleRegion(
    /// The region's name.
    name: &'static str,
    /// The shown instrument.
    selection: Selection,
    /// Length of the candles.
    #[prop(into)]
    interval: Signal<Interval>,
    /// The chart's candles.
    series: ChartSeries,
    /// Overlay of the chart.
    over: AnyView,
    /// Receives the price at which the reader clicked, not rounded.
    #[prop(optional, into)]
    pick: Option<Callback<f64>>,
) -> impl IntoView {
    let settings = use_settings();
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
        let Some(log) = model.candles(&topic) else {
            // The drawn candles are no longer known: they came from an earlier visit, and nobody follows the instrument.
            drop_others(None);
            return Ok(None);
        };
        // The region's turn is part of a frame.
        series.change_in_frame(browser::now().monotonic, |chart| match log.changes_since(seen) {
            ChartChange::Replace(bars) => chart.set_bars(&bars),
            ChartChange::Upsert(bars) => chart.upsert(&bars),
        });
        held.set_value((Some(topic), log.revision()));
        Ok(Some(log.revision()))
    };
    let instrument = Memo::new(move |_| {
        let (price_decimals, size_decimals) = selection.decimals()?;
        Some(ChartInstrument { label: selection.name(), price_decimals, size_decimals })
    });
    let appearance = Memo::new(move |_| {
        settings.with(|settings| (settings.studies, settings.bar_style, settings.is_log, settings.time_zone))
    });
    Effect::new(move |_| {
        let (studies, bar_style, is_log, time_zone) = appearance.get();
        series.set_studies(studies);
        series.set_bar_style(bar_style);
        series.set_price_mode(if is_log { PriceMode::Log } else { PriceMode::Linear });
        series.set_zone(match time_zone {
            TimeZone::Utc => Zone::UTC,
            TimeZone::Local => Zone::of(browser::offset_ms),
        });
    });
    follow_clock(use_live(), series, topics);
    view! {
        <Fragment name cadence=Cadence::Chart topics source let:revision>
            <div
                class="chart-panel__chart"
                data-topic=move || topic.with(|topic| topic.as_ref().map(ToString::to_string))
                data-revision=move || revision.get().map(|revision| revision.to_string())
            >
                {match pick {
                    Some(pick) => view! { <CandleChart instrument interval series pick/> }.into_any(),
                    None => view! { <CandleChart instrument interval series/> }.into_any(),
                }}
                {over}
            </div>
        </Fragment>
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
