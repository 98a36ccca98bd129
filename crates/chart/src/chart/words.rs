//! The texts of the chart: the legend, the sum of the delta pane, and a sentence for people who cannot see it.

use model::decimal::Price;

use super::{Chart, Place};
use crate::{
    format::{format_bar_time, format_change, format_fixed, format_signed, grouped},
    indicator::{Indicator, IndicatorReading},
    legend::Legend,
};

impl Chart {
    /// Returns the bar whose slot is under the cursor, or the newest if the cursor is not over the plot. `None` over a
    /// gap.
    pub fn legend(&self) -> Option<Legend> {
        let idx = self.legend_idx()?;
        self.series.candle(idx).map(|bar| {
            let legend = Legend::new(bar, self.interval_ms(), self.zone(), (self.price_decimals, self.size_decimals));
            if self.studies.delta { legend.with_delta(bar, self.size_decimals) } else { legend }
        })
    }

    /// Returns what each indicator says at the bar that the legend shows.
    pub fn indicator_readings(&self) -> Vec<IndicatorReading> {
        let layout = self.layout();
        let open_ms = self.legend_idx().and_then(|idx| self.series.open_time_ms().get(idx)).copied();
        let reading = |(indicator, place): (&Indicator, Place)| {
            let decimals = match place {
                Place::Pane(_, Some(scale)) => scale.fine_decimals(),
                _ => self.price_decimals,
            };
            let value = |line| Some(format_fixed(indicator.value(line, open_ms?)?, decimals));
            IndicatorReading {
                key: indicator.plot.key.clone(),
                values: (0..indicator.plot.lines.len()).map(value).collect(),
                n_rows: open_ms.map_or(0, |open_ms| indicator.n_rows(open_ms)),
                pane_top: match place {
                    Place::Pane(pane, _) => Some(f64::from(pane.y0) / layout.ratio),
                    _ => None,
                },
            }
        };
        self.placed().map(reading).collect()
    }

    /// Returns the position of the bar that the legend shows.
    fn legend_idx(&self) -> Option<usize> {
        let Some((time, slot)) = self.cursor_slot() else { return self.series.len().checked_sub(1) };
        let times = self.series.open_time_ms();
        let idx = times.partition_point(|&open| time.slot_of_time(open) < slot);
        (time.slot_of_time(*times.get(idx)?) == time.slot_of_time(time.time_of_slot(slot))).then_some(idx)
    }

    /// Returns the newest sum in the delta pane and its start, as part of a sentence; `None` if the pane is not shown.
    pub fn delta_words(&self) -> Option<String> {
        let words = || self.delta_words_at(self.series.len().checked_sub(1)?);
        let unknown = || "unknown: the newest trades have no aggressor side".to_owned();
        self.studies.delta.then(|| words().unwrap_or_else(unknown))
    }

    fn delta_words_at(&self, idx: usize) -> Option<String> {
        let total = self.series.cumulative_delta(idx)?;
        let since = format_bar_time(self.series.delta_since_ms(idx)?, self.interval_ms(), self.zone());
        Some(format!("{} since {since}", format_signed(total, self.size_decimals.min(SUM_DECIMALS))))
    }

    /// Returns the caption of the delta pane: the sum at the bar that the legend shows.
    pub(super) fn delta_caption(&self) -> Option<String> {
        if self.cursor_slot().is_none() {
            return self.delta_words().map(|words| format!("CVD {words}"));
        }
        let words = || self.delta_words_at(self.legend_idx()?);
        self.studies.delta.then(|| format!("CVD {}", words().unwrap_or_else(|| "unknown here".to_owned())))
    }

    /// Returns the price with the most volume, if the profile is shown.
    pub fn control_price(&self) -> Option<String> {
        let (time, price) = self.scales()?;
        let profile = self.profile(time, price)?;
        Some(format_fixed(profile.control_price(), self.price_decimals))
    }

    /// Returns a sentence that describes the chart for people who cannot see it.
    pub fn summary(&self) -> String {
        let name = if self.label.is_empty() { String::new() } else { format!("{}, ", self.label) };
        let head = format!("{name}{} candles", self.interval);
        let range = self.scales().map_or(0..self.series.len(), |(time, _)| self.visible(time));
        let (Some(first), Some(last)) = (self.series.candle(range.start), self.series.last()) else {
            return format!("{head}: no bars yet");
        };
        let seen = || range.clone().filter_map(|idx| self.series.candle(idx));
        let low = seen().map(|bar| bar.low).min().unwrap_or(first.low);
        let high = seen().map(|bar| bar.high).max().unwrap_or(first.high);
        let shown = |price: Price| grouped(&price.at_scale(self.price_decimals).to_string());
        format!(
            "{head}: {} bars shown, last {}, {} since {} {}, low {}, high {}{}{}{}",
            range.len(),
            shown(last.close),
            format_change(first.open.to_f64_lossy(), last.close.to_f64_lossy()),
            format_bar_time(first.open_time.as_millis(), self.interval_ms(), self.zone()),
            self.zone_name(),
            shown(low),
            shown(high),
            self.delta_words().map(|words| format!(", cumulative volume delta {words}")).unwrap_or_default(),
            self.control_price().map(|price| format!(", most volume at {price}")).unwrap_or_default(),
            if self.is_stale { ", stale" } else { "" }
        )
    }
}

/// Most decimals of a sum of sizes: it is a statistic, and a token's 18 decimals would not fit.
const SUM_DECIMALS: u32 = 8;
