//! The levels of the form's grid over the candles of its instrument.

use leptos::prelude::*;
use model::{candle::Interval, decimal::Price};
use strategy::grid::preview::GridPreview;

use crate::{
    chart::ChartSeries,
    pages::{
        desk::{
            chart_lines::{
                ChartLines, Steps,
                line::{ChartLine, Tone},
            },
            grid::preview::Fields,
        },
        live::candle_region::CandleRegion,
    },
    selection::use_selection,
};

/// The chart with the grid's lines, and with the prices at which it begins and ends.
#[component]
pub fn GridChart(
    /// The fields as typed.
    fields: RwSignal<Fields>,
    /// The levels, or why there are none.
    preview: Memo<Result<GridPreview, String>>,
) -> impl IntoView {
    let selection = use_selection();
    let series = ChartSeries::new();
    let steps = Memo::new(move |_| {
        selection.instrument.with(|instrument| {
            let instrument = instrument.as_ref()?;
            let decimals = (instrument.price_decimals(), instrument.size_decimals());
            Some(Steps { tick: instrument.tick_size, decimals })
        })
    });
    let lines = Memo::new(move |_| {
        preview.with(|preview| match preview {
            Ok(shown) => fields.with(|fields| lines_of(shown, fields)),
            Err(_) => Vec::new(),
        })
    });
    let ends = Memo::new(move |_| {
        selection.id.track();
        lines.with(|lines| {
            let prices = || lines.iter().map(|line| line.price.to_f64_lossy());
            Some((prices().reduce(f64::min)?, prices().reduce(f64::max)?))
        })
    });
    Effect::new(move |_| {
        if let Some((low, high)) = ends.get() {
            let margin = (high - low) * MARGIN;
            series.show_prices(low - margin, high + margin);
        }
    });
    let over = view! { <ChartLines series lines steps/> }.into_any();
    view! {
        <div class="grid-chart" data-testid="grid-chart">
            <CandleRegion name="grid-chart" selection interval=Signal::stored(Interval::M15) series over/>
        </div>
    }
}

/// Returns the lines of a grid, lowest first, and those at which it begins and ends.
fn lines_of(shown: &GridPreview, fields: &Fields) -> Vec<ChartLine> {
    let line = |key: String, price: Price, words: &str, tone: Tone, is_waiting: bool| ChartLine {
        key,
        price,
        words: words.to_owned(),
        tone,
        is_waiting,
        moves: None,
    };
    let buys = shown.levels.iter().map(|level| level.buy_price);
    let all = buys.chain(shown.levels.last().map(|level| level.sell_price));
    let mut lines: Vec<ChartLine> =
        all.enumerate().map(|(idx, price)| line(format!("line-{idx}"), price, "", Tone::Level, false)).collect();
    if let Ok(settings) = fields.settings() {
        let ends = [
            ("Start", settings.trigger_price, Tone::Position),
            ("Stop-loss", settings.stop_loss, Tone::Sell),
            ("Take-profit", settings.take_profit, Tone::Buy),
        ];
        let ends = ends.into_iter().filter_map(|(words, price, tone)| Some((words, price?, tone)));
        lines.extend(ends.map(|(words, price, tone)| line(words.to_owned(), price, words, tone, true)));
    }
    lines
}

/// Of the range of prices, above and below the outer lines.
const MARGIN: f64 = 0.05;

#[cfg(test)]
mod tests {
    use model::trading::account::FeeRates;

    use super::*;

    #[test]
    fn a_grid_has_a_line_more_than_levels_and_its_ends() {
        let instrument = serde_json::from_str(
            r#"{"id":"one:A","base":"A","quote":"B","tick_size":"0.01","lot_size":"0.001","min_notional":null,"status":"trading","is_simulated":true}"#,
        )
        .unwrap();
        let around = Fields::around(Price::parse("100.00").unwrap(), &instrument).unwrap();
        let fields = Fields { stop_loss: "90".to_owned(), trigger: "99.5".to_owned(), ..around };
        let shown = fields.preview(&instrument, FeeRates::default()).unwrap();
        let lines = lines_of(&shown, &fields);
        let levels: Vec<String> =
            lines.iter().filter(|line| line.tone == Tone::Level).map(|line| line.price.to_string()).collect();
        assert_eq!((levels.len(), levels[0].as_str(), levels[10].as_str()), (11, "98.00", "102.00"));
        let words: Vec<&str> = lines[11..].iter().map(|line| line.words.as_str()).collect();
        assert_eq!(words, ["Start", "Stop-loss"]);
    }
}
