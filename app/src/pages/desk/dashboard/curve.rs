//! The curve of the equity over a day or longer and the drawdown below it, as one SVG: what the server kept, then the
//! figures as they come.

use std::{sync::Arc, time::Duration};

use leptos::prelude::*;
use model::time::Timestamp;

use crate::{format, pages::recordings::state::moment};

/// The equity at a time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// Our clock.
    pub time: Timestamp,
    /// In the account's currency.
    pub equity: f64,
}

/// The span of the curve.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EquityRange {
    /// A day.
    #[default]
    Day,
    /// Seven days.
    Week,
    /// Thirty days.
    Month,
    /// Since the account was opened.
    All,
}

impl EquityRange {
    /// All ranges, shortest first.
    pub const ALL: [Self; 4] = [Self::Day, Self::Week, Self::Month, Self::All];

    /// Returns its name on a button.
    pub fn label(self) -> &'static str {
        match self {
            Self::Day => "1 d",
            Self::Week => "1 w",
            Self::Month => "1 mo",
            Self::All => "All",
        }
    }

    /// Returns its length; `None` for all.
    pub fn span(self) -> Option<Duration> {
        match self {
            Self::Day => Some(DAY),
            Self::Week => Some(DAY * 7),
            Self::Month => Some(DAY * 30),
            Self::All => None,
        }
    }

    /// Returns the distance of its samples.
    pub fn every(self) -> Duration {
        match self {
            Self::Day => Duration::from_secs(20),
            Self::Week => Duration::from_secs(900),
            Self::Month => Duration::from_secs(3_600),
            Self::All => DAY,
        }
    }
}

/// The newest samples of a range, as far apart as it says. The newest one always counts.
#[derive(Debug, Default)]
pub struct EquityLog {
    range: EquityRange,
    samples: Arc<Vec<Sample>>,
}

impl EquityLog {
    /// Creates the empty log of a range.
    pub fn of(range: EquityRange) -> Self {
        Self { range, samples: Arc::default() }
    }

    /// Returns its range.
    pub fn range(&self) -> EquityRange {
        self.range
    }

    /// Takes a sample in; one that is too near to the last but one replaces the last. One from before the last, as after a
    /// jump of a replay, begins the log again.
    pub fn take(&mut self, sample: Sample) {
        if !sample.equity.is_finite() || self.samples.last() == Some(&sample) {
            return;
        }
        let samples = Arc::make_mut(&mut self.samples);
        if samples.last().is_some_and(|last| sample.time < last.time) {
            samples.clear();
        }
        let last_but_one = samples.len().checked_sub(2).and_then(|idx| samples.get(idx));
        if last_but_one.is_some_and(|known| sample.time.saturating_since(known.time) < self.range.every()) {
            samples.pop();
        }
        samples.push(sample);
        let n_surplus = samples.len().saturating_sub(MAX_SAMPLES);
        samples.drain(..n_surplus);
    }

    /// Begins with earlier samples, oldest first, as the server has kept them.
    pub fn begin(&mut self, mut earlier: Vec<Sample>) {
        if let Some(first) = self.samples.first() {
            earlier.retain(|sample| sample.time < first.time);
        }
        let n_surplus = (earlier.len() + self.samples.len()).saturating_sub(MAX_SAMPLES);
        earlier.drain(..n_surplus.min(earlier.len()));
        earlier.extend(self.samples.iter().copied());
        self.samples = Arc::new(earlier);
    }

    /// Returns the samples, oldest first.
    pub fn samples(&self) -> Arc<Vec<Sample>> {
        self.samples.clone()
    }
}

/// The paths of a curve, in a box of [`WIDTH`] by [`HEIGHT`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Curve {
    /// The equity.
    pub line: String,
    /// The drawdown from the highest sample, an area that hangs from the lower part's top.
    pub drawdown: String,
    /// Highest and lowest equity.
    pub bounds: Option<(f64, f64)>,
    /// Largest drawdown in the picture, as a share.
    pub worst: f64,
}

impl Curve {
    /// Draws samples, oldest first.
    pub fn of(samples: &[Sample]) -> Self {
        let (Some(first), Some(last)) = (samples.first(), samples.last()) else { return Self::default() };
        let (mut highest, mut lowest) = (first.equity, first.equity);
        let mut peak = first.equity;
        let mut drawdowns = Vec::with_capacity(samples.len());
        for sample in samples {
            (highest, lowest) = (highest.max(sample.equity), lowest.min(sample.equity));
            peak = peak.max(sample.equity);
            drawdowns.push(if peak > 0.0 { (peak - sample.equity) / peak } else { 0.0 });
        }
        let worst = drawdowns.iter().copied().fold(0.0, f64::max);
        let span = last.time.saturating_since(first.time).as_secs_f64();
        let x = |sample: &Sample| {
            let since = sample.time.saturating_since(first.time).as_secs_f64();
            if span > 0.0 { since / span * WIDTH } else { 0.0 }
        };
        let y = |equity: f64| {
            if highest > lowest { (highest - equity) / (highest - lowest) * LINE_HEIGHT } else { LINE_HEIGHT / 2.0 }
        };
        let mut line = String::new();
        let mut drawdown = format!("M0 {AREA_TOP}");
        for (idx, (sample, share)) in samples.iter().zip(&drawdowns).enumerate() {
            let letter = if idx == 0 { 'M' } else { 'L' };
            line.push_str(&format!("{letter}{:.1} {:.1}", x(sample), y(sample.equity)));
            let depth = if worst > 0.0 { share / worst * (HEIGHT - AREA_TOP) } else { 0.0 };
            drawdown.push_str(&format!("L{:.1} {:.1}", x(sample), AREA_TOP + depth));
        }
        drawdown.push_str(&format!("L{:.1} {AREA_TOP}Z", x(last)));
        Self { line, drawdown, bounds: Some((highest, lowest)), worst }
    }
}

