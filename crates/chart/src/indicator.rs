//! Indicators on a chart: how their outputs are drawn, and their values by bar.
//!
//! Values come from outside, by open time; a bar without a row, or a row without a value, has no point. Not here:
//! computing them (`indicators`), fetching them (`app`).

use crate::series::MAX_BARS;

/// Most indicators in panes of their own; further ones are not drawn.
pub const MAX_INDICATOR_PANES: usize = 5;

/// Drawing style of one output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LineStyle {
    /// Points, joined.
    #[default]
    Line,
    /// A bar from zero, in the colours of rising and falling prices.
    Histogram,
    /// Points, not joined.
    Dots,
    /// Nothing: its values are text only.
    Hidden,
}

/// One output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IndicatorLine {
    /// Its drawing style.
    pub style: LineStyle,
    /// Position of its colour in [`Theme::indicators`](crate::theme::Theme::indicators); beyond the last it begins again.
    pub colour: usize,
}

/// Pane in which an indicator is drawn.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum IndicatorPane {
    /// Over the bars, on the prices' axis.
    #[default]
    Prices,
    /// In a pane below, on an axis of its own.
    Own {
        /// Values with a line of their own (`30` and `70`).
        levels: Vec<f64>,
        /// The ends of the axis; `None` fits it to the bars in view.
        range: Option<(f64, f64)>,
    },
}

/// One indicator as the chart shows it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct IndicatorPlot {
    /// Its name, unique on the chart.
    pub key: String,
    /// Its outputs, in the order of the values of a row.
    pub lines: Vec<IndicatorLine>,
    /// Pane in which it is drawn.
    pub pane: IndicatorPane,
    /// True to draw nothing of it; its pane goes too.
    pub is_hidden: bool,
}

/// The values of an indicator at the bar that the legend shows.
#[derive(Clone, Debug, PartialEq)]
pub struct IndicatorReading {
    /// Its name.
    pub key: String,
    /// Its values as text, one an output; `None` where there is none.
    pub values: Vec<Option<String>>,
    /// Bars with a value, up to and including that bar.
    pub n_rows: usize,
    /// Top of its pane in CSS pixels; `None` over the bars, or while not drawn.
    pub pane_top: Option<f64>,
}

/// One indicator with its values, oldest first; all columns have the same length.
#[derive(Clone, Debug)]
pub(crate) struct Indicator {
    pub(crate) plot: IndicatorPlot,
    open_ms: Vec<i64>,
    /// One column an output; not a number where there is no value.
    columns: Vec<Vec<f64>>,
}

impl Indicator {
    pub(crate) fn new(plot: IndicatorPlot) -> Self {
        let columns = plot.lines.iter().map(|_| Vec::new()).collect();
        Self { plot, open_ms: Vec::new(), columns }
    }

    /// Returns it with another look for the same outputs.
    pub(crate) fn with_plot(self, plot: IndicatorPlot) -> Self {
        Self { plot, ..self }
    }

    pub(crate) fn clear(&mut self) {
        self.open_ms.clear();
        self.columns.iter_mut().for_each(Vec::clear);
    }

