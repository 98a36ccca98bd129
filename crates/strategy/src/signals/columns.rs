//! Columns that a rule reads of each bar: prices, indicators, the book, windows over earlier bars.
//!
//! Equal columns are one, and each indicator is computed once a rule. Numbers of windows depend on closed bars alone, those
//! of the book come with its changes, and the rest moves with the forming bar.

use indicators::{bar::Bar, series::IndicatorSeries, spec::Spec};
use model::candle::Interval;

use crate::signals::{compile::MAX_INDICATORS, rows::View, top::Top};

/// The position of a number in each row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Column(pub(crate) usize);

/// Source of a number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Source {
    /// The close.
    Close,
    /// The volume.
    Volume,
    /// Always this.
    Level(f64),
    /// An output of an indicator.
    Indicator { series: usize, output: usize },
    /// The spread, in basis points.
    Spread,
    /// The imbalance of this many levels.
    Imbalance(usize),
    /// The highest high of the bars before.
    Highest(usize),
    /// The lowest low of the bars before.
    Lowest(usize),
    /// The mean volume of the bars before.
    MeanVolume(usize),
    /// The mean of another column over the bars before.
    Mean(Column, usize),
}

impl Source {
    fn is_of_book(self) -> bool {
        matches!(self, Self::Spread | Self::Imbalance(_))
    }

    fn is_window(self) -> bool {
        matches!(self, Self::Highest(_) | Self::Lowest(_) | Self::MeanVolume(_) | Self::Mean(..))
    }
}

/// Numbers that are computed again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Renewal {
    /// All but those of the book.
    All,
    /// Those that move with the forming bar.
    Moving,
}

/// The columns of a rule.
#[derive(Clone, Debug)]
pub(crate) struct Columns {
    interval: Interval,
    sources: Vec<Source>,
    specs: Vec<Spec>,
    series: Vec<IndicatorSeries>,
}

impl Columns {
    pub(crate) fn new(interval: Interval) -> Self {
        Self { interval, sources: Vec::new(), specs: Vec::new(), series: Vec::new() }
    }

    /// Returns the column of a source, which is added if there is none.
    pub(crate) fn add(&mut self, source: Source) -> Column {
        let known = self.sources.iter().position(|known| *known == source);
        Column(known.unwrap_or_else(|| {
            self.sources.push(source);
            self.sources.len() - 1
        }))
    }

    /// Returns true if an indicator is there, or one more is allowed.
    pub(crate) fn has_room_for(&self, spec: &Spec) -> bool {
        self.specs.len() < MAX_INDICATORS || self.specs.contains(spec)
    }

    /// Returns the column of an indicator's output.
    pub(crate) fn add_indicator(&mut self, spec: &Spec, output: usize) -> Column {
        let series = self.specs.iter().position(|known| known == spec).unwrap_or_else(|| {
            self.specs.push(spec.clone());
            self.specs.len() - 1
        });
        self.add(Source::Indicator { series, output })
    }

    pub(crate) fn len(&self) -> usize {
        self.sources.len()
    }

    /// Returns true if a number is of the book.
    pub(crate) fn reads_book(&self) -> bool {
        self.sources.iter().any(|source| source.is_of_book())
    }

    /// Returns the most bars before that a window needs.
    pub(crate) fn longest_window(&self) -> usize {
        let window = |source: &Source| match source {
            Source::Highest(n_bars) | Source::Lowest(n_bars) | Source::MeanVolume(n_bars) | Source::Mean(_, n_bars) => {
                *n_bars
            }
            _ => 0,
        };
        self.sources.iter().map(window).max().unwrap_or_default()
    }

    /// Returns after how many bars of its interval the slowest indicator no longer depends on its first bar.
    pub(crate) fn convergence(&self) -> usize {
        let bars = |spec: &Spec| {
            let own = self.interval.duration().as_secs();
            let read = spec.interval().map_or(own, |interval| interval.duration().as_secs());
            let per_bar = usize::try_from(read.div_ceil(own)).unwrap_or(usize::MAX);
            spec.lookback().saturating_add(spec.convergence()).saturating_mul(per_bar)
        };
        self.specs.iter().map(bars).max().unwrap_or_default()
    }