/// The curve with its highest and lowest value.
#[component]
pub fn EquityCurve(
    /// Oldest first.
    samples: Memo<Arc<Vec<Sample>>>,
) -> impl IntoView {
    let curve = Memo::new(move |_| samples.with(|samples| Curve::of(samples)));
    let is_empty = move || samples.with(|samples| samples.len() < 2);
    let since =
        move || samples.with(|samples| samples.first().map(|first| moment(first.time.as_millis()))).unwrap_or_default();
    let bound = move |of: fn((f64, f64)) -> f64| {
        move || {
            curve
                .with(|curve| curve.bounds.map(|bounds| format::grouped(&format!("{:.2}", of(bounds)))))
                .unwrap_or_default()
        }
    };
    let words = move || {
        let (high, low) = (bound(|bounds| bounds.0)(), bound(|bounds| bounds.1)());
        format!("Total value since {} UTC, between {low} and {high}", since())
    };
    view! {
        <figure class="equity-curve" data-testid="equity-curve" data-samples=move || samples.with(|samples| samples.len().to_string())>
            <figcaption class="equity-curve__head">
                <span>"Total value since "{since}" UTC"</span>
                <span>"Drawdown "{move || format!("{:.2}\u{202f}%", curve.with(|curve| curve.worst) * 100.0)}</span>
            </figcaption>
            <div class="equity-curve__box">
                <svg
                    class="equity-curve__picture"
                    viewBox=format!("0 0 {WIDTH} {HEIGHT}")
                    preserveAspectRatio="none"
                    role="img"
                    aria-label=words
                >
                    <path class="equity-curve__drawdown" d=move || curve.with(|curve| curve.drawdown.clone())></path>
                    <path class="equity-curve__line" d=move || curve.with(|curve| curve.line.clone())></path>
                </svg>
                <span class="equity-curve__high">{bound(|bounds| bounds.0)}</span>
                <span class="equity-curve__low">{bound(|bounds| bounds.1)}</span>
                <p class="equity-curve__note" hidden=move || !is_empty()>"The curve begins with the second figure."</p>
            </div>
        </figure>
    }
}

/// Width of the box.
const WIDTH: f64 = 600.0;
/// Height of the box.
const HEIGHT: f64 = 160.0;
const LINE_HEIGHT: f64 = 120.0;
const AREA_TOP: f64 = 130.0;
const DAY: Duration = Duration::from_secs(86_400);
/// A day of samples, or fifteen years of days.
const MAX_SAMPLES: usize = 5_400;

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(time_ms: i64, equity: f64) -> Sample {
        Sample { time: Timestamp::from_millis(time_ms), equity }
    }

    #[test]
    fn samples_keep_their_distance_and_the_newest_counts() {
        for (range, unit_ms) in [(EquityRange::Day, 20_000), (EquityRange::All, 86_400_000)] {
            let mut log = EquityLog::of(range);
            for (tenths, equity) in [(0, 1.0), (4, 2.0), (8, 3.0), (12, 4.0), (13, f64::NAN), (14, 5.0)] {
                log.take(sample(tenths * unit_ms / 10, equity));
            }
            let expected =
                [(0, 1.0), (8, 3.0), (14, 5.0)].map(|(tenths, equity)| sample(tenths * unit_ms / 10, equity));
            assert_eq!(*log.samples(), expected);
        }
    }

    #[test]
    fn earlier_samples_come_before_those_at_hand() {
        let mut log = EquityLog::default();
        log.take(sample(5_000, 5.0));
        log.begin(vec![sample(1_000, 1.0), sample(4_000, 4.0), sample(6_000, 6.0)]);
        assert_eq!(*log.samples(), [sample(1_000, 1.0), sample(4_000, 4.0), sample(5_000, 5.0)]);
    }

    #[test]
    fn the_curve_fills_its_box_and_a_flat_one_is_in_the_middle() {
        let curve = Curve::of(&[sample(0, 100.0), sample(1_000, 110.0), sample(2_000, 99.0)]);
        assert_eq!(curve.line, "M0.0 109.1L300.0 0.0L600.0 120.0");
        assert_eq!(curve.bounds, Some((110.0, 99.0)));
        assert!((curve.worst - 0.1).abs() < 1e-12);
        assert_eq!(Curve::of(&[sample(0, 5.0), sample(1_000, 5.0)]).line, "M0.0 60.0L600.0 60.0");
        assert_eq!(Curve::of(&[]), Curve::default());
    }
}