    /// Sets the values of bars by their open times; true if any other than those of the newest bar changed.
    pub(crate) fn upsert<'a>(&mut self, rows: impl IntoIterator<Item = (i64, &'a [Option<f64>])>) -> bool {
        let mut has_settled = false;
        for (open_ms, values) in rows {
            let at = self.open_ms.partition_point(|known| *known < open_ms);
            let is_known = self.open_ms.get(at) == Some(&open_ms);
            has_settled |= !is_known || at + 1 < self.open_ms.len();
            if !is_known {
                self.open_ms.insert(at, open_ms);
            }
            for (line, column) in self.columns.iter_mut().enumerate() {
                let value = values.get(line).copied().flatten().unwrap_or(f64::NAN);
                if is_known {
                    column[at] = value;
                } else {
                    column.insert(at, value);
                }
            }
        }
        let n_surplus = self.open_ms.len().saturating_sub(MAX_BARS);
        self.open_ms.drain(..n_surplus);
        self.columns.iter_mut().for_each(|column| drop(column.drain(..n_surplus)));
        has_settled
    }

    /// Returns an output's value at the bar that opened at `open_ms`.
    pub(crate) fn value(&self, line: usize, open_ms: i64) -> Option<f64> {
        let at = self.open_ms.binary_search(&open_ms).ok()?;
        self.columns.get(line)?.get(at).copied().filter(|value| value.is_finite())
    }

    /// Returns the number of bars up to `open_ms` with a row.
    pub(crate) fn n_rows(&self, open_ms: i64) -> usize {
        self.open_ms.partition_point(|known| *known <= open_ms)
    }

    /// Returns the lowest and highest value at bars from `first_ms` to `last_ms`; histograms include zero. `None` without
    /// a value.
    pub(crate) fn extent(&self, first_ms: i64, last_ms: i64) -> Option<(f64, f64)> {
        let from = self.open_ms.partition_point(|known| *known < first_ms);
        let to = self.open_ms.partition_point(|known| *known <= last_ms);
        let finite = |values: &[f64]| {
            let finite = || values.iter().copied().filter(|value| value.is_finite());
            finite().reduce(f64::min).zip(finite().reduce(f64::max))
        };
        let of = |(line, column): (&IndicatorLine, &Vec<f64>)| {
            let (low, high) = finite(column.get(from..to)?)?;
            match line.style {
                LineStyle::Line | LineStyle::Dots => Some((low, high)),
                LineStyle::Histogram => Some((low.min(0.0), high.max(0.0))),
                LineStyle::Hidden => None,
            }
        };
        let extents = self.plot.lines.iter().zip(&self.columns).filter_map(of);
        extents.reduce(|(low, high), (lower, higher)| (low.min(lower), high.max(higher)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn indicator() -> Indicator {
        let lines = vec![IndicatorLine::default(), IndicatorLine { style: LineStyle::Histogram, colour: 1 }];
        Indicator::new(IndicatorPlot { lines, ..IndicatorPlot::default() })
    }

    #[test]
    fn rows_are_set_by_time_and_only_the_newest_is_light_work() {
        let mut of = indicator();
        assert!(of.upsert([(1, [Some(5.0), None].as_slice()), (3, &[Some(7.0), Some(2.0)])]));
        assert!(!of.upsert([(3, [Some(8.0), Some(3.0)].as_slice())]), "the newest row changed");
        assert!(of.upsert([(1, [Some(4.0), None].as_slice())]), "an older one changed");
        assert!(of.upsert([(2, [Some(6.0)].as_slice())]), "one came between");
        assert_eq!([1, 2, 3, 4].map(|at| of.value(0, at)), [Some(4.0), Some(6.0), Some(8.0), None]);
        assert_eq!([1, 2, 3].map(|at| of.value(1, at)), [None, None, Some(3.0)]);
        assert_eq!([0, 1, 2, 9].map(|at| of.n_rows(at)), [0, 1, 2, 3]);
    }

    #[test]
    fn extents_are_of_what_is_in_view_and_bars_stand_on_zero() {
        let mut of = indicator();
        of.upsert([(1, [Some(5.0), Some(9.0)].as_slice()), (2, &[Some(7.0), None]), (3, &[Some(f64::NAN), Some(6.0)])]);
        assert_eq!(of.extent(2, 2), Some((7.0, 7.0)));
        assert_eq!(of.extent(3, 9), Some((0.0, 6.0)));
        assert_eq!(of.extent(1, 3), Some((0.0, 9.0)));
        assert_eq!(of.extent(4, 9), None);
    }

    #[test]
    fn memory_is_bounded() {
        let mut of = indicator();
        assert!((0..3_000).all(|at| of.upsert([(at, [Some(1.0), None].as_slice())])));
        assert_eq!((of.open_ms.len(), of.columns[1].len()), (MAX_BARS, MAX_BARS));
        assert_eq!(of.value(0, 2_999), Some(1.0));
    }
}