    /// Starts the indicators again, each keeping this many bars.
    pub(crate) fn restart(&mut self, n_bars: usize) {
        let open = |spec| IndicatorSeries::new(spec, self.interval, n_bars);
        self.series = self.specs.iter().map(open).collect();
    }

    /// Hands the indicators a new, changed or late bar.
    pub(crate) fn set(&mut self, bar: &Bar) {
        for series in &mut self.series {
            series.set(std::slice::from_ref(bar));
        }
    }

    /// Computes numbers of the bar of a view.
    pub(crate) fn compute(&self, view: &View<'_>, renewal: Renewal, numbers: &mut [f64]) {
        for (source, number) in self.sources.iter().zip(numbers) {
            if !source.is_of_book() && (renewal == Renewal::All || !source.is_window()) {
                *number = self.number(*source, view).unwrap_or(f64::NAN);
            }
        }
    }

    /// Writes the numbers of the book; true where there are any.
    pub(crate) fn read_book(&self, top: &Top<'_>, numbers: &mut [f64]) -> bool {
        let mut has_any = false;
        for (source, number) in self.sources.iter().zip(numbers) {
            *number = match source {
                Source::Spread => top.spread_bps(),
                Source::Imbalance(n_levels) => top.imbalance(*n_levels),
                _ => continue,
            };
            has_any = true;
        }
        has_any
    }

    /// Copies the numbers of the book.
    pub(crate) fn copy_book(&self, book: &[f64], numbers: &mut [f64]) {
        for ((source, number), of_book) in self.sources.iter().zip(numbers).zip(book) {
            if source.is_of_book() {
                *number = *of_book;
            }
        }
    }

    /// Returns the numbers of a row with their names, but for levels.
    pub(crate) fn named(&self, numbers: &[f64]) -> impl Iterator<Item = (String, f64)> {
        let known = self.sources.iter().zip(numbers).filter(|(_, number)| number.is_finite());
        known.filter_map(|(source, number)| Some((self.name(*source)?, *number)))
    }

    fn name(&self, source: Source) -> Option<String> {
        Some(match source {
            Source::Level(_) => return None,
            Source::Close => "close".to_owned(),
            Source::Volume => "volume".to_owned(),
            Source::Indicator { series, output } => self.specs.get(series)?.column(output),
            Source::Spread => "spread_bps".to_owned(),
            Source::Imbalance(n_levels) => format!("imbalance({n_levels})"),
            Source::Highest(n_bars) => format!("highest({n_bars})"),
            Source::Lowest(n_bars) => format!("lowest({n_bars})"),
            Source::MeanVolume(n_bars) => format!("mean_volume({n_bars})"),
            Source::Mean(column, n_bars) => {
                format!("mean_{}({n_bars})", self.name(*self.sources.get(column.0)?)?)
            }
        })
    }

    fn number(&self, source: Source, view: &View<'_>) -> Option<f64> {
        let bar = view.bar();
        match source {
            Source::Close => Some(bar.close),
            Source::Volume => Some(bar.volume),
            Source::Level(level) => Some(level),
            Source::Indicator { series, output } => {
                let series = self.series.get(series)?;
                match series.rows().last() {
                    Some((open_ms, values)) if *open_ms == bar.open_ms => values.get(output),
                    _ => series.row(bar.open_ms)?.get(output),
                }
            }
            Source::Spread | Source::Imbalance(_) => None,
            Source::Highest(n_bars) => Some(view.before(n_bars)?.map(|row| row.bar.high).fold(f64::NAN, f64::max)),
            Source::Lowest(n_bars) => Some(view.before(n_bars)?.map(|row| row.bar.low).fold(f64::NAN, f64::min)),
            Source::MeanVolume(n_bars) => Some(mean(view.before(n_bars)?.map(|row| row.bar.volume), n_bars)),
            Source::Mean(column, n_bars) => {
                let numbers = view.before(n_bars)?.map(|row| row.numbers.get(column.0).copied().unwrap_or(f64::NAN));
                Some(mean(numbers, n_bars))
            }
        }
    }
}

/// Adds oldest first, so that every machine gives the same; not a number if one of them is not.
#[expect(clippy::cast_precision_loss, reason = "at most 500 bars")]
fn mean(numbers: impl Iterator<Item = f64>, n_bars: usize) -> f64 {
    numbers.sum::<f64>() / n_bars as f64
}
